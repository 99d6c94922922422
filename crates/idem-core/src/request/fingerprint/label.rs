//! What the head of a request says about its payload: media type, parameters and codings.

use std::borrow::Cow;

use super::multipart;
use crate::request::is_token;

/// How a payload is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// Byte for byte.
    Bytes,
    /// By its meaning as JSON.
    Json,
    /// Part by part, between delimiters with this boundary.
    Parts(Box<[u8]>),
}

/// A payload's label in one spelling, with what does not tell payloads apart left out.
pub(super) struct Label<'a> {
    pub(super) media_type: Cow<'a, [u8]>,
    pub(super) parameters: Cow<'a, [u8]>,
    pub(super) codings: Vec<u8>,
    pub(super) comparison: Comparison,
}

/// What nearly every payload is labelled with, in its usual spelling.
const JSON: &[u8] = b"application/json";

impl<'a> Label<'a> {
    /// Reads a `Content-Type`, and the lines of `Content-Encoding`.
    ///
    /// A payload in a coding counts by its bytes: only a decoder knows what they mean.
    pub(super) fn read(content_type: &'a [u8], codings: impl Iterator<Item = &'a [u8]>) -> Self {
        let codings = join(codings);
        if content_type == JSON && codings.is_empty() {
            return Self {
                media_type: JSON.into(),
                parameters: Cow::default(),
                codings,
                comparison: Comparison::Json,
            };
        }
        let (media_type, parameters) = split(content_type);
        let mut label = Self {
            media_type,
            parameters: Cow::Borrowed(parameters),
            codings,
            comparison: Comparison::Bytes,
        };
        let is_json = is_json(&label.media_type);
        if is_json && label.codings.is_empty() {
            label.comparison = Comparison::Json;
        }
        if let Some(mut parameters) = read_parameters(parameters) {
            if label.codings.is_empty() && label.media_type.starts_with(b"multipart/") {
                label.comparison = take_boundary(&mut parameters);
            }
            // RFC 8259, section 11: JSON is UTF-8, and has no such parameter.
            parameters
                .retain(|(name, value)| !(is_json && name == b"charset" && **value == *b"utf-8"));
            label.parameters = Cow::Owned(write_parameters(&parameters));
        }
        label
    }
}

/// Splits a media type, whose case does not matter, from its parameters.
fn split(value: &[u8]) -> (Cow<'_, [u8]>, &[u8]) {
    let value = value.trim_ascii();
    let end = value
        .iter()
        .position(|&byte| byte == b';')
        .unwrap_or(value.len());
    let (media_type, parameters) = value.split_at(end);
    (lower_case(media_type.trim_ascii_end()), parameters)
}

fn lower_case(text: &[u8]) -> Cow<'_, [u8]> {
    if text.iter().any(u8::is_ascii_uppercase) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

fn is_json(media_type: &[u8]) -> bool {
    media_type == JSON || media_type.ends_with(b"+json")
}

type Parameter<'a> = (Vec<u8>, Cow<'a, [u8]>);

/// Reads parameters (RFC 9110, section 5.6.6), sorted by their names: neither order nor quotes matter.
///
/// `None` if they do not follow the grammar, or if a name comes twice: they count as they came then.
fn read_parameters(mut text: &[u8]) -> Option<Vec<Parameter<'_>>> {
    let mut parameters = Vec::new();
    loop {
        text = text.trim_ascii_start();
        let Some(rest) = text.strip_prefix(b";") else {
            break;
        };
        text = rest.trim_ascii_start();
        if text.is_empty() || text.starts_with(b";") {
            continue;
        }
        let equals = text.iter().position(|&byte| byte == b'=')?;
        let (name, value) = (&text[..equals], &text[equals + 1..]);
        if !is_token(name) {
            return None;
        }
        let name = name.to_ascii_lowercase();
        let (value, rest) = match value.strip_prefix(b"\"") {
            Some(quoted) => unquote(quoted)?,
            None => read_token(value)?,
        };
        let value = match &*name {
            b"charset" => Cow::Owned(value.to_ascii_lowercase()),
            _ => value,
        };
        parameters.push((name, value));
        text = rest;
    }
    parameters.sort_unstable();
    let repeats = parameters.windows(2).any(|pair| pair[0].0 == pair[1].0);
    (text.is_empty() && !repeats).then_some(parameters)
}

fn read_token(text: &[u8]) -> Option<(Cow<'_, [u8]>, &[u8])> {
    let ends = |byte: &u8| *byte == b';' || byte.is_ascii_whitespace();
    let (token, rest) = text.split_at(text.iter().position(ends).unwrap_or(text.len()));
    is_token(token).then_some((Cow::Borrowed(token), rest))
}

/// Reads a quoted string from behind its first quote; answers what is behind its last one, too.
fn unquote(text: &[u8]) -> Option<(Cow<'_, [u8]>, &[u8])> {
    let mut value = Vec::new();
    let mut at = 0;
    loop {
        match text.get(at)? {
            b'"' => return Some((Cow::Owned(value), &text[at + 1..])),
            b'\\' => {
                at += 1;
                value.push(*text.get(at)?);
            }
            byte => value.push(*byte),
        }
        at += 1;
    }
}

