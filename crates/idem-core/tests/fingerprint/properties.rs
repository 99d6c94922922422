//! Fingerprints of random payloads are equal exactly when the oracle says that they are.

use bigdecimal::BigDecimal;
use proptest::{collection::vec, prelude::*, sample::select};

use crate::{
    dice::Dice,
    edit::{PIECES, edit},
    neighbour::neighbour,
    oracle::{self, Number, Refusal, Tree},
    request::{Head, json},
    spelling::{spell, spell_with_repeated_member},
    trees::trees,
};

const LABELS: &[&str] = &[
    "",
    ";",
    "application/json",
    "application/json; charset=utf-16",
    "application/problem+json",
    "application/x-www-form-urlencoded",
    "text/plain",
];

/// Asserts that the fingerprints agree with the oracle on whether two payloads are one.
fn agree(left: &[u8], right: &[u8]) -> Result<(), TestCaseError> {
    let same = oracle::meaning(left) == oracle::meaning(right);
    prop_assert_eq!(
        json(left) == json(right),
        same,
        "{:?}\n{:?}",
        left.escape_ascii().to_string(),
        right.escape_ascii().to_string()
    );
    Ok(())
}

/// Asserts that white space round a payload counts exactly when it counts by its bytes.
fn agree_on_white_space(payload: &[u8]) -> Result<(), TestCaseError> {
    agree(payload, &[b" ", payload].concat())?;
    agree(payload, &[payload, b"\n"].concat())
}

/// A value in two spellings.
fn two_spellings() -> impl Strategy<Value = (Tree, String, String)> {
    trees().prop_perturb(|tree, rng| {
        let dice = &mut Dice::new(rng);
        let (one, other) = (spell(&tree, dice), spell(&tree, dice));
        (tree, one, other)
    })
}

/// A value and one that is nearly it, each in a spelling of its own.
fn near_pairs() -> impl Strategy<Value = (Tree, String, Tree, String)> {
    trees().prop_perturb(|tree, rng| {
        let dice = &mut Dice::new(rng);
        let near = neighbour(&tree, dice);
        let (text, near_text) = (spell(&tree, dice), spell(&near, dice));
        (tree, text, near, near_text)
    })
}

/// A valid text, the same after one edit, and after two.
fn edited_texts() -> impl Strategy<Value = [Vec<u8>; 3]> {
    trees().prop_perturb(|tree, rng| {
        let dice = &mut Dice::new(rng);
        let text = spell(&tree, dice).into_bytes();
        let once = edit(&text, PIECES, dice);
        let again = edit(&once, PIECES, dice);
        [text, once, again]
    })
}

/// An object's text without a repeated member, and two texts with one.
fn repeated_members() -> impl Strategy<Value = [String; 3]> {
    let members = prop::collection::btree_map(".{0,9}", trees(), 1..4);
    members.prop_perturb(|members, rng| {
        let dice = &mut Dice::new(rng);
        let object = Tree::Object(members.clone());
        let members = Vec::from_iter(members);
        let mut repeated = members[dice.below(members.len())].clone();
        if dice.one_in(2) {
            repeated.1 = neighbour(&repeated.1, dice);
        }
        [
            spell(&object, dice),
            spell_with_repeated_member(&members, &repeated, dice),
            spell_with_repeated_member(&members, &repeated, dice),
        ]
    })
}

/// Numbers of few digits and many zeros, so that many have the same value.
const NUMBER: &str = r"-?(0|1[01]{0,2}|10{0,12})(\.0{0,9}[01]{1,2})?([eE][+-]?0?[0-9])?";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn two_spellings_of_a_value_are_one_payload((tree, one, other) in two_spellings()) {
        prop_assert_eq!(oracle::read(one.as_bytes()), Ok(tree));
        prop_assert_eq!(json(&one), json(&other), "{}\n{}", one, other);
    }

    #[test]
    fn values_that_nearly_agree_are_told_apart((tree, text, near, near_text) in near_pairs()) {
        prop_assert_eq!(json(&text) == json(&near_text), tree == near, "{}\n{}", text, near_text);
    }

    #[test]
    fn edited_texts_are_told_apart_as_the_oracle_does([text, once, again] in edited_texts()) {
        agree(&text, &once)?;
        agree(&once, &again)?;
        agree_on_white_space(&once)?;
        agree_on_white_space(&again)?;
    }

    // S16
    #[test]
    fn an_object_with_a_repeated_member_counts_by_its_bytes(
        [without, one, other] in repeated_members(),
    ) {
        prop_assert_eq!(oracle::read(one.as_bytes()), Err(Refusal::RepeatedMember));
        prop_assert_ne!(json(&without), json(&one), "{}", one);
        prop_assert_eq!(json(&one) == json(&other), one == other, "{}\n{}", one, other);
    }

    // S15
    #[test]
    fn numbers_compare_by_their_value(left in NUMBER, right in NUMBER) {
        agree(left.as_bytes(), right.as_bytes())?;
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(payload in vec(any::<u8>(), 0..200), label in select(LABELS)) {
        Head::labelled(label).fingerprint(&payload);
        agree_on_white_space(&payload)?;
    }

    #[test]
    fn the_oracle_knows_json_as_serde_json_does([text, once, again] in edited_texts()) {
        for payload in [text, once, again] {
            let serde = serde_json::from_slice::<serde_json::Value>(&payload);
            match oracle::read(&payload) {
                // A number that no double holds is valid JSON all the same.
                Ok(_) => prop_assert!(
                    serde.map_or_else(|e| e.to_string().starts_with("number out of range"), |_| true)
                ),
                Err(Refusal::Syntax) => prop_assert!(serde.is_err()),
                Err(_) => {}
            }
        }
    }

    #[test]
    fn the_oracle_compares_numbers_as_bigdecimal_does(left in NUMBER, right in NUMBER) {
        let same = Number::read(&left) == Number::read(&right);
        prop_assert_eq!(left.parse::<BigDecimal>()? == right.parse::<BigDecimal>()?, same);
    }
}
