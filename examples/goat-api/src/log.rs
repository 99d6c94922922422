//! The program's log on stderr, which takes nothing down: what cannot be written is left out.
//!
//! A closed pipe, or a file on a full disk, makes each write fail. The macros of the standard library
//! panic then, and so does a request that logs, or the task that waits for a signal to stop.

use std::env;
use std::io::{self, IsTerminal, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{Directive, LevelFilter};

use crate::cli::LogFormat;

/// Logs to stderr from now on, from the level on that `RUST_LOG` says.
///
/// Does nothing in a process that logs already.
pub fn to_stderr(format: LogFormat) {
    let (filter, ignored) = filter(&env::var("RUST_LOG").unwrap_or_default());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // Where a line cannot be written, a complaint about it cannot either.
        .log_internal_errors(false)
        .with_writer(|| Unfailing(io::stderr()));
    let begun = match format {
        // The spans from the outermost on; the first one is the request's, but for Lambda's around it.
        LogFormat::Json => log
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(true)
            .try_init(),
        LogFormat::Text => log.with_ansi(io::stderr().is_terminal()).try_init(),
    };
    if begun.is_ok() && ignored > 0 {
        tracing::warn!(
            ignored,
            "RUST_LOG has directives that are none, such as info or idem_core=debug"
        );
    }
}

/// Says on stderr why the program ends.
pub fn last_words(problem: &str) {
    // Nobody may be there to read it, and the exit code says so too.
    let _ = writeln!(Unfailing(io::stderr()), "goat-api: {problem}");
}

/// What can be read of `RUST_LOG`, and how much cannot.
fn filter(directives: &str) -> (EnvFilter, usize) {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    let all = directives.split(',').map(str::trim);
    let all: Vec<_> = all.filter(|text| !text.is_empty()).collect();
    // `parse_lossy` would complain on stderr, and panic where it is closed.
    let readable = all.iter().copied();
    let readable: Vec<_> = readable
        .filter(|text| text.parse::<Directive>().is_ok())
        .collect();
    let filter = filter.parse(readable.join(","));
    let filter = filter.unwrap_or_else(|_| EnvFilter::new("info"));
    (filter, all.len() - readable.len())
}

/// A writer that leaves out what it cannot write.
struct Unfailing<W>(W);

impl<W: Write> Write for Unfailing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Ok(written) if written > 0 => Ok(written),
            _ => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        // What was written may be lost, as what was not is.
        let _ = self.0.flush();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_directive_is_left_out_and_counted() {
        for (directives, expected, ignored) in [
            ("", "info", 0),
            ("warn", "warn", 0),
            ("warn,,goat_api=debug", "goat_api=debug,warn", 0),
            ("warn,a=b=c,goat_api=loud", "warn", 2),
        ] {
            let (filter, count) = filter(directives);
            assert_eq!((filter.to_string().as_str(), count), (expected, ignored));
        }
    }

    #[test]
    fn a_writer_that_fails_is_written_to_without_an_error() {
        struct Failing;
        impl Write for Failing {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(io::ErrorKind::StorageFull.into())
            }
        }
        let mut writer = Unfailing(Failing);
        assert!(writer.write_all(b"a line\n").is_ok() && writer.flush().is_ok());
    }
}
