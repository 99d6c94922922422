//! A service that takes orders, on both frameworks, bare or protected: called in process here, and
//! over sockets by the load bench.

use std::future::Future;

use bytes::Bytes;
use futures_util::future::pending;

#[cfg(feature = "actix")]
pub mod actix;
pub mod axum;
mod key;

pub use self::key::Key;

/// Where orders are posted.
pub const PATH: &str = "/orders";

/// What the service answers: 200 bytes, written for each order as a serializer writes them.
fn created() -> Bytes {
    vec![b'x'; 200].into()
}

/// What comes of an order.
#[derive(Clone, Copy, Debug)]
pub enum Handler {
    /// It is answered at once.
    Answers,
    /// It is never answered, so that its key stays in progress.
    Hangs,
}

impl Handler {
    async fn respond(self, payload: Bytes) -> Bytes {
        std::hint::black_box(payload);
        match self {
            Self::Answers => created(),
            Self::Hangs => pending().await,
        }
    }
}

/// The service, whichever framework it is on.
pub trait Orders {
    /// Posts an order under a key: makes the request, reads the response to its end, and tells its
    /// status.
    fn post(&mut self, key: Key, payload: &Bytes) -> impl Future<Output = u16>;
}
