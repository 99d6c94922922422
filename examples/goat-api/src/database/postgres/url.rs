//! A database's URL, which has a password that nobody else is to see.

use sqlx::postgres::PgConnectOptions;

use super::PostgresError;

/// What sqlx knows. Of what it does not know it logs the name and the value.
const PARAMETERS: [&str; 19] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
    "options[",
];

/// How to connect.
pub(super) fn parse(url: &str) -> Result<PgConnectOptions, PostgresError> {
    let unreadable = |why: &str| Err(PostgresError::Url(sqlx::Error::Configuration(why.into())));
    if !["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| begins_with(url, scheme))
    {
        return unreadable("it must begin with postgres://");
    }
    let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters);
    if parameters.contains('@') {
        return unreadable("a ? in a password is written %3F, and an @ in a parameter %40");
    }
    let parameters = parameters.split('#').next().unwrap_or_default();
    for parameter in parameters.split('&').filter(|text| !text.is_empty()) {
        let name = parameter.split('=').next().unwrap_or_default();
        let is_option = name.starts_with("options[");
        if !is_option && !PARAMETERS.contains(&name) {
            return Err(PostgresError::Parameter(name.to_owned()));
        }
    }
    // Its errors name what they could not read of a parameter, and never the password.
    url.parse().map_err(PostgresError::Url)
}

fn begins_with(url: &str, scheme: &str) -> bool {
    let start = url.get(..scheme.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

/// The URL without its password and its parameters.
#[must_use]
pub fn shown(url: &str) -> String {
    let Ok(options) = parse(url) else {
        return "postgres://…".to_owned();
    };
    let user = options.get_username();
    let database = options.get_database().unwrap_or(user);
    match options.get_socket() {
        Some(socket) => format!("postgres://{user}@{}/{database}", socket.display()),
        None => {
            let (host, port) = (options.get_host(), options.get_port());
            format!("postgres://{user}@{host}:{port}/{database}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_shown_without_its_password() {
        for (url, expected) in [
            (
                "postgres://heidi:sesame@db:5433/goats?sslmode=disable",
                "postgres://heidi@db:5433/goats",
            ),
            (
                "postgres://db/goats?user=heidi&password=sesame",
                "postgres://heidi@db:5432/goats",
            ),
            ("postgres://heidi:sesame@db:port/goats", "postgres://…"),
            ("postgres://heidi:ses/ame@db/goats", "postgres://…"),
            ("postgres://heidi@db/goats?pasword=sesame", "postgres://…"),
            ("postgres://heidi:?sesame@db/goats", "postgres://…"),
            ("mysql://heidi:sesame@db/goats", "postgres://…"),
        ] {
            assert_eq!(shown(url), expected);
        }
    }

    #[test]
    fn what_cannot_be_read_is_called_that_without_the_password() {
        for (url, problem) in [
            (
                "postgres://heidi:ses/ame@db/goats",
                "its URL cannot be read",
            ),
            (
                "postgres://heidi:sesame@db:port/goats",
                "its URL cannot be read",
            ),
            (
                "postgres://heidi:sesame@db/goats?sslmode=sometimes",
                "its URL cannot be read",
            ),
            (
                "postgres://heidi:?sesame@db/goats",
                "its URL cannot be read",
            ),
            ("mysql://heidi:sesame@db/goats", "its URL cannot be read"),
            (
                "\"postgres://heidi:sesame@db/goats\"",
                "its URL cannot be read",
            ),
            (
                "postgres://db/goats?pasword=sesame",
                "its URL has the parameter pasword,",
            ),
        ] {
            let error = parse(url).unwrap_err();
            assert!(error.to_string().starts_with(problem), "{error}");
            let all = format!("{error:?}");
            assert!(!all.contains("sesame") && !all.contains("ses/ame"), "{all}");
        }
        assert!(parse("postgres://db/goats?options[search_path]=market&sslmode=require").is_ok());
    }
}
