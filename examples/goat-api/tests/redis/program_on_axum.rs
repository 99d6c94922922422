//! The real program, serving with axum.

#[expect(dead_code, reason = "nobody holds the database or hangs up here")]
#[path = "../process/operator.rs"]
mod operator;
#[path = "outage.rs"]
mod outage;
#[path = "processes.rs"]
mod processes;
#[expect(dead_code, reason = "records are in Redis here")]
#[path = "../process/program.rs"]
mod program;

/// What the program under test serves with.
const FRAMEWORK: &str = "axum";
