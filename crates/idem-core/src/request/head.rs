//! What the core reads of a request, whichever framework it came through.

use std::borrow::Cow;

/// The head of an HTTP request, as an adapter shows it to the core.
///
/// Header names are asked for in lower case; an implementation compares them without case.
pub trait RequestHead {
    /// The method's name, in upper case for the standard ones.
    fn method(&self) -> &str;

    /// The path with its query as the client sent them, before any router cut a prefix off.
    fn target(&self) -> &str;

    /// The route that the request matched, such as `/orders/{id}`: asked for where spans are
    /// recorded, and may be worked out then.
    fn route(&self) -> Option<Cow<'_, str>>;

    /// The values of all field lines of one name, in the order in which they came.
    fn header<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]>;
}
