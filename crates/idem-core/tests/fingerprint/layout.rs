//! Fingerprints hashed by hand from the written-down layout, so that no change of it goes unseen.
//!
//! Stores and other releases hold fingerprints: who changes one of these on purpose changes the
//! version in the first part too.

use idem_core::{FingerprintRules, JsonPointer, store::Fingerprint};
use sha2::{Digest, Sha256};

use crate::request::{Head, json};

/// SHA-256 over the parts of a POST, each after its length: seven bits a byte, the lowest first, and the top bit says that
/// more follow.
fn by_hand(parts: &[&str]) -> Fingerprint {
    let mut hash = Sha256::new();
    let head = ["idem fingerprint 4", "POST", "/goats?page=1"];
    for part in head.iter().chain(parts) {
        hash.update(length(part.len()));
        hash.update(part);
    }
    Fingerprint::from_bytes(hash.finalize().into())
}

fn length(length: usize) -> Vec<u8> {
    match length {
        0..128 => vec![length as u8],
        128..16_384 => vec![(length % 128 + 128) as u8, (length / 128) as u8],
        _ => panic!("no test has so long a part"),
    }
}

fn field(pointer: &str) -> JsonPointer {
    pointer.parse().expect("the test gives pointers")
}

#[test]
fn a_json_payload_is_hashed_in_its_canonical_form() {
    let payload = r#" {"b":{"y":true,"x":null},"a":"\/\ud83d\udc10\u001F\"",
        "\u000a":[15e18, 15e19, 0.0000000001, -1e-3, -0]} "#;
    let canonical =
        r#"{"\n":[1.5e19,1.5e20,1e-10,-0.001,0],"a":"/🐐\u001f\"","b":{"x":null,"y":true}}"#;
    let by_hand = by_hand(&["application/json", "", "", "json", canonical]);
    assert_eq!(json(payload), by_hand);
}

#[test]
fn any_other_payload_is_hashed_as_it_is() {
    let invalid = by_hand(&["application/json", "", "", "bytes", " [1, ]"]);
    assert_eq!(json(" [1, ]"), invalid);
    let unlabelled = by_hand(&["", "", "", "bytes", "{ }"]);
    assert_eq!(Head::with_headers(&[]).fingerprint("{ }"), unlabelled);
}

#[test]
fn parameters_and_chosen_headers_are_parts() {
    let head = Head::with_headers(&[
        ("content-type", "Text/Plain ; v=A"),
        ("content-encoding", "X-GZIP, identity"),
        ("content-encoding", "br"),
        ("x-a", "1"),
        ("x-a", "2"),
    ]);
    let rules = FingerprintRules::default().header("X-A").header("x-b");
    let parts = [
        "text/plain",
        ";v=\"A\"",
        "gzip,br",
        "x-a",
        "=",
        "1",
        "=",
        "2",
        "x-b",
        "bytes",
        "",
    ];
    assert_eq!(rules.fingerprint(&head, b""), by_hand(&parts));
}

#[test]
fn a_choice_of_fields_has_a_tag_of_its_own() {
    let payload = br#"{"b":2,"a":1}"#;
    let (without, only) = (
        FingerprintRules::default().without([field("/b")]),
        FingerprintRules::default().only([field("/a"), field("/c")]),
    );
    let parts = ["application/json", "", "", "json without", r#"{"a":1}"#];
    assert_eq!(without.fingerprint(&Head::json(), payload), by_hand(&parts));
    let parts = [
        "application/json",
        "",
        "",
        "json only",
        "/a",
        "present",
        "1",
        "/c",
        "absent",
    ];
    assert_eq!(only.fingerprint(&Head::json(), payload), by_hand(&parts));
}

#[test]
fn a_multipart_payload_is_hashed_part_by_part() {
    let head = Head::labelled("multipart/form-data; boundary=\"a b\"; v=1");
    let label = ["multipart/form-data", ";v=\"1\"", ""];
    let payload = "--a b\r\nX: 1 \r\nY:\r\n\r\nz\r\n--a b\r\n\r\n\r\n--a b--\r\n";
    let [none, two] = ["\0\0\0\0\0\0\0\0", "\0\0\0\0\0\0\0\x02"];
    let parts = ["multipart", two, two, "x", "1", "y", "", "z", none, ""];
    assert_eq!(
        head.fingerprint(payload),
        by_hand(&[&label[..], &parts].concat())
    );
    let parts = ["boundary", "a b", "bytes", "--a b"];
    assert_eq!(
        head.fingerprint("--a b"),
        by_hand(&[&label[..], &parts].concat())
    );
}
