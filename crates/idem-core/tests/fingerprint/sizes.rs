//! Payloads as large and as deep as somebody hostile would send them.
//!
//! Each runs on a stack that leaves no room for recursion that a payload decides on.

use idem_core::{FingerprintRules, JsonPointer, store::Fingerprint};

use crate::request::Head;

const STACK_BYTES: usize = 256 * 1024;
const MEGABYTE: usize = 1_000_000;

fn with_rules(rules: FingerprintRules, payload: String) -> Fingerprint {
    std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(move || rules.fingerprint(&Head::json(), payload.as_bytes()))
        .expect("a thread starts")
        .join()
        .expect("a fingerprint is taken of every payload")
}

fn json(payload: impl Into<String>) -> Fingerprint {
    with_rules(FingerprintRules::default(), payload.into())
}

fn nested(open: &str, inside: &str, close: &str, levels: usize) -> String {
    format!("{}{inside}{}", open.repeat(levels), close.repeat(levels))
}

fn object(members: impl Iterator<Item = String>) -> String {
    let members: Vec<_> = members.collect();
    format!("{{{}}}", members.join(","))
}

/// Members with names of one length, which sort as their numbers do.
fn member(number: usize) -> String {
    format!("\"member {number:06}\":{number}")
}

#[test]
fn nesting_up_to_128_levels_counts_by_its_meaning() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
        let levels = 128 / open.matches(['[', '{']).count();
        let tight = nested(open, "1", close, levels);
        assert_eq!(json(&tight), json(nested(open, " 1.0 ", close, levels)));
    }
}

#[test]
fn nesting_beyond_128_levels_counts_by_its_bytes() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let tight = nested(open, "1", close, 129);
        assert_eq!(json(&tight), json(&tight));
        assert_ne!(json(&tight), json(nested(open, " 1 ", close, 129)));
    }
}

#[test]
fn an_empty_container_is_a_level_too() {
    for empty in [("[]", "[ ]"), ("{}", "{ }")] {
        let [tight, wide] = [empty.0, empty.1].map(|inside| nested("[", inside, "]", 127));
        assert_eq!(json(tight), json(wide));
        let [tight, wide] = [empty.0, empty.1].map(|inside| nested("[", inside, "]", 128));
        assert_ne!(json(tight), json(wide));
    }
}

#[test]
fn containers_side_by_side_are_no_levels() {
    let pairs = vec!["[{}]"; 1000].join(",");
    assert_eq!(
        json(format!("[{pairs}]")),
        json(format!("[{}]", pairs.replace(',', " , ")))
    );
}

#[test]
fn two_hundred_thousand_levels_count_by_their_bytes() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[", ""), ("{\"a\":", "")] {
        let tight = nested(open, "1", close, 200_000);
        assert_ne!(json(tight), json(nested(open, "1 ", close, 200_000)));
    }
}

#[test]
fn two_hundred_thousand_closing_brackets_count_by_their_bytes() {
    assert_ne!(json("]".repeat(200_000)), json("]".repeat(200_001)));
    assert_ne!(json("}".repeat(200_000)), json("}".repeat(200_001)));
}

#[test]
fn four_megabytes_of_escaped_letters_are_the_letters() {
    let count = 4 * MEGABYTE / 6;
    let escaped = format!("\"{}\"", r"\u0061".repeat(count));
    assert_eq!(json(escaped), json(format!("\"{}\"", "a".repeat(count))));
}

#[test]
fn a_name_of_two_megabytes_of_escapes_is_found_repeated() {
    let count = 2 * MEGABYTE / 6;
    let (escaped, plain) = (r"\u0061".repeat(count), "a".repeat(count));
    let one = json(format!("{{\"{escaped}\":1}}"));
    assert_eq!(one, json(format!("{{\"{plain}\":1}}")));
    assert_ne!(one, json(format!("{{\"{escaped}\":1,\"{plain}\":1}}")));
}

#[test]
fn four_megabytes_of_escaped_backslashes_are_read() {
    let count = 4 * MEGABYTE / 2;
    let text = |count| format!("\"{}\"", r"\\".repeat(count));
    let backslashes = json(text(count));
    assert_eq!(backslashes, json(text(count) + " "));
    assert_ne!(backslashes, json(text(count - 1)));
}

#[test]
fn a_number_of_two_megabytes_compares_by_all_its_digits() {
    let digits = "7".repeat(2 * MEGABYTE);
    let number = json(&*digits);
    assert_eq!(number, json(format!("{digits}.0")));
    assert_eq!(number, json(format!("0.{digits}e{}", digits.len())));
    assert_ne!(number, json(format!("{}8", &digits[1..])));
}

