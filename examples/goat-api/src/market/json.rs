//! JSON read member by member, so that every complaint names its place and quotes what was sent.
//!
//! `serde_path_to_error` would name the places of derived types. What it would not do: tell the first fault in
//! the type's order and not in the client's, count the last of two members of one name, quote a value, and keep
//! a number as it was written.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::market::invalid::{Invalid, excerpt};

/// One JSON value that is well-formed, not yet looked into, and knows its place in the body.
#[derive(Debug)]
pub(crate) struct Node<'a> {
    /// Empty for the body itself.
    place: String,
    json: &'a str,
}

/// The members of a JSON object.
#[derive(Debug)]
pub(crate) struct Members<'a> {
    place: String,
    values: BTreeMap<String, &'a RawValue>,
}

impl<'a> Node<'a> {
    /// Checks that `bytes` are one well-formed JSON value of a sane depth and nothing else.
    pub(crate) fn body(bytes: &'a [u8]) -> Result<Self, Invalid> {
        let text =
            std::str::from_utf8(bytes).map_err(|e| body(format!("is not UTF-8 text: {e}")))?;
        if text.trim_ascii().is_empty() {
            return Err(body("is empty, a JSON object is needed"));
        }
        let value: &RawValue = serde_json::from_str(text)
            .map_err(|e| body(format!("is not well-formed JSON: {e}")))?;
        if is_too_deep(value.get()) {
            return Err(body(format!("is nested more than {DEEPEST} levels deep")));
        }
        Ok(Self {
            place: String::new(),
            json: value.get(),
        })
    }

    pub(crate) fn members(&self) -> Result<Members<'a>, Invalid> {
        let values = self.expect("a JSON object", '{')?;
        Ok(Members {
            place: self.place.clone(),
            values,
        })
    }

    pub(crate) fn elements(&self) -> Result<Vec<Self>, Invalid> {
        let values: Vec<&'a RawValue> = self.expect("an array", '[')?;
        let element = |(index, value): (usize, &'a RawValue)| Self {
            place: format!("{}[{index}]", self.place),
            json: value.get(),
        };
        Ok(values.into_iter().enumerate().map(element).collect())
    }

    pub(crate) fn text(&self) -> Result<String, Invalid> {
        self.expect("text", '"')
    }

    pub(crate) fn text_of_some_length(&self) -> Result<String, Invalid> {
        let text = self.text()?;
        if text.is_empty() {
            return Err(self.refuse("must be text of at least 1 character, got \"\""));
        }
        Ok(text)
    }

    /// The number as the client wrote it: going through `f64` would change it.
    pub(crate) fn number(&self) -> Result<&'a str, Invalid> {
        if self
            .json
            .starts_with(|c: char| c == '-' || c.is_ascii_digit())
        {
            return Ok(self.json);
        }
        Err(self.refuse(format!("must be a number, got {}", self.kind())))
    }

    /// The complaint that this value `problem`.
    pub(crate) fn refuse(&self, problem: impl Into<String>) -> Invalid {
        match self.place.as_str() {
            "" => body(problem),
            place => Invalid::new(place, problem),
        }
    }

    /// Reads a value that is `wanted`, which all such values and no others begin with `first`.
    fn expect<T>(&self, wanted: &str, first: char) -> Result<T, Invalid>
    where
        T: serde::Deserialize<'a>,
    {
        if !self.json.starts_with(first) {
            return Err(self.refuse(format!("must be {wanted}, got {}", self.kind())));
        }
        // A half of a surrogate pair is well-formed JSON, but no text.
        serde_json::from_str(self.json)
            .map_err(|e| self.refuse(format!("must be {wanted} that can be decoded: {e}")))
    }

    /// What this value is, in a client's words.
    pub(crate) fn kind(&self) -> String {
        match self.json.as_bytes().first() {
            Some(b'{') => "an object".to_owned(),
            Some(b'[') => "an array".to_owned(),
            Some(b'"') => format!("the text {}", excerpt(self.json)),
            _ => excerpt(self.json),
        }
    }
}

impl<'a> Members<'a> {
    pub(crate) fn required(&self, name: &str) -> Result<Node<'a>, Invalid> {
        let place = match self.place.as_str() {
            "" => name.to_owned(),
            place => format!("{place}.{name}"),
        };
        match self.values.get(name) {
            Some(value) => Ok(Node {
                place,
                json: value.get(),
            }),
            None => Err(Invalid::new(place, "is missing")),
        }
    }
}

fn body(problem: impl Into<String>) -> Invalid {
    Invalid::new("the body", problem)
}

/// `serde_json`'s own limit; it does not apply it to the values that it skips over.
const DEEPEST: usize = 128;

fn is_too_deep(json: &str) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => depth -= 1,
            _ => {}
        }
        if depth > DEEPEST {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint<T>(result: Result<T, Invalid>) -> String {
        match result {
            Ok(_) => panic!("was accepted"),
            Err(invalid) => invalid.to_string(),
        }
    }

    #[test]
    fn a_place_is_the_path_to_the_value() {
        let body = Node::body(br#" {"items": [{}, {"quantity": "two"}]} "#).unwrap();
        let items = body.members().unwrap().required("items").unwrap();
        let second = items.elements().unwrap().remove(1).members().unwrap();
        let quantity = second.required("quantity").unwrap();
        assert_eq!(
            complaint(quantity.number()),
            "items[1].quantity must be a number, got the text \"two\""
        );
        assert_eq!(
            complaint(second.required("goatId")),
            "items[1].goatId is missing"
        );
    }

    #[test]
    fn what_is_no_single_json_value_is_refused() {
        for (bytes, expected) in [
            (&b""[..], "the body is empty"),
            (b" \n", "the body is empty"),
            (b"\xff{}", "the body is not UTF-8"),
            (b"{", "the body is not well-formed JSON"),
            (b"{} x", "the body is not well-formed JSON"),
            (b"{\"a\":1e}", "the body is not well-formed JSON"),
            (b"\xef\xbb\xbf{}", "the body is not well-formed JSON"),
        ] {
            let message = complaint(Node::body(bytes));
            assert!(message.starts_with(expected), "{message}");
        }
    }

    #[test]
    fn depth_counts_brackets_but_not_those_in_text() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(Node::body(nested(DEEPEST).as_bytes()).is_ok());
        assert!(Node::body(nested(DEEPEST + 1).as_bytes()).is_err());
        assert!(Node::body(nested(900_000).as_bytes()).is_err());
        let text = format!(r#""\"{}""#, "[".repeat(1000));
        assert!(Node::body(text.as_bytes()).is_ok());
        let wide = format!("[{}[]]", "[],".repeat(1000));
        assert!(Node::body(wide.as_bytes()).is_ok());
    }

    #[test]
    fn half_a_surrogate_pair_is_no_text() {
        let node = Node::body(br#""\ud800""#).unwrap();
        assert!(complaint(node.text()).starts_with("the body must be text that can be decoded"));
    }

    #[test]
    fn the_last_of_two_members_of_one_name_counts() {
        let members = Node::body(br#"{"a": 1, "a": 2}"#)
            .unwrap()
            .members()
            .unwrap();
        assert_eq!(members.required("a").unwrap().number().unwrap(), "2");
    }
}
