//! The members of an object, and their order.

use std::{cmp::Ordering, ops::Range};

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
    /// Where its value ends: known once the object is sorted.
    end: u32,
}

/// Every name begins with a quote, which tells nothing apart.
const QUOTE: usize = 1;

impl Member {
    /// A member, given where its name stands with its quotes.
    #[inline(always)]
    pub(super) fn new(written: &Written<'_>, name: Range<usize>) -> Self {
        Self {
            word: word(written.piece(name.start + QUOTE..name.end)),
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
    pub(super) fn compare(&self, other: &Self, written: &Written<'_>) -> Ordering {
        let by_name = || {
            let (name, other) = (self.name(written), other.name(written));
            work::note(name.len().min(other.len()));
            name.cmp(other)
        };
        self.word.cmp(&other.word).then_with(by_name)
    }

    fn name<'a>(&self, written: &'a Written<'_>) -> &'a [u8] {
        written.piece(self.start as usize + QUOTE..self.name_end as usize)
    }
}

/// The eight bytes that a name begins with, or fewer and then zeros, which no name has.
#[inline(always)]
fn word(name: &[u8]) -> u64 {
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

/// Sorts the members of an object by their names, given where the object ends. `None` if two names are
/// the same.
///
/// It compares eight bytes of each name, then the next eight of those that are the same so far. So no
/// byte is read more than once, however long the names are and however much of them is the same.
pub(super) fn sort(members: &mut [Member], end: usize, written: &Written<'_>) -> Option<()> {
    let mut end = end as u32;
    for member in members.iter_mut().rev() {
        member.end = end;
        // The text has no white space: a comma stands right before the name.
        end = member.start.saturating_sub(1);
    }
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
fn sort_by_word(
    members: &mut [Member],
    group: Range<usize>,
    known: usize,
    alike: &mut Vec<(Range<usize>, usize)>,
) {
    let mut start = group.start;
    let group = &mut members[group];
    group.sort_unstable_by_key(|member| member.word);
    for same in group.chunk_by(|one, other| one.word == other.word) {
        let end = start + same.len();
        if same.len() > 1 {
            alike.push((start..end, known + size_of::<u64>()));
        }
        start = end;
    }
}
