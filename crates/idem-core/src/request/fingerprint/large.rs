//! Large objects whose members came out of order: they are sorted in one pass over the text, in the end.

use std::ops::Range;

use super::{work, written::SMALL};

/// Objects of more than [`SMALL`] bytes that are to be sorted, each behind those in it.
#[derive(Default)]
pub(super) struct LargeObjects {
    objects: Vec<Object>,
    /// Where the members of all of them stand, in their order.
    members: Vec<Range<usize>>,
}

struct Object {
    /// Where its opening brace stands in the text, and where its closing one does.
    start: usize,
    end: usize,
    /// How many of these objects are in it.
    inside: usize,
    first_member: usize,
}

impl LargeObjects {
    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Notes an object that has just ended.
    pub(super) fn add(
        &mut self,
        start: usize,
        end: usize,
        sorted: impl Iterator<Item = Range<usize>>,
    ) {
        let mut first_inside = self.objects.len();
        while let Some(object) = self.objects[..first_inside].last() {
            if object.start < start {
                break;
            }
            first_inside -= 1 + object.inside;
        }
        self.objects.push(Object {
            start,
            end,
            inside: self.objects.len() - first_inside,
            first_member: self.members.len(),
        });
        self.members.extend(sorted);
    }

    /// Writes the text with the members of these objects in their order: each byte once.
    pub(super) fn sort(&self, text: &[u8]) -> Vec<u8> {
        let mut sorted = Backwards {
            bytes: vec![0; text.len()],
            start: text.len(),
        };
        self.write(text, 0..text.len(), 0..self.objects.len(), &mut sorted);
        sorted.bytes
    }

    /// Writes a piece of the text, in which are some of the objects `among`. It recurses once for each of these objects
    /// around what it writes.
    fn write(&self, text: &[u8], piece: Range<usize>, among: Range<usize>, sorted: &mut Backwards) {
        let mut to = piece.end;
        let mut behind = self.behind_last_in(&piece, among.clone());
        while let Some(last) = behind.checked_sub(1).filter(|last| among.contains(last)) {
            let object = &self.objects[last];
            if object.start < piece.start {
                break;
            }
            sorted.write(&text[object.end..to]);
            let inside = last - object.inside..last;
            for (number, member) in self.members(last).iter().rev().enumerate() {
                // No comma is behind the last.
                if number > 0 {
                    sorted.write(b",");
                }
                self.write(text, member.clone(), inside.clone(), sorted);
            }
            to = object.start + 1;
            behind = inside.start;
        }
        sorted.write(&text[piece.start..to]);
    }

    /// The number behind that of the last object in a piece, if any is in it.
    fn behind_last_in(&self, piece: &Range<usize>, among: Range<usize>) -> usize {
        if piece.len() <= SMALL {
            return among.start;
        }
        let objects = &self.objects[among.clone()];
        among.start + objects.partition_point(|object| object.end < piece.end)
    }

    fn members(&self, number: usize) -> &[Range<usize>] {
        let next = self.objects.get(number + 1);
        let end = next.map_or(self.members.len(), |next| next.first_member);
        &self.members[self.objects[number].first_member..end]
    }
}

/// A text that is written from its end to its beginning.
struct Backwards {
    bytes: Vec<u8>,
    start: usize,
}

impl Backwards {
    fn write(&mut self, text: &[u8]) {
        work::note(text.len());
        let end = self.start;
        self.start -= text.len();
        self.bytes[self.start..end].copy_from_slice(text);
    }
}
