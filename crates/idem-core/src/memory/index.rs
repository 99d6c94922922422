//! Where the records of a shard stand, by the hashes of their keys.

use hashbrown::HashTable;

use super::{hash::Hash, slab::Place};

/// A power of two. A table that grows is moved as a whole while its shard is locked: of 4 million
/// records there are some 4,000 in each, which takes a tenth of a millisecond.
const TABLES: usize = 8;

/// Below this many places a table is not worth shrinking.
const MIN_CAPACITY: usize = 64;

/// Tables of eight bytes a record, so that growing one moves little: the records stay.
pub(super) struct Index {
    tables: [HashTable<(Hash, Place)>; TABLES],
}

impl Index {
    pub(super) const fn new() -> Self {
        Self {
            tables: [const { HashTable::new() }; TABLES],
        }
    }

    /// The place under a hash that `is_it` knows.
    pub(super) fn find(&self, hash: Hash, is_it: impl Fn(Place) -> bool) -> Option<Place> {
        let found = self.tables[hash.part(TABLES)].find(hash.spread(), |&(other, place)| {
            other == hash && is_it(place)
        });
        found.map(|&(_, place)| place)
    }

    pub(super) fn insert(&mut self, hash: Hash, place: Place) {
        self.tables[hash.part(TABLES)].insert_unique(hash.spread(), (hash, place), rehash);
    }

    pub(super) fn remove(&mut self, hash: Hash, place: Place) {
        let table = &mut self.tables[hash.part(TABLES)];
        if let Ok(found) = table.find_entry(hash.spread(), |&(_, other)| other == place) {
            found.remove();
        }
        shrink(table);
    }
}

/// Gives memory back once a table is mostly empty. What is moved then is an eighth of it at most.
fn shrink(table: &mut HashTable<(Hash, Place)>) {
    let (length, capacity) = (table.len(), table.capacity());
    if capacity > MIN_CAPACITY && length < capacity / 8 {
        table.shrink_to(MIN_CAPACITY.max(length * 2), rehash);
    }
}

fn rehash((hash, _): &(Hash, Place)) -> u64 {
    hash.spread()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{memory::hash::Seed, memory::slab::Slab, record::RecordKey};

    fn hashes(count: usize) -> Vec<Hash> {
        let seed = Seed::random();
        let key = |number: usize| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&number.to_le_bytes());
            RecordKey::from_bytes(bytes)
        };
        (0..count)
            .map(|number| seed.place(&key(number), 1).1)
            .collect()
    }

    #[test]
    fn places_are_found_in_tables_of_like_size_until_they_are_removed() {
        let (mut index, mut slab) = (Index::new(), Slab::new());
        let all: Vec<_> = hashes(8_000)
            .into_iter()
            .map(|hash| (hash, slab.insert(())))
            .collect();
        for &(hash, place) in &all {
            index.insert(hash, place);
        }
        let sizes = index.tables.each_ref().map(HashTable::len);
        assert!(
            sizes.iter().all(|size| (500..2_000).contains(size)),
            "{sizes:?}"
        );
        for &(hash, place) in &all {
            assert_eq!(index.find(hash, |found| found == place), Some(place));
            index.remove(hash, place);
            assert_eq!(index.find(hash, |found| found == place), None);
        }
        assert!(
            index
                .tables
                .iter()
                .all(|table| table.capacity() < 4 * MIN_CAPACITY)
        );
    }
}
