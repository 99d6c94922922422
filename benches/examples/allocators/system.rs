//! A service on the memory store with the allocator of the system: `allocator-system [REQUESTS]`.

#![forbid(unsafe_code)]

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    idem_benches::allocators::run("the system's (glibc)")
}
