//! Watches the store from outside, and says what must not be.
//!
//! It keeps its own book of leases, by its own clock, and trusts neither the store nor the servers.
//! A lease is known from before and from after the call that took it, so that it judges only what is
//! certain, however slow the machine is.

use std::collections::HashMap;

use idem_core::{
    RecordKey,
    store::{Claim, Fenced, Lease, Outcome, OwnerToken, Record},
};
use tokio::time::Instant;

use super::LEASE;

/// When a call was made, as far as an observer can know.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) before: Instant,
    pub(super) after: Instant,
}

/// What became of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Running,
    Recorded,
    Released,
    /// Its process was killed.
    Crashed,
    /// It ran out while its process lived: the machine was too slow to renew it.
    Overdue,
}

/// A claim that was granted.
#[derive(Debug)]
struct Grant {
    owner: OwnerToken,
    process: usize,
    /// Since when it runs, at the earliest.
    earliest: Instant,
    /// And at the latest.
    latest: Instant,
    effect: Option<u64>,
    end: End,
}

/// All that happened to one key.
#[derive(Debug, Default)]
struct History {
    grants: Vec<Grant>,
    recorded: Option<Outcome>,
}

#[derive(Debug, Default)]
pub(super) struct Judge {
    histories: HashMap<RecordKey, History>,
    violations: Vec<String>,
    /// Claims that found the lease of a process that is dead.
    blocked_claims: u64,
}

/// What the judge saw of one key.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) recorded: Option<Outcome>,
    pub(super) grants: usize,
    pub(super) effects: Vec<u64>,
    pub(super) crashed: usize,
    pub(super) overdue: usize,
}

impl Judge {
    pub(super) fn claimed(
        &mut self,
        process: usize,
        key: RecordKey,
        lease: &Lease,
        answer: &Claim,
        span: Span,
    ) {
        let history = self.histories.entry(key).or_default();
        let judged = match answer {
            Claim::Owned => history.grant(process, *lease.owner(), span),
            Claim::Taken(Record::Pending(pending)) => {
                let found = history.blocked(*pending.owner(), span);
                self.blocked_claims += u64::from(found == Ok(End::Crashed));
                found.map(|_| ())
            }
            Claim::Taken(Record::Completed(completed)) => history.replayed(completed.outcome()),
            Claim::Taken(Record::Unreadable) => Err("a record is unreadable"),
        };
        self.note(key, judged);
    }

    pub(super) fn renewed(&mut self, key: RecordKey, lease: &Lease, answer: Fenced, span: Span) {
        if answer == Fenced::Held {
            let history = self.histories.entry(key).or_default();
            let judged = history.renew(*lease.owner(), span);
            self.note(key, judged);
        }
    }

    pub(super) fn completed(
        &mut self,
        key: RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        answer: Fenced,
    ) {
        if answer == Fenced::Held {
            let history = self.histories.entry(key).or_default();
            let judged = history.record(*lease.owner(), outcome);
            self.note(key, judged);
        }
    }

    pub(super) fn released(&mut self, key: RecordKey, lease: &Lease, answer: Fenced) {
        if answer == Fenced::Held {
            let history = self.histories.entry(key).or_default();
            let judged = history.end(*lease.owner(), End::Released);
            self.note(key, judged);
        }
    }

    pub(super) fn took_effect(&mut self, process: usize, key: RecordKey, run: u64) {
        let history = self.histories.entry(key).or_default();
        let judged = history.take_effect(process, run);
        self.note(key, judged);
    }

    /// The process is dead, and all that it had sent is done.
    pub(super) fn crashed(&mut self, process: usize) {
        let histories = self.histories.values_mut();
        let grants = histories.flat_map(|history| &mut history.grants);
        for grant in grants.filter(|grant| grant.process == process) {
            if grant.end == End::Running {
                grant.end = End::Crashed;
            }
        }
    }

    pub(super) fn violations(&self) -> &[String] {
        &self.violations
    }

    pub(super) fn blocked_claims(&self) -> u64 {
        self.blocked_claims
    }

