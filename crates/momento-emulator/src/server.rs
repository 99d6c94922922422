//! The socket, and the thread that serves it.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    pin::pin,
    sync::Arc,
    thread,
    time::Duration,
};

use hyper::{server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use socket2::{Domain, SockRef, Socket, Type};
use tokio::{net::TcpStream, runtime, sync::Notify};

use crate::{
    exchange::{Service, Wire},
    route::Router,
};

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 1024;

/// A port that is kept for the emulator and refuses connections.
#[derive(Debug)]
pub(crate) struct Port(Socket);

/// A thread that serves a port until it is stopped or crashes.
#[derive(Debug)]
pub(crate) struct Server {
    crash: Arc<Notify>,
    thread: thread::JoinHandle<io::Result<Port>>,
}

impl Port {
    pub(crate) fn reserve(addr: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&addr.into())?;
        Ok(Self(socket))
    }

    pub(crate) fn addr(&self) -> io::Result<SocketAddr> {
        let addr = self.0.local_addr()?.as_socket();
        addr.ok_or_else(|| io::Error::other("not an internet address"))
    }

    fn listen(self) -> io::Result<TcpListener> {
        self.0.listen(BACKLOG)?;
        self.0.set_nonblocking(true)?;
        Ok(self.0.into())
    }
}

impl Server {
    pub(crate) fn start(port: Port, service: Arc<Service>) -> io::Result<Self> {
        let addr = port.addr()?;
        let listener = port.listen()?;
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let crash = Arc::new(Notify::new());
        let ending = Arc::clone(&crash);
        let thread = thread::Builder::new()
            .name("momento-emulator".to_owned())
            .spawn(move || {
                let served = runtime.block_on(serve(listener, service, ending));
                // Ends every call at once and closes every socket, the listener's too.
                drop(runtime);
                served.and_then(|()| Port::reserve(addr))
            })?;
        Ok(Self { crash, thread })
    }

    /// Ends as if the process had been killed.
    pub(crate) fn kill(self) -> io::Result<Port> {
        self.crash.notify_one();
        let panicked = |_| Err(io::Error::other("the emulator's thread panicked"));
        self.thread.join().unwrap_or_else(panicked)
    }
}

async fn serve(listener: TcpListener, service: Arc<Service>, crash: Arc<Notify>) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    tokio::select! {
        () = accept(listener, service, Arc::clone(&crash)) => {}
        () = crash.notified() => {}
    }
    Ok(())
}

async fn accept(listener: tokio::net::TcpListener, service: Arc<Service>, crash: Arc<Notify>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: others may give some back.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let wire = Wire {
            reset: Arc::new(Notify::new()),
            crash: Arc::clone(&crash),
        };
        let service = Arc::clone(&service);
        tokio::spawn(converse(stream, Router { service, wire }));
    }
}

async fn converse(stream: TcpStream, router: Router) {
    // Neither can fail on a connection that lives, and on another one neither matters.
    let _ = stream.set_nodelay(true);
    // Closed with linger 0 a connection is reset, as when a machine goes down.
    let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    let reset = Arc::clone(&router.wire.reset);
    let mut muted = router.service.faults.muted();
    let answer = service_fn(move |call| router.clone().answer(call));
    let connection =
        http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer);
    let mut connection = pin!(connection);
    loop {
        let mute = *muted.borrow_and_update();
        tokio::select! {
            // In this order, so that nothing more is read once it is known to be mute.
            biased;
            () = reset.notified() => return,
            changed = muted.changed() => if changed.is_err() { return },
            // Not polled while mute: it neither reads nor writes, and the socket stays open.
            _ = &mut connection, if !mute => return,
        }
    }
}
