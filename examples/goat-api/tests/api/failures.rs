//! What a client sees of a market that fails.

use serde_json::json;

use super::support::Server;

#[tokio::test]
async fn a_client_sees_nothing_of_an_inner_failure() {
    let server = Server::inside().await;
    server.market().database().close().await;
    let goat = json!({"name": "Heidi", "owner": "Peter", "breed": "Nubian"});
    let get = server.get("/goats").await.refusal(500);
    let post = server.post("/goats", goat.to_string()).await.refusal(500);
    assert_eq!(get, "the market failed, the fault is not yours");
    assert_eq!(post, get);
}
