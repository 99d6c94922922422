//! Clients that hang up, and how a test sees that their executions run on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use idem_core::{
    IdempotencyStore, Policy, RecordKey,
    event::{Event, Observer},
};
use socket2::SockRef;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{Adapter, Server, until};

/// Counts executions that were handed over.
#[derive(Clone, Debug, Default)]
pub struct HandedOver(Arc<AtomicUsize>);

impl Observer for HandedOver {
    fn observe(&self, _: &RecordKey, event: &Event<'_>) {
        if matches!(event, Event::HandedOver) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl HandedOver {
    /// Waits for the first one.
    ///
    /// # Panics
    /// If there is none.
    pub async fn wait(&self) {
        let is_over = || self.0.load(Ordering::SeqCst) > 0;
        until("an execution was handed over", is_over).await;
    }
}

/// Sends a request as far as `body`, of which two bytes are announced.
pub async fn begin(server: &Server, path: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: goats\r\nidempotency-key: k\r\n\
         content-type: application/json\r\ncontent-length: 2\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// Closes a connection so that its server sees it at once, where half-closed ones are served too.
pub fn hang_up(stream: TcpStream) {
    SockRef::from(&stream)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
}

/// A layer that tells when it hands an execution over.
pub fn observed_on<A: Adapter>(store: impl IdempotencyStore) -> (A, HandedOver) {
    let handed_over = HandedOver::default();
    let policy = Policy::reference().observer(handed_over.clone());
    (A::new(store, policy), handed_over)
}
