//! A server that speaks TLS.

use std::{error::Error, fs, net::TcpListener, path::Path, process::Command};

use idem_core::{IdempotencyStore, store::Claim};
use idem_redis::RedisStore;
use redis::{Client, TlsCertificates};
use test_servers::Redis;

use crate::server::{LONG, key, lease};

/// A certificate for 127.0.0.1 that signs itself, and its key.
fn certificate(folder: &Path) -> (String, String) {
    let [certificate, key] =
        ["certificate.pem", "key.pem"].map(|name| folder.join(name).display().to_string());
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ])
        .args([
            "-subj",
            "/CN=redis",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", &key, "-out", &certificate])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    (certificate, key)
}

#[tokio::test]
async fn a_server_with_a_certificate_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, private) = certificate(folder.path());
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let settings = ["--tls-port", &port.to_string(), "--tls-auth-clients", "no"];
    let files = ["--tls-cert-file", &certificate, "--tls-key-file", &private];
    let server = Redis::start_with(&[settings, files].concat()).unwrap();
    let url = format!("rediss://127.0.0.1:{port}");

    // The system does not trust it, and a provider that is missing is no panic.
    let refused = RedisStore::builder(url.as_str())
        .connect()
        .await
        .unwrap_err();
    let cause = refused.source().unwrap().to_string();
    assert!(cause.contains("certificate"), "{cause}");

    let trusted = TlsCertificates {
        client_tls: None,
        root_cert: Some(fs::read(&certificate).unwrap()),
    };
    let client = Client::build_with_tls(url, trusted).unwrap();
    let store = RedisStore::with_client(client).connect().await.unwrap();
    let (key, owner) = (key(), lease(LONG));
    assert_eq!(store.claim(&key, &owner).await.unwrap(), Claim::Owned);
    drop(server);
}
