//! A handler's transaction, begun on the application's pool behind the gate.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

use idem_core::{
    CurrentExecution,
    store::{Renewals, Reservation},
};
use sqlx::{Connection, Sqlite, SqliteConnection, SqlitePool, Transaction};
use tokio::time::{Instant, timeout};

use super::{
    ending::SqliteEnding,
    gate::Turn,
    store::{Inner, SqliteStore},
};
use crate::transaction::{Rooted, cannot_end};

/// How long a connection is waited for that may be one to close.
const LOOKING: Duration = Duration::from_millis(50);

/// The longest wait for a connection; a pool may be told to wait for ever.
const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A transaction on a connection of the application's pool, whose effect and the record of the response
/// are one commit. No other writer of this process begins until it is over.
///
/// It dereferences to sqlx's connection: give `&mut *transaction` to a query. Dropped before
/// [`commit_with_response`](Self::commit_with_response) it rolls back, as sqlx's does.
#[must_use = "it rolls back when it is dropped"]
pub struct SqliteTransaction {
    open: Open,
    /// Under a key, the place of the execution's end.
    place: Option<Reservation>,
    store: Arc<Inner>,
}

/// A transaction and its turn, which is given back after it.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) transaction: Rooted<Sqlite>,
    pub(super) mark: String,
    pub(super) _turn: Turn,
}

impl SqliteStore {
    /// Waits for its turn to write, for as long as the pool lets one wait for a connection, and begins a
    /// transaction on a connection of the application's pool by `BEGIN IMMEDIATE`.
    ///
    /// Under a key, `current` is the execution that the transaction is to end: take it from the
    /// request's extensions. Its lease is not renewed while the transaction is open, for nobody else
    /// can write then. Without a key it is `None`.
    ///
    /// The connection's `synchronous` is FULL afterwards, so that a commit is on the disk.
    ///
    /// # Errors
    /// The pool's and the database's. [`sqlx::Error::Configuration`] with an
    /// [`EnlistError`](idem_core::store::EnlistError) as its source if the transaction cannot end
    /// the execution: nothing was begun then.
    ///
    /// # Cancel safety
    /// Safe: what was begun is rolled back.
    pub async fn begin(
        &self,
        current: Option<&CurrentExecution>,
    ) -> Result<SqliteTransaction, sqlx::Error> {
        let store = Arc::clone(self.inner());
        let reserve = |renewals| {
            current
                .map(|current| current.reserve(store.identity(), renewals))
                .transpose()
                .map_err(cannot_end)
        };
        let waiting = reserve(Renewals::GoOn)?;
        let pool = store.pool();
        let patience = pool.options().get_acquire_timeout().min(A_DAY);
        let until = Instant::now() + patience;
        let turn = store.turn(until).await?;
        // The lease was renewed while this waited; from here on nobody can renew it, or take it over.
        drop(waiting);
        let place = reserve(Renewals::Pause)?;
        let mark = format!("{:032x}", rand::random::<u128>());
        let transaction = begin(pool, &store, &mark, until).await?;
        let open = Open {
            transaction: Rooted::new(transaction),
            mark,
            _turn: turn,
        };
        Ok(SqliteTransaction { open, place, store })
    }
}

/// Begins on a connection that can. One whose transaction SQLite has ended by itself, as on a full disk, stays
/// in it as far as sqlx knows, and begins no other.
async fn begin(
    pool: &SqlitePool,
    store: &Inner,
    mark: &str,
    until: Instant,
) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
    loop {
        match pool.begin_with(store.statements().begin(mark)).await {
            Err(sqlx::Error::InvalidSavePointStatement) if Instant::now() < until => {
                close_a_stale_one(pool).await;
            }
            begun => return begun,
        }
    }
}

/// Looks through the pool for a connection that cannot begin, and closes it.
async fn close_a_stale_one(pool: &SqlitePool) {
    // Sound ones are kept aside, or the pool would give the same one again.
    let mut sound = Vec::new();
    for _ in 0..pool.size() {
        let Ok(Ok(connection)) = timeout(LOOKING, pool.acquire()).await else {
            return;
        };
        if connection.is_in_transaction() {
            // Nothing depends on how it ends.
            drop(connection.close().await);
            return;
        }
        sound.push(connection);
    }
}

impl SqliteTransaction {
    /// Hands the transaction over, to be committed together with the record of the response. It is the
    /// handler's last line for the database: read back before it, and do nothing slow after it, since all
    /// other writers wait.
    ///
    /// Under a key nothing is written now. Once the response is known, and before its first byte leaves,
    /// the record is written and the transaction committed; if the handler fails, or its response is not
    /// kept, the transaction is rolled back. Without a key it is committed now.
    ///
    /// # Errors
    /// The database's, without a key. Under a key, [`sqlx::Error::Configuration`] if the handler has returned
    /// by now. The transaction is rolled back.
    ///
    /// # Cancel safety
    /// Not cancel safe without a key: the commit may have landed.
    pub async fn commit_with_response(self) -> Result<(), sqlx::Error> {
        let Self { open, place, store } = self;
        match place {
            Some(place) => {
                let ending = SqliteEnding::new(open, store);
                place.enlist(ending).map_err(cannot_end)
            }
            None => {
                let Open {
                    transaction, _turn, ..
                } = open;
                transaction.commit().await
            }
        }
    }

    /// Rolls back, and waits until that has ended. Dropping it rolls back too, and does not wait.
    ///
    /// # Errors
    /// The database's. Nothing is committed.
    ///
    /// # Cancel safety
    /// Safe: nothing is committed.
    pub async fn rollback(self) -> Result<(), sqlx::Error> {
        let Open {
            transaction, _turn, ..
        } = self.open;
        transaction.roll_back().await
    }
}

impl Deref for SqliteTransaction {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.open.transaction
    }
}

impl DerefMut for SqliteTransaction {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.open.transaction
    }
}

impl AsMut<SqliteConnection> for SqliteTransaction {
    fn as_mut(&mut self) -> &mut SqliteConnection {
        self
    }
}

impl fmt::Debug for SqliteTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteTransaction")
            .field("under_a_key", &self.place.is_some())
            .finish_non_exhaustive()
    }
}
