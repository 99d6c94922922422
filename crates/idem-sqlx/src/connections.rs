//! The store's own connections, beside the application's pool.
//!
//! sqlx's pool pings a connection each time that it comes back, and unless told otherwise each time
//! that it leaves: two round trips more for every operation. This one trusts a connection whose last
//! statement was answered, and throws every other one away.

use std::{
    fmt,
    future::Future,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout, timeout_at},
};

/// How long opening a connection may take. Its caller may give up earlier.
const OPENING: Duration = Duration::from_secs(10);

/// A connection that was idle for longer is replaced: NAT gateways forget those idle for 350 s.
const LONGEST_IDLE: Duration = Duration::from_secs(300);

/// An older connection is replaced, so that a change of addresses or memory that a server holds on
/// to does not last for ever.
const LONGEST_LIFE: Duration = Duration::from_secs(30 * 60);

/// How a connection is opened and set up.
pub(crate) trait Open: Send + Sync + 'static {
    type Connection: Send + 'static;

    fn open(&self) -> impl Future<Output = Result<Self::Connection, sqlx::Error>> + Send;
}

/// A bounded number of connections, given in the order in which they were asked for.
pub(crate) struct Connections<O: Open> {
    open: O,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Live<O::Connection>>>,
}

struct Live<C> {
    connection: C,
    opened: Instant,
    used: Instant,
}

impl<C> Live<C> {
    fn is_fresh(&self) -> bool {
        self.used.elapsed() < LONGEST_IDLE && self.opened.elapsed() < LONGEST_LIFE
    }
}

impl<O: Open> Connections<O> {
    pub(crate) fn new(open: O, most: usize) -> Arc<Self> {
        Arc::new(Self {
            open,
            permits: Arc::new(Semaphore::new(most.clamp(1, Semaphore::MAX_PERMITS))),
            idle: Mutex::default(),
        })
    }

    /// Gives a connection, opening one if none is idle.
    ///
    /// # Errors
    /// Nothing was sent to the database but what opens a connection.
    pub(crate) async fn acquire(self: &Arc<Self>, until: Instant) -> Result<Lent<O>, sqlx::Error> {
        let permit = timeout_at(until, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)?
            .map_err(|_| sqlx::Error::PoolClosed)?;
        if let Some(live) = self.idle_one() {
            return Ok(Lent::new(Arc::clone(self), live, permit));
        }
        // Opening goes on when its caller gives up, and the connection is there for the next one:
        // where opening takes longer than a call may, none would ever be open otherwise.
        let this = Arc::clone(self);
        let opening = tokio::spawn(async move {
            let connection = timeout(OPENING, this.open.open())
                .await
                .map_err(|_| sqlx::Error::PoolTimedOut)??;
            let now = Instant::now();
            let live = Live {
                connection,
                opened: now,
                used: now,
            };
            Ok(Lent::new(this, live, permit))
        });
        match timeout_at(until, opening).await {
            Ok(Ok(opened)) => opened,
            Ok(Err(_)) => Err(sqlx::Error::WorkerCrashed),
            Err(_) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    #[cfg(feature = "postgres")]
    pub(crate) const fn open(&self) -> &O {
        &self.open
    }

    #[cfg(feature = "postgres")]
    /// Throws away what is idle: where one connection broke, the others did too.
    pub(crate) fn forget_idle(&self) {
        // They are closed after the lock is given back.
        let _broken = mem::take(&mut *self.lock());
    }

    /// Closes what is idle, and what is in use when it comes back; no more are given.
    pub(crate) fn close(&self) {
        self.permits.close();
        // They are closed after the lock is given back.
        let _idle = mem::take(&mut *self.lock());
    }

    fn idle_one(&self) -> Option<Live<O::Connection>> {
        let mut stale = Vec::new();
        let mut idle = self.lock();
        while let Some(live) = idle.pop() {
            if live.is_fresh() {
                return Some(live);
            }
            stale.push(live);
        }
        drop(idle);
        None
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Live<O::Connection>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<O: Open> fmt::Debug for Connections<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("idle", &self.lock().len())
            .field("free", &self.permits.available_permits())
            .finish()
    }
}

/// A connection that is in use. It goes back when it is dropped, unless a statement was sent since it
/// was last said to be [clean](Self::is_clean): one that was given up may still be running.
pub(crate) struct Lent<O: Open> {
    live: Option<Live<O::Connection>>,
    clean: bool,
    connections: Arc<Connections<O>>,
    _permit: OwnedSemaphorePermit,
}

impl<O: Open> Lent<O> {
    fn new(
        connections: Arc<Connections<O>>,
        live: Live<O::Connection>,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            live: Some(live),
            clean: true,
            connections,
            _permit: permit,
        }
    }

    /// The connection, to send something.
    pub(crate) fn connection(&mut self) -> &mut O::Connection {
        self.clean = false;
        let live = self.live.as_mut();
        &mut live
            .expect("a connection is taken out by drop alone")
            .connection
    }

    /// Says that all that was sent was answered, and that no transaction is open.
    pub(crate) const fn is_clean(&mut self) {
        self.clean = true;
    }

    #[cfg(feature = "postgres")]
    /// Says that the connection broke.
    pub(crate) fn is_broken(&self) {
        self.connections.forget_idle();
    }
}

impl<O: Open> Drop for Lent<O> {
    fn drop(&mut self) {
        if let Some(mut live) = self.live.take()
            && self.clean
        {
            live.used = Instant::now();
            let mut idle = self.connections.lock();
            // Looked at under the lock, which `close` takes after it has closed these.
            if !self.connections.permits.is_closed() {
                idle.push(live);
            }
        }
    }
}

impl<O: Open> fmt::Debug for Lent<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent").field("clean", &self.clean).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Opens numbers, each after a delay.
    struct Numbers(AtomicUsize, Duration);

