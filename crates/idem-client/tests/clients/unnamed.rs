//! Servers that nobody named as honouring keys, such as one that ignores them.

use std::time::Duration;

use idem_client::{Dialect, IdempotencyKey, Report, decision::GaveUp};
use tokio::net::{TcpListener, TcpSocket};

use crate::stub::{Step, Stub, client, gave_up, impatient, naming};

const REFUSED: &[&str] = &[
    "idempotency-refusal: idempotency-in-progress",
    "retry-after: 0",
];

#[tokio::test]
async fn a_post_that_may_have_arrived_is_never_sent_again() {
    let breaks_off = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab".to_owned();
    let mut steps = vec![Step::HangUp, Step::Silence, Step::Send(breaks_off)];
    steps.extend([408, 425, 429, 500, 502, 503, 504].map(Step::status));
    steps.extend([202, 409, 503].map(|status| Step::answer(status, REFUSED, "")));
    for step in steps {
        let stub = Stub::start([step.clone()]).await;
        let request = client(impatient()).post(stub.url("/pay")).body("100");
        match request.send().await {
            Ok(response) => {
                let report = response.extensions().get::<Report>().unwrap();
                assert_eq!(report.attempts(), 1);
                assert!(report.key().is_none());
                // A body that breaks off is the reader's to see.
                drop(response.bytes().await);
            }
            Err(error) => {
                let error = gave_up(&error);
                assert_eq!(error.gave_up(), GaveUp::NotUnderAKey);
                assert!(error.may_have_taken_effect());
            }
        }
        assert_eq!(stub.count(), 1, "{step:?}");
        let request = String::from_utf8(stub.requests().remove(0)).unwrap();
        assert!(!request.contains("idempotency-key"), "{request}");
    }
}

#[tokio::test]
async fn once_it_is_named_the_same_server_gets_the_operation_again() {
    let stub = Stub::start([Step::HangUp, Step::status(201)]).await;
    let request = client(naming(&stub, Dialect::idem())).post(stub.url("/pay"));
    assert_eq!(request.send().await.unwrap().status(), 201);
    assert_eq!(stub.count(), 2);
}

#[tokio::test]
async fn a_path_beside_the_named_one_is_not_named() {
    let stub = Stub::start([Step::HangUp]).await;
    let retries = impatient().server(stub.url("/v1").parse().unwrap(), Dialect::idem());
    let request = client(retries).post(stub.url("/v2/pay"));
    request.send().await.unwrap_err();
    assert_eq!(stub.count(), 1);
}

#[tokio::test]
async fn an_extension_names_the_server_for_one_request() {
    let stub = Stub::start([Step::HangUp, Step::status(201)]).await;
    let request = client(impatient()).post(stub.url("/pay"));
    let named = request.with_extension(Dialect::stripe());
    assert_eq!(named.send().await.unwrap().status(), 201);
    let request = String::from_utf8(stub.requests().remove(1)).unwrap();
    let (_, key) = request.split_once("idempotency-key: ").unwrap();
    assert_eq!(key.lines().next().unwrap().len(), 36, "a UUID: {request}");
}

#[tokio::test]
async fn a_key_for_a_server_that_is_not_named_is_a_mistake_that_is_told() {
    let stub = Stub::start([Step::status(201)]).await;
    let request = client(impatient()).post(stub.url("/pay"));
    let keyed = request.with_extension(IdempotencyKey::random());
    let error = keyed.send().await.unwrap_err();
    assert_eq!(gave_up(&error).gave_up(), GaveUp::ServerNotNamed);
    assert!(!gave_up(&error).may_have_taken_effect());
    assert_eq!(stub.count(), 0);
}

/// A port that nobody listens on until it is asked for.
fn closed_port() -> (TcpSocket, u16) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

#[tokio::test]
async fn without_a_connection_it_is_sent_again() {
    // A slow machine makes its first attempt late, and then it is accepted: the port stays closed for longer each time.
    for closed in [50, 500, 5_000, 30_000] {
        let (socket, port) = closed_port();
        let retries = impatient().attempts(1_000_000);
        let url = format!("http://127.0.0.1:{port}/pay");
        let sending = tokio::spawn(client(retries).post(url).body("100").send());
        tokio::time::sleep(Duration::from_millis(closed)).await;
        let listener: TcpListener = socket.listen(16).unwrap();
        let stub = Stub::on(listener, [Step::status(201)]);
        let response = sending.await.unwrap().unwrap();
        assert_eq!(stub.count(), 1);
        let report = response.extensions().get::<Report>().unwrap();
        if report.attempts() > 1 {
            return;
        }
    }
    panic!("no attempt was refused");
}

#[tokio::test]
async fn a_connection_that_is_never_made_did_nothing() {
    let (_socket, port) = closed_port();
    let url = format!("http://127.0.0.1:{port}/pay");
    for retries in [
        impatient().attempts(3),
        impatient()
            .attempts(3)
            .server(url.parse().unwrap(), Dialect::idem()),
    ] {
        let error = client(retries).post(&url).send().await.unwrap_err();
        let error = gave_up(&error);
        assert_eq!(
            (error.gave_up(), error.attempts()),
            (GaveUp::AttemptsSpent, 3)
        );
        assert!(!error.may_have_taken_effect());
    }
}
