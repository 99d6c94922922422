//! The store: each operation as conditional writes, and what an answer that was lost or a read
//! that is stale may mean.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use idem_core::{
    IdempotencyStore, RecordKey,
    store::{
        Capacity, Claim, Fenced, Lease, Operation, Outcome, OwnerToken, Pending, Record,
        StoreError, StoreErrorKind, StoreIdentity, Stored, WriteEffect, decode, encode_completed,
        encode_pending,
    },
};
use momento::{
    CacheClient, CredentialProvider, MomentoResult,
    cache::{
        Configuration, GetRequest, GetResponse, ItemGetTtlRequest, ItemGetTtlResponse,
        MomentoRequest, SetIfAbsentOrEqualRequest, SetIfAbsentOrEqualResponse, SetIfEqualRequest,
        SetIfEqualResponse,
        configurations::{Lambda, LowLatency},
    },
};

use crate::{client::Client, error::store_error};

/// What stands under a key that was released, until it expires.
const RELEASED: &[u8] = b"released";

/// How long that is. A claim takes its place as if nothing stood there.
const RELEASED_TTL: Duration = Duration::from_secs(1);

/// How often a write and a read are tried that contradict each other, which stale reads make
/// possible.
const ROUNDS: usize = 3;

/// What Momento documents as the largest item, key included.
const MAX_ITEM_BYTES: usize = 5_000_000;

/// What a record takes besides its body: the key, and headers whose bytes are escaped in JSON.
const OVERHEAD_BYTES: usize = 64 * 1024;

/// Keeps records in one cache of Momento Serverless Cache. Clones share the client.
#[derive(Clone, Debug)]
pub struct MomentoStore {
    client: Arc<Client>,
    cache: Arc<str>,
    max_item_bytes: usize,
    reads_along: bool,
    idle: Option<Duration>,
    identity: StoreIdentity,
}

/// A pause that connections survive: NAT gateways of AWS forget them after 350 seconds.
const MINUTE: Duration = Duration::from_secs(60);

fn build(
    configuration: impl Into<Configuration>,
    credentials: CredentialProvider,
) -> MomentoResult<CacheClient> {
    CacheClient::builder()
        .default_ttl(RELEASED_TTL)
        .configuration(configuration)
        .credential_provider(credentials)
        .build()
}

/// What a read found.
enum Found {
    /// Nothing binding: the item is absent or released, or the read was stale.
    Nothing,
    Released,
    Record(Record),
}

impl MomentoStore {
    /// Uses a client as it is.
    #[must_use]
    pub fn new(client: CacheClient, cache: impl Into<String>) -> Self {
        Self::with(Client::fixed(client), cache)
    }

    /// Uses a client that can be rebuilt, which happens after three calls in a row without an answer: without
    /// keep-alive, a connection that died silently does not recover by itself.
    ///
    /// # Errors
    /// The client cannot be built, for example from a malformed key.
    pub fn connect(
        connect: impl Fn() -> MomentoResult<CacheClient> + Send + Sync + 'static,
        cache: impl Into<String>,
    ) -> MomentoResult<Self> {
        Ok(Self::with(Client::renewable(connect)?, cache))
    }

    /// Connects with the API key in `MOMENTO_API_KEY` and the endpoint in `MOMENTO_ENDPOINT`, or
    /// with a legacy token in `MOMENTO_API_KEY` alone, with deadlines of 500 ms.
    ///
    /// # Errors
    /// A variable is missing or malformed.
    pub fn from_env(cache: impl Into<String>) -> MomentoResult<Self> {
        let endpoint = std::env::var_os("MOMENTO_ENDPOINT");
        let credentials = match (std::env::var("MOMENTO_API_KEY"), endpoint) {
            (Ok(token), None) => CredentialProvider::from_disposable_token(token)?,
            _ => CredentialProvider::from_default_env_var_v2()?,
        };
        Self::with_credentials(credentials, cache)
    }

    /// Connects with these credentials, and with deadlines of 500 ms.
    ///
    /// # Errors
    /// The endpoint is malformed.
    pub fn with_credentials(
        credentials: CredentialProvider,
        cache: impl Into<String>,
    ) -> MomentoResult<Self> {
        let connect = move || build(LowLatency::v1(), credentials.clone());
        Self::connect(connect, cache)
    }

    /// Connects with these credentials as a Lambda function should: with one connection, deadlines of 1.1 s and
    /// no keep-alive, for which a frozen instance has no time. After a minute without calls, the client is
    /// rebuilt before the next one, as with [`idle`](Self::idle).
    ///
    /// # Errors
    /// The endpoint is malformed.
    pub fn on_lambda(
        credentials: CredentialProvider,
        cache: impl Into<String>,
    ) -> MomentoResult<Self> {
        let connect = move || build(Lambda::v1(), credentials.clone());
        Ok(Self::connect(connect, cache)?.idle(MINUTE))
    }

