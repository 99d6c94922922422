//! The guide's client, against a server that answers as a script says.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

#[path = "../guide/client.rs"]
#[expect(unreachable_pub, reason = "it is made to be copied")]
mod client;

use client::post;
use reqwest::Client;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

const PAYLOAD: &str = r#"{"amount":1250}"#;

/// Answers one connection after the other by the script, and gives what was sent.
async fn serve(script: &'static [&'static str]) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/payments", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let mut requests = Vec::new();
        for answer in script {
            let (mut connection, _) = listener.accept().await.unwrap();
            requests.push(read(&mut connection).await);
            connection.write_all(answer.as_bytes()).await.unwrap();
        }
        requests
    });
    (url, served)
}

/// Reads until the payload is there.
async fn read(connection: &mut TcpStream) -> String {
    let mut request = String::new();
    while !request.ends_with(PAYLOAD) {
        let mut bytes = [0; 1024];
        let length = connection.read(&mut bytes).await.unwrap();
        assert_ne!(length, 0, "the request broke off: {request}");
        request.push_str(std::str::from_utf8(&bytes[..length]).unwrap());
    }
    request
}

#[tokio::test]
async fn it_sends_the_same_until_the_answer_is_final() {
    let (url, served) = serve(&[
        "",
        "HTTP/1.1 202 Accepted\r\nidempotency-refusal: idempotency-in-progress\r\nretry-after: 1\r\n\
         content-length: 0\r\nconnection: close\r\n\r\n",
        "HTTP/1.1 201 Created\r\ncontent-length: 9\r\nconnection: close\r\n\r\npa",
        "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        "HTTP/1.1 201 Created\r\nidempotency-replayed: true\r\ncontent-length: 4\r\nconnection: close\r\n\r\npaid",
    ])
    .await;
    let answer = post(&Client::new(), &url, "invoice-1017", PAYLOAD)
        .await
        .unwrap();
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_str()),
        (201, "paid")
    );
    assert_eq!(answer.retry_after, None);
    let requests = served.await.unwrap();
    assert_eq!(requests.len(), 5);
    for request in &requests {
        assert!(
            request.contains("idempotency-key: \"invoice-1017\"\r\n"),
            "{request}"
        );
        assert_eq!(request, &requests[0]);
    }
}

#[tokio::test]
async fn it_does_not_repeat_what_is_final() {
    for (script, status) in [
        (
            &[
                "HTTP/1.1 400 Bad Request\r\nidempotency-refusal: idempotency-key-reused\r\ncontent-length: 0\r\n\r\n",
            ],
            400,
        ),
        (
            &[
                "HTTP/1.1 409 Conflict\r\nidempotency-refusal: idempotency-response-not-kept\r\ncontent-length: 0\r\n\r\n",
            ],
            409,
        ),
        (
            &["HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"],
            404,
        ),
    ] {
        let (url, served) = serve(script).await;
        let answer = post(&Client::new(), &url, "invoice-1017", PAYLOAD)
            .await
            .unwrap();
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(served.await.unwrap().len(), 1);
    }
}
