//! SHA-256 over parts that are kept apart by their lengths.

use std::{fmt, iter};

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use sha2::{Digest as _, Sha256};

/// A SHA-256 hash of length-prefixed parts, so that no two lists of parts hash alike.
#[derive(Clone)]
pub(crate) struct Hasher(Sha256);

impl Hasher {
    /// Starts a hash in a domain of its own: what `tag` names never equals what another names.
    pub(crate) fn new(tag: &'static str) -> Self {
        let mut hasher = Self(Sha256::new());
        hasher.add(tag.as_bytes());
        hasher
    }

    /// Adds a part where it stands: a hash is a hundred bytes, which are not moved for nothing.
    #[inline]
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.add_length(bytes.len());
        self.0.update(bytes);
    }

    /// Adds a part of this length that comes in pieces.
    #[inline]
    pub(crate) fn add_pieces(&mut self, length: usize, pieces: impl FnOnce(&mut dyn FnMut(&[u8]))) {
        self.add_length(length);
        pieces(&mut |piece| self.0.update(piece));
    }

    /// Adds a length, of which most take one byte (LEB128): what is hashed is mostly short, and should fill no block of the
    /// hash more than it must.
    #[inline]
    fn add_length(&mut self, mut length: usize) {
        while length >= 0x80 {
            self.0.update([length as u8 | 0x80]);
            length >>= 7;
        }
        self.0.update([length as u8]);
    }

    /// The hash of these parts, as [`new`](Self::new) and `add` make it. Parts that fit into two blocks are hashed in one
    /// piece.
    pub(crate) fn of<'p>(
        tag: &'static str,
        parts: impl IntoIterator<Item = &'p [u8]> + Clone,
    ) -> [u8; 32] {
        let mut piece = [0; 128];
        if let Some(length) = gather(&mut piece, iter::once(tag.as_bytes()).chain(parts.clone())) {
            return Sha256::digest(&piece[..length]).into();
        }
        let mut hasher = Self::new(tag);
        for part in parts {
            hasher.add(part);
        }
        hasher.finish()
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// Writes parts of up to 127 bytes one behind the other, each behind its length; `None` if they are longer, or do
/// not fit.
fn gather<'p>(piece: &mut [u8], parts: impl IntoIterator<Item = &'p [u8]>) -> Option<usize> {
    let mut end = 0;
    for part in parts {
        let length = u8::try_from(part.len())
            .ok()
            .filter(|&length| length < 0x80)?;
        *piece.get_mut(end)? = length;
        let start = end + 1;
        end = start + part.len();
        piece.get_mut(start..end)?.copy_from_slice(part);
    }
    Some(end)
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher")
    }
}

/// Writes bytes as lower-case hexadecimal.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        HEXLOWER.encode_write(self.0, f)
    }
}

/// Reads `N` bytes of hexadecimal in either case, or nothing.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    // Decoding into an array asks for its exact length.
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    HEXLOWER_PERMISSIVE
        .decode_mut(text.as_bytes(), &mut bytes)
        .ok()?;
    Some(bytes)
}

/// Reads text that was written as hexadecimal, or nothing.
pub(crate) fn text_from_hex(text: &str) -> Option<String> {
    let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?;
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_one_hash_whether_they_fit_into_one_piece_or_not() {
        let text = [b'x'; 300];
        for lengths in [
            &[][..],
            &[0],
            &[37],
            &[0, 0, 36],
            &[5, 121],
            &[126],
            &[60, 61],
            &[60, 60],
            &[60, 62],
            &[127],
            &[128],
            &[3, 300],
        ] {
            let parts = lengths.iter().map(|&length| &text[..length]);
            let mut hasher = Hasher::new("a");
            parts.clone().for_each(|part| hasher.add(part));
            assert_eq!(Hasher::of("a", parts), hasher.finish(), "{lengths:?}");
        }
    }

    #[test]
    fn hexadecimal_is_written_in_lower_case_and_read_in_either() {
        assert_eq!(Hex(&[0x00, 0xaf, 0xff]).to_string(), "00afff");
        assert_eq!(Hex(&[7; 600]).to_string(), "07".repeat(600));
        for text in ["00afff", "00AfFF"] {
            assert_eq!(from_hex(text), Some([0x00, 0xaf, 0xff]));
        }
        assert_eq!(text_from_hex("c3a9"), Some("é".to_owned()));
        assert_eq!(text_from_hex(""), Some(String::new()));
    }

    #[test]
    fn anything_but_the_expected_hexadecimal_is_not_read() {
        for text in [
            "", "00", "0000a", "00000", "0000000", "0000é", " 00000", "0x0000", "+00000", "00000g",
        ] {
            assert_eq!(from_hex::<3>(text), None, "{text:?}");
        }
        for text in ["0", "0g", "é", "ff", "c3"] {
            assert_eq!(text_from_hex(text), None, "{text:?}");
        }
    }
}
