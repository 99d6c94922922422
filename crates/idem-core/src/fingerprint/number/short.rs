//! Numbers of few digits, which are taken apart and put together in one word.

use std::ops::Range;

use super::{PLAIN_DIGITS, PLAIN_ZEROS};
use crate::fingerprint::written::Short;

/// The most digits before the point, and behind it.
const PIECE: usize = 7;

/// The longest exponent that is written.
const EXPONENT: u64 = 99;

const ZEROS: u128 = u128::from_le_bytes([b'0'; 16]);

/// Up to 14 digits without zeros at either end, the first in the lowest byte, and nothing in the
/// bytes behind them. Their value is `0.DIGITS × 10^point`.
#[derive(Clone, Copy)]
pub(super) struct Digits {
    digits: u128,
    length: usize,
    point: i64,
}

impl Digits {
    /// Reads the digits before and behind a point; `None` if they are many, or stand where a text
    /// ends.
    #[inline(always)]
    pub(super) fn read(text: &[u8], whole: &Range<usize>, fraction: &Range<usize>) -> Option<Self> {
        if whole.len() > PIECE || fraction.len() > PIECE {
            return None;
        }
        let piece = |at: &Range<usize>| {
            let word = text.get(at.start..)?.first_chunk()?;
            Some(u64::from_le_bytes(*word) & ((1 << (8 * at.len())) - 1))
        };
        let fraction = u128::from(piece(fraction)?) << (8 * whole.len());
        let digits = fraction | u128::from(piece(whole)?);
        // What is left of each digit is its value.
        let values = digits & !ZEROS;
        let leading = match values {
            0 => 0,
            values => values.trailing_zeros() as usize / 8,
        };
        let length = 16 - values.leading_zeros() as usize / 8 - leading;
        Some(Self {
            digits: first(digits >> (8 * leading), length),
            length,
            point: whole.len() as i64 - leading as i64,
        })
    }

    /// Writes the number, with that exponent besides, as [`Value::write`](super::Value::write) does;
    /// `None` if that is too long.
    #[inline(always)]
    pub(super) fn write(self, negative: bool, exponent: i64) -> Option<Short> {
        if self.length == 0 {
            return Some(Short::byte(b'0'));
        }
        let point = self.point.checked_add(exponent)?;
        let unsigned = match point {
            1..=PLAIN_DIGITS => self.plain(point as usize),
            _ if (-PLAIN_ZEROS..=0).contains(&point) => {
                self.fraction(point.unsigned_abs() as usize)?
            }
            _ => self.with_exponent(point - 1)?,
        };
        if !negative {
            return Some(unsigned);
        }
        let Short { word, length } = unsigned;
        (length < 16).then_some(Short {
            word: word << 8 | u128::from(b'-'),
            length: length + 1,
        })
    }

    /// The digits with the point after the first `point` of them, or with zeros up to it.
    #[inline(always)]
    fn plain(self, point: usize) -> Short {
        if self.length <= point {
            return Short {
                word: self.digits | ZEROS << (8 * self.length),
                length: point,
            };
        }
        let whole = first(self.digits, point) | u128::from(b'.') << (8 * point);
        Short {
            word: whole | (self.digits >> (8 * point)) << (8 * (point + 1)),
            length: self.length + 1,
        }
    }

    /// The digits behind a point and so many zeros.
    #[inline(always)]
    fn fraction(self, zeros: usize) -> Option<Short> {
        const POINT_AND_ZEROS: u128 = ZEROS & !0xff00 | (b'.' as u128) << 8;
        let digits_at = 2 + zeros;
        let length = digits_at + self.length;
        (length <= 16).then_some(Short {
            word: first(POINT_AND_ZEROS, digits_at) | self.digits << (8 * digits_at),
            length,
        })
    }

    #[inline(always)]
    fn with_exponent(self, exponent: i64) -> Option<Short> {
        let value = exponent.unsigned_abs();
        if value > EXPONENT {
            return None;
        }
        let mut word = u64::from(b'0') + value % 10;
        let mut length = 2;
        if value > 9 {
            word = word << 8 | (u64::from(b'0') + value / 10);
            length += 1;
        }
        if exponent < 0 {
            word = word << 8 | u64::from(b'-');
            length += 1;
        }
        word = word << 8 | u64::from(b'e');
        let digits = if self.length == 1 {
            Short {
                word: self.digits,
                length: 1,
            }
        } else {
            self.plain(1)
        };
        (digits.length + length <= 16).then_some(Short {
            word: digits.word | u128::from(word) << (8 * digits.length),
            length: digits.length + length,
        })
    }
}

/// The first bytes of a word, of which it has more.
#[inline(always)]
fn first(word: u128, bytes: usize) -> u128 {
    word & ((1 << (8 * bytes)) - 1)
}
