//! The members of an object, and their order.

use std::ops::Range;

use super::{work, written::Written};

/// A member of an object; its offsets are in the text.
#[derive(Clone, Copy)]
pub(super) struct Member {
    /// Eight bytes of the name as a number that sorts as they do: the first eight, until the object is
    /// sorted. They settle most comparisons.
    word: u64,
    /// Where its name begins, with the opening quote.
    start: u32,
    name_end: u32,
    /// Where its value ends, once that was read.
    end: u32,
}

/// Every name begins with a quote, which tells nothing apart.
pub(super) const QUOTE: usize = 1;

impl Member {
    /// A member, given the [word] of its name and where that stands with its quotes.
    #[inline(always)]
    pub(super) fn new(word: u64, name: Range<usize>) -> Self {
        Self {
            word,
            start: name.start as u32,
            name_end: name.end as u32,
            end: 0,
        }
    }

    /// Where it stands, without the comma.
    pub(super) fn piece(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    #[inline(always)]
    pub(super) fn ends(&mut self, end: usize) {
        self.end = end as u32;
    }

    pub(super) fn name<'a>(&self, written: &'a Written<'_>) -> &'a [u8] {
        written.piece(self.start as usize + QUOTE..self.name_end as usize)
    }
}

/// The eight bytes that a name begins with, or fewer and then zeros, which no name has.
pub(super) fn word(name: &[u8]) -> u64 {
    let mut word = [0; 8];
    let length = name.len().min(word.len());
    word[..length].copy_from_slice(&name[..length]);
    u64::from_be_bytes(word)
}

/// Sorts the members of an object by their names. `None` if two names are the same.
///
/// It compares eight bytes of each name, then the next eight of those that are the same so far. So no
/// byte is read more than once, however long the names are and however much of them is the same.
pub(super) fn sort(members: &mut [Member], written: &Written<'_>) -> Option<()> {
    let mut alike = Vec::new();
    sort_by_word(members, 0..members.len(), 0, &mut alike);
    while let Some((group, known)) = alike.pop() {
        for member in &mut members[group.clone()] {
            // No name is the beginning of another, because a quote ends it and stands nowhere else. So
            // one that ends within what the group has in common is the same as the others.
            let rest = member.name(written).get(known..)?;
            if rest.is_empty() {
                return None;
            }
            work::note(8);
            member.word = word(rest);
        }
        sort_by_word(members, group, known, &mut alike);
    }
    Some(())
}

/// Sorts members whose names have `known` bytes in common by the eight bytes behind them, and notes
/// groups that have these in common too.
#[inline(always)]
fn sort_by_word(
    members: &mut [Member],
    group: Range<usize>,
    known: usize,
    alike: &mut Vec<(Range<usize>, usize)>,
) {
    let mut start = group.start;
    let group = &mut members[group];
    group.sort_unstable_by_key(|member| member.word);
    if group.is_sorted_by(|one, other| one.word < other.word) {
        return;
    }
    for same in group.chunk_by(|one, other| one.word == other.word) {
        let end = start + same.len();
        if same.len() > 1 {
            alike.push((start..end, known + size_of::<u64>()));
        }
        start = end;
    }
}
