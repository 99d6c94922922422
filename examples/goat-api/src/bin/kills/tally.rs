//! What clients were answered, held against the orders that there are.

use std::collections::BTreeMap;
use std::time::Duration;

/// What clients did and were answered.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) requests: u64,
    /// The id that was answered for each quantity.
    pub(crate) answered: BTreeMap<u32, String>,
    /// The longest time from a first "in progress" to the id.
    pub(crate) blocked: Duration,
}

/// Orders that should not be, or should.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) extra: usize,
    pub(crate) lost: usize,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.answered.extend(other.answered);
        self.blocked = self.blocked.max(other.blocked);
    }

    /// Compares with the orders, each as a quantity and an id.
    pub(crate) fn judge(&self, orders: &[(u32, String)]) -> Sum {
        let mut ids = BTreeMap::<u32, Vec<&str>>::new();
        for (quantity, id) in orders {
            ids.entry(*quantity).or_default().push(id);
        }
        let is_there = |quantity: &u32, id: &String| {
            let placed = ids.get(quantity);
            placed.is_some_and(|ids| ids.contains(&id.as_str()))
        };
        Sum {
            extra: ids.values().map(|ids| ids.len() - 1).sum(),
            lost: self
                .answered
                .iter()
                .filter(|(quantity, id)| !is_there(quantity, id))
                .count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(orders: &[(u32, &str)]) -> Vec<(u32, String)> {
        orders
            .iter()
            .map(|(quantity, id)| (*quantity, (*id).to_owned()))
            .collect()
    }

    #[test]
    fn an_order_too_many_is_extra_and_an_answer_without_its_order_is_lost() {
        let tally = Tally {
            answered: orders(&[(1, "a"), (2, "b"), (3, "c")])
                .into_iter()
                .collect(),
            ..Tally::default()
        };
        for (there, extra, lost) in [
            (&[(1, "a"), (2, "b"), (3, "c")][..], 0, 0),
            (&[(1, "a"), (1, "z"), (2, "b"), (3, "c")], 1, 0),
            (&[(1, "a"), (2, "z"), (3, "c")], 0, 1),
            (&[(1, "y"), (1, "z")], 1, 3),
            (&[], 0, 3),
        ] {
            assert_eq!(
                tally.judge(&orders(there)),
                Sum { extra, lost },
                "{there:?}"
            );
        }
    }
}
