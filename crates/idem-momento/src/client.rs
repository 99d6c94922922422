//! The SDK's client, and another one when it seems to be dead.

use std::{
    fmt,
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use momento::{CacheClient, MomentoErrorCode, MomentoResult};

/// After how many calls in a row without an answer the client is built anew.
///
/// One or two happen when the service is slow. A connection that died silently never recovers
/// without keep-alive, so every call on it is lost.
const UNANSWERED: u32 = 3;

type Connect = dyn Fn() -> MomentoResult<CacheClient> + Send + Sync;

pub(crate) struct Client {
    /// Shared, since a clone of the SDK's client copies each of its channels.
    current: Mutex<Arc<CacheClient>>,
    connect: Option<Box<Connect>>,
    unanswered: AtomicU32,
}

impl Client {
    /// A client that somebody else built, and that stays.
    pub(crate) fn fixed(client: CacheClient) -> Self {
        Self {
            current: Mutex::new(Arc::new(client)),
            connect: None,
            unanswered: AtomicU32::new(0),
        }
    }

    /// A client that can be built anew.
    pub(crate) fn renewable(
        connect: impl Fn() -> MomentoResult<CacheClient> + Send + Sync + 'static,
    ) -> MomentoResult<Self> {
        Ok(Self {
            current: Mutex::new(Arc::new(connect()?)),
            connect: Some(Box::new(connect)),
            unanswered: AtomicU32::new(0),
        })
    }

    /// Makes a call, and notices if it has no answer: its deadline passed, or whoever waited for it
    /// gave up.
    pub(crate) async fn call<T, F>(
        &self,
        call: impl FnOnce(Arc<CacheClient>) -> F,
    ) -> MomentoResult<T>
    where
        F: Future<Output = MomentoResult<T>>,
    {
        let unanswered = Unanswered(self);
        let result = call(self.current()).await;
        let passed = |code: &MomentoErrorCode| {
            // The SDK reports its own passed deadline as cancelled.
            matches!(
                code,
                MomentoErrorCode::CancelledError | MomentoErrorCode::TimeoutError
            )
        };
        if !result
            .as_ref()
            .is_err_and(|error| passed(&error.error_code))
        {
            std::mem::forget(unanswered);
            self.unanswered.store(0, Ordering::Relaxed);
        }
        result
    }

    pub(crate) fn current(&self) -> Arc<CacheClient> {
        let current = self.current.lock();
        Arc::clone(&current.unwrap_or_else(PoisonError::into_inner))
    }

    fn count_unanswered(&self) {
        let before = self.unanswered.fetch_add(1, Ordering::Relaxed);
        let Some(connect) = self.connect.as_ref().filter(|_| before + 1 >= UNANSWERED) else {
            return;
        };
        self.unanswered.store(0, Ordering::Relaxed);
        match connect() {
            Ok(client) => {
                tracing::warn!(
                    "built the Momento client anew after {UNANSWERED} calls without an answer"
                );
                *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(client);
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "the Momento client could not be built anew");
            }
        }
    }
}

/// Counts a call as unanswered unless it is forgotten: a caller that gives up drops the future.
struct Unanswered<'a>(&'a Client);

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        self.0.count_unanswered();
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("renewable", &self.connect.is_some())
            .field("unanswered", &self.unanswered)
            .finish_non_exhaustive()
    }
}
