//! Keys as operators see them: where one stands, and freeing one whose execution is dead.

use std::fmt;
use std::time::Duration;

use idem_core::{
    IdempotencyKey, KeyFormat, RecordKey,
    operator::{Freed, KeyState},
    store::{NotKept, StoreError},
};
use serde::Serialize;
use subtle::ConstantTimeEq;

use super::{KEY, Operations};
use crate::web::answer::{Answer, Failure};

/// The fewest characters of a token: 96 bits, if it is hexadecimal and drawn at random.
const SHORTEST: usize = 24;

/// The secret that operators send.
#[derive(Clone)]
pub struct AdminToken(String);

/// Why a text is no token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeakToken {
    /// It could be guessed.
    #[error("the admin token has {0} characters, and needs at least {SHORTEST}")]
    Short(usize),
    /// A client could not send it.
    #[error("the admin token has a character that is no letter, digit or sign of ASCII")]
    NotVisible,
}

impl AdminToken {
    /// Takes a token that is long enough, and that a header can carry.
    ///
    /// # Errors
    /// Says what is wrong, without the token.
    pub fn new(token: impl Into<String>) -> Result<Self, WeakToken> {
        let token = token.into();
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(WeakToken::NotVisible);
        }
        if token.len() < SHORTEST {
            return Err(WeakToken::Short(token.len()));
        }
        Ok(Self(token))
    }

    /// Whether an `Authorization` carries it. How long that takes tells its length at most.
    fn is_in(&self, authorization: Option<&[u8]>) -> bool {
        let Some((scheme, token)) = authorization.and_then(|value| value.split_at_checked(7))
        else {
            return false;
        };
        scheme.eq_ignore_ascii_case(b"Bearer ") && bool::from(token.ct_eq(self.0.as_bytes()))
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken(…)")
    }
}

/// What is said of a key: nothing of the request but a few digits of its digest, and nothing of
/// the response.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Seen {
    record: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    age_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
}

#[derive(Serialize)]
struct Released {
    record: String,
    released: bool,
}

type Answered = Result<Answer, Failure>;

impl Operations {
    /// `GET /admin/keys/look-up`, with the key in a header.
    pub(in crate::web) async fn look_up<'a>(
        &self,
        authorization: Option<&[u8]>,
        keys: impl IntoIterator<Item = &'a [u8]>,
    ) -> Answered {
        let record_key = self.authorized(authorization, keys)?;
        let found = self.idempotency.look_up(&record_key).await;
        let found = found.map_err(unavailable)?;
        let state = found.state();
        tracing::info!(key = ?record_key, state = state.as_str(), "an operator looked a key up");
        Ok(Answer::ok(&Seen {
            record: format!("{record_key:?}"),
            state: state.as_str(),
            reason: reason(state),
            age_seconds: found.age().map(seconds),
            remaining_seconds: found.remaining().map(seconds),
            fingerprint: found.fingerprint_prefix(),
        }))
    }

    /// `POST /admin/keys/release`, with the key in a header.
    pub(in crate::web) async fn release<'a>(
        &self,
        authorization: Option<&[u8]>,
        keys: impl IntoIterator<Item = &'a [u8]>,
    ) -> Answered {
        let record_key = self.authorized(authorization, keys)?;
        let freed = self.idempotency.free(&record_key).await;
        let released = freed.map_err(unavailable)? == Freed::Freed;
        tracing::warn!(key = ?record_key, released, "an operator released a key");
        Ok(Answer::ok(&Released {
            record: format!("{record_key:?}"),
            released,
        }))
    }

    /// The record's name, for whoever has the token. The market has no scopes.
    fn authorized<'a>(
        &self,
        authorization: Option<&[u8]>,
        keys: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<RecordKey, Failure> {
        let token = self.admin.as_ref();
        if !token.is_some_and(|token| token.is_in(authorization)) {
            let message = "this needs the admin token, as `Authorization: Bearer …`";
            return Err(Failure::new(401, message));
        }
        let key = key(keys)?;
        Ok(self.idempotency.record_key(None, &key))
    }
}

/// A key in either of its spellings, whatever the profile wants of clients.
fn key<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Result<IdempotencyKey, Failure> {
    let mut lines = lines.into_iter().peekable();
    if lines.peek().is_none() {
        let message = format!("send the key to look at in the header `{KEY}`");
        return Err(Failure::new(400, message));
    }
    let key = KeyFormat::default().parse(lines);
    key.map_err(|invalid| Failure::new(400, format!("the header `{KEY}`: {invalid}")))
}

/// The store's error is in the log, by the call that failed.
fn unavailable(_: StoreError) -> Failure {
    Failure::new(503, "the store could not be asked, try again")
}

fn reason(state: KeyState) -> Option<&'static str> {
    match state {
        KeyState::NotKept(NotKept::TooLarge) => Some("too_large"),
        KeyState::NotKept(NotKept::Stream) => Some("stream"),
        KeyState::NotKept(NotKept::NotSerializable) => Some("not_serializable"),
        _ => None,
    }
}

/// To the millisecond: more digits would promise what no store measures.
fn seconds(duration: Duration) -> f64 {
    duration.as_millis() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef01234567";

    #[test]
    fn a_token_that_could_be_guessed_or_not_be_sent_is_refused() {
        for (token, told) in [
            ("", "has 0 characters"),
            ("0123456789abcdef0123456", "has 23 characters"),
            ("0123456789abcdef 0123456789abcdef", "no letter"),
            ("0123456789abcdefé0123456789abcdef", "no letter"),
        ] {
            let error = AdminToken::new(token).unwrap_err().to_string();
            assert!(error.contains(told), "{token:?}: {error}");
        }
        let token = AdminToken::new(TOKEN).unwrap();
        assert!(!format!("{token:?}").contains(TOKEN));
    }

    #[test]
    fn the_token_and_nothing_else_is_the_token() {
        let token = AdminToken::new(TOKEN).unwrap();
        let is_in = |value: &str| token.is_in(Some(value.as_bytes()));
        assert!(is_in(&format!("Bearer {TOKEN}")));
        assert!(is_in(&format!("bearer {TOKEN}")));
        for value in [
            "",
            "Bearer",
            "Bearer ",
            TOKEN,
            &format!("Basic {TOKEN}"),
            &format!("Bearer {TOKEN}0"),
            &format!("Bearer {}", &TOKEN[1..]),
            &format!("Bearer {}", TOKEN.to_uppercase()),
            &format!("Bearer  {TOKEN}"),
        ] {
            assert!(!is_in(value), "{value}");
        }
        assert!(!token.is_in(None));
    }
}
