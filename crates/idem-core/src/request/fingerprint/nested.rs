//! Objects out of order that hold others: they are sorted in one pass over the text, in the end.

use std::ops::Range;

use super::{span::Span, work};

/// Pieces are short for the most part: up to so many bytes are copied as so many.
const CHUNK: usize = 32;

/// Objects whose members are still in the order in which they came, each behind those in it.
#[derive(Default)]
pub(super) struct Nested {
    objects: Vec<Object>,
    /// The members of all these objects, each object's sorted.
    members: Vec<Part>,
    /// Of the object that is noted: those right in it, the last one first.
    inner: Vec<Inner>,
}

struct Object {
    /// From its first name to its closing brace.
    span: Span,
    /// The first of the objects in it, or it itself.
    first: u32,
    members: Range<u32>,
}

/// A piece of the text, and the objects in it.
struct Part {
    span: Span,
    objects: Range<u32>,
}

struct Inner {
    start: u32,
    objects: Range<u32>,
}

impl Nested {
    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Notes an object that has just been read, and its members in their order.
    pub(super) fn defer(&mut self, span: Span, sorted: impl Iterator<Item = Span>) {
        let first = self.find_inner(span);
        let first_member = self.members.len() as u32;
        let inner = &self.inner;
        self.members.extend(sorted.map(|span| Part {
            span,
            objects: within(inner, span),
        }));
        self.objects.push(Object {
            span,
            first,
            members: first_member..self.members.len() as u32,
        });
    }

    /// Finds the objects right in a span that ends the text so far; answers the first of all in it.
    fn find_inner(&mut self, span: Span) -> u32 {
        self.inner.clear();
        let mut end = self.objects.len() as u32;
        while let Some(object) = self.objects[..end as usize].last() {
            if object.span.start < span.start {
                break;
            }
            work::note(1);
            self.inner.push(Inner {
                start: object.span.start,
                objects: object.first..end,
            });
            end = object.first;
        }
        end
    }

    /// Rewrites the text with these objects sorted; each byte is written once.
    pub(super) fn sort(self, text: &[u8]) -> Vec<u8> {
        let mut sorted = vec![0; text.len()];
        let whole = Part {
            span: Span {
                start: 0,
                end: text.len() as u32,
            },
            objects: 0..self.objects.len() as u32,
        };
        self.write(&whole, text, &mut sorted, text.len());
        sorted
    }

    /// Writes a part of the text up to `end`, from its last byte to its first, as its objects come;
    /// answers where it begins. It recurses once for each of the objects around what it writes.
    fn write(&self, part: &Part, text: &[u8], sorted: &mut [u8], mut end: usize) -> usize {
        let mut objects = part.objects.clone();
        let mut from = part.span.end;
        while !objects.is_empty() {
            let object = &self.objects[objects.end as usize - 1];
            end = copy(text, object.span.end..from, sorted, end);
            let members = object.members.start as usize..object.members.end as usize;
            for member in self.members[members].iter().rev() {
                end = self.write(member, text, sorted, end) - 1;
                sorted[end] = b',';
            }
            // Before the first there is no comma, but what is written next.
            end += 1;
            from = object.span.start;
            objects.end = object.first;
        }
        copy(text, part.span.start..from, sorted, end)
    }
}

/// Those of the objects that are in a span.
fn within(inner: &[Inner], span: Span) -> Range<u32> {
    let behind = inner.partition_point(|object| object.start >= span.end);
    let before = inner.partition_point(|object| object.start >= span.start);
    match &inner[behind..before] {
        [] => 0..0,
        [last, .., first] => first.objects.start..last.objects.end,
        [only] => only.objects.clone(),
    }
}

/// Copies a piece of the text to where it ends at `end`; answers where it begins.
///
/// If it is short, what is before it is copied too: that is written over.
#[inline(always)]
fn copy(text: &[u8], piece: Range<u32>, sorted: &mut [u8], end: usize) -> usize {
    work::note(piece.len());
    let piece = piece.start as usize..piece.end as usize;
    let start = end - piece.len();
    let from = text[..piece.end].last_chunk::<CHUNK>();
    match (from, sorted[..end].last_chunk_mut()) {
        (Some(from), Some(to)) if piece.len() <= CHUNK => *to = *from,
        _ => sorted[start..end].copy_from_slice(&text[piece]),
    }
    start
}
