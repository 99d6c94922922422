//! A Redis Cluster on the loopback interface.

use crate::{
    port::free_port,
    redis::{Redis, RedisError, failed},
};

/// How many slots any cluster has.
const SLOTS: usize = 16_384;

/// Three primaries without replicas.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Redis>,
}

impl RedisCluster {
    /// Starts one, which takes some seconds.
    ///
    /// # Errors
    /// Redis is not installed, or does not start, or its nodes do not meet.
    pub fn start() -> Result<Self, RedisError> {
        let meeting = |error| failed("meet", error);
        let mut nodes = Vec::new();
        let mut buses = Vec::new();
        for _ in 0..3 {
            let bus = free_port().map_err(meeting)?.to_string();
            let settings = ["--cluster-enabled", "yes", "--cluster-port", &bus];
            nodes.push(Redis::start_with(&settings)?);
            buses.push(bus);
        }
        for (number, node) in nodes.iter().enumerate() {
            let (first, end) = (number * SLOTS / 3, (number + 1) * SLOTS / 3);
            let (first, last) = (first.to_string(), (end - 1).to_string());
            node.command(&["CLUSTER", "ADDSLOTSRANGE", &first, &last])
                .map_err(meeting)?;
            let (port, bus) = (node.port().to_string(), &buses[number]);
            for other in &nodes {
                other
                    .command(&["CLUSTER", "MEET", "127.0.0.1", &port, bus])
                    .map_err(meeting)?;
            }
        }
        for node in &nodes {
            node.wait_until("see its cluster", || {
                let info = node.command(&["CLUSTER", "INFO"])?;
                Ok(info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3"))
            })?;
        }
        Ok(Self { nodes })
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
