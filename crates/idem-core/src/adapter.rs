//! What an adapter implements and calls: a web framework's types go in, and an answer comes out.
//!
//! An adapter converts types and decides nothing. Those for axum and actix-web have about 400 lines of code each, not
//! counting docs and tests. A framework whose middleware is an async function needs fewer. This is what one consists of:
//!
//! | it implements | for | methods |
//! |---|---|---|
//! | [`RequestHead`] | the head of a request | 4 |
//! | [`Frames`] | the body of a request, and that of a response | 3, and [`trailers`](Frames::trailers) where bodies have them |
//! | [`ResponseHead`] | the head of a response | 2 |
//! | [`Endpoint`] | a request and the handler that it is for | 7, and [`render`](Endpoint::render) with [`error_status`](Endpoint::error_status) where errors become responses later |
//! | the framework's body | a [`BufferedBody`] that goes on to its client | as the framework has it |
//! | the framework's middleware | [`Options`], with a builder method for each of their own | as the framework has it |
//!
//! For each request the middleware calls [`Options::admit`] and does one of three things:
//!
//! - [`PassThrough`](Admission::PassThrough): it calls the handler with the request as it is.
//! - [`Refused`](Admission::Refused): it sends the [`Answer`] that holds
//!   [`Refusal::to_response`](crate::Refusal::to_response).
//! - [`Protected`](Admission::Protected): it puts [`Idempotency::serve`](crate::Idempotency::serve) into a [`HandOver`]
//!   and returns that, so that a client that hangs up cancels nothing.

mod answer;
mod buffered_body;
mod endpoint;
mod options;

pub use answer::Answer;
use buffered_body::Stop;
pub use buffered_body::{BufferedBody, Frames, causes};
pub use endpoint::{Endpoint, Handled, Opened, Rendered, ResponseHead};
pub use options::{IntoLeaseTerm, IntoScope, Options};

use crate::policy::Policy;
pub use crate::{
    engine::{Admission, Begin, Decision, Protected, decide},
    execution::{Execution, HandOver, Watch},
    policy::ResponseRules,
    request::RequestHead,
};

/// The largest request body under a key, in bytes, as [`Policy::max_request_bytes`] set it.
#[must_use]
pub fn max_request_bytes(policy: &Policy) -> usize {
    policy.max_request_bytes
}

/// The header that marks a replay, in lower case, as [`Policy::replay_marker`] named it.
#[must_use]
pub fn replay_marker(policy: &Policy) -> &str {
    &policy.replay_marker
}
