//! Ports for servers.

use std::{io, net::TcpListener};

/// A port of the loopback interface that nobody listens on.
pub(crate) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
