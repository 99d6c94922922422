//! The fingerprint of a request against plain SHA-256 of its payload, and against a parser's tree.

use idem_benches::{
    PostOrders, Spelling,
    interleaved::{Comparison, Figures},
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
    let figures = compare(name, payload, rounds);
    let mut row = Row::default();
    row.text(name);
    row.text(figures.ratio(FINGERPRINT));
    row.text(figures.ratio(TREE));
    row
}

fn compare(name: &str, payload: &[u8], rounds: usize) -> Figures {
    let rules = FingerprintRules::default();
    Comparison::new(format!("{name} ({} bytes)", payload.len()))
        .variant("SHA-256 of the bytes", || Sha256::digest(payload))
        .variant(FINGERPRINT, || rules.fingerprint(&PostOrders, payload))
        .variant(TREE, || value_and_sort(payload))
        .run(rounds)
}
