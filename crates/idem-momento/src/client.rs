//! The SDK's client, and another one when it seems to be dead.

use std::{
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};

use momento::{CacheClient, MomentoErrorCode, MomentoResult};

/// After how many calls in a row without an answer the client is rebuilt.
///
/// One or two happen when the service is slow. A connection that died silently never recovers
/// without keep-alive, so every call on it is lost.
const UNANSWERED: u32 = 3;

type Connect = dyn Fn() -> MomentoResult<CacheClient> + Send + Sync;

pub(crate) struct Client {
    current: Mutex<Current>,
    connect: Option<Box<Connect>>,
    unanswered: AtomicU32,
}

struct Current {
    /// Shared, since a clone of the SDK's client copies each of its channels.
    client: Arc<CacheClient>,
    /// When it was built, or a call began or was answered last, for who asks how long ago that was.
    ///
    /// By the wall clock, which is put right when a machine goes on that was frozen; a monotonic one may
    /// have stood still with it.
    used: SystemTime,
}

impl Current {
    fn new(client: CacheClient) -> Mutex<Self> {
        Mutex::new(Self {
            client: Arc::new(client),
            used: SystemTime::now(),
        })
    }

    /// Whether it was not in use for so long.
    fn was_idle(&self, longest: Duration) -> bool {
        match self.used.elapsed() {
            Ok(pause) => pause > longest,
            // The clock was put back: nobody knows.
            Err(_) => true,
        }
    }
}

impl Client {
    /// A client that somebody else built, and that stays.
    pub(crate) fn fixed(client: CacheClient) -> Self {
        Self {
            current: Current::new(client),
            connect: None,
            unanswered: AtomicU32::new(0),
        }
    }

    /// A client that can be rebuilt.
    pub(crate) fn renewable(
        connect: impl Fn() -> MomentoResult<CacheClient> + Send + Sync + 'static,
    ) -> MomentoResult<Self> {
        Ok(Self {
            current: Current::new(connect()?),
            connect: Some(Box::new(connect)),
            unanswered: AtomicU32::new(0),
        })
    }

    /// Makes a call, and notices if it has no answer: its deadline passed, or its caller gave up. After a pause
    /// that is longer than `idle`, it is made with a new client.
    pub(crate) async fn call<T, F>(
        &self,
        idle: Option<Duration>,
        call: impl FnOnce(Arc<CacheClient>) -> F,
    ) -> MomentoResult<T>
    where
        F: Future<Output = MomentoResult<T>>,
    {
        let client = match idle {
            Some(longest) => self.current_after(longest),
            None => self.current(),
        };
        let unanswered = Unanswered(self);
        let result = call(client).await;
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
            if idle.is_some() {
                self.lock().used = SystemTime::now();
            }
        }
        result
    }

    pub(crate) fn current(&self) -> Arc<CacheClient> {
        Arc::clone(&self.lock().client)
    }

    fn current_after(&self, longest: Duration) -> Arc<CacheClient> {
        // Held meanwhile, so that who comes next has the new one, too.
        let mut current = self.lock();
        if current.was_idle(longest) {
            self.build_anew(&mut current, "it was idle");
        } else {
            current.used = SystemTime::now();
        }
        Arc::clone(&current.client)
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count_unanswered(&self) {
        let before = self.unanswered.fetch_add(1, Ordering::Relaxed);
        if before + 1 >= UNANSWERED && self.connect.is_some() {
            tracing::warn!("{UNANSWERED} calls of the Momento client in a row had no answer");
            self.build_anew(&mut self.lock(), "it had no answers");
        }
    }

    fn build_anew(&self, current: &mut Current, reason: &'static str) {
        let Some(connect) = &self.connect else {
            return;
        };
        // Of the new one, or of the old one from here on.
        self.unanswered.store(0, Ordering::Relaxed);
        // It may be called in a destructor.
        match catch_unwind(AssertUnwindSafe(connect)) {
            Ok(Ok(client)) => {
                tracing::info!(reason, "built the Momento client anew");
                current.client = Arc::new(client);
                current.used = SystemTime::now();
            }
            Ok(Err(error)) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "the Momento client could not be built anew");
            }
            Err(_) => tracing::error!("building the Momento client anew panicked"),
        }
    }
}

/// Counts a call as unanswered unless it is forgotten: a caller that gives up drops the future.
struct Unanswered<'a>(&'a Client);

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        // What listens to the log may panic, too, and a second panic while one unwinds would end the process.
        let _ = catch_unwind(AssertUnwindSafe(|| self.0.count_unanswered()));
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
