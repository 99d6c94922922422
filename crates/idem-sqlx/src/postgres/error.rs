//! What PostgreSQL's errors mean for the write that was asked for.

use idem_core::store::{StoreErrorKind, WriteEffect};

use crate::failure::meaning_of_driver;

/// Says what kind of failure it was, and whether the statement may have landed. An error that a server
/// gives as its answer to a statement undoes it, unless the server was about to end.
pub(super) fn meaning(error: &sqlx::Error) -> (StoreErrorKind, WriteEffect) {
    use StoreErrorKind as Kind;
    let Some(code) = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
    else {
        return meaning_of_driver(error);
    };
    match &*code {
        // The server was shut down or crashed, perhaps after the commit was on disk.
        "57P01" | "57P02" | "57P05" => (Kind::Unavailable, WriteEffect::Unknown),
        // A timeout of ours, or a lock that was not to be had within it.
        "57014" | "55P03" | "25P03" => (Kind::Timeout, WriteEffect::None),
        // There is too little memory, disk or room for connections.
        code if code.starts_with("53") => (Kind::Full, WriteEffect::None),
        // A limit of the program: the record, or the statement with it.
        code if code.starts_with("54") => (Kind::TooLarge, WriteEffect::None),
        // Privileges and authentication, names that do not exist, values that are not allowed.
        code if ["42", "28", "3D", "3F", "22", "23"].contains(&class(code)) => {
            (Kind::Rejected, WriteEffect::None)
        }
        // Conflicts, read-only transactions, and a server that cannot take connections now.
        code if ["08", "25", "40", "55", "57"].contains(&class(code)) => {
            (Kind::Unavailable, WriteEffect::None)
        }
        // Of errors of the system and of the server itself nobody knows when they came.
        _ => (Kind::Unavailable, WriteEffect::Unknown),
    }
}

/// Whether the same transaction may succeed when it runs again: it met others, or the server or the way to it
/// was in trouble. A constraint fails for ever, and so does a statement after one that failed.
pub(super) fn helps_to_retry(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    match code.as_deref() {
        None => matches!(
            error,
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed
        ),
        Some(code) => may_pass(code),
    }
}

/// Whether what a server answered by this SQLSTATE may be over next time.
pub(super) fn may_pass(code: &str) -> bool {
    matches!(code, "55P03" | "25P03" | "25P04")
        || ["08", "40", "53", "57", "58"].contains(&class(code))
}

fn class(code: &str) -> &str {
    code.get(..2).unwrap_or_default()
}
