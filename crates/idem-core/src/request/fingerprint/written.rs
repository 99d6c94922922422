//! The canonical text while it is written: input stands where it came as long as it may.

use std::{borrow::Cow, ops::Range};

use super::{span::Span, work};

/// Pieces are short for the most part: up to so many bytes are copied as so many, by two
/// instructions instead of a call. What is too much of them is written over.
pub(super) const CHUNK: usize = 32;

/// Up to eight bytes of text in a word, the first one lowest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Short {
    pub(super) word: u64,
    pub(super) length: usize,
}

impl Short {
    pub(super) const fn byte(byte: u8) -> Self {
        Self {
            word: byte as u64,
            length: 1,
        }
    }
}

/// The text in document order: a rewritten part, then input that still stands as it came.
pub(super) struct Written<'a> {
    input: &'a [u8],
    rewritten: Vec<u8>,
    /// How many bytes of `rewritten` are text; those behind are there to be written over.
    length: usize,
    /// Up to where the input is in `rewritten`.
    copied: usize,
}

impl<'a> Written<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            rewritten: Vec::new(),
            length: 0,
            copied: 0,
        }
    }

    /// Where the input's byte `at` stands in the text.
    #[inline(always)]
    pub(super) fn offset(&self, at: usize) -> usize {
        self.length + at - self.copied
    }

    /// Puts a short text in the place of a piece of the input.
    #[inline(always)]
    pub(super) fn replace(&mut self, piece: Range<usize>, with: Short) {
        self.copy_up_to(piece.start);
        self.copied = piece.end;
        if let Some(room) = self.room() {
            room[..8].copy_from_slice(&with.word.to_le_bytes());
            self.length += with.length;
        }
    }

    /// Puts what `write` writes in the place of a piece of the input; it answers how many bytes that
    /// is, or `None` if nothing is to be replaced.
    #[inline(always)]
    pub(super) fn replace_by(
        &mut self,
        piece: Range<usize>,
        write: impl FnOnce(&mut [u8; CHUNK]) -> Option<usize>,
    ) -> Option<()> {
        self.copy_up_to(piece.start);
        self.length += write(self.room()?)?;
        self.copied = piece.end;
        Some(())
    }

    /// A chunk of room behind the text.
    #[inline(always)]
    fn room(&mut self) -> Option<&mut [u8; CHUNK]> {
        self.make_room(0);
        self.rewritten.get_mut(self.length..)?.first_chunk_mut()
    }

    /// Leaves out a piece of the input.
    #[inline(always)]
    pub(super) fn leave_out(&mut self, piece: Range<usize>) {
        self.copy_up_to(piece.start);
        self.copied = piece.end;
    }

    #[inline(always)]
    pub(super) fn copy_up_to(&mut self, at: usize) {
        self.append(self.input, self.copied..at);
        self.copied = at;
    }

    /// Appends a piece of a text to the rewritten part.
    #[inline(always)]
    pub(super) fn append(&mut self, text: &[u8], piece: Range<usize>) {
        work::note(piece.len());
        let from = text.get(piece.start..).and_then(<[u8]>::first_chunk);
        let to = self.rewritten.get_mut(self.length..);
        match (from, to.and_then(<[u8]>::first_chunk_mut::<CHUNK>)) {
            (Some(from), Some(to)) if piece.len() <= CHUNK => *to = *from,
            _ => return self.append_any(&text[piece]),
        }
        self.length += piece.len();
    }

    #[inline(never)]
    fn append_any(&mut self, text: &[u8]) {
        self.make_room(text.len());
        let end = self.length + text.len();
        self.rewritten[self.length..end].copy_from_slice(text);
        self.length = end;
    }

    /// Makes room for so many bytes and a chunk more.
    #[inline(always)]
    fn make_room(&mut self, bytes: usize) {
        let needed = self.length + bytes + CHUNK;
        if self.rewritten.len() < needed {
            self.grow(needed);
        }
    }

    #[cold]
    fn grow(&mut self, needed: usize) {
        if self.rewritten.is_empty() {
            // Most forms are no longer than the input.
            self.rewritten = vec![0; needed.max(self.input.len() + CHUNK)];
        } else {
            self.rewritten
                .resize(needed.max(2 * self.rewritten.len()), 0);
        }
    }

    /// The text from an offset on, up to where the rewritten part or the input ends.
    #[inline]
    pub(super) fn from(&self, offset: usize) -> &[u8] {
        match offset.checked_sub(self.length) {
            None => &self.rewritten[offset..self.length],
            Some(behind) => &self.input[self.copied + behind..],
        }
    }

    /// Brings members into the order in which they are given; they are all that is in `span`, which
    /// ends the text so far.
    #[inline(always)]
    pub(super) fn permute(&mut self, span: Span, sorted: impl Iterator<Item = Span>) {
        match (span.start as usize).checked_sub(self.length) {
            Some(behind) => self.copy_permuted(behind, span, sorted),
            None => self.permute_rewritten(span, sorted),
        }
    }

    /// Copies members that stand in the input as they came, `behind` bytes from here on.
    #[inline(always)]
    fn copy_permuted(&mut self, behind: usize, span: Span, sorted: impl Iterator<Item = Span>) {
        let start = self.copied + behind;
        self.copy_up_to(start);
        self.make_room((span.end - span.start) as usize + 1);
        // A number that was written out can leave the text ahead of the input, so the difference of
        // the two may be negative: count from the start of the span instead.
        let in_input = |offset: u32| start + (offset - span.start) as usize;
        for member in sorted {
            self.append(self.input, in_input(member.start)..in_input(member.end));
            self.comma();
        }
        // No comma is behind the last.
        self.length -= 1;
        self.copied = in_input(span.end);
    }

    /// Appends a comma, for which there is room.
    #[inline(always)]
    fn comma(&mut self) {
        self.rewritten[self.length] = b',';
        self.length += 1;
    }

    fn permute_rewritten(&mut self, span: Span, sorted: impl Iterator<Item = Span>) {
        let (start, end) = (span.start as usize, span.end as usize);
        self.copy_up_to(self.copied + end - self.length);
        self.make_room(end - start + 1);
        for member in sorted {
            let (from, to) = (member.start as usize, member.end as usize);
            self.rewritten.copy_within(from..to, self.length);
            self.length += to - from;
            self.comma();
        }
        self.rewritten.copy_within(end..self.length - 1, start);
        self.length = end;
        work::note(2 * (end - start));
    }

    pub(super) fn finish(mut self) -> Cow<'a, [u8]> {
        if self.length == 0 {
            return Cow::Borrowed(&self.input[self.copied..]);
        }
        self.copy_up_to(self.input.len());
        self.rewritten.truncate(self.length);
        Cow::Owned(self.rewritten)
    }
}
