//! The insides of JSON strings: plain runs, escapes, and the one canonical spelling of each
//! character.

/// How many bytes from here on are neither quote, backslash nor control character.
///
/// It steps by eight bytes at a time, which is where most of a payload's bytes are passed.
#[inline(always)]
pub(super) fn plain_length(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(&word) = text[at..].first_chunk() {
        let special = special_bytes(u64::from_le_bytes(word));
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

/// How many bytes from here on are white space.
pub(super) fn white_space_length(text: &[u8]) -> usize {
    let mut at = 0;
    loop {
        // Indentation, for the most part.
        while text[at..].starts_with(&[b' '; 8]) {
            at += 8;
        }
        match text.get(at) {
            Some(&byte) if is_white_space(byte) => at += 1,
            _ => return at,
        }
    }
}

fn is_white_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Sets the top bit of each byte that is special.
///
/// A borrow may also mark bytes above a special one, so only the lowest mark is to be trusted.
fn special_bytes(word: u64) -> u64 {
    const fn each(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    let quote = word ^ each(b'"');
    let backslash = word ^ each(b'\\');
    let is_quote = quote.wrapping_sub(each(1)) & !quote;
    let is_backslash = backslash.wrapping_sub(each(1)) & !backslash;
    let is_control = word.wrapping_sub(each(0x20)) & !word;
    (is_quote | is_backslash | is_control) & each(0x80)
}

/// Reads the escape that the text begins with: the character it stands for, and its length.
///
/// A surrogate pair is one escape of twelve bytes; a lone surrogate is none.
pub(super) fn unescape(text: &[u8]) -> Option<(char, usize)> {
    let character = match text.get(1)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unescape_unicode(text),
        _ => return None,
    };
    Some((character, 2))
}

fn unescape_unicode(text: &[u8]) -> Option<(char, usize)> {
    let first = hex4(text)?;
    if let Some(character) = char::from_u32(first) {
        return Some((character, 6));
    }
    let second = hex4(&text[6..])?;
    if !(0xd800..0xdc00).contains(&first) || !(0xdc00..0xe000).contains(&second) {
        return None;
    }
    let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    Some((char::from_u32(code)?, 12))
}

/// Reads `\uXXXX`.
fn hex4(text: &[u8]) -> Option<u32> {
    let digits = text.get(..6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |code, &digit| {
        Some(code << 4 | char::from(digit).to_digit(16)?)
    })
}

/// Spells a character as it stands in a canonical string, which is as RFC 8785 (section 3.2.2.2)
/// has it: escaped only where JSON demands it, and then in the shortest way.
pub(super) fn spell(character: char, buffer: &mut [u8; 6]) -> &[u8] {
    match character {
        '"' => br#"\""#,
        '\\' => br"\\",
        '\u{8}' => br"\b",
        '\u{c}' => br"\f",
        '\n' => br"\n",
        '\r' => br"\r",
        '\t' => br"\t",
        '\0'..='\u{1f}' => {
            let digit = |value: u32| char::from_digit(value, 16).map_or(b'0', |digit| digit as u8);
            let code = u32::from(character);
            *buffer = [b'\\', b'u', b'0', b'0', digit(code >> 4), digit(code & 15)];
            buffer
        }
        _ => character.encode_utf8(buffer).as_bytes(),
    }
}

/// Spells a whole string canonically, with its quotes.
pub(super) fn quote(text: &str) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(text.len() + 2);
    quoted.push(b'"');
    for character in text.chars() {
        quoted.extend_from_slice(spell(character, &mut [0; 6]));
    }
    quoted.push(b'"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escapes_are_read() {
        assert_eq!(unescape(br"\n.."), Some(('\n', 2)));
        assert_eq!(unescape(br"\/"), Some(('/', 2)));
        assert_eq!(unescape(br"\u0061"), Some(('a', 6)));
        assert_eq!(unescape(br"\uD83D\uDC10!"), Some(('🐐', 12)));
        for bad in [
            r"\", r"\x", r"\u12", r"\u12g4", r"\u+123", r"\ud83d", r"\ud83dx", r"\udc10",
        ] {
            assert_eq!(unescape(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(unescape(br"\ud83d\ud83d"), None);
        assert_eq!(unescape(br"\udc10\ud83d"), None);
    }

    proptest! {
        #[test]
        fn eight_at_a_time_finds_what_one_at_a_time_finds(
            text in proptest::collection::vec(prop_oneof![8 => 0x20..=0xffu8, 1 => any::<u8>()], 0..64),
        ) {
            let plain = text.iter().position(|&byte| is_special(byte)).unwrap_or(text.len());
            prop_assert_eq!(plain_length(&text), plain);
        }

        #[test]
        fn what_is_spelled_is_read_back(character in any::<char>()) {
            let mut buffer = [0; 6];
            let spelled = spell(character, &mut buffer);
            if spelled[0] == b'\\' {
                prop_assert_eq!(unescape(spelled), Some((character, spelled.len())));
            } else {
                let plain = character.to_string();
                prop_assert_eq!(spelled, plain.as_bytes());
            }
        }
    }
}
