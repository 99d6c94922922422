//! What another layer does outside an adapter's own, and what goes wrong inside: the two stacks are the adapter's, and
//! what a client sees of them is the same in each.
//!
//! Each stack serves `/goats`. Where there are two, that in the right order comes first.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use reqwest::{Client, Method, redirect};
use tokio::time::timeout;

use crate::{Answer, NEVER, Server, StoreCalls, send};

/// The sites that a CORS layer lets in.
pub const SITES: [&str; 2] = ["https://shop.example", "https://app.example"];

/// What it lets their scripts read.
pub const EXPOSED: [&str; 3] = ["idempotency-refusal", "idempotency-replayed", "retry-after"];

/// `{"item":"goat"}`, as gzip has it.
pub const PACKED_GOAT: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xab, 0x56, 0xca, 0x2c, 0x49, 0xcd,
    0x55, 0xb2, 0x52, 0x4a, 0xcf, 0x4f, 0x2c, 0x51, 0xaa, 0x05, 0x00, 0x57, 0x15, 0x1e, 0x3f, 0x0f,
    0x00, 0x00, 0x00,
];

/// A limit that is raised over the policy's own.
pub const RAISED: usize = 3 * 1024 * 1024;

/// Handlers wait at the gate, under a timeout.
pub async fn a_timeout([right, wrong]: [Server; 2]) {
    takes_too_long(&right, "k").await;
    assert_eq!(in_time(&right).await.status, 202);
    right.effects.open_gate(1);
    let retry = right.settled("/goats", "k").await;
    assert!(retry.is_replay());
    assert_eq!(retry.text(), "order 1");
    assert_eq!(right.effects.runs(), 1);

    takes_too_long(&wrong, "k").await;
    wrong.effects.open_gate(100);
    // The first run was cut off wherever it was; nobody knows what it did, and it runs again.
    let again = in_time(&wrong).await.text();
    let runs = wrong.effects.runs();
    assert_eq!((runs > 1, again), (true, format!("order {runs}")));
}

/// Handlers wait at the gate, under a timeout outside two layers of ours or between them.
pub async fn a_timeout_and_two_layers([right, wrong]: [Server; 2]) {
    for (server, key, retry) in [(right, "k", "order 1"), (wrong, "l", "order 2")] {
        takes_too_long(&server, key).await;
        server.effects.open_gate(1);
        let answer = server.settled("/goats", key).await;
        assert_eq!(answer.text(), retry);
    }
}

/// Runs a handler until the timeout, which a busy machine may reach before the handler runs.
async fn takes_too_long(server: &Server, key: &str) {
    let ran = async {
        loop {
            let status = send(server.post("/goats", key, "{}")).await.status;
            if server.effects.runs() > 0 {
                return status;
            }
        }
    };
    assert_eq!(timeout(NEVER, ran).await.expect("it runs"), 408);
}

/// The answer to a request that waits for nothing, which is late on a busy machine alone.
async fn in_time(server: &Server) -> Answer {
    let answer = async {
        loop {
            let answer = buy(server).await;
            if answer.status != 408 {
                return answer;
            }
        }
    };
    timeout(NEVER, answer).await.expect("it is in time")
}

/// A token is asked for until it is revoked.
pub async fn authentication([right, wrong]: [Server; 2], revoke: impl FnOnce()) {
    let buy = |server: &Server| {
        let request = server.post("/goats", "k", "{}");
        send(request.header("authorization", "Bearer of the shop"))
    };
    for server in [&right, &wrong] {
        assert_eq!(buy(server).await.status, 200);
    }
    revoke();
    assert_eq!(buy(&right).await.status, 401);
    let leaked = buy(&wrong).await;
    assert!(leaked.is_replay(), "nobody asked who calls");
}

/// Requests for another host are sent to the URL that they name as canonical.
pub async fn a_redirect_to_the_canonical_host(servers: [Server; 2], calls: &[StoreCalls; 2]) {
    let client = Client::builder().redirect(redirect::Policy::none());
    let client = client.build().unwrap();
    for (server, calls, asked) in [(&servers[0], &calls[0], 0), (&servers[1], &calls[1], 2)] {
        let here = server.address.to_string();
        let to_old = server.post("/goats", "k", "{}");
        let to_old = to_old.header("host", "old.example");
        let to_old = to_old.header("x-canonical", &here).build().unwrap();
        let redirect = client.execute(to_old).await.unwrap();
        assert_eq!(redirect.status(), 308);
        assert_eq!(calls.count(), asked);
        // The same request with the same key, at the address it was sent to.
        let location = redirect.headers()["location"].to_str().unwrap();
        assert_eq!(location, format!("http://{here}/goats"));
        let followed = buy(server).await;
        assert_eq!((followed.status, followed.is_replay()), (200, false));
    }
}

/// `/old` redirects to `/goats`.
pub async fn a_route_that_redirects([right, wrong]: [Server; 2]) {
    for server in [&right, &wrong] {
        // Nothing was done at the old address, so nothing is kept, and the key is free at the new one.
        let original = send(server.post("/old", "k", "{}")).await;
        assert_eq!((original.status, original.is_replay()), (200, false));
    }
    assert!(send(right.post("/old", "k", "{}")).await.is_replay());
    // The record is that of a request for another path.
    is_reused(&send(wrong.post("/old", "k", "{}")).await);
}

