//! Whether a replay is the original.

use crate::wire::Answer;

/// Fields that belong to one message, one connection or one session (RFC 9110, section 7.6.1), and
/// the framing.
const MAY_DIFFER: [&str; 13] = [
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "set-cookie",
    "te",
    "trailer",
    "trailers",
    "transfer-encoding",
    "upgrade",
];

/// What differs between an original and its replay that may not, in words; empty if nothing does.
pub(crate) fn differences(
    original: &Answer,
    replay: &Answer,
    may_differ: &[String],
) -> Vec<String> {
    let mut differences = Vec::new();
    if original.status != replay.status {
        differences.push(format!(
            "the status {} became {}",
            original.status, replay.status
        ));
    }
    let mut ignored = named_by_connection(original);
    ignored.extend(may_differ.iter().map(|name| name.to_ascii_lowercase()));
    for name in names(&[original, replay]) {
        if MAY_DIFFER.contains(&name) || ignored.iter().any(|other| other == name) {
            continue;
        }
        let (before, after) = (original.values(name), replay.values(name));
        if before != after {
            differences.push(format!(
                "the header `{name}` was {} and became {}",
                shown(&before),
                shown(&after)
            ));
        }
    }
    if original.body != replay.body {
        let same = original.body.iter().zip(&*replay.body);
        let place = same.take_while(|(one, other)| one == other).count();
        differences.push(format!(
            "the body ({} bytes) became another ({} bytes), which differs from byte {place} on",
            original.body.len(),
            replay.body.len()
        ));
    }
    differences
}

/// The names that an answer's `Connection` lists.
pub(crate) fn named_by_connection(answer: &Answer) -> Vec<String> {
    let values = answer.values("connection");
    let names = values
        .iter()
        .flat_map(|value| value.split(|byte| *byte == b','));
    names
        .map(|name| String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase())
        .filter(|name| !name.is_empty())
        .collect()
}

fn names<'a>(answers: &[&'a Answer]) -> Vec<&'a str> {
    let lines = answers.iter().flat_map(|answer| &answer.headers);
    let mut names: Vec<_> = lines.map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn shown(values: &[&[u8]]) -> String {
    if values.is_empty() {
        return "missing".to_owned();
    }
    let values = values
        .iter()
        .map(|value| format!("\"{}\"", value.escape_ascii()));
    values.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &'static str) -> Answer {
        let headers = headers.iter();
        Answer {
            status,
            headers: headers
                .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
                .collect(),
            body: body.into(),
            exchange: 0,
        }
    }

    #[test]
    fn what_belongs_to_one_message_may_differ() {
        let original = answer(
            200,
            &[
                ("date", "1"),
                ("connection", "X-Hop, close"),
                ("x-hop", "1"),
                ("set-cookie", "a"),
                ("x", "1"),
            ],
            "",
        );
        let replay = answer(200, &[("x", "1"), ("date", "2"), ("x-request-id", "7")], "");
        assert_eq!(
            differences(&original, &replay, &["X-Request-Id".to_owned()]),
            [""; 0]
        );
    }

    #[test]
    fn every_difference_is_named() {
        let original = answer(200, &[("x", "1"), ("x", "2"), ("y", "1")], "ab");
        let replay = answer(201, &[("x", "2"), ("x", "1")], "acd");
        assert_eq!(
            differences(&original, &replay, &[]),
            [
                "the status 200 became 201",
                "the header `x` was \"1\", \"2\" and became \"2\", \"1\"",
                "the header `y` was \"1\" and became missing",
                "the body (2 bytes) became another (3 bytes), which differs from byte 1 on",
            ]
        );
    }
}
