//! Random edits of bytes, most of which make a text invalid in some small way.

use crate::dice::Dice;

/// Bytes and tokens that JSON gives a meaning to, and some that it forbids.
pub(crate) const PIECES: &[&[u8]] = &[
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"0",
    b"1",
    b"9",
    b"-",
    b"+",
    b".",
    b"e",
    b"E",
    b" ",
    b"\n",
    b"\t",
    b"\r",
    b"\0",
    b"\x1f",
    b"\x0b",
    b"\x0c",
    b"\x7f",
    b"\x80",
    b"\xff",
    b"t",
    b"n",
    b"u",
    b"a",
    b"/",
    b"null",
    b"true",
    b"\\u0061",
    b"\\ud83d",
    b"\\udc10",
    b"\\u00",
    b"\"a\":",
    b"{}",
    b"[]",
    b"\xef\xbb\xbf",
    b"\xc2\xa0",
    b"\xe2\x80\xa8",
    b"\xed\xa0\x80",
];

/// Makes one edit, some of them with one of the pieces.
pub(crate) fn edit(text: &[u8], pieces: &[&[u8]], dice: &mut Dice) -> Vec<u8> {
    let (from, to) = span(text, dice);
    let (before, inside, after) = (&text[..from], &text[from..to], &text[to..]);
    match dice.below(7) {
        0 => flip(text, from, dice),
        1 | 2 => [before, dice.pick(pieces), inside, after].concat(),
        3 => [before, dice.pick(pieces), after].concat(),
        4 => [before, after].concat(),
        5 => [before, inside, inside, after].concat(),
        _ => before.to_vec(),
    }
}

/// Most spans are short, so that what is left stays close to valid.
fn span(text: &[u8], dice: &mut Dice) -> (usize, usize) {
    let from = dice.below(text.len() + 1);
    let length = match dice.below(4) {
        0 => dice.below(text.len() + 1),
        _ => dice.below(3),
    };
    (from, text.len().min(from + length))
}

fn flip(text: &[u8], at: usize, dice: &mut Dice) -> Vec<u8> {
    let mut text = text.to_vec();
    if let Some(byte) = text.get_mut(at) {
        *byte ^= 1 << dice.below(8);
    }
    text
}
