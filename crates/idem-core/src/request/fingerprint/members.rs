//! The members of an object, and their order.

use std::{cmp::Ordering, ops::Range};

use super::{radix::Difference, span::Span, work, written::Written};

/// A member of an object; its offsets are in the text.
#[derive(Clone, Copy)]
pub(super) struct Member {
    /// The first eight bytes of the name as a number that sorts as they do, with zeros behind its
    /// closing quote; they settle most comparisons.
    prefix: u64,
    /// Where the opening quote of its name is.
    pub(super) start: u32,
    name_end: u32,
}

/// Every name begins with a quote, which tells nothing apart.
const QUOTE: usize = 1;

impl Member {
    /// A member whose name stands in one piece of the text.
    #[inline]
    pub(super) fn new(written: &Written<'_>, start: usize, name_end: usize) -> Self {
        let from = start + QUOTE;
        Self::with_prefix(
            prefix(written.piece(from..name_end)),
            start,
            name_end - start,
        )
    }

    /// A member whose prefix is known, and the length of its name with the quotes.
    #[inline(always)]
    pub(super) fn with_prefix(prefix: u64, start: usize, name_length: usize) -> Self {
        Self {
            prefix,
            start: start as u32,
            name_end: (start + name_length) as u32,
        }
    }

    #[inline(always)]
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
        written.piece(self.start as usize..self.name_end as usize)
    }

    /// The name from its byte `at` on; nothing if it is shorter.
    fn name_from<'a>(self, written: &'a Written<'_>, at: usize) -> &'a [u8] {
        self.name(written).get(at..).unwrap_or_default()
    }

    /// The eight bytes of the name from its byte `at` on; `None` if it has none there.
    ///
    /// No name is the beginning of another, because a quote ends it and stands nowhere else. So one
    /// that ends within what a group has in common is equal to the others.
    fn prefix_at(self, written: &Written<'_>, at: usize) -> Option<u64> {
        let rest = self.name_from(written, at);
        (!rest.is_empty()).then(|| prefix(rest))
    }
}

/// The eight bytes that a name begins with, or fewer and then zeros, which no name has.
#[inline(always)]
fn prefix(name: &[u8]) -> u64 {
    match name.first_chunk() {
        Some(word) => u64::from_be_bytes(*word),
        None => {
            let bytes = name.iter().map(|byte| u64::from(*byte));
            let word = bytes.fold(0, |word, byte| word << 8 | byte);
            // A name is never empty: its closing quote counts.
            word << (64 - 8 * name.len())
        }
    }
}

/// Up to this many members, as most objects have, each is compared with each.
pub(super) const FEW: usize = 16;

/// Where a member stands: one comes after the other, with a comma between them, up to `end`.
#[inline(always)]
pub(super) fn span(members: &[Member], index: usize, end: u32) -> Span {
    Span {
        start: members[index].start,
        end: members.get(index + 1).map_or(end, |next| next.start - 1),
    }
}

/// Puts few members, of an object that ends at `end`, in the order of their names. Whether their
/// prefixes tell all of them apart: if not, the order is none.
///
/// It counts for each how many come before it, which takes no branch that could be guessed wrong.
#[inline(always)]
pub(super) fn sort_few(members: &[Member], end: u32, sorted: &mut [Span; FEW]) -> bool {
    if members.len() > 4 {
        let tops = tops(members);
        let before = |index: usize| {
            let top = tops[index];
            tops.iter()
                .map(|other| i32::from(*other < top))
                .sum::<i32>() as usize
        };
        if place(members, end, sorted, before) {
            return true;
        }
    }
    let before = |index: usize| {
        let prefix = members[index].prefix;
        let is_before = |other: &Member| usize::from(other.prefix < prefix);
        members.iter().map(is_before).sum()
    };
    place(members, end, sorted, before)
}

