//! A service on the memory store with mimalloc: `allocator-mimalloc [REQUESTS]`.

#![forbid(unsafe_code)]

use std::error::Error;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    idem_benches::allocators::run("mimalloc")
}
