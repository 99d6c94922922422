//! Requests a second and latencies of all variants in turns.

use std::time::{Duration, Instant};

use idem_benches::table::{Row, median};

use crate::{
    AnyError,
    client::{Asked, Until, ask},
    cpu,
    place::Places,
    service::Running,
    variant::{Database, Variant},
};

pub(crate) const CLIENTS: [usize; 2] = [1, 32];

/// One line of the table, as it is measured round after round.
#[derive(Debug)]
struct Line {
    variant: Variant,
    asked: Asked,
    clients: usize,
    samples: Vec<Sample>,
}

#[derive(Debug)]
struct Sample {
    per_second: f64,
    /// Of the bare handler's requests a second, in the same round.
    of_bare: f64,
    p50: Duration,
    p99: Duration,
    failures: usize,
    /// CPU time a request, of the service, of PostgreSQL and of Redis.
    service: Duration,
    database: Duration,
    redis: Duration,
}

/// Measures, and prints the table. A round before the first warms up.
pub(crate) async fn compare(rounds: usize, length: Duration) -> Result<(), AnyError> {
    let places = Places::prepare(&[]).await?;
    let services = Variant::ALL.map(|variant| places.service(variant).start());
    let services = services.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut lines: Vec<Line> = CLIENTS.into_iter().flat_map(lines).collect();
    for round in 0..=rounds {
        let mut bare = 0.0;
        for line in &mut lines {
            let service = services
                .iter()
                .find(|service| service.variant == line.variant);
            let service = service.ok_or("it was started")?;
            let mut sample = line.measure(service, &places, length).await?;
            if line.variant.is_bare() {
                bare = sample.per_second;
            }
            sample.of_bare = sample.per_second / bare;
            if round > 0 {
                line.samples.push(sample);
            }
        }
        eprintln!("round {round} of {rounds}");
    }
    let (few, many) = lines.split_at(lines.len() / CLIENTS.len());
    for (few, many) in few.iter().zip(many) {
        println!("{}", row(few, many));
    }
    Ok(())
}

fn lines(clients: usize) -> impl Iterator<Item = Line> {
    Variant::ALL.into_iter().flat_map(move |variant| {
        let asked: &[Asked] = match variant.is_bare() {
            true => &[Asked::Fresh],
            false => &[Asked::Fresh, Asked::Replay],
        };
        asked.iter().map(move |asked| Line {
            variant,
            asked: *asked,
            clients,
            samples: Vec::new(),
        })
    })
}

impl Line {
    async fn measure(
        &self,
        service: &Running,
        places: &Places,
        length: Duration,
    ) -> Result<Sample, AnyError> {
        // The first of its key is no replay, and a client's first request opens a connection.
        ask(service.port, self.clients, self.asked, Until::Sent(1)).await?;
        let database = || match self.variant.database {
            Database::Postgres => cpu::of_family(places.postmaster),
            Database::Sqlite => Duration::ZERO,
        };
        let redis = || cpu::of(places.redis_process);
        let (served, stored, recorded) = (cpu::of(service.id()), database(), redis());
        let until = Until::Over(Instant::now() + length);
        let mut seen = ask(service.port, self.clients, self.asked, until).await?;
        let requests = u32::try_from(seen.took.len())?.max(1);
        Ok(Sample {
            service: cpu::of(service.id()).saturating_sub(served) / requests,
            database: database().saturating_sub(stored) / requests,
            redis: redis().saturating_sub(recorded) / requests,
            per_second: seen.per_second(),
            of_bare: 1.0,
            p50: seen.within(0.5),
            p99: seen.within(0.99),
            failures: seen.failures,
        })
    }

    fn median(&self, of: fn(&Sample) -> f64) -> f64 {
        median(self.samples.iter().map(of))
    }

    fn failures(&self) -> usize {
        self.samples.iter().map(|sample| sample.failures).sum()
    }
}

/// The same requests of few clients and of many. CPU time is that of the many.
fn row(few: &Line, many: &Line) -> Row {
    let mut row = Row::default();
    row.text(many.variant.database);
    row.text(many.variant.record);
    row.text(many.asked);
    for line in [few, many] {
        row.number(line.median(|sample| sample.per_second), 0);
        row.number(line.median(|sample| sample.of_bare), 2);
        row.number(line.median(|sample| milliseconds(sample.p50)), 2);
        row.number(line.median(|sample| milliseconds(sample.p99)), 1);
    }
    row.number(many.median(|sample| milliseconds(sample.service) * 1e3), 0);
    row.number(many.median(|sample| milliseconds(sample.database) * 1e3), 0);
    row.number(many.median(|sample| milliseconds(sample.redis) * 1e3), 0);
    row.number((few.failures() + many.failures()) as f64, 0);
    row
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
