//! What makes a request the same request, where the application says what counts.

use idem_core::{FingerprintRules, Policy};

use crate::{Adapter, Server, send};

// S21
pub async fn only_the_chosen_fields_count<A: Adapter>() {
    let rules = FingerprintRules::default().only(["/order/id".parse().unwrap()]);
    let server = Server::start::<A>(Policy::ietf().fingerprint(rules)).await;
    let post = |json: &'static str| send(server.post("/orders", "k", json));
    assert_eq!(post("{\"order\":{\"id\":1,\"x\":1}}").await.status, 201);
    let same = post("{\"order\":{\"x\":2,\"id\":1}}").await;
    assert!(same.is_replay());
    assert_eq!(post("{\"order\":{\"id\":2}}").await.status, 422);
    assert_eq!(server.effects.runs(), 1);
}
