//! Redirects, which bring a request somewhere else, or make another one of it.

use idem_client::{Dialect, Report, decision::GaveUp};
use reqwest_middleware::ClientBuilder;
use tokio::net::TcpSocket;

use crate::stub::{Step, Stub, client, gave_up, impatient, naming};

fn redirect(status: u16, to: &str) -> Step {
    Step::answer(status, &[&format!("location: {to}")], "")
}

/// Nobody listens there.
fn nowhere() -> (TcpSocket, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, format!("http://127.0.0.1:{port}/"))
}

#[tokio::test]
async fn a_connection_that_fails_after_a_redirect_does_not_undo_the_post() {
    let (_socket, nowhere) = nowhere();
    for status in [301, 302, 303, 307, 308] {
        let stub = Stub::start([redirect(status, &nowhere)]).await;
        let error = client(impatient())
            .post(stub.url("/pay"))
            .send()
            .await
            .unwrap_err();
        let error = gave_up(&error);
        assert_eq!(error.gave_up(), GaveUp::NotUnderAKey, "{status}");
        assert!(error.may_have_taken_effect(), "{status}");
        assert_eq!(stub.count(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_client_that_may_follow_redirects_unseen_is_never_sure() {
    let (_socket, nowhere) = nowhere();
    let client = |retries| {
        let inner = reqwest::Client::builder().no_proxy().build().unwrap();
        ClientBuilder::new(inner).with(retries).build()
    };
    let error = client(impatient()).post(&nowhere).send().await.unwrap_err();
    assert!(gave_up(&error).may_have_taken_effect());
    assert_eq!(gave_up(&error).attempts(), 1);
    let sure = impatient().attempts(2).without_redirects();
    let error = client(sure).post(&nowhere).send().await.unwrap_err();
    assert!(!gave_up(&error).may_have_taken_effect());
    assert_eq!(gave_up(&error).attempts(), 2);
}

#[tokio::test]
async fn an_operation_is_not_sent_on_to_a_server_that_is_not_named() {
    let other = Stub::start([Step::status(201)]).await;
    for status in [307, 308] {
        let stub = Stub::start([redirect(status, &other.url("/pay"))]).await;
        let request = client(naming(&stub, Dialect::idem())).post(stub.url("/pay"));
        assert_eq!(request.send().await.unwrap().status(), status);
    }
    assert_eq!(other.count(), 0);
}

#[tokio::test]
async fn an_operation_is_sent_on_to_a_server_that_is_named_with_its_key() {
    let other = Stub::start([Step::HangUp, Step::status(201)]).await;
    let stub = Stub::start([redirect(307, &other.url("/pay"))]).await;
    let retries =
        naming(&stub, Dialect::idem()).server(other.url("/").parse().unwrap(), Dialect::idem());
    let request = client(retries).post(stub.url("/pay")).body("100");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.url().as_str(), other.url("/pay"));
    let arrived = other.requests();
    assert_eq!(arrived.len(), 2);
    assert_eq!(arrived[0], arrived[1]);
    assert!(String::from_utf8_lossy(&arrived[0]).contains("idempotency-key: \""));
}

#[tokio::test]
async fn a_see_other_is_followed_by_a_get() {
    let other = Stub::start([Step::answer(200, &[], "paid")]).await;
    let stub = Stub::start([redirect(303, &other.url("/paid"))]).await;
    let request = client(naming(&stub, Dialect::idem())).post(stub.url("/pay"));
    assert_eq!(request.send().await.unwrap().text().await.unwrap(), "paid");
    assert!(other.requests()[0].starts_with(b"GET /paid "));
}

#[tokio::test]
async fn a_post_under_a_key_is_not_made_a_get() {
    let stub = Stub::start([redirect(302, "/elsewhere"), Step::status(200)]).await;
    let request = client(naming(&stub, Dialect::idem())).post(stub.url("/pay"));
    assert_eq!(request.send().await.unwrap().status(), 302);
    assert_eq!(stub.count(), 1);
}

#[tokio::test]
async fn what_is_answered_after_a_redirect_does_not_undo_the_post() {
    for status in [401, 404] {
        for client in [
            client(impatient()),
            // It follows unseen.
            ClientBuilder::new(reqwest::Client::builder().no_proxy().build().unwrap())
                .with(impatient())
                .build(),
        ] {
            let stub = Stub::start([redirect(303, "/paid"), Step::status(status)]).await;
            let request = client
                .post(stub.url("/pay"))
                .with_extension(Dialect::idem());
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), status);
            let report = response.extensions().get::<Report>().unwrap();
            assert!(report.may_have_taken_effect(), "{status}");
        }
    }
    let stub = Stub::start([redirect(303, "/paid"), Step::status(429)]).await;
    let retries = naming(&stub, Dialect::idem()).attempts(1);
    let error = client(retries).post(stub.url("/pay")).send().await;
    assert!(gave_up(&error.unwrap_err()).may_have_taken_effect());
}

#[tokio::test]
async fn a_redirect_to_what_cannot_be_asked_does_not_undo_the_post() {
    let stub = Stub::start([redirect(303, "myapp://paid")]).await;
    let request = client(naming(&stub, Dialect::idem())).post(stub.url("/pay"));
    let error = request.send().await.unwrap_err();
    assert_eq!(gave_up(&error).gave_up(), GaveUp::Failed);
    assert!(gave_up(&error).may_have_taken_effect());
}
