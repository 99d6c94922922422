//! Sorting many words without comparing them.

use super::work;

/// From this many words on, it pays to count how many there are of each digit.
const MANY: usize = 1024;

/// Bits of a digit: the counts of all digits are to stay in the nearest cache.
const DIGIT: u32 = 11;

/// The bits of a word, from the top on, in which the words of a group differ: up to 32 of them, in
/// whole bytes; bits at the top of a byte that are the same in all are left out.
pub(super) struct Difference {
    pieces: [Piece; 8],
    count: usize,
    /// How many bytes from the top on these bits tell all about.
    pub(super) bytes: usize,
    bits: u32,
}

/// The lowest bits of a byte.
#[derive(Clone, Copy, Default)]
struct Piece {
    shift: u32,
    bits: u32,
}

/// As many bits as are taken; the rest of a word has room for an index.
const MAX_BITS: u32 = 32;

impl Difference {
    pub(super) fn of(mut words: impl Iterator<Item = u64>) -> Self {
        let first = words.next().unwrap_or_default();
        let differing = words.fold(0, |bits, word| bits | (word ^ first));
        let mut difference = Self {
            pieces: [Piece::default(); 8],
            count: 0,
            bytes: 0,
            bits: 0,
        };
        for byte in differing.to_be_bytes() {
            let bits = u8::BITS - byte.leading_zeros();
            if difference.bits + bits > MAX_BITS {
                break;
            }
            if bits > 0 {
                difference.pieces[difference.count] = Piece {
                    shift: 56 - 8 * difference.bytes as u32,
                    bits,
                };
                difference.count += 1;
                difference.bits += bits;
            }
            difference.bytes += 1;
        }
        difference
    }

    /// These bits of a word, in their order, and an index below them.
    pub(super) fn with_index(&self, word: u64, index: u32) -> u64 {
        let mut bits = 0;
        for piece in &self.pieces[..self.count] {
            bits = bits << piece.bits | (word >> piece.shift) & ((1 << piece.bits) - 1);
        }
        bits << MAX_BITS | u64::from(index)
    }

    /// Sorts what `with_index` made, by the bits above the index at least; `room` is kept from call
    /// to call.
    ///
    /// Many are dealt out by one digit after the other, from the last on: that takes the same time
    /// for each order in which they come.
    pub(super) fn sort(&self, words: &mut Vec<u64>, room: &mut Vec<u64>) {
        if words.len() < MANY {
            return words.sort_unstable();
        }
        room.clear();
        room.resize(words.len(), 0);
        for digit in 0..self.bits.div_ceil(DIGIT) {
            deal_out(words, room, MAX_BITS + digit * DIGIT);
            std::mem::swap(words, room);
        }
    }
}

/// Puts words in the order of one digit; those with the same digit stay as they were.
fn deal_out(words: &[u64], to: &mut [u64], shift: u32) {
    work::note(size_of_val(words));
    let digit = |word: u64| (word >> shift) as usize & ((1 << DIGIT) - 1);
    let mut places = [0_u32; 1 << DIGIT];
    for word in words {
        places[digit(*word)] += 1;
    }
    let mut next = 0;
    for place in &mut places {
        next += std::mem::replace(place, next);
    }
    for word in words {
        let place = &mut places[digit(*word)];
        to[*place as usize] = *word;
        *place += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn words() -> impl Strategy<Value = Vec<u64>> {
        // Bytes that are the same in all, that differ in few bits, and that differ in all.
        let mask = prop_oneof![
            any::<u64>(),
            Just(0x0f0f_0f0f_0f0f_0f0f),
            Just(0x0000_7f00_00ff_0301),
            Just(0),
        ];
        (mask, any::<u64>(), vec(any::<u64>(), 1..3 * MANY)).prop_map(|(mask, base, words)| {
            let word = |word| (base & !mask) | (word & mask);
            words.into_iter().map(word).collect()
        })
    }

    proptest! {
        #[test]
        fn words_come_in_the_order_of_their_first_bytes(words in words()) {
            let difference = Difference::of(words.iter().copied());
            let mut keys: Vec<_> = (0..).zip(&words).map(|(index, word)| difference.with_index(*word, index)).collect();
            difference.sort(&mut keys, &mut Vec::new());
            let known = |key: u64| {
                let word = words[key as u32 as usize];
                u128::from(word) >> (64 - 8 * difference.bytes)
            };
            for pair in keys.windows(2) {
                prop_assert!(known(pair[0]) <= known(pair[1]));
                prop_assert_eq!(known(pair[0]) == known(pair[1]), pair[0] >> 32 == pair[1] >> 32);
            }
            let mut indices: Vec<_> = keys.iter().map(|key| *key as u32 as usize).collect();
            indices.sort_unstable();
            prop_assert!(indices.into_iter().eq(0..words.len()));
            prop_assert!(difference.bytes >= 4);
        }
    }
}
