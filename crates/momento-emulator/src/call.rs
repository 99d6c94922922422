//! What every call that the emulator carries out has in common.

use std::time::Duration;

use prost::Message;
use tonic::Status;

use crate::{
    caches::{Caches, Reading},
    method::Method,
};

/// The message of one call, which carries itself out.
pub(crate) trait Call: Message + Default + 'static {
    /// The message it is answered with.
    type Reply: Message + Default + 'static;

    const METHOD: Method;

    /// The item it is about, if it is about one.
    fn key(&self) -> Option<&[u8]>;

    /// Happens at one instant: the caller holds the only reference to the caches.
    fn carry_out(self, caches: &mut Caches, scene: &Scene) -> Result<Self::Reply, Status>;
}

/// Where and when a call happens.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    /// The name in the call's metadata; control calls have none, and it is empty.
    pub(crate) cache: String,
    pub(crate) now: Duration,
    pub(crate) reading: Reading,
}
