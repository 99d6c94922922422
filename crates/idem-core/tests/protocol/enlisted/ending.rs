//! A handler's transaction, its connection, and what a client was told.

/// How a transaction stands at the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Transaction {
    /// There is none.
    None,
    /// It has the handler's effect, and the record too if the fence let it through.
    Open {
        recorded: bool,
    },
    Committed,
    RolledBack,
}

/// What a client got from the server that it asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Told {
    Nothing,
    /// The handler's own response, as kept.
    Own,
    /// The response that is on record.
    Replay,
    /// Any other answer to a duplicate.
    Refused,
    /// 503 or 500: the effect is undone.
    Undone,
    /// 503: nobody knows.
    Unknown,
    /// The handler's own failure, which is not kept.
    Failed,
}

/// How far the ending of an execution is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ending {
    pub(crate) transaction: Transaction,
    /// Whether it has locked the key's row.
    pub(crate) locks: bool,
    /// Whether the completing statement is on its way; so for the next two.
    pub(crate) record: bool,
    pub(crate) commit: bool,
    pub(crate) rollback: bool,
    pub(crate) told: Told,
}

impl Ending {
    pub(crate) const NONE: Self = Self {
        transaction: Transaction::None,
        locks: false,
        record: false,
        commit: false,
        rollback: false,
        told: Told::Nothing,
    };

    /// What a handler begins with.
    pub(crate) const BEGUN: Self = Self {
        transaction: Transaction::Open { recorded: false },
        ..Self::NONE
    };

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.transaction, Transaction::Open { .. })
    }

    /// Ends the transaction, which unlocks the row.
    pub(crate) fn finish(&mut self, transaction: Transaction) {
        self.transaction = transaction;
        self.locks = false;
    }

    /// A number that is another for each state.
    pub(crate) fn code(&self) -> u64 {
        let transaction = match self.transaction {
            Transaction::None => 0,
            Transaction::Open { recorded } => 1 + u64::from(recorded),
            Transaction::Committed => 3,
            Transaction::RolledBack => 4,
        };
        [self.locks, self.record, self.commit, self.rollback]
            .iter()
            .fold(transaction << 3 | self.told as u64, |code, &flag| {
                code << 1 | u64::from(flag)
            })
    }
}
