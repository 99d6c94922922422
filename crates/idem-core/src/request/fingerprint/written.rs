//! The canonical text while it is written, in document order.

use std::{borrow::Cow, ops::Range};

use super::work;

/// Up to this many bytes, an object is sorted where it stands as soon as it has been read.
///
/// An object in 127 others is moved 127 times then. That takes less time than to note what is to be sorted only while it
/// is so short: a few bytes of a payload add a level, and numbers such as `1e19` make the text that is moved longer.
pub(super) const SMALL: usize = 1024;

/// The text so far: a rewritten part, then input that stands as it came.
pub(super) struct Written<'a> {
    input: &'a [u8],
    rewritten: Vec<u8>,
    /// Room for an object that is being sorted.
    unsorted: Vec<u8>,
    /// Up to where the input is in `rewritten`.
    copied: usize,
}

impl<'a> Written<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            rewritten: Vec::new(),
            unsorted: Vec::new(),
            copied: 0,
        }
    }

    /// Where the input's byte `at` stands in the text.
    pub(super) fn offset(&self, at: usize) -> usize {
        self.rewritten.len() + at - self.copied
    }

    /// Leaves out a piece of the input; answers the text so far, to write something else in its place.
    pub(super) fn replace(&mut self, piece: Range<usize>) -> &mut Vec<u8> {
        self.copy_up_to(piece.start);
        self.copied = piece.end;
        &mut self.rewritten
    }

    pub(super) fn copy_up_to(&mut self, at: usize) {
        if self.rewritten.capacity() == 0 {
            // Most forms are no longer than the input.
            self.rewritten.reserve(self.input.len());
        }
        work::note(at - self.copied);
        self.rewritten
            .extend_from_slice(&self.input[self.copied..at]);
        self.copied = at;
    }

    /// A piece of the text. It may not be rewritten in part.
    pub(super) fn piece(&self, piece: Range<usize>) -> &[u8] {
        match piece.start.checked_sub(self.rewritten.len()) {
            None => &self.rewritten[piece],
            Some(behind) => &self.input[self.copied + behind..][..piece.len()],
        }
    }

    /// Puts the members of an object into their order: all that stands in the text from `start` up to
    /// the input's byte `at`.
    pub(super) fn sort(
        &mut self,
        start: usize,
        at: usize,
        sorted: impl Iterator<Item = Range<usize>>,
    ) {
        let length = self.offset(at) - start;
        let is_as_it_came = start >= self.rewritten.len();
        self.copy_up_to(at);
        let unsorted = if is_as_it_came {
            &self.input[at - length..at]
        } else {
            work::note(length);
            self.unsorted.clear();
            self.unsorted.extend_from_slice(&self.rewritten[start..]);
            &self.unsorted
        };
        work::note(length);
        let mut place = &mut self.rewritten[start..];
        for member in sorted {
            let member = &unsorted[member.start - start..member.end - start];
            let (here, behind) = place.split_at_mut(member.len());
            here.copy_from_slice(member);
            // No comma is behind the last.
            let Some((comma, behind)) = behind.split_first_mut() else {
                break;
            };
            *comma = b',';
            place = behind;
        }
    }

    pub(super) fn finish(mut self) -> Cow<'a, [u8]> {
        if self.rewritten.is_empty() {
            return Cow::Borrowed(&self.input[self.copied..]);
        }
        self.copy_up_to(self.input.len());
        Cow::Owned(self.rewritten)
    }
}
