//! Strategies for JSON values, with names and numbers near the edges that the code has.

use proptest::{
    collection::{btree_map, vec},
    prelude::*,
    sample::select,
};

use crate::oracle::{Number, Tree};

/// Names that share their first eight bytes, that sort another way when escaped, or in UTF-16.
const NAMES: &[&str] = &[
    "",
    "a",
    "b",
    "aa",
    "ab",
    "A",
    "a\"",
    "a\\",
    "\"",
    "\\",
    "\n",
    "/",
    "~",
    "~1",
    "\u{1f}",
    " ",
    "!",
    "#",
    "\u{7f}",
    "é",
    "e\u{301}",
    "\u{e000}",
    "🐐",
    "aaaaaaa",
    "aaaaaaaa",
    "aaaaaaaaa",
    "aaaaaaab",
    "aaaaaaaab",
    "aaaaaaa\"",
    "aaaaaaa\0",
];

const CHARACTERS: &[char] = &[
    '"',
    '\\',
    '/',
    '\0',
    '\u{8}',
    '\t',
    '\n',
    '\u{c}',
    '\r',
    '\u{1f}',
    '\u{7f}',
    'é',
    '\u{301}',
    '\u{2028}',
    '\u{d7ff}',
    '\u{e000}',
    '\u{feff}',
    '\u{ffff}',
    '\u{10000}',
    '🐐',
    '\u{10ffff}',
];

pub(crate) fn trees() -> impl Strategy<Value = Tree> {
    scalars().prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            1 => vec(inner.clone(), 0..5).prop_map(Tree::Array),
            2 => btree_map(names(), inner, 0..6).prop_map(Tree::Object),
        ]
    })
}

fn scalars() -> impl Strategy<Value = Tree> {
    prop_oneof![
        1 => Just(Tree::Null),
        1 => any::<bool>().prop_map(Tree::Bool),
        3 => numbers().prop_map(Tree::Number),
        2 => texts().prop_map(Tree::Text),
    ]
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(NAMES).prop_map(str::to_owned),
        1 => texts(),
    ]
}

fn texts() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        4 => prop::char::range(' ', '~'),
        2 => select(CHARACTERS),
        1 => any::<char>(),
    ];
    vec(character, 0..12).prop_map(String::from_iter)
}

fn numbers() -> impl Strategy<Value = Number> {
    let digits = prop_oneof![3 => "[0-9]{1,3}", 2 => "[0-9]{14,45}"];
    let exponent = prop_oneof![
        3 => Just(0),
        3 => -60_i128..60,
        1 => select(&[-1, 1]).prop_map(|sign| sign * 99_999_999_999_999_000),
    ];
    (any::<bool>(), digits, exponent)
        .prop_map(|(negative, digits, exponent)| Number::new(negative, &digits, exponent))
}
