//! From the flags to a server that greets, serves and stops on a signal.

#[cfg(feature = "actix")]
mod actix;
#[cfg(feature = "axum")]
mod axum;
mod database;
mod greeting;
mod idempotency;
#[cfg(feature = "lambda")]
mod lambda;
#[cfg(all(feature = "lambda", feature = "momento"))]
mod secret;
mod stop;

use std::error::Error;
use std::io;
use std::iter::successors;
use std::pin::Pin;
use std::sync::Arc;

use idem_core::Idempotency;
use tokio::net::TcpListener;

use crate::cli::{Cli, Framework, on_lambda};
pub use crate::server::database::OpenError;
pub use crate::server::idempotency::StoreError;
use crate::server::stop::StopSignals;
use crate::web::GoatMarket;
use crate::web::operations::{AdminToken, Metrics, MetricsTaken, Operations, WeakToken};

/// Serves the market until Ctrl-C or SIGTERM, then lets the running requests end.
///
/// # Errors
/// The server could not start, or its listener broke.
///
/// # Cancel safety
/// Not cancel safe: dropped, it cuts off the requests that are running.
pub async fn run(cli: Cli) -> Result<(), ServerError> {
    if on_lambda() {
        return serve_on_lambda(&cli).await;
    }
    let listener = listen(&cli.listen).await?;
    let Started {
        market,
        idempotency,
        operations,
        metrics,
    } = start(&cli).await?;
    let upkeep = tokio::spawn(metrics.upkeep());
    let served = serve(&cli, listener, &market, idempotency, operations).await;
    upkeep.abort();
    served?;
    market.database().close().await;
    tracing::info!("stopped");
    Ok(())
}

#[cfg(feature = "lambda")]
async fn serve_on_lambda(cli: &Cli) -> Result<(), ServerError> {
    lambda::serve(cli).await
}

#[cfg(not(feature = "lambda"))]
#[expect(clippy::unused_async, reason = "it stands in for one that is")]
async fn serve_on_lambda(_: &Cli) -> Result<(), ServerError> {
    Err(ServerError::NoLambda)
}

/// What the routes answer from.
struct Started {
    market: GoatMarket,
    idempotency: Idempotency,
    operations: Operations,
    metrics: Metrics,
}

async fn start(cli: &Cli) -> Result<Started, ServerError> {
    let admin = cli.admin_token.as_ref();
    let admin = admin.map(|token| AdminToken::new(token.reveal()));
    let admin = admin.transpose().map_err(ServerError::AdminToken)?;
    let metrics = Metrics::install().map_err(ServerError::Metrics)?;
    // Side by side: a Lambda function has 10 seconds to start.
    let (database, elsewhere) = tokio::try_join!(
        async { database::open(cli).await.map_err(ServerError::from) },
        async {
            idempotency::elsewhere(cli)
                .await
                .map_err(ServerError::Store)
        },
    )?;
    let market = GoatMarket::new(Arc::clone(&database)).order_delay(cli.order_delay);
    let (market, idempotency, memory) = match elsewhere {
        Some((idempotency, memory)) => (market, idempotency, memory),
        None => {
            let policy = idempotency::beside(database, cli);
            let (market, idempotency) = market.exactly_once(policy);
            (market, idempotency, None)
        }
    };
    metrics.build_info(cli.framework.name(), cli.store.name());
    let metrics = metrics.memory(memory);
    let operations = Operations::new(market.clone(), idempotency.clone(), metrics.clone());
    Ok(Started {
        market,
        idempotency,
        operations: operations.admin(admin).origins(cli.cors_origin.clone()),
        metrics,
    })
}

async fn listen(address: &str) -> Result<TcpListener, ServerError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| ServerError::Listen {
            address: address.to_owned(),
            source,
        })
}

async fn serve(
    cli: &Cli,
    listener: TcpListener,
    market: &GoatMarket,
    idempotency: Idempotency,
    operations: Operations,
) -> Result<(), ServerError> {
    let address = listener.local_addr().map_err(ServerError::Serve)?;
    // Before the greeting: whoever reads it may send a signal at once.
    let mut polite = StopSignals::listen().map_err(ServerError::Serve)?;
    let mut impatient = StopSignals::listen().map_err(ServerError::Serve)?;
    let (stopping, stop_delay) = (operations.clone(), cli.stop_delay);
    let stop = async move {
        polite.next().await;
        stopping.stop();
        tracing::info!("stopping once the running requests have ended; again to stop at once");
        tokio::time::sleep(stop_delay).await;
    };
    let market = market.clone();
    let serving = serving(
        cli.framework,
        listener,
        market,
        idempotency,
        operations,
        stop,
    )?;
    greeting::print(address);
    tokio::select! {
        served = serving => served.map_err(ServerError::Serve),
        () = async { impatient.next().await; impatient.next().await } => Ok(()),
    }
}

