//! Values at places that do not change, in chunks: growing moves none of them.

use std::{
    num::NonZeroU32,
    ops::{Index, IndexMut},
};

/// As many as a word has bits.
const CHUNK: usize = 64;

/// Where a value stands. It is the number of the place plus one, so that none takes no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(NonZeroU32);

/// Values that are found by their place.
pub(super) struct Slab<T> {
    chunks: Vec<Chunk<T>>,
    /// The numbers of all chunks that are not full.
    with_room: Vec<u32>,
}

struct Chunk<T> {
    values: Vec<Option<T>>,
    occupied: u64,
}

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Self {
            chunks: Vec::new(),
            with_room: Vec::new(),
        }
    }

    pub(super) fn insert(&mut self, value: T) -> Place {
        let number = self.chunk_with_room();
        let chunk = &mut self.chunks[number];
        let index = chunk.insert(value, number > 0);
        if chunk.is_full() {
            self.with_room.pop();
        }
        Place::new(number * CHUNK + index)
    }

    /// Takes a value out.
    ///
    /// # Panics
    /// If there is none at the place.
    pub(super) fn remove(&mut self, place: Place) -> T {
        let (number, index) = place.indices();
        let chunk = &mut self.chunks[number];
        if chunk.is_full() {
            self.with_room.push(number as u32);
        }
        chunk.occupied &= !(1 << index);
        let value = chunk.values[index].take();
        // The first chunk stays, so that one value that comes and goes costs no allocation each time.
        if chunk.occupied == 0 && number > 0 {
            chunk.values = Vec::new();
        }
        value.expect("a place in use holds a value")
    }

    fn chunk_with_room(&mut self) -> usize {
        if let Some(&number) = self.with_room.last() {
            return number as usize;
        }
        let number = self.chunks.len();
        self.chunks.push(Chunk {
            values: Vec::new(),
            occupied: 0,
        });
        self.with_room.push(number as u32);
        number
    }
}

impl<T> Chunk<T> {
    fn is_full(&self) -> bool {
        self.occupied == u64::MAX
    }

    /// Puts a value at the first free index. Only a slab's first chunk grows bit by bit: most
    /// values are in others.
    fn insert(&mut self, value: T, at_full_size: bool) -> usize {
        let index = self.occupied.trailing_ones() as usize;
        self.occupied |= 1 << index;
        if at_full_size {
            self.values.reserve_exact(CHUNK - self.values.len());
        }
        match self.values.get_mut(index) {
            Some(free) => *free = Some(value),
            None => self.values.push(Some(value)),
        }
        index
    }
}

impl Place {
    fn new(number: usize) -> Self {
        let number = u32::try_from(number + 1).ok().and_then(NonZeroU32::new);
        Self(number.expect("a shard never holds four billion records"))
    }

    fn indices(self) -> (usize, usize) {
        let number = self.0.get() as usize - 1;
        (number / CHUNK, number % CHUNK)
    }
}

impl<T> Index<Place> for Slab<T> {
    type Output = T;

    fn index(&self, place: Place) -> &T {
        let (number, index) = place.indices();
        self.chunks[number].values[index]
            .as_ref()
            .expect("a place in use holds a value")
    }
}

impl<T> IndexMut<Place> for Slab<T> {
    fn index_mut(&mut self, place: Place) -> &mut T {
        let (number, index) = place.indices();
        self.chunks[number].values[index]
            .as_mut()
            .expect("a place in use holds a value")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn values_stay_at_their_places(steps in proptest::collection::vec(any::<Option<u16>>(), 0..600)) {
            let mut slab = Slab::new();
            let mut places: Vec<(Place, usize)> = Vec::new();
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Some(index) if !places.is_empty() && index % 3 == 0 => {
                        let (place, value) = places.swap_remove(index as usize % places.len());
                        prop_assert_eq!(slab.remove(place), value);
                    }
                    _ => places.push((slab.insert(number), number)),
                }
                for (place, value) in &places {
                    prop_assert_eq!(slab[*place], *value);
                }
            }
        }
    }

    #[test]
    fn memory_of_chunks_that_are_empty_is_given_back() {
        let mut slab = Slab::new();
        let places: Vec<_> = (0..10 * CHUNK).map(|number| slab.insert(number)).collect();
        for place in places {
            slab.remove(place);
        }
        let kept = slab.chunks.iter().map(|chunk| chunk.values.capacity());
        assert!(kept.sum::<usize>() <= CHUNK);
    }
}
