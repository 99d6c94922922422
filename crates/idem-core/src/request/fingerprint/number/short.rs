//! Numbers of few digits, which are taken apart and put together in one word.

use std::ops::Range;

use super::{PLAIN_DIGITS, PLAIN_ZEROS};
use crate::request::fingerprint::written::CHUNK;

/// As many digits as a word has bytes.
const DIGITS: usize = 8;

/// The longest exponent that is written.
const EXPONENT: u64 = 99;

const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);

/// Up to eight digits without zeros in front, the first in the lowest byte, and zeros behind them.
/// Their value is `0.DIGITS × 10^point`.
#[derive(Clone, Copy)]
pub(super) struct Digits {
    digits: u64,
    /// How many there are without the zeros behind them.
    length: usize,
    point: i64,
}

impl Digits {
    /// Reads the digits before and behind a point; `None` if they are many, or stand where a text
    /// ends.
    #[inline(always)]
    pub(super) fn read(text: &[u8], whole: &Range<usize>, fraction: &Range<usize>) -> Option<Self> {
        if whole.len() + fraction.len() > DIGITS || whole.len() == DIGITS {
            return None;
        }
        let word = |at: usize| Some(u64::from_le_bytes(*text.get(at..)?.first_chunk()?));
        let mut digits = word(whole.start)? & ((1 << (8 * whole.len())) - 1);
        if !fraction.is_empty() {
            let unused = 8 * (DIGITS - fraction.len());
            digits |= word(fraction.start)? << unused >> unused << (8 * whole.len());
        }
        // What is left of each digit is its value.
        let values = digits & !ZEROS;
        if values == 0 {
            return Some(Self {
                digits: ZEROS,
                length: 0,
                point: 0,
            });
        }
        let leading = values.trailing_zeros() as usize / 8;
        Some(Self {
            digits: digits >> (8 * leading) | ZEROS,
            length: DIGITS - values.leading_zeros() as usize / 8 - leading,
            point: whole.len() as i64 - leading as i64,
        })
    }

    /// Writes the number, with that exponent besides, as [`Value::write`](super::Value::write) does;
    /// answers where it ends, or `None` if that is too long.
    ///
    /// Words are written one over the other, and nothing is read back: that would have to wait.
    #[inline(always)]
    pub(super) fn write(
        self,
        negative: bool,
        exponent: i64,
        room: &mut [u8; CHUNK],
    ) -> Option<usize> {
        *room = [b'0'; CHUNK];
        if self.length == 0 {
            return Some(1);
        }
        room[0] = b'-';
        let start = usize::from(negative);
        let point = self.point.checked_add(exponent)?;
        if (1..=PLAIN_DIGITS).contains(&point) {
            let point = point as usize;
            put(self.digits, start, room)?;
            return match self.length <= point {
                true => Some(start + point),
                false => self.put_point(point, start, room),
            };
        }
        if (-PLAIN_ZEROS..=0).contains(&point) {
            *room.get_mut(start)? = b'0';
            *room.get_mut(start + 1)? = b'.';
            let at = start + 2 + point.unsigned_abs() as usize;
            put(self.digits, at, room)?;
            return Some(at + self.length);
        }
        put(self.digits, start, room)?;
        let end = match self.length {
            1 => start + 1,
            _ => self.put_point(1, start, room)?,
        };
        put_exponent(point - 1, end, room)
    }

    /// Puts a point behind the first digits, and the others behind it; answers where they end.
    #[inline(always)]
    fn put_point(self, point: usize, start: usize, room: &mut [u8; CHUNK]) -> Option<usize> {
        *room.get_mut(start + point)? = b'.';
        put(self.digits >> (8 * point), start + point + 1, room)?;
        Some(start + self.length + 1)
    }
}

#[inline(always)]
fn put(word: u64, at: usize, room: &mut [u8; CHUNK]) -> Option<()> {
    *room.get_mut(at..)?.first_chunk_mut()? = word.to_le_bytes();
    Some(())
}

/// Puts an exponent of up to two digits; answers where it ends.
#[inline(always)]
fn put_exponent(exponent: i64, at: usize, room: &mut [u8; CHUNK]) -> Option<usize> {
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
    put(word << 8 | u64::from(b'e'), at, room)?;
    Some(at + length)
}
