//! Payloads that are made to be slow, and the plain way to fingerprint one.

use std::{collections::HashSet, ops::RangeInclusive};

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Makes a payload of about so many bytes.
pub type Payload = fn(usize) -> Vec<u8>;

/// Payloads of a given size that an attacker might send, by name.
pub const ADVERSARIAL: [(&str, Payload); 33] = [
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
    ("the shortest unsorted objects", shortest_objects),
    ("objects of sixteen members, at random", shuffled),
    ("one unsorted object of random names", random_names),
    ("one unsorted object of paired names", paired_names),
    ("names that begin alike, backwards", alike_names),
    ("deep unsorted objects", deep_objects),
    ("escaped slashes", slashes),
    ("surrogate pairs", surrogates),
    ("strings of one byte", short_strings),
    ("numbers that grow", growing_numbers),
    ("numbers of twelve digits to rewrite", long_numbers),
    ("tokens at random", random_tokens),
    ("a repeated name at the end", repeated_at_the_end),
    ("numbers of large exponents", large_exponents),
    ("minus zeros", minus_zeros),
    ("names of three bytes at random", shortest_names),
    ("names that begin alike, at random", alike_at_random),
    ("five members at random", five_members),
    ("deep objects round small leaves", deep_leaves),
    ("deep objects round numbers that grow", deep_growth),
    ("numbers that grow or stay, at random", mixed_numbers),
    ("deep objects round numbers at random", deep_mixture),
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

fn shortest_objects(bytes: usize) -> Vec<u8> {
    array_of(bytes, |_| r#"{"a":0,"":0}"#.to_owned())
}

fn shuffled(bytes: usize) -> Vec<u8> {
    let mut random = Random(1);
    array_of(bytes, |_| random.shuffled('a'..='p'))
}

fn random_names(bytes: usize) -> Vec<u8> {
    let mut random = Random(2);
    object((0..bytes / 13).map(|_| {
        let name = random.letters(8);
        format!(r#""{name}":1"#)
    }))
}

/// Each two names differ in their last byte alone, behind those that are compared at once.
fn paired_names(bytes: usize) -> Vec<u8> {
    object((0..bytes / 14).map(|number| {
        let pair = number / 2 * 7_919 % 99_999_989;
        format!(r#""{pair:08}{}":1"#, 1 - number % 2)
    }))
}

fn alike_names(bytes: usize) -> Vec<u8> {
    let alike = "alike".repeat(200);
    object(
        (0..bytes / 1_014)
            .rev()
            .map(|number| format!(r#""{alike}{number:07}":1"#)),
    )
}

fn deep_objects(bytes: usize) -> Vec<u8> {
    let object = format!("{}{{}}{}", r#"{"b":"#.repeat(120), r#","a":1}"#.repeat(120));
    array_of(bytes, |_| object.clone())
}

fn slashes(bytes: usize) -> Vec<u8> {
    format!(r#"["{}"]"#, r"\/".repeat(bytes / 2)).into_bytes()
}

fn surrogates(bytes: usize) -> Vec<u8> {
    format!(r#"["{}"]"#, r"\ud83d\udc10".repeat(bytes / 12)).into_bytes()
}

fn short_strings(bytes: usize) -> Vec<u8> {
    array_of(bytes, |_| r#""x""#.to_owned())
}

fn growing_numbers(bytes: usize) -> Vec<u8> {
    array_of(bytes, |_| "1e6".to_owned())
}

fn long_numbers(bytes: usize) -> Vec<u8> {
    array_of(bytes, |number| format!("{:09}.125e1", 123_456_789 + number))
}

fn random_tokens(bytes: usize) -> Vec<u8> {
    let mut random = Random(3);
    let tokens = ["1", r#""""#, "[]", "{}", "0.5", "1e1", "null", "[1]", "17"];
    array_of(bytes, |_| tokens[random.below(tokens.len())].to_owned())
}

/// It counts by its bytes, which shows when all of it is sorted.
fn repeated_at_the_end(bytes: usize) -> Vec<u8> {
    let count = bytes / 10;
    let numbers = (0..count).map(|number| number * 7_919 % 999_983);
    object(
        numbers
            .chain([0])
            .map(|number| format!(r#""{number:05}":1"#)),
    )
}

fn large_exponents(bytes: usize) -> Vec<u8> {
    array_of(bytes, |_| "1e20".to_owned())
}

fn minus_zeros(bytes: usize) -> Vec<u8> {
    array_of(bytes, |_| "-0".to_owned())
}

fn shortest_names(bytes: usize) -> Vec<u8> {
    let mut random = Random(4);
    distinct(bytes / 8, || random.letters(3))
}

fn alike_at_random(bytes: usize) -> Vec<u8> {
    let mut random = Random(5);
    distinct(bytes / 17, || format!("alikelik{}", random.letters(4)))
}

/// An object of about so many members with distinct names, in the order in which they come.
fn distinct(count: usize, mut name: impl FnMut() -> String) -> Vec<u8> {
    let mut known = HashSet::new();
    let names = (0..count).map(|_| name());
    let names = names.filter(|name| known.insert(name.clone()));
    object(names.map(|name| format!(r#""{name}":1"#)))
}

fn five_members(bytes: usize) -> Vec<u8> {
    let mut random = Random(6);
    array_of(bytes, |_| random.shuffled('a'..='e'))
}

/// Each leaf is moved with every object around it that is sorted where it stands.
fn deep_leaves(bytes: usize) -> Vec<u8> {
    let (open, close) = (r#"{"b":"#.repeat(126), r#","a":1}"#.repeat(126));
    let leaf = "x".repeat(500);
    array_of(bytes, |_| format!(r#"{open}"{leaf}"{close}"#))
}

/// The same with a text that becomes twice as long before it is sorted.
fn deep_growth(bytes: usize) -> Vec<u8> {
    let (open, close) = (r#"{"":"#.repeat(125), r#","!":1}"#.repeat(125));
    let leaf = vec!["1e6"; 150].join(",");
    array_of(bytes, |_| format!("{open}[{leaf}]{close}"))
}

/// No processor foresees which of them has to be written.
fn mixed_numbers(bytes: usize) -> Vec<u8> {
    let mut random = Random(7);
    array_of(bytes, |_| random.number().to_owned())
}

/// The same in objects of which each has a number that grows, too.
fn deep_mixture(bytes: usize) -> Vec<u8> {
    let mut random = Random(8);
    let (open, close) = (r#"{"":"#.repeat(125), r#","!":1e6}"#.repeat(125));
    array_of(bytes, |_| {
        let leaf: Vec<_> = (0..140).map(|_| random.number()).collect();
        format!("{open}[{}]{close}", leaf.join(","))
    })
}

fn object(members: impl Iterator<Item = String>) -> Vec<u8> {
    let members: Vec<_> = members.collect();
    format!("{{{}}}", members.join(",")).into_bytes()
}

/// Numbers that are the same in each run (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as usize % end
    }

    fn letters(&mut self, count: usize) -> String {
        const LETTERS: &[u8; 64] =
            b"0123456789-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let letters = (0..count).map(|_| char::from(LETTERS[self.below(64)]));
        letters.collect()
    }

    fn number(&mut self) -> &'static str {
        ["1e6", "1e7"][self.below(2)]
    }

    /// An object with members of these names, in any order.
    fn shuffled(&mut self, names: RangeInclusive<char>) -> String {
        let mut names: Vec<_> = names.collect();
        for last in (1..names.len()).rev() {
            names.swap(last, self.below(last + 1));
        }
        let members: Vec<_> = names.iter().map(|name| format!(r#""{name}":1"#)).collect();
        format!("{{{}}}", members.join(","))
    }
}

fn array_of(bytes: usize, mut element: impl FnMut(usize) -> String) -> Vec<u8> {
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
