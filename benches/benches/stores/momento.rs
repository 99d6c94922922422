//! The stand-in for Momento, over a socket on loopback, to a thread of its own.

use std::time::Duration;

use idem_momento::MomentoStore;
use momento_emulator::Emulator;
use tokio::runtime::Runtime;

use super::{AnyError, Opened};

pub(super) fn open(runtime: &Runtime) -> Result<Opened, AnyError> {
    let emulator = Emulator::start()?;
    emulator.create_cache("requests");
    let client = runtime.block_on(async { emulator.client(Duration::from_secs(5)) });
    Ok(Opened::behind(
        MomentoStore::new(client, "requests"),
        emulator,
    ))
}
