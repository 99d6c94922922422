//! The insides of JSON strings: plain runs, escapes, and the one canonical spelling of each
//! character.

/// Whether all is ASCII without backslashes and control characters, as in most compact payloads: then a string
/// ends at the next quote.
pub(super) fn is_simple(text: &[u8]) -> bool {
    // Without an early exit, many bytes are asked at a time. What is not ASCII is negative here.
    let is_simple = |byte: &u8| (*byte as i8 >= 0x20) & (*byte != b'\\');
    text.iter().fold(true, |all, byte| all & is_simple(byte))
}

/// Where the first quote, backslash or control character from `at` on is, or else the end. `SIMPLE` says that the
/// text [is simple](is_simple).
///
/// It steps by eight bytes at a time, which is how most of a payload's bytes are passed.
#[inline(always)]
pub(super) fn plain_end<const SIMPLE: bool>(text: &[u8], at: usize) -> usize {
    let mut rest = &text[at..];
    while let Some((word, behind)) = rest.split_first_chunk() {
        let special = special_bytes::<SIMPLE>(u64::from_le_bytes(*word));
        if special != 0 {
            return text.len() - rest.len() + special.trailing_zeros() as usize / 8;
        }
        rest = behind;
    }
    let is_special = |byte: &u8| matches!(byte, 0..0x20 | b'"' | b'\\');
    let special = rest.iter().position(is_special);
    special.map_or(text.len(), |special| text.len() - rest.len() + special)
}

/// The [word](super::members::word) of a name that begins at `at`, and [where it ends](plain_end); the word is only
/// right if a quote ends it. `None` within eight bytes of the text's end.
#[inline(always)]
pub(super) fn name<const SIMPLE: bool>(text: &[u8], at: usize) -> Option<(u64, usize)> {
    let word = u64::from_le_bytes(*text.get(at..)?.first_chunk()?);
    let special = special_bytes::<SIMPLE>(word);
    let up_to_special = special ^ special.wrapping_sub(1);
    let end = match special {
        0 => plain_end::<SIMPLE>(text, at + 8),
        _ => at + special.trailing_zeros() as usize / 8,
    };
    Some(((word & up_to_special).swap_bytes(), end))
}

/// Sets the top bit of each byte that is special.
///
/// A borrow may also mark bytes above a special one, so only the lowest mark is to be trusted.
#[inline(always)]
fn special_bytes<const SIMPLE: bool>(word: u64) -> u64 {
    const fn each(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    if SIMPLE {
        // No borrow reaches another byte: none is above 0x7f.
        return each(0x80).wrapping_sub(word ^ each(b'"')) & each(0x80);
    }
    // With this bit flipped, the quote comes right behind the control characters, and the space does not.
    let is_control_or_quote = (word ^ each(0x02)).wrapping_sub(each(0x21));
    let is_backslash = (word ^ each(b'\\')).wrapping_sub(each(1));
    // Bytes above 127 would match too, so they are masked out.
    (is_control_or_quote | is_backslash) & !word & each(0x80)
}

/// Reads the escape that the text begins with: its character and its length.
///
/// A surrogate pair is one escape of twelve bytes; a lone surrogate is none.
pub(super) fn read_escape(text: &[u8]) -> Option<(char, usize)> {
    let character = match text.get(1)? {
        b'u' => return read_unicode(text),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        byte @ (b'"' | b'\\' | b'/') => char::from(*byte),
        _ => return None,
    };
    Some((character, 2))
}

fn read_unicode(text: &[u8]) -> Option<(char, usize)> {
    let first = read_unit(text)?;
    if let Some(character) = char::from_u32(first) {
        return Some((character, 6));
    }
    let pair = [first as u16, read_unit(&text[6..])? as u16];
    let character = char::decode_utf16(pair).next()?.ok()?;
    Some((character, 12))
}

/// Reads `\uXXXX`.
fn read_unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(br"\u")?.first_chunk::<4>()?;
    digits.iter().try_fold(0, |unit, digit| {
        Some(unit << 4 | char::from(*digit).to_digit(16)?)
    })
}

