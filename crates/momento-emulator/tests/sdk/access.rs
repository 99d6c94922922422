//! Who gets in, and what is refused.

use momento::{CacheClient, CredentialProvider, MomentoErrorCode, cache::configurations};
use momento_emulator::Limits;

use crate::{CACHE, PATIENT, code, emulator, read, started};

/// A v2 API key of another account.
const FOREIGN_KEY: &str = "e30.eyJ0IjoiZyJ9.c2lnbmF0dXJl";

fn client_with(credentials: CredentialProvider, endpoint: &str) -> CacheClient {
    CacheClient::builder()
        .default_ttl(PATIENT)
        .configuration(configurations::Laptop::latest())
        .credential_provider(credentials.insecure_endpoint_override(endpoint))
        .build()
        .unwrap()
}

#[tokio::test]
async fn the_api_key_is_let_in() {
    let emulator = emulator();
    let credentials = CredentialProvider::from_api_key_v2(emulator.api_key(), "nowhere").unwrap();
    let client = client_with(credentials, &emulator.endpoint());
    assert_eq!(read(&client, "k").await, None);
}

#[tokio::test]
async fn the_token_is_let_in() {
    let emulator = emulator();
    let credentials = CredentialProvider::from_disposable_token(emulator.token()).unwrap();
    let client = client_with(credentials, &emulator.endpoint());
    assert_eq!(read(&client, "k").await, None);
}

#[tokio::test]
async fn another_key_is_refused_and_writes_nothing() {
    let emulator = emulator();
    let credentials = CredentialProvider::from_api_key_v2(FOREIGN_KEY, "nowhere").unwrap();
    let client = client_with(credentials, &emulator.endpoint());
    let refused = MomentoErrorCode::AuthenticationError;
    assert_eq!(code(client.set(CACHE, "k", "v").await), refused);
    assert_eq!(code(client.list_caches().await), refused);
    assert_eq!(code(client.increment(CACHE, "k", 1).await), refused);
    assert!(emulator.items(CACHE).is_empty());
}

#[tokio::test]
async fn an_unknown_cache_is_refused() {
    let (_emulator, client) = started();
    let refused = MomentoErrorCode::CacheNotFoundError;
    assert_eq!(code(client.get("unknown", "k").await), refused);
    assert_eq!(
        code(client.set_if_absent("unknown", "k", "v").await),
        refused
    );
    assert_eq!(code(client.delete("unknown", "k").await), refused);
}

#[tokio::test]
async fn an_item_may_be_as_large_as_the_limit_with_its_key() {
    let (_emulator, client) = started();
    let value = vec![7; 5 * 1024 * 1024 - 1];
    client
        .set_if_absent(CACHE, "k", value.clone())
        .await
        .unwrap();
    let read: Vec<u8> = client.get(CACHE, "k").await.unwrap().try_into().unwrap();
    assert_eq!(read, value);
    let refused = code(client.set_if_absent(CACHE, "kk", value).await);
    assert_eq!(refused, MomentoErrorCode::LimitExceededError);
}

#[tokio::test]
async fn a_too_large_item_is_named_as_the_reason() {
    let (emulator, client) = started();
    emulator.limit_cache(
        CACHE,
        Limits {
            item_kib: 1,
            ..Limits::default()
        },
    );
    let error = client.set(CACHE, "k", vec![0; 1024]).await.unwrap_err();
    assert_eq!(error.error_code, MomentoErrorCode::LimitExceededError);
    assert_eq!(error.message, "Item size limit exceeded for this account");
}

#[tokio::test]
async fn what_the_client_itself_refuses_never_arrives() {
    let (emulator, client) = started();
    let refused = code(client.set(CACHE, "k", vec![0; 10_486_001]).await);
    assert_eq!(refused, MomentoErrorCode::LimitExceededError);
    assert_eq!(emulator.calls().total(), 0);
}

#[tokio::test]
async fn any_other_call_is_unimplemented() {
    let (_emulator, client) = started();
    let refused = code(client.increment(CACHE, "k", 1).await);
    assert_eq!(refused, MomentoErrorCode::BadRequestError);
}
