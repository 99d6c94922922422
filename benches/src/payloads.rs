//! Payloads that are made to be slow, and the plain way to fingerprint one.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Makes a payload of about so many bytes.
pub type Payload = fn(usize) -> Vec<u8>;

/// Payloads of a given size that an attacker might send, by name.
pub const ADVERSARIAL: [(&str, Payload); 11] = [
    ("127 unsorted objects round one leaf", nested),
    ("many unsorted objects", many_objects),
    ("one unsorted object of many members", many_members),
    ("one unsorted object of short names", short_names),
    ("objects of sixteen members, backwards", backwards),
    ("escapes everywhere", escapes),
    ("white space", white_space),
    ("spaces one by one", single_spaces),
    ("numbers to rewrite", numbers),
    ("short numbers to rewrite", short_numbers),
    ("arrays of nothing", empty_arrays),
];

fn nested(bytes: usize) -> Vec<u8> {
    const DEPTH: usize = 127;
    let leaf = "x".repeat(bytes.saturating_sub(DEPTH * 13));
    let mut text = r#"{"b":"#.repeat(DEPTH);
    text.push('"');
    text.push_str(&leaf);
    text.push('"');
    text.push_str(&r#","a":1}"#.repeat(DEPTH));
    text.into_bytes()
}

fn many_objects(bytes: usize) -> Vec<u8> {
    array_of(bytes, |_| r#"{"b":1,"a":2}"#.to_owned())
}

fn many_members(bytes: usize) -> Vec<u8> {
    let count = bytes / 27;
    let members: Vec<_> = (0..count)
        .map(|number| format!(r#""a long prefix {:08}":1"#, number * 7_919 % 99_999_989))
        .collect();
    format!("{{{}}}", members.join(",")).into_bytes()
}

fn short_names(bytes: usize) -> Vec<u8> {
    let count = bytes / 10;
    let members: Vec<_> = (0..count)
        .map(|number| format!(r#""{:05}":1"#, number * 7_919 % 999_983))
        .collect();
    format!("{{{}}}", members.join(",")).into_bytes()
}

fn backwards(bytes: usize) -> Vec<u8> {
    let members: Vec<_> = ('a'..='p')
        .rev()
        .map(|name| format!(r#""{name}":1"#))
        .collect();
    let object = format!("{{{}}}", members.join(","));
    array_of(bytes, |_| object.clone())
}

fn escapes(bytes: usize) -> Vec<u8> {
    format!(r#"["{}"]"#, r"\u0061\/".repeat(bytes / 8)).into_bytes()
}

fn white_space(bytes: usize) -> Vec<u8> {
    array_of(bytes, |_| format!("{}1", " \n\t ".repeat(64)))
}

fn single_spaces(bytes: usize) -> Vec<u8> {
    array_of(bytes, |_| " 1 ".to_owned())
}

fn numbers(bytes: usize) -> Vec<u8> {
    array_of(bytes, |number| format!("{number}.50e1"))
}

fn short_numbers(bytes: usize) -> Vec<u8> {
    array_of(bytes, |number| format!("{}e-5", number % 10))
}

fn empty_arrays(bytes: usize) -> Vec<u8> {
    array_of(bytes, |_| "[]".to_owned())
}

fn array_of(bytes: usize, element: impl Fn(usize) -> String) -> Vec<u8> {
    let mut text = String::from("[");
    for number in 1.. {
        text.push_str(&element(number));
        if text.len() >= bytes {
            break;
        }
        text.push(',');
    }
    text.push(']');
    text.into_bytes()
}

/// The fingerprint that most would write: parse into a tree, whose maps sort, write it, hash it.
///
/// It passes numbers through doubles, so 2^53 + 1 is 2^53 to it where they have a fraction.
#[must_use]
pub fn value_and_sort(payload: &[u8]) -> Option<[u8; 32]> {
    let value: Value = serde_json::from_slice(payload).ok()?;
    let text = serde_json::to_vec(&value).ok()?;
    Some(Sha256::digest(text).into())
}
