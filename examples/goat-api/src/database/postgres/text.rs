//! Text as PostgreSQL takes it: all of Unicode but U+0000, which clients may send.

use std::borrow::Cow;

/// The text with `\0` for U+0000 and `\\` for a backslash, so that no two texts become one.
pub(super) fn stored(text: &str) -> Cow<'_, str> {
    if text.contains(['\0', '\\']) {
        Cow::from(text.replace('\\', r"\\").replace('\0', r"\0"))
    } else {
        Cow::from(text)
    }
}

/// The text that was [stored].
pub(super) fn read(stored: String) -> String {
    if !stored.contains('\\') {
        return stored;
    }
    let mut text = String::with_capacity(stored.len());
    let mut characters = stored.chars();
    while let Some(character) = characters.next() {
        match (character, characters.clone().next()) {
            ('\\', Some('0')) => text.push('\0'),
            ('\\', Some('\\')) => text.push('\\'),
            // Somebody else wrote it.
            _ => {
                text.push(character);
                continue;
            }
        }
        characters.next();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_and_none_is_stored_as_another() {
        let texts = [
            "",
            "Heidi",
            "\0",
            r"\0",
            r"\\0",
            "\\\0",
            "a\0b\\c",
            "\\",
            r"\\",
            "ö\u{10ffff}",
        ];
        let all: std::collections::HashSet<_> = texts.iter().map(|text| stored(text)).collect();
        assert_eq!(all.len(), texts.len());
        for text in texts {
            assert!(!stored(text).contains('\0'));
            assert_eq!(read(stored(text).into_owned()), text);
        }
        assert_eq!(read(r"by hand: \n \".to_owned()), r"by hand: \n \");
    }
}
