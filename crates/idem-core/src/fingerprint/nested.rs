//! Objects out of order that hold others: they are sorted in one pass over the text, in the end.

use std::ops::Range;

use super::{members::Span, work};

/// Objects whose members are still in the order in which they came.
#[derive(Default)]
pub(super) struct Nested {
    objects: Vec<Object>,
    /// The members of all these objects, each object's sorted.
    members: Vec<Span>,
}

struct Object {
    /// From its first name to its closing brace.
    span: Span,
    members: Range<u32>,
    /// Whether any of these objects is in it.
    holds_others: bool,
}

impl Nested {
    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    pub(super) fn defer(
        &mut self,
        span: Span,
        sorted: impl Iterator<Item = Span>,
        holds_others: bool,
    ) {
        let first = self.members.len() as u32;
        self.members.extend(sorted);
        self.objects.push(Object {
            span,
            members: first..self.members.len() as u32,
            holds_others,
        });
    }

    /// Writes the text anew with these objects sorted; each byte is written once.
    pub(super) fn sort(mut self, text: &[u8]) -> Vec<u8> {
        // They were found in the order in which they end.
        self.objects
            .sort_unstable_by_key(|object| object.span.start);
        let mut sorted = Vec::with_capacity(text.len());
        let whole = Span {
            start: 0,
            end: text.len() as u32,
        };
        write(&self.objects, &self.members, text, whole, &mut sorted);
        sorted
    }
}

/// Writes a span of the text, of which these are the objects; it recurses once for each of them
/// around what it writes.
fn write(objects: &[Object], members: &[Span], text: &[u8], span: Span, sorted: &mut Vec<u8>) {
    let mut from = span.start;
    let mut rest = objects;
    while let [object, behind @ ..] = rest {
        copy(text, from..object.span.start, sorted);
        let inside = if object.holds_others {
            behind.partition_point(|inner| inner.span.start < object.span.end)
        } else {
            0
        };
        let (inner, next) = behind.split_at(inside);
        let own = object.members.start as usize..object.members.end as usize;
        for (index, member) in members[own].iter().enumerate() {
            if index > 0 {
                sorted.push(b',');
            }
            write(within(inner, *member), members, text, *member, sorted);
        }
        from = object.span.end;
        rest = next;
    }
    copy(text, from..span.end, sorted);
}

/// Those of the objects that are in a span.
fn within(objects: &[Object], span: Span) -> &[Object] {
    if objects.is_empty() {
        return objects;
    }
    let start = objects.partition_point(|object| object.span.start < span.start);
    let end = objects.partition_point(|object| object.span.start < span.end);
    &objects[start..end]
}

fn copy(text: &[u8], span: Range<u32>, sorted: &mut Vec<u8>) {
    work::note(span.len());
    sorted.extend_from_slice(&text[span.start as usize..span.end as usize]);
}
