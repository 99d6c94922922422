//! One of the many texts of a JSON value.

use crate::{
    dice::Dice,
    oracle::{Number, Tree},
};

/// Spells a value with a random order of members, white space, escapes and notation of numbers.
pub(crate) fn spell(tree: &Tree, dice: &mut Dice) -> String {
    let value = match tree {
        Tree::Null => "null".to_owned(),
        Tree::Bool(value) => value.to_string(),
        Tree::Number(number) => spell_number(number, dice),
        Tree::Text(text) => spell_text(text, dice),
        Tree::Array(elements) => {
            let elements: Vec<_> = elements.iter().map(|tree| spell(tree, dice)).collect();
            enclose('[', &elements, ']', dice)
        }
        Tree::Object(members) => {
            let mut members: Vec<_> = members
                .iter()
                .map(|(name, value)| spell_member(name, value, dice))
                .collect();
            dice.shuffle(&mut members);
            enclose('{', &members, '}', dice)
        }
    };
    surround(&value, dice)
}

/// Spells an object with one of its members once more, which makes it no object at all.
pub(crate) fn spell_with_repeated_member(
    members: &[(String, Tree)],
    repeated: &(String, Tree),
    dice: &mut Dice,
) -> String {
    let mut members: Vec<_> = members
        .iter()
        .chain([repeated])
        .map(|(name, value)| spell_member(name, value, dice))
        .collect();
    dice.shuffle(&mut members);
    enclose('{', &members, '}', dice)
}

fn spell_member(name: &str, value: &Tree, dice: &mut Dice) -> String {
    let name = spell_text(name, dice);
    format!("{}:{}", surround(&name, dice), spell(value, dice))
}

fn enclose(open: char, parts: &[String], close: char, dice: &mut Dice) -> String {
    let inside = match parts {
        [] => white_space(dice).to_owned(),
        parts => parts.join(","),
    };
    format!("{open}{inside}{close}")
}

fn surround(text: &str, dice: &mut Dice) -> String {
    format!("{}{text}{}", white_space(dice), white_space(dice))
}

fn white_space(dice: &mut Dice) -> &'static str {
    dice.pick(&["", "", "", "", " ", "\n", "\t", "\r", "  \r\n\t"])
}

fn spell_text(text: &str, dice: &mut Dice) -> String {
    // A text with no escape at all takes other paths than one with some, so both must be common.
    let escapes = !dice.one_in(3);
    let characters = text.chars().map(|character| {
        if escapes && dice.one_in(4) {
            escape(character, dice)
        } else {
            plain(character)
        }
    });
    format!("\"{}\"", characters.collect::<String>())
}

fn plain(character: char) -> String {
    match character {
        '"' | '\\' => format!("\\{character}"),
        '\0'..='\u{1f}' => format!("\\u{:04x}", character as u32),
        _ => character.to_string(),
    }
}

fn escape(character: char, dice: &mut Dice) -> String {
    match short_escape(character) {
        Some(short) if dice.one_in(2) => short.to_owned(),
        _ => character
            .encode_utf16(&mut [0; 2])
            .iter()
            .map(|unit| escape_unit(*unit, dice))
            .collect(),
    }
}

fn short_escape(character: char) -> Option<&'static str> {
    Some(match character {
        '"' => r#"\""#,
        '\\' => r"\\",
        '/' => r"\/",
        '\u{8}' => r"\b",
        '\t' => r"\t",
        '\n' => r"\n",
        '\u{c}' => r"\f",
        '\r' => r"\r",
        _ => return None,
    })
}

fn escape_unit(unit: u16, dice: &mut Dice) -> String {
    if dice.one_in(2) {
        format!("\\u{unit:04x}")
    } else {
        format!("\\u{unit:04X}")
    }
}

fn spell_number(number: &Number, dice: &mut Dice) -> String {
    let plain = number.exponent.unsigned_abs() <= 70 && dice.one_in(2);
    let (zeros, fraction) = if plain {
        let exponent = number.exponent as isize;
        (exponent.max(0) as usize, (-exponent).max(0) as usize)
    } else {
        (dice.below(4), dice.below(6))
    };
    // Zero has no digits but the zeros that are added here, all of which go behind the point.
    let fraction = match number.digits.as_str() {
        "" => fraction.max(zeros),
        _ => fraction,
    };
    let digits = format!("{}{}", number.digits, "0".repeat(zeros));
    let exponent = match number.digits.as_str() {
        "" => dice.below(100) as i128 - 50,
        _ => number.exponent - zeros as i128 + fraction as i128,
    };
    let negative = number.negative || (number.digits.is_empty() && dice.one_in(2));
    let sign = if negative { "-" } else { "" };
    let mantissa = with_point(&digits, fraction);
    format!("{sign}{mantissa}{}", spell_exponent(exponent, dice))
}

/// Writes digits with the point before the last `fraction` of them.
fn with_point(digits: &str, fraction: usize) -> String {
    let digits = format!("{digits:0>width$}", width = fraction + 1);
    match digits.split_at(digits.len() - fraction) {
        (whole, "") => whole.to_owned(),
        (whole, fraction) => format!("{whole}.{fraction}"),
    }
}

fn spell_exponent(exponent: i128, dice: &mut Dice) -> String {
    let zeros = dice.pick(&["", "", "0", "000"]);
    let letter = dice.pick(&['e', 'E']);
    let digits = exponent.unsigned_abs();
    match exponent {
        0 if dice.one_in(2) => String::new(),
        ..0 => format!("{letter}-{zeros}{digits}"),
        _ => format!("{letter}{}{zeros}{digits}", dice.pick(&["", "+"])),
    }
}
