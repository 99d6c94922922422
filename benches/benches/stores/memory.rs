//! The memory store, without limits.

use std::sync::Arc;

use idem_benches::records::unbounded;
use idem_core::IdempotencyStore;
use tokio::runtime::Runtime;

use super::{AnyError, Opened};

pub(super) fn open(_: &Runtime) -> Result<Opened, AnyError> {
    Ok(Opened {
        is_in_process: true,
        emptied: Some(empty),
        ..Opened::behind(unbounded(), ())
    })
}

fn empty() -> Arc<dyn IdempotencyStore> {
    Arc::new(unbounded())
}
