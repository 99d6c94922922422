//! Random walks of the model, taken by a real [`MemoryStore`]: each answer is the model's.
//!
//! The clock is tokio's and stands still; where the model lets a lease or a retention run out, it
//! is moved to just before that instant and then to it.

use std::{cell::RefCell, collections::BTreeSet, time::Duration};

use idem_core::{
    IdempotencyStore, MemoryStore, RecordKey,
    store::{Claim, Fenced, Lease, Pending, Record},
};
use proptest::{
    collection,
    prelude::any,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};
use tokio::time::{Instant, advance};

use crate::{
    model::{Action, Bounds, Effects, Message, Model},
    properties::Goal,
    state::State,
    store::{Flaw, Slot, Token, identity, outcome},
};

const LEASE: Duration = Duration::from_secs(30);
const RETENTION: Duration = Duration::from_secs(3600);
const KEY: RecordKey = RecordKey::from_bytes([7; 32]);

/// How long each step takes, so that a renewal has something to renew.
const STEP: Duration = Duration::from_millis(10);

const WALKS: u32 = 4000;

/// More than can be explored; a walk of 100 steps ends where it ends.
const MODEL: Model = Model {
    bounds: Bounds {
        asks: 2,
        tries: 3,
        renewals: 3,
        crashes: 1,
        retentions: 3,
        disconnects: 0,
    },
    asked: [1, 1, 2],
    effects: Effects::Apart,
    flaw: None,
};

/// A store and what should be in it.
struct Walk<'a> {
    model: &'a Model,
    store: MemoryStore,
    /// When the record that is there runs out.
    deadline: Instant,
}

impl Walk<'_> {
    fn lease(&self, number: usize, token: Token) -> Lease {
        Lease::of_owner(token.owner(), identity(self.model.asked[number]), LEASE)
    }

    async fn take(&mut self, before: &State, action: Action) -> Result<(), TestCaseError> {
        match action {
            Action::Land(number, message) => self.land(before.slot, number, message).await,
            Action::LeaseRunsOut | Action::RetentionEnds => self.run_out(before.slot).await,
            _ => Ok(()),
        }
    }

    async fn land(
        &mut self,
        mut slot: Slot,
        number: usize,
        message: Message,
    ) -> Result<(), TestCaseError> {
        advance(STEP).await;
        let (asked, flaw) = (self.model.asked[number], self.model.flaw);
        let token = self.model.token(number, 0);
        let lease = self.lease(number, token);
        let found = slot;
        match message {
            Message::Claim { .. } => {
                let expected = slot.claim(token, asked, flaw);
                let answer = self.store.claim(&KEY, &lease).await;
                agree(&self.without_time(answer.unwrap())?, &expected)?;
            }
            Message::Renewal => {
                let expected = slot.renew(token, asked, flaw);
                let answer = self.store.renew(&KEY, &lease).await;
                agree(&answer.unwrap(), &expected)?;
                if expected == Fenced::Held {
                    self.deadline = Instant::now() + LEASE;
                }
            }
            Message::Complete { .. } => {
                let expected = slot.complete(token, asked, flaw);
                let outcome = outcome(token);
                let answer = self.store.complete(&KEY, &lease, &outcome, RETENTION);
                agree(&answer.await.unwrap(), &expected)?;
            }
            Message::Release => {
                let expected = slot.release(token, flaw);
                let answer = self.store.release(&KEY, &lease).await;
                agree(&answer.unwrap(), &expected)?;
            }
            Message::Write { .. } => unreachable!("a real claim takes one step"),
            Message::Ending(_) => unreachable!("no effect is enlisted"),
        }
        match (found, slot) {
            (Slot::Absent, Slot::Pending(..)) => self.deadline = Instant::now() + LEASE,
            (Slot::Absent | Slot::Pending(..), Slot::Completed(..)) => {
                self.deadline = Instant::now() + RETENTION;
            }
            _ => {}
        }
        Ok(())
    }

    /// Checks what remains of a lease, which the model does not know, and takes it away.
    fn without_time(&self, claim: Claim) -> Result<Claim, TestCaseError> {
        let Claim::Taken(Record::Pending(pending)) = claim else {
            return Ok(claim);
        };
        agree(&pending.remaining(), &Some(self.deadline - Instant::now()))?;
        let timeless = Pending::new(*pending.owner(), *pending.identity(), None);
        Ok(Claim::Taken(Record::Pending(timeless)))
    }

    async fn run_out(&self, slot: Slot) -> Result<(), TestCaseError> {
        const INSTANT: Duration = Duration::from_millis(1);
        advance(self.deadline - Instant::now() - INSTANT).await;
        let stranger = Token { request: 7, ask: 0 };
        let mut probed = slot;
        let expected = probed.claim(stranger, self.model.asked[0], self.model.flaw);
        let answer = self.store.claim(&KEY, &self.lease(0, stranger)).await;
        agree(&self.without_time(answer.unwrap())?, &expected)?;
        advance(INSTANT).await;
        Ok(())
    }
}