#[test]
fn two_megabytes_of_zeros_round_a_number_do_not_count() {
    let zeros = "0".repeat(MEGABYTE);
    assert_eq!(json("1"), json(format!("1.{zeros}")));
    assert_eq!(json("1"), json(format!("0.{zeros}1e{}", zeros.len() + 1)));
    assert_eq!(json("1"), json(format!("1{zeros}e-{}", zeros.len())));
    assert_eq!(json("10"), json(format!("1e{zeros}1")));
}

#[test]
fn an_exponent_of_two_megabytes_counts_by_its_bytes() {
    let digits = "9".repeat(2 * MEGABYTE);
    assert_ne!(json(format!("1e{digits}")), json(format!("1e{digits} ")));
    assert_ne!(json(format!("1e-{digits}")), json(format!("1e-{digits} ")));
}

#[test]
fn an_exponent_counts_by_its_meaning_up_to_17_digits() {
    let (longest, too_long) = ("9".repeat(17), "9".repeat(18));
    assert_eq!(json(format!("1e{longest}")), json(format!("1e{longest} ")));
    assert_ne!(
        json(format!("1e{too_long}")),
        json(format!("1e{too_long} "))
    );
}

#[test]
fn a_hundred_thousand_members_are_sorted() {
    let count = 100_000;
    let sorted = json(object((0..count).map(member)));
    assert_eq!(sorted, json(object((0..count).rev().map(member))));
    // The step has no divisor in common with the count, so that each number comes once.
    let scattered = (0..count).map(|n| member(n * 61_803 % count));
    assert_eq!(sorted, json(object(scattered)));
}

#[test]
fn names_with_a_long_common_beginning_are_sorted() {
    let count = 8 * MEGABYTE / 1040;
    let beginning = "a".repeat(1024);
    let member = |n| format!("\"{beginning}{n:06}\":0");
    let sorted = json(object((0..count).map(member)));
    assert_eq!(sorted, json(object((0..count).rev().map(member))));
    let scattered = (0..count).map(|n| member(n * 7919 % count));
    assert_eq!(sorted, json(object(scattered)));
}

#[test]
fn pairs_of_names_with_a_common_beginning_are_sorted_and_their_repetition_is_found() {
    let count = 40;
    // Two names each have their first eight bytes in common, and no more do.
    let member = |n: usize| format!("\"{:08}{}\":0", n / 2, n % 2);
    let sorted = json(object((0..count).map(member)));
    assert_eq!(sorted, json(object((0..count).rev().map(member))));
    let repeated = |last| json(object((0..count).rev().chain([last]).map(member)));
    assert_ne!(repeated(7), sorted);
    assert_ne!(repeated(7), repeated(8));
}

/// Names that differ in single bytes which stand so far apart: each of a number's digits.
fn names_of_few_differences(apart: usize, digits: u32) -> Vec<String> {
    let filling = "-".repeat(apart);
    let name = |number: u32| {
        let digits = (0..digits).rev().map(|place| number / 4_u32.pow(place) % 4);
        digits.map(|digit| format!("{digit}{filling}")).collect()
    };
    (0..4_u32.pow(digits)).map(name).collect()
}

#[test]
fn names_that_differ_in_far_bytes_are_sorted_and_their_repetition_is_found() {
    for (apart, digits) in (0..20).flat_map(|apart| [(apart, 2), (apart, 5)]) {
        let names = names_of_few_differences(apart, digits);
        let member = |name: &String| format!("\"{name}\":1");
        let sorted = json(object(names.iter().map(member)));
        assert_eq!(sorted, json(object(names.iter().rev().map(member))));
        let count = names.len();
        let scattered = || (0..count).map(|number| member(&names[number * 7_919 % count]));
        assert_eq!(sorted, json(object(scattered())));
        let repeated = |name| json(object(scattered().chain([member(&names[name])])));
        assert_ne!(repeated(count / 3), repeated(count / 2));
    }
}

#[test]
fn objects_round_a_large_leaf_are_sorted() {
    let leaf = format!("\"{}\"", "x".repeat(MEGABYTE));
    let unsorted = nested("{\"b\":", &leaf, ",\"a\":1}", 127);
    let sorted = nested("{\"a\":1,\"b\":", &leaf, "}", 127);
    assert_eq!(json(unsorted), json(sorted));
}

