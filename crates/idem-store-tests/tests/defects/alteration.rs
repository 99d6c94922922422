//! Responses and identities as a store gives them back that alters them.

use std::collections::HashSet;

use bytes::Bytes;
use idem_core::{
    Headers, Response,
    store::{CredentialsDigest, Fingerprint, Identity, NotKept, Outcome, OwnerToken},
};

use crate::defect::Defect;

/// The identity that a lease has in such a store.
pub(crate) fn claimed(identity: &Identity, defect: Option<Defect>) -> Identity {
    match defect {
        Some(Defect::ClaimLosesTheCredentials) => without_credentials(identity),
        _ => *identity,
    }
}

/// The identity that a result has in such a store.
pub(crate) fn finished(identity: &Identity, defect: Option<Defect>) -> Identity {
    match defect {
        Some(Defect::CompletionLosesTheFingerprint) => {
            let credentials: Option<CredentialsDigest> = identity.credentials().copied();
            Identity::new(Fingerprint::from_bytes([0; 32])).with_credentials(credentials)
        }
        Some(Defect::CompletionLosesTheCredentials) => without_credentials(identity),
        _ => *identity,
    }
}

fn without_credentials(identity: &Identity) -> Identity {
    Identity::new(*identity.fingerprint())
}

/// The owner that a result has in such a store.
pub(crate) fn finisher(owner: &OwnerToken, defect: Option<Defect>) -> OwnerToken {
    match defect {
        Some(Defect::CompletionLosesTheOwner) => OwnerToken::from_bytes([0x55; 16]),
        _ => *owner,
    }
}

/// The outcome that a result has in such a store.
pub(crate) fn outcome(outcome: &Outcome, defect: Option<Defect>) -> Outcome {
    match (outcome, defect) {
        (Outcome::NotKept(_), Some(Defect::ReasonsAreLost)) => NotKept::TooLarge.into(),
        (Outcome::Response(found), Some(defect)) => response(found, defect).into(),
        _ => outcome.clone(),
    }
}

fn response(response: &Response, defect: Defect) -> Response {
    Response::new(
        status(response.status(), defect),
        headers(response.headers(), defect),
        body(response.body(), defect),
    )
}

fn status(status: u16, defect: Defect) -> u16 {
    if defect == Defect::UnknownStatusIs500 && status > 599 {
        500
    } else {
        status
    }
}

fn body(body: Bytes, defect: Defect) -> Bytes {
    match defect {
        Defect::BodiesAreText => text(&body).into(),
        Defect::BodiesAreCutShort => body.slice(..body.len().min(64 * 1024)),
        Defect::EmptyBodiesAreNull if body.is_empty() => Bytes::from_static(b"null"),
        _ => body,
    }
}

fn headers(headers: &Headers, defect: Defect) -> Headers {
    let mut lines: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    match defect {
        Defect::HeadersAreSorted => lines.sort(),
        Defect::HeadersAreDeduplicated => keep_the_first_of_each_name(&mut lines),
        Defect::HeadersAreCounted => lines.truncate(100),
        Defect::HeaderNamesAreLowerCase => lines.iter_mut().for_each(|line| {
            line.0.make_ascii_lowercase();
        }),
        Defect::HeaderValuesAreText => lines.iter_mut().for_each(|line| line.1 = text(&line.1)),
        _ => {}
    }
    let lines = lines.iter().map(|(name, value)| (&**name, &**value));
    lines.collect()
}

fn keep_the_first_of_each_name(lines: &mut Vec<(String, Vec<u8>)>) {
    let mut seen = HashSet::new();
    lines.retain(|(name, _)| seen.insert(name.clone()));
}

fn text(bytes: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(bytes).into_owned().into_bytes()
}
