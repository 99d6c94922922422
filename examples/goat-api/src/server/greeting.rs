//! What a person sees when the server has started.

use std::io::{self, Write};
use std::net::SocketAddr;

use uuid::Uuid;

/// Prints the address, where there is a page, and three requests to try.
pub(super) fn print(address: SocketAddr) {
    // A closed stdout is no reason to stop serving.
    if let Err(error) = io::stdout().write_all(text(address).as_bytes()) {
        tracing::warn!(%error, "the greeting could not be printed");
    }
}

fn text(address: SocketAddr) -> String {
    let heidi = r#"{"name":"Heidi","owner":"Peter","breed":"Nubian"}"#;
    let clara = r#"{"name":"Clara","owner":"Peter","breed":"Alpine"}"#;
    // A new key at each start: a store that outlives the process would remember an old one.
    let key = Uuid::now_v7();
    let post = |goat: &str| {
        format!(
            "curl -i http://{address}/goats -H 'Content-Type: application/json' \
             -H 'Idempotency-Key: {key}' -d '{goat}'"
        )
    };
    let (first, other) = (post(heidi), post(clara));
    format!(
        "goat market on http://{address}\n\
         # Open it in a browser to see what a key does to an order, or try it here.\n\n\
         # Register a goat:\n{first}\n\
         # The same again gets the same answer, and registers no second goat:\n{first}\n\
         # The key with another payload is refused:\n{other}\n"
    )
}
