//! Where the server is.

use http::Uri;
use thiserror::Error;

/// A base URL that can be reached: `http` or `https`, a host, and a path under which the API lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) encrypted: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// What the `Host` header says.
    pub(crate) authority: String,
    /// Stands before every path; it does not end in a slash.
    pub(crate) prefix: String,
}

/// Why a base URL cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the base URL {url:?} {problem}; give one such as http://127.0.0.1:3000 or https://api.example.com/v1"
)]
pub struct InvalidTarget {
    url: String,
    problem: &'static str,
}

impl Target {
    pub(crate) fn parse(url: &str) -> Result<Self, InvalidTarget> {
        let refuse = |problem| InvalidTarget {
            url: without_credentials(url),
            problem,
        };
        let uri: Uri = url.parse().map_err(|_| refuse("is no URL"))?;
        let encrypted = match uri.scheme_str() {
            Some("http") => false,
            Some("https") if cfg!(feature = "tls") => true,
            Some("https") => return Err(refuse("needs the feature `tls`, which was left out")),
            _ => return Err(refuse("does not start with http:// or https://")),
        };
        let authority = uri.authority().ok_or_else(|| refuse("names no host"))?;
        if authority.as_str().contains('@') {
            return Err(refuse("carries credentials, which belong in a --header"));
        }
        if uri.query().is_some() {
            return Err(refuse("has a query, which belongs in the profile's paths"));
        }
        let host = authority.host();
        Ok(Self {
            encrypted,
            host: host.trim_matches(['[', ']']).to_owned(),
            port: authority
                .port_u16()
                .unwrap_or(if encrypted { 443 } else { 80 }),
            authority: authority.to_string(),
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

/// What is shown of a URL that was refused: a password in it is nobody's to see.
fn without_credentials(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_a_host_a_port_and_a_prefix() {
        let target = Target::parse("http://localhost:3000/v1/").unwrap();
        assert_eq!((&*target.host, target.port), ("localhost", 3000));
        assert_eq!(
            (&*target.authority, &*target.prefix),
            ("localhost:3000", "/v1")
        );
        let target = Target::parse("http://[::1]").unwrap();
        assert_eq!((&*target.host, target.port), ("::1", 80));
        assert_eq!((&*target.authority, &*target.prefix), ("[::1]", ""));
    }

    #[cfg(feature = "tls")]
    #[test]
    fn an_encrypted_one_has_another_port() {
        let target = Target::parse("https://api.example.com").unwrap();
        assert!(target.encrypted);
        assert_eq!(target.port, 443);
    }

    #[test]
    fn what_cannot_be_reached_says_why() {
        for (url, why) in [
            ("localhost:3000", "does not start with http"),
            ("ftp://goats", "does not start with http"),
            ("http://a b", "is no URL"),
            ("http://goats?x=1", "has a query"),
        ] {
            let error = Target::parse(url).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_password_in_a_url_is_refused_and_not_shown() {
        let error = Target::parse("http://peter:secret@goats")
            .unwrap_err()
            .to_string();
        assert!(error.contains("--header"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}
