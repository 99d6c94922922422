//! Buffers that a thread keeps from one payload to the next.
//!
//! Memory of more than a kilobyte is slow to get from most allocators, where what is smaller lies ready.

use std::cell::Cell;

use super::members::Member;

/// Buffers of up to so many bytes are kept. To read a longer payload takes much more time than to allocate them.
const KEPT: usize = 16 << 10;

/// What is needed to bring a payload into its canonical form.
#[derive(Default)]
pub(super) struct Buffers {
    /// The canonical text, where it differs from the payload.
    pub(super) text: Vec<u8>,
    /// Room for an object that is being sorted.
    pub(super) unsorted: Vec<u8>,
    /// The members of all open objects, the innermost last.
    pub(super) members: Vec<Member>,
}

thread_local! {
    static BUFFERS: Cell<Buffers> = const { Cell::new(Buffers::new()) };
}

impl Buffers {
    const fn new() -> Self {
        Self {
            text: Vec::new(),
            unsorted: Vec::new(),
            members: Vec::new(),
        }
    }

    /// The thread's buffers, empty. Others are made in their place until they are [given back](Self::give_back).
    pub(super) fn take() -> Self {
        BUFFERS.try_with(Cell::take).unwrap_or_default()
    }

    pub(super) fn give_back(self) {
        let kept = Self {
            text: emptied(self.text),
            unsorted: emptied(self.unsorted),
            members: emptied(self.members),
        };
        // A thread that ends has nowhere to keep them.
        let _ = BUFFERS.try_with(|buffers| buffers.set(kept));
    }
}

fn emptied<T>(mut buffer: Vec<T>) -> Vec<T> {
    if buffer.capacity() * size_of::<T>() > KEPT {
        return Vec::new();
    }
    buffer.clear();
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::fingerprint::json::canonical;

    fn canonical_text(payload: &str) -> Option<String> {
        canonical(payload.as_bytes(), |form| {
            String::from_utf8(form.whole().into_owned()).unwrap()
        })
    }

    #[test]
    fn a_payload_leaves_nothing_to_the_next_one() {
        for (payload, text) in [
            (
                r#"{"b":{"d":1,"c":2},"a":"first"}"#,
                Some(r#"{"a":"first","b":{"c":2,"d":1}}"#),
            ),
            (r#"{"b":{"d":1,"c":2},"a":"#, None),
            (r#"{"b":1,"b":2}"#, None),
            ("[ 1 ]", Some("[1]")),
            ("[1]", Some("[1]")),
        ] {
            assert_eq!(canonical_text(payload).as_deref(), text);
        }
    }

    #[test]
    fn the_buffers_of_a_large_payload_are_not_kept() {
        let held = || {
            let buffers = Buffers::take();
            let held = [
                buffers.text.capacity(),
                buffers.unsorted.capacity(),
                buffers.members.capacity() * size_of::<Member>(),
            ];
            buffers.give_back();
            held
        };
        let members = |count: usize| {
            (0..count)
                .rev()
                .map(|n| format!("\"{n:03}\":{{\"b\":1e3,\"a\":1}}"))
        };
        let payload =
            |count: usize| format!("{{{}}}", members(count).collect::<Vec<_>>().join(","));
        assert!(canonical_text(&payload(40)).is_some());
        assert!(held().iter().all(|bytes| *bytes > 0), "they are kept");
        assert!(canonical_text(&payload(1000)).is_some());
        assert!(held().iter().all(|bytes| *bytes <= KEPT));
        assert_eq!(held()[0], 0, "the text was too long");
    }
}
