//! Races on one key, from every state that it may be in: a completion that is held and a takeover that is
//! owned never both. `IDEM_RACE_ROUNDS` sets how many.

use std::{sync::Arc, time::Duration};

use idem_core::{
    Idempotency, IdempotencyKey, IdempotencyStore, Policy, RecordKey, TravellingLease,
    store::{Claim, Fenced, Fingerprint, Identity, Lease, NotKept, OwnerToken, Record},
};
use idem_sqlx::PostgresStore;
use sqlx::AssertSqlSafe;
use tokio::{sync::Barrier, task::JoinSet, time::sleep};

use crate::server::{LEVELS, pool, run, tables_of_its_own};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(3);

/// What stands under the key before the race.
#[derive(Clone, Copy, Debug)]
enum Prior {
    Absent,
    Pending,
    /// Its lease ends while the race runs.
    Ending,
    Lapsed,
    /// Its lease was renewed for a moment, which ends while the race runs.
    RenewedAndEnding,
    /// Its lease was made to end by a renewal that is shorter.
    Shortened,
    RenewedWhileRacing,
    Released,
    CompletedByAnother,
    CompletedAndExpired,
    Swept,
}

const PRIORS: [Prior; 11] = [
    Prior::Absent,
    Prior::Pending,
    Prior::Ending,
    Prior::Lapsed,
    Prior::RenewedAndEnding,
    Prior::Shortened,
    Prior::RenewedWhileRacing,
    Prior::Released,
    Prior::CompletedByAnother,
    Prior::CompletedAndExpired,
    Prior::Swept,
];

pub(crate) fn key() -> RecordKey {
    let (one, two) = (OwnerToken::random(), OwnerToken::random());
    let bytes = [*one.as_bytes(), *two.as_bytes()].concat();
    RecordKey::from_bytes(bytes.try_into().unwrap())
}

pub(crate) fn lease(duration: Duration) -> Lease {
    Lease::new(Identity::new(Fingerprint::from_bytes([7; 32])), duration)
}

fn lasting(lease: &Lease, duration: Duration) -> Lease {
    Lease::of_owner(*lease.owner(), *lease.identity(), duration)
}

