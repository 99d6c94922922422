//! The plan of what goes wrong.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::sync::watch;

use crate::{fault::Fault, method::Method};

/// Makes calls and connections go wrong.
///
/// A call meets at most one fault: of the plans for its method, the one that was made first and
/// strikes. Calls with a wrong API key meet none. Plans outlive a restart.
#[derive(Clone, Debug)]
pub struct Faults {
    plans: Arc<Mutex<Plans>>,
    muted: watch::Sender<bool>,
}

#[derive(Debug)]
struct Plans {
    plans: Vec<Plan>,
    dice: StdRng,
    struck: u64,
}

#[derive(Debug)]
struct Plan {
    method: Method,
    often: Often,
    fault: Fault,
}

#[derive(Debug, PartialEq)]
enum Often {
    Next,
    Every,
    Sometimes(f64),
}

impl Faults {
    pub(crate) fn new() -> Self {
        let plans = Plans {
            plans: Vec::new(),
            dice: StdRng::seed_from_u64(0),
            struck: 0,
        };
        Self {
            plans: Arc::new(Mutex::new(plans)),
            muted: watch::Sender::new(false),
        }
    }

    /// The next call of this method; twice for the next two.
    pub fn next(&self, method: Method, fault: Fault) {
        self.plan(method, Often::Next, fault);
    }

    /// Every call of this method from now on.
    pub fn every(&self, method: Method, fault: Fault) {
        self.plan(method, Often::Every, fault);
    }

    /// Each call of this method with this probability (0 to 1), by the [`seed`](Self::seed).
    pub fn sometimes(&self, probability: f64, method: Method, fault: Fault) {
        let often = Often::Sometimes(probability.clamp(0.0, 1.0));
        self.plan(method, often, fault);
    }

    /// Seeds the dice of [`sometimes`](Self::sometimes), which start from 0: calls that arrive in
    /// the same order meet the same faults.
    pub fn seed(&self, seed: u64) {
        self.plans().dice = StdRng::seed_from_u64(seed);
    }

    /// How many calls have met a fault.
    #[must_use]
    pub fn struck(&self) -> u64 {
        self.plans().struck
    }

    /// Forgets all plans, and lets mute connections speak. Late writes stay under way.
    pub fn clear(&self) {
        self.plans().plans.clear();
        self.unmute_connections();
    }

    /// All connections, old and new, are held open and fall silent: nothing is read from them and
    /// nothing answered, not even a keep-alive.
    pub fn mute_connections(&self) {
        self.muted.send_replace(true);
    }

    /// Goes on with what mute connections had to say.
    pub fn unmute_connections(&self) {
        self.muted.send_replace(false);
    }

    pub(crate) fn muted(&self) -> watch::Receiver<bool> {
        self.muted.subscribe()
    }

    pub(crate) fn strike(&self, method: Method) -> Option<Fault> {
        self.plans().strike(method)
    }

    fn plan(&self, method: Method, often: Often, fault: Fault) {
        self.plans().plans.push(Plan {
            method,
            often,
            fault,
        });
    }

    fn plans(&self) -> MutexGuard<'_, Plans> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Plans {
    fn strike(&mut self, method: Method) -> Option<Fault> {
        let dice = &mut self.dice;
        let strikes = |plan: &Plan| plan.method == method && plan.often.strikes(dice);
        let at = self.plans.iter().position(strikes)?;
        let fault = self.plans[at].fault;
        if self.plans[at].often == Often::Next {
            self.plans.remove(at);
        }
        self.struck += 1;
        Some(fault)
    }
}

impl Often {
    fn strikes(&self, dice: &mut StdRng) -> bool {
        match self {
            Self::Next | Self::Every => true,
            Self::Sometimes(probability) => dice.random_bool(*probability),
        }
    }
}