#[test]
fn objects_of_about_a_kilobyte_are_sorted_and_chosen_from_wherever_they_stand() {
    let fields =
        |fields: [&str; 3]| fields.map(|field| field.parse::<JsonPointer>().expect("a pointer"));
    let rules = FingerprintRules::default();
    let rules = [
        rules.clone(),
        rules.clone().only(fields(["/a/1", "/y/b", "/z/0/b"])),
        rules.without(fields(["/a/0/b", "/y", "/z/0/a"])),
    ];
    for length in 990..1_030 {
        let leaf = format!("\"{}\"", "x".repeat(length));
        let (one, other) = (format!("\"a\":{leaf}"), "\"b\":[1]");
        let sorted = format!("{{{one},{other}}}");
        let unsorted = format!("{{{other},{one}}}");
        let around = |inside: &str| {
            [("a", "[_,7,_]"), ("y", "_"), ("z", "[_]")]
                .map(|(name, value)| format!("\"{name}\":{}", value.replace('_', inside)))
        };
        let sorted = object(around(&sorted).into_iter());
        let unsorted = around(&unsorted);
        for unsorted in [
            object(unsorted.clone().into_iter()),
            object(unsorted.into_iter().rev()),
        ] {
            for rules in &rules {
                let fingerprint = |payload: &String| with_rules(rules.clone(), payload.clone());
                assert_eq!(
                    fingerprint(&unsorted),
                    fingerprint(&sorted),
                    "{length}, {rules:?}"
                );
            }
        }
    }
}

#[test]
fn many_members_on_each_of_many_levels_are_sorted() {
    let unsorted: String = (0..500).rev().map(|n| member(n) + ",").collect();
    let sorted: String = (0..500).map(|n| member(n) + ",").collect();
    let inside_last = nested(&format!("{{{unsorted}\"z\":"), "1", "}", 127);
    let inside_first = nested("{\"z\":", "1", &format!(",{unsorted}\"y\":0}}"), 127);
    assert_eq!(
        json(inside_last),
        json(nested(&format!("{{{sorted}\"z\":"), "1", "}", 127))
    );
    let sorted = format!("{{{sorted}\"y\":0,\"z\":");
    assert_eq!(json(inside_first), json(nested(&sorted, "1", "}", 127)));
}

#[test]
fn unsorted_objects_side_by_side_in_unsorted_objects_are_sorted() {
    let leaf = format!("\"{}\"", "x".repeat(200));
    let unsorted = |leaf: &str| nested("{\"b\":", leaf, ",\"a\":1}", 3);
    let sorted = |leaf: &str| nested("{\"a\":1,\"b\":", leaf, "}", 3);
    let array = |one: &str| format!("[{one},7,{one},[],{one}]");
    let unsorted = unsorted(&array(&unsorted(&array(&unsorted(&leaf)))));
    let sorted = sorted(&array(&sorted(&array(&sorted(&leaf)))));
    assert_eq!(
        json(format!(
            "{{\"z\":{unsorted},\"y\":{unsorted},\"x\":{{\"w\":{unsorted}}}}}"
        )),
        json(format!(
            "{{\"x\":{{\"w\":{sorted}}},\"y\":{sorted},\"z\":{sorted}}}"
        ))
    );
}

#[test]
fn many_small_objects_are_sorted() {
    let repeated = |object: &str| format!("[{}]", vec![object; 50_000].join(","));
    assert_eq!(
        json(repeated(r#"{"c":{"y":1,"x":2},"b":1,"a":2}"#)),
        json(repeated(r#"{"a":2,"b":1,"c":{"x":2,"y":1}}"#))
    );
}

#[test]
fn a_repeated_member_is_found_among_fifty_thousand() {
    let count = 50_000;
    for repeated in [0, count - 1] {
        let first = json(object([repeated].into_iter().chain(0..count).map(member)));
        let last = json(object((0..count).chain([repeated]).map(member)));
        let reversed = json(object(
            [repeated].into_iter().chain((0..count).rev()).map(member),
        ));
        assert!(
            first != last && last != reversed && reversed != first,
            "{repeated}"
        );
    }
}

#[test]
fn white_space_of_four_megabytes_does_not_count() {
    let wide = [",", ":", "{", "}"]
        .iter()
        .fold(r#"{"b":1,"a":2}"#.to_owned(), |text, mark| {
            let space = " \n".repeat(MEGABYTE / 2);
            text.replace(mark, &format!("{space}{mark}"))
        });
    assert_eq!(json(r#"{"a":2,"b":1}"#), json(wide));
}

#[test]
fn a_pointer_longer_than_the_payload_is_deep_leads_nowhere() {
    let field: JsonPointer = "/0".repeat(100_000).parse().expect("a pointer");
    for rules in [
        FingerprintRules::default().without([field.clone()]),
        FingerprintRules::default().only([field]),
    ] {
        let payload = nested("[", "1", "]", 128);
        let wide = nested("[", " 1 ", "]", 128);
        assert_eq!(with_rules(rules.clone(), payload), with_rules(rules, wide));
    }
}
