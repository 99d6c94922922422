//! The members of an object, and their order.

use std::{cmp::Ordering, ops::Range};

use super::{work, written::Written};

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

/// Every name begins with a quote, which tells nothing apart.
const QUOTE: usize = 1;

impl Member {
    /// A member whose name stands in one piece of the text.
    #[inline]
    pub(super) fn new(written: &Written<'_>, start: usize, name_end: usize) -> Self {
        let from = start + QUOTE;
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
        let (name, other) = (self.name(written), other.name(written));
        work::note(name.len().min(other.len()));
        name.cmp(other)
    }

    fn name<'a>(self, written: &'a Written<'_>) -> &'a [u8] {
        &written.from(self.start as usize)[..(self.name_end - self.start) as usize]
    }

    /// The name from its byte `at` on; nothing if it is shorter.
    fn name_from<'a>(self, written: &'a Written<'_>, at: usize) -> &'a [u8] {
        self.name(written).get(at..).unwrap_or_default()
    }

    /// Takes the eight bytes of the name from its byte `at` on; `None` if it has none there.
    ///
    /// No name is the beginning of another, because a quote ends it and stands nowhere else. So one
    /// that ends within what a group has in common is equal to the others.
    fn take_prefix(&mut self, written: &Written<'_>, at: usize) -> Option<()> {
        let length = (self.name_end - self.start) as usize;
        let rest = length.checked_sub(at).filter(|rest| *rest > 0)?;
        self.prefix = prefix(written.from(self.start as usize + at), rest);
        Some(())
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
    sort_many(written, members)
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

/// Sorts by eight bytes of each name at a time, as one sorts by the most significant digit first.
///
/// What all names of a group have in common is skipped, so no byte is read more than a few times,
/// however long the names are and however much of them is alike.
fn sort_many(written: &Written<'_>, members: &mut [Member]) -> Option<()> {
    // Groups to be sorted, with how many bytes their names are known to have in common.
    let mut groups = Vec::new();
    sort_by_prefix(members, 0, QUOTE, &mut groups);
    while let Some((range, known)) = groups.pop() {
        let first = range.start;
        let group = &mut members[range];
        let alike = known + common_length(written, group, known);
        for member in &mut *group {
            member.take_prefix(written, alike)?;
        }
        if group.len() <= FEW {
            insert_each(written, group)?;
        } else {
            sort_by_prefix(group, first, alike, &mut groups);
        }
    }
    Some(())
}

/// Sorts a group by prefixes taken at the byte `at` of each name; `groups` are told of what is alike
/// in them, with its place counted from `first` on.
fn sort_by_prefix(
    group: &mut [Member],
    first: usize,
    at: usize,
    groups: &mut Vec<(Range<usize>, usize)>,
) {
    group.sort_unstable_by_key(|member| member.prefix);
    let mut start = first;
    for same in group.chunk_by(|one, other| one.prefix == other.prefix) {
        let end = start + same.len();
        if same.len() > 1 {
            groups.push((start..end, at + size_of::<u64>()));
        }
        start = end;
    }
}

/// How far ahead it is looked for what all names of a group have in common. Were it as far as two of
/// them go, names that are each the beginning of the next would be read to their ends each time.
const AHEAD: usize = 32;

/// How many bytes the names of all these members have in common from the byte `known` on, up to
/// [`AHEAD`].
fn common_length(written: &Written<'_>, members: &[Member], known: usize) -> usize {
    let Some((first, others)) = members.split_first() else {
        return 0;
    };
    let mut common = first.name_from(written, known);
    common = &common[..common.len().min(AHEAD)];
    for other in others {
        let name = other.name_from(written, known);
        work::note(common.len());
        if !name.starts_with(common) {
            common = &common[..length_alike(common, name)];
        }
    }
    common.len()
}

fn length_alike(one: &[u8], other: &[u8]) -> usize {
    one.iter()
        .zip(other)
        .take_while(|(one, other)| one == other)
        .count()
}
