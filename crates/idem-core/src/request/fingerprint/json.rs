//! The canonical form of a JSON payload: one text for each meaning.
//!
//! It is RFC 8785 (JSON Canonicalization Scheme) but for two things: numbers keep their exact
//! decimal value instead of passing through a double, and members are sorted by the bytes of
//! their canonical names (with the closing quote) instead of by UTF-16 units.
//!
//! One pass checks the grammar and writes the text in document order; it copies nothing while the output
//! equals the input. Nothing recurses deeper than [`MAX_DEPTH`], and everything but the sorting of
//! members is linear.

use std::{borrow::Cow, cmp::Ordering};

use super::{
    large::LargeObjects,
    members::{self, Member},
    number::Number,
    text,
    written::{SMALL, Written},
};

/// How deep arrays and objects may be nested: about where most parsers draw their line.
const MAX_DEPTH: usize = 128;

/// How much longer the canonical form can be: `1e19` becomes 20 digits.
const MAX_GROWTH: usize = 5;

/// Brings a payload into its canonical form.
///
/// `None` if it is not valid JSON (RFC 8259), has a duplicate member or a number with too long an exponent, is
/// nested too deep, or has over 800 MB.
pub(super) fn canonical(payload: &[u8]) -> Option<Cow<'_, [u8]>> {
    // Offsets in the canonical text are of 32 bits.
    u32::try_from(payload.len().checked_mul(MAX_GROWTH)?).ok()?;
    std::str::from_utf8(payload).ok()?;
    Reader::new(payload).canonical()
}

/// Reads a payload by recursive descent. Each method takes where something begins in the payload, and
/// answers where it ends.
struct Reader<'a> {
    input: &'a [u8],
    written: Written<'a>,
    /// The members of all open objects, the innermost last.
    members: Vec<Member>,
    large: LargeObjects,
}

