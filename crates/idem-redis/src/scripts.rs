//! The scripts: each is one operation, reads and writes one key, and is atomic because the server runs one
//! script at a time.

use std::sync::LazyLock;

use redis::{Cmd, ErrorKind, RedisResult, ServerErrorKind, Value};

use crate::link::Link;

pub(crate) static CLAIM: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/claim.lua")));
pub(crate) static RENEW: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/renew.lua")));
pub(crate) static COMPLETE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/complete.lua")));
pub(crate) static RELEASE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/release.lua")));
pub(crate) static LOOK_UP: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/look_up.lua")));

pub(crate) struct Script {
    text: &'static str,
    hash: String,
}

impl Script {
    fn new(text: &'static str) -> Self {
        let hash = redis::Script::new(text).get_hash().to_owned();
        Self { text, hash }
    }

    /// Runs it by its hash. Only a server that does not know it gets its text, in a second round trip.
    pub(crate) async fn call(
        &self,
        link: &dyn Link,
        key: &[u8],
        arguments: &[&[u8]],
    ) -> RedisResult<Value> {
        let by_hash = call("EVALSHA", &self.hash, key, arguments);
        match link.send(&by_hash).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                link.send(&call("EVAL", self.text, key, arguments)).await
            }
            answer => answer,
        }
    }
}

fn call(command: &str, script: &str, key: &[u8], arguments: &[&[u8]]) -> Cmd {
    let mut command = redis::cmd(command);
    command.arg(script).arg(1).arg(key);
    for argument in arguments {
        command.arg(*argument);
    }
    command
}
