//! Where a record key falls, in a way that no client can aim at.

use crate::record::RecordKey;

/// Two random words that place keys differently in each store.
///
/// A record key is a digest, but one that a client can compute: without a seed it could search
/// for keys that all fall into one bucket.
#[derive(Clone, Copy)]
pub(super) struct Seed(u64, u64);

/// What of a key's hash a table keeps: enough to find it without a look at other keys, and to grow without a look at any.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Hash(u32);

/// A key with its hash in its shard.
#[derive(Clone, Copy)]
pub(super) struct Hashed<'a> {
    pub(super) key: &'a RecordKey,
    pub(super) hash: Hash,
}

impl Seed {
    pub(super) fn random() -> Self {
        // An odd factor loses no bit.
        Self(rand::random(), rand::random::<u64>() | 1)
    }

    /// Which of `shards`, a power of two, a key belongs to, and its hash there.
    ///
    /// A digest's first eight bytes are as good as any.
    pub(super) fn place(self, key: &RecordKey, shards: usize) -> (usize, Hashed<'_>) {
        let word = key.as_bytes().first_chunk().expect("a digest is longer");
        let folded = self.fold(u64::from_le_bytes(*word));
        // Shard and hash share no bit: a shard's keys differ in all that its table looks at.
        let (shard, hash) = ((folded >> 40) as usize & (shards - 1), Hash(folded as u32));
        (shard, Hashed { key, hash })
    }

    fn fold(self, word: u64) -> u64 {
        let product = u128::from(word ^ self.0) * u128::from(self.1);
        (product >> 64) as u64 ^ product as u64
    }
}

impl Hash {
    /// As the table wants it, which uses the lowest and the seven highest bits.
    pub(super) fn spread(self) -> u64 {
        u64::from(self.0) << 32 | u64::from(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_spread_over_all_shards_and_differently_in_each_store() {
        let keys: Vec<_> = (0..6400_u64)
            .map(|number| {
                let mut bytes = [0; 32];
                // Alike but for a few bits, as if a client had searched for them.
                bytes[..8].copy_from_slice(&(number << 32).to_le_bytes());
                RecordKey::from_bytes(bytes)
            })
            .collect();
        let place = |seed: Seed| {
            keys.iter()
                .map(|key| seed.place(key, 64).0)
                .collect::<Vec<_>>()
        };
        let places = place(Seed(0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93));
        for shard in 0..64 {
            let keys = places.iter().filter(|place| **place == shard).count();
            assert!(
                (20..400).contains(&keys),
                "shard {shard} has {keys} of 6400 keys"
            );
        }
        assert_ne!(places, place(Seed(1, 0xa076_1d64_78bd_642f)));
    }
}
