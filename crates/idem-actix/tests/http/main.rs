//! What a client sees through the middleware, over a real socket: the cases that every adapter
//! passes, and what is actix-web's own.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

mod market;
mod services;
mod shutdown;

use market::Actix;

idem_http_tests::http_tests!(Actix);
