//! The store's connections to PostgreSQL, and one call on one of them.

use std::{sync::Arc, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions, PgConnection,
    postgres::{PgConnectOptions, PgDatabaseError, PgSeverity},
};

use crate::{
    budget::{Budget, statement_timeout},
    connections::{Connections, Lent, Open},
    failure::Failure,
    settings::Settings,
};

/// What lies between the store and the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pooler {
    /// Nothing, or what keeps a server's connection for as long as the client's.
    None,
    /// What lends a server's connection for one transaction.
    Transaction,
}

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

/// Opens connections whose settings do not depend on what the role or the database has set.
pub(super) struct OpenPostgres {
    options: PgConnectOptions,
    pooler: Pooler,
    call_timeout: Duration,
}

impl OpenPostgres {
    pub(super) fn new(options: PgConnectOptions, pooler: Pooler, settings: &Settings) -> Self {
        // An owner token lets its bearer act, so no statement is logged with what belongs to it.
        Self {
            options: options.disable_statement_logging(),
            pooler,
            call_timeout: settings.call_timeout,
        }
    }

    /// What bounds a statement, in milliseconds: the wait for a lock, and all of it.
    fn bounds(&self) -> (u128, u128) {
        let all = statement_timeout(self.call_timeout).as_millis().max(2);
        // A wait that is stopped as such says so, and a little earlier.
        (all - all.div_ceil(10), all)
    }

    /// Sets a connection up once. At other levels than READ COMMITTED, races fail instead of being decided.
    /// A setting that this version of PostgreSQL does not have is passed over, and a database that commits
    /// asynchronously by default does not do so here.
    fn for_the_session(&self) -> String {
        let (lock, all) = self.bounds();
        let in_transaction = self.call_timeout.as_millis() * 2;
        format!(
            "SELECT set_config(s.name, w.value, false)
             FROM (VALUES ('statement_timeout', '{all}'), ('lock_timeout', '{lock}'),
                 ('idle_in_transaction_session_timeout', '{in_transaction}'),
                 ('idle_session_timeout', '0'),
                 ('default_transaction_isolation', 'read committed'),
                 ('default_transaction_deferrable', 'off'),
                 ('synchronous_commit', 'on')) w (name, value)
             JOIN pg_settings s ON s.name = w.name
             WHERE s.name <> 'synchronous_commit' OR s.setting = 'off'"
        )
    }

    /// Begins a transaction with settings of its own, in one round trip.
    fn for_the_transaction(&self) -> String {
        let (lock, all) = self.bounds();
        format!("{BEGIN}; SET LOCAL statement_timeout = {all}; SET LOCAL lock_timeout = {lock}")
    }
}

impl Open for OpenPostgres {
    type Connection = PgConnection;

    async fn open(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = self.options.connect().await?;
        if self.pooler == Pooler::None {
            let settings = AssertSqlSafe(self.for_the_session());
            sqlx::raw_sql(settings).execute(&mut connection).await?;
        }
        Ok(connection)
    }
}

/// One call on one connection, within its time.
#[derive(Debug)]
pub(super) struct Call {
    lent: Lent<OpenPostgres>,
    budget: Budget,
    in_transaction: bool,
}

impl Call {
    pub(super) async fn begin(
        connections: &Arc<Connections<OpenPostgres>>,
        call_timeout: Duration,
    ) -> Result<Self, Failure> {
        let budget = Budget::begin(call_timeout);
        let lent = connections.acquire(budget.send_until()).await;
        let mut call = Self {
            lent: lent.map_err(Failure::NotSent)?,
            budget,
            in_transaction: false,
        };
        let open = connections.open();
        if open.pooler == Pooler::Transaction
            && let Err(failure) = call.begin_by(open.for_the_transaction()).await
        {
            return call.end(Err(failure)).await;
        }
        Ok(call)
    }

    /// The connection, to send one statement.
    pub(super) fn connection(&mut self) -> Result<&mut PgConnection, Failure> {
        if self.budget.allows_a_statement() {
            Ok(self.lent.connection())
        } else {
            Err(Failure::OutOfTime)
        }
    }

    /// Lets the statements from here to the end be one transaction.
    pub(super) async fn transaction(&mut self) -> Result<(), Failure> {
        match self.in_transaction {
            true => Ok(()),
            false => self.begin_by(BEGIN.to_owned()).await,
        }
    }

    async fn begin_by(&mut self, statements: String) -> Result<(), Failure> {
        let connection = self.connection()?;
        let statements = sqlx::raw_sql(AssertSqlSafe(statements));
        // Nothing was asked for yet that could have landed.
        statements
            .execute(connection)
            .await
            .map_err(Failure::NotSent)?;
        self.in_transaction = true;
        Ok(())
    }

    /// Commits what is a transaction, and gives the connection back unless it is in disorder.
    pub(super) async fn end<T>(mut self, answer: Result<T, Failure>) -> Result<T, Failure> {
        let answer = match answer {
            Ok(answer) if self.in_transaction => self.commit().await.map(|()| answer),
            answer => answer,
        };
        match &answer {
            Ok(_) => self.lent.is_clean(),
            // Dropping it rolls a transaction back.
            Err(_) if self.in_transaction => {}
            Err(Failure::Sqlx(error)) if leaves_it_in_order(error) => self.lent.is_clean(),
            Err(Failure::OutOfTime | Failure::Contended) => self.lent.is_clean(),
            Err(Failure::Sqlx(_) | Failure::NotSent(_) | Failure::Corrupt(_)) => {}
        }
        if let Err(Failure::Sqlx(error) | Failure::NotSent(error)) = &answer
            && is_broken(error)
        {
            self.lent.is_broken();
        }
        answer
    }

    async fn commit(&mut self) -> Result<(), Failure> {
        let commit = sqlx::raw_sql("COMMIT").execute(self.connection()?).await;
        commit.map_err(Failure::Sqlx)?;
        self.in_transaction = false;
        Ok(())
    }
}

/// Whether the server refused one statement and takes the next.
fn leaves_it_in_order(error: &sqlx::Error) -> bool {
    matches!(severity(error), Some(PgSeverity::Error))
}

/// Whether the way to the server broke, which it then did for other connections too.
fn is_broken(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(_) | sqlx::Error::Protocol(_))
        || matches!(severity(error), Some(PgSeverity::Fatal | PgSeverity::Panic))
}

pub(super) fn severity(error: &sqlx::Error) -> Option<PgSeverity> {
    let error = error.as_database_error()?;
    let error = error.try_downcast_ref::<PgDatabaseError>()?;
    Some(error.severity())
}
