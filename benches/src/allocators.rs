//! Memory and time of a service on the memory store, by allocator: a process of its own each.
//!
//! An allocator that is preloaded takes the place of the system's: `LD_PRELOAD=libjemalloc.so.2 allocator-system`.

use std::{env, error::Error, fs, time::Duration};

use bytes::Bytes;
use idem_axum::IdempotencyLayer;
use idem_core::{Idempotency, Policy};
use tokio::{
    runtime::Builder,
    time::{Instant, sleep},
};

use crate::{
    Spelling,
    interleaved::cpu_time,
    order,
    orders::{
        Handler, Key, Orders,
        axum::{AxumOrders, router},
    },
    records::unbounded,
    table::{Row, heading},
};

/// Long enough that all records are live at one time.
const RETENTION: Duration = Duration::from_secs(20);

/// How long after the last record ran out the memory is looked at.
const SETTLED: Duration = Duration::from_secs(10);

/// Replays are of the latest records.
const REPLAYS: u64 = 100_000;

/// Runs so many fresh requests, lets their records run out, and prints a row of a Markdown table.
///
/// The first argument is the number of requests, 1,000,000 unless it is given; with `row` as the second, there is no
/// heading.
///
/// # Errors
/// An argument is no number, there is no `/proc`, a request is refused, or the machine is too slow to hold all records at
/// one time.
pub fn run(allocator: &str) -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let requests = arguments
        .next()
        .map_or(Ok(1_000_000), |count| count.parse())?;
    if arguments.next().is_none() {
        heading(
            &["allocator"],
            &[
                "RSS at the start, MB",
                "with all records, MB",
                "10 s after they ran out, MB",
                "fresh request, µs",
                "retry, µs",
            ],
        );
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    println!("{}", runtime.block_on(row(allocator, requests))?);
    Ok(())
}

async fn row(allocator: &str, requests: u64) -> Result<Row, Box<dyn Error>> {
    let policy = Policy::reference().retention(RETENTION);
    let layer = IdempotencyLayer::from(Idempotency::new(unbounded(), policy));
    let mut orders = AxumOrders::new(router(Handler::Answers, Some(layer)));
    // A million requests do not share one payload: each allocates its own.
    let payload = order(200, Spelling::OutOfOrder);
    let (at_start, begun) = (resident()?, Instant::now());
    let fresh = post(&mut orders, 0..requests, &payload).await?;
    let with_all = resident()?;
    let latest = requests.saturating_sub(REPLAYS)..requests;
    let retry = post(&mut orders, latest, &payload).await?;
    if begun.elapsed() > RETENTION {
        return Err(
            "the first records ran out before the last were made: the machine is too busy".into(),
        );
    }
    sleep(RETENTION + SETTLED).await;
    let mut row = Row::default();
    match env::var("LD_PRELOAD") {
        Ok(preloaded) => row.text(preloaded),
        Err(_) => row.text(allocator),
    }
    for bytes in [at_start, with_all, resident()?] {
        row.number(bytes / 1e6, 0);
    }
    for took in [fresh, retry] {
        row.number(took.as_nanos() as f64 / 1e3, 2);
    }
    Ok(row)
}

/// CPU time a request.
async fn post(
    orders: &mut AxumOrders,
    numbers: std::ops::Range<u64>,
    payload: &[u8],
) -> Result<Duration, Box<dyn Error>> {
    let count = u32::try_from(numbers.end - numbers.start)?.max(1);
    let start = cpu_time();
    for number in numbers {
        let payload = Bytes::copy_from_slice(payload);
        let status = orders.post(Key::new(number), &payload).await;
        if status != 201 {
            return Err(format!("request {number} was answered with {status}").into());
        }
    }
    Ok((cpu_time() - start) / count)
}

/// The bytes of memory that this process holds, as Linux counts them.
fn resident() -> Result<f64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.ok_or("Linux says nothing of VmRSS")?;
    let kibibytes: f64 = kibibytes.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1024.0)
}