/// How the old owner completes.
#[derive(Clone, Copy, Debug)]
enum Completing {
    Plainly,
    /// In a transaction of this level, with an effect.
    Enlisted(&'static str),
}

const COMPLETING: [Completing; 4] = [
    Completing::Plainly,
    Completing::Enlisted(LEVELS[0]),
    Completing::Enlisted(LEVELS[1]),
    Completing::Enlisted(LEVELS[2]),
];

/// What a contender got.
#[derive(Debug, PartialEq)]
enum Got {
    Completed(Fenced),
    Renewed(Fenced),
    Claimed(Box<(Lease, Claim)>),
    Swept,
}

fn rounds() -> usize {
    let rounds = std::env::var("IDEM_RACE_ROUNDS").ok();
    rounds.map_or(550, |rounds| rounds.parse().unwrap())
}

async fn stores() -> ([PostgresStore; 2], String) {
    let tables = tables_of_its_own().await;
    let sql = PostgresStore::migrations(&tables)[0].sql().to_owned();
    let effects = format!("{}.effects", sql.split('"').nth(1).unwrap());
    run(&format!("CREATE TABLE {effects} (owner bytea PRIMARY KEY)")).await;
    let store = async || {
        let builder = PostgresStore::builder(&pool())
            .tables(tables.clone())
            // A race that waits for the machine shows nothing.
            .call_timeout(Duration::from_secs(30));
        let builder = builder.sweep_every(Duration::from_millis(2)).connections(8);
        builder.prepare().await.unwrap()
    };
    ([store().await, store().await], effects)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_completion_and_takeover_one_wins() {
    let (stores, effects) = stores().await;
    let mut wins = [0; 3];
    for round in 0..rounds() {
        let prior = PRIORS[round % PRIORS.len()];
        let (key, old) = (key(), lease(LONG));
        set_up(&stores[0], prior, &key, &old).await;
        let completing = COMPLETING[round / PRIORS.len() % COMPLETING.len()];
        let got = race(&stores, &key, &old, completing, &effects).await;
        let held = got.contains(&Got::Completed(Fenced::Held));
        let owners: Vec<_> = got
            .iter()
            .filter_map(|got| match got {
                Got::Claimed(claimed) if claimed.1 == Claim::Owned => Some(&claimed.0),
                _ => None,
            })
            .collect();
        let case = format!("round {round}, {prior:?}, {completing:?}: {got:?}");
        assert!(owners.len() <= 1, "two owners; {case}");
        assert!(!held || owners.is_empty(), "held and owned; {case}");
        let renewed = got.contains(&Got::Renewed(Fenced::Held));
        assert!(!renewed || owners.is_empty(), "renewed and owned; {case}");
        consistent(
            &stores[1],
            &key,
            &old,
            held,
            owners.first().copied(),
            completing,
            &case,
        )
        .await;
        let has_effect = count(&effects, &old).await == 1;
        let enlisted = matches!(completing, Completing::Enlisted(_));
        assert_eq!(
            has_effect,
            held && enlisted,
            "an effect without a record; {case}"
        );
        wins[if held {
            0
        } else if owners.is_empty() {
            2
        } else {
            1
        }] += 1;
    }
    let [held, owned, neither] = wins;
    println!("{held} completed, {owned} taken, {neither} neither");
    assert!(
        held > 0 && owned > 0,
        "a race that one side always wins shows nothing"
    );
}

async fn set_up(store: &PostgresStore, prior: Prior, key: &RecordKey, old: &Lease) {
    let other = lease(LONG);
    let own = async |duration| {
        let claim = store.claim(key, &lasting(old, duration)).await.unwrap();
        assert_eq!(claim, Claim::Owned);
    };
    let renew = async |duration| {
        let _ = store.renew(key, &lasting(old, duration)).await.unwrap();
    };
    match prior {
        Prior::Absent => {}
        Prior::Pending | Prior::RenewedWhileRacing => own(LONG).await,
        Prior::Ending => own(SHORT).await,
        Prior::Lapsed => {
            own(Duration::from_millis(1)).await;
            sleep(SHORT).await;
        }
        Prior::RenewedAndEnding => {
            own(Duration::from_millis(30)).await;
            renew(Duration::from_millis(31)).await;
            sleep(Duration::from_millis(29)).await;
        }
        Prior::Shortened => {
            own(LONG).await;
            renew(SHORT).await;
        }
        Prior::Released => {
            own(LONG).await;
            assert_eq!(store.release(key, old).await.unwrap(), Fenced::Held);
        }
        Prior::CompletedByAnother => complete(store, key, &other, LONG).await,
        Prior::CompletedAndExpired => {
            complete(store, key, &other, Duration::from_millis(1)).await;
            sleep(SHORT).await;
        }
        Prior::Swept => {
            complete(store, key, &other, Duration::from_millis(1)).await;
            sleep(SHORT).await;
            store.sweep().await.unwrap();
        }
    }
}

async fn complete(store: &PostgresStore, key: &RecordKey, lease: &Lease, kept: Duration) {
    assert_eq!(store.claim(key, lease).await.unwrap(), Claim::Owned);
    let done = NotKept::Stream.into();
    let completed = store.complete(key, lease, &done, kept).await.unwrap();
    assert_eq!(completed, Fenced::Held);
}

/// The old owner completes and renews, two others claim, and expired rows are swept, all at once.
async fn race(
    stores: &[PostgresStore; 2],
    key: &RecordKey,
    old: &Lease,
    completing: Completing,
    effects: &str,
) -> Vec<Got> {
    let start = Arc::new(Barrier::new(5));
    let mut racing = JoinSet::new();
    for number in 0..5 {
        let (store, start) = (stores[number % 2].clone(), Arc::clone(&start));
        let (key, old, effects) = (*key, *old, effects.to_owned());
        racing.spawn(async move {
            let done = NotKept::Stream.into();
            let enlisted = match completing {
                Completing::Enlisted(level) if number == 0 => {
                    Some(enlist(&store, &key, &old, level, &effects).await)
                }
                _ => None,
            };
            start.wait().await;
            match number {
                0 => Got::Completed(match enlisted {
                    Some(continuation) => continuation.complete(done).await.unwrap(),
                    None => store.complete(&key, &old, &done, LONG).await.unwrap(),
                }),
                1 => Got::Renewed(store.renew(&key, &old).await.unwrap()),
                4 => {
                    store.sweep().await.unwrap();
                    Got::Swept
                }
                _ => {
                    let lease = lease(LONG);
                    let claim = store.claim(&key, &lease).await.unwrap();
                    Got::Claimed(Box::new((lease, claim)))
                }
            }
        });
    }
    racing.join_all().await
}

/// Has an effect in a transaction that is handed over.
async fn enlist(
    store: &PostgresStore,
    key: &RecordKey,
    old: &Lease,
    level: &'static str,
    effects: &str,
) -> idem_core::Continuation {
    let idempotency = Idempotency::new(store.clone(), Policy::reference());
    let name = IdempotencyKey::new("k").unwrap();
    let continuation = idempotency.resume(TravellingLease::new(name, *key, *old));
    let mut tx = store
        .begin_with(Some(continuation.current()), level)
        .await
        .unwrap();
    let sql = AssertSqlSafe(format!("INSERT INTO {effects} VALUES ($1)"));
    let inserting = sqlx::query(sql).bind(&old.owner().as_bytes()[..]);
    inserting.execute(&mut *tx).await.unwrap();
    tx.commit_with_response().await.unwrap();
    continuation
}

async fn count(effects: &str, old: &Lease) -> i64 {
    static POOL: tokio::sync::OnceCell<sqlx::PgPool> = tokio::sync::OnceCell::const_new();
    let pool = POOL.get_or_init(async || pool()).await;
    let sql = AssertSqlSafe(format!("SELECT count(*) FROM {effects} WHERE owner = $1"));
    let asking = sqlx::query_scalar(sql).bind(&old.owner().as_bytes()[..]);
    asking.fetch_one(pool).await.unwrap()
}

/// What stands there in the end is the winner's.
async fn consistent(
    store: &PostgresStore,
    key: &RecordKey,
    old: &Lease,
    held: bool,
    owner: Option<&Lease>,
    completing: Completing,
    case: &str,
) {
    let found = store.look_up(key).await.unwrap();
    let found = found.as_ref().map(idem_core::store::Stored::record);
    match (held, owner, found) {
        (true, _, Some(Record::Completed(found))) => {
            assert_eq!(found.owner(), old.owner(), "{case}");
        }
        (_, Some(owner), Some(Record::Pending(found))) => {
            assert_eq!(found.owner(), owner.owner(), "{case}");
        }
        (false, None, Some(Record::Completed(found))) => {
            assert_ne!(found.owner(), old.owner(), "{case}");
        }
        // What failed was undone, and freed its key.
        (false, None, None) if matches!(completing, Completing::Enlisted(_)) => {}
        _ => panic!("{found:?} stands there; {case}"),
    }
}
