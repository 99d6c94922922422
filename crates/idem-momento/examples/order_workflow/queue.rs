//! A queue in a directory: each message is a file, and is delivered twice.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use idem_core::TravellingLease;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::process;

/// What is sent: the order, and the right to complete it.
///
/// The lease is a secret: whoever reads it may answer the shop's client. The directory is the user's own.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) order: Value,
    pub(crate) lease: TravellingLease,
}

#[derive(Clone)]
pub(crate) struct Queue(PathBuf);

/// A message that a worker has; the queue has it too until it is acknowledged.
pub(crate) struct Delivery {
    pub(crate) message: Message,
    taken: PathBuf,
}

impl Queue {
    pub(crate) fn at(spool: &Path) -> Self {
        Self(spool.to_owned())
    }

    pub(crate) fn send(&self, message: &Message) -> io::Result<()> {
        let text = serde_json::to_vec(message)?;
        for delivery in 1..=2 {
            let name = format!("{}.{delivery}", message.lease.record_key());
            let path = self.0.join(name);
            fs::write(&path, &text)?;
            // Whoever reads it reads it whole.
            fs::rename(&path, path.with_extension(format!("{delivery}.message")))?;
        }
        Ok(())
    }

    /// Takes what is there.
    pub(crate) fn receive(&self) -> io::Result<Vec<Delivery>> {
        let mut deliveries = Vec::new();
        for path in files(&self.0, "message")? {
            let taken = path.with_extension("taken");
            fs::rename(&path, &taken)?;
            let message = serde_json::from_slice(&fs::read(&taken)?)?;
            process::note(&self.0, "delivered", &taken.display().to_string())?;
            deliveries.push(Delivery { message, taken });
        }
        Ok(deliveries)
    }

    /// Puts back what a dead worker had. (Other queues do so when a time has passed.)
    pub(crate) fn recover(&self) -> io::Result<()> {
        for path in files(&self.0, "taken")? {
            fs::rename(&path, path.with_extension("message"))?;
        }
        Ok(())
    }
}

impl Delivery {
    pub(crate) fn acknowledge(self) -> io::Result<()> {
        fs::remove_file(self.taken)
    }

    /// Lets the message be delivered again.
    pub(crate) fn give_back(self) -> io::Result<()> {
        fs::rename(&self.taken, self.taken.with_extension("message"))
    }
}

pub(crate) async fn wait_until_empty(spool: &Path) -> io::Result<()> {
    while !(files(spool, "message")?.is_empty() && files(spool, "taken")?.is_empty()) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

fn files(spool: &Path, extension: &str) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(spool)? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            paths.push(path);
        }
    }
    Ok(paths)
}
