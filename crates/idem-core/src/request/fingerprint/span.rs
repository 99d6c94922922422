//! A piece of the text of a payload.

/// Where the piece begins and ends, in bytes.
#[derive(Clone, Copy, Default)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}
