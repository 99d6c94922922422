//! Where a record key falls, in a way that no client can aim at.

use std::hash::{BuildHasher, Hasher};

use crate::record_key::RecordKey;

/// Two random words that place keys differently in each store.
///
/// A record key is a digest, but one that a client can compute: without a seed it could search
/// for keys that all fall into one bucket.
#[derive(Clone, Copy)]
pub(super) struct Seed(u64, u64);

impl Seed {
    pub(super) fn random() -> Self {
        // An odd factor loses no bit.
        Self(rand::random(), rand::random::<u64>() | 1)
    }

    /// Which of `shards`, a power of two, a key belongs to.
    pub(super) fn shard(self, key: &RecordKey, shards: usize) -> usize {
        let mut hasher = self.build_hasher();
        hasher.write(key.as_bytes());
        // The table inside the shard uses the lowest and the seven highest bits.
        (hasher.finish() >> 40) as usize & (shards - 1)
    }

    fn fold(self, word: u64) -> u64 {
        let product = u128::from(word ^ self.0) * u128::from(self.1);
        (product >> 64) as u64 ^ product as u64
    }
}

impl BuildHasher for Seed {
    type Hasher = DigestHasher;

    fn build_hasher(&self) -> DigestHasher {
        DigestHasher {
            seed: *self,
            hash: 0,
        }
    }
}

/// Hashes a digest by its first eight bytes, which are as good as any.
pub(super) struct DigestHasher {
    seed: Seed,
    hash: u64,
}

impl Hasher for DigestHasher {
    fn write(&mut self, digest: &[u8]) {
        if let Some(word) = digest.first_chunk() {
            self.hash = self.seed.fold(u64::from_le_bytes(*word));
        }
    }

    fn write_usize(&mut self, _length: usize) {
        // Every digest has the same length.
    }

    fn finish(&self) -> u64 {
        self.hash
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
                .map(|key| seed.shard(key, 64))
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
