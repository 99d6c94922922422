//! The fingerprint of a request against plain SHA-256 of its payload, and against a parser's tree.

use idem_benches::{
    PostOrders, Spelling,
    interleaved::Comparison,
    order,
    payloads::{ADVERSARIAL, value_and_sort},
    table::{Row, heading},
};
use idem_core::FingerprintRules;
use sha2::{Digest, Sha256};

const FINGERPRINT: &str = "fingerprint";
const TREE: &str = "`serde_json::Value`, sorted, hashed";

pub(crate) fn run(rounds: usize) {
    let mut rows = Vec::new();
    for (name, bytes) in [("200 B", 200), ("1 KiB", 1 << 10), ("16 KiB", 1 << 14)] {
        for (said, spelling) in [
            ("in order", Spelling::InOrder),
            ("out of order", Spelling::OutOfOrder),
            ("pretty-printed", Spelling::Pretty),
        ] {
            let name = format!("{name}, {said}");
            rows.push(row(&name, &order(bytes, spelling), rounds));
        }
    }
    for (name, payload) in ADVERSARIAL {
        let (name, payload) = (format!("1 MiB, {name}"), payload(1 << 20));
        rows.push(row(&name, &payload, rounds.div_ceil(10)));
    }
    heading(&["payload"], &[FINGERPRINT, TREE]);
    for row in rows {
        println!("{row}");
    }
}

fn row(name: &str, payload: &[u8], rounds: usize) -> Row {
    let rules = FingerprintRules::default();
    let mut row = Row::default();
    row.text(name);
    let fingerprint = || rules.fingerprint(&PostOrders, payload);
    row.text(ratio(FINGERPRINT, fingerprint, name, payload, rounds));
    // Not in turns with the fingerprint: what a tree of a megabyte frees slows down the next large allocation by
    // up to ten milliseconds.
    let tree = || value_and_sort(payload);
    row.text(ratio(TREE, tree, name, payload, rounds));
    row
}

fn ratio<T>(
    variant: &str,
    job: impl FnMut() -> T,
    name: &str,
    payload: &[u8],
    rounds: usize,
) -> String {
    Comparison::new(format!("{name} ({} bytes)", payload.len()))
        .variant("SHA-256 of the bytes", || Sha256::digest(payload))
        .variant(variant, job)
        .run(rounds)
        .ratio(variant)
}
