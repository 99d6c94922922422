//! What a client may send twice, case by case.

use idem_core::FingerprintRules;

use crate::request::{Head, json};

// S12
// S13
// S15
// S17
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

// S14
// S15
// S16
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

// S20
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

// S18
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

// S19
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

// S19
#[test]
fn the_label_counts_too() {
    let labels = [
        "application/json",
        "application/json; charset=utf-16",
        "application/json; v=1",
        "application/json; v=A",
        "application/json; v=a",
        "application/json; charset",
        "application/merge-patch+json",
        "text/plain",
        "text/plain; charset=utf-8",
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
fn a_label_in_another_legal_form_is_the_same() {
    for (one, other) in [
        ("application/json", "application/json;charset=utf-8"),
        ("application/json", "Application/JSON ; Charset=\"UTF-8\""),
        (
            "application/problem+json; charset=utf-8",
            "application/problem+json",
        ),
        (
            "application/json; v=1; charset=utf-8",
            "application/json;V=\"1\"",
        ),
        ("text/html; charset=utf-8", "Text/HTML;Charset=\"UTF-8\""),
        ("text/plain; a=1; b=2", "text/plain; b=2; a=1"),
    ] {
        let (left, right) = (Head::labelled(one), Head::labelled(other));
        assert_eq!(
            left.fingerprint("{}"),
            right.fingerprint("{}"),
            "{one}, {other}"
        );
    }
}

fn coded(lines: &[&'static str]) -> Head {
    let mut head = Head::json();
    let lines = lines.iter().map(|line| ("content-encoding", *line));
    head.headers.extend(lines);
    head
}

#[test]
fn the_coding_of_the_payload_counts() {
    let plain = Head::json().fingerprint("{}");
    assert_eq!(coded(&["identity"]).fingerprint("{}"), plain);
    assert_eq!(
        coded(&["gzip, br"]).fingerprint("{}"),
        coded(&["GZIP", "br"]).fingerprint("{}")
    );
    let lists: [&[&str]; 5] = [
        &["gzip"],
        &["br"],
        &["gzip, br"],
        &["br, gzip"],
        &["gzip gzip"],
    ];
    for (index, one) in lists.iter().enumerate() {
        assert_ne!(coded(one).fingerprint("{}"), plain, "{one:?}");
        for other in &lists[..index] {
            assert_ne!(coded(one).fingerprint("{}"), coded(other).fingerprint("{}"));
        }
    }
    // What is coded is not decoded, so it has no meaning as JSON.
    assert_ne!(
        coded(&["gzip"]).fingerprint("{}"),
        coded(&["gzip"]).fingerprint("{ }")
    );
}

/// A form of one field and one file, with lines as curl and browsers write them.
fn form(boundary: &str, file_name: &str, file: &str) -> (Head, String) {
    let label = format!("multipart/form-data; boundary={boundary}");
    let body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"goat\"\r\n\r\nZilli\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\n\
         Content-Type: image/png\r\n\r\n{file}\r\n--{boundary}--\r\n"
    );
    (Head::labelled(Box::leak(label.into())), body)
}

// S93
#[test]
fn a_form_is_its_parts_and_not_its_boundary() {
    let taken = |(head, body): (Head, String)| head.fingerprint(body);
    let original = taken(form(
        "----WebKitFormBoundary7MA4YWxk",
        "a.png",
        "\u{89}PNG\r\n",
    ));
    assert_eq!(
        taken(form(
            "------------------------d74496d6",
            "a.png",
            "\u{89}PNG\r\n"
        )),
        original
    );
    let (head, body) = form("x", "a.png", "\u{89}PNG\r\n");
    assert_eq!(head.fingerprint(&body), original);
    assert_eq!(
        head.fingerprint(body.replace("Content-Type", "content-type")),
        original
    );
    assert_eq!(head.fingerprint(body.trim_end()), original);
    for other in [
        taken(form("x", "b.png", "\u{89}PNG\r\n")),
        taken(form("x", "a.png", "\u{89}PNG\r\n ")),
        taken(form("x", "a.png", "\u{89}PNG")),
        head.fingerprint(body.replace("\"goat\"", "\"cow\"")),
        head.fingerprint(body.replace("image/png", "image/gif")),
        head.fingerprint(body.replace("Zilli", "Zora")),
    ] {
        assert_ne!(other, original);
    }
    let (first, second) = ("--x\r\n\r\n1\r\n", "--x\r\n\r\n2\r\n");
    let parts = |parts: &[&str]| head.fingerprint(format!("{}--x--", parts.concat()));
    assert_ne!(parts(&[first, second]), parts(&[second, first]));
    assert_ne!(parts(&[first]), parts(&[first, first]));
    assert_ne!(parts(&[first]), parts(&[]));
    assert_ne!(
        Head::labelled("multipart/mixed; boundary=x").fingerprint(&body),
        original
    );
}

// S93
#[test]
fn a_form_that_is_only_nearly_right_counts_by_its_bytes() {
    for broken in [
        "--?--\r\nmore",
        "more\r\n--?--",
        "--?\n\nx\n--?--",
        "--?\r\n\r\nx\r\n--? \r\n\r\ny\r\n--?--",
        "--?\r\n\r\nx--?y\r\n--?--",
        "--?\r\n\r\nx",
    ] {
        let taken = |boundary: &'static str, body: &str| {
            Head::labelled(Box::leak(
                format!("multipart/form-data; boundary={boundary}").into(),
            ))
            .fingerprint(body.replace('?', boundary))
        };
        assert_eq!(taken("a", broken), taken("a", broken), "{broken:?}");
        assert_ne!(taken("a", broken), taken("b", broken), "{broken:?}");
        // The bytes alone are not all: the boundary says what they mean.
        let as_bytes = |boundary| {
            let label: String = format!("multipart/form-data; boundary={boundary}");
            Head::labelled(Box::leak(label.into())).fingerprint(broken)
        };
        assert_ne!(as_bytes("a"), as_bytes("b"), "{broken:?}");
    }
}

#[test]
fn the_case_of_the_label_does_not_count() {
    let (one, other) = (Head::labelled("Text/Plain"), Head::labelled("text/plain"));
    assert_eq!(one.fingerprint("a"), other.fingerprint("a"));
}

// S22
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

// S91
#[test]
fn a_chosen_cookie_field_counts_by_its_cookies_however_many_lines_they_came_in() {
    let rules = FingerprintRules::default().header("Cookie");
    let fingerprint = |lines: &[&'static str]| {
        let lines: Vec<_> = lines.iter().map(|line| ("cookie", *line)).collect();
        rules.fingerprint(&Head::with_headers(&lines), b"{}")
    };
    let one = fingerprint(&["a=1; b=2"]);
    assert_eq!(fingerprint(&["a=1", "b=2"]), one);
    assert_eq!(fingerprint(&["a=1;b=2;"]), one);
    for other in [["a=1", "b=3"], ["b=2", "a=1"], ["a=1", ""]] {
        assert_ne!(fingerprint(&other), one, "{other:?}");
    }
}
