//! An answer, and what it means for the operation.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header};

/// What a server answered, as a dialect reads it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Answer<'a> {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body, or its beginning if it is longer than
    /// [`IdempotentRetries::answer_limit`](crate::IdempotentRetries::answer_limit).
    pub body: &'a [u8],
}

impl<'a> Answer<'a> {
    /// Puts an answer together.
    #[must_use]
    pub const fn new(status: StatusCode, headers: &'a HeaderMap, body: &'a [u8]) -> Self {
        Self {
            status,
            headers,
            body,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What the status alone says.
    pub(crate) fn by_status(&self) -> Meaning {
        match self.status.as_u16() {
            425 | 429 => Meaning::NotDone,
            408 | 500 | 502..=504 => Meaning::Unknown,
            _ => Meaning::Result,
        }
    }
}

/// What an answer means for the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Meaning {
    /// The operation's own answer.
    Result,
    /// The answer that an earlier attempt got.
    Replay,
    /// An earlier attempt is still running.
    InProgress,
    /// This attempt took no effect, and another one may succeed.
    NotDone,
    /// The server failed, and nobody knows how far it came; another attempt may succeed.
    Unknown,
    /// Neither the operation's answer nor something that another attempt changes.
    Refused(Refusal),
}

/// Why a server refuses an operation under its key for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The key was used before with another request.
    #[error("the key was used before with another request")]
    Mismatch,
    /// The key was used before by another caller.
    #[error("the key was used before by another caller")]
    OtherCaller,
    /// The server found no key.
    #[error("the server found no key")]
    KeyMissing,
    /// The server does not accept the key.
    #[error("the server does not accept the key")]
    KeyInvalid,
    /// The operation was done, and its answer was not kept.
    #[error("the operation was done, but its answer was not kept")]
    AnswerNotKept,
    /// The operation was rolled back, and would be again.
    #[error("the operation was rolled back, and would be again")]
    NotCommitted,
    /// The payload is too large.
    #[error("the payload is too large")]
    PayloadTooLarge,
    /// Something that this version of the crate does not know.
    #[error("the server refused for a reason that is not known here")]
    Other,
}

/// How long the server asks to wait: `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3).
///
/// A date is compared with the server's own `Date`, if there is one, so that clocks need not agree.
/// The result is not bounded; a value that cannot be read counts as none.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    let date = headers.get(header::DATE).and_then(|it| it.to_str().ok());
    let now = date
        .and_then(|it| httpdate::parse_http_date(it).ok())
        .unwrap_or(now);
    Some(at.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(retry_after_header: &str, date: Option<&str>) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", retry_after_header.parse().unwrap());
        if let Some(date) = date {
            headers.insert("date", date.parse().unwrap());
        }
        // Sun, 06 Nov 1994 08:49:37 GMT
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        retry_after(&headers, now)
    }

    #[test]
    fn seconds_are_read() {
        assert_eq!(wait("0", None), Some(Duration::ZERO));
        assert_eq!(wait("120", None), Some(Duration::from_secs(120)));
        assert_eq!(
            wait("99999999999999999999999", None),
            Some(Duration::from_secs(u64::MAX))
        );
    }

    #[test]
    fn a_date_is_read_by_the_clock_of_the_server() {
        let at = "Sun, 06 Nov 1994 08:50:07 GMT";
        assert_eq!(wait(at, None), Some(Duration::from_secs(30)));
        let date = Some("Sun, 06 Nov 1994 08:50:00 GMT");
        assert_eq!(wait(at, date), Some(Duration::from_secs(7)));
        let late = Some("Sun, 06 Nov 1994 08:51:00 GMT");
        assert_eq!(wait(at, late), Some(Duration::ZERO));
    }

    #[test]
    fn what_is_neither_counts_as_none() {
        for text in ["soon", "", "-1", "1.5", "1 s"] {
            assert_eq!(wait(text, None), None, "{text}");
        }
    }
}
