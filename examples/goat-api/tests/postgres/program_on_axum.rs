//! The real program, serving with axum.

#[expect(dead_code, reason = "nobody holds the database or hangs up here")]
#[path = "../process/operator.rs"]
mod operator;
#[path = "outage.rs"]
mod outage;
#[path = "place.rs"]
mod place;
#[expect(dead_code, reason = "records are in the database here")]
#[path = "../process/program.rs"]
mod program;
#[path = "../process/records.rs"]
mod records;

/// What the program under test serves with.
const FRAMEWORK: &str = "axum";
