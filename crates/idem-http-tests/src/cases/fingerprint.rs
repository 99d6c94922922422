//! What makes a request the same request.

use idem_core::{FingerprintRules, Policy};
use reqwest::Method;

use super::profiles;
use crate::{Adapter, Answer, Server, send};

/// Sends two payloads under one key; answers whether the second was taken for the first.
async fn are_same<A: Adapter>(
    policy: Policy,
    first: impl Into<Vec<u8>>,
    second: impl Into<Vec<u8>>,
) -> bool {
    let mismatch = if policy.profile() == idem_core::Profile::Ietf {
        422
    } else {
        400
    };
    let server = Server::start::<A>(policy).await;
    let original = send(server.post("/orders", "k", first.into())).await;
    assert_eq!(original.status, 201);
    let duplicate = send(server.post("/orders", "k", second.into())).await;
    assert_eq!(server.effects.runs(), 1, "a duplicate never runs");
    if duplicate.is_replay() {
        assert_eq!(duplicate.comparable(), original.comparable());
        return true;
    }
    assert_refused(&duplicate, mismatch);
    false
}

fn assert_refused(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(
        answer.header("idempotency-refusal"),
        Some("idempotency-key-reused")
    );
    assert_eq!(answer.header("location"), None);
}

pub async fn the_same_meaning_is_the_same_request<A: Adapter>() {
    for (policy, ..) in profiles() {
        for (first, second) in [
            ("{\"a\":1}", "{\"a\":1}"),
            (
                "{\"a\":{\"b\":1,\"c\":2},\"d\":3}",
                "{ \"d\" : 3,\r\n\t\"a\" : {\"c\":2, \"b\":1} }",
            ),
            ("{\"a\":[1,1,1]}", "{\"a\":[1.0,1e0,10E-1]}"),
            ("{\"a\":\"a\"}", "{\"a\":\"\\u0061\"}"),
            ("{\"goat\":\"🐐\"}", "{\"goat\":\"\\ud83d\\udc10\"}"),
        ] {
            assert!(
                are_same::<A>(policy.clone(), first, second).await,
                "{first} and {second}"
            );
        }
    }
}

pub async fn another_meaning_is_another_request<A: Adapter>() {
    for (policy, ..) in profiles() {
        for (first, second) in [
            ("[1,2]", "[2,1]"),
            ("{\"a\":9007199254740993}", "{\"a\":9007199254740992}"),
            ("{\"a\":1}", "{\"a\":1,\"a\":1}"),
            ("{\"a\":1}", "{\"a\":2,\"a\":1}"),
            ("", "{}"),
            ("{}", "null"),
            ("null", ""),
        ] {
            assert!(
                !are_same::<A>(policy.clone(), first, second).await,
                "{first} and {second}"
            );
            assert!(
                !are_same::<A>(policy.clone(), second, first).await,
                "{second} and {first}"
            );
            assert!(
                are_same::<A>(policy.clone(), second, second).await,
                "{second} twice"
            );
        }
    }
}

pub async fn what_is_no_text_is_compared_by_its_bytes_and_harms_no_record<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference()).await;
    let original = send(server.post("/orders", "k", "{\"a\":1}")).await;
    let broken: [&[u8]; 4] = [
        b"{\"a\":\"\xff\"}",
        b"\"\\ud800\"",
        b"{\"a\":1",
        b"\xef\xbb\xbf{\"a\":1}",
    ];
    for body in broken {
        assert_refused(&send(server.post("/orders", "k", body.to_vec())).await, 400);
        assert!(are_same::<A>(Policy::reference(), body, body).await);
    }
    let replay = send(server.post("/orders", "k", "{\"a\":1}")).await;
    assert!(replay.is_replay());
    assert_eq!(replay.comparable(), original.comparable());
}

pub async fn other_types_are_compared_by_their_bytes_and_their_type<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference()).await;
    let typed = |content_type: &str, body: &'static str| {
        server
            .request(Method::POST, "/orders")
            .header("idempotency-key", "k")
            .header("content-type", content_type)
            .body(body)
    };
    assert_eq!(send(typed("text/plain", "{\"a\":1}")).await.status, 201);
    assert!(send(typed("text/plain", "{\"a\":1}")).await.is_replay());
    assert!(send(typed("Text/Plain", "{\"a\":1}")).await.is_replay());
    assert_refused(&send(typed("text/plain", "{\"a\": 1}")).await, 400);
    assert_refused(
        &send(typed("application/x-www-form-urlencoded", "{\"a\":1}")).await,
        400,
    );
    assert_refused(&send(typed("application/json", "{\"a\":1}")).await, 400);
    assert_eq!(server.effects.runs(), 1);
}

pub async fn utf_8_is_what_json_is_in_whether_or_not_its_type_says_so<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference()).await;
    let typed = |content_type: &str| {
        server
            .request(Method::POST, "/orders")
            .header("idempotency-key", "k")
            .header("content-type", content_type)
            .body("{}")
    };
    assert_eq!(send(typed("application/json")).await.status, 201);
    for same in [
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "Application/JSON ; Charset=\"Utf-8\" ;",
    ] {
        assert!(send(typed(same)).await.is_replay(), "{same}");
    }
    for other in ["application/json; charset=utf-16", "application/json; v=1"] {
        assert_refused(&send(typed(other)).await, 400);
    }
    assert_eq!(server.effects.runs(), 1);
}

