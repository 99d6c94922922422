//! Variants measured in turns, and told as ratios to a baseline.
//!
//! What is measured goes to the standard error as it comes, and tables to the standard output.
//!
//! Criterion measures one variant after the other. Where other work comes and goes on the machine,
//! that compares two moments; here all variants share each moment.

use std::{fmt, hint::black_box, time::Duration};

use rustix::time::{ClockId, clock_gettime};

use crate::table::{Row, heading};

/// How long one sample takes at least.
const SAMPLE: Duration = Duration::from_micros(250);

/// The CPU time that this thread has used: what others do on the machine is none of it.
///
/// # Panics
/// Never: the kernel's clock does not run backwards below zero.
#[must_use]
pub fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("CPU time is not negative")
}

/// Variants of one job, the baseline first.
#[must_use]
pub struct Comparison<'a> {
    name: String,
    variants: Vec<Variant<'a>>,
    baseline: usize,
}

struct Variant<'a> {
    name: String,
    /// The place of what it is compared to.
    baseline: usize,
    /// Does the job so many times, and tells how long that took.
    work: Box<dyn FnMut(u32) -> Duration + 'a>,
    calls: u32,
    samples: Vec<f64>,
}

impl<'a> Comparison<'a> {
    /// A comparison without variants.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            variants: Vec::new(),
            baseline: 0,
        }
    }

    /// Makes the next variant the baseline of those that come after it.
    pub fn new_baseline(mut self) -> Self {
        self.baseline = self.variants.len();
        self
    }

    /// Adds a job that is the same each time.
    pub fn variant<T>(self, name: impl Into<String>, mut job: impl FnMut() -> T + 'a) -> Self {
        self.timed(name, move |calls| {
            let start = cpu_time();
            for _ in 0..calls {
                black_box(job());
            }
            cpu_time() - start
        })
    }

    /// Adds a job that times itself: it is told how often to do it.
    pub fn timed(
        mut self,
        name: impl Into<String>,
        work: impl FnMut(u32) -> Duration + 'a,
    ) -> Self {
        self.variants.push(Variant {
            name: name.into(),
            baseline: self.baseline,
            work: Box::new(work),
            calls: 1,
            samples: Vec::new(),
        });
        self
    }

    /// Runs all variants in turns, and prints each as a ratio to its baseline.
    #[expect(
        clippy::must_use_candidate,
        reason = "the figures are printed, and few compute with them"
    )]
    pub fn run(mut self, rounds: usize) -> Figures {
        for variant in &mut self.variants {
            variant.calibrate();
        }
        self.run_rounds(rounds)
    }

    /// The same, with so many calls a sample.
    #[expect(
        clippy::must_use_candidate,
        reason = "the figures are printed, and few compute with them"
    )]
    pub fn run_batches(mut self, calls: u32, rounds: usize) -> Figures {
        for variant in &mut self.variants {
            variant.calls = calls;
        }
        self.run_rounds(rounds)
    }

    fn run_rounds(mut self, rounds: usize) -> Figures {
        let count = self.variants.len();
        for round in 0..rounds {
            for index in 0..count {
                // Nobody always comes first.
                self.variants[(index + round) % count].sample();
            }
        }
        let figures = self.figures();
        figures.print(&self.name);
        figures
    }

    fn figures(&mut self) -> Figures {
        let figures = self.variants.iter_mut().map(Variant::figure);
        Figures(figures.collect())
    }
}

/// What was measured, in the order of the variants.
#[derive(Debug)]
pub struct Figures(Vec<Figure>);

/// Nanoseconds a call of one variant.
#[derive(Debug)]
struct Figure {
    name: String,
    baseline: usize,
    median: f64,
    lowest_decile: f64,
}

impl Figures {
    /// The median of a variant, in nanoseconds a call.
    ///
    /// # Panics
    /// If no variant has that name.
    #[must_use]
    pub fn median(&self, name: &str) -> f64 {
        self.find(name).median
    }

    /// What a variant takes more than its baseline does, in nanoseconds a call.
    ///
    /// # Panics
    /// If no variant has that name.
    #[must_use]
    pub fn added(&self, name: &str) -> f64 {
        let figure = self.find(name);
        figure.median - self.0[figure.baseline].median
    }

    /// A variant as a multiple of its baseline: the median, and in parentheses the lowest decile.
    ///
    /// # Panics
    /// If no variant has that name.
    #[must_use]
    pub fn ratio(&self, name: &str) -> String {
        let (median, decile) = self.ratios(self.find(name));
        format!("{median:.2} ({decile:.2})")
    }

    fn ratios(&self, figure: &Figure) -> (f64, f64) {
        let baseline = &self.0[figure.baseline];
        let median = figure.median / baseline.median;
        (median, figure.lowest_decile / baseline.lowest_decile)
    }

    fn find(&self, name: &str) -> &Figure {
        let found = self.0.iter().find(|figure| figure.name == name);
        found.expect("variants are looked for by the names they were given")
    }

    fn print(&self, name: &str) {
        eprintln!(
            "\n{name:<44} {:>12} {:>9} {:>13}",
            "median", "ratio", "lowest decile"
        );
        for figure in &self.0 {
            let (ratio, decile) = self.ratios(figure);
            let (name, median) = (&figure.name, figure.median);
            eprintln!("  {name:<42} {median:>9.0} ns {ratio:>8.2}x {decile:>12.2}x");
        }
    }
}

/// Prints comparisons of the same variants as columns of one Markdown table; in each cell are the ratios of the
/// median and of the lowest decile, and for a baseline its time.
pub fn print_side_by_side(columns: &[(&str, Figures)]) {
    let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
    heading(&[""], &names);
    let variants = columns.iter().map(|(_, figures)| figures.0.len()).min();
    for index in 0..variants.unwrap_or(0) {
        let mut row = Row::default();
        row.text(&columns[0].1.0[index].name);
        for (_, figures) in columns {
            let figure = &figures.0[index];
            match figure.baseline == index {
                true => row.text(format!("{:.2} µs", figure.median / 1e3)),
                false => row.text(figures.ratio(&figure.name)),
            }
        }
        println!("{row}");
    }
}

impl fmt::Debug for Comparison<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Variant<'_> {
    fn calibrate(&mut self) {
        // The first call pays for cold caches.
        (self.work)(1);
        while (self.work)(self.calls) < SAMPLE {
            self.calls *= 2;
        }
    }

    fn sample(&mut self) {
        let took = (self.work)(self.calls);
        self.samples
            .push(took.as_nanos() as f64 / f64::from(self.calls));
    }

    fn figure(&mut self) -> Figure {
        self.samples.sort_unstable_by(f64::total_cmp);
        let at = |percent: usize| self.samples[self.samples.len() * percent / 100];
        Figure {
            name: self.name.clone(),
            baseline: self.baseline,
            median: at(50),
            lowest_decile: at(10),
        }
    }
}
