//! Variants measured in turns, and told as ratios to the first one.
//!
//! Criterion measures one variant after the other. Where other work comes and goes on the machine,
//! that compares two moments; here all variants share each moment.

use std::{fmt, hint::black_box, time::Duration};

use rustix::time::{ClockId, clock_gettime};

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
}

struct Variant<'a> {
    name: String,
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
        }
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
            work: Box::new(work),
            calls: 1,
            samples: Vec::new(),
        });
        self
    }

    /// Runs all variants in turns, and prints each as a ratio to the first.
    pub fn run(mut self, rounds: usize) {
        for variant in &mut self.variants {
            variant.calibrate();
        }
        self.run_rounds(rounds);
    }

    /// The same, with so many calls a sample.
    pub fn run_batches(mut self, calls: u32, rounds: usize) {
        for variant in &mut self.variants {
            variant.calls = calls;
        }
        self.run_rounds(rounds);
    }

    fn run_rounds(mut self, rounds: usize) {
        let count = self.variants.len();
        for round in 0..rounds {
            for index in 0..count {
                // Nobody always comes first.
                self.variants[(index + round) % count].sample();
            }
        }
        self.print();
    }

    fn print(&mut self) {
        println!(
            "\n{:<44} {:>12} {:>9} {:>13}",
            self.name, "median", "ratio", "lowest decile"
        );
        let mut baseline = None;
        for variant in &mut self.variants {
            let (median, decile) = variant.figures();
            let (base_median, base_decile) = *baseline.get_or_insert((median, decile));
            println!(
                "  {:<42} {:>9.0} ns {:>8.2}x {:>12.2}x",
                variant.name,
                median,
                median / base_median,
                decile / base_decile,
            );
        }
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

    /// The median and the lowest decile, in nanoseconds a call.
    fn figures(&mut self) -> (f64, f64) {
        self.samples.sort_unstable_by(f64::total_cmp);
        let at = |percent: usize| self.samples[self.samples.len() * percent / 100];
        (at(50), at(10))
    }
}
