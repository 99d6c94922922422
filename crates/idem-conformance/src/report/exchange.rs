//! An exchange as a person reads it.

use std::fmt::Write as _;

use crate::stage::Exchange;

/// More of a body than this tells nobody anything.
const SHOWN: usize = 800;

/// The request's lines after `> `, and the answer's after `< `.
pub(super) fn lines(exchange: &Exchange) -> String {
    let request = &exchange.request;
    let mut text = format!("> {} {}\n", request.method, request.path);
    head(&mut text, '>', &request.headers);
    body(&mut text, '>', &request.body);
    if let Some(answer) = &exchange.answer {
        let _ = writeln!(text, "< {}", answer.status);
        head(&mut text, '<', &answer.headers);
        body(&mut text, '<', &answer.body);
    }
    if let Some(note) = &exchange.note {
        let _ = writeln!(text, "({note})");
    }
    text
}

fn head(text: &mut String, mark: char, headers: &[(String, Vec<u8>)]) {
    for (name, value) in headers {
        let _ = writeln!(text, "{mark} {name}: {}", shown(value));
    }
}

fn body(text: &mut String, mark: char, body: &[u8]) {
    if body.is_empty() {
        return;
    }
    let _ = writeln!(text, "{mark}");
    for line in shown(body).split('\n') {
        let _ = writeln!(text, "{mark} {line}");
    }
}

/// Bytes as text where they are some, and cut where they are many.
pub(super) fn shown(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(SHOWN)];
    let is_plain = |text: &&str| !text.contains(|c: char| c.is_control() && c != '\n');
    let mut text = match std::str::from_utf8(start).ok().filter(is_plain) {
        Some(text) => text.to_owned(),
        None => start.escape_ascii().to_string(),
    };
    if bytes.len() > SHOWN {
        let _ = write!(text, "… ({} bytes)", bytes.len());
    }
    text
}

/// One line: what was asked under which key, and the status of the answer.
pub(super) fn in_short(exchange: &Exchange) -> String {
    let request = &exchange.request;
    let status = exchange
        .answer
        .as_ref()
        .map(|answer| answer.status.to_string());
    format!(
        "{} {} ({} bytes) → {}",
        request.method,
        request.path,
        request.body.len(),
        status
            .as_deref()
            .or(exchange.note.as_deref())
            .unwrap_or("no answer")
    )
}
