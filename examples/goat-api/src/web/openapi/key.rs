//! The header `idempotency-key` in the document.

use idem_core::{IdempotencyKey, Policy, Profile, adapter};
use utoipa::openapi::Required;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Response};

/// Adds the header to what the operation takes, and the marker of a replay to what it answers.
pub(super) fn add(operation: &mut Operation, policy: &Policy) {
    let required = match policy.profile() {
        Profile::Ietf => Required::True,
        _ => Required::False,
    };
    let key = ParameterBuilder::new()
        .name("idempotency-key")
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(DESCRIPTION))
        .schema(Some(
            ObjectBuilder::new()
                .schema_type(Type::String)
                .pattern(Some(pattern())),
        ))
        .example(Some("8e03978e-40d5-43e8-bc93-6894a57f9324".into()));
    operation
        .parameters
        .get_or_insert_default()
        .push(RefOr::T(key.build()));
    let done = operation.responses.responses.get_mut("201");
    if let Some(RefOr::T(done)) = done {
        mark(done, policy);
    }
}

const DESCRIPTION: &str = "\
Names the operation that you want done once: the same value with each retry, a new one, such as a UUID, for another \
operation. 1 to 255 characters of printable ASCII, bare or as a Structured Field string (RFC 8941): `abc` and `\"abc\"` \
are one key. A bare key has no comma, double quote or backslash; in a quoted one, `\\\"` and `\\\\` stand for the latter two.";

/// What [`idem_core::KeyFormat`] accepts unless it is told otherwise.
fn pattern() -> String {
    // Printable ASCII but for: double quote and backslash; those and the comma; and the space.
    let (quoted, bare, edge) = (r"[ !#-\[\]-~]", r"[ !#-+\--\[\]-~]", r"[!#-+\--\[\]-~]");
    let most = IdempotencyKey::MAX_BYTES;
    let between = most - 2;
    format!(r#"^({edge}({bare}{{0,{between}}}{edge})?|"({quoted}|\\["\\]){{1,{most}}}")$"#)
}

fn mark(response: &mut Response, policy: &Policy) {
    let marker = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(["true"]));
    let marker = HeaderBuilder::new()
        .schema(Some(marker))
        .description(Some(
            "There if this is the response to an earlier request of this key, and nothing was done now.",
        ));
    let name = header_case(adapter::replay_marker(policy));
    response.headers.insert(name, marker.build().into());
}

/// `idempotency-replayed` as documents write it, `Idempotency-Replayed`.
pub(super) fn header_case(name: &str) -> String {
    let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    name.split('-').map(capital).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use idem_core::KeyFormat;

    use super::*;

    #[test]
    fn the_pattern_takes_what_the_library_takes() {
        let pattern = jsonschema::validator_for(&serde_json::json!({"pattern": pattern()}));
        let pattern = pattern.unwrap();
        let (long, longer) = (
            "k".repeat(IdempotencyKey::MAX_BYTES),
            "k".repeat(IdempotencyKey::MAX_BYTES + 1),
        );
        let escapes = r"\\".repeat(IdempotencyKey::MAX_BYTES);
        let mut keys: Vec<String> = [
            "",
            "a",
            " ",
            "a b",
            " a",
            "a,b",
            "a\\b",
            "a\"b",
            r#""""#,
            r#"""#,
            r#""a""#,
            r#""a"#,
            r#"a""#,
            r#"" ""#,
            r#""a,b""#,
            r#""a\"b""#,
            r#""a\bc""#,
            r#""a"b"#,
            r#""a\""#,
            "ü",
            "\"ü\"",
            "a\u{7f}",
            r#""a";v=1"#,
            &long,
            &longer,
            "order:17/retry",
        ]
        .map(str::to_owned)
        .into();
        keys.extend([&long, &longer, &escapes].map(|key| format!("\"{key}\"")));
        keys.extend((0..=0x7f).map(|byte: u8| format!("a{}b", char::from(byte))));
        for key in keys {
            // White space around a value is not part of it, so nobody can send that.
            let is_trimmed = key.trim_matches([' ', '\t']) == key;
            let accepted = is_trimmed && KeyFormat::default().parse([key.as_bytes()]).is_ok();
            assert_eq!(pattern.is_valid(&key.as_str().into()), accepted, "{key:?}");
        }
    }
}
