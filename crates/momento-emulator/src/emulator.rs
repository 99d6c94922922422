//! The emulator as a test holds it.

use std::{
    collections::BTreeMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use momento::{
    CacheClient, CredentialProvider,
    cache::Configuration,
    config::{grpc_configuration::GrpcConfiguration, transport_strategy::TransportStrategy},
};

use crate::{
    calls::Calls,
    clock::Clock,
    credentials,
    exchange::Service,
    faults::Faults,
    limits::Limits,
    server::{Port, Server},
};

/// A running stand-in for the service. Dropping it kills it.
#[derive(Debug)]
pub struct Emulator {
    addr: SocketAddr,
    service: Arc<Service>,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Running(Server),
    Dead(Port),
    /// The port could not be reserved again after a death.
    Lost,
}

/// What a restart finds of the items and late writes. Complete: caches and limits always stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// Everything is as it was.
    Kept,
    /// Items are gone, and so are writes that were still under way.
    Lost,
}

impl Emulator {
    /// Starts on a free port of the loopback interface, without any cache.
    ///
    /// # Errors
    /// No port or no thread is to be had.
    pub fn start() -> io::Result<Self> {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into())
    }

    /// Starts there. The connections are plain text and the [API key](Self::api_key) is public.
    ///
    /// # Errors
    /// The address is taken, or is not this machine's.
    pub fn start_at(addr: SocketAddr) -> io::Result<Self> {
        let port = Port::reserve(addr)?;
        let addr = port.addr()?;
        let service = Arc::new(Service::new());
        let server = Server::start(port, Arc::clone(&service))?;
        let state = Mutex::new(State::Running(server));
        Ok(Self {
            addr,
            service,
            state,
        })
    }

    /// `http://127.0.0.1:PORT`, for `insecure_endpoint_override`. A restart keeps it.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The one key that is let in: a v2 API key, the same for every emulator.
    #[must_use]
    pub fn api_key(&self) -> String {
        credentials::api_key()
    }

    /// The same key as a v1 token, which is what disposable tokens are too.
    #[must_use]
    pub fn token(&self) -> String {
        credentials::token(&self.endpoint())
    }

    /// Credentials with which the SDK talks to this emulator.
    ///
    /// # Panics
    /// If the SDK no longer takes such a key.
    #[must_use]
    pub fn credentials(&self) -> CredentialProvider {
        CredentialProvider::from_api_key_v2(self.api_key(), self.endpoint())
            .expect("the emulator's key has the form that the SDK asks for")
            .insecure_endpoint_override(&self.endpoint())
    }

    /// A client of one connection and without keep-alive, whose calls give up after `deadline`,
    /// but not its control calls: the SDK gives those no deadline.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn client(&self, deadline: Duration) -> CacheClient {
        let grpc = GrpcConfiguration::builder().deadline(deadline);
        let transport = TransportStrategy::builder().grpc_configuration(grpc);
        CacheClient::builder()
            .default_ttl(Duration::from_secs(60))
            .configuration(Configuration::builder().transport_strategy(transport))
            .credential_provider(self.credentials())
            .build()
            .expect("a client that has not connected yet cannot fail")
    }

    /// Creates a cache with the default limits, as `CreateCache` would, but uncounted. One that
    /// exists stays as it is.
    pub fn create_cache(&self, name: impl Into<String>) {
        let mut caches = self.service.caches();
        caches.by_name.entry(name.into()).or_default();
    }

    /// Creates the cache if need be, and holds writes from now on to these limits.
    pub fn limit_cache(&self, name: impl Into<String>, limits: Limits) {
        let mut caches = self.service.caches();
        caches.by_name.entry(name.into()).or_default().limits = limits;
    }

    /// What that cache holds at this moment, by key; nothing if there is no such cache.
    #[must_use]
    pub fn items(&self, cache: &str) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let caches = self.service.caches();
        let cache = caches.by_name.get(cache);
        let items = cache.map(|cache| cache.live_items(caches.now));
        items.unwrap_or_default()
    }

    /// The clock on which TTLs run.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.service.clock.clone()
    }

    /// What goes wrong.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.service.faults.clone()
    }

    /// What arrived.
    #[must_use]
    pub fn calls(&self) -> Calls {
        self.service.calls.clone()
    }

    /// How many writes are [under way](crate::Fault::LandLate) and have not landed.
    #[must_use]
    pub fn late_writes(&self) -> usize {
        self.service.caches().late_writes()
    }

    /// Lands every write that is under way, due or not, in the order in which they were sent.
    pub fn land_late_writes(&self) {
        self.service.caches().land_late_writes();
    }

    /// Sudden death: when it returns, every connection is reset and new ones are refused.
    pub fn kill(&self) {
        let mut state = self.state();
        *state = state.take().kill();
    }

    /// Kills it if it lives, and starts it again on the same port. When it returns, connections
    /// are accepted.
    ///
    /// # Errors
    /// Somebody took the port in the moment between, or there is no thread to be had.
    pub fn restart(&self, data: Data) -> io::Result<()> {
        let mut state = self.state();
        let port = state.take().into_port(self.addr)?;
        if data == Data::Lost {
            self.service.caches().lose_data();
        }
        *state = State::Running(Server::start(port, Arc::clone(&self.service))?);
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.kill();
    }
}

impl State {
    fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Lost)
    }

    fn kill(self) -> Self {
        match self {
            Self::Running(server) => server.kill().map_or(Self::Lost, Self::Dead),
            dead => dead,
        }
    }

    fn into_port(self, addr: SocketAddr) -> io::Result<Port> {
        match self {
            Self::Running(server) => server.kill(),
            Self::Dead(port) => Ok(port),
            Self::Lost => Port::reserve(addr),
        }
    }
}
