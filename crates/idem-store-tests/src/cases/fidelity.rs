//! What is stored comes back as it was, to the byte.

use std::sync::Arc;

use bytes::Bytes;
use idem_core::{
    Headers, Response,
    store::{CredentialsDigest, Fingerprint, Identity, Lease, NotKept, Outcome, OwnerToken},
};

use crate::{
    Trial, Verdict,
    sample::{self, LONG},
    trial::{completed, pending},
};

/// A body comes back byte for byte: each of the 256 bytes, text that is not UTF-8, line ends.
// S41
pub async fn bodies_come_back_byte_for_byte(trial: &Trial) -> Verdict {
    let every_byte: Bytes = (0..=u8::MAX).collect();
    let bodies: [Bytes; 6] = [
        every_byte,
        Bytes::from_static(b"\0"),
        Bytes::from_static(b"\xff\xfe\xc3\x28"),
        Bytes::from_static(b"\r\n\r\n \t"),
        Bytes::from_static("Ziege 🐐, e\u{301}".as_bytes()),
        Bytes::from_static(br#"{"a": 1.0, "a": "\u0061"}"#),
    ];
    for body in bodies {
        comes_back(trial, sample::response(body)).await;
    }
    Ok(())
}

/// A response may have neither headers nor body.
// S40
pub async fn an_empty_response_comes_back_empty(trial: &Trial) -> Verdict {
    comes_back(trial, sample::response(Bytes::new())).await;
    Ok(())
}

/// A body of 1 MiB, the most that a policy keeps unless set, comes back whole; a store that takes
/// less is given what it takes.
pub async fn a_big_body_comes_back_whole(trial: &Trial) -> Verdict {
    let most = trial.store().capacity().max_record_bytes();
    let length = most.unwrap_or(usize::MAX).min(1024 * 1024);
    comes_back(trial, sample::response(sample::bytes(length))).await;
    Ok(())
}

/// The status comes back as it was.
// S39
pub async fn every_status_comes_back(trial: &Trial) -> Verdict {
    for status in [100, 200, 201, 204, 299, 303, 399, 404, 500, 599, 999] {
        let response = Response::new(status, Headers::default(), Bytes::new());
        comes_back(trial, response.into()).await;
    }
    Ok(())
}

/// Headers come back in their order, repeated ones too, with their values' opaque bytes.
// S42
pub async fn headers_come_back_line_for_line(trial: &Trial) -> Verdict {
    let bytes = 0..=u8::MAX;
    let every_byte: Vec<u8> = bytes
        .filter(|byte| sample::is_in_header_values(*byte))
        .collect();
    let lines: [(&str, &[u8]); 8] = [
        ("link", b"</2>; rel=next"),
        ("location", b"/goats/17"),
        ("link", b"</1>; rel=prev"),
        ("Link", b"</2>; rel=next"),
        ("x-empty", b""),
        ("x-opaque", &every_byte),
        ("a", b" spaces, \"quotes\" and commas, "),
        ("link", b"</2>; rel=next"),
    ];
    let headers: Headers = lines.into_iter().collect();
    comes_back(trial, Response::new(201, headers, Bytes::new()).into()).await;
    Ok(())
}

/// A response may have many headers.
pub async fn many_headers_come_back(trial: &Trial) -> Verdict {
    let mut headers = Headers::default();
    for line in 0..200 {
        headers.push(&format!("x-{}", line % 70), &sample::header_value(20));
    }
    comes_back(trial, Response::new(200, headers, Bytes::new()).into()).await;
    Ok(())
}

/// That a response was not kept comes back, with the reason.
// S47
pub async fn why_a_response_was_not_kept_comes_back(trial: &Trial) -> Verdict {
    comes_back(trial, NotKept::TooLarge.into()).await;
    comes_back(trial, NotKept::Stream.into()).await;
    Ok(())
}

/// Owner, fingerprint and credentials come back as they were from a lease and from a result,
/// whatever their bytes, and no credentials are no credentials.
pub async fn whose_record_it_is_comes_back(trial: &Trial) -> Verdict {
    for byte in [0, b'\n', 0x7f, 0xff] {
        let asked = Identity::new(Fingerprint::from_bytes([byte; 32]));
        let credentials = CredentialsDigest::from_bytes([byte; 32]);
        for identity in [asked, asked.with_credentials(Some(credentials))] {
            let owner = OwnerToken::from_bytes([byte; 16]);
            returns(trial, &Lease::of_owner(owner, identity, LONG)).await;
        }
    }
    Ok(())
}

async fn returns(trial: &Trial, lease: &Lease) {
    let (key, done) = (trial.key(), sample::outcome());
    key.own(lease).await;
    assert_eq!(key.look().await, pending(lease));
    key.record(lease, &done, LONG).await;
    assert_eq!(key.look().await, completed(lease, &done));
}

/// A result stays as it was when its recorder goes on to use the buffers.
pub async fn a_result_is_the_stores_own(trial: &Trial) -> Verdict {
    let (key, first) = (trial.key(), sample::lease());
    let mut body = vec![7; 64];
    key.own(&first).await;
    let mine = sample::response(Bytes::copy_from_slice(&body));
    key.record(&first, &mine, LONG).await;
    drop(mine);
    let same = sample::response(Bytes::copy_from_slice(&body));
    body.fill(0);
    assert_eq!(key.look().await, completed(&first, &same));
    Ok(())
}

/// Records an outcome and sees what a claim makes of it.
pub(super) async fn comes_back(trial: &Trial, outcome: Outcome) {
    let (key, first) = (trial.key(), sample::lease());
    key.own(&first).await;
    key.record(&first, &copy(&outcome), LONG).await;
    assert_eq!(key.look().await, completed(&first, &outcome));
}

/// The store gets an outcome of its own: comparing an `Arc` with itself says little.
fn copy(outcome: &Outcome) -> Outcome {
    match outcome {
        Outcome::Response(response) => Outcome::Response(Arc::new(Response::clone(response))),
        Outcome::NotKept(reason) => Outcome::NotKept(*reason),
    }
}
