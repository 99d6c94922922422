//! The store: each operation as one conditional request.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_sdk_dynamodb::{Client, types::ReturnValuesOnConditionCheckFailure::AllOld};
use idem_core::{
    IdempotencyStore, RecordKey,
    store::{
        Capacity, Claim, Fenced, Lease, NotKept, Operation, Outcome, Pending, Record, StoreError,
        StoreErrorKind, StoreIdentity, Stored, WriteEffect, decode, encode_completed,
        encode_pending,
    },
};
use tokio::time::Instant;

use crate::{
    Table,
    call::Written,
    clock::{Clock, Heard, Moment},
    failure::Failure,
    item::{
        CAN_BE_CLAIMED, CAN_BE_COMPLETED, COMPLETED, Found, IS_HELD, IS_OURS, IS_RENEWABLE, Item,
        OWNER, PENDING, RECORD, STATE, TRANSACTION, UNTIL, bytes, number, owner, string,
    },
    parts::Placed,
};

/// How often a claim or a completion is sent: once for an absent key, again for a record that ran out, and some
/// more for what others do meanwhile.
const ATTEMPTS: usize = 4;

/// Keeps records in a table of DynamoDB, one item each. Clones share the client.
#[derive(Clone, Debug)]
pub struct DynamoDbStore {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) client: Client,
    pub(crate) table: Table,
    pub(crate) clock: Arc<Clock>,
    pub(crate) call_timeout: Duration,
    pub(crate) max_record_bytes: usize,
    pub(crate) identity: StoreIdentity,
}

impl DynamoDbStore {
    pub(crate) fn new(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
        }
    }

    pub(crate) const fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }
}

impl Inner {
    async fn claim(&self, key: &RecordKey, lease: &Lease) -> Result<Claim, Failure> {
        let until = self.deadline();
        let mut heard = None;
        for _ in 0..ATTEMPTS {
            let (written, moment) = self.put(key, lease, Put::Lease, heard, until).await?;
            heard = moment.heard();
            let found = match written {
                Written::Done => None,
                Written::Refused(None) => continue,
                Written::Refused(Some(item)) => Some(Found::read(item)?),
            };
            // What ran out did so by a clock that has just been heard.
            let now = self.clock.now_heard(heard);
            match found {
                None => {}
                Some(found) if found.is_held(lease.owner(), now) => {}
                Some(found) if found.stands(now) && !found.is_lease_of(lease.owner()) => {
                    return Ok(Claim::Taken(self.record(key, found, until).await?));
                }
                Some(_) => continue,
            }
            if !moment.was_off() {
                return Ok(Claim::Owned);
            }
            let duration = lease.duration();
            let put_right = self.put_right(key, lease, PENDING, duration, until).await;
            if put_right.map_err(Failure::after_a_write)? == Fenced::Held {
                return Ok(Claim::Owned);
            }
        }
        Err(Failure::contended())
    }

    async fn put(
        &self,
        key: &RecordKey,
        lease: &Lease,
        what: Put<'_>,
        heard: Option<Heard>,
        until: Instant,
    ) -> Result<(Written, Moment), Failure> {
        self.write(until, |moment| {
            let put = self.client.put_item().table_name(&self.table.name);
            let put = match what {
                Put::Lease => {
                    let mut item = self.item(key, lease, PENDING, moment.after(lease.duration()));
                    item.insert(RECORD.to_owned(), bytes(encode_pending(lease)));
                    put.set_item(Some(item))
                        .condition_expression(CAN_BE_CLAIMED)
                        .expression_attribute_values(":now", number(moment.now_if(heard)))
                }
                Put::Result(placed, retention) => {
                    let mut item = self.item(key, lease, COMPLETED, moment.after(retention));
                    item.extend(placed.attributes());
                    put.set_item(Some(item))
                        .condition_expression(CAN_BE_COMPLETED)
                }
            };
            put.expression_attribute_names("#pk", &self.table.partition_key)
                .expression_attribute_values(":over", number(moment.over_if(heard)))
                .expression_attribute_values(":owner", owner(lease.owner()))
                .expression_attribute_values(":pending", string(PENDING))
                .return_values_on_condition_check_failure(AllOld)
                .customize()
                .interceptor(moment.watch())
                .send()
        })
        .await
    }

    /// A record's item, without what was recorded.
    pub(crate) fn item(&self, key: &RecordKey, lease: &Lease, state: &str, until: i64) -> Item {
        let mut item = self.table.key(key);
        item.extend([
            (STATE.to_owned(), string(state)),
            (OWNER.to_owned(), owner(lease.owner())),
            (UNTIL.to_owned(), number(until)),
            self.table.swept(until),
        ]);
        item
    }

