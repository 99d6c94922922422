//! Records as bytes, for stores that keep them outside the process.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `idem` |
//! | 1 | version, 1 |
//! | 4 | length of the header, big-endian |
//! | header | a JSON object; unknown members are ignored |
//! | rest | the response's body as it is |
//!
//! JSON lets a release add members while older and newer servers share a store; the body stays
//! outside it, since base64 would cost more than all the rest. A header value is opaque bytes and
//! stands in JSON as text with one character, U+0000 to U+00FF, for each byte.

use std::error::Error;

use serde::{Deserialize, Serialize};

use crate::{
    digest::{Hex, from_hex},
    record::{
        Completed, Identity, Lease, NotKept, Outcome, OwnerToken, Pending, Record, Response,
        STATUSES, is_field,
    },
    request::{CredentialsDigest, Fingerprint},
};

const MAGIC: [u8; 4] = *b"idem";
const VERSION: u8 = 1;
const PREFIX: usize = 9;

/// Why bytes are not a record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// They do not begin like a record.
    #[error("the bytes do not begin as a record does")]
    NotARecord,
    /// They end before the record does.
    #[error("the record is cut short")]
    Truncated,
    /// The header is not JSON of the right shape.
    #[error("the record's header cannot be read")]
    Header(#[source] Box<dyn Error + Send + Sync>),
    /// The header holds a value that has no meaning.
    #[error("the record's header has no valid `{0}`")]
    Value(&'static str),
}

impl From<serde_json::Error> for DecodeError {
    fn from(error: serde_json::Error) -> Self {
        Self::Header(error.into())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Pending,
    Response,
    TooLarge,
    Stream,
    NotSerializable,
}

#[derive(Serialize, Deserialize)]
struct Header {
    state: State,
    owner: String,
    fingerprint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credentials: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    headers: Vec<(String, String)>,
}

impl Header {
    fn new(state: State, owner: &OwnerToken, identity: &Identity) -> Self {
        Self {
            state,
            owner: Hex(owner.as_bytes()).to_string(),
            fingerprint: Hex(identity.fingerprint().as_bytes()).to_string(),
            credentials: identity
                .credentials()
                .map(|digest| Hex(digest.as_bytes()).to_string()),
            status: None,
            headers: Vec::new(),
        }
    }

    fn with_response(mut self, response: &Response) -> Self {
        self.status = Some(response.status());
        self.headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (
                    name.to_owned(),
                    value.iter().copied().map(char::from).collect(),
                )
            })
            .collect();
        self
    }

    fn owner(&self) -> Result<OwnerToken, DecodeError> {
        from_hex(&self.owner)
            .map(OwnerToken::from_bytes)
            .ok_or(DecodeError::Value("owner"))
    }

    fn identity(&self) -> Result<Identity, DecodeError> {
        let fingerprint = from_hex(&self.fingerprint)
            .map(Fingerprint::from_bytes)
            .ok_or(DecodeError::Value("fingerprint"))?;
        let credentials = match &self.credentials {
            None => None,
            Some(digest) => Some(
                from_hex(digest)
                    .map(CredentialsDigest::from_bytes)
                    .ok_or(DecodeError::Value("credentials"))?,
            ),
        };
        Ok(Identity::new(fingerprint).with_credentials(credentials))
    }

    fn outcome(&self, body: &[u8]) -> Result<Outcome, DecodeError> {
        let status = self.status.filter(|status| STATUSES.contains(status));
        let status = status.ok_or(DecodeError::Value("status"))?;
        let mut lines = Vec::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            let value: Result<Vec<_>, _> = value.chars().map(u8::try_from).collect();
            match value {
                Ok(value) if is_field(name, &value) => lines.push((name, value)),
                _ => return Err(DecodeError::Value("headers")),
            }
        }
        let lines = || lines.iter().map(|(name, value)| (name.as_str(), &**value));
        Ok(Response::packed(status, lines, body).into())
    }
}

/// Encodes a pending record: always the same bytes for the same lease.
#[must_use]
pub fn encode_pending(lease: &Lease) -> Vec<u8> {
    frame(
        &Header::new(State::Pending, lease.owner(), lease.identity()),
        b"",
    )
}

