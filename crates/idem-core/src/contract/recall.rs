//! What a store in the process can answer at once, without a claim.

use std::sync::Arc;

use tokio::time::Instant;

use crate::{
    contract::Completion,
    record::{RecordKey, Response},
    request::RequestTag,
};

/// Answers repeated requests by their tags, from this process's memory.
///
/// Most retries are the same bytes. Their tag is computed before anything else, and takes a fraction of what their
/// fingerprint does. What is not recalled is claimed and compared as ever, so answering `None` is always right.
pub trait Recall: Send + Sync {
    /// The response under a key, if the record there is completed, has not run out at this instant, and was
    /// made under a lease with this [tag](crate::store::Lease::tag). It waits for nothing but short locks.
    fn recall(&self, key: &RecordKey, tag: &RequestTag) -> Option<Arc<Response>>;

    /// Tells of a record that a transaction has committed, and that stands until `until` at least. By default
    /// nothing is made of it.
    fn committed(&self, completion: &Completion<'_>, until: Instant) {
        let _ = (completion, until);
    }
}
