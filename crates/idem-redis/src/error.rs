//! What the server's and the client's errors mean for the write that was asked for.

use idem_core::store::{StoreErrorKind, WriteEffect};
use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Says what kind of failure it was, and whether the script may have written.
///
/// A script that the server answers with one of its own codes has written nothing: each refuses the first
/// write, or the script as a whole.
pub(crate) fn meaning(error: &RedisError) -> (StoreErrorKind, WriteEffect) {
    use StoreErrorKind as Kind;
    match error.kind() {
        ErrorKind::Io if error.is_timeout() => (Kind::Timeout, WriteEffect::Unknown),
        // Nobody was there to send it to.
        ErrorKind::Io if error.is_connection_refusal() => (Kind::Unavailable, WriteEffect::None),
        ErrorKind::Server(kind) => of_server(kind, error),
        ErrorKind::Extension => of_code(error.code().unwrap_or_default()),
        ErrorKind::AuthenticationFailed
        | ErrorKind::InvalidClientConfig
        | ErrorKind::RESP3NotSupported => (Kind::Rejected, WriteEffect::None),
        ErrorKind::ClusterConnectionNotFound
        | ErrorKind::MasterNameNotFoundBySentinel
        | ErrorKind::NoValidReplicasFoundBySentinel => (Kind::Unavailable, WriteEffect::None),
        // Of all others nobody knows how far the call came.
        _ => (Kind::Unavailable, WriteEffect::Unknown),
    }
}

/// The same of a command that a client may have sent more than once. What the last attempt was answered says
/// nothing of the first, whose answer may have been lost, unless no attempt can have fared better.
pub(crate) fn meaning_if_sent_again(error: &RedisError) -> (StoreErrorKind, WriteEffect) {
    match meaning(error) {
        // An owner whose record stands needs no room, so it does not stand.
        full @ (StoreErrorKind::Full, _) => full,
        // Another program's value stands there.
        (kind, effect) if error.code() == Some("WRONGTYPE") => (kind, effect),
        (kind, _) => (kind, WriteEffect::Unknown),
    }
}

fn of_server(kind: ServerErrorKind, error: &RedisError) -> (StoreErrorKind, WriteEffect) {
    use ServerErrorKind as Server;
    match kind {
        Server::NoPerm | Server::CrossSlot => (StoreErrorKind::Rejected, WriteEffect::None),
        Server::ResponseError => of_text(error.detail().unwrap_or_default()),
        Server::BusyLoading
        | Server::ReadOnly
        | Server::NoScript
        | Server::Moved
        | Server::Ask
        | Server::TryAgain
        | Server::ClusterDown
        | Server::MasterDown => (StoreErrorKind::Unavailable, WriteEffect::None),
        _ => (StoreErrorKind::Unavailable, WriteEffect::Unknown),
    }
}

/// Codes for which the client has no name.
fn of_code(code: &str) -> (StoreErrorKind, WriteEffect) {
    match code {
        "OOM" => (StoreErrorKind::Full, WriteEffect::None),
        "NOAUTH" | "WRONGPASS" | "WRONGTYPE" | "DENIED" => {
            (StoreErrorKind::Rejected, WriteEffect::None)
        }
        // It cannot persist, has too few replicas, or runs somebody else's script for too long.
        "MISCONF" | "NOREPLICAS" | "BUSY" | "NOMASTERLINK" => {
            (StoreErrorKind::Unavailable, WriteEffect::None)
        }
        _ => (StoreErrorKind::Unavailable, WriteEffect::Unknown),
    }
}

/// Errors that have no code but `ERR`. Redis before 7.0 tells a script's errors this way, with the code
/// that the command in it got as a word of its own, at times behind a dash.
fn of_text(text: &str) -> (StoreErrorKind, WriteEffect) {
    let words = text
        .split(' ')
        .filter(|_| text.starts_with("Error running script"));
    for code in words.map(|word| word.strip_prefix('-').unwrap_or(word)) {
        match (code, of_code(code)) {
            ("READONLY" | "LOADING", _) => {
                return (StoreErrorKind::Unavailable, WriteEffect::None);
            }
            (_, meaning @ (_, WriteEffect::None)) => return meaning,
            _ => {}
        }
    }
    match text {
        text if text.contains("max number of clients") => (StoreErrorKind::Full, WriteEffect::None),
        text if text.starts_with("unknown command") => {
            (StoreErrorKind::Rejected, WriteEffect::None)
        }
        // The script was begun, and one of its commands is forbidden.
        text if text.contains("can't run this command") => {
            (StoreErrorKind::Rejected, WriteEffect::Unknown)
        }
        _ => (StoreErrorKind::Unavailable, WriteEffect::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_older_servers_say_of_a_script_is_understood() {
        let text = "Error running script (call to f_86): @user_script:5: @user_script: 5: -OOM command not allowed when used memory > 'maxmemory'.";
        assert_eq!(of_text(text), (StoreErrorKind::Full, WriteEffect::None));
        let text = "Error running script (call to f_86): @user_script:5: @user_script: 5: -READONLY You can't write against a read only replica.";
        assert_eq!(
            of_text(text),
            (StoreErrorKind::Unavailable, WriteEffect::None)
        );
        let text = "Error running script (call to f_20): @user_script:3: WRONGTYPE Operation against a key holding the wrong kind of value";
        assert_eq!(of_text(text), (StoreErrorKind::Rejected, WriteEffect::None));
        let text = "Error running script (call to f_86): @user_script:5: something else";
        assert_eq!(
            of_text(text),
            (StoreErrorKind::Unavailable, WriteEffect::Unknown)
        );
    }
}
