//! What an adapter implements and calls: a web framework's types go in, and an answer comes out.

mod buffered_body;
mod endpoint;

pub use buffered_body::{BufferedBody, Frames, Stop, causes};
pub use endpoint::{Endpoint, Handled, Opened, Rendered, ResponseHead};

pub use crate::{
    engine::{Admission, Begin, Decision, Protected, decide},
    execution::{Execution, HandOver, Watch},
    policy::ResponseRules,
    request::RequestHead,
};
