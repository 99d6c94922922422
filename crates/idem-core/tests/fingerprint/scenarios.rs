//! What a client may send twice, case by case.

use idem_core::FingerprintRules;

use crate::request::{Head, json};

#[test]
fn payloads_that_mean_the_same_are_one() {
    for (case, one, other) in [
        ("same bytes", r#"{"a":[1,"x"]}"#, r#"{"a":[1,"x"]}"#),
        ("reordered members", r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#),
        (
            "reordered members inside",
            r#"{"a":[{"y":{"d":1,"c":2},"x":3}],"b":4}"#,
            r#"{"b":4,"a":[{"x":3,"y":{"c":2,"d":1}}]}"#,
        ),
        ("white space", "{\"a\":[1,2]}", "\r\n{\t\"a\" : [ 1 ,2 ] } "),
        ("white space in what is empty", "[{},[]]", "[ { } , [\n] ]"),
        ("a fraction of zero", "1", "1.0"),
        ("an exponent of zero", "1", "1e0"),
        ("an exponent", "100", "1E+2"),
        ("minus zero", "0", "-0"),
        ("minus zero with an exponent", "0", "-0.0e7"),
        ("an escaped letter", r#""a""#, r#""\u0061""#),
        (
            "an escaped letter in a name",
            r#"{"a":1}"#,
            r#"{"\u0061":1}"#,
        ),
        (
            "escapes that change the order",
            r#"{"\u0062":1,"a":2}"#,
            r#"{"a":2,"b":1}"#,
        ),
        ("an escaped slash", r#""/""#, r#""\/""#),
        ("two escapes of a line feed", r#""\n""#, r#""\u000A""#),
        ("an escaped surrogate pair", r#""🐐""#, r#""\uD83D\udc10""#),
        (
            "an unordered object behind a number that is written out",
            r#"{"price":1e5,"item":{"name":1,"id":2}}"#,
            r#"{"item":{"id":2,"name":1},"price":100000}"#,
        ),
        (
            "unordered objects behind many numbers that are written out",
            r#"[1e19,-1e19,1e-8,{"c":1,"b":1,"a":1e4},{"b":[{"d":1,"c":1e3}],"a":1}]"#,
            r#"[10000000000000000000,-10000000000000000000,0.00000001,{"a":10000,"b":1,"c":1},{"a":1,"b":[{"c":1000,"d":1}]}]"#,
        ),
        ("the last code point", "\"\u{10ffff}\"", r#""\udbff\udfff""#),
    ] {
        assert_eq!(json(one), json(other), "{case}: {one} and {other}");
    }
}

#[test]
fn payloads_that_mean_something_else_differ() {
    for (case, one, other) in [
        ("array order", "[1,2]", "[2,1]"),
        (
            "neighbours beyond 2^53",
            "9007199254740993",
            "9007199254740992",
        ),
        ("neighbours below 1", "0.1", "0.10000000000000001"),
        ("what a double takes for infinite", "1e400", "1e401"),
        ("what a double takes for zero", "1e-400", "0"),
        ("the sign", "1", "-1"),
        ("a number and its text", "1", r#""1""#),
        ("a repeated member", r#"{"a":1}"#, r#"{"a":1,"a":1}"#),
        (
            "a repeated member, first wins",
            r#"{"a":1}"#,
            r#"{"a":1,"a":2}"#,
        ),
        (
            "a repeated member, last wins",
            r#"{"a":2}"#,
            r#"{"a":1,"a":2}"#,
        ),
        (
            "a repeated member, escaped",
            r#"{"a":1}"#,
            r#"{"a":1,"\u0061":1}"#,
        ),
        (
            "a repeated member, apart",
            r#"{"a":1,"b":2}"#,
            r#"{"a":1,"b":2,"a":1}"#,
        ),
        (
            "repeated members, reordered",
            r#"{"a":1,"a":2}"#,
            r#"{"a":2,"a":1}"#,
        ),
        (
            "repeated members, apart and reordered",
            r#"{"b":1,"a":2,"b":3}"#,
            r#"{"b":3,"a":2,"b":1}"#,
        ),
        (
            "a repeated member and white space",
            r#"{"b":1,"a":2,"b":1}"#,
            r#"{"b":1, "a":2,"b":1}"#,
        ),
        (
            "a repeated member inside",
            r#"[{"b":1,"a":2,"b":1}]"#,
            r#"[{"b":1,"b":1,"a":2}]"#,
        ),
        ("a composed letter", "\"\u{e9}\"", "\"e\u{301}\""),
        ("letter case", r#""a""#, r#""A""#),
        ("a zero character", r#""a""#, r#""a\u0000""#),
        ("an escaped backslash", r#""\\n""#, r#""\n""#),
        ("two lone surrogates", r#""\ud83d""#, r#""\ud83e""#),
        (
            "a lone surrogate and a pair",
            r#""\ud83d""#,
            r#""\ud83d\udc10""#,
        ),
        (
            "surrogates the wrong way round",
            r#""\udc10\ud83d""#,
            r#""\ud83d\udc10""#,
        ),
        ("null and absent", r#"{"a":null}"#, "{}"),
        (
            "a lone surrogate and another escape",
            r#""\ud83d\ue000""#,
            r#" "\ud83d\ue000""#,
        ),
        (
            "an exponent that its notation keeps short enough",
            "10e99999999999999999",
            "1e100000000000000000",
        ),
        ("nesting", "[1,[2]]", "[[1],2]"),
        ("a trailing comma", "[1]", "[1,]"),
        ("a byte order mark", "1", "\u{feff}1"),
        ("a space that JSON does not know", "1", "1\u{a0}"),
        ("a leading zero", "1", "01"),
        ("a second value", "1", "1 1"),
        ("white space in what is invalid", "[1,]", "[1, ]"),
    ] {
        assert_ne!(json(one), json(other), "{case}: {one} and {other}");
    }
}

#[test]
fn the_smallest_payloads_all_differ() {
    let payloads = [
        "", " ", "{}", "[]", "null", "0", "\"\"", "false", "true", "{", "{\"\":0}", "[null]",
    ];
    for (index, one) in payloads.iter().enumerate() {
        for other in &payloads[..index] {
            assert_ne!(json(one), json(other), "{one:?} and {other:?}");
        }
    }
}

#[test]
fn invalid_utf_8_counts_by_its_bytes() {
    assert_eq!(json(b"\"\xff\""), json(b"\"\xff\""));
    assert_ne!(json(b"\"\xff\""), json(b"\"\xfe\""));
    assert_ne!(json(b"\"\xff\""), json(b" \"\xff\""));
    assert_ne!(json(b"\"\xed\xa0\xbd\xed\xb0\x90\""), json("\"🐐\""));
    assert_ne!(json(b"\"\xc0\xaf\""), json("\"/\""));
}

#[test]
fn each_json_label_makes_the_payload_count_by_its_meaning() {
    for label in [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=utf-8",
        " application/json ; charset=utf-8",
        "application/merge-patch+json",
        "application/vnd.goat.v1+json; q=1",
    ] {
        let head = Head::labelled(label);
        let (one, other) = (r#"{"a":1,"b":[2]}"#, r#"{ "b":[2.0], "a":1 }"#);
        assert_eq!(head.fingerprint(one), head.fingerprint(other), "{label}");
    }
}

#[test]
fn any_other_label_makes_the_payload_count_by_its_bytes() {
    for head in [
        Head::labelled("text/plain"),
        Head::labelled("application/x-www-form-urlencoded"),
        Head::labelled("text/json"),
        Head::labelled("application/x-ndjson"),
        Head::labelled("application/json-seq"),
        Head::labelled("application/xml; kind=application/json"),
        Head::labelled(""),
        Head::with_headers(&[]),
    ] {
        let (one, other) = (r#"{"a":1}"#, r#"{"a": 1}"#);
        assert_eq!(head.fingerprint(one), head.fingerprint(one), "{head:?}");
        assert_ne!(head.fingerprint(one), head.fingerprint(other), "{head:?}");
    }
}

#[test]
fn the_label_counts_too() {
    let labels = [
        "application/json",
        "application/json; charset=utf-8",
        "application/json; charset=UTF-8",
        "application/merge-patch+json",
        "text/plain",
        "",
    ];
    for (index, one) in labels.iter().enumerate() {
        for other in &labels[..index] {
            let (left, right) = (Head::labelled(one), Head::labelled(other));
            assert_ne!(
                left.fingerprint("{}"),
                right.fingerprint("{}"),
                "{one}, {other}"
            );
        }
    }
}

#[test]
fn the_case_of_the_label_does_not_count() {
    let (one, other) = (Head::labelled("Text/Plain"), Head::labelled("text/plain"));
    assert_eq!(one.fingerprint("a"), other.fingerprint("a"));
}

#[test]
fn method_path_and_query_count() {
    let original = Head::json();
    for (method, target) in [
        ("PATCH", original.target),
        ("POST", "/goats?page=2"),
        ("POST", "/goats"),
        ("POST", "/goat?page=1"),
        ("POST/", "goats?page=1"),
    ] {
        let other = Head {
            method,
            target,
            ..original.clone()
        };
        assert_ne!(
            original.fingerprint("{}"),
            other.fingerprint("{}"),
            "{method} {target}"
        );
    }
}

/// Whether two sets of headers make one request, where `accept-language` and `x-b` count.
fn are_one(one: &[(&'static str, &'static str)], other: &[(&'static str, &'static str)]) -> bool {
    let rules = FingerprintRules::default()
        .header("Accept-Language")
        .header("x-b");
    let fingerprint = |headers| rules.fingerprint(&Head::with_headers(headers), b"{}");
    fingerprint(one) == fingerprint(other)
}

#[test]
fn chosen_headers_count_and_no_others() {
    let language = ("accept-language", "de");
    assert!(are_one(
        &[language],
        &[("ACCEPT-LANGUAGE", "de"), ("x-other", "1")]
    ));
    assert!(!are_one(&[language], &[("accept-language", "fr")]));
    assert!(!are_one(&[language], &[]));
    assert!(!are_one(&[("accept-language", "")], &[]));
    assert!(!are_one(&[("accept-language", "1")], &[("x-b", "1")]));
    assert!(!are_one(&[("accept-language", "x-b")], &[("x-b", "x-b")]));
}

#[test]
fn the_values_of_a_repeated_header_are_kept_apart() {
    let [a, b] = [("x-b", "a"), ("x-b", "b")];
    assert!(!are_one(&[a, b], &[b, a]));
    assert!(!are_one(&[a, b], &[a]));
    assert!(!are_one(&[a, b], &[("x-b", "ab")]));
    assert!(!are_one(&[a, b], &[("x-b", "a=b")]));
}