pub async fn the_coding_of_the_content_counts<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference()).await;
    let coded = |coding: &'static str| {
        let request = server.post("/orders", "k", "{}");
        request.header("content-encoding", coding)
    };
    assert_eq!(send(server.post("/orders", "k", "{}")).await.status, 201);
    assert!(send(coded("identity")).await.is_replay());
    assert_refused(&send(coded("gzip")).await, 400);
    assert_refused(&send(coded("br")).await, 400);
    assert_eq!(server.effects.runs(), 1);
}

// S93
pub async fn a_form_with_another_boundary_is_the_same_and_with_another_part_is_not<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference()).await;
    let form = |boundary: &str, file_name: &str, file: &str| {
        let body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"goat\"\r\n\r\nZilli\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\n\
             Content-Type: image/png\r\n\r\n{file}\r\n--{boundary}--\r\n"
        );
        server
            .request(Method::POST, "/orders")
            .header("idempotency-key", "k")
            .header(
                "content-type",
                format!("multipart/form-data; boundary={boundary}"),
            )
            .body(body)
    };
    let original = send(form(
        "----WebKitFormBoundary7MA4YWxk",
        "a.png",
        "\r\n--\r\n",
    ))
    .await;
    assert_eq!(original.status, 201);
    let replay = send(form(
        "------------------------d74496d66958873e",
        "a.png",
        "\r\n--\r\n",
    ))
    .await;
    assert!(replay.is_replay());
    assert_eq!(replay.comparable(), original.comparable());
    assert_refused(&send(form("x", "b.png", "\r\n--\r\n")).await, 400);
    assert_refused(&send(form("x", "a.png", "\r\n--\r\n ")).await, 400);
    assert_eq!(server.effects.runs(), 1);
}

pub async fn fields_are_left_out_or_chosen<A: Adapter>() {
    let without = FingerprintRules::default().without(["/sentAt".parse().unwrap()]);
    let without = Policy::reference().fingerprint(without);
    assert!(
        are_same::<A>(
            without.clone(),
            "{\"a\":1,\"sentAt\":1}",
            "{\"sentAt\":2,\"a\":1}"
        )
        .await
    );
    assert!(!are_same::<A>(without, "{\"a\":1,\"sentAt\":1}", "{\"a\":2,\"sentAt\":1}").await);

    let only = FingerprintRules::default().only(["/order/id".parse().unwrap()]);
    let only = Policy::ietf().fingerprint(only);
    assert!(
        are_same::<A>(
            only.clone(),
            "{\"order\":{\"id\":1,\"x\":1}}",
            "{\"order\":{\"x\":2,\"id\":1}}"
        )
        .await
    );
    assert!(!are_same::<A>(only, "{\"order\":{\"id\":1}}", "{\"order\":{\"id\":2}}").await);
}

pub async fn another_path_query_or_method_never_gets_this_response<A: Adapter>() {
    for (policy, mismatch, _) in profiles() {
        let server = Server::start::<A>(policy).await;
        let original = send(server.post("/orders?page=1", "k", "{}")).await;
        for (method, path) in [
            (Method::POST, "/orders"),
            (Method::POST, "/orders?page=2"),
            (Method::POST, "/orders/17?page=1"),
            (Method::PATCH, "/orders?page=1"),
        ] {
            let request = server
                .request(method, path)
                .header("idempotency-key", "k")
                .header("content-type", "application/json")
                .body("{}");
            assert_refused(&send(request).await, mismatch);
        }
        let replay = send(server.post("/orders?page=1", "k", "{}")).await;
        assert_eq!(replay.comparable(), original.comparable());
        assert_eq!(server.effects.runs(), 1);
    }
}

pub async fn a_mismatch_is_told_while_the_original_runs<A: Adapter>() {
    for (policy, mismatch, in_progress) in profiles() {
        let server = Server::start::<A>(policy).await;
        let original = tokio::spawn(send(server.post("/gated", "k", "{\"a\":1}")));
        server.effects.wait_for_runs(1).await;
        assert_refused(
            &send(server.post("/gated", "k", "{\"a\":2}")).await,
            mismatch,
        );
        assert_eq!(
            send(server.post("/gated", "k", "{\"a\":1}")).await.status,
            in_progress
        );
        server.effects.open_gate(1);
        assert_eq!(original.await.unwrap().status, 201);
        assert_eq!(server.effects.runs(), 1);
    }
}

pub async fn a_mismatch_reveals_nothing_and_changes_nothing<A: Adapter>() {
    for (policy, mismatch, _) in profiles() {
        let server = Server::start::<A>(policy).await;
        let original = send(server.post("/orders", "k", "{\"secret\":\"first\"}")).await;
        let refused = send(server.post("/orders", "k", "{\"secret\":\"second\"}")).await;
        assert_refused(&refused, mismatch);
        let shown = format!("{:?} {}", refused.headers, refused.text());
        assert!(
            !shown.contains("first") && !shown.contains("\"id\""),
            "{shown}"
        );
        let replay = send(server.post("/orders", "k", "{\"secret\":\"first\"}")).await;
        assert_eq!(replay.comparable(), original.comparable());
    }
}

pub async fn another_key_with_the_same_body_runs<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference()).await;
    for key in ["k", "l"] {
        assert!(!send(server.post("/orders", key, "{}")).await.is_replay());
    }
    assert_eq!(server.effects.runs(), 2);
}
