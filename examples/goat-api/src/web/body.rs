//! The body of a request that has to be JSON, and the bodies of the answers.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use serde::Serialize;

use crate::web::content_type;
use crate::web::error::Failure;

/// The largest body that is read, in bytes.
pub(super) const LARGEST: usize = 2 * 1024 * 1024;

/// The bytes of a body that says that it is JSON; the domain reads them.
pub(super) struct JsonBody(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let content_type = request.headers().get(CONTENT_TYPE);
        content_type::require_json(content_type.map(HeaderValue::as_bytes))?;
        Ok(Self(Bytes::from_request(request, state).await?))
    }
}

/// The answer to a request that created something.
#[derive(Serialize)]
pub(super) struct Created<T> {
    pub(super) id: T,
}

/// The answer to a request for a list.
#[derive(Serialize)]
pub(super) struct Listed<T> {
    pub(super) items: Vec<T>,
}
