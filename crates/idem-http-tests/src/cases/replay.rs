//! The replay is the original.

use idem_core::Policy;

use crate::{Adapter, Answer, Server, send};

async fn original_and_replay<A: Adapter>(path: &str) -> (Answer, Answer) {
    let server = Server::start::<A>(Policy::reference()).await;
    let original = send(server.post(path, "k", "{}")).await;
    let replay = send(server.post(path, "k", "{}")).await;
    assert_eq!(server.effects.runs(), 1);
    assert!(!original.is_replay(), "the first response has no marker");
    assert!(replay.is_replay());
    assert!(replay.header("date").is_some());
    (original, replay)
}

// S42
pub async fn repeated_headers_keep_their_order_and_opaque_bytes_their_value<A: Adapter>() {
    let (original, replay) = original_and_replay::<A>("/headers").await;
    for answer in [&original, &replay] {
        assert_eq!(
            answer.values("x-repeated"),
            [b"first".as_slice(), b"second", b"first"]
        );
        assert_eq!(answer.values("x-opaque"), [b"caf\xe9".as_slice()]);
        assert_eq!(answer.header("x-run"), Some("1"));
    }
}

// S42
pub async fn what_belongs_to_one_message_or_one_session_is_not_replayed<A: Adapter>() {
    let (original, replay) = original_and_replay::<A>("/headers").await;
    for name in ["set-cookie", "x-hop", "keep-alive"] {
        assert!(original.header(name).is_some(), "{name} was sent at first");
        assert!(replay.header(name).is_none(), "{name} is not replayed");
    }
    // Some servers keep it to themselves in the first place.
    assert!(replay.header("connection").is_none());
    assert_eq!(replay.values("date").len(), 1);
}

// S42
pub async fn an_application_may_replay_cookies_and_hold_back_others<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference().unrecorded_headers(["X-Run"])).await;
    let original = send(server.post("/headers", "k", "{}")).await;
    let replay = send(server.post("/headers", "k", "{}")).await;
    assert_eq!(replay.values("set-cookie"), original.values("set-cookie"));
    assert_eq!(replay.header("x-run"), None);
}

// S39
pub async fn the_marker_has_the_name_that_the_policy_gives_it<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference().replay_marker("X-Replay")).await;
    send(server.post("/orders", "k", "{}")).await;
    let replay = send(server.post("/orders", "k", "{}")).await;
    assert_eq!(replay.header("x-replay"), Some("true"));
    assert!(!replay.is_replay());
}
