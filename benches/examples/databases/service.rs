//! The service in a process of its own, so that its CPU time is its own too.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::net::TcpListener;

use crate::{AnyError, market, variant::Variant};

/// What the first argument of such a process is.
pub(crate) const SERVE: &str = "serve";

/// How expired records go.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sweeping {
    AsUsual,
    Never,
    Every(Duration),
}

/// What a process is to serve.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) variant: Variant,
    /// The URL or the file of the database.
    pub(crate) place: String,
    /// The URL of Redis, where the variant keeps its records there.
    pub(crate) redis: String,
    pub(crate) sweeping: Sweeping,
    pub(crate) retention: Option<Duration>,
}

/// A process that serves, and ends with this.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) variant: Variant,
    pub(crate) place: String,
    pub(crate) port: u16,
    process: Child,
}

impl Service {
    pub(crate) fn new(variant: Variant, place: String, redis: String) -> Self {
        Self {
            variant,
            place,
            redis,
            sweeping: Sweeping::AsUsual,
            retention: None,
        }
    }

    /// Starts a process of this program that serves.
    pub(crate) fn start(self) -> Result<Running, AnyError> {
        let (database, record) = (self.variant.database, self.variant.record);
        let sweeping = match self.sweeping {
            Sweeping::AsUsual => "usual".to_owned(),
            Sweeping::Never => "never".to_owned(),
            Sweeping::Every(interval) => interval.as_millis().to_string(),
        };
        let retention = self.retention.unwrap_or_default().as_millis();
        let mut process = Command::new(std::env::current_exe()?)
            .args([SERVE, &database.to_string(), &record.to_string()])
            .args([&self.place, &self.redis, &sweeping])
            .arg(retention.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let lines = process.stdout.take().ok_or("it has no output")?;
        BufReader::new(lines).read_line(&mut line)?;
        let port = line.trim().parse();
        let port = port.map_err(|_| format!("the service {database}, {record} did not start"))?;
        Ok(Running {
            variant: self.variant,
            place: self.place,
            port,
            process,
        })
    }

    fn parse(arguments: &[String]) -> Result<Self, AnyError> {
        let [database, record, place, redis, sweeping, retention] = arguments else {
            return Err("a service takes six arguments".into());
        };
        let retention = Duration::from_millis(retention.parse()?);
        Ok(Self {
            variant: Variant::new(database.parse()?, record.parse()?),
            place: place.clone(),
            redis: redis.clone(),
            sweeping: match sweeping.as_str() {
                "usual" => Sweeping::AsUsual,
                "never" => Sweeping::Never,
                interval => Sweeping::Every(Duration::from_millis(interval.parse()?)),
            },
            retention: (!retention.is_zero()).then_some(retention),
        })
    }
}

/// Serves until this process is killed, or the one that started it has ended.
pub(crate) async fn serve(arguments: &[String]) -> Result<(), AnyError> {
    let router = market::router(&Service::parse(arguments)?).await?;
    std::thread::spawn(|| {
        drop(std::io::stdin().read(&mut [0]));
        std::process::exit(0);
    });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    axum::serve(listener, router).await?;
    Ok(())
}

impl Running {
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
