//! Every error as a status and `{"message": …}`.

use std::error::Error;

use axum::Json;
use axum::extract::rejection::BytesRejection;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::market::invalid::{Invalid, excerpt};
use crate::service::MarketError;
use crate::web::body::LARGEST;

/// An answer that says what was wrong.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    message: String,
}

impl Failure {
    pub(super) fn not_found(kind: &str, id: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            format!("there is no {kind} {:?}", excerpt(id)),
        )
    }

    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, message }
    }

    /// Logs the cause, which is nothing for a client to see.
    fn internal(error: &(dyn Error + 'static)) -> Self {
        tracing::error!(error, "a request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the market failed, the fault is not yours",
        )
    }
}

pub(super) async fn unknown_path(uri: Uri) -> Failure {
    Failure::not_found("path", uri.path())
}

pub(super) async fn method_not_allowed(method: Method, uri: Uri) -> Failure {
    let (method, path) = (excerpt(method.as_str()), excerpt(uri.path()));
    let message = format!("{method} is not allowed on {path:?}, see the Allow header");
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, message)
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        Self::new(StatusCode::BAD_REQUEST, invalid.to_string())
    }
}

impl From<MarketError> for Failure {
    fn from(error: MarketError) -> Self {
        match error {
            MarketError::Invalid(invalid) => invalid.into(),
            MarketError::UnknownGoat(id) => Self::not_found("goat", &id.to_string()),
            MarketError::UnknownOrder(id) => Self::not_found("order", &id.to_string()),
            MarketError::Database(error) => Self::internal(&error),
        }
    }
}

impl From<BytesRejection> for Failure {
    fn from(rejection: BytesRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                let message = format!("the body is larger than {LARGEST} bytes");
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, message)
            }
            // The connection broke or its framing was wrong: few clients will read this.
            _ => Self::new(StatusCode::BAD_REQUEST, "the body did not arrive whole"),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Body {
            message: String,
        }
        let body = Body {
            message: self.message,
        };
        (self.status, Json(body)).into_response()
    }
}
