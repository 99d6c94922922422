//! What the market answers, before a web framework sends it.

use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use utoipa::ToSchema;

use crate::database::DatabaseError;
use crate::market::invalid::{Invalid, excerpt};
use crate::web::LARGEST;
use crate::web::operations::broke_off;

/// A status and, but for 204, a body.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Names in lower case, and values; none of them the content type.
    pub(super) headers: &'static [(&'static str, &'static str)],
    pub(super) body: Option<Typed>,
}

/// A body and its media type.
#[derive(Debug, Clone)]
pub(super) struct Typed {
    pub(super) content_type: &'static str,
    pub(super) bytes: Bytes,
}

impl Answer {
    pub(super) fn ok(body: &impl Serialize) -> Self {
        Self::json(200, body)
    }

    pub(super) fn created(id: impl Serialize) -> Self {
        Self::json(201, &Created { id })
    }

    pub(super) fn list(items: Vec<impl Serialize>) -> Self {
        Self::ok(&Listed { items })
    }

    pub(super) const fn no_content() -> Self {
        Self {
            status: 204,
            headers: &[],
            body: None,
        }
    }

    /// What is served as it is.
    pub(super) fn file(content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self::typed(200, content_type, bytes)
    }

    pub(super) fn json(status: u16, body: &impl Serialize) -> Self {
        let json = serde_json::to_vec(body).expect("the market's own types are JSON");
        Self::typed(status, "application/json", json)
    }

    fn typed(status: u16, content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self {
            status,
            headers: &[],
            body: Some(Typed {
                content_type,
                bytes,
            }),
        }
    }
}

/// A path, and what `GET` gives there.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) path: &'static str,
    pub(super) answer: Answer,
}

impl Page {
    pub(super) const fn new(path: &'static str, answer: Answer) -> Self {
        Self { path, answer }
    }
}

/// What has come to be.
#[derive(Serialize, ToSchema)]
pub(super) struct Created<T> {
    id: T,
}

/// All of a kind.
#[derive(Serialize, ToSchema)]
pub(super) struct Listed<T> {
    items: Vec<T>,
}

/// What was wrong.
#[derive(Serialize, ToSchema)]
pub(super) struct Message {
    message: String,
}

/// An answer that says what was wrong, as `{"message": …}`.
#[derive(Debug)]
pub(super) struct Failure {
    status: u16,
    message: String,
}

impl Failure {
    pub(super) fn not_found(kind: &str, id: impl fmt::Display) -> Self {
        let id = excerpt(&id.to_string());
        Self::new(404, format!("there is no {kind} {id:?}"))
    }

    pub(super) fn method_not_allowed(method: &str, path: &str) -> Self {
        let (method, path) = (excerpt(method), excerpt(path));
        let message = format!("{method} is not allowed on {path:?}, see the Allow header");
        Self::new(405, message)
    }

    pub(super) fn too_large() -> Self {
        Self::new(413, format!("the body is larger than {LARGEST} bytes"))
    }

    /// The connection broke or its framing was wrong: few clients will read this.
    pub(super) fn broken_off() -> Self {
        broke_off();
        Self::new(400, "the body did not arrive whole")
    }

    pub(super) fn new(status: u16, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, message }
    }

    pub(super) fn unexplained() -> Self {
        Self::new(500, "the market failed, the fault is not yours")
    }
}

impl From<Failure> for Answer {
    fn from(failure: Failure) -> Self {
        let Failure { status, message } = failure;
        Self::json(status, &Message { message })
    }
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        Self::new(400, invalid.to_string())
    }
}

/// Logs the cause, which is nothing for a client to see.
impl From<DatabaseError> for Failure {
    fn from(error: DatabaseError) -> Self {
        let error: &dyn std::error::Error = &error;
        tracing::error!(error, "a request failed");
        Self::unexplained()
    }
}
