//! Whether the process lives, and whether it should be sent requests.

use serde_json::{Value, json};

use crate::operator::{connect, heidi, post, until_status};
use crate::program::{Program, command};

async fn get(program: &Program, path: &str) -> (u16, Value) {
    let answer = reqwest::get(format!("{}{path}", program.base))
        .await
        .unwrap();
    assert_eq!(answer.headers()["cache-control"], "no-store");
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn not_ready(names: &[&str]) -> (u16, Value) {
    (503, json!({"ready": false, "notReady": names}))
}

fn alive() -> (u16, Value) {
    (200, json!({"alive": true}))
}

#[tokio::test]
async fn without_its_database_it_is_alive_and_not_ready() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("goats.db");
    let program = Program::start(&database);
    assert_eq!(
        get(&program, "/readyz").await,
        (200, json!({"ready": true}))
    );
    assert_eq!(get(&program, "/healthz").await, alive());

    let mut other = connect(&database).await;
    sqlx::query("ALTER TABLE goats RENAME TO gone")
        .execute(&mut other)
        .await
        .unwrap();
    assert_eq!(get(&program, "/readyz").await, not_ready(&["database"]));
    assert_eq!(get(&program, "/healthz").await, alive());

    sqlx::query("ALTER TABLE gone RENAME TO goats")
        .execute(&mut other)
        .await
        .unwrap();
    assert_eq!(
        get(&program, "/readyz").await,
        (200, json!({"ready": true}))
    );
}

#[tokio::test]
async fn once_a_stop_is_asked_for_it_is_not_ready_and_serves_on_for_the_delay() {
    let directory = tempfile::tempdir().unwrap();
    let mut delayed = command("127.0.0.1:0", &directory.path().join("goats.db"));
    let program = Program::spawn(delayed.args(["--stop-delay", "1h"]));
    assert_eq!(get(&program, "/readyz").await.0, 200);
    program.signal("-TERM");
    let told = until_status(&program, "/readyz", 503).await;
    assert_eq!(told, not_ready(&["stopping"]).1);
    assert_eq!(get(&program, "/healthz").await, alive());
    let headers = [("idempotency-key", "k")];
    let answer = post(&program, "/goats", &headers, &heidi()).await;
    assert_eq!(answer.status(), 201, "it serves what still comes");
    program.signal("-TERM");
    assert_eq!(program.finish().1.code(), Some(0));
}

#[cfg(feature = "momento")]
#[tokio::test]
async fn without_its_store_it_is_alive_and_not_ready() {
    use momento_emulator::{Data, Emulator};

    let emulator = Emulator::start().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("goats.db");
    let program = Program::spawn(&mut crate::momento::on_momento(&emulator, &database));
    assert_eq!(
        get(&program, "/readyz").await,
        (200, json!({"ready": true}))
    );

    emulator.kill();
    assert_eq!(get(&program, "/readyz").await, not_ready(&["store"]));
    assert_eq!(get(&program, "/healthz").await, alive());

    emulator.restart(Data::Kept).unwrap();
    until_status(&program, "/readyz", 200).await;
}
