//! Texts with places to fill in, such as `{unique}`.

use serde::Deserialize;

/// A text with places: `{` and `}` around lower-case letters and underscores. All else is literal, so
/// JSON needs no escapes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Place(String),
}

/// What places are filled with; a later value stands before an earlier one of the same name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values(Vec<(String, String)>);

impl Values {
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().rev();
        values
            .find(|(candidate, _)| candidate == name)
            .map(|(_, value)| value.as_str())
    }
}

impl Template {
    /// The text with its places filled; one without a value stays as it is.
    pub(crate) fn fill(&self, values: &Values) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Literal(text) => text.clone(),
            Part::Place(name) => match values.value(name) {
                Some(value) => value.to_owned(),
                None => format!("{{{name}}}"),
            },
        });
        parts.collect()
    }

    /// The names of its places.
    pub(crate) fn places(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Place(name) => Some(name.as_str()),
        })
    }
}

impl From<String> for Template {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<&str> for Template {
    fn from(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(start) = rest.find('{') {
            let (before, from_brace) = rest.split_at(start);
            literal.push_str(before);
            match place(from_brace) {
                Some(name) => {
                    if !literal.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut literal)));
                    }
                    parts.push(Part::Place(name.to_owned()));
                    rest = &from_brace[name.len() + 2..];
                }
                None => {
                    literal.push('{');
                    rest = &from_brace[1..];
                }
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Self { parts }
    }
}

/// The name of the place that `text` starts with, if it starts with one.
fn place(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix('{')?.split_once('}')?;
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    (!name.is_empty() && name.bytes().all(is_name)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> Values {
        let mut values = Values::default();
        for (name, value) in pairs {
            values.set(name, *value);
        }
        values
    }

    #[test]
    fn places_are_filled_and_json_is_literal() {
        let template = Template::from(r#"{"a":{},"goat":"{goat}","b":["{unique}"]}"#);
        let values = values(&[("goat", "Heidi"), ("unique", "u1")]);
        assert_eq!(
            template.fill(&values),
            r#"{"a":{},"goat":"Heidi","b":["u1"]}"#
        );
        assert_eq!(template.places().collect::<Vec<_>>(), ["goat", "unique"]);
    }

    #[test]
    fn a_later_value_stands_before_an_earlier_one() {
        let values = values(&[("a", "1"), ("a", "2")]);
        assert_eq!(Template::from("{a}{b}").fill(&values), "2{b}");
    }

    #[test]
    fn what_is_no_place_is_left_alone() {
        for text in ["", "{", "{}", "{A}", "{a b}", "{{a", "a}"] {
            let template = Template::from(text);
            assert_eq!(template.places().count(), 0, "{text}");
            assert_eq!(template.fill(&Values::default()), text);
        }
        assert_eq!(Template::from("{{a}}").fill(&values(&[("a", "1")])), "{1}");
    }
}
