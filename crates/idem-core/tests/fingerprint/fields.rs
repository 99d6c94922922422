//! Rules that leave fields out, or take only some, against the same done to the oracle's trees.

use idem_core::{FingerprintRules, JsonPointer, store::Fingerprint};
use proptest::{collection::vec, prelude::*};

use crate::{
    dice::Dice,
    neighbour::neighbour,
    oracle::Tree,
    request::{Head, json},
    spelling::spell,
    trees::trees,
};

type Path = Vec<String>;

fn pointer(path: &[String]) -> Result<JsonPointer, TestCaseError> {
    let pointer: String = path
        .iter()
        .map(|token| format!("/{}", token.replace('~', "~0").replace('/', "~1")))
        .collect();
    pointer
        .parse()
        .map_err(|_| TestCaseError::fail(format!("{pointer} is a pointer")))
}

fn children(tree: &Tree) -> Vec<(String, &Tree)> {
    match tree {
        Tree::Array(elements) => (0..).map(|i: usize| i.to_string()).zip(elements).collect(),
        Tree::Object(members) => members
            .iter()
            .map(|(n, value)| (n.clone(), value))
            .collect(),
        _ => Vec::new(),
    }
}

fn find<'a>(tree: &'a Tree, path: &[String]) -> Option<&'a Tree> {
    let Some((token, rest)) = path.split_first() else {
        return Some(tree);
    };
    let (_, child) = children(tree).into_iter().find(|(name, _)| name == token)?;
    find(child, rest)
}

/// A tree without what the paths lead to; nothing at all if one of them is empty.
fn without(tree: &Tree, at: &[String], paths: &[Path]) -> Option<Tree> {
    if paths.iter().any(|path| path == at) {
        return None;
    }
    let kept = |name: &str, child| without(child, &[at, &[name.to_owned()]].concat(), paths);
    let left = children(tree)
        .into_iter()
        .filter_map(|(name, child)| kept(&name, child).map(|child| (name, child)));
    Some(match tree {
        Tree::Array(_) => Tree::Array(left.map(|(_, child)| child).collect()),
        Tree::Object(_) => Tree::Object(left.collect()),
        scalar => scalar.clone(),
    })
}

/// A path that leads somewhere, or nearly so.
fn any_path(tree: &Tree, dice: &mut Dice) -> Path {
    let mut path = Path::new();
    let mut here = tree;
    loop {
        let children = children(here);
        if dice.one_in(5) || children.is_empty() {
            break;
        }
        let (name, child) = &children[dice.below(children.len())];
        path.push(name.clone());
        here = child;
    }
    if dice.one_in(6) {
        path.push(dice.pick(&["a", "0", "00", "-", "1", "~", "/"]).to_owned());
    }
    path
}

