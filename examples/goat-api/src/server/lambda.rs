//! The market as an AWS Lambda function behind a REST API of API Gateway.
//!
//! An instance serves one request at a time. It is frozen from its answer until its next request, and
//! killed when a request takes longer than the function's timeout. So nothing is left to tasks here:
//! what has to be recorded is recorded before the answer leaves.

mod events;
mod lease;

use std::future::ready;

use axum::middleware::map_response;
use axum::response::Response;
use idem_axum::IdempotencyLayer;

use super::{ServerError, Started, start};
use crate::cli::{Cli, Framework, Place};
use crate::web::axum::{operated, router};

/// Serves until Lambda ends this process.
///
/// # Errors
/// It could not start, or Lambda's runtime API broke.
pub(super) async fn serve(cli: &Cli) -> Result<(), ServerError> {
    check_framework(cli.framework)?;
    check_database(cli)?;
    let Started {
        market,
        idempotency,
        operations,
        metrics,
    } = start(cli).await?;
    let margin = cli.lease_margin;
    let idempotency = IdempotencyLayer::from(idempotency)
        .lease(move |head| lease::until_the_deadline(head, margin));
    let routes = operated(router(market, idempotency), operations);
    // No task has time for it, and whoever asked for the metrics would get those of one instance.
    let routes = routes.layer(map_response(move |response: Response| {
        metrics.tidy();
        ready(response)
    }));
    events::serve(routes).await.map_err(ServerError::Lambda)
}

fn check_framework(framework: Framework) -> Result<(), ServerError> {
    match framework {
        Framework::Axum => Ok(()),
        Framework::Actix => Err(ServerError::LambdaFramework(framework)),
    }
}

/// A file is on the disk of one instance, and ends with it: whoever wants that has to say so.
fn check_database(cli: &Cli) -> Result<(), ServerError> {
    if cli.dynamodb_table.is_some() {
        return Ok(());
    }
    // A server is one for all instances.
    let Place::File(path) = &cli.database else {
        return Ok(());
    };
    // The default is not, and a function's own directory cannot be written.
    if !path.is_absolute() {
        return Err(ServerError::LambdaDatabase(path.display().to_string()));
    }
    tracing::warn!(
        database = %path.display(),
        "each instance of this function has a market of its own, which ends with it"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn cli(flags: &[&str]) -> Cli {
        Cli::try_parse_from([&["goat-api"], flags].concat()).unwrap()
    }

    #[test]
    fn a_file_must_be_asked_for_by_an_absolute_path() {
        for flags in [&[][..], &["--database", "goats.db"]] {
            let refused = check_database(&cli(flags)).unwrap_err();
            let line = refused.in_one_line();
            assert!(line.contains("--dynamodb-table"), "{line}");
        }
        for flags in [
            ["--database", "/tmp/goats.db"],
            ["--dynamodb-table", "goats"],
            ["--database", "postgres://localhost/goats"],
        ] {
            assert!(check_database(&cli(&flags)).is_ok());
        }
    }

    #[test]
    fn only_axum_serves_a_function() {
        assert!(check_framework(Framework::Axum).is_ok());
        let refused = check_framework(Framework::Actix).unwrap_err();
        assert!(refused.in_one_line().contains("--framework axum"));
    }
}
