//! What relays have in common, whatever the client and the server speak.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// Listens on a free port, which it gives, and serves each client in a thread. These end with their connections;
/// the one that listens, with the process.
pub(crate) fn listen(
    serve: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static,
) -> io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            thread::spawn(move || drop(serve(client)));
        }
    });
    Ok(port)
}

/// Passes a connection on until either side ends it, or `ask` does, which passes the client's messages on. From
/// when `ask` sets the flag, the client is deaf: the next answer ends the connection instead of reaching it.
pub(crate) fn relay(
    client: TcpStream,
    server: u16,
    ask: impl FnOnce(TcpStream, &TcpStream, &AtomicBool) -> io::Result<()>,
) -> io::Result<()> {
    let server = TcpStream::connect(("127.0.0.1", server))?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (answers, back) = (server.try_clone()?, client.try_clone()?);
    let deaf = Arc::new(AtomicBool::new(false));
    let keeping = Arc::clone(&deaf);
    thread::spawn(move || {
        drop(answer(answers, &back, &keeping));
        drop(back.shutdown(Shutdown::Both));
    });
    let asked = ask(client.try_clone()?, &server, &deaf);
    client.shutdown(Shutdown::Both).ok();
    server.shutdown(Shutdown::Both)?;
    asked
}

fn answer(mut server: TcpStream, mut client: &TcpStream, deaf: &AtomicBool) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    loop {
        let read = server.read(&mut buffer)?;
        if read == 0 || deaf.load(Ordering::SeqCst) {
            return Ok(());
        }
        client.write_all(buffer.get(..read).unwrap_or_default())?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks a server that says everything back, through a relay; gives what the client hears.
    fn heard(is_deaf: bool) -> io::Result<String> {
        let server = listen(|client| io::copy(&mut &client, &mut &client).map(drop))?;
        let port = listen(move |client| {
            relay(client, server, |mut client, mut server, deaf| {
                let mut word = [0; 4];
                client.read_exact(&mut word)?;
                deaf.store(is_deaf, Ordering::SeqCst);
                server.write_all(&word)?;
                client.read_to_end(&mut Vec::new()).map(drop)
            })
        })?;
        let mut client = TcpStream::connect(("127.0.0.1", port))?;
        client.write_all(b"goat")?;
        let mut heard = [0; 4];
        client.read_exact(&mut heard)?;
        Ok(String::from_utf8_lossy(&heard).into_owned())
    }

    #[test]
    fn a_client_hears_the_answer_unless_it_was_made_deaf() {
        assert_eq!(heard(false).unwrap(), "goat");
        let cut = heard(true).unwrap_err();
        let kinds = [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset];
        assert!(kinds.contains(&cut.kind()), "{cut:?}");
    }
}