fn agree<T: PartialEq + std::fmt::Debug>(store: &T, model: &T) -> Result<(), TestCaseError> {
    if store == model {
        return Ok(());
    }
    let reason = format!("the store answers {store:?}, the model {model:?}");
    Err(TestCaseError::fail(reason))
}

/// Takes one walk, on which each number chooses among the steps that can be taken.
async fn walk(model: &Model, choices: &[u8]) -> Result<BTreeSet<Goal>, TestCaseError> {
    let mut walk = Walk {
        model,
        store: MemoryStore::new(),
        deadline: Instant::now(),
    };
    let mut state = model.start();
    let mut reached = BTreeSet::new();
    let mut actions = Vec::new();
    for &choice in choices {
        actions.clear();
        model.actions(&state, &mut actions);
        let Some(&action) = actions.get(usize::from(choice) % actions.len().max(1)) else {
            break;
        };
        walk.take(&state, action).await?;
        let (next, seen) = model.step(&state, action);
        reached.extend(seen.reached);
        state = next;
    }
    // Whatever is left goes by itself.
    tokio::time::sleep(2 * RETENTION).await;
    agree(&(walk.store.records(), walk.store.bytes()), &(0, 0))?;
    Ok(reached)
}

/// Takes many walks, the same each time; answers what happened on them.
fn walks(model: &Model) -> Result<BTreeSet<Goal>, TestError<Vec<u8>>> {
    let config = Config {
        cases: WALKS,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let reached = RefCell::new(BTreeSet::new());
    let choices = collection::vec(any::<u8>(), 0..100);
    TestRunner::new_with_rng(config, rng).run(&choices, |choices| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let goals = runtime.block_on(walk(model, &choices))?;
        reached.borrow_mut().extend(goals);
        Ok(())
    })?;
    Ok(reached.into_inner())
}

// S62
#[test]
fn the_memory_store_answers_like_the_model() {
    let reached = walks(&MODEL).unwrap();
    for goal in Goal::ALL {
        // A duplicate is nothing that the store sees.
        let needed = !matches!(
            goal,
            Goal::DuplicateAfterCrash | Goal::DuplicateAfterOverrun
        );
        assert!(
            !needed || reached.contains(&goal),
            "{goal:?} happens on no walk"
        );
    }
}

#[test]
fn a_model_of_another_store_is_noticed() {
    for flaw in [
        Flaw::CompleteUnfenced,
        Flaw::CompleteNeedsLease,
        Flaw::ReleaseUnfenced,
        Flaw::RenewUnfenced,
        Flaw::RenewResurrects,
        Flaw::FingerprintLost,
    ] {
        let model = Model {
            flaw: Some(flaw),
            ..MODEL
        };
        let error = walks(&model).unwrap_err();
        let told = error.to_string();
        assert!(told.contains("the store answers"), "{flaw:?}: {told}");
    }
}
