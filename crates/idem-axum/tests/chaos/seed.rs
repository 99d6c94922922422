//! Where all random choices of a test come from.

use std::{env, time::Duration};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{task::yield_now, time::sleep};

const VARIABLE: &str = "CHAOS_SEED";

/// Who draws: each has streams of its own, so that one more draw here changes nothing there.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Drawer {
    Errands,
    Client,
    Run,
    Kills,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Seed(u64);

impl Seed {
    /// The seed that `CHAOS_SEED` names, or any; it is printed, to be run again.
    pub(crate) fn choose(test: &str) -> Self {
        let seed = match env::var(VARIABLE) {
            Ok(text) => text.parse().expect("CHAOS_SEED is a number"),
            Err(_) => rand::random(),
        };
        println!("{test}: {VARIABLE}={seed}");
        Self(seed)
    }

    /// The variable that hands the seed on to a child process.
    pub(crate) fn variable(self) -> (&'static str, String) {
        (VARIABLE, self.0.to_string())
    }

    pub(crate) fn stream(self, drawer: Drawer, number: u64) -> StdRng {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.0.to_le_bytes());
        seed[8] = drawer as u8;
        seed[16..24].copy_from_slice(&number.to_le_bytes());
        StdRng::from_seed(seed)
    }
}

/// Takes up to 5 ms of time, or a few turns of the scheduler.
pub(crate) async fn dawdle(draw: &mut StdRng) {
    if draw.random() {
        sleep(Duration::from_millis(draw.random_range(0..=5))).await;
    } else {
        for _ in 0..draw.random_range(0..8) {
            yield_now().await;
        }
    }
}
