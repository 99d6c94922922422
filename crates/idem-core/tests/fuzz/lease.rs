//! The text of a travelling lease, also from somebody who can compute the digest at its end.

use std::time::Duration;

use idem_core::TravellingLease;
use sha2::{Digest, Sha256};

use crate::fuzzer::{fuzz, magnitude};

const PIECES: &[&[u8]] = &[
    b".",
    b"-",
    b"idem-lease-1.",
    b"idem-lease-2.",
    b"0",
    b"f",
    b"F",
    b"+",
    b"6f",
    b"18446744073709551615",
    b"18446744073709551616",
    b"\xf0\x9f\x90\x90",
    b" ",
    b"\n",
    b"0303030303030303030303030303030303030303030303030303030303030303",
];

const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

#[test]
fn a_lease_is_read_or_refused_whatever_text_comes() {
    fuzz("lease", PIECES, |input, _| {
        let text = String::from_utf8_lossy(input);
        let as_it_came = text.parse::<TravellingLease>();
        let signed = signed(&text);
        let read = signed.parse::<TravellingLease>();
        for lease in [&as_it_came, &read].into_iter().flatten() {
            let again = lease.to_text();
            assert!(again.is_ascii() && again.len() <= 800, "{again}");
            assert_eq!(again.parse().as_ref(), Ok(lease));
            assert!((SHORTEST..=LONGEST).contains(&lease.duration()));
        }
        let class = |lease: &TravellingLease| {
            (
                magnitude(lease.key().as_str().len()),
                magnitude(lease.duration().as_millis() as usize),
                lease.lease().identity().credentials().is_some(),
            )
        };
        (
            as_it_came
                .map(|lease| class(&lease))
                .map_err(|error| error as u8),
            read.map(|lease| class(&lease)).map_err(|error| error as u8),
            text.matches('.').count().min(12),
        )
    });
}

/// A length as it is hashed: seven bits a byte, the lowest first, and the top bit says that more follow.
fn length(mut length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while length >= 128 {
        bytes.push((length % 128 + 128) as u8);
        length /= 128;
    }
    bytes.push(length as u8);
    bytes
}

/// The text without what stands behind its last point, and with the digest that belongs there.
fn signed(text: &str) -> String {
    let all = text.rsplit_once('.').map_or(text, |(all, _)| all);
    let mut hash = Sha256::new();
    for part in ["idem travelling lease 1", all] {
        hash.update(length(part.len()));
        hash.update(part);
    }
    let digits: String = hash.finalize()[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{all}.{digits}")
}
