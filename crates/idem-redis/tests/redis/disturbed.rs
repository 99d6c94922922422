//! What each operation answers while something goes wrong, and that the call after it works.

use std::time::Duration;

use idem_core::{
    IdempotencyStore, RecordKey,
    store::{Claim, Fenced, Lease, Operation, Record, StoreError, StoreErrorKind, Stored},
};
use idem_redis::RedisStore;
use test_servers::{Redis, RedisRelay};
use tokio::time::{Instant, sleep};

use crate::server::{LONG, REDIS, VALKEY, complete, connect, key, lease, response, teach};

const OPERATIONS: [Operation; 5] = [
    Operation::Claim,
    Operation::Renew,
    Operation::Complete,
    Operation::Release,
    Operation::LookUp,
];

async fn operate(
    store: &RedisStore,
    operation: Operation,
    key: &RecordKey,
    lease: &Lease,
) -> Result<(), StoreError> {
    match operation {
        Operation::Claim => store.claim(key, lease).await.map(drop),
        Operation::Renew => store.renew(key, lease).await.map(drop),
        Operation::Complete => {
            let response = response(b"1");
            store.complete(key, lease, &response, LONG).await.map(drop)
        }
        Operation::Release => store.release(key, lease).await.map(drop),
        _ => store.look_up(key).await.map(drop),
    }
}

/// What stands under the key, in one word.
async fn state(store: &RedisStore, key: &RecordKey) -> &'static str {
    let found = store.look_up(key).await.unwrap();
    match found.as_ref().map(Stored::record) {
        None => "absent",
        Some(Record::Pending(_)) => "pending",
        Some(Record::Completed(_)) => "completed",
        Some(Record::Unreadable) => "unreadable",
    }
}

/// Puts a key into the state in which the operation finds it; its lease is the owner's.
async fn set_up(store: &RedisStore, operation: Operation) -> (RecordKey, Lease) {
    let (key, owner) = (key(), lease(LONG));
    if operation != Operation::Claim {
        assert_eq!(store.claim(&key, &owner).await.unwrap(), Claim::Owned);
    }
    (key, owner)
}

const fn landed(operation: Operation) -> &'static str {
    match operation {
        Operation::Complete => "completed",
        Operation::Release => "absent",
        _ => "pending",
    }
}

const fn not_landed(operation: Operation) -> &'static str {
    match operation {
        Operation::Claim => "absent",
        _ => "pending",
    }
}

fn is(error: &StoreError, kind: StoreErrorKind, may_have_landed: bool) -> bool {
    error.kind() == kind
        && error.may_have_landed() == (may_have_landed && error.operation() != Operation::LookUp)
}

/// Cuts the connection of each operation, looks at what stands there then, and asks again.
async fn is_cut(cut: fn(&RedisRelay), then: fn(Operation) -> &'static str) {
    for server in [&*REDIS, &*VALKEY] {
        let relay = RedisRelay::to(server.port()).unwrap();
        let (store, other) = (connect(&relay.url()).await, connect(&server.url()).await);
        teach(&other).await;
        for operation in OPERATIONS {
            let (key, owner) = set_up(&store, operation).await;
            cut(&relay);
            let error = operate(&store, operation, &key, &owner).await.unwrap_err();
            assert!(is(&error, StoreErrorKind::Unavailable, true), "{error:?}");
            assert_eq!(state(&other, &key).await, then(operation));
            operate(&store, operation, &key, &owner).await.unwrap();
            assert_eq!(state(&other, &key).await, landed(operation));
        }
    }
}

// S83
#[tokio::test]
async fn a_connection_that_is_cut_before_the_server_has_the_call() {
    is_cut(RedisRelay::cut_before_script, not_landed).await;
}

// S83
#[tokio::test]
async fn a_connection_that_is_cut_before_the_client_has_the_answer() {
    is_cut(RedisRelay::cut_after_script, landed).await;
}

