//! The store as a server process sees it: behind a connection to the test, which outlives it.

use std::{io, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use idem_core::{
    IdempotencyStore, RecordKey,
    store::{
        Capacity, Claim, Fenced, Lease, Operation, Outcome, StoreError, StoreErrorKind,
        StoreIdentity, Stored, WriteEffect,
    },
};
use tokio::{
    io::AsyncReadExt,
    net::TcpStream,
    sync::{mpsc, oneshot},
};

use super::protocol::{Call, Reply, receive, send};

type Exchange = (Bytes, oneshot::Sender<Reply>);

/// Clones share one connection.
#[derive(Clone, Debug)]
pub(super) struct RemoteStore(mpsc::Sender<Exchange>);

/// Why there is no reply.
#[derive(Debug)]
enum Failure {
    /// The connection was gone before.
    NotSent,
    /// The connection broke meanwhile.
    NoReply,
}

impl RemoteStore {
    /// A store on a connection, whose calls take turns: its end is the end of all that the process
    /// has asked for. Whoever gives up a call does not break the turn.
    pub(super) fn new(connection: TcpStream) -> Self {
        let (sender, calls) = mpsc::channel(64);
        tokio::spawn(exchange(connection, calls));
        Self(sender)
    }

    pub(super) async fn serving(&self, port: u16) {
        self.note(&Call::Serving(port)).await;
    }

    pub(super) async fn effect(&self, key: &str, run: u64) {
        self.note(&Call::Effect(key.to_owned(), run)).await;
    }

    /// Waits until the test is gone.
    pub(super) async fn closed(&self) {
        self.0.closed().await;
    }

    async fn note(&self, call: &Call) {
        let reply = self.ask(call).await.expect("the test listens");
        assert!(matches!(reply, Reply::Noted));
    }

    async fn fenced(&self, operation: Operation, call: Call) -> Result<Fenced, StoreError> {
        match self.ask(&call).await {
            Ok(Reply::Fenced(fenced)) => Ok(fenced),
            Ok(reply) => panic!("{reply:?} is no reply to {call:?}"),
            Err(failure) => Err(failure.of(operation)),
        }
    }

    async fn ask(&self, call: &Call) -> Result<Reply, Failure> {
        let (sender, reply) = oneshot::channel();
        let exchange = (call.encode(), sender);
        self.0.send(exchange).await.map_err(|_| Failure::NotSent)?;
        reply.await.map_err(|_| Failure::NoReply)
    }
}

impl Failure {
    fn of(self, operation: Operation) -> StoreError {
        let effect = match self {
            Self::NotSent => WriteEffect::None,
            Self::NoReply => WriteEffect::Unknown,
        };
        StoreError::new(operation, StoreErrorKind::Unavailable, effect)
    }
}

/// Asks one call after the other until the connection ends.
async fn exchange(
    mut connection: TcpStream,
    mut calls: mpsc::Receiver<Exchange>,
) -> io::Result<()> {
    loop {
        let (call, reply) = tokio::select! {
            Some(exchange) = calls.recv() => exchange,
            // Nothing comes unasked but the end.
            _ = connection.read_u8() => return Ok(()),
        };
        send(&mut connection, &call).await?;
        let answer = Reply::decode(receive(&mut connection).await?);
        // Whoever asked may have given up.
        let _ = reply.send(answer);
    }
}

#[async_trait]
impl IdempotencyStore for RemoteStore {
    async fn claim(&self, key: &RecordKey, lease: &Lease) -> Result<Claim, StoreError> {
        match self.ask(&Call::Claim(*key, *lease)).await {
            Ok(Reply::Claimed(claim)) => Ok(claim),
            Ok(reply) => panic!("{reply:?} is no reply to a claim"),
            Err(failure) => Err(failure.of(Operation::Claim)),
        }
    }

    async fn renew(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        let call = Call::Renew(*key, *lease);
        self.fenced(Operation::Renew, call).await
    }

    async fn complete(
        &self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) -> Result<Fenced, StoreError> {
        let call = Call::Complete(*key, *lease, outcome.clone(), retention);
        self.fenced(Operation::Complete, call).await
    }

    async fn release(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        let call = Call::Release(*key, *lease);
        self.fenced(Operation::Release, call).await
    }

    async fn look_up(&self, _: &RecordKey) -> Result<Option<Stored>, StoreError> {
        unreachable!("no operator looks on")
    }

    fn capacity(&self) -> Capacity {
        Capacity::unlimited()
    }

    fn identity(&self) -> StoreIdentity {
        StoreIdentity::of_parts(["remote"])
    }
}
