//! Which origins' pages may read the market's answers, and what those pages may send and see.
//!
//! A browser hides the headers of an answer from a page of another origin unless they are exposed. A page
//! that cannot see `Idempotency-Refusal` takes a 202 that refuses for a success.
//!
//! The layer stands around idempotency: what it adds is in no record, so a replay says what is right for
//! the origin that asks.

use std::str::FromStr;
use std::time::Duration;

/// What clients send.
pub(super) const METHODS: [&str; 3] = ["GET", "HEAD", "POST"];

/// The headers that clients send.
pub(super) const REQUEST_HEADERS: [&str; 4] = [
    "authorization",
    "content-type",
    "idempotency-key",
    "x-request-id",
];

/// The headers that clients must see, beside those that every page sees.
pub(super) const EXPOSED_HEADERS: [&str; 8] = [
    "allow",
    "idempotency-refusal",
    "idempotency-replayed",
    "link",
    "location",
    "retry-after",
    "www-authenticate",
    "x-request-id",
];

/// How long a browser need not ask again.
pub(super) const MAX_AGE: Duration = Duration::from_secs(3600);

/// An origin as browsers send it, such as `https://shop.example`, or `*` for all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Whether it stands for all of them.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.0 == "*"
    }

    /// As a browser sends it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that no browser sends as its origin.
#[derive(Debug, thiserror::Error)]
#[error("it must be * or a scheme, a host and perhaps a port, such as https://shop.example")]
pub struct NoOrigin;

impl FromStr for Origin {
    type Err = NoOrigin;

    fn from_str(text: &str) -> Result<Self, NoOrigin> {
        // Browsers send lower case, and no port where it is the scheme's own.
        let text = text.trim().to_ascii_lowercase();
        if text == "*" {
            return Ok(Self(text));
        }
        let (scheme, rest) = text.split_once("://").ok_or(NoOrigin)?;
        let default_port = match scheme {
            "http" => ":80",
            "https" => ":443",
            _ => return Err(NoOrigin),
        };
        let rest = rest.strip_suffix(default_port).unwrap_or(rest);
        if is_host_and_port(rest) {
            Ok(Self(format!("{scheme}://{rest}")))
        } else {
            Err(NoOrigin)
        }
    }
}

fn is_host_and_port(text: &str) -> bool {
    // An IPv6 address has its colons in brackets.
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_address = |inner: &str| inner.parse::<std::net::Ipv6Addr>().is_ok();
    let is_name = |name: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        !name.is_empty() && name.bytes().all(fits)
    };
    let bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    bracketed.map_or_else(|| is_name(host), is_address)
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_taken_as_browsers_send_it() {
        for (text, origin) in [
            ("*", "*"),
            ("https://shop.example", "https://shop.example"),
            (" HTTPS://Shop.Example:443", "https://shop.example"),
            ("http://localhost:5173", "http://localhost:5173"),
            ("http://127.0.0.1:80", "http://127.0.0.1"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://[::1]", "http://[::1]"),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().as_str(), origin, "{text}");
        }
    }

    #[test]
    fn what_no_browser_sends_is_refused() {
        for text in [
            "",
            "null",
            "shop.example",
            "https://",
            "https://shop.example/",
            "https://shop.example/orders",
            "https://*.shop.example",
            "https://peter@shop.example",
            "https://shop.example:0",
            "https://shop.example:port",
            "https://shop.example:99999",
            "https://shop example",
            "http://[shop]",
            "ftp://shop.example",
            "https://a.example,https://b.example",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }
}
