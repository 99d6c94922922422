//! What a goat has on offer.

use serde::Serialize;
use utoipa::ToSchema;

use crate::market::invalid::Invalid;
use crate::market::json::Node;
use crate::market::price::Price;

/// One item of a goat's catalog; a client offers it in the form in which it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CatalogItem {
    /// Compares without case.
    #[schema(min_length = 1, example = "Milk")]
    pub(crate) name: String,
    #[schema(example = "A litre of it")]
    pub(crate) description: String,
    pub(crate) price: Price,
}

impl CatalogItem {
    /// Reads `{"name", "description", "price"}`.
    ///
    /// # Errors
    /// The first fault, in the order of these members.
    pub fn parse(body: &[u8]) -> Result<Self, Invalid> {
        let item = Node::body(body)?.members()?;
        Ok(Self {
            name: item.required("name")?.text_of_some_length()?,
            description: item.required("description")?.text()?,
            price: Price::parse(&item.required("price")?)?,
        })
    }
}

/// The form of an item's name that all spellings of it share: names compare without case.
#[must_use]
pub fn folded(name: &str) -> String {
    name.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(body: &str) -> String {
        CatalogItem::parse(body.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_description_may_be_empty_but_not_missing() {
        let body = br#"{"name": "milk", "description": "", "price": 1}"#;
        assert_eq!(CatalogItem::parse(body).unwrap().description, "");
        let message = complaint(r#"{"name": "milk", "price": 1}"#);
        assert_eq!(message, "description is missing");
    }

    #[test]
    fn a_price_is_a_number() {
        let message = complaint(r#"{"name": "milk", "description": "", "price": "1.20"}"#);
        assert_eq!(message, r#"price must be a number, got the text "1.20""#);
        let message = complaint(r#"{"name": "milk", "description": "", "price": null}"#);
        assert_eq!(message, "price must be a number, got null");
    }

    #[test]
    fn names_compare_without_case_beyond_ascii() {
        assert_eq!(folded("KÄSE"), folded("käse"));
        assert_ne!(folded("Käse"), folded("Kase"));
    }
}
