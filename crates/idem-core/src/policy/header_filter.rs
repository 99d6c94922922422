//! Which headers of a response are recorded, to be replayed later and on another connection.

/// Fields that belong to one connection or one message (RFC 9110, section 7.6.1), and the date,
/// which is that of the replay.
const NEVER: [&str; 11] = [
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whether clients or servers read something from a response header of this name, given in lower
/// case: it cannot mark replays then.
pub(crate) fn has_meaning_of_its_own(name: &str) -> bool {
    const OTHERS: [&str; 6] = [
        "idempotency-refusal",
        "link",
        "location",
        "retry-after",
        "set-cookie",
        "www-authenticate",
    ];
    name.starts_with("content-") || NEVER.contains(&name) || OTHERS.contains(&name)
}

/// Decides by name whether a header is recorded.
#[derive(Debug)]
pub(crate) struct HeaderFilter<'a> {
    /// What the application leaves out besides.
    skipped: &'a [String],
    /// What the response's own `Connection` field names.
    connection: Vec<String>,
}

impl<'a> HeaderFilter<'a> {
    pub(crate) fn new<'h>(
        skipped: &'a [String],
        connection_values: impl Iterator<Item = &'h [u8]>,
    ) -> Self {
        let connection = connection_values
            .flat_map(|value| value.split(|&byte| byte == b','))
            .map(|option| String::from_utf8_lossy(option.trim_ascii()).into_owned())
            .collect();
        Self {
            skipped,
            connection,
        }
    }

    pub(crate) fn allows(&self, name: &str) -> bool {
        let own = self
            .skipped
            .iter()
            .chain(&self.connection)
            .map(String::as_str);
        !NEVER
            .into_iter()
            .chain(own)
            .any(|other| name.eq_ignore_ascii_case(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_connection_names_is_not_recorded() {
        let values = [b"close, X-Hop".as_slice(), b"x-other"];
        let skipped = ["set-cookie".to_owned()];
        let filter = HeaderFilter::new(&skipped, values.into_iter());
        for name in ["Connection", "X-HOP", "x-other", "Set-Cookie", "date", "te"] {
            assert!(!filter.allows(name), "{name}");
        }
        for name in ["content-type", "location", "etag", "x-hop-2"] {
            assert!(filter.allows(name), "{name}");
        }
    }
}
