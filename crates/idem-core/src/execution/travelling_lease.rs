//! A lease outside the process that claimed it: a value, and its text.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    digest::{Hasher, Hex, from_hex, text_from_hex},
    policy::{LONGEST, SHORTEST},
    record::{Identity, Lease, OwnerToken, RecordKey},
    request::{CredentialsDigest, Fingerprint, IdempotencyKey},
};

/// What every text of this version begins with.
const PREFIX: &str = "idem-lease-1.";

/// What the text of any version begins with.
const ANY_VERSION: &str = "idem-lease-";

/// A lease that was claimed in one process and is to be completed in another: by a queue's worker, or by a
/// workflow's last step. Step Functions and Temporal call this a task token.
///
/// It holds the key, the record's name, digests of the request and of the caller's credentials, the owner
/// token, and how long the lease runs from each renewal. [`Execution::travel`] and [`CurrentExecution::travel`]
/// create it, and [`Idempotency::resume`] takes it.
///
/// # It is a secret
/// Its bearer may complete the record, and so decides what the client's retries get. Put it into the message,
/// never into a log, a response or an error; `Debug` shows only the short name of the record, and there is no
/// `Display`. It cannot be guessed: the owner token is 128 random bits.
///
/// # Altered, stale, twice
/// - A text that was cut short or altered is [refused](InvalidLease) when it is read, by a digest at its
///   end. That is against accidents. A forger can compute the digest, and then meets the store's
///   fence: a lease with another owner, or under another key, is lost there and changes nothing. So
///   the text has no signature, which would be one more key to keep.
/// - One whose lease ran out, or whose record was completed or freed, is lost: nothing runs for it,
///   and nothing that stands in the store is overwritten.
/// - It does not lock its bearers out: two deliveries of one message both hold it. Let the worker run a message
///   once by [`Idempotency::run`], as with any queue that delivers at least once.
///
/// # Text
/// [`to_text`](Self::to_text) and [`FromStr`] are one line of ASCII: letters, digits, `.` and `-`, some
/// 300 bytes, at most 800. Serde writes the same text as a string.
///
/// ```
/// use idem_core::TravellingLease;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Message {
///     order: u32,
///     lease: TravellingLease,
/// }
/// ```
///
/// [`Execution::travel`]: crate::adapter::Execution::travel
/// [`CurrentExecution::travel`]: crate::CurrentExecution::travel
/// [`Idempotency::resume`]: crate::Idempotency::resume
/// [`Idempotency::run`]: crate::Idempotency::run
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TravellingLease {
    key: IdempotencyKey,
    record_key: RecordKey,
    lease: Lease,
}

/// Why a text is not a lease. None of these repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidLease {
    /// It does not begin like a lease.
    #[error("the text is no lease: it must begin with `{PREFIX}`")]
    NotALease,
    /// Another release wrote it, in a form that this one does not know.
    #[error("the lease has another version than this release reads, `{PREFIX}`")]
    OtherVersion,
    /// It was altered or cut short.
    #[error("the lease was cut short or altered: take all of the text, as it was sent")]
    Damaged,
}

impl TravellingLease {
    /// Describes a lease under a record key, which was derived from the client's key. It runs for at least 1 ms
    /// and at most 100 years, which any clock can add. Whether it is [durable](Lease::is_durable) does not
    /// travel: the policy of the process that takes it up decides.
    #[must_use]
    pub fn new(key: IdempotencyKey, record_key: RecordKey, lease: Lease) -> Self {
        let duration = lease.duration().clamp(SHORTEST, LONGEST);
        Self {
            key,
            record_key,
            lease: Lease::of_owner(*lease.owner(), *lease.identity(), duration),
        }
    }

    /// The key that the client sent.
    #[must_use]
    pub const fn key(&self) -> &IdempotencyKey {
        &self.key
    }

    /// The name of the record, which may be logged.
    #[must_use]
    pub const fn record_key(&self) -> &RecordKey {
        &self.record_key
    }

    /// The lease as the store has it, with the owner token.
    #[must_use]
    pub const fn lease(&self) -> &Lease {
        &self.lease
    }

    /// How long it runs from each renewal.
    #[must_use]
    pub const fn duration(&self) -> Duration {
        self.lease.duration()
    }

