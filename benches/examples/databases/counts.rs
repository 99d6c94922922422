//! What one request takes: statements, round trips, flushes to disk. Nothing here is timed.
//!
//! Relays before PostgreSQL and Redis count the client's round trips, `pg_stat_statements` the statements, the
//! position in its log the bytes that were logged, and strace the system calls of all its processes, or of the
//! service's where that has SQLite in it, and those of Redis where records are there.

use std::time::Duration;

use idem_benches::table::Row;
use sqlx::{Connection, PgConnection};
use test_servers::{RedisRelay, Relay};
use tokio::time::sleep;

use crate::{
    AnyError,
    client::{Asked, Until, ask},
    cpu,
    place::Places,
    service::{Running, Sweeping},
    strace::{Calls, Strace},
    variant::{Database, Record, Variant},
};

const REQUESTS: usize = 200;

/// The pool has given a connection back by then.
const SETTLED: Duration = Duration::from_millis(200);

const TOLD: &str =
    "SELECT coalesce(sum(calls), 0)::bigint, (pg_current_wal_insert_lsn() - '0/0')::bigint
    FROM pg_stat_statements JOIN pg_database d ON d.oid = dbid WHERE datname = 'postgres'";

/// Counts, and prints a row for each kind of request of each variant.
pub(crate) async fn count() -> Result<(), AnyError> {
    let settings = [
        "shared_preload_libraries=pg_stat_statements",
        "autovacuum=off",
    ];
    let places = Places::prepare(&settings).await?;
    // What is asked here is asked in another database, or it would be counted too.
    let mut asking = PgConnection::connect(&places.server.url("template1")).await?;
    sqlx::raw_sql("CREATE EXTENSION pg_stat_statements")
        .execute(&mut asking)
        .await?;
    let relay = Relay::to(places.server.port())?;
    let redis = RedisRelay::to(places.redis.port())?;
    // How many connections there are changes nothing of a request by itself.
    let variants = Variant::ALL.into_iter();
    for variant in variants.filter(|variant| variant.record != Record::InsideManyConnections) {
        let place = match variant.database {
            Database::Postgres => {
                let (direct, relayed) = (places.server.port(), relay.port());
                let direct = format!(":{direct}/");
                places.of(variant).replace(&direct, &format!(":{relayed}/"))
            }
            Database::Sqlite => places.of(variant),
        };
        let mut service = places.service(variant);
        (service.place, service.redis) = (place, redis.url());
        service.sweeping = Sweeping::Never;
        let service = service.start()?;
        for asked in asked_of(variant) {
            let mut counting = Counting {
                service: &service,
                places: &places,
                relay: &relay,
                redis: &redis,
                asking: &mut asking,
            };
            println!("{}", counting.row(*asked).await?);
        }
    }
    Ok(())
}

fn asked_of(variant: Variant) -> &'static [Asked] {
    match (variant.is_bare(), variant.keeps_records_there()) {
        (true, _) => &[Asked::Fresh],
        (false, false) => &[Asked::Fresh, Asked::Replay],
        (false, true) => &[Asked::Fresh, Asked::Replay, Asked::Renewal],
    }
}

struct Counting<'a> {
    service: &'a Running,
    places: &'a Places,
    relay: &'a Relay,
    redis: &'a RedisRelay,
    asking: &'a mut PgConnection,
}

impl Counting<'_> {
    async fn row(&mut self, asked: Asked) -> Result<Row, AnyError> {
        let variant = self.service.variant;
        // Connections are opened, and statements prepared, once.
        self.ask(asked, 20).await?;
        let on_postgres = variant.database == Database::Postgres;
        let mut processes = match on_postgres {
            true => cpu::family(self.places.postmaster),
            false => vec![self.service.id()],
        };
        let on_redis = variant.record == Record::Redis;
        if on_redis {
            processes.push(self.places.redis_process);
        }
        let strace = Strace::attach(&processes)?;
        sqlx::raw_sql("SELECT pg_stat_statements_reset()")
            .execute(&mut *self.asking)
            .await?;
        let (trips, scripts) = (self.relay.trips(), self.redis.scripts());
        let (_, log) = self.told().await?;
        self.ask(asked, REQUESTS).await?;
        let trips = self.relay.trips() - trips;
        let scripts = self.redis.scripts() - scripts;
        let calls = strace.map(Strace::detach).transpose()?;
        let (statements, logged) = self.told().await?;

        let each = |count: f64| Some(count / REQUESTS as f64);
        let here = |count: f64| each(count).filter(|_| on_postgres);
        let of_calls = |of: fn(Calls) -> usize| calls.and_then(|calls| each(of(calls) as f64));
        let mut row = Row::default();
        row.text(variant.database);
        row.text(variant.record);
        row.text(asked);
        row.counted(here(statements as f64), 2);
        row.counted(here(trips as f64), 2);
        row.counted(each(scripts as f64).filter(|_| on_redis), 2);
        row.counted(of_calls(|calls| calls.syncs), 2);
        row.counted(of_calls(|calls| calls.writes), 2);
        row.counted(here((logged - log) as f64), 0);
        Ok(row)
    }

    async fn ask(&self, asked: Asked, requests: usize) -> Result<(), AnyError> {
        let seen = ask(self.service.port, 1, asked, Until::Sent(requests)).await?;
        if seen.failures > 0 {
            return Err(format!("{} requests failed", seen.failures).into());
        }
        sleep(SETTLED).await;
        Ok(())
    }

    /// How many statements PostgreSQL has run, and how long its log is.
    async fn told(&mut self) -> Result<(i64, i64), AnyError> {
        Ok(sqlx::query_as(TOLD).fetch_one(&mut *self.asking).await?)
    }
}
