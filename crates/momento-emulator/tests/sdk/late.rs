//! Writes that land after they were answered.

use std::time::Duration;

use momento::{MomentoErrorCode, cache::SetIfEqualRequest};
use momento_emulator::{Code, Data, Emulator, Fault, Landing, Method};

use crate::{CACHE, code, started, stored};

const SECOND: Duration = Duration::from_secs(1);

fn next_lands(emulator: &Emulator, landing: Landing) {
    let fault = Fault::LandLate(landing, Code::Cancelled);
    emulator.faults().next(Method::SetIf, fault);
}

#[tokio::test]
async fn a_late_write_lands_when_its_time_has_come() {
    let (emulator, client) = started();
    emulator.clock().freeze();
    next_lands(&emulator, Landing::In(SECOND * 5));
    let error = code(client.set_if_absent(CACHE, "k", "v").await);
    assert_eq!(error, MomentoErrorCode::CancelledError);
    emulator.clock().advance(SECOND * 4);
    assert_eq!(stored(&emulator, "k"), None);
    emulator.clock().advance(SECOND);
    assert_eq!(stored(&emulator, "k").as_deref(), Some("v"));
}

#[tokio::test]
async fn a_late_write_lands_when_told() {
    let (emulator, client) = started();
    next_lands(&emulator, Landing::WhenTold);
    client.set_if_absent(CACHE, "k", "v").await.unwrap_err();
    assert_eq!((emulator.late_writes(), stored(&emulator, "k")), (1, None));
    emulator.land_late_writes();
    assert_eq!(emulator.late_writes(), 0);
    assert_eq!(stored(&emulator, "k").as_deref(), Some("v"));
}

#[tokio::test]
async fn a_late_write_meets_its_condition_when_it_lands() {
    let (emulator, client) = started();
    next_lands(&emulator, Landing::WhenTold);
    client.set_if_absent(CACHE, "k", "late").await.unwrap_err();
    client.set_if_absent(CACHE, "k", "first").await.unwrap();
    emulator.land_late_writes();
    assert_eq!(stored(&emulator, "k").as_deref(), Some("first"));
}

#[tokio::test]
async fn the_ttl_of_a_late_write_runs_from_its_landing() {
    let (emulator, client) = started();
    emulator.clock().freeze();
    client.set_if_absent(CACHE, "k", "v").await.unwrap();
    next_lands(&emulator, Landing::In(SECOND * 2));
    let renewal = SetIfEqualRequest::new(CACHE, "k", "v", "v").ttl(SECOND * 3);
    client.send_request(renewal).await.unwrap_err();
    emulator.clock().advance(SECOND * 4);
    assert_eq!(stored(&emulator, "k").as_deref(), Some("v"));
    emulator.clock().advance(SECOND);
    assert_eq!(stored(&emulator, "k"), None);
}

#[tokio::test]
async fn late_writes_land_in_the_order_of_their_times() {
    let (emulator, client) = started();
    emulator.clock().freeze();
    next_lands(&emulator, Landing::In(SECOND * 2));
    client.set_if_absent(CACHE, "k", "later").await.unwrap_err();
    next_lands(&emulator, Landing::In(SECOND));
    client
        .set_if_absent(CACHE, "k", "sooner")
        .await
        .unwrap_err();
    emulator.clock().advance(SECOND * 3);
    assert_eq!(stored(&emulator, "k").as_deref(), Some("sooner"));
}

#[tokio::test]
async fn a_late_write_survives_a_restart_only_with_the_data() {
    for (data, survives) in [(Data::Kept, true), (Data::Lost, false)] {
        let (emulator, client) = started();
        next_lands(&emulator, Landing::WhenTold);
        client.set_if_absent(CACHE, "k", "v").await.unwrap_err();
        emulator.restart(data).unwrap();
        emulator.land_late_writes();
        assert_eq!(stored(&emulator, "k").is_some(), survives);
    }
}
