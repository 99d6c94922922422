//! One rule of the contract, and how it is put to a store.

use std::{fmt, pin::Pin};

use crate::{
    clock::{Clock, TooSlow},
    fixture::Fixture,
    trial::Trial,
};

/// How often a case is run again, each time with twice the unit, before the machine is given up.
const ATTEMPTS: usize = 5;

/// What a case comes to when the store keeps the rule. When it does not, the case panics.
pub type Verdict = Result<(), TooSlow>;

/// A rule of the contract as a test.
#[derive(Clone, Copy)]
pub struct Case {
    name: &'static str,
    needs_threads: bool,
    check: Check,
}

type Check = for<'a> fn(&'a Trial) -> Pin<Box<dyn Future<Output = Verdict> + 'a>>;

impl Case {
    /// A case that either clock suits.
    #[doc(hidden)]
    #[must_use]
    pub const fn tasks(name: &'static str, check: Check) -> Self {
        Self {
            name,
            needs_threads: false,
            check,
        }
    }

    /// A case that wants real threads; the paused clock has one alone.
    #[doc(hidden)]
    #[must_use]
    pub const fn threads(name: &'static str, check: Check) -> Self {
        Self {
            name,
            needs_threads: true,
            check,
        }
    }

    /// Its name with its group, such as `claim::a_fresh_claim_is_owned`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Puts the case to a store, on a runtime of its own.
    ///
    /// # Panics
    /// If the store breaks the rule, or if the machine is too slow for every unit tried.
    pub fn run(&self, clock: Clock, fixture: impl AsyncFn() -> Fixture) {
        let clock = if self.needs_threads && clock.is_paused() {
            Clock::real()
        } else {
            clock
        };
        attempts(clock, |clock| self.attempt(clock, &fixture));
    }

    fn attempt(&self, clock: Clock, fixture: &impl AsyncFn() -> Fixture) -> Verdict {
        clock.runtime().block_on(async {
            let trial = Trial::new(clock, fixture().await);
            (self.check)(&trial).await
        })
    }
}

/// Tries until the machine is fast enough to say.
pub(crate) fn attempts(mut clock: Clock, attempt: impl Fn(Clock) -> Verdict) {
    for _ in 0..ATTEMPTS {
        if attempt(clock).is_ok() {
            return;
        }
        clock = clock.slower();
    }
    panic!("the machine is too slow for leases of {:?}", clock.unit());
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.name).finish()
    }
}
