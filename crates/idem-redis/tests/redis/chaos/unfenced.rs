//! Each operation done without a fence, as many do it on Redis.

use std::{error::Error, time::Duration};

use idem_core::{
    RecordKey,
    store::{Lease, encode_completed, encode_pending},
};
use redis::{Cmd, Value};
use store_chaos::{Unfenced, Write};

use crate::chaos::shaky::Shaky;

impl Unfenced for Shaky {
    async fn write(
        &self,
        key: &RecordKey,
        lease: &Lease,
        write: Write<'_>,
    ) -> Result<bool, Box<dyn Error + Send + Sync>> {
        let command = match write {
            Write::Claim => set(key, b'P', lease, &encode_pending(lease), lease.duration()),
            Write::Complete(outcome, retention) => set(
                key,
                b'C',
                lease,
                &encode_completed(lease, outcome),
                retention,
            ),
            Write::Renew => named("PEXPIRE", key)
                .arg(milliseconds(lease.duration()))
                .clone(),
            Write::Release => named("DEL", key),
        };
        let answer: Value = command.query_async(&mut self.clone()).await?;
        Ok(answer != Value::Int(0))
    }
}

fn named(command: &str, key: &RecordKey) -> Cmd {
    let mut command = redis::cmd(command);
    command.arg([b"idem:".as_slice(), key.as_bytes()].concat());
    command
}

fn set(key: &RecordKey, state: u8, lease: &Lease, record: &[u8], life: Duration) -> Cmd {
    let mut command = named("SET", key);
    command
        .arg([&[state], lease.owner().as_bytes().as_slice(), record].concat())
        .arg("PX")
        .arg(milliseconds(life));
    command
}

fn milliseconds(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap()
}
