//! Which servers are named as honouring keys.

use std::str::FromStr;

use http::{Uri, uri::Scheme};

/// A server, or a part of one, that honours keys: `https://api.example.com/v1`.
///
/// Scheme, host and port must be equal; the path covers itself and everything below it.
///
/// ```
/// use idem_client::Server;
///
/// let server: Server = "https://api.example.com/v1".parse()?;
/// assert!(server.covers(&"https://api.example.com/v1/payments?dry=1".parse()?));
/// assert!(!server.covers(&"https://api.example.com/v10".parse()?));
/// assert!(!server.covers(&"http://api.example.com/v1".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    scheme: Scheme,
    /// In lower case.
    host: String,
    port: u16,
    /// Without a slash at its end; empty is everything.
    path: String,
}

impl Server {
    /// Whether a request to this address goes to the server.
    #[must_use]
    pub fn covers(&self, uri: &Uri) -> bool {
        let Some((scheme, host, port)) = origin(uri) else {
            return false;
        };
        (scheme, host.as_str(), port) == (&self.scheme, self.host.as_str(), self.port)
            && self.covers_path(uri.path())
    }

    fn covers_path(&self, path: &str) -> bool {
        if self.path.is_empty() {
            return true;
        }
        // A server may take these away, and be somewhere else then.
        if path.split('/').any(is_dots) {
            return false;
        }
        path.strip_prefix(&self.path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Of two that cover an address, the one with the longer path counts.
    #[cfg(any(feature = "reqwest", feature = "tower"))]
    pub(crate) fn path_length(&self) -> usize {
        self.path.len()
    }
}

fn is_dots(segment: &str) -> bool {
    let segment = segment.to_ascii_lowercase().replace("%2e", ".");
    matches!(segment.as_str(), "." | "..")
}

fn origin(uri: &Uri) -> Option<(&Scheme, String, u16)> {
    let scheme = uri.scheme()?;
    let default = match scheme.as_str() {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let host = uri.host()?.to_ascii_lowercase();
    Some((scheme, host, uri.port_u16().unwrap_or(default)))
}

impl FromStr for Server {
    type Err = InvalidServer;

    fn from_str(text: &str) -> Result<Self, InvalidServer> {
        let uri: Uri = text.parse().map_err(|_| InvalidServer)?;
        let (scheme, host, port) = origin(&uri).ok_or(InvalidServer)?;
        let has_user = uri.authority().is_some_and(|it| it.as_str().contains('@'));
        if has_user || uri.query().is_some() || text.contains('#') || host.is_empty() {
            return Err(InvalidServer);
        }
        let path = uri.path().trim_end_matches('/');
        if path.split('/').any(is_dots) {
            return Err(InvalidServer);
        }
        Ok(Self {
            scheme: scheme.clone(),
            host,
            port,
            path: path.to_owned(),
        })
    }
}

impl TryFrom<&str> for Server {
    type Error = InvalidServer;

    fn try_from(text: &str) -> Result<Self, InvalidServer> {
        text.parse()
    }
}

/// The text does not name a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a server is named by scheme, host, and if need be port and path, such as \"https://api.example.com/v1\", \
     without user, query or fragment"
)]
pub struct InvalidServer;

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(server: &str, uri: &str) -> bool {
        let server: Server = server.parse().unwrap();
        server.covers(&uri.parse().unwrap())
    }

    #[test]
    fn scheme_host_and_port_must_be_equal() {
        assert!(covers("https://a.example", "https://A.Example/x"));
        assert!(covers("https://a.example:443/", "https://a.example"));
        assert!(covers("http://[::1]:3000", "http://[::1]:3000/x?y"));
        for other in [
            "http://a.example/x",
            "https://a.example:8443/x",
            "https://a.example.evil/x",
            "https://b.a.example/x",
            "ftp://a.example/x",
            "/x",
        ] {
            assert!(!covers("https://a.example", other), "{other}");
        }
    }

    #[test]
    fn a_path_covers_what_is_below_it_and_nothing_beside() {
        let server = "http://a.example/pay/";
        assert!(covers(server, "http://a.example/pay"));
        assert!(covers(server, "http://a.example/pay/1"));
        for other in ["payments", "", "x/pay", "pay/../orders", "pay/%2E./orders"] {
            assert!(
                !covers(server, &format!("http://a.example/{other}")),
                "{other}"
            );
        }
    }

    #[test]
    fn what_names_no_server_is_refused() {
        for text in [
            "",
            "a.example",
            "/pay",
            "ftp://a.example",
            "https://user@a.example",
            "https://a.example/?q",
            "https://a.example/#f",
            "https://a.example/a/..",
            "https://",
        ] {
            assert_eq!(text.parse::<Server>(), Err(InvalidServer), "{text}");
        }
    }
}