/// Encodes a completed record. If no server could have sent its response, [`decode`] refuses the bytes.
#[must_use]
pub fn encode_completed(lease: &Lease, outcome: &Outcome) -> Vec<u8> {
    let header = |state| Header::new(state, lease.owner(), lease.identity());
    match outcome {
        Outcome::Response(response) => frame(
            &header(State::Response).with_response(response),
            response.body_bytes(),
        ),
        Outcome::NotKept(NotKept::TooLarge) => frame(&header(State::TooLarge), b""),
        Outcome::NotKept(NotKept::Stream) => frame(&header(State::Stream), b""),
        Outcome::NotKept(NotKept::NotSerializable) => frame(&header(State::NotSerializable), b""),
    }
}

fn frame(header: &Header, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(PREFIX + 256 + body.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.push(VERSION);
    bytes.extend_from_slice(&[0; 4]);
    serde_json::to_writer(&mut bytes, header).expect("text and numbers always serialise");
    let length = u32::try_from(bytes.len() - PREFIX).expect("headers stay far below 4 GiB");
    bytes[PREFIX - 4..PREFIX].copy_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// Decodes a record.
///
/// A record of a newer version is [`Record::Unreadable`], which refuses the request and never
/// runs it again.
///
/// # Errors
/// The bytes are damaged, or were never a record: a status outside 100 to 999 or a header that cannot
/// be sent is damage too, and is never replayed. Treat it as a failure of the store.
pub fn decode(bytes: &[u8]) -> Result<Record, DecodeError> {
    let rest = bytes.strip_prefix(&MAGIC).ok_or(DecodeError::NotARecord)?;
    match rest.first() {
        None => return Err(DecodeError::Truncated),
        Some(&VERSION) => {}
        Some(_) => return Ok(Record::Unreadable),
    }
    let length = rest.get(1..5).ok_or(DecodeError::Truncated)?;
    let length = u32::from_be_bytes(length.try_into().expect("four bytes were taken"));
    let (header, body) = rest[5..]
        .split_at_checked(length as usize)
        .ok_or(DecodeError::Truncated)?;
    read(&serde_json::from_slice(header)?, body)
}

fn read(header: &Header, body: &[u8]) -> Result<Record, DecodeError> {
    let owner = header.owner()?;
    let identity = header.identity()?;
    let outcome = match header.state {
        State::Pending => return Ok(Record::Pending(Pending::new(owner, identity, None))),
        State::Response => header.outcome(body)?,
        State::TooLarge => Outcome::NotKept(NotKept::TooLarge),
        State::Stream => Outcome::NotKept(NotKept::Stream),
        State::NotSerializable => Outcome::NotKept(NotKept::NotSerializable),
    };
    Ok(Record::Completed(Completed::new(owner, identity, outcome)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::record::Headers;

    fn lease(credentials: Option<[u8; 32]>) -> Lease {
        let identity = Identity::new(Fingerprint::from_bytes([7; 32]))
            .with_credentials(credentials.map(CredentialsDigest::from_bytes));
        Lease::of_owner(
            OwnerToken::from_bytes([1; 16]),
            identity,
            Duration::from_secs(30),
        )
    }

    fn completed(lease: &Lease, outcome: Outcome) -> Record {
        Record::Completed(Completed::new(*lease.owner(), *lease.identity(), outcome))
    }

    fn with_header(header: &str, body: &[u8]) -> Vec<u8> {
        let mut bytes = b"idem\x01".to_vec();
        bytes.extend_from_slice(&(header.len() as u32).to_be_bytes());
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(body);
        bytes
    }

    proptest! {
        #[test]
        fn a_response_survives_byte_for_byte(
            status in 100..=999_u16,
            lines in proptest::collection::vec(("[a-z-]{1,12}", "[ -~\t\u{80}-\u{ff}]{0,20}"), 0..6),
            body in proptest::collection::vec(any::<u8>(), 0..300),
            credentials in any::<Option<[u8; 32]>>(),
        ) {
            let lease = lease(credentials);
            let mut headers = Headers::default();
            for (name, value) in &lines {
                let value: Vec<u8> = value.chars().map(|byte| byte as u8).collect();
                headers.push(name, &value);
            }
            let outcome = Outcome::from(Response::new(status, headers, body.into()));
            let decoded = decode(&encode_completed(&lease, &outcome)).unwrap();
            prop_assert_eq!(decoded, completed(&lease, outcome));
        }

        #[test]
        fn any_bytes_are_decoded_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode(&bytes);
            let mut framed = b"idem\x01".to_vec();
            framed.extend_from_slice(&bytes);
            let _ = decode(&framed);
        }
    }

    #[test]
    fn a_lease_has_one_encoding_and_survives() {
        let lease = lease(Some([9; 32]));
        let bytes = encode_pending(&lease);
        assert_eq!(bytes, encode_pending(&lease));
        let pending = Pending::new(*lease.owner(), *lease.identity(), None);
        assert_eq!(decode(&bytes).unwrap(), Record::Pending(pending));
    }

    #[test]
    fn that_nothing_was_kept_survives() {
        for reason in [NotKept::TooLarge, NotKept::Stream, NotKept::NotSerializable] {
            let outcome = Outcome::NotKept(reason);
            let decoded = decode(&encode_completed(&lease(None), &outcome)).unwrap();
            assert_eq!(decoded, completed(&lease(None), outcome));
        }
    }

    #[test]
    fn members_that_a_newer_release_added_are_ignored() {
        let header = format!(
            r#"{{"state":"response","owner":"{}","fingerprint":"{}","status":201,"region":{{"a":[1]}}}}"#,
            "01".repeat(16),
            "07".repeat(32),
        );
        let outcome = Outcome::from(Response::new(
            201,
            Headers::default(),
            Bytes::from_static(b"ok"),
        ));
        assert_eq!(
            decode(&with_header(&header, b"ok")).unwrap(),
            completed(&lease(None), outcome)
        );
    }

    #[test]
    fn a_response_that_no_server_could_have_sent_is_refused() {
        let header = |status: &str, headers: &str| {
            let (owner, fingerprint) = ("01".repeat(16), "07".repeat(32));
            let header = format!(
                r#"{{"state":"response","owner":"{owner}","fingerprint":"{fingerprint}"{status},"headers":{headers}}}"#,
            );
            decode(&with_header(&header, b"ok"))
        };
        for status in [
            "",
            r#","status":0"#,
            r#","status":99"#,
            r#","status":1000"#,
            r#","status":65535"#,
        ] {
            let error = header(status, "[]").unwrap_err();
            assert!(
                matches!(error, DecodeError::Value("status")),
                "{status}: {error}"
            );
        }
        for status in [100, 200, 999] {
            assert!(header(&format!(r#","status":{status}"#), "[]").is_ok());
        }
        for headers in [
            r#"[["","a"]]"#,
            r#"[["a b","a"]]"#,
            r#"[["a:","a"]]"#,
            r#"[["é","a"]]"#,
            r#"[["a\r\nb","a"]]"#,
            r#"[["a","a\r\nset-cookie: b"]]"#,
            r#"[["a","\u0000"]]"#,
            r#"[["a","\u007f"]]"#,
            r#"[["a","Ā"]]"#,
        ] {
            let error = header(r#","status":200"#, headers).unwrap_err();
            assert!(
                matches!(error, DecodeError::Value("headers")),
                "{headers}: {error}"
            );
        }
        assert!(header(r#","status":200"#, r#"[["X-A","a\tb ÿ"],["X-A",""]]"#).is_ok());
    }

    #[test]
    fn another_version_is_unreadable_and_not_absent() {
        let mut bytes = encode_pending(&lease(None));
        bytes[4] = 2;
        assert_eq!(decode(&bytes).unwrap(), Record::Unreadable);
    }

    #[test]
    fn every_cut_of_a_record_is_refused() {
        let outcome = Outcome::from(Response::new(200, Headers::default(), Bytes::new()));
        let bytes = Bytes::from(encode_completed(&lease(None), &outcome));
        for length in 0..bytes.len() {
            assert!(
                decode(&bytes[..length]).is_err(),
                "cut after {length} bytes"
            );
        }
    }

    #[test]
    fn records_of_version_1_stay_readable() {
        // This is what the first release wrote; a store may still hold it.
        let header = r#"{"state":"response","owner":"01010101010101010101010101010101","fingerprint":"0707070707070707070707070707070707070707070707070707070707070707","status":201,"headers":[["content-type","application/json"],["x-bytes","ÿ"]]}"#;
        let outcome = Outcome::from(Response::new(
            201,
            [
                ("content-type", b"application/json".as_slice()),
                ("x-bytes", b"\xff"),
            ]
            .into_iter()
            .collect(),
            Bytes::from_static(b"{\"id\":17}"),
        ));
        let bytes = with_header(header, b"{\"id\":17}");
        assert_eq!(
            decode(&bytes).unwrap(),
            completed(&lease(None), outcome.clone())
        );
        assert_eq!(encode_completed(&lease(None), &outcome), bytes);
    }
}
