//! The insides of JSON strings: plain runs, escapes, and the one canonical spelling of each
//! character.

/// How many bytes from here on are neither quote, backslash nor control character.
#[inline(always)]
pub(super) fn plain_length(text: &[u8]) -> usize {
    let is_special = |byte: &u8| matches!(byte, 0..0x20 | b'"' | b'\\');
    text.iter().position(is_special).unwrap_or(text.len())
}

/// Whether a byte is white space as JSON has it.
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
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
