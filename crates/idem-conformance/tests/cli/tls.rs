//! An encrypted server.

use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use crate::program::{File, run_with};

/// Starts a server that answers 200 to everything; gives its port, and the certificate to trust.
async fn start() -> (u16, File) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = File::new(&cert.pem());
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that trusts nobody leaves, and so does one that only looks whether we are here.
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut request = [0; 4096];
            if matches!(stream.read(&mut request).await, Ok(1..)) {
                let answer = b"HTTP/1.1 299 Encrypted\r\ncontent-length: 0\r\n\r\n";
                stream.write_all(answer).await.unwrap();
                let _ = stream.shutdown().await;
            }
        }
    });
    (port, certificate)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encrypted_server_is_asked_like_any_other() {
    let (port, certificate) = start().await;
    let url = format!("https://localhost:{port}");
    let arguments = ["--base-url", &url, "--scenario", "replay/identical"];
    let ran = run_with(&arguments, &[("SSL_CERT_FILE", certificate.path())]).await;
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("is answered 299"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let (port, _) = start().await;
    let other = start().await.1;
    let url = format!("https://localhost:{port}");
    let ran = run_with(&["--base-url", &url], &[("SSL_CERT_FILE", other.path())]).await;
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("cannot be reached"), "{}", ran.err);
}
