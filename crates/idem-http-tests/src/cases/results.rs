//! Which responses are results, and which say that nothing was done.

use idem_core::{Policy, Profile};
use reqwest::Method;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{Adapter, Answer, NEVER, Server, send};

/// Asks for a status and header lines, `name=value` each.
async fn answer(server: &Server, code: u16, lines: &[&str]) -> Answer {
    let request = server.post(&format!("/answers/{code}"), "k", "{}");
    let asking = |request: reqwest::RequestBuilder, line: &&str| request.header("x-answer", *line);
    send(lines.iter().fold(request, asking)).await
}

// S87
pub async fn what_says_that_nothing_was_done_is_never_kept_whatever_the_policy_saves<A: Adapter>() {
    let everything = || Policy::reference().save_when(|_, _| true);
    for policy in [Policy::reference, Policy::ietf, Policy::stripe, everything] {
        for (code, lines) in [
            (307, ["x-any=1"].as_slice()),
            (308, &["x-any=1"]),
            (202, &["idempotency-refusal=idempotency-in-progress"]),
            (503, &["idempotency-refusal=idempotency-store-unavailable"]),
            (200, &["x-any=1", "Idempotency-Refusal="]),
        ] {
            let server = Server::start::<A>(policy()).await;
            for run in ["run 1", "run 2"] {
                let again = answer(&server, code, lines).await;
                let told = (again.status, again.is_replay(), again.text());
                assert_eq!(told, (code, false, run.to_owned()), "{lines:?}");
            }
        }
    }
}

// S87
pub async fn a_redirect_that_keeps_the_method_is_no_result_whatever_its_status<A: Adapter>() {
    let everything = || Policy::reference().save_when(|_, _| true);
    for policy in [Policy::reference, Policy::stripe, everything] {
        for method in [Method::PATCH, Method::PUT] {
            // Of these methods a client makes no GET, as it does of POST.
            for (code, is_result) in [(301, false), (302, false), (303, true)] {
                let policy = policy().methods(["PATCH", "PUT"]);
                let server = Server::start::<A>(policy).await;
                for again in [false, true] {
                    let request = server.request(method.clone(), &format!("/answers/{code}"));
                    let request = request.header("idempotency-key", "k");
                    let answer = send(request.header("x-answer", "x-any=1")).await;
                    let told = (answer.status, answer.is_replay());
                    assert_eq!(told, (code, again && is_result), "{method}");
                }
            }
        }
    }
}

// S87
pub async fn a_redirected_patch_runs_under_the_key_that_it_had<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference()).await;
    let request = server.request(Method::PATCH, "/answers/301");
    let request = request.header("idempotency-key", "k");
    let answer = send(request.header("x-answer", "location=/orders")).await;
    assert_eq!((answer.status, answer.is_replay()), (201, false));
}

// S87
pub async fn other_redirects_are_results<A: Adapter>() {
    for code in [301, 302, 303] {
        let server = Server::start::<A>(Policy::reference()).await;
        for replayed in [false, true] {
            let again = answer(&server, code, &["x-any=1"]).await;
            assert_eq!((again.status, again.is_replay()), (code, replayed));
        }
    }
}

// S43
pub async fn a_grpc_failure_is_one_although_its_status_is_200<A: Adapter>() {
    let success = || Policy::reference().save_when(|status, _| status < 400);
    let kept = |policy: Policy, line: &'static str| async move {
        let server = Server::start::<A>(policy).await;
        answer(&server, 200, &[line]).await;
        answer(&server, 200, &[line]).await.is_replay()
    };
    for policy in [Policy::reference, success, Policy::stripe] {
        assert!(kept(policy(), "grpc-status=0").await);
        assert!(
            !kept(policy(), "grpc-status=3").await,
            "an invalid argument"
        );
        // What ran and failed is kept where such are.
        let keeps_failures = policy().profile() == Profile::Stripe;
        for line in ["grpc-status=13", "grpc-status=none", "Grpc-Status= 2 "] {
            assert_eq!(kept(policy(), line).await, keeps_failures, "{line}");
        }
    }
}

// S87
pub async fn an_upgrade_belongs_to_its_connection<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference()).await;
    for _ in 0..2 {
        let mut client = TcpStream::connect(server.address).await.unwrap();
        let head = "POST /answers/101 HTTP/1.1\r\nhost: goats\r\nidempotency-key: k\r\n\
                    connection: upgrade\r\nupgrade: goats\r\ncontent-length: 0\r\n\
                    x-answer: connection=upgrade\r\nx-answer: upgrade=goats\r\n\r\n";
        client.write_all(head.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        let answered = timeout(NEVER, client.read_exact(&mut status)).await;
        answered.expect("it is answered").unwrap();
        assert_eq!(&status, b"HTTP/1.1 101");
    }
    assert_eq!(server.effects.runs(), 2);
}