type Serving = Pin<Box<dyn Future<Output = io::Result<()>>>>;

/// Serves until `stop` is ready, and then until what runs has ended and is recorded.
fn serving(
    framework: Framework,
    listener: TcpListener,
    market: GoatMarket,
    idempotency: Idempotency,
    operations: Operations,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<Serving, ServerError> {
    match framework {
        #[cfg(feature = "axum")]
        Framework::Axum => Ok(Box::pin(axum::serve(
            listener,
            market,
            idempotency,
            operations,
            stop,
        ))),
        #[cfg(feature = "actix")]
        Framework::Actix => Ok(Box::pin(actix::serve(
            listener,
            market,
            idempotency,
            operations,
            stop,
        ))),
        #[cfg(not(all(feature = "actix", feature = "axum")))]
        _ => Err(ServerError::NotBuilt(framework)),
    }
}

/// Why the server could not start, or stopped on its own.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The operators' token guards nothing.
    #[error("cannot use the admin token")]
    AdminToken(#[source] WeakToken),
    /// Something else in this process counts already.
    #[error("cannot count requests")]
    Metrics(#[source] MetricsTaken),
    /// The address could not be taken.
    #[error("cannot listen on {address}")]
    Listen {
        /// What was asked for.
        address: String,
        /// The system's answer.
        source: io::Error,
    },
    /// The database could not be opened.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// This build has no such framework.
    #[error("this build has no {0:?}")]
    NotBuilt(Framework),
    /// This build serves no Lambda function.
    #[error("this build has no Lambda")]
    NoLambda,
    /// A Lambda function is served with axum.
    #[error("cannot serve a Lambda function with {0:?}")]
    LambdaFramework(Framework),
    /// Instances of a Lambda function share no disk.
    #[error("a Lambda function cannot keep its market in {0}")]
    LambdaDatabase(String),
    /// Lambda's runtime API broke.
    #[error("cannot get requests from Lambda")]
    Lambda(#[source] Box<dyn Error + Send + Sync>),
    /// The idempotency records have no place.
    #[error("cannot use the idempotency store")]
    Store(#[source] StoreError),
    /// The listener or the signals broke.
    #[error("cannot serve")]
    Serve(#[source] io::Error),
}

impl ServerError {
    /// What was wrong, why, and what to try, for a terminal.
    #[must_use]
    pub fn in_one_line(&self) -> String {
        let mut line = self.to_string();
        for cause in successors(self.source(), |error| (*error).source()) {
            let cause = cause.to_string();
            // sqlx repeats the cause in its own message.
            if !line.contains(&cause) {
                line = format!("{line}: {cause}");
            }
        }
        format!("{}; {}", line.replace('\n', " "), self.advice())
    }

    fn advice(&self) -> &'static str {
        match self {
            Self::AdminToken(_) => "make one with `openssl rand -hex 24`, or set none",
            Self::Metrics(_) => "run the market in a process of its own",
            Self::Listen { .. } => "try another address with --listen, such as 127.0.0.1:0",
            Self::Database(error) => error.advice(),
            Self::NotBuilt(Framework::Axum) => {
                "build with `--features axum`, or try --framework actix"
            }
            Self::NotBuilt(Framework::Actix) => {
                "build with `--features actix`, or try --framework axum"
            }
            Self::NoLambda => {
                "build with `--features lambda`, or unset AWS_LAMBDA_RUNTIME_API to listen on a port"
            }
            Self::LambdaFramework(_) => "try --framework axum",
            Self::LambdaDatabase(_) => {
                "set --dynamodb-table, or for a trial an absolute path with --database, such as \
                 /tmp/goat-market.db"
            }
            Self::Lambda(_) => "check AWS_LAMBDA_RUNTIME_API",
            Self::Store(error) => error.advice(),
            Self::Serve(_) => "try to start it again",
        }
    }
}
