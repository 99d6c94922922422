//! The store's connections to the file.

use std::{fmt, sync::Arc, time::Duration};

use idem_core::store::Lease;
use sqlx::{
    ConnectOptions, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteSynchronous},
};

use tokio::time::Instant;

use super::{
    error::is_busy,
    gate::{Gate, Turn},
};
use crate::{
    budget::{Budget, statement_timeout},
    connections::{Connections, Lent, Open},
    failure::Failure,
};

/// Opens connections of one kind.
pub(super) struct OpenSqlite(SqliteConnectOptions);

impl Open for OpenSqlite {
    type Connection = SqliteConnection;

    async fn open(&self) -> Result<SqliteConnection, sqlx::Error> {
        self.0.connect().await
    }
}

/// The connections of a store, by what they are for.
pub(super) struct ByPurpose {
    /// Reads wait for nobody.
    reads: Arc<Connections<OpenSqlite>>,
    writes: Arc<Connections<OpenSqlite>>,
    flushed_writes: Arc<Connections<OpenSqlite>>,
    gate: Gate,
}

/// When a commit is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flush {
    /// With the next one that is flushed: it outlasts the process, and perhaps not the machine. For leases
    /// and sweeps.
    Later,
    /// When it is answered, and all that came before it. For completions, and for leases that are durable.
    Now,
}

impl Flush {
    pub(super) const fn of(lease: &Lease) -> Self {
        match lease.is_durable() {
            true => Self::Now,
            false => Self::Later,
        }
    }
}

impl ByPurpose {
    pub(super) fn new(
        options: SqliteConnectOptions,
        gate: Gate,
        call_timeout: Duration,
        readers: usize,
    ) -> Self {
        let options = options
            // sqlx's thread waits on when its caller has given up, and then writes.
            .busy_timeout(statement_timeout(call_timeout))
            .shared_cache(false)
            .create_if_missing(false)
            // An owner token lets its bearer act, so no statement is logged with what belongs to it.
            .disable_statement_logging();
        let of = |synchronous, most| {
            let options = options.clone().synchronous(synchronous);
            Connections::new(OpenSqlite(options), most)
        };
        Self {
            reads: of(SqliteSynchronous::Normal, readers),
            writes: of(SqliteSynchronous::Normal, 1),
            flushed_writes: of(SqliteSynchronous::Full, 1),
            gate,
        }
    }

    /// Closes them, as far as they are idle, and the others when they come back.
    pub(super) fn close(&self) {
        for connections in [&self.reads, &self.writes, &self.flushed_writes] {
            connections.close();
        }
    }

    /// Gets a connection to read.
    pub(super) async fn read(&self, budget: Budget) -> Result<Call, Failure> {
        let lent = self.reads.acquire(budget.send_until()).await;
        Call::new(lent, None, budget)
    }

    /// Waits for its turn to write.
    pub(super) async fn turn(&self, until: Instant) -> Result<Turn, sqlx::Error> {
        self.gate.turn(until).await
    }

    /// Waits for its turn to write, and gets a connection for it.
    pub(super) async fn write(&self, flush: Flush, budget: Budget) -> Result<Call, Failure> {
        let turn = self.gate.turn(budget.send_until()).await;
        let turn = turn.map_err(Failure::NotSent)?;
        let connections = match flush {
            Flush::Later => &self.writes,
            Flush::Now => &self.flushed_writes,
        };
        let lent = connections.acquire(budget.send_until()).await;
        Call::new(lent, Some(turn), budget)
    }
}

impl fmt::Debug for ByPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByPurpose")
            .field("reads", &self.reads)
            .field("writes", &self.writes)
            .field("flushed_writes", &self.flushed_writes)
            .finish()
    }
}

/// One statement on one connection.
#[derive(Debug)]
pub(super) struct Call {
    lent: Lent<OpenSqlite>,
    // It is given back after the connection is.
    _turn: Option<Turn>,
    budget: Budget,
}

impl Call {
    fn new(
        lent: Result<Lent<OpenSqlite>, sqlx::Error>,
        turn: Option<Turn>,
        budget: Budget,
    ) -> Result<Self, Failure> {
        Ok(Self {
            lent: lent.map_err(Failure::NotSent)?,
            _turn: turn,
            budget,
        })
    }

    /// The connection, to send the statement.
    pub(super) fn connection(&mut self) -> Result<&mut SqliteConnection, Failure> {
        if self.budget.allows_a_statement() {
            Ok(self.lent.connection())
        } else {
            Err(Failure::OutOfTime)
        }
    }

    /// Gives the connection back if its statement was answered. After an error it is thrown away: a commit
    /// that failed, as on a full disk, may have left a transaction open.
    pub(super) fn end<T>(mut self, answer: Result<T, sqlx::Error>) -> Result<T, Failure> {
        match &answer {
            Ok(_) => self.lent.is_clean(),
            Err(error) if is_busy(error) => self.lent.is_clean(),
            Err(_) => {}
        }
        Ok(answer?)
    }
}
