//! What is compared: a database, and where the record of a response is kept.

use std::{fmt, str::FromStr};

use crate::AnyError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    Postgres,
    Sqlite,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// No layer.
    Bare,
    /// In the process's memory.
    Memory,
    /// In the handler's database, written after the handler's own commit.
    Outside,
    /// In the handler's transaction.
    Inside,
    /// The same, with as many connections of the store's own as there are clients.
    InsideManyConnections,
    /// In Redis, written after the handler's own commit.
    Redis,
    /// Inside, with `every_effect_is_in_this_database`.
    InsideWithOption,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Variant {
    pub(crate) database: Database,
    pub(crate) record: Record,
}

impl Variant {
    /// All there are, the bare handler of a database before the others on it.
    pub(crate) const ALL: [Self; 12] = [
        Self::new(Database::Postgres, Record::Bare),
        Self::new(Database::Postgres, Record::Memory),
        Self::new(Database::Postgres, Record::Redis),
        Self::new(Database::Postgres, Record::Outside),
        Self::new(Database::Postgres, Record::Inside),
        Self::new(Database::Postgres, Record::InsideManyConnections),
        Self::new(Database::Postgres, Record::InsideWithOption),
        Self::new(Database::Sqlite, Record::Bare),
        Self::new(Database::Sqlite, Record::Memory),
        Self::new(Database::Sqlite, Record::Redis),
        Self::new(Database::Sqlite, Record::Outside),
        Self::new(Database::Sqlite, Record::Inside),
    ];

    pub(crate) const fn new(database: Database, record: Record) -> Self {
        Self { database, record }
    }

    pub(crate) const fn is_bare(self) -> bool {
        matches!(self.record, Record::Bare)
    }

    /// Whether its records are in the database.
    pub(crate) const fn keeps_records_there(self) -> bool {
        !matches!(self.record, Record::Bare | Record::Memory | Record::Redis)
    }
}

const DATABASES: [(Database, &str); 2] = [
    (Database::Postgres, "PostgreSQL"),
    (Database::Sqlite, "SQLite"),
];

const RECORDS: [(Record, &str); 7] = [
    (Record::Bare, "bare"),
    (Record::Memory, "memory store"),
    (Record::Redis, "Redis"),
    (Record::Outside, "outside"),
    (Record::Inside, "inside"),
    (Record::InsideManyConnections, "inside, 32 connections"),
    (Record::InsideWithOption, "inside, option"),
];

fn name<T: PartialEq>(names: &[(T, &'static str)], wanted: &T) -> &'static str {
    let found = names.iter().find(|(value, _)| value == wanted);
    found.map_or("", |(_, name)| name)
}

fn named<T: Copy>(names: &[(T, &str)], wanted: &str) -> Result<T, AnyError> {
    let found = names.iter().find(|(_, name)| *name == wanted);
    found
        .map(|(value, _)| *value)
        .ok_or_else(|| format!("{wanted:?} is not a variant").into())
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(name(&DATABASES, self))
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(name(&RECORDS, self))
    }
}

impl FromStr for Database {
    type Err = AnyError;

    fn from_str(name: &str) -> Result<Self, AnyError> {
        named(&DATABASES, name)
    }
}

impl FromStr for Record {
    type Err = AnyError;

    fn from_str(name: &str) -> Result<Self, AnyError> {
        named(&RECORDS, name)
    }
}
