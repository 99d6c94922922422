//! The canonical text while it is written: input stands where it came as long as it may.

use std::{borrow::Cow, ops::Range};

use super::{
    members::{Member, Span},
    work,
};

/// The text in document order: a rewritten part, then input that still stands as it came.
pub(super) struct Written<'a> {
    input: &'a [u8],
    rewritten: Vec<u8>,
    /// Up to where the input is in `rewritten`.
    copied: usize,
}

impl<'a> Written<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            rewritten: Vec::new(),
            copied: 0,
        }
    }

    /// Where the input's byte `at` stands in the text.
    #[inline]
    pub(super) fn offset(&self, at: usize) -> usize {
        self.rewritten.len() + at - self.copied
    }

    /// Puts `with` in the place of a piece of the input.
    pub(super) fn replace(&mut self, piece: Range<usize>, with: &[u8]) {
        self.replace_by(piece, |text| text.extend_from_slice(with));
    }

    /// Puts what `write` appends in the place of a piece of the input.
    pub(super) fn replace_by(&mut self, piece: Range<usize>, write: impl FnOnce(&mut Vec<u8>)) {
        self.copy_up_to(piece.start);
        write(&mut self.rewritten);
        self.copied = piece.end;
    }

    #[inline]
    pub(super) fn copy_up_to(&mut self, at: usize) {
        if self.rewritten.capacity() == 0 {
            self.rewritten.reserve(self.input.len());
        }
        append(&mut self.rewritten, self.input, self.copied..at);
        self.copied = at;
    }

    /// The text from an offset on, up to where the rewritten part or the input ends.
    #[inline]
    pub(super) fn from(&self, offset: usize) -> &[u8] {
        match offset.checked_sub(self.rewritten.len()) {
            None => &self.rewritten[offset..],
            Some(behind) => &self.input[self.copied + behind..],
        }
    }

    /// Brings the members in `span`, which ends the text so far, into their order.
    pub(super) fn permute(&mut self, span: Span, members: &[Member]) {
        match (span.start as usize).checked_sub(self.rewritten.len()) {
            Some(behind) => self.copy_permuted(behind, span, members),
            None => self.permute_rewritten(span, members),
        }
    }

    /// Copies members that stand in the input as they came, `behind` bytes from here on.
    fn copy_permuted(&mut self, behind: usize, span: Span, members: &[Member]) {
        let start = self.copied + behind;
        self.copy_up_to(start);
        let input = &self.input[start..];
        for (index, member) in members.iter().enumerate() {
            if index > 0 {
                self.rewritten.push(b',');
            }
            let (from, to) = (member.start - span.start, member.end - span.start);
            append(&mut self.rewritten, input, from as usize..to as usize);
        }
        self.copied = start + (span.end - span.start) as usize;
    }

    fn permute_rewritten(&mut self, span: Span, members: &[Member]) {
        let (start, end) = (span.start as usize, span.end as usize);
        self.copy_up_to(self.copied + end - self.rewritten.len());
        for (index, member) in members.iter().enumerate() {
            if index > 0 {
                self.rewritten.push(b',');
            }
            self.rewritten
                .extend_from_within(member.start as usize..member.end as usize);
        }
        self.rewritten.copy_within(end.., start);
        work::note(2 * (end - start));
        self.rewritten.truncate(end);
    }

    pub(super) fn finish(mut self) -> Cow<'a, [u8]> {
        if self.rewritten.is_empty() {
            return Cow::Borrowed(&self.input[self.copied..]);
        }
        self.copy_up_to(self.input.len());
        Cow::Owned(self.rewritten)
    }
}

/// Appends a piece of a text, which is short for the most part.
///
/// Sixteen bytes are copied by two instructions, and any other number of them by a call: so what is
/// shorter is copied with what is behind it, which is cut off again.
#[inline(always)]
pub(super) fn append(to: &mut Vec<u8>, text: &[u8], piece: Range<usize>) {
    const SHORT: usize = 16;
    work::note(piece.len());
    match text[piece.start..].first_chunk::<SHORT>() {
        Some(chunk) if piece.len() <= SHORT => {
            let length = to.len() + piece.len();
            to.extend_from_slice(chunk);
            to.truncate(length);
        }
        _ => to.extend_from_slice(&text[piece]),
    }
}