// S83
#[tokio::test]
async fn a_server_that_was_killed_and_started_again() {
    for server in [Redis::start().unwrap(), Redis::start_valkey().unwrap()] {
        let store = connect(&server.url()).await;
        let (key, owner) = set_up(&store, Operation::Renew).await;
        server.kill();
        let error = store.claim(&key, &lease(LONG)).await.unwrap_err();
        assert!(is(&error, StoreErrorKind::Unavailable, true), "{error:?}");
        for operation in OPERATIONS {
            let error = operate(&store, operation, &key, &owner).await.unwrap_err();
            assert!(is(&error, StoreErrorKind::Unavailable, false), "{error:?}");
        }

        server.start_again().unwrap();
        // It came back empty: the lease is nobody's, and what was done is remembered.
        assert_eq!(
            renewed_once_it_is_back(&store, &key, &owner).await,
            Fenced::Lost
        );
        assert_eq!(complete(&store, &key, &owner).await, Fenced::Held);
        assert_eq!(state(&store, &key).await, "completed");

        // Nobody called it while it was away.
        server.kill();
        server.start_again().unwrap();
        let other = lease(LONG);
        let claimed = match store.claim(&key, &other).await {
            Err(error) if error.may_have_landed() => store.claim(&key, &other).await,
            answer => answer,
        };
        assert_eq!(claimed.unwrap(), Claim::Owned);
        assert_eq!(complete(&store, &key, &owner).await, Fenced::Lost);
    }
}

/// An attempt to connect that began before the server was back may still fail, and then nothing was sent.
async fn renewed_once_it_is_back(store: &RedisStore, key: &RecordKey, owner: &Lease) -> Fenced {
    let begun = Instant::now();
    loop {
        match store.renew(key, owner).await {
            Ok(fenced) => return fenced,
            Err(error) => {
                assert!(is(&error, StoreErrorKind::Unavailable, false), "{error:?}");
                assert!(begun.elapsed() < LONG, "it never connects again");
                sleep(PAUSE / 10).await;
            }
        }
    }
}

// S83
#[tokio::test]
async fn a_server_that_stands_still() {
    const CALL: Duration = Duration::from_millis(200);
    for server in [Redis::start().unwrap(), Redis::start_valkey().unwrap()] {
        let builder = RedisStore::builder(server.url()).call_timeout(CALL);
        let store = builder.connect().await.unwrap();
        teach(&store).await;
        for operation in OPERATIONS {
            let (key, owner) = set_up(&store, operation).await;
            server.command(&["CLIENT", "PAUSE", "400", "ALL"]).unwrap();
            let begun = Instant::now();
            let error = operate(&store, operation, &key, &owner).await.unwrap_err();
            assert!(is(&error, StoreErrorKind::Timeout, true), "{error:?}");
            assert!(begun.elapsed() < 2 * CALL, "{:?}", begun.elapsed());
            // A command of its own connection waits until the pause is over; what was given up has landed then.
            server.command(&["PING"]).unwrap();
            assert_eq!(state(&store, &key).await, landed(operation));
            operate(&store, operation, &key, &owner).await.unwrap();
            assert_eq!(state(&store, &key).await, landed(operation));
        }
    }
}

// S83
#[tokio::test]
async fn a_network_that_forgot_the_connection() {
    const CALL: Duration = Duration::from_millis(100);
    let relay = RedisRelay::to(REDIS.port()).unwrap();
    let builder = RedisStore::builder(relay.url()).call_timeout(CALL);
    let store = builder.connect().await.unwrap();
    relay.silence();
    let (key, owner) = (key(), lease(LONG));
    for _ in 0..3 {
        let error = store.claim(&key, &owner).await.unwrap_err();
        assert!(is(&error, StoreErrorKind::Timeout, true), "{error:?}");
    }
    assert_eq!(store.claim(&key, &owner).await.unwrap(), Claim::Owned);
}

// S83
#[tokio::test]
async fn a_server_that_refused_the_password_for_a_while() {
    // The two versions of the protocol refuse it with different errors.
    for protocol in ["resp2", "resp3"] {
        refuses_the_password_for_a_while(protocol).await;
    }
}

