//! Where the market's data are to be.

use std::ffi::OsString;
use std::path::PathBuf;

use super::Secret;

/// An SQLite file, or a PostgreSQL server and a database of it.
#[derive(Debug, Clone)]
pub enum Place {
    /// The path of a file.
    File(PathBuf),
    /// A URL, which may have a password in it. One of another database is refused when it is opened.
    Postgres(Secret),
}

impl From<OsString> for Place {
    fn from(place: OsString) -> Self {
        match place.into_string() {
            // Whatever looks like a URL may have a password in it, and is no name of a file.
            Ok(url) if url.contains("://") => Self::Postgres(Secret::from(url)),
            Ok(path) => Self::File(path.into()),
            Err(path) => Self::File(path.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_no_path_and_not_shown() {
        for url in [
            "postgres://heidi:sesame@localhost/goats",
            "PostgreSQL://:sesame@[::1]:5433",
            " \"postgres://heidi:sesame@localhost/goats\"",
            "mysql://heidi:sesame@localhost/goats",
        ] {
            let place = Place::from(OsString::from(url));
            assert!(matches!(place, Place::Postgres(_)), "{url}");
            assert!(!format!("{place:?}").contains("sesame"));
        }
        for path in ["goats.db", "", "postgres", "postgres:/goats", "ö"] {
            let place = Place::from(OsString::from(path));
            assert!(matches!(place, Place::File(file) if file.as_os_str() == path));
        }
    }
}
