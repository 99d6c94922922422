//! All short texts of some pieces, where no two may be confused and no two torn apart.

use std::collections::HashMap;

use idem_core::store::Fingerprint;

use crate::{
    oracle::{Meaning, meaning},
    request::json,
};

/// All texts of up to `length` of these pieces.
pub(crate) fn texts(pieces: &[&str], length: usize) -> Vec<String> {
    let mut texts = vec![String::new()];
    let mut longest = texts.clone();
    for _ in 0..length {
        longest = longest
            .iter()
            .flat_map(|text| pieces.iter().map(move |piece| format!("{text}{piece}")))
            .collect();
        texts.extend_from_slice(&longest);
    }
    texts
}

/// Asserts that meanings and fingerprints of these texts are one to one.
///
/// Each comes with a space too, which shows whether it counts by its bytes.
fn assert_one_to_one(texts: impl IntoIterator<Item = String>) {
    let mut meanings: HashMap<Fingerprint, (Meaning, String)> = HashMap::new();
    let mut fingerprints: HashMap<Meaning, (Fingerprint, String)> = HashMap::new();
    let with_space = |text: String| [format!(" {text}"), text];
    for text in texts.into_iter().flat_map(with_space) {
        let fingerprint = json(&text);
        let meaning = meaning(text.as_bytes());
        let (known, other) = meanings
            .entry(fingerprint)
            .or_insert_with(|| (meaning.clone(), text.clone()));
        assert_eq!(&meaning, known, "{text} is confused with {other}");
        let (known, other) = fingerprints
            .entry(meaning)
            .or_insert_with(|| (fingerprint, text.clone()));
        assert_eq!(&fingerprint, known, "{text} is torn apart from {other}");
    }
}

#[test]
fn characters_of_the_grammar() {
    let pieces = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "0", "1", "-", ".", "e", " ",
    ];
    assert_one_to_one(texts(&pieces, 3));
}

#[test]
fn tokens() {
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ",",
        "\"a\"",
        "\"\\u0061\":",
        "null",
        "1.0",
    ];
    assert_one_to_one(texts(&pieces, 4));
}

#[test]
fn escapes() {
    let pieces = [
        "\\", "u", "\\ud83d", "\\ue000", "\\uDC10", "🐐", "\\u0000", "0061", "\\n", "a",
    ];
    let quoted = texts(&pieces, 4)
        .into_iter()
        .map(|text| format!("\"{text}\""));
    assert_one_to_one(quoted);
}

#[test]
fn characters_of_numbers() {
    assert_one_to_one(texts(&["-", "0", "1", ".", "e", "+"], 5));
}

#[test]
fn numbers_about_as_long_as_are_written_plainly() {
    let pieces = ["0000000000", "1", ".", "e-", "e", "39", "9"];
    assert_one_to_one(texts(&pieces, 5));
}

/// All objects of up to two members with these names and values.
fn objects(names: &[&str], values: &[String]) -> Vec<String> {
    let members: Vec<_> = names
        .iter()
        .flat_map(|name| values.iter().map(move |value| format!("{name}:{value}")))
        .collect();
    let one = members.iter().map(|member| format!("{{{member}}}"));
    let two = members.iter().flat_map(|first| {
        let second = members.iter();
        second.map(move |second| format!("{{{first},{second}}}"))
    });
    ["{}".to_owned()]
        .into_iter()
        .chain(one)
        .chain(two)
        .collect()
}

#[test]
fn objects_in_objects() {
    let scalars = ["0".to_owned(), "1".to_owned()];
    let inner = objects(&["\"a\"", "\"\\u0062\"", "\"b\""], &scalars);
    assert_one_to_one(objects(&["\"b\"", "\"a\""], &inner));
}
