//! What sends one attempt, in each client.

use bytes::Bytes;
use http::Response;
use http_body::Body;

use crate::{
    client::{answer_body::AnswerBody, error::BoxError},
    decision::Attempt,
};

/// What sends one attempt: a chain of reqwest middlewares, or a tower service.
pub(crate) trait Wire: Send {
    type Request: Send;
    type Body: Body<Data = Bytes, Error: Into<BoxError>> + Send;

    /// The same request again, or `None` if its body can be sent only once.
    fn again(request: &Self::Request) -> Option<Self::Request>;

    fn send(
        &mut self,
        request: Self::Request,
    ) -> impl Future<Output = Result<Response<Self::Body>, Failure>> + Send;

    /// Whether a redirect was followed in what was sent last: the server that redirected may have
    /// done the operation, whatever came after.
    fn was_redirected(&self) -> bool {
        false
    }
}

/// An attempt that brought no answer.
pub(crate) struct Failure {
    pub(crate) attempt: Attempt,
    pub(crate) source: BoxError,
}

impl Failure {
    pub(crate) fn new(attempt: Attempt, source: impl Into<BoxError>) -> Self {
        Self {
            attempt,
            source: source.into(),
        }
    }
}

/// What came of an attempt, with its answer read as far as it is read.
pub(crate) type Answered<B> = Result<Response<AnswerBody<B>>, Failure>;
