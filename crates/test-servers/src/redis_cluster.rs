//! A Redis Cluster on the loopback interface.

use crate::{
    StartError,
    port::Port,
    redis::{Redis, failed},
};

/// How many slots any cluster has.
const SLOTS: usize = 16_384;

const PRIMARIES: usize = 3;

/// Three primaries, which may have a replica.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Redis>,
    /// The ports by which they talk to each other.
    _buses: Vec<Port>,
}

impl RedisCluster {
    /// Starts one without replicas, which takes some seconds.
    ///
    /// # Errors
    /// Redis is not installed, or does not start, or its nodes do not meet.
    pub fn start() -> Result<Self, StartError> {
        Self::start_nodes(PRIMARIES, &[])
    }

    /// Starts one whose last node is a replica of the first, and takes its place some seconds after that died.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with_replica() -> Result<Self, StartError> {
        let patience = ["--cluster-node-timeout", "1000"];
        let at_once = ["--repl-diskless-sync-delay", "0"];
        let cluster = Self::start_nodes(PRIMARIES + 1, &[patience, at_once].concat())?;
        let [primary, .., replica] = &*cluster.nodes else {
            return Err(failed("start", "there are too few nodes"));
        };
        let replicating = |error| failed("replicate", error);
        let id = primary.command(&["CLUSTER", "MYID"]).map_err(replicating)?;
        replica
            .command(&["CLUSTER", "REPLICATE", &id])
            .map_err(replicating)?;
        replica.wait_until("copy its primary", || {
            let info = replica.command(&["INFO", "replication"])?;
            Ok(info.contains("master_link_status:up"))
        })?;
        // Only then do the others vote for it.
        for node in &cluster.nodes {
            node.wait_until("know the replica", || {
                Ok(node.command(&["CLUSTER", "NODES"])?.contains("slave"))
            })?;
        }
        Ok(cluster)
    }

    fn start_nodes(count: usize, settings: &[&str]) -> Result<Self, StartError> {
        let meeting = |error| failed("meet", error);
        let mut nodes = Vec::new();
        let mut buses = Vec::new();
        for _ in 0..count {
            let bus = Port::reserve().map_err(meeting)?;
            let number = bus.number().to_string();
            let own = ["--cluster-enabled", "yes", "--cluster-port", &number];
            nodes.push(Redis::start_with(&[&own, settings].concat())?);
            buses.push(bus);
        }
        for (number, node) in nodes.iter().take(PRIMARIES).enumerate() {
            let (first, end) = (number * SLOTS / PRIMARIES, (number + 1) * SLOTS / PRIMARIES);
            let (first, last) = (first.to_string(), (end - 1).to_string());
            node.command(&["CLUSTER", "ADDSLOTSRANGE", &first, &last])
                .map_err(meeting)?;
        }
        for (node, bus) in nodes.iter().zip(&buses) {
            let (port, bus) = (node.port().to_string(), bus.number().to_string());
            for other in &nodes {
                other
                    .command(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus])
                    .map_err(meeting)?;
            }
        }
        let known = format!("cluster_known_nodes:{count}");
        for node in &nodes {
            node.wait_until("see its cluster", || {
                let info = node.command(&["CLUSTER", "INFO"])?;
                Ok(info.contains("cluster_state:ok") && info.contains(&known))
            })?;
        }
        Ok(Self {
            nodes,
            _buses: buses,
        })
    }

    /// Its nodes, each of which leads to all.
    #[must_use]
    pub fn nodes(&self) -> &[Redis] {
        &self.nodes
    }

    /// The URLs of its nodes.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Redis::url).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[ignore = "starts Redis"]
    fn each_node_knows_the_others_slots() {
        let cluster = RedisCluster::start().unwrap();
        let foreign = cluster.nodes().iter().filter(|node| {
            let asked = node.command(&["GET", "k"]);
            asked.is_err_and(|error| error.to_string().contains("MOVED"))
        });
        assert_eq!(foreign.count(), 2);
    }
}
