//! What an adapter implements and calls: a web framework's types go in, and an answer comes out.

mod buffered_body;
mod endpoint;

pub use buffered_body::{BufferedBody, Frames, Stop, causes};
pub use endpoint::{Endpoint, Handled, Opened, Rendered, ResponseHead};

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
