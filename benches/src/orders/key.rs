//! Keys that are quick to make, for each request's is new.

/// A number, as the value of an `Idempotency-Key` header of the length that a UUID has.
#[derive(Clone, Copy, Debug)]
pub struct Key([u8; 36]);

impl Key {
    /// The key of a number; two numbers never share one.
    #[must_use]
    pub fn new(number: u64) -> Self {
        let mut text = *b"00000000-0000-4000-8000-000000000000";
        let (mut rest, mut place) = (number, text.len());
        while rest > 0 {
            place -= 1;
            if text[place] != b'-' {
                text[place] = b"0123456789abcdef"[(rest & 15) as usize];
                rest >>= 4;
            }
        }
        Self(text)
    }

    /// What stands in the header.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
