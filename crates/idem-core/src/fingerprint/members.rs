//! The members of an object, and their order.

use std::cmp::Ordering;

use super::written::Written;

/// A piece of the text.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

/// A member of an object: offsets in the text, from its name's opening quote to its value's end.
#[derive(Clone, Copy)]
pub(super) struct Member {
    /// Eight bytes of the name as a number that sorts as they do; they settle most comparisons.
    prefix: u64,
    pub(super) start: u32,
    name_end: u32,
    /// Set when the object is sorted: it follows from where the next one starts.
    pub(super) end: u32,
}

impl Member {
    /// A member whose name stands in one piece of the text.
    #[inline]
    pub(super) fn new(written: &Written<'_>, start: usize, name_end: usize) -> Self {
        // Every name begins with a quote, which tells nothing apart.
        let from = start + 1;
        Self {
            prefix: prefix(written.from(from), name_end - from),
            start: start as u32,
            name_end: name_end as u32,
            end: 0,
        }
    }

    #[inline]
    pub(super) fn compare(self, other: Self, written: &Written<'_>) -> Ordering {
        if self.prefix == other.prefix {
            return self.compare_names(other, written);
        }
        self.prefix.cmp(&other.prefix)
    }

    #[inline(never)]
    fn compare_names(self, other: Self, written: &Written<'_>) -> Ordering {
        self.name(written).cmp(other.name(written))
    }

    fn name<'a>(self, written: &'a Written<'_>) -> &'a [u8] {
        &written.from(self.start as usize)[..(self.name_end - self.start) as usize]
    }

    /// Sets where members end that stand one after the other, with a comma between them.
    pub(super) fn set_ends(members: &mut [Self], mut end: u32) {
        for member in members.iter_mut().rev() {
            member.end = end;
            end = member.start - 1;
        }
    }
}

/// The first eight of the `length` bytes that `text` begins with, or all and then zeros.
#[inline]
fn prefix(text: &[u8], length: usize) -> u64 {
    match text.first_chunk() {
        Some(&word) => {
            let behind = 8 * (8 - length.min(8)) as u32;
            // A name is never empty: its closing quote counts.
            u64::from_be_bytes(word) >> behind << behind
        }
        None => {
            let mut word = [0; 8];
            let length = length.min(8);
            word[..length].copy_from_slice(&text[..length]);
            u64::from_be_bytes(word)
        }
    }
}

/// Up to this many members, as most objects have, they are sorted by inserting one after the other.
const FEW: usize = 16;

/// Sorts members by their names; `None` if two have the same.
pub(super) fn sort(written: &Written<'_>, members: &mut [Member]) -> Option<()> {
    if members.len() <= FEW {
        return insert_each(written, members);
    }
    members.sort_unstable_by_key(|member| member.prefix);
    for same in members.chunk_by_mut(|one, other| one.prefix == other.prefix) {
        if same.len() > 1 {
            sort_by_names(written, same)?;
        }
    }
    Some(())
}

fn insert_each(written: &Written<'_>, members: &mut [Member]) -> Option<()> {
    for sorted in 1..members.len() {
        let member = members[sorted];
        let mut at = sorted;
        while at > 0 {
            match members[at - 1].compare(member, written) {
                Ordering::Less => break,
                Ordering::Equal => return None,
                Ordering::Greater => members[at] = members[at - 1],
            }
            at -= 1;
        }
        members[at] = member;
    }
    Some(())
}

fn sort_by_names(written: &Written<'_>, members: &mut [Member]) -> Option<()> {
    members.sort_unstable_by(|one, other| one.compare_names(*other, written));
    let duplicate = members
        .windows(2)
        .any(|pair| pair[0].compare_names(pair[1], written).is_eq());
    (!duplicate).then_some(())
}