impl<'a> Reader<'a> {
    fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            written: Written::new(input),
            // More than most payloads have open at a time.
            members: Vec::with_capacity(32),
            large: LargeObjects::default(),
        }
    }

    fn canonical(mut self) -> Option<Cow<'a, [u8]>> {
        let start = self.space(0);
        let end = self.value(start, MAX_DEPTH)?;
        if self.space(end) < self.input.len() {
            return None;
        }
        let text = self.written.finish();
        if self.large.is_empty() {
            return Some(text);
        }
        Some(Cow::Owned(self.large.sort(&text)))
    }

    /// Reads white space, if there is any, and leaves it out.
    #[inline(always)]
    fn space(&mut self, at: usize) -> usize {
        match self.input.get(at) {
            Some(byte) if text::is_space(*byte) => self.some_space(at),
            _ => at,
        }
    }

    #[inline(never)]
    fn some_space(&mut self, at: usize) -> usize {
        let space = self.input[at..].iter();
        let end = at + space.take_while(|byte| text::is_space(**byte)).count();
        self.written.replace(at..end);
        end
    }

    /// Reads a value in which arrays and objects may be nested so many levels deep.
    ///
    /// It is part of [`array`](Self::array) and [`object`](Self::object), so that what is in them takes no
    /// call of its own.
    #[inline(always)]
    fn value(&mut self, at: usize, levels: usize) -> Option<usize> {
        match self.input.get(at)? {
            b'{' => self.object(at, levels.checked_sub(1)?),
            b'[' => self.array(at, levels.checked_sub(1)?),
            b'"' => self.string(at),
            b't' => self.literal(at, b"true"),
            b'f' => self.literal(at, b"false"),
            b'n' => self.literal(at, b"null"),
            _ => self.number(at),
        }
    }

    #[inline(never)]
    fn array(&mut self, at: usize, levels: usize) -> Option<usize> {
        let mut at = self.space(at + 1);
        if *self.input.get(at)? == b']' {
            return Some(at + 1);
        }
        loop {
            at = self.value(at, levels)?;
            at = self.space(at);
            match self.input.get(at)? {
                b',' => at = self.space(at + 1),
                b']' => return Some(at + 1),
                _ => return None,
            }
        }
    }

    #[inline(never)]
    fn object(&mut self, at: usize, levels: usize) -> Option<usize> {
        let mut at = self.space(at + 1);
        if *self.input.get(at)? == b'}' {
            return Some(at + 1);
        }
        let start = self.written.offset(at);
        let first_member = self.members.len();
        let mut is_sorted = true;
        loop {
            at = self.name(at)?;
            is_sorted = is_sorted && self.last_comes_last(first_member)?;
            at = self.value(at, levels)?;
            at = self.space(at);
            match self.input.get(at)? {
                b',' => at = self.space(at + 1),
                b'}' => break,
                _ => return None,
            }
        }
        if !is_sorted {
            self.sort(first_member, start, at)?;
        }
        self.members.truncate(first_member);
        Some(at + 1)
    }

    /// Reads a member's name and its colon, and notes the member.
    #[inline(always)]
    fn name(&mut self, at: usize) -> Option<usize> {
        if *self.input.get(at)? != b'"' {
            return None;
        }
        let start = self.written.offset(at);
        let end = self.string(at)?;
        let member = Member::new(&self.written, start..self.written.offset(end));
        self.members.push(member);
        let at = self.space(end);
        (*self.input.get(at)? == b':').then(|| self.space(at + 1))
    }

    /// Whether the last member comes behind the one before it. `None` if both have the same name.
    #[inline(always)]
    fn last_comes_last(&self, first_member: usize) -> Option<bool> {
        let [.., previous, last] = &self.members[first_member..] else {
            return Some(true);
        };
        match previous.compare(last, &self.written) {
            Ordering::Less => Some(true),
            Ordering::Equal => None,
            Ordering::Greater => Some(false),
        }
    }

    /// Sorts the members of an object, which begin at `start` in the text and end at `at` in the payload.
    /// `None` if two of them have the same name.
    #[inline(never)]
    fn sort(&mut self, first_member: usize, start: usize, at: usize) -> Option<()> {
        let members = &mut self.members[first_member..];
        let end = self.written.offset(at);
        members::sort(members, end, &self.written)?;
        let sorted = members.iter().map(Member::piece);
        if end - start <= SMALL {
            self.written.sort(start, at, sorted);
        } else {
            // The text has no white space: the brace stands right before the first name.
            self.large.add(start - 1, end, sorted);
        }
        Some(())
    }

    #[inline(always)]
    fn string(&mut self, at: usize) -> Option<usize> {
        let end = at + 1 + text::plain_length(&self.input[at + 1..]);
        match self.input.get(end)? {
            b'"' => Some(end + 1),
            _ => self.string_with_escapes(end),
        }
    }

    /// Reads the rest of a string, from its first escape on, and writes it.
    #[inline(never)]
    fn string_with_escapes(&mut self, mut at: usize) -> Option<usize> {
        while *self.input.get(at)? == b'\\' {
            let (character, length) = text::read_escape(&self.input[at..])?;
            text::spell(character, self.written.replace(at..at + length));
            at += length;
            at += text::plain_length(&self.input[at..]);
        }
        if self.input[at] != b'"' {
            return None;
        }
        // A name must stand in one piece, to be compared.
        self.written.copy_up_to(at + 1);
        Some(at + 1)
    }

    #[inline(always)]
    fn number(&mut self, at: usize) -> Option<usize> {
        let number = Number::read(&self.input[at..])?;
        let end = at + number.length;
        if !number.is_canonical() {
            number.write(self.written.replace(at..end));
        }
        Some(end)
    }

    fn literal(&self, at: usize, literal: &[u8]) -> Option<usize> {
        let end = at + literal.len();
        self.input[at..].starts_with(literal).then_some(end)
    }
}
