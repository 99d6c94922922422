//! A store whose calls take a while, fail or panic.

use std::{
    collections::{HashMap, VecDeque},
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use idem_core::{
    Idempotency, Policy,
    store::{Capacity, Operation, StoreError, StoreErrorKind, StoreIdentity, WriteEffect},
};
use tokio::time::sleep;

use crate::{
    support::{LEASE, Log},
    wrapped::{Around, Wrapped},
};

/// What a call does besides what it is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Plant {
    Takes(Duration),
    /// Its answer takes a while.
    Answers(Duration),
    /// It takes a while, and nothing is written.
    Fails(Duration),
    /// Its answer takes a while, and is lost.
    LosesItsAnswer(Duration),
    NeverAnswers,
    PanicsBefore,
    PanicsAfter,
}

pub(crate) type PlantedStore = Wrapped<Plants>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Plants {
    /// Whether it panics when it is asked for its capacity.
    pub(crate) has_no_capacity: bool,
    /// Its own identity, as if nobody in this process had the same store.
    identity: Option<StoreIdentity>,
    planted: Arc<Mutex<HashMap<Operation, Planted>>>,
}

#[derive(Debug, Default)]
struct Planted {
    next: VecDeque<Plant>,
    otherwise: Option<Plant>,
}

impl PlantedStore {
    /// What all calls do from now on.
    pub(crate) fn plant(&self, operation: Operation, plant: Plant) {
        self.planted(operation, |planted| planted.otherwise = Some(plant));
    }

    /// What one call does instead, in its turn.
    pub(crate) fn plant_once(&self, operation: Operation, plant: Plant) {
        self.planted(operation, |planted| planted.next.push_back(plant));
    }

    fn planted(&self, operation: Operation, change: impl FnOnce(&mut Planted)) {
        let mut planted = self.around.planted.lock().unwrap();
        change(planted.entry(operation).or_default());
    }

    pub(crate) fn clear(&self) {
        self.around.planted.lock().unwrap().clear();
    }

    /// The same records, as another process has them.
    pub(crate) fn elsewhere(&self) -> Self {
        let around = Plants {
            identity: Some(StoreIdentity::unique()),
            ..Plants::default()
        };
        let inner = self.inner.clone();
        Self { inner, around }
    }

    /// A server process on this store.
    pub(crate) fn engine(&self, policy: Policy) -> (Idempotency, Log) {
        let log = Log::default();
        let policy = policy.lease(LEASE).observer(log.clone());
        (Idempotency::new(self.clone(), policy), log)
    }
}

impl Plants {
    fn next(&self, operation: Operation) -> Option<Plant> {
        let mut planted = self.planted.lock().unwrap();
        let planted = planted.get_mut(&operation)?;
        planted.next.pop_front().or(planted.otherwise)
    }
}

impl Around for Plants {
    async fn around<T: Send>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let failed = |effect| StoreError::new(operation, StoreErrorKind::Unavailable, effect);
        let plant = self.next(operation);
        match plant {
            Some(Plant::Takes(time)) => sleep(time).await,
            Some(Plant::Fails(time)) => {
                sleep(time).await;
                return Err(failed(WriteEffect::None));
            }
            Some(Plant::PanicsBefore) => panic!("a planted panic before {operation:?}"),
            _ => {}
        }
        let answer = call.await;
        match plant {
            Some(Plant::Answers(time)) => sleep(time).await,
            Some(Plant::LosesItsAnswer(time)) => {
                sleep(time).await;
                return Err(failed(WriteEffect::Unknown));
            }
            Some(Plant::NeverAnswers) => pending().await,
            Some(Plant::PanicsAfter) => panic!("a planted panic after {operation:?}"),
            _ => {}
        }
        answer
    }

    fn capacity(&self, inner: Capacity) -> Capacity {
        assert!(!self.has_no_capacity, "a planted panic");
        inner
    }

    fn identity(&self, inner: StoreIdentity) -> StoreIdentity {
        self.identity.unwrap_or(inner)
    }
}
