//! What gRPC needs of the core: it hides failures behind status 200, and its requests pass through.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::request::RequestHead;

/// The header, or trailer, that has the status of a call.
pub(crate) const STATUS: &str = "grpc-status";

/// The HTTP status that a failure's code stands for, as `google.rpc.Code` maps them; `None` for success.
///
/// Anything that is not a code counts as an unknown code, as it does for clients.
pub(crate) fn http_status(code: &[u8]) -> Option<u16> {
    let code = std::str::from_utf8(code.trim_ascii()).ok();
    Some(match code.and_then(|code| code.parse().ok()) {
        Some(0) => return None,
        Some(1) => 499,
        Some(3 | 9 | 11) => 400,
        Some(4) => 504,
        Some(5) => 404,
        Some(6 | 10) => 409,
        Some(7) => 403,
        Some(8) => 429,
        Some(12) => 501,
        Some(14) => 503,
        Some(16) => 401,
        Some(2 | 13 | 15 | 17_u32..) | None => 500,
    })
}

/// Lets gRPC requests through, and says so once.
#[derive(Debug, Default)]
pub(crate) struct PassThrough {
    told: AtomicBool,
}

impl PassThrough {
    /// Whether a request is one of gRPC, gRPC-Web included.
    ///
    /// Its answer ends in trailers that hold the result, and a refusal would need some too, so it takes an adapter of
    /// its own to keep and to replay one.
    pub(crate) fn takes(&self, head: &impl RequestHead) -> bool {
        const TYPE: &[u8] = b"application/grpc";
        let is_grpc = head.header("content-type").any(|value| {
            let media_type = value.get(..TYPE.len());
            media_type.is_some_and(|media_type| media_type.eq_ignore_ascii_case(TYPE))
        });
        if is_grpc && !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "gRPC requests are not protected: they pass through as if they had no key, because their \
                 results stand in trailers, which are not kept"
            );
        }
        is_grpc
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_but_success_is_a_failure() {
        for success in ["0", " 0 ", "00"] {
            assert_eq!(http_status(success.as_bytes()), None, "{success:?}");
        }
        for code in 1..=17_u32 {
            let status = http_status(code.to_string().as_bytes());
            assert!(status.is_some_and(|status| status >= 400), "{code}");
        }
        for unknown in ["", "none", "-1", "99999999999", "0,13", "\u{e9}"] {
            assert_eq!(http_status(unknown.as_bytes()), Some(500), "{unknown:?}");
        }
    }
}
