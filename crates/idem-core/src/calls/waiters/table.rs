//! The keys that requests of this process claim or wait for, if their policy lets duplicates wait.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
};

use crate::calls::waiters::{Key, group::Group};

type Groups = HashMap<Key, Vec<Arc<Group>>>;

/// For how many keys an empty table keeps its memory.
const KEPT: usize = 64;

static GROUPS: LazyLock<Mutex<Groups>> = LazyLock::new(Mutex::default);

fn lock() -> MutexGuard<'static, Groups> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks at the groups of one key, and changes them.
pub(super) fn with<T>(key: &Key, change: impl FnOnce(&mut Vec<Arc<Group>>) -> T) -> T {
    let mut table = lock();
    let groups = table.entry(*key).or_default();
    let changed = change(groups);
    if groups.is_empty() {
        table.remove(key);
    }
    if table.is_empty() {
        table.shrink_to(KEPT);
    }
    changed
}

/// The groups of one key.
pub(super) fn groups(key: &Key) -> Vec<Arc<Group>> {
    lock().get(key).cloned().unwrap_or_default()
}

/// All groups of all keys.
pub(super) fn all() -> Vec<Arc<Group>> {
    lock().values().flatten().cloned().collect()
}
