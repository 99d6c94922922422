//! Fingerprints as stores have them on record: what they are may not change from release to release.
//!
//! A record outlives the process that wrote it. If a release computed another fingerprint for the
//! same request, each of its retries would be refused as a mismatch. A deliberate change gives the
//! algorithm's domain a new version, and these figures with it.

use std::fmt::Write as _;

use idem_core::{FingerprintRules, JsonPointer, store::Fingerprint};
use sha2::{Digest, Sha256};

use crate::{
    every_short_text::texts,
    request::{Head, json},
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn assert_recorded(name: &str, fingerprint: Fingerprint, recorded: &str) {
    assert_eq!(hex(fingerprint.as_bytes()), recorded, "{name}");
}

#[test]
fn json_payloads() {
    for (payload, recorded) in [
        (
            "",
            "2d58aec3f4907fa1cb4b435362bd355e8e114b58ba44d82db39f9cb04b8a10c0",
        ),
        (
            "null",
            "5e0e4387fad65a453fbd9650ea305b9f1848761bad03c829745ca70bc79cfdbe",
        ),
        (
            r#"{"amount":100,"currency":"EUR"}"#,
            "c1b4c957f1b59fdc0de5fdffa106d99330ca4a524e1cafeea5f9d4c67a378c0e",
        ),
        (
            r#" { "currency" : "EUR", "amount" : 1.0e2 } "#,
            "c1b4c957f1b59fdc0de5fdffa106d99330ca4a524e1cafeea5f9d4c67a378c0e",
        ),
        (
            r#"{"a":1,"a":1}"#,
            "97153085e7e87d2c56db1c8971f8cc2f91e49b1015c67d14320b6c441e80249a",
        ),
        (
            "[1e19,1e20,-0.0,0.1e-8,1e-10,12.50,1e400]",
            "6118d1069744c06e3f03cfdbc394c5f3a9ef79ddd36308b0756324c6dd2fc5be",
        ),
        (
            r#""\u0061\/\ud83d\udc10\u001F\n\"\u005c""#,
            "d66ebc112c03d63aedf5488a33ded66449023b48d1a803108575fc67cd2482fe",
        ),
        (
            r#"{"b":[{"y":1,"x":{"n":2,"m":[]}}],"aaaaaaaaab":0,"aaaaaaaaaa":0,"é":"🐐","":{}}"#,
            "060d7e70e0f8eacb5b747e431f6929fcb577c6c48bbaf53e59c14782484cb647",
        ),
    ] {
        assert_recorded(payload, json(payload), recorded);
    }
}

#[test]
fn other_payloads() {
    let part = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n";
    for (label, payload, recorded) in [
        (
            "text/plain",
            "{}",
            "26e346f2d9d37c827c45168340b57db0888c2da3834b4e596578eaae09d2c34a",
        ),
        (
            "Application/Problem+JSON; charset=\"UTF-8\"; v=1",
            "{ }",
            "036390b787d2c7478336ef5ebb4607b53ff1b739014aa4b5f45bdd1d9f08de03",
        ),
        (
            "multipart/form-data; boundary=x",
            part,
            "3fddeed702857e43a0df444ff35909282194b7260124b987ad5aeca04631c094",
        ),
        (
            "multipart/form-data; boundary=y",
            part,
            "8af77ecaddd567b5879fb270abfc5e7c2328105b8b11b704134ef4fc14c043c1",
        ),
    ] {
        assert_recorded(label, Head::labelled(label).fingerprint(payload), recorded);
    }
}

#[test]
fn chosen_fields_and_headers() {
    let payload = br#"{"id":7,"sentAt":"now","items":[{"n":1.0},{"n":2}]}"#;
    let fields = || {
        ["/sentAt", "/items/1/n", "/none"]
            .map(|field| field.parse::<JsonPointer>().expect("a pointer"))
    };
    let head = Head::with_headers(&[
        ("content-type", "application/json"),
        ("content-encoding", "identity"),
        ("cookie", "a=1; b=2"),
    ]);
    for (name, rules, recorded) in [
        (
            "without",
            FingerprintRules::default().without(fields()),
            "2bcbffce3f0160327e6c3134f2e36d332eb99fd65bc409be5e22764d35dfaa35",
        ),
        (
            "only",
            FingerprintRules::default().only(fields()),
            "4840e1e45cbf47d1a643815838f9bf56482f4b36497d07b91f0f4145bc6c6ddc",
        ),
        (
            "cookie",
            FingerprintRules::default().header("cookie"),
            "6d3a3270808bfdd0d727fd6921248b9c53cb62c2b313dd8655fb4f559cbb02bb",
        ),
    ] {
        assert_recorded(name, rules.fingerprint(&head, payload), recorded);
    }
}

/// One figure for many payloads, most of which somebody might break and not see it in the others.
#[test]
fn every_short_payload() {
    let tokens = [
        "{",
        "}",
        "[",
        "]",
        ",",
        "\"b\":",
        "\"\\u0061\":",
        "1.0",
        "\n",
    ];
    let numbers = ["-", "0", "1", ".", "e", "0000000000"];
    let names = [r"\u0061", "aaaaaaa", r"\n", "b", "\u{e9}"];
    let objects = texts(&names, 2).into_iter().flat_map(|first| {
        let object =
            move |second| format!("{{\"{first}\":{{\"b\":1,\"a\":2}},\"{second}\":10e-1}}");
        texts(&names, 2).into_iter().map(object)
    });
    let payloads = texts(&tokens, 4)
        .into_iter()
        .chain(texts(&numbers, 5))
        .chain(objects);
    let mut all = Sha256::new();
    for payload in payloads {
        all.update(json(payload).as_bytes());
    }
    assert_eq!(
        hex(&all.finalize()),
        "75bde1b43b29a8064989a870493aba663384eeb503c95ca85b1ea52dd35b8c8a"
    );
}
