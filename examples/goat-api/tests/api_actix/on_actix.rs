//! The API in actix-web, over a real socket.

#[expect(dead_code, reason = "nobody operates the market here")]
#[path = "../api/everywhere.rs"]
mod everywhere;
#[expect(dead_code, reason = "nobody operates the market here")]
mod routes;
mod serve;

/// What the servers under test serve with.
const FRAMEWORK: &str = "actix";
