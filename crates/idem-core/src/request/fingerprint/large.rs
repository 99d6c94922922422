//! Large objects whose members came out of order: they are sorted in one pass over the text, in the end.

use std::ops::Range;

use super::{work, written::SMALL};

/// Objects of more than [`SMALL`] bytes that are to be sorted, each behind those in it.
#[derive(Default)]
pub(super) struct LargeObjects {
    objects: Vec<Object>,
    /// Where the members of all of them stand, in their order.
    members: Vec<Range<u32>>,
}

/// Its offsets are of 32 bits, as all in the text are: a payload may be little but such objects, and then this is most of
/// the memory that it takes.
struct Object {
    /// Where its opening brace stands in the text, and where its closing one does.
    start: u32,
    end: u32,
    /// How many of these objects are in it.
    inside: u32,
    first_member: u32,
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
            if (object.start as usize) < start {
                break;
            }
            first_inside -= 1 + object.inside as usize;
        }
        self.objects.push(Object {
            start: start as u32,
            end: end as u32,
            inside: (self.objects.len() - first_inside) as u32,
            first_member: self.members.len() as u32,
        });
        self.members
            .extend(sorted.map(|member| member.start as u32..member.end as u32));
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
            let (start, end) = (object.start as usize, object.end as usize);
            if start < piece.start {
                break;
            }
            sorted.write(&text[end..to]);
            let inside = last - object.inside as usize..last;
            for (number, member) in self.members(last).iter().rev().enumerate() {
                // No comma is behind the last.
                if number > 0 {
                    sorted.write(b",");
                }
                let member = member.start as usize..member.end as usize;
                self.write(text, member, inside.clone(), sorted);
            }
            to = start + 1;
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
        among.start + objects.partition_point(|object| (object.end as usize) < piece.end)
    }

    fn members(&self, number: usize) -> &[Range<u32>] {
        let next = self.objects.get(number + 1);
        let end = next.map_or(self.members.len(), |next| next.first_member as usize);
        &self.members[self.objects[number].first_member as usize..end]
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
