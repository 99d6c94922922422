//! When to look at which record again: a hierarchical timing wheel (Varghese and Lauck, 1987).

use super::{
    clock::Tick,
    entry::Entry,
    slab::{Place, Slab},
};

const SLOTS: usize = 64;
const BITS: u32 = SLOTS.trailing_zeros();

/// Slots of one second, of a minute and of an hour, more or less: three days in all.
const LEVELS: usize = 3;

/// Where an entry hangs in the wheel: the lists of a slot run through the entries themselves.
#[derive(Clone, Copy, Default)]
pub(super) struct Link {
    previous: Option<Place>,
    next: Option<Place>,
}

/// The places of entries, by the second in which they are due.
///
/// Each entry is in one slot, and is not moved when its deadline is put off: it is looked at when the slot is
/// due, and pushed again then. So a completion, which puts off what every claim pushed, costs nothing here; and
/// pushing, taking and removing touch a few words, however many there are.
pub(super) struct Wheel {
    /// No slot before this tick holds anything.
    tick: Tick,
    heads: [Option<Place>; LEVELS * SLOTS],
    /// A bit for each slot that holds something.
    occupied: [u64; LEVELS],
}

impl Wheel {
    pub(super) const fn new() -> Self {
        Self {
            tick: 0,
            heads: [None; LEVELS * SLOTS],
            occupied: [0; LEVELS],
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.occupied == [0; LEVELS]
    }

    /// Has the entry looked at once the tick has come, or before if that is days off.
    pub(super) fn push(&mut self, entries: &mut Slab<Entry>, place: Place, tick: Tick) {
        let slot = self.slot(tick.max(self.tick));
        let next = self.heads[slot].replace(place);
        if let Some(next) = next {
            entries[next].link.previous = Some(place);
        }
        entries[place].link = Link {
            previous: None,
            next,
        };
        entries[place].slot = slot as u8;
        self.occupied[slot / SLOTS] |= 1 << (slot % SLOTS);
    }

    pub(super) fn remove(&mut self, entries: &mut Slab<Entry>, place: Place) {
        let Entry {
            link: Link { previous, next },
            slot,
            ..
        } = entries[place];
        if let Some(next) = next {
            entries[next].link.previous = previous;
        }
        match previous {
            Some(previous) => entries[previous].link.next = next,
            None => self.set_head(usize::from(slot), next),
        }
    }

    fn set_head(&mut self, slot: usize, head: Option<Place>) {
        self.heads[slot] = head;
        if head.is_none() {
            self.occupied[slot / SLOTS] &= !(1 << (slot % SLOTS));
        }
    }

    /// Takes an entry that is to be looked at now that so many ticks have passed.
    pub(super) fn pop_due(&mut self, entries: &mut Slab<Entry>, passed: Tick) -> Option<Place> {
        // Clocks of tests go back, when one paused runtime follows another. Live entries are pushed again, and
        // would come back for ever.
        if passed < self.tick {
            return None;
        }
        loop {
            if let Some(place) = self.due() {
                self.remove(entries, place);
                return Some(place);
            }
            match self.next_start() {
                Some(start) if start <= passed => self.tick = start,
                _ => {
                    self.tick = self.tick.max(passed);
                    return None;
                }
            }
        }
    }

    /// An entry in one of the slots that the wheel stands at.
    fn due(&self) -> Option<Place> {
        (0..LEVELS).find_map(|level| {
            let index = (self.tick >> (BITS * level as u32)) as usize % SLOTS;
            self.heads[level * SLOTS + index]
        })
    }

    /// The first tick after this one at which an occupied slot begins.
    fn next_start(&self) -> Option<Tick> {
        (0..LEVELS)
            .filter_map(|level| {
                let shift = BITS * level as u32;
                let turn = self.tick >> shift;
                let ahead = self.occupied[level].rotate_right(turn as u32 % SLOTS as u32) & !1;
                let turns = u64::from(ahead.trailing_zeros());
                (ahead != 0).then(|| (turn + turns) << shift)
            })
            .min()
    }

    /// The slot of a tick that is not over: one that begins no later, in the finest level that
    /// reaches so far.
    fn slot(&self, tick: Tick) -> usize {
        let farthest = SLOTS as u64 - 1;
        let mut turn = 0;
        for level in 0..LEVELS {
            let shift = BITS * level as u32;
            let now = self.tick >> shift;
            turn = (tick >> shift).min(now + farthest);
            if turn == tick >> shift {
                return level * SLOTS + turn as usize % SLOTS;
            }
        }
        (LEVELS - 1) * SLOTS + turn as usize % SLOTS
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Push(Tick),
        Remove(usize),
        Pass(Tick),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let ticks = || prop_oneof![0..3_u64, 0..200_u64, 0..10_000_u64, 0..1_000_000_u64];
        let step = prop_oneof![
            5 => ticks().prop_map(Step::Push),
            1 => (0..50_usize).prop_map(Step::Remove),
            2 => ticks().prop_map(Step::Pass),
        ];
        proptest::collection::vec(step, 0..100)
    }

    proptest! {
        /// A model with a plain list: what is due comes, once and in its tick, and nothing else.
        #[test]
        fn each_entry_comes_when_it_is_due(steps in steps()) {
            let (mut wheel, mut entries) = (Wheel::new(), Slab::new());
            let mut waiting: Vec<(Place, Tick)> = Vec::new();
            let mut now = 0;
            for step in steps {
                match step {
                    Step::Push(after) => {
                        let place = entries.insert(Entry::sample());
                        wheel.push(&mut entries, place, now + after);
                        waiting.push((place, now + after));
                    }
                    Step::Remove(index) if index < waiting.len() => {
                        let (place, _) = waiting.swap_remove(index);
                        wheel.remove(&mut entries, place);
                        entries.remove(place);
                    }
                    Step::Remove(_) => {}
                    Step::Pass(ticks) => {
                        now += ticks;
                        while let Some(place) = wheel.pop_due(&mut entries, now) {
                            let index = waiting.iter().position(|(waiter, _)| *waiter == place);
                            let index = index.expect("it waits");
                            if waiting[index].1 > now {
                                wheel.push(&mut entries, place, waiting[index].1);
                            } else {
                                waiting.swap_remove(index);
                                entries.remove(place);
                            }
                        }
                        prop_assert!(waiting.iter().all(|(_, tick)| *tick > now), "something is late");
                    }
                }
                prop_assert_eq!(wheel.is_empty(), waiting.is_empty());
            }
        }
    }
}
