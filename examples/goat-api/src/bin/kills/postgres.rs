//! The PostgreSQL that is to be tried.

use std::sync::Arc;

use test_servers::Postgres;

use crate::Failed;
use crate::flags::Flags;

/// A database, and its server if this program has started it.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pub(crate) url: String,
    server: Option<Arc<Postgres>>,
}

impl Database {
    /// What the flags name, if they do.
    pub(crate) fn of(flags: &Flags) -> Result<Option<Self>, Failed> {
        if let Some(url) = &flags.postgres {
            let url = url.reveal().to_owned();
            return Ok(Some(Self { url, server: None }));
        }
        if !flags.own_postgres {
            return Ok(None);
        }
        let server = Postgres::start()?;
        Ok(Some(Self {
            url: server.url("postgres"),
            server: Some(Arc::new(server)),
        }))
    }

    /// Stops its server as a crash would, and starts it again.
    pub(crate) async fn crash(&self) -> Result<(), Failed> {
        let Some(server) = self.server.clone() else {
            return Err("this server belongs to somebody else".into());
        };
        tokio::task::spawn_blocking(move || {
            server.stop_immediately()?;
            server.start_again()?;
            Ok(())
        })
        .await?
    }
}