/// `/goats/` is taken for `/goats`.
pub async fn normalized_paths([right, wrong]: [Server; 2]) {
    for server in [&right, &wrong] {
        assert_eq!(send(server.post("/goats/", "k", "{}")).await.status, 200);
    }
    assert!(buy(&right).await.is_replay());
    is_reused(&buy(&wrong).await);
}

/// Answers are packed as their client asks.
pub async fn compression([right, wrong]: [Server; 2]) {
    let buy = async |server: &Server, accepted: &str| {
        let request = server.post("/goats", "k", "{}");
        send(request.header("accept-encoding", accepted)).await
    };
    let original = buy(&right, "gzip").await;
    assert_eq!(original.header("content-encoding"), Some("gzip"));
    let replay = buy(&right, "identity").await;
    assert!(replay.is_replay());
    assert_eq!(replay.header("content-encoding"), None);
    assert!(replay.text().starts_with("order 1"), "{}", replay.text());

    buy(&wrong, "gzip").await;
    let replay = buy(&wrong, "identity").await;
    assert!(replay.is_replay());
    // This client cannot read what it is sent.
    assert_eq!(replay.header("content-encoding"), Some("gzip"));
    assert!(!replay.text().starts_with("order 1"));
}

/// A framework's own limit is [`RAISED`]: with the policy's, and alone.
pub async fn a_raised_limit(both: impl IntoIterator<Item = Server>, alone: Server) {
    let upload = |bytes| "x".repeat(bytes);
    for server in both {
        let within = send(server.post("/goats", "k", upload(RAISED - 1))).await;
        assert_eq!(within.status, 200);
        let over = send(server.post("/goats", "l", upload(RAISED + 1))).await;
        assert_eq!(over.status, 413);
    }
    let refused = send(alone.post("/goats", "k", upload(RAISED - 1))).await;
    let code = refused.header("idempotency-refusal");
    assert_eq!((refused.status, code), (413, Some("payload-too-large")));
    let without_key = alone.request(Method::POST, "/goats");
    let without_key = without_key.body(upload(RAISED - 1));
    assert_eq!(send(without_key).await.status, 200);
}

/// A layer lets [`SITES`] post, and read what is [`EXPOSED`].
pub async fn cors([right, wrong]: [Server; 2]) {
    let [shop, app] = SITES;
    let buy = async |server: &Server, origin: &str, body: &'static str| {
        send(server.post("/goats", "k", body).header("origin", origin)).await
    };
    // Without the header a script sees a network error, whatever the answer was.
    for (server, to_replay, to_refusal) in
        [(&right, Some(app), Some(app)), (&wrong, Some(shop), None)]
    {
        let original = buy(server, shop, "{}").await;
        assert_eq!(original.header("access-control-allow-origin"), Some(shop));
        let replay = buy(server, app, "{}").await;
        assert!(replay.is_replay());
        assert_eq!(replay.header("access-control-allow-origin"), to_replay);
        let refusal = buy(server, app, "[]").await;
        assert_eq!(refusal.status, 400);
        assert_eq!(refusal.header("access-control-allow-origin"), to_refusal);
    }
    let exposed = buy(&right, shop, "{}").await;
    let exposed = exposed.header("access-control-expose-headers").unwrap();
    let mut exposed: Vec<_> = exposed.split(',').map(str::trim).collect();
    exposed.sort_unstable();
    assert_eq!(exposed, EXPOSED);
}

/// A layer adds `X-Frame-Options: DENY`.
pub async fn a_header_on_every_answer([right, wrong]: [Server; 2]) {
    for (server, on_refusal) in [(right, Some("DENY")), (wrong, None)] {
        for _ in 0..2 {
            assert_eq!(buy(&server).await.values("x-frame-options"), [b"DENY"]);
        }
        let refusal = send(server.post("/goats", "k", "[]")).await;
        assert_eq!(refusal.status, 400);
        assert_eq!(refusal.header("x-frame-options"), on_refusal);
    }
}

/// A layer counts the requests that it sees.
pub async fn a_trace(servers: [Server; 2], seen: &[Arc<AtomicUsize>; 2]) {
    for (server, seen, expected) in [(&servers[0], &seen[0], 3), (&servers[1], &seen[1], 1)] {
        for body in ["{}", "{}", "[]"] {
            send(server.post("/goats", "k", body)).await;
        }
        assert_eq!(seen.load(Ordering::SeqCst), expected);
    }
}

/// What requests without a key get: of the route's own method, of its other one, for a route for `GET`, and for no
/// route.
pub async fn without_key(server: Server) -> [u16; 4] {
    let requests = [
        (Method::POST, "/goats"),
        (Method::PATCH, "/goats"),
        (Method::POST, "/prices"),
        (Method::POST, "/nowhere"),
    ];
    let mut statuses = [0; 4];
    for (status, (method, path)) in statuses.iter_mut().zip(requests) {
        *status = send(server.request(method, path)).await.status;
    }
    statuses
}

async fn buy(server: &Server) -> Answer {
    send(server.post("/goats", "k", "{}")).await
}

fn is_reused(refused: &Answer) {
    let code = refused.header("idempotency-refusal");
    assert_eq!(code, Some("idempotency-key-reused"));
}