    pub(super) fn seen(&self, key: &RecordKey) -> Option<Seen> {
        self.histories.get(key).map(History::seen)
    }

    fn note(&mut self, key: RecordKey, judged: Result<(), &str>) {
        if let Err(violation) = judged {
            let history = &self.histories[&key];
            self.violations
                .push(format!("{violation}: {key:?} {history:?}"));
        }
    }
}

type Judged<T = ()> = Result<T, &'static str>;

impl History {
    /// A claim was granted: nobody else may hold a lease, and nothing may be recorded.
    fn grant(&mut self, process: usize, owner: OwnerToken, span: Span) -> Judged {
        if self.recorded.is_some() {
            return Err("a claim was granted on a recorded key");
        }
        match self.grants.last_mut() {
            Some(last) if last.owner == owner => {
                last.granted_again(span);
                return Ok(());
            }
            Some(last) => last.taken_over(span)?,
            None => {}
        }
        self.grants.push(Grant {
            owner,
            process,
            earliest: span.before,
            latest: span.after,
            effect: None,
            end: End::Running,
        });
        Ok(())
    }

    /// A claim was refused: somebody holds a lease that may still run.
    fn blocked(&self, owner: OwnerToken, span: Span) -> Judged<End> {
        let last = self
            .grants
            .last()
            .ok_or("a lease that nobody was granted")?;
        if last.owner != owner || !matches!(last.end, End::Running | End::Crashed) {
            return Err("a claim found a lease that is not the last");
        }
        if span.before > last.latest + LEASE {
            return Err("a key was blocked for longer than its lease");
        }
        Ok(last.end)
    }

    fn replayed(&self, outcome: &Outcome) -> Judged {
        if self.recorded.as_ref() != Some(outcome) {
            return Err("a claim found what was not recorded");
        }
        Ok(())
    }

    fn renew(&mut self, owner: OwnerToken, span: Span) -> Judged {
        let last = self.grants.last_mut();
        let last = last.filter(|last| last.owner == owner && last.end == End::Running);
        let last = last.ok_or("a lease was renewed that is not the last")?;
        last.earliest = span.before;
        last.latest = span.after;
        Ok(())
    }

    fn record(&mut self, owner: OwnerToken, outcome: &Outcome) -> Judged {
        if self.recorded.is_some() {
            return self.replayed(outcome);
        }
        self.recorded = Some(outcome.clone());
        self.end(owner, End::Recorded)
    }

    fn end(&mut self, owner: OwnerToken, end: End) -> Judged {
        let last = self.grants.last_mut();
        let last = last.filter(|last| last.owner == owner && last.end == End::Running);
        last.ok_or("a lease was ended by another than its holder")?
            .end = end;
        Ok(())
    }

    /// Each effect needs a grant of its own process, and each grant is for one effect.
    fn take_effect(&mut self, process: usize, run: u64) -> Judged {
        let mut grants = self.grants.iter_mut();
        let grant = grants.find(|grant| grant.process == process && grant.effect.is_none());
        grant.ok_or("a handler ran without a claim")?.effect = Some(run);
        Ok(())
    }

    fn seen(&self) -> Seen {
        let ended = |end| {
            let grants = self.grants.iter();
            grants.filter(|grant| grant.end == end).count()
        };
        Seen {
            recorded: self.recorded.clone(),
            grants: self.grants.len(),
            effects: self
                .grants
                .iter()
                .filter_map(|grant| grant.effect)
                .collect(),
            crashed: ended(End::Crashed),
            overdue: ended(End::Overdue),
        }
    }
}

impl Grant {
    /// Its holder asked once more: nothing changes, unless the lease had run out meanwhile.
    fn granted_again(&mut self, span: Span) {
        if span.after >= self.earliest + LEASE {
            self.latest = span.after;
        }
    }

    fn taken_over(&mut self, span: Span) -> Judged {
        let may_run = matches!(self.end, End::Running | End::Crashed);
        if may_run && span.after < self.earliest + LEASE {
            return Err("a claim was granted while another's lease ran");
        }
        if self.end == End::Running {
            self.end = End::Overdue;
        }
        Ok(())
    }
}
