//! Rows and bytes after many fresh requests whose records run out and are swept meanwhile.

use std::{fs, time::Duration};

use idem_benches::table::{Row, grouped};
use sqlx::{Connection, PgConnection, SqliteConnection};
use tokio::time::sleep;

use crate::{
    AnyError,
    client::{Asked, Until, ask},
    place::Places,
    service::{Running, Sweeping},
    variant::{Database, Record, Variant},
};

const CLIENTS: usize = 16;
const STEPS: usize = 4;

/// How long a result is kept.
pub(crate) const KEPT: Duration = Duration::from_secs(5);

/// Sends that many fresh requests to each database, and prints what there is at each quarter, and at the end when
/// all has run out and was swept.
pub(crate) async fn watch(cycles: usize, sweeping: Option<Duration>) -> Result<(), AnyError> {
    let places = Places::prepare(&[]).await?;
    for database in [Database::Postgres, Database::Sqlite] {
        let variant = Variant::new(database, Record::Inside);
        let mut service = places.service(variant);
        service.retention = Some(KEPT);
        service.sweeping = sweeping.map_or(Sweeping::AsUsual, Sweeping::Every);
        let service = service.start()?;
        for step in 1..=STEPS {
            let each = Until::Sent(cycles / STEPS / CLIENTS);
            let seen = ask(service.port, CLIENTS, Asked::Fresh, each).await?;
            let size = size(&service).await?;
            let said = format!("after {}", grouped(step * cycles / STEPS));
            println!(
                "{}",
                size.row(database, &said, seen.per_second(), seen.failures)
            );
        }
        let size = swept(&service).await?;
        println!("{}", size.row(database, "swept", 0.0, 0));
    }
    Ok(())
}

/// What there is of the store in the database.
#[derive(Debug, Default)]
struct Size {
    rows: i64,
    table: i64,
    indexes: i64,
    renewals: i64,
    /// SQLite's write-ahead log.
    log: u64,
}

impl Size {
    fn row(&self, database: Database, when: &str, per_second: f64, failures: usize) -> Row {
        let mut row = Row::default();
        row.text(database);
        row.text(when);
        row.number(per_second, 0);
        row.number(failures as f64, 0);
        row.number(self.rows as f64, 0);
        for bytes in [self.table, self.indexes, self.renewals] {
            row.number(bytes as f64 / 1024.0, 0);
        }
        row.number(self.log as f64 / 1024.0, 0);
        row
    }
}

/// Waits until the sweeps have nothing left, but for the lease that the service holds.
async fn swept(service: &Running) -> Result<Size, AnyError> {
    loop {
        let size = size(service).await?;
        if size.rows <= 1 {
            return Ok(size);
        }
        sleep(Duration::from_secs(1)).await;
    }
}

async fn size(service: &Running) -> Result<Size, AnyError> {
    match service.variant.database {
        Database::Postgres => on_postgres(&service.place).await,
        Database::Sqlite => on_sqlite(&service.place).await,
    }
}

async fn on_postgres(url: &str) -> Result<Size, AnyError> {
    let mut connection = PgConnection::connect(url).await?;
    let asking = sqlx::query_as(
        "SELECT (SELECT count(*) FROM idem_records), pg_table_size('idem_records'),
             pg_indexes_size('idem_records'), pg_total_relation_size('idem_renewals')",
    );
    let (rows, table, indexes, renewals) = asking.fetch_one(&mut connection).await?;
    Ok(Size {
        rows,
        table,
        indexes,
        renewals,
        log: 0,
    })
}

async fn on_sqlite(file: &str) -> Result<Size, AnyError> {
    let mut connection = SqliteConnection::connect(file).await?;
    let asking = sqlx::query_as(
        "SELECT (SELECT count(*) FROM idem_records),
             (SELECT sum(pgsize) FROM dbstat WHERE name = 'idem_records'),
             (SELECT sum(pgsize) FROM dbstat WHERE name IN
                 (SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'idem_records'))",
    );
    let (rows, table, indexes) = asking.fetch_one(&mut connection).await?;
    Ok(Size {
        rows,
        table,
        indexes,
        renewals: 0,
        log: fs::metadata(format!("{file}-wal")).map_or(0, |log| log.len()),
    })
}
