//! The ways in which a call can go wrong.

use std::time::Duration;

use tonic::Code;

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// Answers with this status; `When` says whether the call is carried out all the same.
    Fail(When, Code),
    /// Waits in real time, before or after the call is carried out. A client that gives up
    /// meanwhile stops nothing: after a delay before, the write still lands.
    Delay(When, Duration),
    /// Never answers, on a connection that is otherwise well.
    Hang(When),
    /// Resets the connection, and with it all other calls on it. New connections are served.
    Reset(When),
    /// The emulator dies: all connections are reset and the port is closed, until
    /// [`restart`](crate::Emulator::restart).
    Crash(When),
    /// Answers with this status now, and carries the call out later, against what stands there
    /// then. Its TTL runs from when it lands.
    LandLate(Landing, Code),
    /// A `Get` answers what stood there before the item's last write. If that has expired, or
    /// there was nothing, it answers Miss. Other calls are carried out as usual.
    StaleRead,
}

/// Before or after the call is carried out. Complete: there is no third.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// With [`Fault::Delay`] the call is carried out afterwards, with every other fault never.
    Before,
    /// The call is carried out, and its reply is what goes wrong.
    After,
}

/// When a late write lands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Landing {
    /// So much later on the emulator's [`Clock`](crate::Clock).
    In(Duration),
    /// When told: [`Emulator::land_late_writes`](crate::Emulator::land_late_writes).
    WhenTold,
}