fn pairs_with_paths() -> impl Strategy<Value = ([(Tree, String); 2], Vec<Path>)> {
    (trees(), vec(Just(()), 0..4)).prop_perturb(|(tree, count), rng| {
        let dice = &mut Dice::new(rng);
        let near = neighbour(&tree, dice);
        let paths = count.iter().map(|()| any_path(&tree, dice)).collect();
        let (text, near_text) = (spell(&tree, dice), spell(&near, dice));
        ([(tree, text), (near, near_text)], paths)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    // S21
    #[test]
    fn what_is_left_out_does_not_count_and_all_else_does(
        ([(left, left_text), (right, right_text)], paths) in pairs_with_paths(),
    ) {
        let pointers = paths.iter().map(|path| pointer(path)).collect::<Result<Vec<_>, _>>()?;
        let rules = FingerprintRules::default().without(pointers);
        let same = without(&left, &[], &paths) == without(&right, &[], &paths);
        let fingerprint = |text: &str| rules.fingerprint(&Head::json(), text.as_bytes());
        prop_assert_eq!(fingerprint(&left_text) == fingerprint(&right_text), same);
    }

    // S21
    #[test]
    fn only_what_is_chosen_counts(
        ([(left, left_text), (right, right_text)], paths) in pairs_with_paths(),
    ) {
        let pointers = paths.iter().map(|path| pointer(path)).collect::<Result<Vec<_>, _>>()?;
        let rules = FingerprintRules::default().only(pointers);
        let same = paths.iter().all(|path| find(&left, path) == find(&right, path));
        let fingerprint = |text: &str| rules.fingerprint(&Head::json(), text.as_bytes());
        prop_assert_eq!(fingerprint(&left_text) == fingerprint(&right_text), same);
    }
}

fn fields(pointers: &[&str]) -> Vec<JsonPointer> {
    pointers
        .iter()
        .map(|text| text.parse().expect("the test gives pointers"))
        .collect()
}

fn taken_without(pointers: &[&str], payload: &str) -> Fingerprint {
    let rules = FingerprintRules::default().without(fields(pointers));
    rules.fingerprint(&Head::json(), payload.as_bytes())
}

fn taken_only(pointers: &[&str], payload: &str) -> Fingerprint {
    let rules = FingerprintRules::default().only(fields(pointers));
    rules.fingerprint(&Head::json(), payload.as_bytes())
}

#[test]
fn fields_are_left_out_wherever_they_are() {
    for (pointers, one, other, same) in [
        (
            ["/at"].as_slice(),
            r#"{"at":1,"n":2}"#,
            r#"{"n":2,"at":3}"#,
            true,
        ),
        (&["/at"], r#"{"at":1,"n":2}"#, r#"{"n":2}"#, true),
        (&["/at"], r#"{"at":1,"n":2}"#, r#"{"at":1,"n":3}"#, false),
        (&["/at"], r#"{"\u0061t":1}"#, "{}", true),
        (&["/at"], r#"{"a":{"at":1}}"#, r#"{"a":{"at":2}}"#, false),
        (&["/a/at"], r#"{"a":{"at":1}}"#, r#"{"a":{"at":2}}"#, true),
        (&["/a/at"], r#"{"a":{"at":1}}"#, r#"{"a":[]}"#, false),
        (
            &["/1/x"],
            r#"[{"x":1},{"x":2}]"#,
            r#"[{"x":1},{"x":3}]"#,
            true,
        ),
        (
            &["/1/x"],
            r#"[{"x":1},{"x":2}]"#,
            r#"[{"x":3},{"x":2}]"#,
            false,
        ),
        (&["/0", "/1"], "[1,2,3]", "[4,5,3]", true),
        (&["/at"], r#"{"at":null}"#, "{}", true),
        (
            &["/a~1b/m~0n"],
            r#"{"a/b":{"m~n":1}}"#,
            r#"{"a/b":{}}"#,
            true,
        ),
        (&["/~01"], r#"{"~1":1}"#, "{}", true),
        (&[""], "[1]", "{}", true),
    ] {
        let equal = taken_without(pointers, one) == taken_without(pointers, other);
        assert_eq!(equal, same, "{pointers:?}: {one} and {other}");
    }
}

#[test]
fn fields_are_chosen_wherever_they_are() {
    for (pointers, one, other, same) in [
        (["/n"].as_slice(), r#"{"at":1,"n":2}"#, r#"{"n":2.0}"#, true),
        (&["/n"], r#"{"at":1,"n":2}"#, r#"{"at":1,"n":3}"#, false),
        (&["/n"], r#"{"n":null}"#, "{}", false),
        (&["/n"], "{}", "[]", true),
        (&["/n"], r#"{"n":"absent"}"#, "{}", false),
        (&["/a/1"], r#"{"a":[1,2]}"#, r#"{"a":[3,2,4]}"#, true),
        (&["/a/1"], r#"{"a":[1,2]}"#, r#"{"a":{"1":2}}"#, true),
        (&["/a/01"], r#"{"a":[1,2]}"#, r#"{"a":[1,3]}"#, true),
        (&["/a", "/b"], r#"{"a":1}"#, r#"{"b":1}"#, false),
        (
            &["/a"],
            r#"{"a":{"y":1,"x":2}}"#,
            r#"{"a":{"x":2,"y":1}}"#,
            true,
        ),
        (&[""], r#"{"y":1,"x":2}"#, r#"{"x":2,"y":1}"#, true),
    ] {
        let equal = taken_only(pointers, one) == taken_only(pointers, other);
        assert_eq!(equal, same, "{pointers:?}: {one} and {other}");
    }
}

#[test]
fn a_payload_that_counts_by_its_bytes_has_no_fields() {
    let (one, other) = (r#"{"a":1,"a":1}"#, r#"{"a":1,"a":2}"#);
    assert_ne!(taken_without(&["/a"], one), taken_without(&["/a"], other));
    assert_ne!(taken_only(&["/b"], one), taken_only(&["/b"], other));
}

#[test]
fn rules_with_other_fields_make_other_fingerprints() {
    let payload = r#"{"a":1}"#;
    let fingerprints = [
        json(payload),
        taken_without(&[], payload),
        taken_without(&["/a"], payload),
        taken_only(&[], payload),
        taken_only(&["/a"], payload),
        taken_only(&["/b"], payload),
        taken_only(&["/b", "/c"], payload),
    ];
    for (index, one) in fingerprints.iter().enumerate() {
        assert!(!fingerprints[..index].contains(one), "number {index}");
    }
}
