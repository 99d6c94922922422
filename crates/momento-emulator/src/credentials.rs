//! The one API key that the emulator takes.

use base64::{Engine, engine::general_purpose as base64_of};
use http::HeaderMap;
use tonic::Status;

/// The claims of a v2 API key. The SDK looks for `"t": "g"`; nobody checks the signature.
const CLAIMS: &str = r#"{"t":"g","jti":"momento-emulator"}"#;

/// A v2 API key: a JWT, which the SDK sends as it is.
pub(crate) fn api_key() -> String {
    let header = base64_of::URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let claims = base64_of::URL_SAFE_NO_PAD.encode(CLAIMS);
    format!("{header}.{claims}.not-signed")
}

/// A v1 token around the same key: the SDK unwraps it and sends the key inside.
pub(crate) fn token(endpoint: &str) -> String {
    let key = api_key();
    let json = format!(r#"{{"endpoint":"{endpoint}","api_key":"{key}"}}"#);
    base64_of::URL_SAFE.encode(json)
}

pub(crate) fn check(headers: &HeaderMap) -> Result<(), Status> {
    match headers.get(http::header::AUTHORIZATION) {
        Some(key) if key.as_bytes() == api_key().as_bytes() => Ok(()),
        Some(_) => Err(Status::unauthenticated("unknown API key")),
        None => Err(Status::unauthenticated("no API key")),
    }
}
