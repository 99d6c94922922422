//! A check at start-up: the server keeps what it is given, takes writes, and runs scripts.

use std::{future::Future, time::Duration};

use redis::{ErrorKind, RedisError, RedisResult, ServerErrorKind, Value, from_redis_value};
use tokio::time::timeout;

use crate::{ConnectError, link::Link, quoted::without_arguments, scripts::LOOK_UP};

/// How long the server may take for each step.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The oldest version that the scripts were tried on.
const OLDEST: (u32, u32) = (6, 2);

/// How many names are looked up on a node of a cluster. A node that refuses none of them most likely has all slots.
const NAMES: u8 = 16;

/// Says what is wrong with a server, or with one of a cluster's. 2 round trips; 3 if it does not know the script, and
/// 15 more on one node of a cluster.
pub(crate) async fn check(
    link: &dyn Link,
    prefix: &[u8],
    allow_eviction: bool,
) -> Result<(), ConnectError> {
    let answer = settings(link, allow_eviction).await?;
    let is_one_node = matches!(&*answer, [one] if one.contains("cluster_enabled:1"));
    for server in answer {
        look_at(&server, allow_eviction)?;
    }
    let names = if is_one_node { NAMES } else { 1 };
    for number in 0..names {
        let nobody = [prefix, &[number; 32]].concat();
        let looked_up = LOOK_UP.call(link, &nobody, &[]);
        match bounded("run a script", looked_up).await {
            Err(ConnectError::Redis { source, .. }) if is_moved(&source) => {
                return Err(ConnectError::OneNodeOfACluster);
            }
            answer => answer?,
        };
    }
    Ok(())
}

/// Says whether the server lets this user wait for replicas. 1 round trip, and no wait.
pub(crate) async fn check_wait(link: &dyn Link) -> Result<(), ConnectError> {
    let mut asking = redis::cmd("WAIT");
    asking.arg(0).arg(1);
    let asked = bounded("ask which replicas have a write (WAIT)", link.send(&asking));
    asked.await.map(drop)
}

/// What the server says of itself, or each of a cluster's does.
async fn settings(link: &dyn Link, allow_eviction: bool) -> Result<Vec<String>, ConnectError> {
    let asking = redis::cmd("INFO");
    match bounded("ask the server for its settings (INFO)", link.send(&asking)).await {
        // It does not tell whether it evicts, which is allowed then.
        Err(ConnectError::Redis { source, .. }) if allow_eviction && is_forbidden(&source) => {
            Ok(vec![String::new()])
        }
        answer => answer.map(servers),
    }
}

fn is_moved(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::Moved)
}

fn is_forbidden(error: &RedisError) -> bool {
    let is_unknown = |text: &str| text.starts_with("unknown command");
    error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm)
        || error.detail().is_some_and(is_unknown)
}

pub(crate) async fn bounded<T>(
    action: &'static str,
    call: impl Future<Output = RedisResult<T>>,
) -> Result<T, ConnectError> {
    match timeout(TIMEOUT, call).await {
        Ok(answer) => answer.map_err(|source| ConnectError::Redis {
            action,
            source: without_arguments(source),
        }),
        Err(_) => {
            let timeout = TIMEOUT;
            Err(ConnectError::Timeout { action, timeout })
        }
    }
}

/// What each server says of itself: a cluster's connection asks all primaries.
fn servers(answer: Value) -> Vec<String> {
    match answer {
        Value::Map(nodes) => nodes.into_iter().map(|(_, text)| text_of(text)).collect(),
        answer => vec![text_of(answer)],
    }
}

/// Empty where the server says nothing that can be read.
fn text_of(value: Value) -> String {
    from_redis_value(value).unwrap_or_default()
}

fn look_at(server: &str, allow_eviction: bool) -> Result<(), ConnectError> {
    let field = |name: &str| {
        let mut lines = server.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
    };
    if let Some(found) = field("redis_version")
        && is_too_old(found)
    {
        let found = found.to_owned();
        return Err(ConnectError::TooOld { found });
    }
    if field("role") == Some("slave") {
        return Err(ConnectError::Replica);
    }
    match field("maxmemory_policy").unwrap_or_default() {
        "noeviction" => {}
        policy if allow_eviction => {
            tracing::warn!(
                policy,
                "this Redis may drop idempotency records when it is full, and their requests then run again"
            );
        }
        policy => {
            let policy = policy.to_owned();
            return Err(ConnectError::Evicts { policy });
        }
    }
    Ok(())
}

fn is_too_old(version: &str) -> bool {
    let mut numbers = version.split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) < OLDEST,
        // A service that has versions of its own.
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(version: &str, role: &str, policy: &str) -> Result<(), ConnectError> {
        let server = format!(
            "# Server\r\nredis_version:{version}\r\nredis_mode:standalone\r\n\r\n# Memory\r\nmaxmemory_policy:{policy}\r\n\r\n# Replication\r\nrole:{role}\r\n"
        );
        look_at(&server, false)
    }

    #[test]
    fn versions_from_6_2_on_are_taken() {
        for version in ["6.2.0", "6.2", "7.0.15", "10.0.0", "unknown"] {
            assert!(told(version, "master", "noeviction").is_ok(), "{version}");
        }
        for version in ["6.0.16", "5.0.14", "2.8"] {
            let error = told(version, "master", "noeviction").unwrap_err();
            assert!(matches!(error, ConnectError::TooOld { .. }), "{version}");
            assert!(error.to_string().contains(version), "{error}");
        }
    }

    #[test]
    fn a_server_that_does_not_tell_its_policy_is_refused() {
        let error = look_at("redis_version:7.0.0\r\n", false).unwrap_err();
        assert!(matches!(error, ConnectError::Evicts { .. }));
        assert!(look_at("", true).is_ok());
    }

    #[test]
    fn each_server_of_a_cluster_is_looked_at() {
        let node = |text: &str| (Value::Nil, Value::BulkString(text.into()));
        let nodes = Value::Map(vec![node("one"), node("two")]);
        assert_eq!(servers(nodes), ["one", "two"]);
    }
}
