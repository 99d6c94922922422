//! The emulator as the official SDK sees it, over a real socket.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use momento::{CacheClient, MomentoErrorCode, MomentoResult};
use momento_emulator::Emulator;

mod access;
mod calls;
mod conditions;
mod connections;
mod control;
mod faults;
mod late;
mod ttl;

const CACHE: &str = "requests";

/// Far longer than any call takes: only a hang meets it.
const PATIENT: Duration = Duration::from_secs(30);
/// For calls that are never answered.
const BRIEF: Duration = Duration::from_millis(100);

fn emulator() -> Emulator {
    let emulator = Emulator::start().unwrap();
    emulator.create_cache(CACHE);
    emulator
}

fn started() -> (Emulator, CacheClient) {
    let emulator = emulator();
    let client = emulator.client(PATIENT);
    (emulator, client)
}

fn stored(emulator: &Emulator, key: &str) -> Option<String> {
    let mut items = emulator.items(CACHE);
    let value = items.remove(key.as_bytes())?;
    Some(String::from_utf8(value).unwrap())
}

/// What a `get` answers, as text.
async fn read(client: &CacheClient, key: &str) -> Option<String> {
    client.get(CACHE, key).await.unwrap().try_into().ok()
}

fn code<T: std::fmt::Debug>(result: MomentoResult<T>) -> MomentoErrorCode {
    result.unwrap_err().error_code
}