    fn with(client: Client, cache: impl Into<String>) -> Self {
        Self {
            client: Arc::new(client),
            cache: cache.into().into(),
            max_item_bytes: MAX_ITEM_BYTES,
            reads_along: false,
            idle: None,
            identity: StoreIdentity::unique(),
        }
    }

    /// Sets the largest item that the cache takes, in bytes: 5,000,000 by default. A response that does not fit
    /// is not kept, but the store still remembers that the request was done.
    #[must_use]
    pub const fn max_item_bytes(mut self, bytes: usize) -> Self {
        self.max_item_bytes = bytes;
        self
    }

    /// Sends the read along with each claim instead of after it: a duplicate then takes one round
    /// trip, and a fresh request costs a read more.
    #[must_use]
    pub const fn read_along(mut self, reads_along: bool) -> Self {
        self.reads_along = reads_along;
        self
    }

    /// Rebuilds the client before the first call after a longer pause, if it [can be rebuilt](Self::connect).
    /// Never by default.
    ///
    /// It is for connections without keep-alive. A connection can die unnoticed, because NATs forget those that
    /// are idle for some minutes; it then accepts calls and never answers. With this setting, the first call
    /// after the pause pays for a new connection instead of waiting for a deadline. The pause is measured by
    /// the wall clock, which also runs while a process is frozen. Other calls wait meanwhile, so `connect` must
    /// not wait for anything itself.
    #[must_use]
    pub const fn idle(mut self, longest: Duration) -> Self {
        self.idle = Some(longest);
        self
    }

    /// Whether a record is within what the store states, and within what the cache takes.
    ///
    /// One without a response is small, and remembers that something was done: the cache itself decides about it.
    fn takes(&self, outcome: &Outcome, item_bytes: usize) -> bool {
        match outcome {
            Outcome::Response(response) => {
                response.size() <= self.largest_response() && item_bytes <= self.max_item_bytes
            }
            Outcome::NotKept(_) => true,
        }
    }

    const fn largest_response(&self) -> usize {
        self.max_item_bytes.saturating_sub(OVERHEAD_BYTES)
    }

    pub(crate) fn client(&self) -> Arc<CacheClient> {
        self.client.current()
    }

    pub(crate) fn cache(&self) -> &str {
        &self.cache
    }

    async fn send<R: MomentoRequest>(
        &self,
        operation: Operation,
        request: R,
    ) -> Result<R::Response, StoreError> {
        let call = |client: Arc<CacheClient>| async move { client.send_request(request).await };
        let answer = self.client.call(self.idle, call).await;
        answer.map_err(|error| store_error(operation, error))
    }

    async fn set_if_absent_or_equal(
        &self,
        operation: Operation,
        key: &RecordKey,
        value: &[u8],
        equal: &[u8],
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        let request =
            SetIfAbsentOrEqualRequest::new(&*self.cache, key.as_bytes().to_vec(), value, equal);
        let stored = self.send(operation, request.ttl(ttl)).await?;
        Ok(stored == SetIfAbsentOrEqualResponse::Stored)
    }

    async fn set_if_equal(
        &self,
        operation: Operation,
        key: &RecordKey,
        value: &[u8],
        equal: &[u8],
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        let request = SetIfEqualRequest::new(&*self.cache, key.as_bytes().to_vec(), value, equal);
        let stored = self.send(operation, request.ttl(ttl)).await?;
        Ok(stored == SetIfEqualResponse::Stored)
    }

    async fn get(&self, operation: Operation, key: &RecordKey) -> Result<Found, StoreError> {
        let request = GetRequest::new(&*self.cache, key.as_bytes().to_vec());
        match self.send(operation, request).await? {
            GetResponse::Miss => Ok(Found::Nothing),
            GetResponse::Hit { value } => match Vec::from(value) {
                released if released == RELEASED => Ok(Found::Released),
                bytes => decode(&bytes).map(Found::Record).map_err(|error| {
                    // The write before it was not stored, or lost.
                    let error_kind = StoreErrorKind::Corrupt;
                    StoreError::new(operation, error_kind, WriteEffect::Unknown).with_source(error)
                }),
            },
        }
    }

    /// What remains of an item's time; `None` if it is gone meanwhile.
    async fn remaining(&self, key: &RecordKey) -> Result<Option<Duration>, StoreError> {
        let request = ItemGetTtlRequest::new(&*self.cache, key.as_bytes().to_vec());
        match self.send(Operation::LookUp, request).await? {
            ItemGetTtlResponse::Hit { remaining_ttl } => Ok(Some(remaining_ttl)),
            ItemGetTtlResponse::Miss => Ok(None),
        }
    }

