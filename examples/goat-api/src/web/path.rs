//! An id in the path; a text that is no id names nothing that exists.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::market::goat::GoatId;
use crate::market::order::OrderId;
use crate::web::error::Failure;

/// The id that is the only parameter of the path.
pub(super) struct PathId<T>(pub(super) T);

/// What a path can name.
pub(super) trait Named: Sized {
    const KIND: &'static str;

    fn parse(text: &str) -> Option<Self>;
}

impl Named for GoatId {
    const KIND: &'static str = "goat";

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl Named for OrderId {
    const KIND: &'static str = "order";

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl<S: Send + Sync, T: Named> FromRequestParts<S> for PathId<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        // What is not UTF-8 after percent-decoding is refused, and is no id either.
        let text = Path::<String>::from_request_parts(parts, state).await;
        let text = text.map(|Path(text)| text).unwrap_or_default();
        T::parse(&text)
            .map(Self)
            .ok_or_else(|| Failure::not_found(T::KIND, &text))
    }
}
