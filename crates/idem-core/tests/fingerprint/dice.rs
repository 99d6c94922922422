//! Random choices, drawn from the generator of the proptest case so that a failure repeats.

use proptest::{prelude::RngCore, test_runner::TestRng};

pub(crate) struct Dice(TestRng);

impl Dice {
    pub(crate) fn new(rng: TestRng) -> Self {
        Self(rng)
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0.next_u32() as usize % bound
    }

    pub(crate) fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
