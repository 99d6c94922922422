//! TTLs on the clock that tests turn.

use std::time::Duration;

use momento::{
    CacheClient, MomentoErrorCode,
    cache::{
        DecreaseTtlResponse, GetResponse, IncreaseTtlResponse, ItemGetTtlResponse,
        SetIfAbsentRequest, SetIfAbsentResponse, SetIfEqualRequest, SetIfEqualResponse,
        UpdateTtlResponse,
    },
};
use momento_emulator::Emulator;

use crate::{CACHE, code, started};

const MINUTE: Duration = Duration::from_secs(60);

/// With a frozen clock and an item that lives one minute.
async fn one_item() -> (Emulator, CacheClient) {
    let (emulator, client) = started();
    emulator.clock().freeze();
    assert_eq!(
        set_if_absent(&client, MINUTE).await,
        SetIfAbsentResponse::Stored
    );
    (emulator, client)
}

async fn set_if_absent(client: &CacheClient, ttl: Duration) -> SetIfAbsentResponse {
    let request = SetIfAbsentRequest::new(CACHE, "k", "v").ttl(ttl);
    client.send_request(request).await.unwrap()
}

async fn remaining(client: &CacheClient) -> Option<Duration> {
    match client.item_get_ttl(CACHE, "k").await.unwrap() {
        ItemGetTtlResponse::Hit { remaining_ttl } => Some(remaining_ttl),
        ItemGetTtlResponse::Miss => None,
    }
}

#[tokio::test]
async fn an_item_is_absent_at_the_very_instant_its_ttl_ends() {
    let (emulator, client) = one_item().await;
    emulator.clock().advance(MINUTE - Duration::from_millis(1));
    let hit = GetResponse::from("v");
    assert_eq!(client.get(CACHE, "k").await.unwrap(), hit);
    emulator.clock().advance(Duration::from_millis(1));
    assert_eq!(client.get(CACHE, "k").await.unwrap(), GetResponse::Miss);
}

#[tokio::test]
async fn an_expired_item_is_absent_to_conditions() {
    let (emulator, client) = one_item().await;
    emulator.clock().advance(MINUTE);
    let equal = client.set_if_equal(CACHE, "k", "new", "v").await.unwrap();
    assert_eq!(equal, SetIfEqualResponse::NotStored);
    assert_eq!(
        set_if_absent(&client, MINUTE).await,
        SetIfAbsentResponse::Stored
    );
}

#[tokio::test]
async fn a_write_starts_the_ttl_anew() {
    let (emulator, client) = one_item().await;
    emulator.clock().advance(MINUTE / 2);
    let renewal = SetIfEqualRequest::new(CACHE, "k", "v", "v").ttl(MINUTE);
    client.send_request(renewal).await.unwrap();
    assert_eq!(remaining(&client).await, Some(MINUTE));
}

#[tokio::test]
async fn a_write_that_is_not_stored_leaves_the_ttl() {
    let (emulator, client) = one_item().await;
    emulator.clock().advance(MINUTE / 2);
    assert_eq!(
        set_if_absent(&client, MINUTE).await,
        SetIfAbsentResponse::NotStored
    );
    assert_eq!(remaining(&client).await, Some(MINUTE / 2));
}

#[tokio::test]
async fn an_absent_item_has_no_ttl() {
    let (emulator, client) = one_item().await;
    emulator.clock().advance(MINUTE);
    assert_eq!(remaining(&client).await, None);
    let update = client.update_ttl(CACHE, "k", MINUTE).await.unwrap();
    assert_eq!(update, UpdateTtlResponse::Miss);
}

#[tokio::test]
async fn update_overwrites_the_ttl() {
    let (_emulator, client) = one_item().await;
    let update = client.update_ttl(CACHE, "k", MINUTE / 4).await.unwrap();
    assert_eq!(update, UpdateTtlResponse::Set);
    assert_eq!(remaining(&client).await, Some(MINUTE / 4));
}

#[tokio::test]
async fn increase_never_shortens() {
    let (_emulator, client) = one_item().await;
    let shorter = client.increase_ttl(CACHE, "k", MINUTE / 2).await.unwrap();
    assert_eq!(shorter, IncreaseTtlResponse::NotSet);
    let longer = client.increase_ttl(CACHE, "k", MINUTE * 2).await.unwrap();
    assert_eq!(longer, IncreaseTtlResponse::Set);
    assert_eq!(remaining(&client).await, Some(MINUTE * 2));
}

#[tokio::test]
async fn decrease_never_lengthens() {
    let (_emulator, client) = one_item().await;
    let longer = client.decrease_ttl(CACHE, "k", MINUTE * 2).await.unwrap();
    assert_eq!(longer, DecreaseTtlResponse::NotSet);
    let shorter = client.decrease_ttl(CACHE, "k", MINUTE / 2).await.unwrap();
    assert_eq!(shorter, DecreaseTtlResponse::Set);
    assert_eq!(remaining(&client).await, Some(MINUTE / 2));
}

#[tokio::test]
async fn a_ttl_of_zero_or_over_the_limit_is_refused() {
    let (_emulator, client) = started();
    let day = Duration::from_secs(24 * 60 * 60);
    for ttl in [
        Duration::ZERO,
        Duration::from_micros(999),
        day + Duration::from_millis(1),
    ] {
        let request = SetIfAbsentRequest::new(CACHE, "k", "v").ttl(ttl);
        let refused = code(client.send_request(request).await);
        assert_eq!(refused, MomentoErrorCode::InvalidArgumentError, "{ttl:?}");
    }
    assert_eq!(
        set_if_absent(&client, day).await,
        SetIfAbsentResponse::Stored
    );
}
