//! What SQLite's errors mean for the write that was asked for.

use idem_core::store::{StoreErrorKind, WriteEffect};

use crate::failure::meaning_of_driver;

/// SQLite's primary result codes, which are the low byte of the extended ones.
mod code {
    pub(super) const ERROR: i32 = 1;
    pub(super) const PERM: i32 = 3;
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const READONLY: i32 = 8;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    pub(super) const CANTOPEN: i32 = 14;
    pub(super) const SCHEMA: i32 = 17;
    pub(super) const TOOBIG: i32 = 18;
    pub(super) const CONSTRAINT: i32 = 19;
    pub(super) const AUTH: i32 = 23;
    pub(super) const NOTADB: i32 = 26;
}

/// Says what kind of failure it was, and whether the statement may have landed.
pub(super) fn meaning(error: &sqlx::Error) -> (StoreErrorKind, WriteEffect) {
    use StoreErrorKind as Kind;
    let Some(primary) = primary_code(error) else {
        return meaning_of_driver(error);
    };
    match primary {
        code::BUSY | code::LOCKED => (Kind::Timeout, WriteEffect::None),
        code::FULL => (Kind::Full, WriteEffect::None),
        code::TOOBIG => (Kind::TooLarge, WriteEffect::None),
        code::ERROR
        | code::PERM
        | code::READONLY
        | code::SCHEMA
        | code::CONSTRAINT
        | code::AUTH => (Kind::Rejected, WriteEffect::None),
        code::CANTOPEN => (Kind::Unavailable, WriteEffect::None),
        code::CORRUPT | code::NOTADB => (Kind::Corrupt, WriteEffect::Unknown),
        // After an error of the disk nobody knows what it holds.
        _ => (Kind::Unavailable, WriteEffect::Unknown),
    }
}

/// Whether another connection had the lock for too long, after which this one is as before.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    matches!(primary_code(error), Some(code::BUSY | code::LOCKED))
}

/// Whether a statement cannot be: BEGIN within a transaction, or a table that is not there.
pub(super) fn is_no_transaction(error: &sqlx::Error) -> bool {
    primary_code(error) == Some(code::ERROR)
}

/// Whether it is SQLite's own answer, after which nothing of a COMMIT is there.
pub(super) fn is_an_answer(error: &sqlx::Error) -> bool {
    primary_code(error).is_some() && meaning(error).1 == WriteEffect::None
}

/// Whether the same transaction may succeed when it runs again. A constraint fails for ever.
pub(super) fn helps_to_retry(error: &sqlx::Error) -> bool {
    match primary_code(error) {
        Some(code::ERROR | code::CONSTRAINT | code::TOOBIG | code::READONLY | code::AUTH) => false,
        Some(_) => true,
        None => matches!(
            error,
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed
        ),
    }
}

pub(super) fn is_read_only(error: &sqlx::Error) -> bool {
    primary_code(error) == Some(code::READONLY)
}

fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error()?.code()?;
    code.parse::<i32>().ok().map(|code| code & 0xff)
}
