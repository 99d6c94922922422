//! Which content types are JSON.

use crate::market::invalid::{Invalid, excerpt};

/// Accepts `application/json` and every type that ends in `+json`, with any parameters.
pub(super) fn require_json(content_type: Option<&[u8]>) -> Result<(), Invalid> {
    let refuse = |problem: String| Err(Invalid::new("the content type", problem));
    match content_type {
        None => refuse("is missing, it must be application/json".to_owned()),
        Some(value) if is_json(value) => Ok(()),
        Some(value) => {
            let got = excerpt(&String::from_utf8_lossy(value));
            refuse(format!("must be application/json, got {got:?}"))
        }
    }
}

fn is_json(value: &[u8]) -> bool {
    let essence = value.split(|byte| *byte == b';').next().unwrap_or_default();
    let essence = essence.trim_ascii().to_ascii_lowercase();
    let is_pair = essence.iter().filter(|byte| **byte == b'/').count() == 1;
    essence == b"application/json" || (is_pair && essence.ends_with(b"+json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_many_names() {
        for name in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=utf-8",
            "application/vnd.goat+json",
            "application/problem+json ; v=1",
        ] {
            assert!(is_json(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn other_types_are_not_json() {
        for name in [
            "",
            "text/plain",
            "application/jsonp",
            "text/plain; a=+json",
            "+json",
        ] {
            assert!(!is_json(name.as_bytes()), "{name}");
        }
    }
}
