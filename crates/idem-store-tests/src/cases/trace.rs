//! Traces: the same calls give the same answers on every store, which are those of a small model.

use std::time::Duration;

use idem_core::store::{Claim, Fenced, Lease, Outcome};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::time::Instant;

use crate::{
    TooSlow, Trial, Verdict,
    model::Model,
    sample::{self, LONG},
    trial::{Key, untimed},
};

const KEYS: usize = 2;
const OWNERS: usize = 3;

/// How many steps there are on a real clock from one step of time to the next.
const BURST: usize = 9;

/// Three owners call at random under two keys while time goes by, and are answered as the model
/// answers; each trace has a seed, which a failure tells with the calls so far.
///
/// On the paused clock there are hundreds of traces, with steps that end where leases do. On a
/// real one there are two, and between bursts of calls all that is to run out does.
// S62
pub async fn random_calls_are_answered_as_by_the_model(trial: &Trial) -> Verdict {
    let (traces, steps) = if trial.clock().is_paused() {
        (400, 40)
    } else {
        (2, 4 * BURST)
    };
    for seed in 0..traces {
        Trace::new(trial, seed).run(steps).await?;
    }
    Ok(())
}

/// One of the calls under a key by the holder of a lease.
#[derive(Debug)]
enum Call {
    Claim,
    Renew,
    Complete(Outcome, Duration),
    Release,
    LookUp,
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Claim(Claim),
    Seen(Option<Claim>),
    Fenced(Fenced),
}

struct Trace<'a> {
    trial: &'a Trial,
    keys: [Key<'a>; KEYS],
    leases: [[Lease; OWNERS]; KEYS],
    model: Model,
    dice: StdRng,
    /// When the calls began between which no time is to pass.
    burst: Instant,
    told: Vec<String>,
}

impl<'a> Trace<'a> {
    fn new(trial: &'a Trial, seed: u64) -> Self {
        let mut dice = StdRng::seed_from_u64(seed);
        Self {
            trial,
            keys: [(); KEYS].map(|()| trial.key()),
            leases: [[(); OWNERS]; KEYS]
                .map(|owners| owners.map(|()| sample::lease_for(length(trial, &mut dice)))),
            model: Model::default(),
            dice,
            burst: Instant::now(),
            told: vec![format!("trace {seed}")],
        }
    }

    async fn run(mut self, steps: usize) -> Verdict {
        for step in 0..steps {
            if self.time_passes(step) {
                self.pass().await;
            } else {
                self.call().await?;
            }
        }
        Ok(())
    }

    fn time_passes(&mut self, step: usize) -> bool {
        if self.trial.clock().is_paused() {
            self.dice.random_ratio(1, 4)
        } else {
            step % BURST == BURST - 1
        }
    }

    async fn pass(&mut self) {
        let duration = self.step_of_time();
        self.told.push(format!("{duration:?} pass"));
        self.model.pass(duration);
        self.trial.clock().wait(duration).await;
        self.burst = Instant::now();
    }

    fn step_of_time(&mut self) -> Duration {
        let unit = self.trial.short();
        if !self.trial.clock().is_paused() {
            // What began in this burst ends within a unit of its end, and a unit is to spare.
            return unit * 2 + self.trial.clock().tolerance();
        }
        let instant = Duration::from_millis(1);
        let steps = [instant, unit / 2, unit - instant, unit, unit * 2];
        steps[self.dice.random_range(0..steps.len())]
    }

    async fn call(&mut self) -> Verdict {
        let key = self.dice.random_range(0..KEYS);
        let owner = self.dice.random_range(0..OWNERS);
        let lease = self.leases[key][owner];
        let call = self.any_call();
        let answer = answer(&self.keys[key], &lease, &call).await;
        self.in_time()?;

        let expected = self.expected(key, &lease, &call);
        self.told
            .push(format!("owner {owner}, key {key}: {call:?} is {answer:?}"));
        assert_eq!(answer, expected, "{}", self.told.join("\n"));
        if answer == Answer::Fenced(Fenced::Held) && matches!(call, Call::Release) {
            // What a completion does after a release by the same owner, the contract leaves open.
            self.leases[key][owner] = sample::lease_for(lease.duration());
        }
        Ok(())
    }

    fn any_call(&mut self) -> Call {
        match self.dice.random_range(0..9) {
            0..3 => Call::Claim,
            3 | 4 => Call::Renew,
            5 | 6 => Call::Complete(sample::outcome(), length(self.trial, &mut self.dice)),
            7 => Call::LookUp,
            _ => Call::Release,
        }
    }

    fn in_time(&self) -> Verdict {
        let in_time = self.trial.clock().is_paused() || self.burst.elapsed() < self.trial.short();
        in_time.then_some(()).ok_or(TooSlow)
    }

    fn expected(&mut self, key: usize, lease: &Lease, call: &Call) -> Answer {
        let model = &mut self.model;
        match call {
            Call::Claim => Answer::Claim(model.claim(key, lease)),
            Call::Renew => Answer::Fenced(model.renew(key, lease)),
            Call::Release => Answer::Fenced(model.release(key, lease)),
            Call::LookUp => Answer::Seen(model.seen(key)),
            Call::Complete(outcome, retention) => {
                Answer::Fenced(model.complete(key, lease, outcome, *retention))
            }
        }
    }
}

async fn answer(key: &Key<'_>, lease: &Lease, call: &Call) -> Answer {
    match call {
        Call::Claim => Answer::Claim(untimed(key.claim(lease).await)),
        Call::Renew => Answer::Fenced(key.renew(lease).await),
        Call::Release => Answer::Fenced(key.release(lease).await),
        Call::LookUp => Answer::Seen(key.seen().await),
        Call::Complete(outcome, retention) => {
            Answer::Fenced(key.complete_for(lease, outcome, *retention).await)
        }
    }
}

/// How long a lease or a retention is to last.
fn length(trial: &Trial, dice: &mut StdRng) -> Duration {
    let unit = trial.short();
    let lengths = if trial.clock().is_paused() {
        [unit / 2, unit, unit, unit * 2]
    } else {
        [unit, unit, unit, LONG]
    };
    lengths[dice.random_range(0..lengths.len())]
}
