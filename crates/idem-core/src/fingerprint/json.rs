//! The canonical form of a JSON payload: one text for each meaning.
//!
//! It is RFC 8785 (JSON Canonicalization Scheme) but for two things: numbers keep their exact
//! decimal value instead of passing through a double, and members are sorted by the bytes of
//! their canonical names (with the closing quote) instead of by UTF-16 units.
//!
//! One pass checks the grammar and writes the text in document order, copying nothing while the
//! output equals the input. Where an object's members came out of order, their spans are kept,
//! and one second pass writes the text again with those objects sorted. Both are linear but for
//! the sort itself, and nothing recurses deeper than [`MAX_DEPTH`].

use std::{borrow::Cow, ops::Range};

use super::{number, text};

/// How deep arrays and objects may be nested: about where most parsers draw their line.
const MAX_DEPTH: usize = 128;

/// How much longer the canonical form can be: `1e39` becomes 40 digits.
const MAX_GROWTH: usize = 10;

/// Brings a payload into its canonical form.
///
/// `None` if it is no valid JSON (RFC 8259), has a duplicate member or a number with an exponent
/// beyond reason, is nested too deep, or has over 400 MB.
pub(super) fn canonical(payload: &[u8]) -> Option<Cow<'_, [u8]>> {
    let payload = trim(payload);
    std::str::from_utf8(payload).ok()?;
    // Offsets in the canonical text are of 32 bits.
    u32::try_from(payload.len().checked_mul(MAX_GROWTH)?).ok()?;
    let mut scanner = Scanner::new(payload);
    scanner.scan()?;
    let Scanner {
        written, unsorted, ..
    } = scanner;
    if unsorted.objects.is_empty() {
        return Some(written.finish());
    }
    Some(Cow::Owned(unsorted.sort(&written.finish())))
}

fn trim(mut payload: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = payload {
        payload = rest;
    }
    while let [rest @ .., b' ' | b'\t' | b'\n' | b'\r'] = payload {
        payload = rest;
    }
    payload
}

/// The text in document order: a rewritten part, then input that still stands as it came.
struct Written<'a> {
    input: &'a [u8],
    rewritten: Vec<u8>,
    /// Up to where the input is in `rewritten`.
    copied: usize,
}

impl<'a> Written<'a> {
    /// Where the input's byte `at` stands in the text.
    fn offset(&self, at: usize) -> usize {
        self.rewritten.len() + at - self.copied
    }

    /// Puts `with` in the place of a piece of the input.
    fn replace(&mut self, piece: Range<usize>, with: &[u8]) {
        self.copy_up_to(piece.start);
        self.rewritten.extend_from_slice(with);
        self.copied = piece.end;
    }

    fn copy_up_to(&mut self, at: usize) {
        if self.rewritten.capacity() == 0 {
            self.rewritten.reserve(self.input.len());
        }
        self.rewritten
            .extend_from_slice(&self.input[self.copied..at]);
        self.copied = at;
    }

    /// A piece of the text, which must not cross from the rewritten part into the input.
    fn piece(&self, offsets: Range<usize>) -> &[u8] {
        match offsets.start.checked_sub(self.rewritten.len()) {
            None => &self.rewritten[offsets],
            Some(start) => {
                let start = self.copied + start;
                &self.input[start..start + offsets.len()]
            }
        }
    }

    fn finish(mut self) -> Cow<'a, [u8]> {
        if self.rewritten.is_empty() {
            return Cow::Borrowed(&self.input[self.copied..]);
        }
        self.copy_up_to(self.input.len());
        Cow::Owned(self.rewritten)
    }
}

/// A member of an object: offsets in the text, from its name's opening quote to its value's end.
#[derive(Clone, Copy)]
struct Member {
    /// The first eight bytes of the name, which settle most comparisons.
    prefix: u64,
    start: u32,
    name_end: u32,
    end: u32,
}

enum Container {
    Array,
    Object { first_member: usize, in_order: bool },
}

struct Scanner<'a> {
    at: usize,
    written: Written<'a>,
    open: Vec<Container>,
    /// The members of all open objects, the innermost last.
    members: Vec<Member>,
    unsorted: Unsorted,
}

