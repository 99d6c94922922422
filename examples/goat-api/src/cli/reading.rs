//! How flags are read, and which are refused: those beyond their bounds, and those without an effect.

use std::time::Duration;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use super::{Cli, Store};
use crate::web::cors::Origin;

impl Cli {
    /// The flags of this process and the environment behind them; ends it with a message if they
    /// cannot be.
    #[must_use]
    pub fn from_process() -> Self {
        Self::read(std::env::args_os()).unwrap_or_else(|error| error.exit())
    }

    /// Reads flags, and the environment behind them.
    ///
    /// A flag wins over the environment, and one that would have no effect is refused. A variable of the
    /// environment may be there for another program.
    ///
    /// # Errors
    /// What a flag says cannot be, or has no effect.
    pub fn read<T>(arguments: impl IntoIterator<Item = T>) -> Result<Self, clap::Error>
    where
        T: Into<std::ffi::OsString> + Clone,
    {
        let flags = Self::command().try_get_matches_from(arguments)?;
        let given = |flag: &str| is_given(&flags, flag);
        let mut cli = Self::from_arg_matches(&flags)?;
        if given("database") && !given("dynamodb_table") {
            cli.dynamodb_table = None;
        }
        if given("momento_api_key") && !given("momento_secret") {
            cli.momento_secret = None;
        }
        if cli.cors_origin.len() > 1 && cli.cors_origin.iter().any(Origin::is_any) {
            let problem = "the other origins would have no effect beside --cors-origin *";
            return Err(Self::command().error(ErrorKind::ArgumentConflict, problem));
        }
        match cli
            .without_effect()
            .into_iter()
            .find(|(flag, _)| given(flag))
        {
            None => Ok(cli),
            Some((flag, reason)) => {
                let flag = flag.replace('_', "-");
                let problem = format!("the flag --{flag} would have no effect {reason}");
                Err(Self::command().error(ErrorKind::ArgumentConflict, problem))
            }
        }
    }

    /// Flags that nothing asks for, beside these others, and why.
    fn without_effect(&self) -> Vec<(&'static str, &'static str)> {
        let mut flags = Vec::new();
        if self.store != Store::Momento {
            let reason = "without --store momento";
            flags.extend(MOMENTO.map(|flag| (flag, reason)));
        }
        if self.store != Store::Redis {
            flags.push(("redis_url", "without --store redis"));
        }
        if self.momento_secret.is_some() {
            flags.push((
                "momento_api_key",
                "with --momento-secret, which gives the key",
            ));
        }
        if self.dynamodb_table.is_some() {
            flags.push((
                "database",
                "with --dynamodb-table, which has the market's data",
            ));
        }
        if !on_lambda() {
            flags.push(("lease_margin", "outside a Lambda function"));
        } else if cfg!(feature = "lambda") {
            flags.extend(SERVER.map(|flag| (flag, "in a Lambda function")));
        }
        flags
    }
}

const MOMENTO: [&str; 4] = [
    "momento_cache",
    "momento_endpoint",
    "momento_api_key",
    "momento_secret",
];

/// Those of a program that listens, and stops on a signal.
const SERVER: [&str; 2] = ["listen", "stop_delay"];

/// Whether this is an instance of a Lambda function, which asks for its requests at that address.
pub(crate) fn on_lambda() -> bool {
    std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some()
}

/// Whether a flag is on the command line.
fn is_given(flags: &ArgMatches, flag: &str) -> bool {
    flags.value_source(flag) == Some(ValueSource::CommandLine)
}

