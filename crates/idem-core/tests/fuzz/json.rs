//! Fingerprints of JSON, against the oracle.

use idem_core::{FingerprintRules, JsonPointer};

use crate::{
    dice::Dice,
    edit::{self, edit},
    fuzzer::{fuzz, magnitude},
    neighbour::neighbour,
    oracle::{self, Meaning, Tree},
    request::Head,
    spelling::spell,
};

/// Besides what breaks JSON, what is written out longer or shorter than it came.
const PIECES: &[&[u8]] = &[
    b"1e5",
    b"1e6",
    b"1e7",
    b"1e19",
    b"-1.50e3",
    b"1e-8",
    b"0.000",
    b"1e99999999999999999",
    b"\\u000a",
    b"\\/",
    b"{\"b\":1,\"a\":2}",
    b"[[[[[[[[",
    b"\"aaaaaaaa",
];

const POINTERS: &[&str] = &[
    "", "/a", "/b", "/a/b", "/0", "/1/a", "/-", "/a/0/b", "/~0~1",
];

#[test]
fn json_counts_by_its_meaning_whatever_bytes_come() {
    let pieces = [edit::PIECES, PIECES].concat();
    fuzz("json", &pieces, |input, dice| {
        let edited = edit(input, &pieces, dice);
        compare(input, &edited);
        compare(input, &[b" ", input].concat());
        select(input, dice);
        match oracle::read(input) {
            Ok(tree) => {
                let near = neighbour(&tree, dice);
                compare(input, spell(&tree, dice).as_bytes());
                compare(input, spell(&near, dice).as_bytes());
                (shape(&tree), 0)
            }
            Err(refusal) => (vec![magnitude(input.len())], refusal as usize + 1),
        }
    });
}

fn compare(one: &[u8], other: &[u8]) {
    let json = Head::of_type("application/json");
    let (left, right): (Meaning, Meaning) = (oracle::meaning(one), oracle::meaning(other));
    assert_eq!(
        json.fingerprint(one) == json.fingerprint(other),
        left == right,
        "{}\n{}",
        one.escape_ascii(),
        other.escape_ascii()
    );
}

/// Takes fields in and out; what counts then is tested elsewhere.
fn select(input: &[u8], dice: &mut Dice) {
    let fields = || -> Vec<JsonPointer> {
        let pointers = POINTERS.iter().map(|pointer| pointer.parse().unwrap());
        pointers.collect()
    };
    let field = fields().swap_remove(dice.below(POINTERS.len()));
    let json = Head::of_type("application/json");
    let rules = match dice.below(3) {
        0 => FingerprintRules::default().without([field]),
        1 => FingerprintRules::default().only([field]),
        _ => FingerprintRules::default().without(fields()),
    };
    let _ = rules.fingerprint(&json, input);
}

/// What a value is made of, roughly.
fn shape(tree: &Tree) -> Vec<u32> {
    match tree {
        Tree::Null => vec![0],
        Tree::Bool(_) => vec![1],
        Tree::Number(number) => vec![
            2,
            magnitude(number.digits.len()),
            magnitude(number.exponent.unsigned_abs() as usize),
            number.exponent.signum() as u32,
        ],
        Tree::Text(text) => vec![3, magnitude(text.len())],
        Tree::Array(elements) => {
            let mut shape = vec![4, magnitude(elements.len())];
            shape.extend(elements.iter().take(4).flat_map(self::shape));
            shape
        }
        Tree::Object(members) => {
            let mut shape = vec![5, magnitude(members.len())];
            shape.extend(members.values().take(4).flat_map(self::shape));
            shape
        }
    }
}
