//! Clients that hang up, and a server that stops.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use idem_core::{
    IdempotencyStore, Policy, RecordKey,
    event::{Event, Observer},
    store::Operation,
};
use idem_store_tests::{Fault, FaultyStore};
use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Layer, Server, send, store};

/// So long that only what never happens takes it.
pub(crate) const NEVER: Duration = Duration::from_secs(30);

/// Counts executions that were handed over.
#[derive(Clone, Debug, Default)]
pub(crate) struct HandedOver(Arc<AtomicUsize>);

impl Observer for HandedOver {
    fn observe(&self, _: &RecordKey, event: &Event<'_>) {
        if matches!(event, Event::HandedOver) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl HandedOver {
    pub(crate) async fn wait(&self) {
        let handed_over = async {
            while self.0.load(Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(NEVER, handed_over).await;
        assert!(waited.is_ok(), "nothing was handed over");
    }
}

/// Sends a request as far as `body`, of which two bytes are announced.
pub(crate) async fn begin(server: &Server, path: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: goats\r\nidempotency-key: k\r\n\
         content-type: application/json\r\ncontent-length: 2\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// Closes a connection so that its server sees it at once, where half-closed ones are served too.
pub(crate) fn hang_up(stream: TcpStream) {
    SockRef::from(&stream)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
}

fn observed() -> (Layer, HandedOver) {
    observed_on(store())
}

pub(crate) fn observed_on(store: impl IdempotencyStore) -> (Layer, HandedOver) {
    let handed_over = HandedOver::default();
    let policy = Policy::reference().observer(handed_over.clone());
    (Layer::new(store).policy(policy), handed_over)
}

#[tokio::test]
async fn a_client_that_hangs_up_cancels_nothing() {
    let (layer, handed_over) = observed();
    let server = Server::with_layer(layer).await;
    let client = begin(&server, "/gated", "{}").await;
    server.effects.wait_for_runs(1).await;
    hang_up(client);
    handed_over.wait().await;

    assert_eq!(send(server.post("/gated", "k", "{}")).await.status, 202);
    server.effects.gate.add_permits(1);
    let replay = loop {
        let answer = send(server.post("/gated", "k", "{}")).await;
        if answer.status != 202 {
            break answer;
        }
    };
    assert!(replay.is_replay());
    assert_eq!(replay.text(), "{\"id\":1}");
    assert_eq!(server.effects.runs(), 1);
}

// S95
#[tokio::test]
async fn a_waiting_client_that_hangs_up_while_the_store_is_asked_leaves_its_place_at_once() {
    let store = FaultyStore::new(store());
    // A call that is not answered takes ten seconds.
    let policy = Policy::reference().wait(NEVER, 1).store_timeout(NEVER);
    let server = Server::with_layer(Layer::new(store.clone()).policy(policy)).await;
    let original = tokio::spawn(send(server.post("/gated", "k", "{}")));
    server.effects.wait_for_runs(1).await;
    let asked = async |times: usize| {
        while store.calls(Operation::Claim) < times {
            tokio::task::yield_now().await;
        }
    };
    let waiting = begin(&server, "/gated", "{}").await;
    // It asks again, so it has the place.
    asked(3).await;
    store.fail(Operation::Claim, Fault::Mute);
    asked(store.calls(Operation::Claim) + 1).await;
    hang_up(waiting);
    store.heal();
    let next = async {
        loop {
            // Before the server has seen the hang-up, too many wait.
            let next = send(server.post("/gated", "k", "{}"));
            match tokio::time::timeout(Duration::from_millis(100), next).await {
                Ok(answer) => assert_eq!(answer.status, 429),
                Err(_) => return,
            }
        }
    };
    let waits = tokio::time::timeout(Duration::from_secs(5), next).await;
    assert!(waits.is_ok(), "the place is taken");
    server.effects.gate.add_permits(1);
    assert_eq!(original.await.unwrap().status, 201);
}

#[tokio::test]
async fn a_client_that_hangs_up_before_it_reads_finds_its_response_later() {
    let server = Server::start(Policy::reference()).await;
    let client = begin(&server, "/orders", "{}").await;
    server.effects.wait_for_runs(1).await;
    hang_up(client);
    // Its handler has run; a store across a network may still be about to write the record.
    let replay = loop {
        let answer = send(server.post("/orders", "k", "{}")).await;
        if answer.status != 202 {
            break answer;
        }
    };
    assert!(replay.is_replay());
    assert_eq!(server.effects.runs(), 1);
}

#[tokio::test]
async fn a_client_that_hangs_up_while_it_uploads_begins_nothing() {
    for vanish in [hang_up, drop] {
        let server = Server::start(Policy::reference()).await;
        vanish(begin(&server, "/orders", "{").await);
        let answer = send(server.post("/orders", "k", "[1]")).await;
        assert_eq!((answer.status, answer.is_replay()), (201, false));
        assert_eq!(server.effects.runs(), 1);
    }
}

#[tokio::test]
async fn an_upload_that_ends_too_early_is_refused_where_its_client_still_listens() {
    let server = Server::start(Policy::reference()).await;
    let mut client = begin(&server, "/orders", "{").await;
    client.shutdown().await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    // Some servers have nothing to say to who says nothing more.
    assert!(
        answer.is_empty() || answer.contains("payload-unreadable"),
        "{answer}"
    );
    assert_eq!(server.effects.runs(), 0);
}

#[tokio::test]
async fn a_drain_waits_for_those_whose_client_is_gone() {
    let store = store();
    let (layer, handed_over) = observed_on(store.clone());
    let server = Server::with_layer(layer.clone()).await;
    let client = begin(&server, "/gated", "{}").await;
    server.effects.wait_for_runs(1).await;
    hang_up(client);
    handed_over.wait().await;

    let drain = layer.drain();
    tokio::pin!(drain);
    let not_yet = std::future::poll_fn(|context| {
        std::task::Poll::Ready(drain.as_mut().poll(context).is_pending())
    });
    assert!(not_yet.await);
    server.effects.gate.add_permits(1);
    drain.await;
    let refused = send(server.post("/gated", "k", "{}")).await;
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (503, Some("1"))
    );
    let successor = Server::with_layer(Layer::new(store)).await;
    assert!(send(successor.post("/gated", "k", "{}")).await.is_replay());
}
