//! A handler's transaction as the end of its execution, and the question after a COMMIT in doubt.

use std::sync::Arc;

use async_trait::async_trait;
use idem_core::{
    RecordKey,
    store::{
        Commit, Completion, Ending, Fenced, InDoubt, Lease, Operation, RolledBack, StoreError,
        WriteEffect, encode_completed,
    },
};
use sqlx::SqliteConnection;
use tokio::time::Instant;

use super::{
    error::{helps_to_retry, is_an_answer, is_no_transaction, meaning},
    statements::Entry,
    store::{Inner, fenced, told},
    transaction::Open,
};
use crate::{duration::milliseconds, record::fitting, transaction::in_time};

/// A handler's transaction that was handed over.
#[derive(Debug)]
pub(super) struct SqliteEnding {
    open: Open,
    store: Arc<Inner>,
}

/// What became of a completion.
#[derive(Debug)]
enum Written {
    Yes,
    /// The fence did not let it through.
    No,
    /// The transaction was rolled back before, by SQL of the handler's own or by SQLite after an error.
    AfterRollback,
}

impl SqliteEnding {
    pub(super) const fn new(open: Open, store: Arc<Inner>) -> Self {
        Self { open, store }
    }

    async fn write(&mut self, completion: &Completion<'_>) -> Result<Written, sqlx::Error> {
        if self.reopen().await? {
            tracing::error!(
                record_key = %completion.key(),
                "a handler ended its transaction by SQL of its own, or SQLite did after an error that was \
                 dropped; leave the end to `commit_with_response`"
            );
        }
        let outcome = fitting(completion.outcome(), self.store.max_record_bytes());
        let lease = completion.lease();
        let record = encode_completed(lease, outcome);
        let entry = Entry {
            key: completion.key().as_bytes(),
            owner: lease.owner().as_bytes(),
            record: &record,
            milliseconds: milliseconds(completion.retention()),
        };
        let statements = self.store.statements();
        let mark = &self.open.mark;
        // The table of the mark is gone with the transaction that made it.
        match statements
            .is_marked(&mut *self.open.transaction, mark)
            .await
        {
            Ok(true) => {}
            Ok(false) => return Ok(Written::AfterRollback),
            Err(error) if is_no_transaction(&error) => return Ok(Written::AfterRollback),
            Err(error) => return Err(error),
        }
        let completed = statements.complete_enlisted(&mut *self.open.transaction, entry, mark);
        Ok(match completed.await? {
            true => Written::Yes,
            false => Written::No,
        })
    }

    /// Begins a transaction where the handler's is over, and tells whether it was: sqlx thinks that there is
    /// one, and could not end it.
    async fn reopen(&mut self) -> Result<bool, sqlx::Error> {
        let begin = sqlx::raw_sql("BEGIN").execute(&mut *self.open.transaction);
        match begin.await {
            Ok(_) => Ok(true),
            Err(error) if is_no_transaction(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn end_by_rollback(mut self, until: Instant) -> Result<(), sqlx::Error> {
        in_time(until, self.reopen()).await?;
        let Open {
            transaction, _turn, ..
        } = self.open;
        in_time(until, transaction.roll_back()).await
    }

    async fn undo(self, why: RolledBack, until: Instant) -> Commit {
        Commit::RolledBack(match self.end_by_rollback(until).await {
            Ok(()) => why,
            Err(_) => why.unheard(),
        })
    }

    async fn commit_now(self, until: Instant) -> Commit {
        let Self { open, store } = self;
        let Open {
            mut transaction,
            _turn,
            ..
        } = open;
        let commit = async {
            if is_nested(&mut transaction).await {
                let commit = sqlx::raw_sql("COMMIT").execute(&mut *transaction);
                commit.await.map(drop)
            } else {
                transaction.commit().await
            }
        };
        match in_time(until, commit).await {
            Ok(()) => Commit::Committed,
            // Its rollback is with the connection's thread, before anything else.
            Err(error) if is_an_answer(&error) => Commit::RolledBack(why(error)),
            Err(error) => Commit::Unknown(in_doubt(error), Box::new(Question(store))),
        }
    }
}

#[async_trait]
impl Ending for SqliteEnding {
    async fn commit(mut self: Box<Self>, completion: Completion<'_>) -> Commit {
        let now = Instant::now();
        let until = now + completion.patience();
        let writing = self.write(&completion);
        match in_time(now + completion.patience() / 2, writing).await {
            Ok(Written::Yes) => self.commit_now(until).await,
            Ok(Written::No) => match self.end_by_rollback(until).await {
                Ok(()) => Commit::Lost,
                Err(error) => Commit::RolledBack(why(error).unheard()),
            },
            Ok(Written::AfterRollback) => {
                let over = RolledBack::for_good()
                    .with_source("the transaction had been rolled back when it was handed over");
                self.undo(over, until).await
            }
            Err(error) => self.undo(why(error), until).await,
        }
    }

    async fn roll_back(self: Box<Self>) -> Result<(), StoreError> {
        let until = Instant::now() + self.store.call_timeout();
        let rolled_back = self.end_by_rollback(until).await;
        rolled_back.map_err(|error| {
            let (kind, _) = meaning(&error);
            StoreError::new(Operation::Release, kind, WriteEffect::None).with_source(error)
        })
    }
}

/// The question on a connection of the store's own, which waits for the lock as every write does.
#[derive(Debug)]
struct Question(Arc<Inner>);

#[async_trait]
impl InDoubt for Question {
    async fn ask(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        // Whether or not the lease still ran: a row that was still pending says that nothing landed.
        let freed = self.0.free(key, lease).await;
        told(Operation::Release, freed).map(|freed| fenced(freed.is_some()))
    }
}

/// Whether a transaction was begun within this one and never ended: sqlx would release its savepoint, and call
/// that a commit.
async fn is_nested(connection: &mut SqliteConnection) -> bool {
    let releasing = sqlx::raw_sql("RELEASE _sqlx_savepoint_1");
    releasing.execute(connection).await.is_ok()
}

/// Says why a transaction did not commit, and whether trying again can help.
fn why(error: sqlx::Error) -> RolledBack {
    let why = match helps_to_retry(&error) {
        true => RolledBack::for_now(),
        false => RolledBack::for_good(),
    };
    why.with_source(error)
}

fn in_doubt(error: sqlx::Error) -> StoreError {
    let (kind, _) = meaning(&error);
    StoreError::new(Operation::Complete, kind, WriteEffect::Unknown).with_source(error)
}
