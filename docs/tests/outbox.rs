//! The guide's outbox, in a process that is killed while it sends.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

#[path = "../guide/client.rs"]
#[expect(unreachable_pub, reason = "it is made to be copied")]
#[allow(dead_code, reason = "the outbox posts by itself")]
mod client;
#[path = "../guide/outbox.rs"]
#[expect(unreachable_pub, reason = "it is made to be copied")]
mod outbox;

use std::{
    collections::HashMap,
    env, fs,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use idem_axum::{IdempotencyLayer, MemoryStore};
use idem_client::IdempotencyKey;
use sqlx::{SqlitePool, sqlite::SqliteConnectOptions};
use tokio::{net::TcpListener, sync::mpsc};

const FILE: &str = "OUTBOX_FILE";
const SERVER: &str = "OUTBOX_SERVER";
const TOKEN: &str = "token-that-must-not-be-stored";
const INVOICES: usize = 24;
const KILLS: usize = 8;

async fn open(file: &Path) -> SqlitePool {
    let options = SqliteConnectOptions::new().filename(file);
    let pool = SqlitePool::connect_with(options.create_if_missing(true))
        .await
        .unwrap();
    sqlx::query(outbox::TABLE).execute(&pool).await.unwrap();
    pool
}

#[tokio::test]
#[ignore = "no test by itself: the entry of the process that another test kills"]
async fn sends_until_it_is_killed() {
    let (Ok(file), Ok(server)) = (env::var(FILE), env::var(SERVER)) else {
        return;
    };
    let pool = open(file.as_ref()).await;
    let client = client::client(&server).unwrap();
    outbox::send_all(&pool, &client, TOKEN).await.unwrap();
}

fn start(file: &Path, server: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["sends_until_it_is_killed", "--exact", "--ignored"])
        .env(FILE, file)
        .env(SERVER, server)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// How often each invoice was paid, and who is told when one is.
#[derive(Clone)]
struct Bank {
    paid: Arc<Mutex<HashMap<String, usize>>>,
    paying: mpsc::UnboundedSender<()>,
}

async fn pay(
    State(bank): State<Bank>,
    headers: HeaderMap,
    invoice: String,
) -> (StatusCode, String) {
    assert_eq!(headers["authorization"], format!("Bearer {TOKEN}"));
    *bank
        .paid
        .lock()
        .unwrap()
        .entry(invoice.clone())
        .or_default() += 1;
    bank.paying.send(()).unwrap();
    // Killed now, the client does not hear of it.
    tokio::time::sleep(Duration::from_millis(20)).await;
    (StatusCode::CREATED, format!("paid: {invoice}"))
}

async fn bank() -> (String, Bank, mpsc::UnboundedReceiver<()>) {
    let (paying, told) = mpsc::unbounded_channel();
    let bank = Bank {
        paid: Arc::default(),
        paying,
    };
    let app = Router::new()
        .route("/payments", post(pay))
        .layer(IdempotencyLayer::new(MemoryStore::new()))
        .with_state(bank.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, app).into_future());
    (url, bank, told)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_while_it_sends_pays_every_invoice_once() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("outbox.db");
    let (server, bank, mut paying) = bank().await;
    let pool = open(&file).await;
    let mut transaction = pool.begin().await.unwrap();
    for number in 0..INVOICES {
        let key = IdempotencyKey::random();
        let url = format!("{server}/payments");
        outbox::store(
            &mut transaction,
            &key,
            &url,
            &format!("{{\"invoice\":{number}}}"),
        )
        .await
        .unwrap();
    }
    transaction.commit().await.unwrap();

    for kill in 0..KILLS {
        let mut sender = start(&file, &server);
        // At another payment each time; in the middle of it.
        for _ in 0..=kill % 3 {
            paying.recv().await.unwrap();
        }
        sender.kill().unwrap();
        assert!(
            !sender.wait().unwrap().success(),
            "it had ended before it was killed"
        );
    }
    let unanswered = "SELECT count(*) FROM outbox WHERE status IS NULL";
    let left: i64 = sqlx::query_scalar(unanswered)
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(left > 0, "nothing was left to do after {KILLS} kills");
    assert!(start(&file, &server).wait().unwrap().success());

    let left: i64 = sqlx::query_scalar(unanswered)
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(left, 0);
    let paid = bank.paid.lock().unwrap().clone();
    assert_eq!(paid.len(), INVOICES);
    assert!(paid.values().all(|times| *times == 1), "{paid:?}");
    let answers: Vec<(Vec<u8>, Vec<u8>, u16)> =
        sqlx::query_as("SELECT body, answer, status FROM outbox")
            .fetch_all(&pool)
            .await
            .unwrap();
    for (body, answer, status) in answers {
        assert_eq!(
            (status, answer),
            (201, [b"paid: ".as_slice(), &body].concat())
        );
    }
    for entry in fs::read_dir(directory.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let found = bytes.windows(TOKEN.len()).any(|it| it == TOKEN.as_bytes());
        assert!(!found, "the token was stored");
    }
}

/// Status, first sent, sends.
type Sent = (Option<u16>, Option<u64>, u32);

async fn state(pool: &SqlitePool, key: &IdempotencyKey) -> Sent {
    sqlx::query_as("SELECT status, first_sent, sends FROM outbox WHERE key = ?")
        .bind(key.as_str())
        .fetch_one(pool)
        .await
        .unwrap()
}

async fn stored(pool: &SqlitePool, url: &str) -> IdempotencyKey {
    let key = IdempotencyKey::random();
    let mut connection = pool.acquire().await.unwrap();
    outbox::store(&mut connection, &key, url, "{}")
        .await
        .unwrap();
    key
}

#[tokio::test]
async fn a_request_that_fails_holds_up_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let pool = open(&directory.path().join("outbox.db")).await;
    let (server, _bank, _paying) = bank().await;
    let client = client::client(&server).unwrap();
    let unnamed = stored(&pool, "http://unnamed.example/payments").await;
    let too_old = stored(&pool, &format!("{server}/payments?old")).await;
    sqlx::query("UPDATE outbox SET first_sent = 1000, sends = 1 WHERE key = ?")
        .bind(too_old.as_str())
        .execute(&pool)
        .await
        .unwrap();
    let paid = stored(&pool, &format!("{server}/payments")).await;

    let error = outbox::send_all(&pool, &client, TOKEN).await.unwrap_err();
    assert!(error.to_string().contains("not named"), "{error}");
    // Nothing was sent, so nothing is remembered of it.
    assert_eq!(state(&pool, &unnamed).await, (None, None, 0));
    assert_eq!(state(&pool, &too_old).await, (None, Some(1000), 2));
    assert_eq!(state(&pool, &paid).await.0, Some(201));
}

#[tokio::test]
async fn a_gate_that_refuses_the_token_does_not_give_the_outcome() {
    let gate = async |headers: HeaderMap| match headers["authorization"].as_bytes() {
        b"Bearer new" => StatusCode::CREATED,
        _ => StatusCode::UNAUTHORIZED,
    };
    let app = Router::new().route("/payments", post(gate));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, app).into_future());
    let directory = tempfile::tempdir().unwrap();
    let pool = open(&directory.path().join("outbox.db")).await;
    let client = client::client(&server).unwrap();
    let key = stored(&pool, &format!("{server}/payments")).await;

    outbox::send_all(&pool, &client, "old").await.unwrap_err();
    assert_eq!(state(&pool, &key).await, (None, None, 0));
    outbox::send_all(&pool, &client, "new").await.unwrap();
    assert_eq!(state(&pool, &key).await.0, Some(201));
}