fn write_parameters(parameters: &[Parameter<'_>]) -> Vec<u8> {
    let mut text = Vec::new();
    for (name, value) in parameters {
        text.push(b';');
        text.extend_from_slice(name);
        text.extend_from_slice(b"=\"");
        for byte in value.iter() {
            if let b'"' | b'\\' = byte {
                text.push(b'\\');
            }
            text.push(*byte);
        }
        text.push(b'"');
    }
    text
}

/// Takes the boundary out of the parameters, if it is one.
fn take_boundary(parameters: &mut Vec<Parameter<'_>>) -> Comparison {
    let found = parameters
        .iter()
        .position(|(name, value)| name == b"boundary" && multipart::is_boundary(value));
    match found {
        Some(index) => Comparison::Parts(parameters.remove(index).1.into()),
        None => Comparison::Bytes,
    }
}

/// The codings of all lines as one list, in lower case; `identity` is none (RFC 9110, section 8.4.1),
/// and two of them have an older name.
fn join<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut list = Vec::new();
    for coding in lines.flat_map(|line| line.split(|&byte| byte == b',')) {
        let coding = lower_case(coding.trim_ascii());
        let coding: &[u8] = match &*coding {
            b"" | b"identity" => continue,
            b"x-gzip" => b"gzip",
            b"x-compress" => b"compress",
            other => other,
        };
        if !list.is_empty() {
            list.push(b',');
        }
        list.extend_from_slice(coding);
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label<'a>(content_type: &'a str, codings: &[&'a str]) -> Label<'a> {
        let codings: Vec<_> = codings.iter().map(|line| line.as_bytes()).collect();
        Label::read(content_type.as_bytes(), codings.into_iter())
    }

    fn parameters(content_type: &str) -> String {
        String::from_utf8(label(content_type, &[]).parameters.into_owned()).unwrap()
    }

    #[test]
    fn parameters_have_one_spelling() {
        let one = r#";charset="utf-8";v="a\"B""#;
        for same in [
            r#"text/plain; charset=utf-8; v="a\"B""#,
            r#"text/plain;V="\a\"B" ;; ChArSeT="UTF-8";"#,
        ] {
            assert_eq!(parameters(same), one, "{same}");
        }
        for (other, counts) in [
            ("text/plain; v=b", r#";v="b""#),
            ("text/plain; v=B", r#";v="B""#),
            ("text/plain;", ""),
            ("application/json; charset=utf-8", ""),
            ("application/problem+json; Charset=\"UTF-8\"", ""),
            ("application/json; charset=utf8", r#";charset="utf8""#),
            ("text/plain; charset=utf-8", r#";charset="utf-8""#),
        ] {
            assert_eq!(parameters(other), counts, "{other}");
        }
    }

    #[test]
    fn parameters_that_do_not_follow_the_grammar_count_as_they_came() {
        for text in [
            "; charset",
            "; charset = utf-8",
            "; =utf-8",
            "; charset=\"utf-8",
            "; charset=\"utf-8\\",
            "; charset=utf-8 x",
            "; charset=utf-8,utf-8",
            "; charset=utf-8; Charset=utf-8",
            "; charset=",
            "; a b=c",
        ] {
            assert_eq!(parameters(&format!("application/json{text}")), text);
        }
    }

    #[test]
    fn codings_are_one_list_without_those_that_change_nothing() {
        let codings = |lines: &[&str]| String::from_utf8(label("", lines).codings).unwrap();
        for none in [&[] as &[_], &[""], &["identity"], &["Identity", " , "]] {
            assert_eq!(codings(none), "");
        }
        for both in [
            &["gzip, br"] as &[_],
            &["GZIP", "br"],
            &["x-gzip,identity", ",Br "],
        ] {
            assert_eq!(codings(both), "gzip,br");
        }
        assert_eq!(codings(&["br, gzip"]), "br,gzip");
    }

    #[test]
    fn only_a_payload_without_a_coding_is_read() {
        assert_eq!(label("application/json", &[]).comparison, Comparison::Json);
        assert_eq!(
            label("application/json", &["gzip"]).comparison,
            Comparison::Bytes
        );
        let form = "multipart/form-data; boundary=\"a b\"; x=1";
        assert_eq!(
            label(form, &[]).comparison,
            Comparison::Parts(b"a b".as_slice().into())
        );
        assert_eq!(parameters(form), r#";x="1""#);
        let coded = label(form, &["br"]);
        assert_eq!(coded.comparison, Comparison::Bytes);
        assert_eq!(*coded.parameters, *br#";boundary="a b";x="1""#);
        for no_boundary in [
            "multipart/form-data",
            "multipart/form-data; boundary=\"a \"",
            "multipart/form-data; boundary=a; boundary=b",
            "multipart/form-data; boundary=\"\"",
            "text/plain; boundary=a",
        ] {
            assert_eq!(label(no_boundary, &[]).comparison, Comparison::Bytes);
        }
    }
}