impl<'a> Scanner<'a> {
    fn new(input: &'a [u8]) -> Self {
        Self {
            at: 0,
            written: Written {
                input,
                rewritten: Vec::new(),
                copied: 0,
            },
            open: Vec::with_capacity(8),
            members: Vec::with_capacity(16),
            unsorted: Unsorted::default(),
        }
    }

    fn scan(&mut self) -> Option<()> {
        while self.begin_value()? || self.end_value()? {}
        Some(())
    }

    /// Reads from where a value begins; answers whether another one begins right inside it.
    fn begin_value(&mut self) -> Option<bool> {
        self.skip_white_space();
        match self.peek()? {
            b'{' => return self.open_object(),
            b'[' => return self.open_array(),
            b'"' => self.string()?,
            b'-' | b'0'..=b'9' => self.number()?,
            b't' => self.literal(b"true")?,
            b'f' => self.literal(b"false")?,
            b'n' => self.literal(b"null")?,
            _ => return None,
        }
        Some(false)
    }

    /// Reads on from where a value ended; answers whether another one follows.
    fn end_value(&mut self) -> Option<bool> {
        loop {
            let offset = self.written.offset(self.at);
            let Some(container) = self.open.last() else {
                return (self.at == self.written.input.len()).then_some(false);
            };
            let closing = match container {
                Container::Array => b']',
                Container::Object { .. } => {
                    self.members.last_mut()?.end = offset as u32;
                    b'}'
                }
            };
            self.skip_white_space();
            match self.peek()? {
                b',' => {
                    self.at += 1;
                    if closing == b'}' {
                        self.name()?;
                    }
                    return Some(true);
                }
                byte if byte == closing => self.close()?,
                _ => return None,
            }
        }
    }

    fn open_object(&mut self) -> Option<bool> {
        self.push(Container::Object {
            first_member: self.members.len(),
            in_order: true,
        })?;
        if self.peek()? == b'}' {
            self.close()?;
            return Some(false);
        }
        self.name()?;
        Some(true)
    }

    fn open_array(&mut self) -> Option<bool> {
        self.push(Container::Array)?;
        if self.peek()? == b']' {
            self.close()?;
            return Some(false);
        }
        Some(true)
    }

    fn push(&mut self, container: Container) -> Option<()> {
        if self.open.len() == MAX_DEPTH {
            return None;
        }
        self.open.push(container);
        self.at += 1;
        self.skip_white_space();
        Some(())
    }

    fn close(&mut self) -> Option<()> {
        if let Some(Container::Object {
            first_member,
            in_order,
        }) = self.open.pop()
        {
            if !in_order {
                self.keep_unsorted(first_member)?;
            }
            self.members.truncate(first_member);
        }
        self.at += 1;
        Some(())
    }

    /// Reads a member's name and its colon.
    fn name(&mut self) -> Option<()> {
        self.skip_white_space();
        if self.peek()? != b'"' {
            return None;
        }
        let start = self.written.offset(self.at);
        self.string()?;
        let name_end = self.written.offset(self.at);
        self.skip_white_space();
        if self.peek()? != b':' {
            return None;
        }
        self.at += 1;
        self.add_member(start, name_end)
    }

