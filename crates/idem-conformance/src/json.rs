//! JSON taken apart and written again, each number and text as it was spelled.

use std::fmt::{self, Write as _};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON value whose members keep their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Json {
    Object(Vec<(String, Json)>),
    Array(Vec<Json>),
    /// A text, a number or a word, as it was spelled.
    Leaf(String),
}

impl Json {
    /// Reads a value; `None` if it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let raw: Box<RawValue> = serde_json::from_str(text).ok()?;
        let text = raw.get();
        Some(match text.as_bytes().first()? {
            b'{' => {
                let Members(members) = serde_json::from_str(text).ok()?;
                let members = members.into_iter();
                let members = members.map(|(name, value)| Some((name, Self::parse(value.get())?)));
                Self::Object(members.collect::<Option<_>>()?)
            }
            b'[' => {
                let items: Vec<Box<RawValue>> = serde_json::from_str(text).ok()?;
                let items = items.iter().map(|item| Self::parse(item.get()));
                Self::Array(items.collect::<Option<_>>()?)
            }
            _ => Self::Leaf(text.to_owned()),
        })
    }

    /// The value with one more member; `value` is JSON as it is spelled.
    pub(crate) fn with_member(mut self, name: &str, value: &str) -> Self {
        if let (Self::Object(members), Some(value)) = (&mut self, Self::parse(value)) {
            members.push((name.to_owned(), value));
        }
        self
    }

    /// The value with the members of every object in the opposite order.
    pub(crate) fn reversed(self) -> Self {
        match self {
            Self::Object(members) => {
                let members = members.into_iter().rev();
                Self::Object(
                    members
                        .map(|(name, value)| (name, value.reversed()))
                        .collect(),
                )
            }
            Self::Array(items) => Self::Array(items.into_iter().map(Self::reversed).collect()),
            Self::Leaf(text) => Self::Leaf(text),
        }
    }

    /// The value with white space wherever JSON allows it.
    pub(crate) fn spaced(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, " \r\n\t")
            .expect("a string takes any text");
        text
    }

    fn write(&self, text: &mut String, space: &str) -> fmt::Result {
        write!(text, "{space}")?;
        match self {
            Self::Object(members) => {
                text.push('{');
                for (place, (name, value)) in members.iter().enumerate() {
                    let name = serde_json::Value::from(name.as_str());
                    let comma = if place == 0 { "" } else { "," };
                    write!(text, "{comma}{space}{name}{space}:")?;
                    value.write(text, space)?;
                }
                write!(text, "{space}}}")?;
            }
            Self::Array(items) => {
                text.push('[');
                for (place, value) in items.iter().enumerate() {
                    text.push_str(if place == 0 { "" } else { "," });
                    value.write(text, space)?;
                }
                write!(text, "{space}]")?;
            }
            Self::Leaf(leaf) => text.push_str(leaf),
        }
        write!(text, "{space}")
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write(&mut text, "")?;
        f.write_str(&text)
    }
}

/// Members in the order of the text, repeated ones too.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_order_and_repeated_members_survive() {
        let text = r#"{"b":1.0,"a":[1e0,{}],"b":"\u0061"}"#;
        assert_eq!(Json::parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn members_are_reversed_at_every_depth_and_items_are_not() {
        let json = Json::parse(r#"{"a":[{"x":1,"y":2},3],"b":4}"#).unwrap();
        assert_eq!(
            json.reversed().to_string(),
            r#"{"b":4,"a":[{"y":2,"x":1},3]}"#
        );
    }

    #[test]
    fn white_space_changes_nothing_but_the_bytes() {
        let json = Json::parse(r#"{"a":[1,"b c"]}"#).unwrap();
        let spaced = json.spaced();
        assert!(spaced.len() > 40, "{spaced}");
        assert_eq!(Json::parse(&spaced).unwrap(), json);
    }

    #[test]
    fn a_member_is_added_at_the_end() {
        let json = Json::parse("{\"a\":1}").unwrap().with_member("n", "1.0");
        assert_eq!(json.to_string(), "{\"a\":1,\"n\":1.0}");
        assert!(Json::parse("{").is_none());
    }
}
