//! Where the records of a shard stand, by the hashes of their keys.

use hashbrown::HashTable;

use super::{hash::Hash, slab::Place};

/// Below this many places a table is not worth shrinking.
const MIN_CAPACITY: usize = 64;

/// A table of eight bytes a record, so that growing it moves little: the records stay.
///
/// It is moved as a whole while its shard is locked: of 4 million records there are some 16,000 in each shard.
pub(super) struct Index(HashTable<(Hash, Place)>);

impl Index {
    pub(super) const fn new() -> Self {
        Self(HashTable::new())
    }

    /// The place under a hash that `is_it` knows.
    pub(super) fn find(&self, hash: Hash, is_it: impl Fn(Place) -> bool) -> Option<Place> {
        let is_it = |&(other, place): &(Hash, Place)| other == hash && is_it(place);
        self.0.find(hash.spread(), is_it).map(|&(_, place)| place)
    }

    pub(super) fn insert(&mut self, hash: Hash, place: Place) {
        self.0.insert_unique(hash.spread(), (hash, place), rehash);
    }

    /// Removes a place, and gives memory back once the table is mostly empty. What is moved then is an eighth of it
    /// at most.
    pub(super) fn remove(&mut self, hash: Hash, place: Place) {
        let is_it = |&(_, other): &(Hash, Place)| other == place;
        if let Ok(found) = self.0.find_entry(hash.spread(), is_it) {
            found.remove();
        }
        let (length, capacity) = (self.0.len(), self.0.capacity());
        if capacity > MIN_CAPACITY && length < capacity / 8 {
            self.0.shrink_to(MIN_CAPACITY.max(length * 2), rehash);
        }
    }
}

fn rehash((hash, _): &(Hash, Place)) -> u64 {
    hash.spread()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{memory::hash::Seed, memory::slab::Slab, record::RecordKey};

    #[test]
    fn places_are_found_until_they_are_removed_and_the_memory_is_given_back() {
        let (mut index, mut slab, seed) = (Index::new(), Slab::new(), Seed::random());
        let all: Vec<_> = (0..8_000_u64)
            .map(|number| {
                let mut bytes = [0; 32];
                bytes[..8].copy_from_slice(&number.to_le_bytes());
                let hash = seed.place(&RecordKey::from_bytes(bytes), 1).1;
                (hash, slab.insert(()))
            })
            .collect();
        for &(hash, place) in &all {
            index.insert(hash, place);
        }
        for &(hash, place) in &all {
            assert_eq!(index.find(hash, |found| found == place), Some(place));
            index.remove(hash, place);
            assert_eq!(index.find(hash, |found| found == place), None);
        }
        assert!(index.0.capacity() < 4 * MIN_CAPACITY);
    }
}
