//! One call from its arrival to its answer, with what goes wrong in between.

use std::{
    future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;
use tonic::{Code, Request, Status};

use crate::{
    caches::{Caches, Reading},
    call::{Call, Scene},
    calls::Calls,
    clock::Clock,
    credentials,
    fault::{Fault, Landing, When},
    faults::Faults,
    late::LateWrite,
};

/// What outlives connections and restarts.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) calls: Calls,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    caches: Mutex<Caches>,
}

/// What a call can do to the connection it came on, and to the server.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    pub(crate) reset: Arc<Notify>,
    pub(crate) crash: Arc<Notify>,
}

impl Service {
    pub(crate) fn new() -> Self {
        Self {
            calls: Calls::default(),
            clock: Clock::new(),
            faults: Faults::new(),
            caches: Mutex::default(),
        }
    }

    /// The caches as of now. While the guard lives nothing else happens to them.
    pub(crate) fn caches(&self) -> MutexGuard<'_, Caches> {
        let mut caches = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock, so that time never runs backwards from one call to the next.
        caches.turn_to(self.clock.now());
        caches
    }

    pub(crate) async fn exchange<C: Call>(
        &self,
        request: Request<C>,
        wire: &Wire,
    ) -> Result<C::Reply, Status> {
        let (metadata, _, call) = request.into_parts();
        let headers = metadata.into_headers();
        let cache = cache_name(&headers);
        self.calls
            .record(C::METHOD, call.key().map(|key| (&*cache, key)));
        credentials::check(&headers)?;
        match self.faults.strike(C::METHOD) {
            None => self.carry_out(call, cache, Reading::Latest),
            Some(Fault::StaleRead) => self.carry_out(call, cache, Reading::Previous),
            Some(Fault::LandLate(landing, code)) => {
                self.postpone(call, cache, landing);
                Err(injected(code))
            }
            Some(fault) => {
                disturb(fault, When::Before, wire).await?;
                let reply = self.carry_out(call, cache, Reading::Latest);
                disturb(fault, When::After, wire).await?;
                reply
            }
        }
    }

    fn carry_out<C: Call>(
        &self,
        call: C,
        cache: String,
        reading: Reading,
    ) -> Result<C::Reply, Status> {
        let mut caches = self.caches();
        let scene = Scene {
            cache,
            now: caches.now,
            reading,
        };
        call.carry_out(&mut caches, &scene)
    }

    fn postpone<C: Call>(&self, call: C, cache: String, landing: Landing) {
        let mut caches = self.caches();
        let write = LateWrite::new(landing, caches.now, move |caches| {
            let scene = Scene {
                cache,
                now: caches.now,
                reading: Reading::Latest,
            };
            // The answer went out long ago.
            let _ = call.carry_out(caches, &scene);
        });
        caches.postpone(write);
    }
}

async fn disturb(fault: Fault, now: When, wire: &Wire) -> Result<(), Status> {
    match fault {
        Fault::Fail(when, code) if when == now => return Err(injected(code)),
        Fault::Delay(when, delay) if when == now => tokio::time::sleep(delay).await,
        Fault::Hang(when) if when == now => future::pending().await,
        Fault::Reset(when) if when == now => end(&wire.reset).await,
        Fault::Crash(when) if when == now => end(&wire.crash).await,
        _ => {}
    }
    Ok(())
}

/// Nothing comes after the end: the answer must not overtake it.
async fn end(of: &Notify) {
    of.notify_one();
    future::pending::<()>().await;
}

fn injected(code: Code) -> Status {
    Status::new(code, "injected by the emulator")
}

fn cache_name(headers: &http::HeaderMap) -> String {
    let name = headers.get("cache").map(http::HeaderValue::as_bytes);
    String::from_utf8_lossy(name.unwrap_or_default()).into_owned()
}
