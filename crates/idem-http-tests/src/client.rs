//! What a client gets.

use reqwest::RequestBuilder;

/// An answer, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl Answer {
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(candidate, _)| candidate == name)?;
        std::str::from_utf8(value).ok()
    }

    #[must_use]
    pub fn values(&self, name: &str) -> Vec<&[u8]> {
        let headers = self.headers.iter();
        let lines = headers.filter(|(candidate, _)| candidate == name);
        lines.map(|(_, value)| value.as_slice()).collect()
    }

    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[must_use]
    pub fn is_replay(&self) -> bool {
        self.header("idempotency-replayed") == Some("true")
    }

    /// The answer without what may differ between an original and its replay.
    #[must_use]
    pub fn comparable(&self) -> Self {
        let mut answer = self.clone();
        answer
            .headers
            .retain(|(name, _)| name != "date" && name != "idempotency-replayed");
        // The order of different names has no meaning, that of equal names has.
        answer
            .headers
            .sort_by(|(one, _), (other, _)| one.cmp(other));
        answer
    }
}

/// Sends a request, and reads its answer.
///
/// # Panics
/// If there is none, or if it breaks off.
pub async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("the server answers");
    let status = response.status().as_u16();
    let headers = response.headers().iter();
    let headers = headers
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect();
    let body = response.bytes().await.expect("the body is whole").to_vec();
    Answer {
        status,
        headers,
        body,
    }
}
