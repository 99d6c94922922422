//! SHA-256 over parts that are kept apart by their lengths.

use std::fmt;

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

    /// The same, for parts that are all short; such a domain is none of the others'.
    pub(crate) fn new_short(tag: &'static str) -> Self {
        let mut hasher = Self(Sha256::new());
        hasher.add_short(tag.as_bytes());
        hasher
    }

    /// Adds a part where it stands: a hash is a hundred bytes, which are not moved for nothing.
    #[inline]
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    /// Adds a part with no more of a length than it needs (LEB128), for what is short and should
    /// fill no block of the hash more than it must.
    pub(crate) fn add_short(&mut self, bytes: &[u8]) {
        let mut length = bytes.len();
        while length >= 0x80 {
            self.0.update([length as u8 | 0x80]);
            length >>= 7;
        }
        self.0.update([length as u8]);
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
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
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        for bytes in self.0.chunks(32) {
            // In pieces of text: a formatted byte costs as much as all of a digest does so.
            let mut text = [0; 64];
            for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
                pair[0] = DIGITS[usize::from(byte >> 4)];
                pair[1] = DIGITS[usize::from(byte & 15)];
            }
            let text = std::str::from_utf8(&text[..2 * bytes.len()]);
            f.write_str(text.expect("digits are ASCII"))?;
        }
        Ok(())
    }
}

/// Reads `N` bytes of hexadecimal, or nothing.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let text = text.as_bytes();
    if text.len() != 2 * N {
        return None;
    }
    let nibble = |byte: u8| char::from(byte).to_digit(16).map(|value| value as u8);
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}
