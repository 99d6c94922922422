//! Requests that really come at once.

use futures_util::future::join_all;
use idem_core::Policy;

use crate::{Adapter, Server, send};

// S29
pub async fn of_two_servers_on_one_store_one_runs<A: Adapter>() {
    let store = A::store();
    let one = Server::with_layer(A::new(store.clone(), Policy::reference())).await;
    let other = Server::with_layer(A::new(store, Policy::reference())).await;
    let duplicates = (0..100).map(|number| {
        let server = if number % 2 == 0 { &one } else { &other };
        send(server.post("/orders", "k", "{}"))
    });
    for answer in join_all(duplicates).await {
        match answer.status {
            201 => assert_eq!(answer.text(), "{\"id\":1}"),
            other => assert_eq!(other, 202),
        }
    }
    assert_eq!(one.effects.runs() + other.effects.runs(), 1);
}