    /// Tries to store a lease; with it, or after it if it was not stored, comes a read.
    async fn claim_once(
        &self,
        key: &RecordKey,
        pending: &[u8],
        ttl: Duration,
    ) -> Result<Option<Found>, StoreError> {
        let claim = self.set_if_absent_or_equal(Operation::Claim, key, pending, RELEASED, ttl);
        if !self.reads_along {
            return match claim.await? {
                true => Ok(None),
                false => self.get(Operation::Claim, key).await.map(Some),
            };
        }
        let (stored, found) = tokio::join!(claim, self.get(Operation::Claim, key));
        match (stored?, found?) {
            (true, _) => Ok(None),
            // The read may have been answered before the write was.
            (false, Found::Nothing | Found::Released) => {
                self.get(Operation::Claim, key).await.map(Some)
            }
            (false, found) => Ok(Some(found)),
        }
    }

    /// Decides what a completion that was not stored found; `None` if the read was stale.
    async fn after_refused_completion(
        &self,
        key: &RecordKey,
        lease: &Lease,
        completed: &[u8],
        retention: Duration,
    ) -> Result<Option<Fenced>, StoreError> {
        let record = match self.get(Operation::Complete, key).await? {
            Found::Nothing => return Ok(None),
            // Somebody took over, and failed: nothing stands in the way any more.
            Found::Released => {
                let stored = self
                    .set_if_equal(Operation::Complete, key, completed, RELEASED, retention)
                    .await?;
                return Ok(stored.then_some(Fenced::Held));
            }
            Found::Record(record) => record,
        };
        Ok(match record {
            Record::Completed(theirs) if theirs.owner() == lease.owner() => Some(Fenced::Held),
            // What was not equal to it a moment ago cannot stand there now.
            Record::Pending(pending) if pending.owner() == lease.owner() => None,
            Record::Pending(_) | Record::Completed(_) | Record::Unreadable => Some(Fenced::Lost),
        })
    }
}

#[async_trait]
impl IdempotencyStore for MomentoStore {
    async fn claim(&self, key: &RecordKey, lease: &Lease) -> Result<Claim, StoreError> {
        let pending = encode_pending(lease);
        for _ in 0..ROUNDS {
            match self.claim_once(key, &pending, lease.duration()).await? {
                None => return Ok(Claim::Owned),
                Some(Found::Nothing | Found::Released) => {}
                Some(Found::Record(Record::Pending(found))) if found.owner() == lease.owner() => {
                    return Ok(Claim::Owned);
                }
                Some(Found::Record(record)) => return Ok(Claim::Taken(record)),
            }
        }
        // Somebody is there whom no read shows. What they asked for is unknown, so that they are
        // at it is all that can be said.
        let nobody = Pending::new(OwnerToken::random(), *lease.identity(), None);
        Ok(Claim::Taken(Record::Pending(nobody)))
    }

    async fn renew(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        let pending = encode_pending(lease);
        let call = self.set_if_equal(Operation::Renew, key, &pending, &pending, lease.duration());
        call.await.map(fenced)
    }

    async fn complete(
        &self,
        key: &RecordKey,
        lease: &Lease,
        outcome: &Outcome,
        retention: Duration,
    ) -> Result<Fenced, StoreError> {
        let operation = Operation::Complete;
        let (pending, completed) = (encode_pending(lease), encode_completed(lease, outcome));
        if !self.takes(outcome, key.as_bytes().len() + completed.len()) {
            let kind = StoreErrorKind::TooLarge;
            return Err(StoreError::new(operation, kind, WriteEffect::None));
        }
        for _ in 0..ROUNDS {
            let call = self.set_if_absent_or_equal(operation, key, &completed, &pending, retention);
            if call.await? {
                return Ok(Fenced::Held);
            }
            let refused = self.after_refused_completion(key, lease, &completed, retention);
            if let Some(fenced) = refused.await? {
                return Ok(fenced);
            }
        }
        // The reads were stale all along; asking again later tells.
        Err(StoreError::new(
            operation,
            StoreErrorKind::Unavailable,
            WriteEffect::Unknown,
        ))
    }

    async fn release(&self, key: &RecordKey, lease: &Lease) -> Result<Fenced, StoreError> {
        let pending = encode_pending(lease);
        let call = self.set_if_equal(Operation::Release, key, RELEASED, &pending, RELEASED_TTL);
        call.await.map(fenced)
    }

    async fn look_up(&self, key: &RecordKey) -> Result<Option<Stored>, StoreError> {
        match self.get(Operation::LookUp, key).await? {
            Found::Nothing | Found::Released => Ok(None),
            Found::Record(record) => {
                let remaining = self.remaining(key).await?;
                // It ran out between the two reads, if nothing remains.
                Ok(remaining.map(|remaining| Stored::new(record, Some(remaining))))
            }
        }
    }

    fn capacity(&self) -> Capacity {
        Capacity::unlimited().with_max_record_bytes(self.largest_response())
    }

    fn identity(&self) -> StoreIdentity {
        self.identity
    }
}

const fn fenced(stored: bool) -> Fenced {
    match stored {
        true => Fenced::Held,
        false => Fenced::Lost,
    }
}
