//! The signals that ask the server to stop.

use std::io;

/// Ctrl-C and, on Unix, SIGTERM, from the moment of [`StopSignals::listen`] on.
#[cfg(unix)]
pub(super) struct StopSignals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl StopSignals {
    pub(super) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Ctrl-C, from the moment of [`StopSignals::listen`] on.
#[cfg(windows)]
pub(super) struct StopSignals {
    interrupt: tokio::signal::windows::CtrlC,
}

#[cfg(windows)]
impl StopSignals {
    pub(super) fn listen() -> io::Result<Self> {
        let interrupt = tokio::signal::windows::ctrl_c()?;
        Ok(Self { interrupt })
    }

    pub(super) async fn next(&mut self) {
        self.interrupt.recv().await;
    }
}
