//! The canonical text while it is written, in document order.

use std::ops::Range;

use super::work;

/// Up to this many bytes, an object is sorted where it stands as soon as it has been read.
///
/// An object in 127 others is moved 127 times then. That takes less time than to note what is to be sorted only while it
/// is so short: a few bytes of a payload add a level, and numbers such as `1e6` make the text that is moved longer.
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
    /// Begins with two empty buffers.
    pub(super) fn new(input: &'a [u8], rewritten: Vec<u8>, unsorted: Vec<u8>) -> Self {
        Self {
            input,
            rewritten,
            unsorted,
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
        if self.rewritten.is_empty() {
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
        let unsorted = if let Some(behind) = start.checked_sub(self.rewritten.len()) {
            let begin = self.copied + behind;
            self.copy_up_to(begin);
            self.copied = at;
            &self.input[begin..at]
        } else {
            self.copy_up_to(at);
            self.unsorted.clear();
            self.unsorted.extend_from_slice(&self.rewritten[start..]);
            work::note(self.unsorted.len());
            self.rewritten.truncate(start);
            &self.unsorted
        };
        work::note(unsorted.len());
        for member in sorted {
            if self.rewritten.len() > start {
                self.rewritten.push(b',');
            }
            let member = &unsorted[member.start - start..member.end - start];
            self.rewritten.extend_from_slice(member);
        }
    }

    /// The whole text.
    pub(super) fn finish(&mut self) -> &[u8] {
        if self.rewritten.is_empty() {
            return &self.input[self.copied..];
        }
        self.copy_up_to(self.input.len());
        &self.rewritten
    }

    pub(super) fn into_buffers(self) -> (Vec<u8>, Vec<u8>) {
        (self.rewritten, self.unsorted)
    }
}
