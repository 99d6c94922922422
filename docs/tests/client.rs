//! The guide's client, against a server that answers as a script says.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

#[path = "../guide/client.rs"]
#[expect(unreachable_pub, reason = "it is made to be copied")]
mod client;

use client::{client, post};
use idem_client::{Error, IdempotencyKey, Report, decision::GaveUp};
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

fn key() -> IdempotencyKey {
    IdempotencyKey::new("invoice-1017").unwrap()
}

#[tokio::test]
async fn it_sends_the_same_until_the_answer_is_final() {
    let (url, served) = serve(&[
        "",
        "HTTP/1.1 202 Accepted\r\nidempotency-refusal: idempotency-in-progress\r\nretry-after: 1\r\n\
         content-length: 0\r\nconnection: close\r\n\r\n",
        "HTTP/1.1 201 Created\r\ncontent-length: 9\r\nconnection: close\r\n\r\npa",
        "HTTP/1.1 201 Created\r\nidempotency-replayed: true\r\ncontent-length: 4\r\nconnection: close\r\n\r\npaid",
    ])
    .await;
    let response = post(&client(&url).unwrap(), &url, key(), PAYLOAD.to_owned())
        .await
        .unwrap();
    let report = response.extensions().get::<Report>().unwrap();
    assert!(report.is_replay());
    assert_eq!((response.status().as_u16(), report.attempts()), (201, 4));
    assert_eq!(response.text().await.unwrap(), "paid");
    let requests = served.await.unwrap();
    assert_eq!(requests.len(), 4);
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
    for script in [
        "HTTP/1.1 400 Bad Request\r\nidempotency-refusal: idempotency-key-reused\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 409 Conflict\r\nidempotency-refusal: idempotency-response-not-kept\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
    ] {
        let script: &'static [&'static str] = vec![script].leak();
        let (url, served) = serve(script).await;
        let client = client(&url).unwrap();
        match post(&client, &url, key(), PAYLOAD.to_owned()).await {
            Ok(response) => assert_eq!(response.status(), 404),
            Err(error) => {
                let gave_up = Error::find(&error).unwrap().gave_up();
                assert!(matches!(gave_up, GaveUp::Refused(_)));
            }
        }
        assert_eq!(served.await.unwrap().len(), 1);
    }
}
