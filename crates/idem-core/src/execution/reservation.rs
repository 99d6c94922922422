//! How a store's transaction becomes the end of the execution that it was begun in.

use crate::{
    contract::{Ending, StoreIdentity},
    execution::{CurrentExecution, KeyedRequest},
};

/// The place of an execution's only ending, for a transaction that was begun in it.
///
/// It is taken before the transaction can have an effect, so that what cannot be committed together
/// is refused first. Dropping it gives the place back.
#[derive(Debug)]
#[must_use]
pub struct Reservation(Option<KeyedRequest>);

/// Why a transaction cannot end an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnlistError {
    /// The execution's record is in another store.
    #[error(
        "the transaction's store is not the one that has the execution's record: give the layer and the handler the same store"
    )]
    OtherStore,
    /// Another transaction was begun in the execution, and was not dropped.
    #[error("the execution has a transaction already: begin one, and commit or drop it")]
    AlreadyBegun,
    /// The lease is on its way to another process, which ends it.
    #[error("the execution's lease has travelled: end it where it was sent")]
    Travelled,
    /// The handler has returned.
    #[error("the execution has ended: begin and hand over before the handler returns")]
    Ended,
}

/// Whether a lease is renewed while a transaction is open in its execution.
///
/// The enum is complete: it is or it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewals {
    /// As without a transaction.
    GoOn,
    /// Not until it is over, and the lease is not called lost meanwhile: for a store of one writer, where no
    /// other execution can take over while the transaction is open, and a renewal would wait for it.
    Pause,
}

impl CurrentExecution {
    /// Takes the place of the execution's ending. No round trip.
    ///
    /// # Errors
    /// See [`EnlistError`]; nothing was taken.
    pub fn reserve(
        &self,
        store: StoreIdentity,
        renewals: Renewals,
    ) -> Result<Reservation, EnlistError> {
        if self.request().calls().store.identity() != store {
            return Err(EnlistError::OtherStore);
        }
        self.request().state().reserve(renewals)?;
        Ok(Reservation(Some(self.request().clone())))
    }
}

impl Reservation {
    /// Hands the transaction over: the library commits it with the record once the response is known.
    ///
    /// # Errors
    /// [`EnlistError::Ended`]: the handler has returned meanwhile, and the transaction is rolled back.
    pub fn enlist(mut self, ending: impl Ending) -> Result<(), EnlistError> {
        let request = self.0.take().expect(ONCE);
        // Whatever comes back is dropped here, outside the lease's lock: dropping it rolls back.
        request
            .state()
            .enlist(Box::new(ending))
            .map_err(|_| EnlistError::Ended)
    }
}

const ONCE: &str = "a reservation is used once";

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(request) = &self.0 {
            request.state().give_back();
        }
    }
}
