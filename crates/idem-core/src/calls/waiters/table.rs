//! The keys that somebody in this process waits for.

use std::{
    collections::HashMap,
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::calls::waiters::{Key, group::Group};

type Groups = HashMap<Key, Vec<Arc<Group>>>;

/// How many groups there are: nearly always none, which is all that most requests need to know.
///
/// It orders nothing. An execution that ends while a group is founded may miss it; the group then asks after its first
/// pause, which is short.
static COUNT: AtomicUsize = AtomicUsize::new(0);

static GROUPS: LazyLock<Mutex<Groups>> = LazyLock::new(Mutex::default);

fn lock() -> MutexGuard<'static, Groups> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether nobody waits for anything: one relaxed load.
pub(super) fn is_empty() -> bool {
    COUNT.load(Ordering::Relaxed) == 0
}

/// Looks at the groups of one key, and changes them.
pub(super) fn with<T>(key: &Key, change: impl FnOnce(&mut Vec<Arc<Group>>) -> T) -> T {
    let mut table = lock();
    let groups = table.entry(*key).or_default();
    let before = groups.len();
    let changed = change(groups);
    let after = groups.len();
    if after == 0 {
        table.remove(key);
    }
    if table.is_empty() {
        // Gives its memory back.
        *table = Groups::default();
    }
    if after > before {
        COUNT.fetch_add(after - before, Ordering::Relaxed);
    } else {
        COUNT.fetch_sub(before - after, Ordering::Relaxed);
    }
    changed
}

/// The groups of one key.
pub(super) fn groups(key: &Key) -> Vec<Arc<Group>> {
    lock().get(key).cloned().unwrap_or_default()
}

/// All groups of all keys.
pub(super) fn all() -> Vec<Arc<Group>> {
    if is_empty() {
        return Vec::new();
    }
    lock().values().flatten().cloned().collect()
}