/// Puts each member where it comes by how many are before it. Whether that tells all of them apart:
/// two that are alike share a place, and leave a later one empty.
#[inline(always)]
fn place(
    members: &[Member],
    end: u32,
    sorted: &mut [Span; FEW],
    before: impl Fn(usize) -> usize,
) -> bool {
    let mut places = 0;
    for index in 0..members.len().min(FEW) {
        let place = before(index);
        places += place;
        sorted[place % FEW] = span(members, index, end);
    }
    2 * places == members.len() * (members.len() - 1)
}

/// The upper halves of prefixes as signed numbers, which the processor compares four at a time.
/// Where there is no member, there is the greatest number, which comes before none.
#[inline(always)]
fn tops(members: &[Member]) -> [i32; FEW] {
    let mut tops = [i32::MAX; FEW];
    for (top, member) in tops.iter_mut().zip(members) {
        *top = (member.prefix >> 32) as i32 ^ i32::MIN;
    }
    tops
}

/// Members that are being sorted by some bytes of each name at a time, as one sorts by the most
/// significant digit first.
///
/// What all names of a group have in common is skipped, so no byte is read more than a few times,
/// however long the names are and however much of them is alike.
struct Names {
    /// The members by their indices, which are in the lower halves.
    order: Vec<u64>,
    /// Of a group that is looked at: some bytes of each name.
    words: Vec<u64>,
    keys: Vec<u64>,
    room: Vec<u64>,
    /// Groups to be sorted, with how many bytes their names are known to have in common.
    groups: Vec<(Range<usize>, usize)>,
}

/// Sorts the members of an object by their names: their indices are in the lower halves of what it
/// answers. `None` if two names are the same.
pub(super) fn sort_many(written: &Written<'_>, members: &[Member]) -> Option<Vec<u64>> {
    let difference = Difference::of(members.iter().map(|member| member.prefix));
    let keys = members.iter().zip(0..);
    let keys = keys.map(|(member, index)| difference.with_index(member.prefix, index));
    let mut names = Names {
        order: keys.collect(),
        words: Vec::new(),
        keys: Vec::new(),
        room: Vec::new(),
        groups: Vec::new(),
    };
    difference.sort(&mut names.order, &mut names.room);
    names.note_groups(0..members.len(), QUOTE + difference.bytes);
    while let Some((group, known)) = names.groups.pop() {
        names.sort_group(written, members, group, known)?;
    }
    Some(names.order)
}

impl Names {
    fn sort_group(
        &mut self,
        written: &Written<'_>,
        members: &[Member],
        group: Range<usize>,
        known: usize,
    ) -> Option<()> {
        let order = &mut self.order[group.clone()];
        let alike = known + common_length(written, members, order, known);
        self.words.clear();
        for key in order.iter() {
            let word = members[*key as u32 as usize].prefix_at(written, alike)?;
            self.words.push(word);
        }
        let difference = Difference::of(self.words.iter().copied());
        let keys = self.words.iter().zip(order.iter());
        self.keys.clear();
        self.keys
            .extend(keys.map(|(word, key)| difference.with_index(*word, *key as u32)));
        difference.sort(&mut self.keys, &mut self.room);
        order.copy_from_slice(&self.keys);
        self.note_groups(group, alike + difference.bytes);
        Some(())
    }

    /// Notes which names of a sorted group are still alike; these have so many bytes in common.
    fn note_groups(&mut self, group: Range<usize>, known: usize) {
        let mut start = group.start;
        for same in self.order[group].chunk_by(|one, other| one >> 32 == other >> 32) {
            let end = start + same.len();
            if same.len() > 1 {
                self.groups.push((start..end, known));
            }
            start = end;
        }
    }
}

/// How far ahead it is looked for what all names of a group have in common. Were it as far as two of
/// them go, names that are each the beginning of the next would be read to their ends each time.
const AHEAD: usize = 32;

/// How many bytes the names of all these members have in common from the byte `known` on, up to
/// [`AHEAD`].
fn common_length(written: &Written<'_>, members: &[Member], group: &[u64], known: usize) -> usize {
    let mut names = group
        .iter()
        .map(|key| members[*key as u32 as usize].name_from(written, known));
    let mut common = names.next().unwrap_or_default();
    common = &common[..common.len().min(AHEAD)];
    for name in names {
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
