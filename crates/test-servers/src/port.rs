//! Ports for servers.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use socket2::{Domain, Socket, Type};

/// A port of the loopback interface that is kept for a server, also while that is stopped.
///
/// Without it, a connection that some other test opens may get the port before the server starts again.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    _held: Option<Socket>,
}

impl Port {
    /// Reserves a port that is free.
    ///
    /// On Linux a socket holds it that does not listen: a server that sets `SO_REUSEADDR`, as all do, may bind it all the
    /// same, and the system gives it to nobody by itself. Elsewhere such a server could not, so the port is only
    /// free at this moment.
    pub(crate) fn reserve() -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        let address = socket.local_addr()?.as_socket();
        let address = address.ok_or_else(|| io::Error::other("not an internet address"))?;
        Ok(Self {
            number: address.port(),
            _held: cfg!(target_os = "linux").then_some(socket),
        })
    }

    pub(crate) const fn number(&self) -> u16 {
        self.number
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_port_stays_with_its_server_while_that_is_stopped() {
        let port = Port::reserve().unwrap();
        let address = (Ipv4Addr::LOCALHOST, port.number());
        for _ in 0..2 {
            // The library sets `SO_REUSEADDR`, as servers do.
            let server = TcpListener::bind(address).unwrap();
            TcpStream::connect(address).unwrap();
            drop(server);
            assert!(TcpStream::connect(address).is_err(), "nobody listens");
            let other = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            assert!(other.bind(&SocketAddr::from(address).into()).is_err());
        }
    }

    #[test]
    fn the_system_gives_a_reserved_port_to_nobody() {
        let reserved: Vec<_> = (0..200).map(|_| Port::reserve().unwrap()).collect();
        // Of some 28,000 ports, these would be among the reserved ones fourteen times.
        for _ in 0..2_000 {
            let given = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let given = given.local_addr().unwrap().port();
            assert!(reserved.iter().all(|port| port.number() != given));
        }
    }
}
