//! The insides of JSON strings: plain runs, escapes, and the one canonical spelling of each
//! character.

/// Whether there are neither backslashes nor control characters, and ASCII alone.
pub(super) fn is_simple(text: &[u8]) -> bool {
    // As a signed number, what is not ASCII is below zero.
    all(text, |byte| (byte as i8 >= 0x20) & (byte != b'\\'))
}

/// Whether there is no control character but for white space: all others are nowhere in JSON.
pub(super) fn has_no_forbidden_control(text: &[u8]) -> bool {
    all(text, |byte| {
        (byte >= 0x20) | (byte == b'\n') | (byte == b'\r') | (byte == b'\t')
    })
}

/// Whether something is true of all bytes: many are asked at a time.
#[inline(always)]
fn all(text: &[u8], is_true: impl Fn(u8) -> bool) -> bool {
    let of_chunk = |chunk: &[u8]| chunk.iter().fold(true, |all, byte| all & is_true(*byte));
    let chunks = text.chunks_exact(64);
    of_chunk(chunks.remainder()) && chunks.into_iter().all(of_chunk)
}

/// How many bytes from here on are neither quote, backslash nor control character. `SIMPLE` says
/// that the text is known to have none of the latter.
///
/// It steps by eight bytes at a time, which is where most of a payload's bytes are passed.
#[inline(always)]
pub(super) fn plain_length<const SIMPLE: bool>(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(&word) = text[at..].first_chunk() {
        let special = special_bytes::<SIMPLE>(u64::from_le_bytes(word));
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = &text[at..];
    at + rest
        .iter()
        .position(|&byte| is_special(byte))
        .unwrap_or(rest.len())
}

/// How many bytes from here on are white space, in a text without forbidden control characters.
#[inline(always)]
pub(super) fn white_space_length(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(&word) = text[at..].first_chunk() {
        // What is above a space has its top bit set by that, or has it anyway.
        let word = u64::from_le_bytes(word);
        let others = (((word & each(0x7f)) + each(0x7f - b' ')) | word) & each(0x80);
        if others != 0 {
            return at + others.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = &text[at..];
    at + rest
        .iter()
        .position(|&byte| byte > b' ')
        .unwrap_or(rest.len())
}

fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// Sets the top bit of each byte that is special.
///
/// A borrow may also mark bytes above a special one, so only the lowest mark is to be trusted.
#[inline(always)]
pub(super) fn special_bytes<const SIMPLE: bool>(word: u64) -> u64 {
    let is_quote = (word ^ each(b'"')).wrapping_sub(each(1));
    if SIMPLE {
        return is_quote & each(0x80) & !word;
    }
    let is_backslash = (word ^ each(b'\\')).wrapping_sub(each(1));
    let is_control = word.wrapping_sub(each(0x20));
    // A byte that has the top bit itself is none of these.
    (is_quote | is_backslash | is_control) & !word & each(0x80)
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
        fn eight_at_a_time_finds_what_one_at_a_time_finds(
            text in proptest::collection::vec(prop_oneof![8 => 0x20..=0xffu8, 1 => any::<u8>()], 0..64),
        ) {
            let plain = text.iter().position(|&byte| is_special(byte)).unwrap_or(text.len());
            prop_assert_eq!(plain_length::<false>(&text), plain);
            if is_simple(&text) {
                prop_assert_eq!(plain_length::<true>(&text), plain);
            }
        }

        #[test]
        fn white_space_ends_where_something_else_begins(
            text in proptest::collection::vec(prop_oneof![
                8 => proptest::sample::select(b" \n\r\t".as_slice()),
                1 => 0x20..=0xffu8,
            ], 0..64),
        ) {
            let end = text.iter().position(|byte| !b" \n\r\t".contains(byte));
            prop_assert_eq!(white_space_length(&text), end.unwrap_or(text.len()));
        }

        #[test]
        fn all_bytes_of_a_text_are_asked(text in "[ -~]{0,200}", at in any::<proptest::sample::Index>(), byte in any::<u8>()) {
            let mut text = text.into_bytes();
            prop_assert!(has_no_forbidden_control(&text));
            prop_assert_eq!(is_simple(&text), !text.contains(&b'\\'));
            text.push(b'.');
            let at = at.index(text.len());
            text[at] = byte;
            prop_assert_eq!(has_no_forbidden_control(&text), byte >= 0x20 || b"\n\r\t".contains(&byte));
            let simple = |byte: &u8| (0x20..0x80).contains(byte) && *byte != b'\\';
            prop_assert_eq!(is_simple(&text), text.iter().all(simple));
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
