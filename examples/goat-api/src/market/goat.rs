//! Goats, and the registration of a new one.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde::{Serialize, Serializer};
use ulid::{Generator, Overflow, Ulid};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::market::invalid::Invalid;
use crate::market::json::Node;

/// A goat that the market knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Goat {
    pub(crate) id: GoatId,
    #[schema(min_length = 1, example = "Heidi")]
    pub(crate) name: String,
    #[schema(min_length = 1, example = "Peter")]
    pub(crate) owner: String,
    pub(crate) breed: Breed,
}

/// A goat to be registered.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
pub struct NewGoat {
    #[schema(min_length = 1, example = "Heidi")]
    pub(crate) name: String,
    #[schema(min_length = 1, example = "Peter")]
    pub(crate) owner: String,
    pub(crate) breed: Breed,
}

impl NewGoat {
    /// Reads `{"name", "owner", "breed"}`.
    ///
    /// # Errors
    /// The first fault, in the order of these members.
    pub fn parse(body: &[u8]) -> Result<Self, Invalid> {
        let goat = Node::body(body)?.members()?;
        Ok(Self {
            name: goat.required("name")?.text_of_some_length()?,
            owner: goat.required("owner")?.text_of_some_length()?,
            breed: Breed::parse(&goat.required("breed")?)?,
        })
    }
}

/// A goat's id, a ULID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GoatId(Ulid);

impl GoatId {
    /// A new id: later by the alphabet than those made before, in this process or, as far as the
    /// clocks agree to the millisecond, elsewhere.
    #[must_use]
    pub fn generate() -> Self {
        static LATEST: Mutex<Generator> = Mutex::new(Generator::new());
        let mut latest = LATEST.lock().unwrap_or_else(PoisonError::into_inner);
        Self(
            latest
                .generate()
                .unwrap_or_else(Overflow::commit_overflow_random),
        )
    }

    /// The id that `text` spells in either case, if it spells one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let id = Ulid::from_string(text).ok()?;
        // The decoder drops what overflows 128 bits: a second spelling of the same id.
        id.to_string()
            .eq_ignore_ascii_case(text)
            .then_some(Self(id))
    }
}

impl fmt::Display for GoatId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for GoatId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl ToSchema for GoatId {}

impl PartialSchema for GoatId {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A goat's id, a ULID in either case."))
            .pattern(Some("^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$"))
            .examples(["01ARZ3NDEKTSV4RRFFQ69G5FAV"])
            .into()
    }
}

/// The breeds that the market trades; the list is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breed {
    /// Alpine.
    Alpine,
    /// `LaMancha`.
    LaMancha,
    /// Nubian.
    Nubian,
    /// Boer.
    Boer,
    /// Nigerian Dwarf.
    NigerianDwarf,
    /// Pygmy.
    Pygmy,
    /// Sable.
    Sable,
}

impl Breed {
    const ALL: [Self; 7] = [
        Self::Alpine,
        Self::LaMancha,
        Self::Nubian,
        Self::Boer,
        Self::NigerianDwarf,
        Self::Pygmy,
        Self::Sable,
    ];

    /// The breed of exactly this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|breed| breed.as_str() == name)
    }

    /// The breed's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alpine => "Alpine",
            Self::LaMancha => "LaMancha",
            Self::Nubian => "Nubian",
            Self::Boer => "Boer",
            Self::NigerianDwarf => "Nigerian Dwarf",
            Self::Pygmy => "Pygmy",
            Self::Sable => "Sable",
        }
    }

    fn parse(node: &Node<'_>) -> Result<Self, Invalid> {
        let name = node.text()?;
        Self::named(&name).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            node.refuse(format!("must be one of {names}, got {}", node.kind()))
        })
    }
}

impl Serialize for Breed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl ToSchema for Breed {}

impl PartialSchema for Breed {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("The breeds that the market trades."))
            .enum_values(Some(Self::ALL.map(Self::as_str)))
            .examples(["Nubian"])
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(body: &str) -> String {
        NewGoat::parse(body.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn every_breed_is_found_by_its_name() {
        for breed in Breed::ALL {
            assert_eq!(Breed::named(breed.as_str()), Some(breed));
        }
        assert_eq!(Breed::named("nubian"), None);
    }

    #[test]
    fn the_first_fault_in_field_order_is_reported() {
        let message = complaint(r#"{"breed": "Angora", "owner": 7, "name": ""}"#);
        assert_eq!(
            message,
            r#"name must be text of at least 1 character, got """#
        );
        let message = complaint(r#"{"breed": "Angora", "owner": 7, "name": "Heidi"}"#);
        assert_eq!(message, "owner must be text, got 7");
        let message = complaint(r#"{"breed": "Angora", "owner": "Peter", "name": "Heidi"}"#);
        assert!(
            message.starts_with("breed must be one of Alpine, LaMancha,"),
            "{message}"
        );
        assert!(message.ends_with(r#"got the text "Angora""#), "{message}");
    }

    #[test]
    fn later_ids_come_later_in_the_alphabet_even_within_a_millisecond() {
        let ids: Vec<_> = (0..1000).map(|_| GoatId::generate().to_string()).collect();
        assert!(ids.is_sorted_by(|one, other| one < other));
    }

    #[test]
    fn an_id_has_one_spelling_apart_from_case() {
        let id = GoatId::generate();
        let text = id.to_string();
        assert_eq!(GoatId::parse(&text), Some(id));
        assert_eq!(GoatId::parse(&text.to_lowercase()), Some(id));
        assert_eq!(GoatId::parse("80000000000000000000000000"), None);
        assert_eq!(GoatId::parse("heidi"), None);
    }
}
