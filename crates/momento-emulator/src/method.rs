//! The calls that the emulator knows.

/// One call of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Reads an item.
    Get,
    /// Writes an item, whatever stands there.
    Set,
    /// Writes an item on a condition; all six `set_if_…` methods of the SDK.
    SetIf,
    /// Removes an item.
    Delete,
    /// Reads how long an item still lives.
    ItemGetTtl,
    /// Overwrites, increases or decreases how long an item lives.
    UpdateTtl,
    /// Creates a cache.
    CreateCache,
    /// Deletes a cache with its items.
    DeleteCache,
    /// Lists the caches and their limits.
    ListCaches,
    /// Removes all items of a cache.
    FlushCache,
    /// Any other call: it is counted, and answered Unimplemented.
    Other,
}

impl Method {
    /// The calls that read or write an item.
    pub const DATA: [Self; 6] = [
        Self::Get,
        Self::Set,
        Self::SetIf,
        Self::Delete,
        Self::ItemGetTtl,
        Self::UpdateTtl,
    ];

    /// The calls about caches.
    pub const CONTROL: [Self; 4] = [
        Self::CreateCache,
        Self::DeleteCache,
        Self::ListCaches,
        Self::FlushCache,
    ];
}
