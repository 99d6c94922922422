//! Visits every reachable state, nearest first, and keeps the shortest way to what it finds.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::{
    model::{Action, Model},
    properties::{Goal, Property},
    state::State,
};

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Exploration {
    pub(crate) states: usize,
    pub(crate) steps: usize,
    pub(crate) depth: usize,
    /// Each property that broke, with the shortest way there.
    pub(crate) broken: BTreeMap<Property, Vec<Action>>,
    pub(crate) reached: BTreeSet<Goal>,
}

struct Node {
    state: State,
    /// Where it was first reached from, and by what.
    origin: Option<(usize, Action)>,
}

/// Explores until a property breaks, or all there is.
pub(crate) fn explore(model: &Model, until: Option<Property>) -> Exploration {
    let start = model.start();
    let mut found = Exploration::default();
    let mut known = HashSet::from([start.canonical(&model.asked)]);
    let mut nodes = vec![Node {
        state: start,
        origin: None,
    }];
    let mut actions = Vec::new();
    let (mut next, mut end_of_level) = (0, 1);
    while next < nodes.len() {
        if next == end_of_level {
            found.depth += 1;
            end_of_level = nodes.len();
        }
        let state = nodes[next].state;
        model.actions(&state, &mut actions);
        for action in actions.drain(..) {
            found.steps += 1;
            let (state, seen) = model.step(&state, action);
            found.reached.extend(seen.reached);
            for property in seen.broken {
                found
                    .broken
                    .entry(property)
                    .or_insert_with(|| way(&nodes, next, action));
            }
            if known.insert(state.canonical(&model.asked)) {
                let origin = Some((next, action));
                nodes.push(Node { state, origin });
            }
        }
        if until.is_some_and(|property| found.broken.contains_key(&property)) {
            break;
        }
        next += 1;
    }
    found.states = nodes.len();
    found
}

/// The steps from the start to a node, and one more.
fn way(nodes: &[Node], mut node: usize, last: Action) -> Vec<Action> {
    let mut steps = vec![last];
    while let Some((origin, action)) = nodes[node].origin {
        steps.push(action);
        node = origin;
    }
    steps.reverse();
    steps
}
