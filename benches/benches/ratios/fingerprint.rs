//! The fingerprint of a request against plain SHA-256 of its payload, and against a parser's tree.

use idem_benches::{
    PostOrders, Spelling,
    interleaved::Comparison,
    order,
    payloads::{ADVERSARIAL, value_and_sort},
};
use idem_core::FingerprintRules;
use sha2::{Digest, Sha256};

pub(crate) fn run(rounds: usize) {
    for (name, bytes) in [("200 B", 200), ("1 KiB", 1 << 10), ("16 KiB", 1 << 14)] {
        for spelling in [Spelling::InOrder, Spelling::OutOfOrder, Spelling::Pretty] {
            compare(
                &format!("{name}, {spelling:?}"),
                &order(bytes, spelling),
                rounds,
            );
        }
    }
    for (name, payload) in ADVERSARIAL {
        compare(
            &format!("1 MiB, {name}"),
            &payload(1 << 20),
            rounds.div_ceil(10),
        );
    }
}

fn compare(name: &str, payload: &[u8], rounds: usize) {
    let rules = FingerprintRules::default();
    let name = format!("{name} ({} bytes)", payload.len());
    Comparison::new(&name)
        .variant("SHA-256 of the bytes", || Sha256::digest(payload))
        .variant("fingerprint", || rules.fingerprint(&PostOrders, payload))
        .run(rounds);
    // Apart from the others: a tree of a megabyte leaves so many free pieces on the heap that the next large
    // allocation, whoever makes it, takes ten milliseconds.
    Comparison::new(format!("{name}, as a tree"))
        .variant("SHA-256 of the bytes", || Sha256::digest(payload))
        .variant("serde_json::Value, sorted, hashed", || {
            value_and_sort(payload)
        })
        .run(rounds);
}