    async fn renew(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, Failure> {
        let until = self.deadline();
        let duration = lease.duration();
        let mut heard = None;
        for _ in 0..ATTEMPTS {
            let renewable = Prolonged::Renewable { heard };
            let prolonged = self.prolong(key, lease, renewable, duration, until).await?;
            let (written, moment) = prolonged;
            heard = moment.heard();
            match written {
                Written::Done if moment.was_off() => {
                    let put_right = self.put_right(key, lease, PENDING, duration, until).await;
                    return put_right.map_err(Failure::after_a_write);
                }
                Written::Done => return Ok(Fenced::Held),
                Written::Refused(found) => {
                    if !self.runs(found, lease, heard) {
                        return Ok(Fenced::Lost);
                    }
                }
            }
        }
        Err(Failure::contended())
    }

    /// Whether a lease runs although a condition on the time failed: the time was wrong.
    fn runs(&self, found: Option<Item>, lease: &Lease, heard: Option<Heard>) -> bool {
        let found = found.and_then(|item| Found::read(item).ok());
        let now = self.clock.now_heard(heard);
        found.is_some_and(|found| found.is_held(lease.owner(), now))
    }

    /// Writes the end again if it was written with a time that was not the service's.
    pub(crate) async fn put_right(
        &self,
        key: &RecordKey,
        lease: &Lease,
        state: &str,
        duration: Duration,
        until: Instant,
    ) -> Result<Fenced, Failure> {
        tracing::debug!("this host's clock was not that of DynamoDB, so an end was written again");
        let ours = Prolonged::Ours { state };
        let (written, _) = self.prolong(key, lease, ours, duration, until).await?;
        Ok(fenced(&written))
    }

    async fn prolong(
        &self,
        key: &RecordKey,
        lease: &Lease,
        prolonged: Prolonged<'_>,
        duration: Duration,
        until: Instant,
    ) -> Result<(Written, Moment), Failure> {
        self.write(until, |moment| {
            let end = moment.after(duration);
            let (ttl, swept) = self.table.swept(end);
            let update = self.client.update_item().table_name(&self.table.name);
            let update = update
                .set_key(Some(self.table.key(key)))
                .update_expression("SET idem_until = :until, #ttl = :swept")
                .expression_attribute_names("#ttl", ttl)
                .expression_attribute_values(":until", number(end))
                .expression_attribute_values(":swept", swept)
                .expression_attribute_values(":owner", owner(lease.owner()))
                .return_values_on_condition_check_failure(AllOld);
            let update = match prolonged {
                Prolonged::Renewable { heard } => update
                    .condition_expression(IS_RENEWABLE)
                    .expression_attribute_values(":state", string(PENDING))
                    .expression_attribute_values(":now", number(moment.now()))
                    .expression_attribute_values(":latest", number(moment.latest(duration, heard))),
                Prolonged::Ours { state } => update
                    .condition_expression(IS_OURS)
                    .expression_attribute_values(":state", string(state)),
            };
            update.customize().interceptor(moment.watch()).send()
        })
        .await
    }

    async fn complete(
        &self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) -> Result<Fenced, Failure> {
        let until = self.deadline();
        let placed = Placed::new(encode_completed(lease, outcome), outcome);
        let parts = self.write_parts(key, &placed, retention, until).await;
        parts.map_err(Failure::before_the_write)?;
        let result = Put::Result(&placed, retention);
        let mut heard = None;
        for _ in 0..ATTEMPTS {
            let (written, moment) = self.put(key, lease, result, heard, until).await?;
            heard = moment.heard();
            if let Written::Refused(found) = written {
                // It was there, and went meanwhile.
                let Some(found) = found.map(Found::read).transpose()? else {
                    continue;
                };
                // It ran out, by a clock that has just been heard; or its end was written with a wrong time.
                if !found.stands(self.clock.now_heard(heard)) {
                    continue;
                }
                if !found.is_of(lease.owner()) {
                    return Ok(Fenced::Lost);
                }
            }
            // Also if it was there already: the attempt whose answer was lost had the same idea of time.
            if moment.was_off() {
                let put_right = self.put_right(key, lease, COMPLETED, retention, until);
                return put_right.await.map_err(Failure::after_a_write);
            }
            return Ok(Fenced::Held);
        }
        Err(Failure::contended())
    }

    async fn release(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, Failure> {
        self.delete(key, lease, IS_HELD).await
    }

    /// Frees a key whose lease is this owner's, over or not.
    pub(crate) async fn free(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, Failure> {
        self.delete(key, lease, IS_OURS).await
    }

    async fn delete(
        &self,
        key: &RecordKey,
        lease: &Lease,
        condition: &str,
    ) -> Result<Fenced, Failure> {
        let until = self.deadline();
        for _ in 0..ATTEMPTS {
            let (written, moment) = self.send_delete(key, lease, condition, until).await?;
            match written {
                Written::Done => return Ok(Fenced::Held),
                Written::Refused(found) => {
                    if !self.runs(found, lease, moment.heard()) {
                        return Ok(Fenced::Lost);
                    }
                }
            }
        }
        Err(Failure::contended())
    }

    async fn send_delete(
        &self,
        key: &RecordKey,
        lease: &Lease,
        condition: &str,
        until: Instant,
    ) -> Result<(Written, Moment), Failure> {
        self.write(until, |moment| {
            let delete = self.client.delete_item().table_name(&self.table.name);
            let delete = delete
                .set_key(Some(self.table.key(key)))
                .condition_expression(condition)
                .expression_attribute_values(":owner", owner(lease.owner()))
                .expression_attribute_values(":state", string(PENDING))
                .return_values_on_condition_check_failure(AllOld);
            let delete = match condition {
                IS_HELD => delete.expression_attribute_values(":now", number(moment.now())),
                _ => delete,
            };
            delete.customize().interceptor(moment.watch()).send()
        })
        .await
    }

    async fn look_up(&self, key: &RecordKey) -> Result<Option<Stored>, Failure> {
        let until = self.deadline();
        let Some(item) = self.read(self.table.key(key), until).await? else {
            return Ok(None);
        };
        let found = Found::read(item)?;
        if !found.stands(self.clock.now()) {
            return Ok(None);
        }
        let remaining = Some(self.left(&found));
        let record = self.record(key, found, until).await?;
        Ok(Some(Stored::new(record, remaining)))
    }

    /// What is left of a lease or a retention; nothing while only the margin is.
    fn left(&self, found: &Found) -> Duration {
        let left = found.until.saturating_sub(self.clock.now());
        Duration::from_millis(u64::try_from(left).unwrap_or_default())
    }

    async fn record(
        &self,
        key: &RecordKey,
        found: Found,
        until: Instant,
    ) -> Result<Record, Failure> {
        let left = self.left(&found);
        let record = self.read_record(key, found.record, until).await?;
        Ok(match decode(&record).map_err(Failure::corrupt)? {
            Record::Pending(found) => {
                Record::Pending(Pending::new(*found.owner(), *found.identity(), Some(left)))
            }
            other => other,
        })
    }

    /// What is recorded of an outcome: the response, unless it is larger than the store takes.
    pub(crate) fn fitting<'a>(&self, outcome: &'a Outcome) -> &'a Outcome {
        const TOO_LARGE: &Outcome = &Outcome::NotKept(NotKept::TooLarge);
        if self.fits(outcome) {
            outcome
        } else {
            TOO_LARGE
        }
    }

    fn fits(&self, outcome: &Outcome) -> bool {
        match outcome {
            Outcome::Response(response) => response.size() <= self.max_record_bytes,
            Outcome::NotKept(_) => true,
        }
    }

    /// A completed record as a transaction writes it.
    pub(crate) fn enlisted(
        &self,
        key: &RecordKey,
        lease: &Lease,
        placed: &Placed,
        until: i64,
        transaction: &str,
    ) -> Item {
        let mut item = self.item(key, lease, COMPLETED, until);
        item.extend(placed.attributes());
        item.insert(TRANSACTION.to_owned(), bytes(transaction.as_bytes()));
        item
    }
}

/// What is put where nothing stands in its way.
#[derive(Clone, Copy)]
enum Put<'a> {
    Lease,
    /// The result, which is kept for this long.
    Result(&'a Placed, Duration),
}

/// Which end is written again.
#[derive(Clone, Copy)]
enum Prolonged<'a> {
    /// That of a lease that runs, by a time that was heard just now or not.
    Renewable { heard: Option<Heard> },
    /// That of what this owner has in this state, over or not.
    Ours { state: &'a str },
}

const fn fenced(written: &Written) -> Fenced {
    match written {
        Written::Done => Fenced::Held,
        Written::Refused(_) => Fenced::Lost,
    }
}

fn told<T>(operation: Operation, answer: Result<T, Failure>) -> Result<T, StoreError> {
    answer.map_err(|failure| failure.told(operation))
}

impl fmt::Debug for Inner {
    /// Without the client, whose settings hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner")
            .field("table", &self.table)
            .field("clock", &self.clock)
            .field("call_timeout", &self.call_timeout)
            .field("max_record_bytes", &self.max_record_bytes)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl IdempotencyStore for DynamoDbStore {
    /// 1 round trip, fresh or not; 2 if it finds a response of more than 1 KB.
    async fn claim(&self, key: &RecordKey, lease: &Lease) -> Result<Claim, StoreError> {
        told(Operation::Claim, self.inner.claim(key, lease).await)
    }

    async fn renew(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        told(Operation::Renew, self.inner.renew(key, lease).await)
    }

    /// 1 round trip; 2 for a response of more than 1 KB.
    async fn complete(
        &self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) -> Result<Fenced, StoreError> {
        let operation = Operation::Complete;
        if !self.inner.fits(outcome) {
            let kind = StoreErrorKind::TooLarge;
            return Err(StoreError::new(operation, kind, WriteEffect::None));
        }
        let answer = self.inner.complete(key, lease, outcome, retention).await;
        told(operation, answer)
    }

    async fn release(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        told(Operation::Release, self.inner.release(key, lease).await)
    }

    /// 1 round trip; 2 if it finds a response of more than 1 KB.
    async fn look_up(&self, key: &RecordKey) -> Result<Option<Stored>, StoreError> {
        told(Operation::LookUp, self.inner.look_up(key).await)
    }

    fn capacity(&self) -> Capacity {
        Capacity::unlimited().with_max_record_bytes(self.inner.max_record_bytes)
    }

    fn identity(&self) -> StoreIdentity {
        self.inner.identity
    }
}
