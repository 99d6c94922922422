//! Values that are nearly another value, where a sloppy comparison would see no difference.

use std::collections::BTreeMap;

use crate::{
    dice::Dice,
    oracle::{Number, Tree},
};

/// Changes one thing somewhere in a value; now and then the change comes to nothing.
pub(crate) fn neighbour(tree: &Tree, dice: &mut Dice) -> Tree {
    match tree {
        Tree::Array(elements) if !elements.is_empty() && !dice.one_in(3) => {
            let mut elements = elements.clone();
            let changed = dice.below(elements.len());
            elements[changed] = neighbour(&elements[changed], dice);
            Tree::Array(elements)
        }
        Tree::Object(members) if !members.is_empty() && !dice.one_in(3) => {
            let mut members = members.clone();
            let name = any_name(&members, dice);
            members.insert(name.clone(), neighbour(&members[&name], dice));
            Tree::Object(members)
        }
        _ if dice.one_in(6) => replaced(tree, dice),
        _ => changed(tree, dice),
    }
}

fn any_name(members: &BTreeMap<String, Tree>, dice: &mut Dice) -> String {
    let names: Vec<_> = members.keys().collect();
    dice.pick(&names).clone()
}

fn replaced(tree: &Tree, dice: &mut Dice) -> Tree {
    match dice.below(4) {
        0 => Tree::Array(vec![tree.clone()]),
        1 => Tree::Object(BTreeMap::from([("a".to_owned(), tree.clone())])),
        2 => Tree::Null,
        _ => dice.pick(&[false, true]).into(),
    }
}

impl From<bool> for Tree {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

fn changed(tree: &Tree, dice: &mut Dice) -> Tree {
    match tree {
        Tree::Null => Tree::Text("null".to_owned()),
        Tree::Bool(value) => Tree::Bool(!value),
        Tree::Number(number) => changed_number(number, dice),
        Tree::Text(text) => Tree::Text(changed_text(text, dice)),
        Tree::Array(elements) => changed_array(elements, dice),
        Tree::Object(members) => Tree::Object(changed_object(members.clone(), dice)),
    }
}

fn changed_number(number: &Number, dice: &mut Dice) -> Tree {
    let Number {
        negative,
        digits,
        exponent,
    } = number;
    Tree::Number(match dice.below(6) {
        0 => Number::new(!negative, digits, *exponent),
        1 => Number::new(*negative, digits, exponent + 1),
        2 => Number::new(*negative, digits, exponent - 1),
        3 => Number::new(*negative, &format!("{digits}1"), exponent - 1),
        4 => Number::new(*negative, &other_digit(digits, dice), *exponent),
        _ => return Tree::Text(digits.clone()),
    })
}

/// Changes the last digit by one, or any of them.
fn other_digit(digits: &str, dice: &mut Dice) -> String {
    let mut digits = digits.as_bytes().to_vec();
    let at = match digits.len() {
        0 => return "1".to_owned(),
        length if dice.one_in(2) => length - 1,
        length => dice.below(length),
    };
    digits[at] = b'0' + (digits[at] - b'0' + dice.pick(&[1, 9])) % 10;
    digits.into_iter().map(char::from).collect()
}

fn changed_text(text: &str, dice: &mut Dice) -> String {
    match dice.below(6) {
        0 => text.to_uppercase(),
        1 => text.replace('é', "e\u{301}"),
        2 => text.chars().rev().collect(),
        3 => text.chars().skip(1).collect(),
        4 => format!("{text} "),
        _ => format!("{text}{}", dice.pick(&['a', '\0', '"', '\\', '🐐'])),
    }
}

fn changed_array(elements: &[Tree], dice: &mut Dice) -> Tree {
    let mut elements = elements.to_vec();
    match dice.below(5) {
        0 if elements.is_empty() => return Tree::Object(BTreeMap::new()),
        0 => elements.rotate_left(1),
        1 => elements.reverse(),
        2 => drop(elements.pop()),
        3 => elements.extend(elements.last().cloned()),
        _ => elements.push(Tree::Null),
    }
    Tree::Array(elements)
}

fn changed_object(mut members: BTreeMap<String, Tree>, dice: &mut Dice) -> BTreeMap<String, Tree> {
    if members.is_empty() || dice.one_in(4) {
        members.insert(dice.pick(&["", "a", "aaaaaaaab"]).to_owned(), Tree::Null);
        return members;
    }
    let name = any_name(&members, dice);
    let value = members.remove(&name).unwrap_or(Tree::Null);
    match dice.below(4) {
        0 => {}
        1 => drop(members.insert(name, Tree::Null)),
        2 => drop(members.insert(changed_text(&name, dice), value)),
        _ => swap_values(&mut members, name, value),
    }
    members
}

fn swap_values(members: &mut BTreeMap<String, Tree>, name: String, mut value: Tree) {
    if let Some(first) = members.values_mut().next() {
        std::mem::swap(first, &mut value);
    }
    members.insert(name, value);
}