    fn add_member(&mut self, start: usize, name_end: usize) -> Option<()> {
        let name = self.written.piece(start..name_end);
        let member = Member {
            prefix: prefix(name),
            start: start as u32,
            name_end: name_end as u32,
            end: 0,
        };
        let Some(Container::Object {
            first_member,
            in_order,
        }) = self.open.last_mut()
        else {
            return None;
        };
        if let Some(previous) = self.members[*first_member..].last() {
            match compare(&self.written, previous, &member) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => return None,
                std::cmp::Ordering::Greater => *in_order = false,
            }
        }
        self.members.push(member);
        Some(())
    }

    /// Sorts the spans of an object that came out of order, and looks for duplicates.
    fn keep_unsorted(&mut self, first_member: usize) -> Option<()> {
        let written = &self.written;
        let members = &mut self.members[first_member..];
        // The text has no white space: the brace stands right before the first name.
        let start = members.first()?.start - 1;
        let end = members.last()?.end;
        members.sort_unstable_by(|one, other| compare(written, one, other));
        let duplicate = members
            .windows(2)
            .any(|pair| compare(written, &pair[0], &pair[1]).is_eq());
        if duplicate {
            return None;
        }
        self.unsorted.add(start, end, members);
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        let mut rewrote = false;
        self.at += 1;
        loop {
            let input = self.written.input;
            self.at += text::plain_length(&input[self.at..]);
            match *input.get(self.at)? {
                b'"' => break,
                b'\\' => rewrote |= self.escape()?,
                _ => return None,
            }
        }
        self.at += 1;
        if rewrote {
            // A name must stand in one piece, to be compared.
            self.written.copy_up_to(self.at);
        }
        Some(())
    }

    /// Reads an escape; answers whether its canonical spelling is another one.
    fn escape(&mut self) -> Option<bool> {
        let escape = &self.written.input[self.at..];
        let (character, length) = text::unescape(escape)?;
        let mut buffer = [0; 6];
        let spelled = text::spell(character, &mut buffer);
        let rewrite = spelled != &escape[..length];
        if rewrite {
            self.written.replace(self.at..self.at + length, spelled);
        }
        self.at += length;
        Some(rewrite)
    }

    fn number(&mut self) -> Option<()> {
        let number = number::read(&self.written.input[self.at..])?;
        let end = self.at + number.length;
        if let Some(canonical) = number.rewritten {
            self.written.replace(self.at..end, &canonical);
        }
        self.at = end;
        Some(())
    }

    fn literal(&mut self, literal: &[u8]) -> Option<()> {
        let found = self.written.input[self.at..].starts_with(literal);
        self.at += literal.len();
        found.then_some(())
    }

    fn skip_white_space(&mut self) {
        let rest = &self.written.input[self.at..];
        let length = rest
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
            .count();
        if length > 0 {
            self.written.replace(self.at..self.at + length, b"");
            self.at += length;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.written.input.get(self.at).copied()
    }
}

/// The first eight bytes of a name as a number that sorts as they do.
fn prefix(name: &[u8]) -> u64 {
    // Every name begins with a quote, which tells nothing apart.
    let name = &name[1..];
    let mut bytes = [0; 8];
    let length = name.len().min(8);
    bytes[..length].copy_from_slice(&name[..length]);
    u64::from_be_bytes(bytes)
}

fn compare(written: &Written<'_>, one: &Member, other: &Member) -> std::cmp::Ordering {
    let name = |member: &Member| member.start as usize..member.name_end as usize;
    one.prefix
        .cmp(&other.prefix)
        .then_with(|| written.piece(name(one)).cmp(written.piece(name(other))))
}

/// The objects whose members came out of order.
#[derive(Default)]
struct Unsorted {
    objects: Vec<Object>,
    /// The members of all these objects, each object's sorted.
    members: Vec<Range<u32>>,
}

struct Object {
    /// Where its opening brace stands in the text.
    start: u32,
    /// Where its closing brace stands.
    end: u32,
    members: Range<usize>,
}

impl Unsorted {
    fn add(&mut self, start: u32, end: u32, sorted: &[Member]) {
        let first = self.members.len();
        self.members
            .extend(sorted.iter().map(|member| member.start..member.end));
        self.objects.push(Object {
            start,
            end,
            members: first..self.members.len(),
        });
    }

    /// Writes the text anew with these objects sorted; each byte is written once.
    fn sort(mut self, text: &[u8]) -> Vec<u8> {
        // They were found in the order in which they end.
        self.objects.sort_unstable_by_key(|object| object.start);
        let mut sorted = Vec::with_capacity(text.len());
        self.write(text, 0..text.len() as u32, &mut sorted);
        sorted
    }

    /// Writes a span of the text; it recurses once for each unsorted object around it.
    fn write(&self, text: &[u8], span: Range<u32>, sorted: &mut Vec<u8>) {
        let mut from = span.start;
        let mut next = self
            .objects
            .partition_point(|object| object.start < span.start);
        while let Some(object) = self
            .objects
            .get(next)
            .filter(|object| object.end <= span.end)
        {
            sorted.extend_from_slice(&text[from as usize..=object.start as usize]);
            for (index, member) in self.members[object.members.clone()].iter().enumerate() {
                if index > 0 {
                    sorted.push(b',');
                }
                self.write(text, member.clone(), sorted);
            }
            from = object.end;
            next += self.objects[next..].partition_point(|inner| inner.start < object.end);
        }
        sorted.extend_from_slice(&text[from as usize..span.end as usize]);
    }
}
