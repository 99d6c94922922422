//! What is sent to PostgreSQL to commit a handler's transaction together with its record, for any driver.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use idem_core::{
    RecordKey,
    store::{
        Completion, Fenced, InDoubt, Lease, Operation, RolledBack, StoreError, StoreIdentity,
        encode_completed,
    },
};

use super::{
    error::may_pass,
    store::{Inner, PostgresStore, fenced, told},
};
use crate::{duration::microseconds, record::fitting};

/// The statements and the question of one transaction on another driver's connection, from which an
/// [`Ending`](idem_core::store::Ending) can be made. With sqlx, [`PostgresStore::begin`] is all that is needed.
///
/// 1. [Reserve](idem_core::CurrentExecution::reserve) the end of the execution by this
///    [identity](Self::identity), with [`Renewals::GoOn`](idem_core::store::Renewals::GoOn).
/// 2. Send BEGIN and then the [mark](Self::mark), in one message if the driver can.
/// 3. To end it send [`completion`](Self::completion) with its [parameters](Self::parameters), and
///    [read](PostgresWritten::read) its one row.
/// 4. Send COMMIT only once that row says [`InTransaction`](PostgresWritten::InTransaction), never in one
///    message with the completion. In every other case see [`PostgresWritten`]. After an error roll back,
///    and answer [`rolled_back`](Self::rolled_back).
/// 5. An answer of the severity ERROR to COMMIT says that the transaction was rolled back. If any other
///    error comes, or none in time, the outcome is
///    [`Commit::Unknown`](idem_core::store::Commit::Unknown) with the [question](Self::question).
///
/// `examples/any-driver` in the repository does this with tokio-postgres and with sea-orm.
pub struct PostgresEnlistment {
    mark: String,
    store: Arc<Inner>,
}

/// The parameters of the completing statement, in its order.
#[derive(Clone)]
pub struct PostgresParameters {
    key: RecordKey,
    lease: Lease,
    record: Vec<u8>,
    retention_us: i64,
    patience_ms: String,
    mark: String,
}

/// What the completing statement has done.
///
/// The enum is complete: these are all of its answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum PostgresWritten {
    /// The record is written: COMMIT is next.
    InTransaction {
        /// A savepoint is open, so a driver that counts them must be told to commit, not to release it.
        nested: bool,
    },
    /// The handler had committed by SQL of its own, and the record is there by itself: send COMMIT
    /// where the driver thinks that a transaction is open, and report the handler.
    AfterCommit,
    /// The handler had rolled back by SQL of its own: nothing is written, and its effect is undone for good.
    AfterRollback,
    /// The fence did not let the record through: roll back at once, for the row is locked until then. It was lost.
    Lost,
}

impl PostgresStore {
    /// What another driver than sqlx needs for one transaction. No round trip.
    #[must_use]
    pub fn enlistment(&self) -> PostgresEnlistment {
        PostgresEnlistment {
            mark: format!("{:032x}", rand::random::<u128>()),
            store: Arc::clone(self.inner()),
        }
    }
}

impl PostgresEnlistment {
    /// The identity of the store, to reserve the execution's end by.
    #[must_use]
    pub fn identity(&self) -> StoreIdentity {
        self.store.identity()
    }

    /// Marks the transaction that was just begun: text of two statements without parameters.
    ///
    /// The setting is back at its last value after a rollback, at `over` after a commit, and at `open`
    /// between. So the completion can tell what a handler's own SQL has made of the transaction.
    #[must_use]
    pub fn mark(&self) -> String {
        let mark = &self.mark;
        format!("SET idem.transaction = 'over {mark}'; SET LOCAL idem.transaction = 'open {mark}'")
    }

    /// The completing statement. It writes the record behind the owner's fence, bounds the time for which
    /// the transaction may stand idle from now on, and makes its commit wait for the disk.
    #[must_use]
    pub fn completion(&self) -> &str {
        self.store.statements().complete_enlisted_text()
    }

