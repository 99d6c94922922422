//! What an adapter implements and calls: a web framework's types go in, and an answer comes out.

mod exchange;
mod reading;

pub use exchange::{Exchange, Handled, Opened, Rendered, ResponseHead};
pub use reading::{Frames, Reading, Stop, causes};
