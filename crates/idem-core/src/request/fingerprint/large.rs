//! Large objects whose members came out of order: they are sorted in one pass over the text, while it is hashed.

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

    /// Hands on the text with the members of these objects in their order, piece by piece. Each byte is copied once at most,
    /// and the whole is never in memory: that may be several megabytes, whose pages the system would have to clear.
    pub(super) fn sorted(&self, text: &[u8], each: impl FnMut(&[u8])) {
        let mut sorted = Sorted {
            objects: self,
            text,
            outermost: Vec::new(),
            gathered: Vec::with_capacity(GATHERED),
            each,
        };
        sorted.write(0..text.len(), 0..self.objects.len());
        sorted.hand_on();
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

/// Up to so many bytes are gathered into one piece.
const GATHERED: usize = 4096;

/// A text while it is sorted.
struct Sorted<'t, E> {
    objects: &'t LargeObjects,
    text: &'t [u8],
    /// Numbers of objects that are still to be written, which are in none of the others; the next one is the last.
    outermost: Vec<usize>,
    gathered: Vec<u8>,
    each: E,
}

impl<E: FnMut(&[u8])> Sorted<'_, E> {
    /// Writes a piece of the text, in which are some of the objects `among`. It recurses once for each of these objects
    /// around what it writes.
    fn write(&mut self, piece: Range<usize>, among: Range<usize>) {
        let written = self.outermost.len();
        let mut behind = self.objects.behind_last_in(&piece, among.clone());
        while let Some(last) = behind.checked_sub(1).filter(|last| among.contains(last)) {
            let object = &self.objects.objects[last];
            if (object.start as usize) < piece.start {
                break;
            }
            self.outermost.push(last);
            behind = last - object.inside as usize;
        }
        let mut from = piece.start;
        while self.outermost.len() > written {
            let Some(number) = self.outermost.pop() else {
                break;
            };
            let object = &self.objects.objects[number];
            let inside = number - object.inside as usize..number;
            self.gather(from..object.start as usize + 1);
            for (number, member) in self.objects.members(number).iter().enumerate() {
                // No comma is before the first.
                if number > 0 {
                    self.gather_bytes(b",");
                }
                let member = member.start as usize..member.end as usize;
                // A small one has none of these objects in it.
                if member.len() <= SMALL {
                    self.gather(member);
                } else {
                    self.write(member, inside.clone());
                }
            }
            from = object.end as usize;
        }
        self.gather(from..piece.end);
    }

    fn gather(&mut self, piece: Range<usize>) {
        let text = self.text;
        self.gather_bytes(&text[piece]);
    }

    fn gather_bytes(&mut self, piece: &[u8]) {
        work::note(piece.len());
        if self.gathered.len() + piece.len() > GATHERED {
            self.hand_on();
        }
        if piece.len() > GATHERED {
            return (self.each)(piece);
        }
        self.gathered.extend_from_slice(piece);
    }

    fn hand_on(&mut self) {
        (self.each)(&self.gathered);
        self.gathered.clear();
    }
}