    /// The whole lease as one line of text, **the secret in it**. Durations are rounded down to the
    /// millisecond.
    #[must_use]
    pub fn to_text(&self) -> String {
        let identity = self.lease.identity();
        let credentials = match identity.credentials() {
            Some(digest) => Hex(digest.as_bytes()).to_string(),
            None => "-".to_owned(),
        };
        let text = format!(
            "{PREFIX}{}.{}.{}.{credentials}.{}.{}",
            Hex(self.record_key.as_bytes()),
            Hex(self.lease.owner().as_bytes()),
            Hex(identity.fingerprint().as_bytes()),
            self.duration().as_millis().max(1),
            Hex(self.key.as_str().as_bytes()),
        );
        let check = check(&text);
        text + "." + &check
    }
}

/// 64 bits of a digest over all that stands before it.
fn check(text: &str) -> String {
    let mut hasher = Hasher::new("idem travelling lease 1");
    hasher.add(text.as_bytes());
    Hex(&hasher.finish()[..8]).to_string()
}

impl FromStr for TravellingLease {
    type Err = InvalidLease;

    fn from_str(text: &str) -> Result<Self, InvalidLease> {
        let Some(fields) = text.strip_prefix(PREFIX) else {
            return Err(match text.starts_with(ANY_VERSION) {
                true => InvalidLease::OtherVersion,
                false => InvalidLease::NotALease,
            });
        };
        let (all, found) = text.rsplit_once('.').ok_or(InvalidLease::Damaged)?;
        if check(all) != found {
            return Err(InvalidLease::Damaged);
        }
        read(fields).ok_or(InvalidLease::Damaged)
    }
}

fn read(fields: &str) -> Option<TravellingLease> {
    let mut fields = fields.split('.');
    let record_key = RecordKey::from_bytes(from_hex(fields.next()?)?);
    let owner = OwnerToken::from_bytes(from_hex(fields.next()?)?);
    let fingerprint = Fingerprint::from_bytes(from_hex(fields.next()?)?);
    let credentials = match fields.next()? {
        "-" => None,
        digest => Some(CredentialsDigest::from_bytes(from_hex(digest)?)),
    };
    let milliseconds = fields.next()?.parse().ok().filter(|&ms: &u64| ms > 0)?;
    let key = IdempotencyKey::new(text_from_hex(fields.next()?)?).ok()?;
    let identity = Identity::new(fingerprint).with_credentials(credentials);
    let lease = Lease::of_owner(owner, identity, Duration::from_millis(milliseconds));
    Some(TravellingLease::new(key, record_key, lease))
}

impl From<TravellingLease> for String {
    fn from(lease: TravellingLease) -> Self {
        lease.to_text()
    }
}

impl TryFrom<String> for TravellingLease {
    type Error = InvalidLease;

    fn try_from(text: String) -> Result<Self, InvalidLease> {
        text.parse()
    }
}

