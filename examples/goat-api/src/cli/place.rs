//! Where the market's data are to be.

use std::ffi::OsString;
use std::path::PathBuf;

use super::Secret;

/// An SQLite file, or a PostgreSQL server and a database of it.
#[derive(Debug, Clone)]
pub enum Place {
    /// The path of a file.
    File(PathBuf),
    /// A URL, which may have a password in it.
    Postgres(Secret),
}

const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

impl From<OsString> for Place {
    fn from(place: OsString) -> Self {
        let is_url = |place: &str| {
            let begins = |scheme: &str| {
                place
                    .get(..scheme.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
            };
            SCHEMES.into_iter().any(begins)
        };
        match place.into_string() {
            Ok(url) if is_url(&url) => Self::Postgres(Secret::from(url)),
            Ok(path) => Self::File(path.into()),
            Err(path) => Self::File(path.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_postgres_is_no_path_and_not_shown() {
        for url in [
            "postgres://heidi:sesame@localhost/goats",
            "PostgreSQL://:sesame@[::1]:5433",
        ] {
            let place = Place::from(OsString::from(url));
            assert!(matches!(place, Place::Postgres(_)), "{url}");
            assert!(!format!("{place:?}").contains("sesame"));
        }
        for path in [
            "goats.db",
            "",
            "postgres",
            "postgres:/goats",
            "sqlite://goats.db",
            "ö",
        ] {
            let place = Place::from(OsString::from(path));
            assert!(matches!(place, Place::File(file) if file.as_os_str() == path));
        }
    }
}
