//! The goat market's server.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use goat_api::cli::Cli;
use goat_api::{log, server};

/// When records in memory run out, glibc's allocator keeps their memory, and this one gives most of it back:
/// `docs/performance.md` has the figures.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::from_process();
    log::to_stderr(cli.log_format);
    match server::run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::last_words(&error.in_one_line());
            ExitCode::FAILURE
        }
    }
}