    impl Open for Numbers {
        type Connection = usize;

        async fn open(&self) -> Result<usize, sqlx::Error> {
            tokio::time::sleep(self.1).await;
            Ok(self.0.fetch_add(1, Ordering::SeqCst))
        }
    }

    fn numbers(most: usize, delay: Duration) -> Arc<Connections<Numbers>> {
        Connections::new(Numbers(AtomicUsize::new(0), delay), most)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(100)
    }

    #[tokio::test(start_paused = true)]
    async fn an_answered_connection_is_used_again_and_another_one_is_not() {
        let connections = numbers(1, Duration::ZERO);
        let mut lent = connections.acquire(soon()).await.unwrap();
        assert_eq!(*lent.connection(), 0);
        lent.is_clean();
        drop(lent);
        assert_eq!(*connections.acquire(soon()).await.unwrap().connection(), 0);
        // That one was dropped in the midst of a statement.
        assert_eq!(*connections.acquire(soon()).await.unwrap().connection(), 1);
    }

    /// Counts those that are open.
    struct Counted(Arc<()>);

    impl Open for Counted {
        type Connection = Arc<()>;

        async fn open(&self) -> Result<Arc<()>, sqlx::Error> {
            Ok(Arc::clone(&self.0))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn closed_ones_are_gone_once_they_come_back_and_none_is_given() {
        let counted = Arc::new(());
        let connections = Connections::new(Counted(Arc::clone(&counted)), 2);
        let open = || Arc::strong_count(&counted) - 2;
        let mut in_use = connections.acquire(soon()).await.unwrap();
        let idle = connections.acquire(soon()).await.unwrap();
        drop(idle);
        assert_eq!(open(), 2);
        connections.close();
        assert_eq!(open(), 1);
        in_use.connection();
        in_use.is_clean();
        drop(in_use);
        assert_eq!(open(), 0);
        let error = connections.acquire(soon()).await.unwrap_err();
        assert!(matches!(error, sqlx::Error::PoolClosed));
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_grows_stale() {
        let connections = numbers(1, Duration::ZERO);
        drop(connections.acquire(soon()).await.unwrap());
        tokio::time::advance(LONGEST_IDLE).await;
        assert_eq!(*connections.acquire(soon()).await.unwrap().connection(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_too_long_gets_none() {
        let connections = numbers(1, Duration::ZERO);
        let lent = connections.acquire(soon()).await.unwrap();
        let error = connections.acquire(soon()).await.unwrap_err();
        assert!(matches!(error, sqlx::Error::PoolTimedOut));
        drop(lent);
        assert!(connections.acquire(soon()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_opens_slowly_is_there_for_the_next() {
        let connections = numbers(1, Duration::from_millis(150));
        assert!(connections.acquire(soon()).await.is_err());
        assert_eq!(*connections.acquire(soon()).await.unwrap().connection(), 0);
    }
}
