//! The codec of records: what a store holds may be damaged, or somebody else's.

use std::time::Duration;

use idem_core::store::{
    Identity, Lease, Outcome, OwnerToken, Record, decode, encode_completed, encode_pending,
};

use crate::fuzzer::{fuzz, magnitude};

const PIECES: &[&[u8]] = &[
    b"idem\x01",
    b"idem\x02",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\"state\":",
    b"\"pending\"",
    b"\"response\"",
    b"\"too_large\"",
    b"\"status\":",
    b"200",
    b"99",
    b"1000",
    b"65536",
    b"null",
    b"\"headers\":",
    b"[\"a\",\"b\"]",
    b"\\u0100",
    b"\\r\\n",
    b"\xc3\xbf",
    b"\"credentials\":",
    b"\"0707070707070707070707070707070707070707070707070707070707070707\"",
    b"\"01010101010101010101010101010101\"",
];

// S59
#[test]
fn a_record_is_decoded_or_refused_whatever_bytes_come() {
    fuzz("record", PIECES, |input, _| {
        // As it came, and with the length that its header has, up to a line end.
        let end = input.iter().position(|byte| *byte == b'\n');
        let (header, body) = input.split_at(end.unwrap_or(input.len()));
        let length = (header.len() as u32).to_be_bytes();
        let framed = [b"idem\x01", &length[..], header, body].concat();
        (check(input.to_vec()), check(framed), magnitude(input.len()))
    });
}

fn check(bytes: Vec<u8>) -> Result<(u8, u16, usize), String> {
    let record = decode(&bytes).map_err(|error| error.to_string())?;
    match &record {
        Record::Unreadable => Ok((0, 0, 0)),
        Record::Pending(pending) => {
            let lease = lease(pending.owner(), pending.identity());
            assert_eq!(decode(&encode_pending(&lease)).unwrap(), record);
            Ok((1, 0, 0))
        }
        Record::Completed(completed) => {
            let lease = lease(completed.owner(), completed.identity());
            let again = encode_completed(&lease, completed.outcome());
            assert_eq!(decode(&again).unwrap(), record);
            let Outcome::Response(response) = completed.outcome() else {
                return Ok((2, 0, 0));
            };
            assert!((100..=999).contains(&response.status()));
            for (name, value) in response.headers().iter() {
                assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()));
                assert!(!value.iter().any(|byte| b"\r\n\0\x7f".contains(byte)));
            }
            Ok((3, response.status(), response.headers().len()))
        }
    }
}

fn lease(owner: &OwnerToken, identity: &Identity) -> Lease {
    Lease::of_owner(*owner, *identity, Duration::from_secs(30))
}
