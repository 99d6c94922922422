//! Runs the emulator for local trials, until it is interrupted.

use std::{io, net::SocketAddr, thread};

use clap::Parser;
use momento_emulator::Emulator;

/// A stand-in for the Momento Serverless Cache service, for local trials.
///
/// It keeps everything in memory and forgets it when it ends. It has no TLS, its API key is public
/// and it takes only the calls that an idempotency store needs: never expose it to a network.
/// It was written from Momento's SDK and public documents and was never compared with the service,
/// so what works here is no promise for there. Rates are not limited, and nothing is evicted.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8181")]
    listen: SocketAddr,
    /// A cache to create at the start; may be given more than once.
    #[arg(long = "cache", value_name = "NAME")]
    caches: Vec<String>,
}

fn main() -> io::Result<()> {
    let options = Options::parse();
    let emulator = Emulator::start_at(options.listen)?;
    for cache in options.caches {
        emulator.create_cache(cache);
    }
    introduce(&emulator);
    loop {
        thread::park();
    }
}

/// Prints lines that a shell can read in.
fn introduce(emulator: &Emulator) {
    println!("# Stand-in for Momento Serverless Cache; the SDK needs insecure_endpoint_override.");
    println!("export MOMENTO_ENDPOINT={}", emulator.endpoint());
    println!("export MOMENTO_API_KEY={}", emulator.api_key());
}
