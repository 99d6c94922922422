//! All that there is at one instant: the store, the requests, the wire, and what the properties
//! remember.

use std::array;

use crate::{
    history::History,
    request::Request,
    store::{Asked, Slot, Token},
};

pub(crate) const REQUESTS: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) slot: Slot,
    pub(crate) requests: [Request; REQUESTS],
    pub(crate) crashes: u8,
    pub(crate) retentions: u8,
    pub(crate) disconnects: u8,
    /// How often a queue delivered a lease again.
    pub(crate) deliveries: u8,
    pub(crate) history: History,
}

impl State {
    pub(crate) fn new(renewals: u8) -> Self {
        Self {
            slot: Slot::Absent,
            requests: array::from_fn(|number| Request::new(number as u8, renewals)),
            crashes: 0,
            retentions: 0,
            disconnects: 0,
            deliveries: 0,
            history: History::default(),
        }
    }

    /// The state with alike requests in an order of their own: whichever request is which, what
    /// can come of it is the same.
    pub(crate) fn canonical(&self, asked: &[Asked; REQUESTS]) -> Self {
        let mut order: [usize; REQUESTS] = array::from_fn(|number| number);
        order.sort_by_key(|&number| (asked[number], self.role(number)));
        let place = |token: Token| {
            let place = order
                .iter()
                .position(|&old| old == usize::from(token.request));
            let request = place.expect("the order has every request") as u8;
            Token { request, ..token }
        };
        let mut state = *self;
        state.slot = match self.slot {
            Slot::Absent => Slot::Absent,
            Slot::Pending(owner, asked) => Slot::Pending(place(owner), asked),
            Slot::Completed(owner, asked) => Slot::Completed(place(owner), asked),
        };
        state.history.recorder = self.history.recorder.map(place);
        state.history.leases = 0;
        for (new, &old) in order.iter().enumerate() {
            state.history.leases |= (self.history.leases >> old & 1) << new;
            state.requests[new] = self.requests[old];
            state.requests[new].token = place(self.requests[old].token);
        }
        state
    }

    /// All that tells one request from another.
    fn role(&self, number: usize) -> impl Ord {
        let is = |token: Token| usize::from(token.request) == number;
        let in_slot = match self.slot {
            Slot::Absent => false,
            Slot::Pending(owner, _) | Slot::Completed(owner, _) => is(owner),
        };
        let leased = self.history.leases >> number & 1;
        let recorder = self.history.recorder.is_some_and(is);
        (self.requests[number].code(), in_slot, leased, recorder)
    }
}
