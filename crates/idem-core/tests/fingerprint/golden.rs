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
            "da9176773719a7be22a6557bc59f0fa3f247f6a5182dedef5aa301bdc88eb15a",
        ),
        (
            "null",
            "8706314f1beb4781f5d47aa780d3e7ea942c0cb8f07a0774ff93fbce37528989",
        ),
        (
            r#"{"amount":100,"currency":"EUR"}"#,
            "bd1f84faa7e76b29839664932f6bbd768a3fbd8c8ad8af1bae547e12790d3960",
        ),
        (
            r#" { "currency" : "EUR", "amount" : 1.0e2 } "#,
            "bd1f84faa7e76b29839664932f6bbd768a3fbd8c8ad8af1bae547e12790d3960",
        ),
        (
            r#"{"a":1,"a":1}"#,
            "bd73864371fb2a26f1f480ab648c544822e13a72f34a52f0a9271d04a2557746",
        ),
        (
            "[1e19,1e20,-0.0,0.1e-8,1e-10,12.50,1e400]",
            "a5000a7ba6e6ae93d1d25be636501174b92df6aafa5ebba6d87674f0f9e0c9aa",
        ),
        (
            r#""\u0061\/\ud83d\udc10\u001F\n\"\u005c""#,
            "15431c6fb8636f4cc840bdaae61abb9a3080d10812b5739a9826dfc753f263df",
        ),
        (
            r#"{"b":[{"y":1,"x":{"n":2,"m":[]}}],"aaaaaaaaab":0,"aaaaaaaaaa":0,"é":"🐐","":{}}"#,
            "38010d359292b0f57597ce4f6774428b29807ff859aea969dce22ac4ef3bebd6",
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
            "c29d88ba4b940e74bb4d491baad3c92265a54c63bed1fa57e0d0c378e1ba4c1f",
        ),
        (
            "Application/Problem+JSON; charset=\"UTF-8\"; v=1",
            "{ }",
            "19d37fc72aeeabe363d025b28763a2627726aaa4bf9b345eeb30db9913555503",
        ),
        (
            "multipart/form-data; boundary=x",
            part,
            "5a81415fefb5847c9b34e65703b9bd1b562a6f6f96eb1c0aca7828d5fdb595f1",
        ),
        (
            "multipart/form-data; boundary=y",
            part,
            "9bee7939096e925cf1de5cdd7dc1022a5c6d23d2a2d243215199480c4825ec9f",
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
            "2ebdfded9be97a68e4b1702aca71b6ffef909aefa6cdb8c8299e1c4e6b83eb1c",
        ),
        (
            "only",
            FingerprintRules::default().only(fields()),
            "59a0fb4f76765ff9755a00a1ebe22fc4ad9fef663e545af7b13d141f0fab6567",
        ),
        (
            "cookie",
            FingerprintRules::default().header("cookie"),
            "f8fb1646bfad18247a870d27af1bf3ac55e1541e9e3b7080654cda5e4b5b31eb",
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
        "fe181f94fc7978498ea42983dc7d2e681a2356dfcdeca928ceb8be83ea4c0c1d"
    );
}
