//! The reference store's records: the contract's transitions, each with the defects that it can have.

use std::{collections::HashMap, time::Duration};

use idem_core::{
    RecordKey,
    store::{
        Claim, Completed, Fenced, Fingerprint, Identity, Lease, Outcome, OwnerToken, Pending,
        Record, Stored,
    },
};
use tokio::time::Instant;

use crate::{alteration, defect::Defect};

/// How often a store sweeps that shows what it has not swept.
const SWEEP: Duration = Duration::from_secs(5);

/// How many records fit into a store that evicts.
const ROOM: usize = 1_000;

#[derive(Debug)]
pub(crate) struct Table {
    records: HashMap<RecordKey, Entry>,
    /// What a replica still shows that does not hear of deletions.
    released: HashMap<RecordKey, Entry>,
    defect: Option<Defect>,
    epoch: Instant,
    claims: usize,
}

#[derive(Clone, Debug)]
struct Entry {
    owner: OwnerToken,
    identity: Identity,
    outcome: Option<Outcome>,
    claimed: Instant,
    /// Which of all claims it was.
    number: usize,
    ends: Instant,
    lasts: Duration,
}

impl Table {
    pub(crate) fn new(defect: Option<Defect>) -> Self {
        Self {
            records: HashMap::new(),
            released: HashMap::new(),
            defect,
            epoch: Instant::now(),
            claims: 0,
        }
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// Answers a claim unless the key is absent.
    pub(crate) fn find(&mut self, key: &RecordKey, lease: &Lease) -> Option<Claim> {
        let entry = self.live(key)?.clone();
        if self.is_owned(&entry, lease) {
            if self.has(Defect::ClaimAgainExtends) {
                self.set_end(key, lease.duration());
            }
            return Some(Claim::Owned);
        }
        if self.has(Defect::RefusedClaimSetsTheEnd) {
            self.set_end(key, lease.duration());
        }
        Some(Claim::Taken(self.record(entry)))
    }

    fn is_of(&self, entry: &Entry, lease: &Lease) -> bool {
        let (found, asked) = (entry.owner.as_bytes(), lease.owner().as_bytes());
        if self.has(Defect::OwnersAreCutShort) {
            return found[..8] == asked[..8];
        }
        found == asked
    }

    fn is_owned(&self, entry: &Entry, lease: &Lease) -> bool {
        let same_owner = self.is_of(entry, lease);
        match self.defect {
            Some(Defect::ClaimRefusesItsOwner) => false,
            Some(Defect::ClaimComparesTheRequestAlone) => {
                entry.outcome.is_none() && entry.identity == *lease.identity()
            }
            Some(Defect::ClaimReopensAResult) => same_owner,
            _ => same_owner && entry.outcome.is_none(),
        }
    }

    fn record(&self, entry: Entry) -> Record {
        let remaining = self.remaining(&entry);
        let Entry {
            owner, identity, ..
        } = entry;
        match entry.outcome {
            None => Record::Pending(Pending::new(owner, identity, Some(remaining))),
            Some(outcome) => Record::Completed(Completed::new(owner, identity, outcome)),
        }
    }

    fn remaining(&self, entry: &Entry) -> Duration {
        if self.has(Defect::RemainingIsNeverLess) {
            entry.lasts
        } else {
            entry.ends.saturating_duration_since(Instant::now())
        }
    }

    /// Takes the lease of an absent key.
    pub(crate) fn insert(&mut self, key: &RecordKey, lease: &Lease) -> Claim {
        if self.has(Defect::EvictsTheOldest) && self.records.len() >= ROOM {
            self.evict();
        }
        let now = Instant::now();
        let ends = match self.records.get(key) {
            Some(before) if self.has(Defect::TakeoverEndsAtOnce) => before.ends,
            _ => now + lease.duration(),
        };
        self.claims += 1;
        let entry = Entry {
            owner: *lease.owner(),
            identity: alteration::claimed(lease.identity(), self.defect),
            outcome: None,
            claimed: now,
            number: self.claims,
            ends,
            lasts: lease.duration(),
        };
        self.records.insert(*key, entry.clone());
        if self.has(Defect::ClaimFindsItself) {
            return Claim::Taken(self.record(entry));
        }
        Claim::Owned
    }

    fn evict(&mut self) {
        let oldest = self.records.iter().min_by_key(|(_, entry)| entry.number);
        if let Some(oldest) = oldest.map(|(key, _)| *key) {
            self.records.remove(&oldest);
        }
    }

    pub(crate) fn renew(&mut self, key: &RecordKey, lease: &Lease) -> Fenced {
        if self.has(Defect::RenewDoesNothing) {
            return self.fence(key, lease, Defect::RenewIsNotFenced);
        }
        let fenced = self.fence_of_renewal(key, lease);
        if fenced == Fenced::Held {
            let lasts = self.records.get(key).map(|entry| entry.lasts);
            match lasts {
                Some(lasts) if self.has(Defect::RenewKeepsTheFirstDuration) => {
                    self.set_end(key, lasts);
                }
                Some(lasts)
                    if self.has(Defect::RenewComparesTheDuration) && lasts != lease.duration() =>
                {
                    return Fenced::Lost;
                }
                _ => self.set_end(key, lease.duration()),
            }
        }
        fenced
    }

    fn fence_of_renewal(&mut self, key: &RecordKey, lease: &Lease) -> Fenced {
        let unswept = self.records.get(key).cloned();
        let mine = unswept.is_some_and(|entry| entry.owner == *lease.owner());
        match self.defect {
            Some(Defect::RenewResurrects) if mine && self.fenced_outcome(key).is_none() => {
                Fenced::Held
            }
            Some(Defect::RenewProlongsAResult) if mine && self.live(key).is_some() => Fenced::Held,
            Some(Defect::RenewTakesWhatIsAbsent) if self.live(key).is_none() => {
                let _ = self.insert(key, lease);
                Fenced::Held
            }
            _ => self.fence(key, lease, Defect::RenewIsNotFenced),
        }
    }

    fn fenced_outcome(&self, key: &RecordKey) -> Option<&Outcome> {
        self.records.get(key)?.outcome.as_ref()
    }

    /// Whether the key is pending and the lease's own, or whether nobody asks.
    fn fence(&self, key: &RecordKey, lease: &Lease, open: Defect) -> Fenced {
        match self.live(key) {
            Some(entry)
                if entry.outcome.is_none() && (self.is_of(entry, lease) || self.has(open)) =>
            {
                Fenced::Held
            }
            _ => Fenced::Lost,
        }
    }

    /// Answers a completion unless it is to be written.
    pub(crate) fn refuse_completion(
        &mut self,
        key: &RecordKey,
        lease: &Lease,
        retention: Duration,
    ) -> Option<Fenced> {
        let Some(entry) = self.live(key).cloned() else {
            return self
                .has(Defect::CompleteNeedsALease)
                .then_some(Fenced::Lost);
        };
        let mine = self.is_of(&entry, lease);
        match entry.outcome {
            None if self.has(Defect::CompleteComparesTheDuration)
                && entry.lasts != lease.duration() =>
            {
                Some(Fenced::Lost)
            }
            _ if self.has(Defect::CompletionLosesTheOwner) && entry.outcome.is_some() => {
                Some(Fenced::Held)
            }
            None => (!mine && !self.has(Defect::CompleteIsNotFenced)).then_some(Fenced::Lost),
            Some(_) if self.has(Defect::CompleteOverwrites) => None,
            Some(_) if !mine => Some(Fenced::Lost),
            Some(_) => Some(self.complete_again(key, retention)),
        }
    }

    fn complete_again(&mut self, key: &RecordKey, retention: Duration) -> Fenced {
        if self.has(Defect::CompleteAgainRestartsRetention) {
            self.set_end(key, retention);
        }
        if self.has(Defect::CompleteAgainIsLost) {
            Fenced::Lost
        } else {
            Fenced::Held
        }
    }

    pub(crate) fn put(
        &mut self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) {
        let now = Instant::now();
        let before = self.records.get(key).cloned();
        let ends = match (self.defect, &before) {
            (Some(Defect::RetentionCountsFromTheClaim), Some(before)) => before.claimed + retention,
            (Some(Defect::ResultsEndWithTheirLease), Some(before)) => before.ends,
            _ => now + retention,
        };
        let entry = Entry {
            owner: alteration::finisher(lease.owner(), self.defect),
            identity: alteration::finished(lease.identity(), self.defect),
            outcome: Some(alteration::outcome(outcome, self.defect)),
            claimed: before.as_ref().map_or(now, |before| before.claimed),
            number: before.map_or(self.claims, |before| before.number),
            ends,
            lasts: retention,
        };
        self.records.insert(*key, entry);
    }

    /// Whether a release is to be done.
    pub(crate) fn fence_of_release(&self, key: &RecordKey, lease: &Lease) -> Fenced {
        match self.live(key) {
            None if self.has(Defect::ReleaseOfNothingIsHeld) => Fenced::Held,
            Some(entry)
                if entry.lasts != lease.duration()
                    && self.has(Defect::ReleaseComparesTheDuration) =>
            {
                Fenced::Lost
            }
            Some(entry) if entry.outcome.is_some() && self.has(Defect::ReleaseUndoesCompletion) => {
                Fenced::Held
            }
            _ => self.fence(key, lease, Defect::ReleaseIsNotFenced),
        }
    }

    pub(crate) fn remove(&mut self, key: &RecordKey) {
        if !self.has(Defect::ReleaseDoesNothing) {
            let removed = self.records.remove(key);
            self.released.extend(removed.map(|entry| (*key, entry)));
        }
    }

    pub(crate) fn look_up(&mut self, key: &RecordKey) -> Option<Stored> {
        let seen = match self.defect {
            Some(Defect::LookUpShowsWhatRanOut) => self.records.get(key).cloned(),
            _ => self.live(key).cloned(),
        };
        let seen = match self.defect {
            Some(Defect::LookUpShowsWhatWasReleased) => {
                seen.or_else(|| self.released.get(key).cloned())
            }
            Some(Defect::LookUpShowsResultsAlone) => seen.filter(|it| it.outcome.is_some()),
            Some(Defect::LookUpShowsLeasesAlone) => seen.filter(|it| it.outcome.is_none()),
            _ => seen,
        };
        match seen {
            Some(entry) => {
                if self.has(Defect::LookUpSetsTheEnd) {
                    self.set_end(key, entry.lasts);
                }
                let remaining = self.remaining(&entry);
                Some(Stored::new(self.record(entry), Some(remaining)))
            }
            None => {
                if self.has(Defect::LookUpTakesTheKey) {
                    let nobody = Identity::new(Fingerprint::from_bytes([0; 32]));
                    let _ = self.insert(key, &Lease::new(nobody, SWEEP));
                }
                None
            }
        }
    }

    fn set_end(&mut self, key: &RecordKey, duration: Duration) {
        if let Some(entry) = self.records.get_mut(key) {
            entry.ends = Instant::now() + duration;
            entry.lasts = duration;
        }
    }

    fn live(&self, key: &RecordKey) -> Option<&Entry> {
        self.records.get(key).filter(|entry| self.is_live(entry))
    }

    fn is_live(&self, entry: &Entry) -> bool {
        let now = Instant::now();
        match self.defect {
            Some(Defect::LeasesNeverEnd) if entry.outcome.is_none() => true,
            Some(Defect::ResultsNeverEnd) if entry.outcome.is_some() => true,
            Some(Defect::UnsweptIsSeen) => self.last_sweep(now) < entry.ends,
            Some(Defect::EndsAnInstantLate) => now <= entry.ends,
            Some(Defect::EndsLate) => now < entry.ends + Duration::from_millis(150),
            Some(Defect::EndsEarly) => now + entry.lasts / 8 < entry.ends,
            _ => now < entry.ends,
        }
    }

    fn last_sweep(&self, now: Instant) -> Instant {
        let sweeps = (now - self.epoch).as_secs() / SWEEP.as_secs();
        self.epoch + Duration::from_secs(sweeps * SWEEP.as_secs())
    }
}
