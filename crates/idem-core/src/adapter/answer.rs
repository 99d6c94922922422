//! An answer in the handler's place, as an adapter sends it.

use bytes::Bytes;

use crate::record::{Response, STATUSES};

/// An answer that is sent in the handler's place: a replay or a refusal.
///
/// An adapter copies the status, the header lines and the body into its framework's response, and adds
/// nothing. A line that the framework cannot send is left out.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// `None` if no server could have sent it.
    response: Option<&'a Response>,
    replay_marker: Option<&'a str>,
}

impl<'a> Answer<'a> {
    /// An answer that is not a replay, such as a refusal as
    /// [`Refusal::to_response`](crate::Refusal::to_response) words it.
    #[must_use]
    pub fn new(response: &'a Response) -> Self {
        Self {
            response: Some(response).filter(|response| STATUSES.contains(&response.status())),
            replay_marker: None,
        }
    }

    /// A recorded response; a header of this name marks it with `true`.
    pub(crate) fn replay(response: &'a Response, replay_marker: &'a str) -> Self {
        Self {
            replay_marker: Some(replay_marker),
            ..Self::new(response)
        }
    }

    /// The status.
    ///
    /// It is 500 for a record whose status cannot be sent. Such a record is damaged, and nothing else that it says
    /// is sent either: it must not look like a success.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.response.map_or(500, Response::status)
    }

    /// The header lines in order, each as name and value. A marked replay has its marker once, as the last line.
    pub fn lines(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        let marker = self.response.and(self.replay_marker);
        let is_marker =
            move |name: &str| marker.is_some_and(|marker| name.eq_ignore_ascii_case(marker));
        let recorded = self.response.map(|response| response.headers().iter());
        let lines = recorded.into_iter().flatten();
        let lines = lines.filter(move |(name, _)| !is_marker(name));
        lines.chain(marker.map(|marker| (marker, b"true".as_slice())))
    }

    /// At most how many lines there are.
    #[must_use]
    pub fn most_lines(&self) -> usize {
        self.response.map_or(0, |response| response.headers().len()) + 1
    }

    /// The body; it shares the record's bytes.
    #[must_use]
    pub fn body(&self) -> Bytes {
        self.response.map(Response::body).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Headers;

    fn response(status: u16) -> Response {
        let lines: [(&str, &[u8]); 3] = [
            ("x-a", b"1"),
            ("Idempotency-Replayed", b"false"),
            ("x-a", b"2"),
        ];
        Response::new(status, lines.into_iter().collect(), "{}".into())
    }

    fn lines(answer: Answer<'_>) -> Headers {
        answer.lines().collect()
    }

    #[test]
    fn a_replay_is_the_record_with_its_marker_once() {
        let recorded = response(201);
        let answer = Answer::replay(&recorded, "idempotency-replayed");
        assert_eq!((answer.status(), answer.body()), (201, "{}".into()));
        let expected: [(&str, &[u8]); 3] = [
            ("x-a", b"1"),
            ("x-a", b"2"),
            ("idempotency-replayed", b"true"),
        ];
        assert_eq!(lines(answer), expected.into_iter().collect());
    }

    #[test]
    fn an_answer_that_is_no_replay_is_not_marked() {
        let refusal = response(409);
        assert_eq!(lines(Answer::new(&refusal)), *refusal.headers());
    }

    #[test]
    fn a_damaged_record_is_no_success_and_no_replay() {
        for status in [0, 99, 1000, u16::MAX] {
            let damaged = response(status);
            let answer = Answer::replay(&damaged, "idempotency-replayed");
            assert_eq!((answer.status(), answer.body()), (500, Bytes::new()));
            assert!(lines(answer).is_empty());
        }
    }
}
