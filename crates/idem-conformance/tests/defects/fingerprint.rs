//! What makes two requests the same to the toy server.

use axum::http::{header, request::Parts};
use idem_core::{FingerprintRules, adapter::RequestHead, store::Fingerprint};
use serde_json::Value;

use crate::defect::Defect;

struct Head<'a> {
    method: &'a str,
    target: &'a str,
    content_type: &'a [u8],
}

impl RequestHead for Head<'_> {
    fn method(&self) -> &str {
        self.method
    }

    fn target(&self) -> &str {
        self.target
    }

    fn route(&self) -> Option<std::borrow::Cow<'_, str>> {
        None
    }

    fn header<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        (name == "content-type")
            .then_some(self.content_type)
            .into_iter()
    }
}

/// The fingerprint, and whatever else a defect takes into account.
pub(crate) fn of(head: &Parts, body: &[u8], defect: Defect) -> (Fingerprint, String) {
    let target = head
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let sent_type = head.headers.get(header::CONTENT_TYPE);
    let sent_type = sent_type.map_or(b"".as_slice(), |value| value.as_bytes());
    let form = form(sent_type, body, defect);
    let content_type = match &form {
        Some(_) => b"application/x-parts",
        None => without_charset(sent_type),
    };
    let body = form.as_deref().unwrap_or(body);
    let shown = Head {
        method: if defect == Defect::IgnoresTheMethod {
            "POST"
        } else {
            head.method.as_str()
        },
        target: match defect {
            Defect::ReplaysOnOtherPaths => "/",
            Defect::IgnoresTheQuery => head.uri.path(),
            _ => target,
        },
        content_type: match defect {
            Defect::BytesMatter => b"application/octet-stream",
            Defect::IgnoresTheContentType if !content_type.ends_with(b"json") => b"text/plain",
            _ => content_type,
        },
    };
    let excludes = head.uri.path() == "/excluded" && defect != Defect::ExcludesNothing;
    let rules = FingerprintRules::default();
    let rules = if excludes {
        rules.without(["/sentAt".parse().unwrap()])
    } else {
        rules
    };
    (
        rules.fingerprint(&shown, &payload(target, content_type, body, defect)),
        extra(head, body, defect),
    )
}

/// JSON has no charset but one.
fn without_charset(content_type: &[u8]) -> &[u8] {
    let mut parts = content_type.split(|byte| *byte == b';');
    match parts.next() {
        Some(essence) if essence.ends_with(b"json") => essence,
        _ => content_type,
    }
}

/// The parts of a form without its boundary; `None` if the bytes are not one.
fn form(content_type: &[u8], body: &[u8], defect: Defect) -> Option<Vec<u8>> {
    let content_type = String::from_utf8_lossy(content_type);
    let (essence, boundary) = content_type.split_once("; boundary=")?;
    if !essence.eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = boundary.trim_matches('"');
    let text = format!("\r\n{}", String::from_utf8_lossy(body));
    match defect {
        Defect::BoundaryMatters | Defect::BytesMatter => return Some(body.to_vec()),
        Defect::BoundaryIsCutOut => return Some(text.replace(boundary, "").into_bytes()),
        _ => {}
    }
    let delimiter = format!("\r\n--{boundary}");
    let parts = text.split(&delimiter);
    let parts = parts.map(|part| match (defect, part.split_once("\r\n\r\n")) {
        (Defect::OnlyValuesOfPartsMatter, Some((_, value))) => value,
        _ => part,
    });
    Some(format!("{:?}", parts.collect::<Vec<_>>()).into_bytes())
}

fn payload(target: &str, content_type: &[u8], body: &[u8], defect: Defect) -> Vec<u8> {
    let rewritten = |change: fn(Value) -> Value| match serde_json::from_slice(body) {
        Ok(json) => change(json).to_string().into_bytes(),
        Err(_) => body.to_vec(),
    };
    match defect {
        Defect::ExcludesEverything if target.starts_with("/excluded") => Vec::new(),
        _ if !content_type.ends_with(b"json") => body.to_vec(),
        Defect::NumbersAreFloats => rewritten(as_floats),
        Defect::ArraysAreSets => rewritten(sorted),
        Defect::LastMemberWins => rewritten(|json| json),
        Defect::TextIsNormalised => String::from_utf8_lossy(body)
            .replace("e\u{301}", "\u{e9}")
            .into_bytes(),
        Defect::EmptyBodyIsAnEmptyObject if body.is_empty() => b"{}".to_vec(),
        _ => body.to_vec(),
    }
}

fn as_floats(json: Value) -> Value {
    match json {
        Value::Number(number) => number.as_f64().into(),
        Value::Array(items) => items.into_iter().map(as_floats).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, as_floats(value)))
            .collect(),
        other => other,
    }
}

fn sorted(json: Value) -> Value {
    match json {
        Value::Array(items) => {
            let mut items: Vec<_> = items.into_iter().map(sorted).collect();
            items.sort_by_key(Value::to_string);
            items.into()
        }
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, sorted(value)))
            .collect(),
        other => other,
    }
}

fn extra(head: &Parts, body: &[u8], defect: Defect) -> String {
    let coding = head.headers.get(header::CONTENT_ENCODING);
    let charset = head.headers.get(header::CONTENT_TYPE);
    let charset = charset.filter(|value| value.as_bytes().starts_with(b"application/json"));
    format!(
        "{:?}{:?}{}",
        coding.filter(|_| defect != Defect::IgnoresTheContentEncoding),
        charset.filter(|_| defect == Defect::CharsetMatters),
        spelling(body, defect)
    )
}

fn spelling(body: &[u8], defect: Defect) -> String {
    let text = String::from_utf8_lossy(body);
    let compact: String = text.split_ascii_whitespace().collect();
    match defect {
        Defect::WhiteSpaceMatters => text.len().saturating_sub(compact.len()).to_string(),
        Defect::EscapesMatter => text.matches("\\u").count().to_string(),
        Defect::MembersAreOrdered => {
            // What comes before each colon ends in a name; the last part has none.
            let mut parts: Vec<_> = compact.split("\":").collect();
            parts.pop();
            let names = parts.iter().filter_map(|part| part.rsplit('"').next());
            names.collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    }
}
