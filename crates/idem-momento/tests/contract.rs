//! The store contract, through the real SDK and a real socket.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

use std::{sync::Arc, time::Duration};

use idem_core::store::Operation;
use idem_momento::MomentoStore;
use idem_store_tests::Fixture;
use momento_emulator::{Code, Emulator, Fault, Method, When};

const CACHE: &str = "requests";

/// Two clients of one cache, as two servers have them, and replies that are lost on demand.
fn emulated(read_along: bool) -> Fixture {
    let emulator = Arc::new(Emulator::start().unwrap());
    emulator.create_cache(CACHE);
    let store = || {
        let client = emulator.client(Duration::from_secs(10));
        MomentoStore::new(client, CACHE).read_along(read_along)
    };
    let faults = emulator.faults();
    Fixture::new(store())
        .client(store())
        .crowd(300)
        .faults(move |_: Operation| {
            faults.next(Method::SetIf, Fault::Fail(When::After, Code::Unavailable));
        })
        .keep(emulator)
}

mod one_after_the_other {
    idem_store_tests::store_tests! {
        clock: real,
        store: super::emulated(false),
    }
}

mod read_along {
    idem_store_tests::store_tests! {
        clock: real,
        store: super::emulated(true),
    }
}
