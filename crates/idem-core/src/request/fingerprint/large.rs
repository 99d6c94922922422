//! Large objects whose members came out of order: they are sorted in one pass over the text, in the end.

use std::ops::Range;

use super::{work, written::SMALL};

/// Objects of more than [`SMALL`] bytes that are to be sorted.
#[derive(Default)]
pub(super) struct LargeObjects(Vec<Object>);

struct Object {
    /// Where its opening brace stands in the text, and where its closing one does.
    start: usize,
    end: usize,
    /// Where its members stand, in their order.
    sorted: Vec<Range<usize>>,
}

impl LargeObjects {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn add(
        &mut self,
        start: usize,
        end: usize,
        sorted: impl Iterator<Item = Range<usize>>,
    ) {
        self.0.push(Object {
            start,
            end,
            sorted: sorted.collect(),
        });
    }

    /// Writes the text with the members of these objects in their order: each byte once.
    pub(super) fn sort(mut self, text: &[u8]) -> Vec<u8> {
        // Each comes before those in it.
        self.0.sort_unstable_by_key(|object| object.start);
        let mut sorted = Vec::with_capacity(text.len());
        self.write(text, 0..text.len(), &mut sorted);
        sorted
    }

    /// Writes a piece of the text. It recurses once for each of these objects around what it writes.
    fn write(&self, text: &[u8], piece: Range<usize>, sorted: &mut Vec<u8>) {
        let mut from = piece.start;
        while let Some(object) = self.first_in(from..piece.end) {
            copy(&text[from..=object.start], sorted);
            for member in &object.sorted {
                self.write(text, member.clone(), sorted);
                sorted.push(b',');
            }
            // No comma is behind the last.
            sorted.pop();
            from = object.end;
        }
        copy(&text[from..piece.end], sorted);
    }

    fn first_in(&self, piece: Range<usize>) -> Option<&Object> {
        if piece.len() <= SMALL {
            return None;
        }
        let first = self.0.partition_point(|object| object.start < piece.start);
        self.0.get(first).filter(|object| object.start < piece.end)
    }
}

fn copy(text: &[u8], sorted: &mut Vec<u8>) {
    work::note(text.len());
    sorted.extend_from_slice(text);
}
