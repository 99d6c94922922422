//! The URL of a Redis, whose password nobody else is to see.

use idem_redis::redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisError};

/// Why a URL leads nowhere. No part of it is repeated, because any part may be a piece of the password.
#[derive(Debug, thiserror::Error)]
pub(super) enum UrlError {
    #[error("an @ in its path; write /, ? and # in a password as %2F, %3F and %23")]
    Password,
    #[error("its URL cannot be read")]
    Unreadable(#[source] RedisError),
}

/// How to connect.
pub(super) fn parse(url: &str) -> Result<ConnectionInfo, UrlError> {
    let after_host = url.split_once("://").and_then(|(scheme, rest)| {
        let is_socket = scheme.to_ascii_lowercase().ends_with("unix");
        (!is_socket).then(|| rest.split_once(['/', '?', '#']))?
    });
    if after_host.is_some_and(|(_, rest)| rest.contains('@')) {
        return Err(UrlError::Password);
    }
    url.into_connection_info().map_err(UrlError::Unreadable)
}

/// The URL without its password.
pub(super) fn shown(url: &str) -> String {
    let Ok(info) = parse(url) else {
        return "redis://…".to_owned();
    };
    let settings = info.redis_settings();
    // Without a password it is none of use, and most often the password itself, whose colon was forgotten.
    let named = settings
        .username()
        .filter(|_| settings.password().is_some());
    let user = named.map(|name| format!("{name}@"));
    let (user, database) = (user.unwrap_or_default(), settings.db());
    match info.addr() {
        ConnectionAddr::Tcp(host, port) => {
            format!("redis://{user}{}:{port}/{database}", bracketed(host))
        }
        ConnectionAddr::TcpTls { host, port, .. } => {
            format!("rediss://{user}{}:{port}/{database}", bracketed(host))
        }
        ConnectionAddr::Unix(path) => format!("unix://{}?db={database}", path.display()),
        // The client may learn of other ways.
        _ => "redis://…".to_owned(),
    }
}

fn bracketed(host: &str) -> String {
    match host.contains(':') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    #[test]
    fn it_is_shown_without_its_password() {
        for (url, expected) in [
            ("redis://:sesame@cache:6380/3", "redis://cache:6380/3"),
            (
                "redis://heidi:ses%2Fame@cache",
                "redis://heidi@cache:6379/0",
            ),
            (
                "rediss://heidi:sesame@[::1]/1?protocol=resp3",
                "rediss://heidi@[::1]:6379/1",
            ),
            (
                "unix:///run/redis.sock?db=2&pass=ses@me",
                "unix:///run/redis.sock?db=2",
            ),
            // Without a password, what was meant to be one stands where the user does.
            ("redis://sesame@cache", "redis://cache:6379/0"),
            ("redis://heidi:ses/ame@cache", "redis://…"),
            ("redis://heidi:12/sesame@cache", "redis://…"),
            ("redis://sesame#x@cache", "redis://…"),
            ("redis://:sesame@cache:port", "redis://…"),
            ("http://:sesame@cache", "redis://…"),
            ("sesame", "redis://…"),
        ] {
            assert_eq!(shown(url), expected);
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_without_the_password() {
        for (url, problem) in [
            ("redis://heidi:ses/ame@cache", "%2F"),
            ("redis://:ses?ame@cache", "%3F"),
            ("redis://sesame#x@cache", "%23"),
            ("redis://:sesame@cache:port", "its URL cannot be read"),
            ("redis://:sesame@cache/goats", "its URL cannot be read"),
            (
                "redis://:sesame@cache?protocol=resp7",
                "its URL cannot be read",
            ),
            ("http://:sesame@cache", "its URL cannot be read"),
        ] {
            let error = parse(url).unwrap_err();
            assert!(error.to_string().contains(problem), "{error}");
            let source = error.source().map(ToString::to_string).unwrap_or_default();
            let all = format!("{error:?} {source}");
            assert!(!all.contains("sesame") && !all.contains("ame@"), "{all}");
        }
        assert!(parse("redis://:ses%40me%23@cache/1").is_ok());
    }
}