/// Spells a character as it stands in a canonical string, which is as RFC 8785 (section 3.2.2.2)
/// has it: escaped only where JSON demands it, and then in the shortest way.
pub(super) fn spell(character: char, text: &mut Vec<u8>) {
    match character {
        '"' => text.extend_from_slice(br#"\""#),
        '\\' => text.extend_from_slice(br"\\"),
        '\u{8}' => text.extend_from_slice(br"\b"),
        '\u{c}' => text.extend_from_slice(br"\f"),
        '\n' => text.extend_from_slice(br"\n"),
        '\r' => text.extend_from_slice(br"\r"),
        '\t' => text.extend_from_slice(br"\t"),
        '\0'..='\u{1f}' => {
            let digits = b"0123456789abcdef";
            let code = character as usize;
            text.extend_from_slice(br"\u00");
            text.extend_from_slice(&[digits[code >> 4], digits[code & 15]]);
        }
        _ => text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// Spells a whole string canonically, with its quotes.
pub(super) fn quote(string: &str) -> Vec<u8> {
    let mut quoted = vec![b'"'];
    for character in string.chars() {
        spell(character, &mut quoted);
    }
    quoted.push(b'"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::request::fingerprint::members;

    /// Texts of bytes that matter to a string, and of those next to them.
    fn texts() -> impl Strategy<Value = Vec<u8>> {
        let bytes = prop_oneof![
            4 => 0x23..0x5b_u8,
            1 => proptest::sample::select(&b"\0\x1f !\"#[\\]\x7f\x80\xa2\xdc\xff"[..]),
        ];
        proptest::collection::vec(bytes, 0..40)
    }

    fn check(text: &[u8], plain_end: usize, name: Option<(u64, usize)>) {
        let is_special = |byte: &u8| *byte < 0x20 || b"\"\\".contains(byte);
        let end = text.iter().position(is_special).unwrap_or(text.len());
        assert_eq!(plain_end, end, "{text:x?}");
        assert_eq!(name.is_some(), text.len() >= 8);
        if let (Some((word, name_end)), Some(b'"')) = (name, text.get(end)) {
            assert_eq!(name_end, end, "{text:x?}");
            assert_eq!(word, members::word(&text[..=end]), "{text:x?}");
        }
    }

    fn spelled(character: char) -> String {
        let mut text = Vec::new();
        spell(character, &mut text);
        String::from_utf8(text).unwrap()
    }

    /// What stands in the place of the escape that a text begins with, and that one's length.
    fn canonical(text: &str) -> Option<(String, usize)> {
        let (character, length) = read_escape(text.as_bytes())?;
        Some((spelled(character), length))
    }

    #[test]
    fn escapes_are_read() {
        for (text, spelled, length) in [
            (r"\n..", r"\n", 2),
            (r"\/", "/", 2),
            (r"\u0061", "a", 6),
            (r"\u000a", r"\n", 6),
            (r"\u001F", r"\u001f", 6),
            (r"\u001f1", r"\u001f", 6),
            (r"\u005C", r"\\", 6),
            (r"\u0022", r#"\""#, 6),
            (r"\uD83D\uDC10!", "🐐", 12),
        ] {
            assert_eq!(
                canonical(text),
                Some((spelled.to_owned(), length)),
                "{text}"
            );
        }
        for bad in [
            r"\",
            r"\x",
            r"\u12",
            r"\u12g4",
            r"\u+123",
            r"\ud83d",
            r"\ud83dx",
            r"\udc10",
            r"\ud83d\ud83d",
            r"\udc10\ud83d",
        ] {
            assert_eq!(canonical(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn the_first_special_byte_is_found_and_the_word_of_a_name(text in texts()) {
            check(&text, plain_end::<false>(&text, 0), name::<false>(&text, 0));
            if is_simple(&text) {
                check(&text, plain_end::<true>(&text, 0), name::<true>(&text, 0));
            }
        }

        #[test]
        fn one_byte_is_enough_not_to_be_simple(byte: u8, at in 0..100_usize, behind in 0..100_usize) {
            let text = [&b" ~".repeat(at)[..], &[byte], &b"\"[".repeat(behind)].concat();
            let expected = byte.is_ascii() && byte >= 0x20 && byte != b'\\';
            prop_assert_eq!(is_simple(&text), expected);
        }

        #[test]
        fn an_escape_is_spelled_as_its_character_is(character in any::<char>()) {
            let mut units = [0; 2];
            let escape: String = character
                .encode_utf16(&mut units)
                .iter()
                .map(|unit| format!("\\u{unit:04X}"))
                .collect();
            let spelled = spelled(character);
            let length = spelled.len();
            prop_assert_eq!(canonical(&escape), Some((spelled.clone(), escape.len())));
            if spelled.starts_with('\\') {
                prop_assert_eq!(canonical(&spelled), Some((spelled, length)));
            } else {
                prop_assert_eq!(spelled, character.to_string());
            }
        }
    }
}