async fn refuses_the_password_for_a_while(protocol: &str) {
    let server = Redis::start().unwrap();
    server
        .command(&["CONFIG", "SET", "requirepass", "secret"])
        .unwrap();
    let url = format!("redis://:secret@127.0.0.1:{}", server.port());
    let store = connect(&format!("{url}?protocol={protocol}")).await;
    let admin = redis_of(&url).await;
    let (key, owner) = (key(), lease(LONG));
    ask(&admin, &["CONFIG", "SET", "requirepass", "other"]).await;
    ask(
        &admin,
        &["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"],
    )
    .await;
    let _ = store.claim(&key, &owner).await.unwrap_err();
    for _ in 0..2 {
        let error = store.claim(&key, &owner).await.unwrap_err();
        assert!(is(&error, StoreErrorKind::Rejected, false), "{error:?}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
    ask(&admin, &["CONFIG", "SET", "requirepass", "secret"]).await;
    // It connects ten times a second at most.
    let begun = Instant::now();
    while store.claim(&key, &owner).await.is_err() {
        let never = "it never connects again";
        assert!(begun.elapsed() < 100 * PAUSE, "{protocol}: {never}");
        sleep(PAUSE / 10).await;
    }
}

// S83
#[tokio::test]
async fn a_server_that_had_no_connection_to_give_for_a_while() {
    let server = Redis::start().unwrap();
    let store = connect(&server.url()).await;
    let admin = redis_of(&server.url()).await;
    ask(&admin, &["CONFIG", "SET", "maxclients", "1"]).await;
    let others = ["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"];
    ask(&admin, &others).await;
    let (key, owner) = (key(), lease(LONG));
    for _ in 0..5 {
        let error = store.claim(&key, &owner).await.unwrap_err();
        let kinds = [StoreErrorKind::Unavailable, StoreErrorKind::Full];
        assert!(kinds.contains(&error.kind()), "{error:?}");
    }
    ask(&admin, &["CONFIG", "SET", "maxclients", "100"]).await;
    let begun = Instant::now();
    while store.claim(&key, &owner).await.is_err() {
        assert!(begun.elapsed() < 100 * PAUSE, "it never connects again");
        sleep(PAUSE / 10).await;
    }
}

const PAUSE: Duration = Duration::from_millis(100);

async fn redis_of(url: &str) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(url).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

async fn ask(connection: &redis::aio::MultiplexedConnection, words: &[&str]) {
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    let mut connection = connection.clone();
    command.exec_async(&mut connection).await.unwrap();
}

// S84
#[tokio::test]
async fn a_server_that_is_full() {
    for server in [Redis::start().unwrap(), Redis::start_valkey().unwrap()] {
        let store = connect(&server.url()).await;
        let (running, done, free) = (key(), key(), key());
        let owner = lease(LONG);
        for key in [&running, &done, &free] {
            assert_eq!(store.claim(key, &owner).await.unwrap(), Claim::Owned);
        }
        assert_eq!(complete(&store, &done, &owner).await, Fenced::Held);
        // It has more than that already, and evicts nothing.
        server
            .command(&["CONFIG", "SET", "maxmemory", "1"])
            .unwrap();

        let fresh = key();
        let error = store.claim(&fresh, &lease(LONG)).await.unwrap_err();
        assert!(is(&error, StoreErrorKind::Full, false), "{error:?}");
        let duplicate = store.claim(&running, &lease(LONG)).await.unwrap();
        assert!(matches!(duplicate, Claim::Taken(Record::Pending(_))));
        let replay = store.claim(&done, &lease(LONG)).await.unwrap();
        assert!(matches!(replay, Claim::Taken(Record::Completed(_))));
        assert_eq!(store.claim(&running, &owner).await.unwrap(), Claim::Owned);
        assert_eq!(store.renew(&running, &owner).await.unwrap(), Fenced::Held);

        // Far larger than the claim that made room for it.
        let large = response(&[b'x'; 100_000]);
        let completed = store.complete(&running, &owner, &large, LONG).await;
        assert_eq!(completed.unwrap(), Fenced::Held);
        assert_eq!(state(&store, &running).await, "completed");
        assert_eq!(store.release(&free, &owner).await.unwrap(), Fenced::Held);

        // Its lease ran out, so nothing was admitted that this could take the place of.
        let late = response(b"1");
        let error = store.complete(&fresh, &owner, &late, LONG).await;
        let error = error.unwrap_err();
        assert!(is(&error, StoreErrorKind::Full, false), "{error:?}");
        assert_eq!(state(&store, &fresh).await, "absent");
    }
}