    /// The parameters of the completing statement.
    #[must_use]
    pub fn parameters(&self, completion: &Completion<'_>) -> PostgresParameters {
        let outcome = fitting(completion.outcome(), self.store.max_record_bytes());
        // PostgreSQL counts milliseconds in 31 bits. Half of the patience is for COMMIT or the rollback.
        let patience = completion.patience().as_millis() / 2;
        PostgresParameters {
            key: *completion.key(),
            lease: *completion.lease(),
            record: encode_completed(completion.lease(), outcome),
            retention_us: microseconds(completion.retention()),
            patience_ms: patience
                .clamp(1, i32::MAX.unsigned_abs().into())
                .to_string(),
            mark: self.mark.clone(),
        }
    }

    /// The question after a COMMIT in doubt, on a connection of the store's own.
    #[must_use]
    pub fn question(&self) -> Box<dyn InDoubt> {
        Box::new(Question(Arc::clone(&self.store)))
    }

    /// Why a transaction certainly did not commit, by the SQLSTATE of the error: after a conflict, or when the
    /// server was in trouble, trying again can help, and after a broken constraint it cannot. `None` stands for
    /// an error of the connection. Keep the error for the log by [`with_source`](RolledBack::with_source).
    ///
    /// ```
    /// use idem_sqlx::PostgresEnlistment;
    ///
    /// let serialization_failure = PostgresEnlistment::rolled_back(Some("40001"));
    /// assert!(serialization_failure.can_retry());
    /// assert!(!PostgresEnlistment::rolled_back(Some("23505")).can_retry());
    /// assert!(PostgresEnlistment::rolled_back(None).can_retry());
    /// ```
    #[must_use]
    pub fn rolled_back(sqlstate: Option<&str>) -> RolledBack {
        match sqlstate.is_none_or(may_pass) {
            true => RolledBack::for_now(),
            false => RolledBack::for_good(),
        }
    }

    pub(super) const fn store(&self) -> &Arc<Inner> {
        &self.store
    }

    pub(super) fn plain_mark(&self) -> &str {
        &self.mark
    }
}

impl PostgresParameters {
    /// `$1`, `bytea`: the record's name.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.key.as_bytes()
    }

    /// `$2`, `bytea`: the lease's owner, **a secret**.
    #[must_use]
    pub fn owner(&self) -> &[u8] {
        self.lease.owner().as_bytes()
    }

    /// `$3`, `bytea`: the record.
    #[must_use]
    pub fn record(&self) -> &[u8] {
        &self.record
    }

    /// `$4`, `bigint`: how long it is kept, in microseconds.
    #[must_use]
    pub const fn retention_us(&self) -> i64 {
        self.retention_us
    }

    /// `$5`, `text`: how long the statement may wait for a row, in milliseconds.
    #[must_use]
    pub fn patience_ms(&self) -> &str {
        &self.patience_ms
    }

    /// `$6`, `text`: what the transaction was marked with.
    #[must_use]
    pub fn mark(&self) -> &str {
        &self.mark
    }
}

impl PostgresWritten {
    /// Reads the one row of the completing statement: its columns `open`, `over` and `outermost`.
    pub const fn read(open: bool, over: bool, outermost: Option<bool>) -> Self {
        match (open, over, outermost) {
            (true, _, Some(outermost)) => Self::InTransaction { nested: !outermost },
            (_, true, Some(_)) => Self::AfterCommit,
            (false, false, _) => Self::AfterRollback,
            (_, _, None) => Self::Lost,
        }
    }
}

/// The fenced release, which waits for the row that a COMMIT on its way has locked.
#[derive(Debug)]
struct Question(Arc<Inner>);

#[async_trait]
impl InDoubt for Question {
    async fn ask(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        // Whether or not the lease still ran: a row that was still pending says that nothing landed, and
        // without it nothing can.
        let freed = self.0.free(key, lease).await;
        told(Operation::Release, freed).map(|freed| fenced(freed.is_some()))
    }
}

impl fmt::Debug for PostgresEnlistment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresEnlistment").finish_non_exhaustive()
    }
}

impl fmt::Debug for PostgresParameters {
    /// Without what belongs to the owner.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresParameters")
            .field("retention_us", &self.retention_us)
            .finish_non_exhaustive()
    }
}
