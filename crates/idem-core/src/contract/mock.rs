//! A mock of the store trait, for an application's own tests.

use std::time::Duration;

use async_trait::async_trait;

use crate::{
    contract::{Capacity, Claim, Fenced, IdempotencyStore, StoreError, StoreIdentity},
    record::{Lease, Outcome, RecordKey, Stored},
};

// Spelled out, so that methods with a default body keep it: nobody has to expect them.
mockall::mock! {
    #[derive(Debug)]
    pub IdempotencyStore {}

    #[async_trait]
    impl IdempotencyStore for IdempotencyStore {
        async fn claim(&self, key: &RecordKey, lease: &Lease) -> Result<Claim, StoreError>;
        async fn renew(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError>;
        async fn complete(
            &self,
            key: &RecordKey,
            lease: &Lease,
            outcome: &Outcome,
            retention: Duration,
        ) -> Result<Fenced, StoreError>;
        async fn release(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError>;
        async fn look_up(&self, key: &RecordKey) -> Result<Option<Stored>, StoreError>;
        fn capacity(&self) -> Capacity;
        fn identity(&self) -> StoreIdentity;
    }
}