/// A parser of durations within bounds, which are named as they are.
///
/// A lease that is too short protects nothing, and one without end blocks its key when its holder dies.
pub(super) fn between(
    shortest: &'static str,
    longest: &'static str,
) -> impl Fn(&str) -> Result<Duration, String> + Clone + Send + Sync {
    let bound = |text| humantime::parse_duration(text).expect("a bound is a duration");
    let range = bound(shortest)..=bound(longest);
    move |text| match humantime::parse_duration(text) {
        Ok(duration) if range.contains(&duration) => Ok(duration),
        Ok(_) | Err(humantime::DurationError::NumberOverflow) => {
            Err(format!("it must be from {shortest} to {longest}"))
        }
        Err(error) => Err(format!(
            "{error}; write it as 500ms, 30s, 60m or 1h 30m, from {shortest} to {longest}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Profile;

    #[test]
    fn the_flags_are_consistent() {
        Cli::command().debug_assert();
    }

    fn read(flags: &[&str]) -> Result<Cli, String> {
        let cli = Cli::read([&["goat-api"], flags].concat());
        cli.map_err(|error| error.to_string())
    }

    #[test]
    fn durations_are_given_in_human_form() {
        let cli = read(&["--retention", "2h", "--lease", "1m 30s"]).unwrap();
        assert_eq!(cli.retention, Duration::from_secs(7200));
        assert_eq!(cli.lease, Duration::from_secs(90));
        for lease in ["soon", "-1s", ""] {
            let refused = read(&[&format!("--lease={lease}")]).unwrap_err();
            assert!(refused.contains("from 1s to 1day"), "{refused}");
        }
    }

    #[test]
    fn a_duration_beyond_its_bounds_is_refused_with_them() {
        let forever = [
            "1000000000y",
            "99999999999999999999y",
            "18446744073709551615s",
        ];
        for (flag, bounds, beyond) in [
            (
                "--lease",
                "from 1s to 1day",
                &["0s", "1ns", "999ms", "25h"][..],
            ),
            (
                "--retention",
                "from 1s to 100y",
                &["0s", "1ns", "999ms", "101y"],
            ),
            ("--lease-margin", "from 0s to 1day", &["25h"]),
            ("--order-delay", "from 0s to 1day", &["25h"]),
            ("--stop-delay", "from 0s to 1day", &["25h"]),
        ] {
            for duration in beyond.iter().chain(&forever) {
                let refused = read(&[flag, duration]).unwrap_err();
                assert!(
                    refused.contains(flag) && refused.contains(bounds),
                    "{refused}"
                );
            }
        }
        assert!(read(&["--lease", "1s", "--retention", "100y", "--stop-delay", "0s"]).is_ok());
        assert!(
            read(&[
                "--lease",
                "1day",
                "--retention",
                "1s",
                "--order-delay",
                "1day"
            ])
            .is_ok()
        );
    }

    #[test]
    fn a_flag_without_effect_is_refused() {
        let table = &["--dynamodb-table", "goats"][..];
        let secret = &["--store", "momento", "--momento-secret", "name"];
        for (beside, flag, value, reason) in [
            (&[][..], "--momento-cache", "c", "without --store momento"),
            (
                &[],
                "--momento-endpoint",
                "http://[::1]:1",
                "without --store momento",
            ),
            (
                &[],
                "--momento-api-key",
                "open-sesame",
                "without --store momento",
            ),
            (
                &["--store", "memory"],
                "--momento-secret",
                "n",
                "without --store momento",
            ),
            (
                &["--store", "momento"],
                "--redis-url",
                "redis://:open-sesame@cache",
                "without --store redis",
            ),
            (table, "--database", "goats.db", "with --dynamodb-table"),
            (
                secret,
                "--momento-api-key",
                "open-sesame",
                "with --momento-secret",
            ),
            (&[], "--lease-margin", "5s", "outside a Lambda function"),
        ] {
            let refused = read(&[beside, &[flag, value]].concat()).unwrap_err();
            let expected = format!("the flag {flag} would have no effect {reason}");
            assert!(refused.contains(&expected), "{refused}");
            assert!(!refused.contains("sesame"), "{refused}");
        }
    }

    #[test]
    fn a_flag_with_what_it_needs_is_taken() {
        for flags in [
            &[
                "--store",
                "momento",
                "--momento-cache",
                "c",
                "--momento-api-key",
                "k",
            ][..],
            &["--store", "momento", "--momento-secret", "n"],
            &["--store", "redis", "--redis-url", "redis://cache"],
            &["--dynamodb-table", "goats"],
            &["--database", "goats.db"],
        ] {
            assert!(read(flags).is_ok(), "{flags:?}");
        }
    }

    #[test]
    fn records_are_in_the_database_unless_they_are_to_be_elsewhere() {
        for (flags, store) in [
            (&[][..], Store::Database),
            (&["--store", "memory"], Store::Memory),
            (&["--dynamodb-table", "goats"], Store::Database),
            (
                &["--dynamodb-table", "goats", "--store", "momento"],
                Store::Momento,
            ),
        ] {
            assert_eq!(read(flags).unwrap().store, store, "{flags:?}");
        }
    }

    #[test]
    fn the_momento_api_key_is_not_shown_with_the_flags() {
        let cli = read(&["--store", "momento", "--momento-api-key", "open sesame"]).unwrap();
        assert!(!format!("{cli:?}").contains("sesame"));
    }

    #[test]
    fn the_url_of_a_redis_is_not_shown_with_the_flags() {
        let url = "redis://:sesame@cache";
        let cli = read(&["--store", "redis", "--redis-url", url]).unwrap();
        assert_eq!(cli.redis_url.reveal(), url);
        assert!(!format!("{cli:?}").contains("sesame"));
    }

    #[test]
    fn the_admin_token_is_not_shown_with_the_flags() {
        let cli = read(&["--admin-token", "open sesame"]).unwrap();
        assert_eq!(cli.admin_token.as_ref().unwrap().reveal(), "open sesame");
        assert!(!format!("{cli:?}").contains("sesame"));
    }

    #[test]
    fn a_profile_is_chosen_by_name() {
        let cli = read(&["--profile", "ietf"]).unwrap();
        assert_eq!(cli.profile, Profile::Ietf);
        assert!(read(&["--profile", "other"]).is_err());
    }
}