impl fmt::Debug for TravellingLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TravellingLease")
            .field("record_key", &self.record_key)
            .field("duration", &self.duration())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "idem-lease-1.\
        0303030303030303030303030303030303030303030303030303030303030303.\
        01010101010101010101010101010101.\
        0707070707070707070707070707070707070707070707070707070707070707.\
        -.30000.6f726465722d3137.";

    fn lease(key: &str, credentials: Option<[u8; 32]>, duration: Duration) -> TravellingLease {
        let identity = Identity::new(Fingerprint::from_bytes([7; 32]))
            .with_credentials(credentials.map(CredentialsDigest::from_bytes));
        TravellingLease::new(
            IdempotencyKey::new(key).unwrap(),
            RecordKey::from_bytes([3; 32]),
            Lease::of_owner(OwnerToken::from_bytes([1; 16]), identity, duration),
        )
    }

    fn some_lease() -> TravellingLease {
        lease("order-17", Some([9; 32]), Duration::from_secs(30))
    }

    proptest! {
        #[test]
        fn a_lease_survives_as_text_and_in_json(
            key in "[ -~é🐐]{1,60}",
            credentials in any::<Option<[u8; 32]>>(),
            milliseconds in 1..LONGEST.as_millis() as u64,
        ) {
            let lease = lease(&key, credentials, Duration::from_millis(milliseconds));
            prop_assert_eq!(lease.to_text().parse(), Ok(lease.clone()));
            let json = serde_json::to_string(&lease).unwrap();
            prop_assert_eq!(serde_json::from_str::<TravellingLease>(&json).unwrap(), lease);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
            prop_assert!(text.parse::<TravellingLease>().is_err());
            let text = format!("{PREFIX}{text}");
            prop_assert_eq!(text.parse::<TravellingLease>(), Err(InvalidLease::Damaged));
            let text = format!("{text}.{}", check(&text));
            prop_assert_eq!(text.parse::<TravellingLease>(), Err(InvalidLease::Damaged));
        }
    }

    #[test]
    fn every_cut_and_every_altered_byte_is_refused() {
        let text = some_lease().to_text();
        for length in 0..text.len() {
            assert!(
                text[..length].parse::<TravellingLease>().is_err(),
                "{length}"
            );
        }
        for position in 0..text.len() {
            for other in [b'0', b'f', b'.', b'-'] {
                let mut altered = text.clone().into_bytes();
                if altered[position] == other {
                    continue;
                }
                altered[position] = other;
                let altered = String::from_utf8(altered).unwrap();
                assert!(
                    altered.parse::<TravellingLease>().is_err(),
                    "{position}: {altered}"
                );
            }
        }
        assert!(format!("{text}0").parse::<TravellingLease>().is_err());
    }

    #[test]
    fn what_is_wrong_is_said_and_the_text_is_not() {
        for (text, error) in [
            ("", InvalidLease::NotALease),
            ("eyJhbGciOiJIUzI1NiJ9.e30.x", InvalidLease::NotALease),
            ("idem-lease-2.00.x", InvalidLease::OtherVersion),
            ("idem-lease-1.00.x", InvalidLease::Damaged),
            ("idem-lease-1.", InvalidLease::Damaged),
        ] {
            assert_eq!(text.parse::<TravellingLease>(), Err(error), "{text}");
        }
        let json = serde_json::from_str::<TravellingLease>("\"idem-lease-1.secret.x\"");
        let told = json.unwrap_err().to_string();
        assert!(
            told.contains("cut short or altered") && !told.contains("secret"),
            "{told}"
        );
    }

    #[test]
    fn a_lease_that_was_sent_stays_readable() {
        // This is what the first release sends; it may wait in a queue while servers are replaced.
        let text = format!("{TEXT}430252d4bba802dd");
        let sent = lease("order-17", None, Duration::from_secs(30));
        assert_eq!(text.parse(), Ok(sent.clone()));
        assert_eq!(sent.to_text(), text);
    }

    #[test]
    fn a_lease_that_lasts_no_time_is_none() {
        let text = TEXT.trim_end_matches('.').replace(".30000.", ".0.");
        let text = format!("{text}.{}", check(&text));
        assert_eq!(text.parse::<TravellingLease>(), Err(InvalidLease::Damaged));
    }

    #[test]
    fn a_lease_longer_than_a_clock_can_add_is_shortened() {
        let longest = lease("order-17", None, LONGEST);
        let text = TEXT.trim_end_matches('.');
        let text = text.replace(".30000.", &format!(".{}.", u64::MAX));
        let text = format!("{text}.{}", check(&text));
        assert_eq!(text.parse(), Ok(longest.clone()));
        assert_eq!(lease("order-17", None, Duration::MAX), longest);
        assert!(
            std::time::Instant::now()
                .checked_add(longest.duration())
                .is_some()
        );
    }

    #[test]
    fn the_longest_text_is_as_short_as_it_says() {
        let longest = lease(
            &"k".repeat(255),
            Some([9; 32]),
            Duration::from_millis(u64::MAX),
        );
        assert!(
            longest.to_text().len() <= 800,
            "{}",
            longest.to_text().len()
        );
        assert!(longest.to_text().is_ascii());
    }

    #[test]
    fn debug_shows_neither_owner_nor_key() {
        let shown = format!("{:?}", some_lease());
        assert_eq!(
            shown,
            "TravellingLease { record_key: 030303030303, duration: 30s, .. }"
        );
    }
}
