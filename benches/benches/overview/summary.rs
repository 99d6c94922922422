//! Measures with criterion, and says in one table what came out.

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, Throughput};
use idem_benches::{
    interleaved::cpu_time,
    table::{Row, grouped, heading, median},
};

/// The samples that criterion takes of each bench, after those that warm up.
pub(crate) const SAMPLES: usize = 40;

/// What was measured so far.
pub(crate) struct Summary {
    criterion: Criterion,
    rows: Vec<Row>,
    left_out: Vec<String>,
}

impl Summary {
    pub(crate) fn new(criterion: Criterion) -> Self {
        Self {
            criterion,
            rows: Vec::new(),
            left_out: Vec::new(),
        }
    }

    /// Measures a job that is the same each time, and tells its median in nanoseconds.
    pub(crate) fn job<T>(
        &mut self,
        group: &str,
        name: &str,
        throughput: Throughput,
        mut job: impl FnMut() -> T,
    ) -> Option<f64> {
        self.timed(group, name, throughput, |calls| {
            let start = cpu_time();
            for _ in 0..calls {
                black_box(job());
            }
            cpu_time() - start
        })
    }

    /// Measures work that times itself: it is told how often to do it.
    ///
    /// `None` if it was filtered out, or was only tried.
    pub(crate) fn timed(
        &mut self,
        group: &str,
        name: &str,
        throughput: Throughput,
        mut work: impl FnMut(u64) -> Duration,
    ) -> Option<f64> {
        let mut samples = Vec::new();
        let mut group = self.criterion.benchmark_group(group);
        group.throughput(throughput);
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|calls| {
                let took = work(calls);
                samples.push(took.as_nanos() as f64 / calls as f64);
                took
            });
        });
        group.finish();
        // Those that warmed up came first.
        let measured = samples.len().checked_sub(SAMPLES)?;
        Some(median(samples.drain(measured..)))
    }

    /// Adds a row, if there was something to measure.
    pub(crate) fn row(&mut self, what: &str, takes: Option<f64>, which_is: String, means: String) {
        if let Some(nanoseconds) = takes {
            let mut row = Row::default();
            row.text(what);
            row.text(time(nanoseconds));
            row.text(which_is);
            row.text(means);
            self.rows.push(row);
        }
    }

    /// Says why something is missing.
    pub(crate) fn left_out(&mut self, why: String) {
        self.left_out.push(why);
    }

    pub(crate) fn print(&self) {
        self.criterion.final_summary();
        if self.rows.is_empty() {
            return;
        }
        heading(&["", "takes", "which is", "at 1,000 requests/s"], &[""; 0]);
        for row in &self.rows {
            println!("{row}");
        }
        println!(
            "\nMedians of one caller: CPU time, and wall-clock time of stores behind a disk or a socket."
        );
        println!("Longer runs, and what they say: docs/performance.md.");
        for why in &self.left_out {
            println!("Left out: {why}.");
        }
    }
}

/// As a person says it.
pub(crate) fn time(nanoseconds: f64) -> String {
    let (number, unit) = match nanoseconds {
        few if few < 1e3 => return format!("{few:.0} ns"),
        some if some < 1e6 => (some / 1e3, "µs"),
        many => (many / 1e6, "ms"),
    };
    match number {
        small if small < 10.0 => format!("{small:.2} {unit}"),
        large => format!("{large:.0} {unit}"),
    }
}

/// `2.1 × SHA-256 of the same bytes`, or nothing if that was not measured.
pub(crate) fn times(this: Option<f64>, that: Option<f64>, of: &str) -> String {
    match (this, that) {
        (Some(this), Some(that)) => format!("{:.2} × {of}", this / that),
        _ => String::new(),
    }
}

/// How many one caller after the other gets in a second.
pub(crate) fn rate(takes: Option<f64>) -> String {
    let per_second = 1e9 / takes.unwrap_or(f64::INFINITY);
    match per_second {
        millions if millions >= 1e6 => format!("{:.1} M/s", millions / 1e6),
        thousands if thousands >= 1e4 => format!("{:.0},000/s", thousands / 1e3),
        few => format!("{}/s", grouped(format!("{few:.0}"))),
    }
}

/// How much of a core a thousand of these a second take.
pub(crate) fn keeps_busy(takes: Option<f64>) -> String {
    let share = takes.unwrap_or_default() * 1e3 / 1e9;
    format!("keeps {:.2} % of one core busy", share * 100.0)
}
