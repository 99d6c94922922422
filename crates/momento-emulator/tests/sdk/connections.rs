//! Death, restarts, resets and silence.

use std::{
    io::{ErrorKind, Read},
    net::TcpStream,
    sync::Arc,
};

use momento::{CacheClient, MomentoErrorCode};
use momento_emulator::{Data, Emulator, Fault, Method, When};

use crate::{BRIEF, CACHE, PATIENT, code, emulator, read, started, stored};

/// Calls until a call is answered: the first may still meet what was wrong before.
async fn answered(client: &CacheClient) {
    let answered = async { while client.get(CACHE, "k").await.is_err() {} };
    tokio::time::timeout(PATIENT, answered).await.unwrap();
}

fn connect(emulator: &Emulator) -> std::io::Result<TcpStream> {
    TcpStream::connect(emulator.endpoint().replace("http://", ""))
}

#[tokio::test]
async fn a_dead_emulator_is_unavailable_once_the_client_has_noticed() {
    let (emulator, client) = started();
    client.set_if_absent(CACHE, "k", "v").await.unwrap();
    emulator.kill();
    // A call on the connection that died is one of a kind: it may have been carried out.
    let first = code(client.get(CACHE, "k").await);
    let unnoticed = MomentoErrorCode::InternalServerError;
    assert!([unnoticed, MomentoErrorCode::ServerUnavailable].contains(&first));
    let second = code(client.get(CACHE, "k").await);
    assert_eq!(second, MomentoErrorCode::ServerUnavailable);
}

#[tokio::test]
async fn the_first_call_after_a_restart_works() {
    let (emulator, client) = started();
    client.set_if_absent(CACHE, "k", "v").await.unwrap();
    emulator.kill();
    client.get(CACHE, "k").await.unwrap_err();
    emulator.restart(Data::Kept).unwrap();
    assert_eq!(read(&client, "k").await.as_deref(), Some("v"));
}

#[tokio::test]
async fn a_restart_may_lose_the_items_but_never_the_cache() {
    let (emulator, client) = started();
    client.set_if_absent(CACHE, "k", "v").await.unwrap();
    emulator.kill();
    emulator.restart(Data::Lost).unwrap();
    answered(&client).await;
    assert_eq!(read(&client, "k").await, None);
}

#[tokio::test]
async fn a_new_client_of_a_dead_emulator_is_built_and_then_fails() {
    let emulator = emulator();
    emulator.kill();
    let client = emulator.client(BRIEF);
    let error = code(client.get(CACHE, "k").await);
    assert_eq!(error, MomentoErrorCode::ServerUnavailable);
    emulator.restart(Data::Kept).unwrap();
    assert_eq!(read(&client, "k").await, None);
}

#[tokio::test]
async fn a_crash_before_writes_nothing_and_a_crash_after_has_written() {
    for (when, value) in [(When::Before, None), (When::After, Some("v"))] {
        let (emulator, client) = started();
        emulator.faults().next(Method::SetIf, Fault::Crash(when));
        let error = code(client.set_if_absent(CACHE, "k", "v").await);
        assert_eq!(error, MomentoErrorCode::InternalServerError);
        connect(&emulator).unwrap_err();
        emulator.restart(Data::Kept).unwrap();
        assert_eq!(stored(&emulator, "k").as_deref(), value);
        assert_eq!(read(&client, "k").await.as_deref(), value);
    }
}

#[tokio::test]
async fn a_reset_before_writes_nothing_and_a_reset_after_has_written() {
    for (when, value) in [(When::Before, None), (When::After, Some("v"))] {
        let (emulator, client) = started();
        emulator.faults().next(Method::SetIf, Fault::Reset(when));
        let error = code(client.set_if_absent(CACHE, "k", "v").await);
        assert_eq!(error, MomentoErrorCode::InternalServerError);
        assert_eq!(stored(&emulator, "k").as_deref(), value);
        assert_eq!(read(&client, "k").await.as_deref(), value);
    }
}

#[tokio::test]
async fn a_mute_connection_passes_the_deadline_and_is_heard_again() {
    let emulator = emulator();
    let client = emulator.client(BRIEF);
    assert_eq!(read(&client, "k").await, None);
    emulator.faults().mute_connections();
    let error = code(client.get(CACHE, "k").await);
    assert_eq!(error, MomentoErrorCode::CancelledError);
    emulator.faults().unmute_connections();
    answered(&client).await;
}

#[tokio::test]
async fn a_new_connection_to_a_mute_emulator_is_accepted_and_never_answered() {
    let emulator = emulator();
    emulator.faults().mute_connections();
    let client = emulator.client(BRIEF);
    let error = code(client.get(CACHE, "k").await);
    assert_eq!(error, MomentoErrorCode::CancelledError);
    assert_eq!(emulator.calls().total(), 0);
    emulator.faults().clear();
    answered(&client).await;
}

#[test]
fn a_killed_emulator_resets_its_connections() {
    let emulator = emulator();
    let mut connection = connect(&emulator).unwrap();
    // The first byte of its greeting shows that it was accepted.
    connection.read_exact(&mut [0]).unwrap();
    emulator.kill();
    let error = connection.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    connect(&emulator).unwrap_err();
}

#[test]
fn a_dropped_emulator_gives_its_port_back() {
    let emulator = emulator();
    let addr = emulator.endpoint().replace("http://", "");
    drop(emulator);
    TcpStream::connect(&addr).unwrap_err();
    Emulator::start_at(addr.parse().unwrap()).unwrap();
}

#[test]
fn a_taken_address_is_an_error() {
    let emulator = emulator();
    let addr = emulator.endpoint().replace("http://", "");
    Emulator::start_at(addr.parse().unwrap()).unwrap_err();
}

#[test]
fn one_emulator_serves_runtimes_that_come_and_go() {
    let emulator = Arc::new(emulator());
    for _ in 0..3 {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let client = runtime.block_on(async { emulator.client(PATIENT) });
        runtime.block_on(client.set(CACHE, "k", "v")).unwrap();
    }
    assert_eq!(emulator.calls().of(Method::Set), 3);
}
