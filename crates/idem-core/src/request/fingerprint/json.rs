//! The canonical form of a JSON payload: one text for each meaning.
//!
//! It is RFC 8785 (JSON Canonicalization Scheme) but for two things: numbers keep their exact
//! decimal value instead of passing through a double, and members are sorted by the bytes of
//! their canonical names (with the closing quote) instead of by UTF-16 units.
//!
//! One pass checks the grammar and writes the text in document order; it copies nothing while the output
//! equals the input. Nothing recurses deeper than [`MAX_DEPTH`], and everything but the sorting of
//! members is linear.

use std::borrow::Cow;

use super::{
    buffers::Buffers,
    large::LargeObjects,
    members::{self, Member, QUOTE},
    number::{self, Number},
    text, work,
    written::{SMALL, Written},
};

/// How deep arrays and objects may be nested: about where most parsers draw their line.
const MAX_DEPTH: usize = 128;

/// How many times as long the canonical form can be: `1e6` becomes seven digits.
const MAX_GROWTH: usize = 3;

/// Brings a payload into its canonical form, and hands that on.
///
/// `None` if it is not valid JSON (RFC 8259), has a duplicate member or a number with too long an exponent, is
/// nested too deep, or has over 1.4 GB.
pub(super) fn canonical<T>(payload: &[u8], then: impl FnOnce(Canonical<'_>) -> T) -> Option<T> {
    // Offsets in the canonical text are of 32 bits.
    u32::try_from(payload.len().checked_mul(MAX_GROWTH)?).ok()?;
    if text::is_simple(payload) {
        return Reader::<true>::new(payload).canonical(then);
    }
    std::str::from_utf8(payload).ok()?;
    Reader::<false>::new(payload).canonical(then)
}

/// The canonical form of a payload.
#[derive(Clone, Copy)]
pub(super) struct Canonical<'t> {
    text: &'t [u8],
    /// What is still to be sorted in it.
    large: &'t LargeObjects,
}

impl<'t> Canonical<'t> {
    /// How many bytes it has.
    pub(super) const fn len(self) -> usize {
        self.text.len()
    }

    /// Hands on its bytes, piece by piece.
    pub(super) fn pieces(self, mut each: impl FnMut(&[u8])) {
        if self.large.is_empty() {
            each(self.text);
        } else {
            self.large.sorted(self.text, each);
        }
    }

    /// All of it.
    pub(super) fn whole(self) -> Cow<'t, [u8]> {
        if self.large.is_empty() {
            return self.text.into();
        }
        let mut whole = Vec::with_capacity(self.len());
        self.pieces(|piece| whole.extend_from_slice(piece));
        whole.into()
    }
}

/// Reads a payload by recursive descent. Each method takes where something begins in the payload, and
/// answers where it ends. `SIMPLE` says that the payload [is simple](text::is_simple).
struct Reader<'a, const SIMPLE: bool> {
    input: &'a [u8],
    written: Written<'a>,
    /// The members of all open objects, the innermost last.
    members: Vec<Member>,
    large: LargeObjects,
}

impl<'a, const SIMPLE: bool> Reader<'a, SIMPLE> {
    fn new(input: &'a [u8]) -> Self {
        let buffers = Buffers::take();
        Self {
            input,
            written: Written::new(input, buffers.text, buffers.unsorted),
            members: buffers.members,
            large: LargeObjects::default(),
        }
    }

    fn canonical<T>(mut self, then: impl FnOnce(Canonical<'_>) -> T) -> Option<T> {
        let end = self.value(0, MAX_DEPTH)?;
        if self.token(end).is_some() {
            return None;
        }
        let answer = then(Canonical {
            text: self.written.finish(),
            large: &self.large,
        });
        let (text, unsorted) = self.written.into_buffers();
        let members = self.members;
        Buffers {
            text,
            unsorted,
            members,
        }
        .give_back();
        Some(answer)
    }

    /// The first byte from here on that is not white space, and where it is. White space is left out.
    #[inline(always)]
    fn token(&mut self, at: usize) -> Option<(usize, u8)> {
        let byte = *self.input.get(at)?;
        // Nothing else up to a space begins a token.
        if byte > b' ' {
            return Some((at, byte));
        }
        self.token_behind_space(at)
    }

    #[inline(never)]
    fn token_behind_space(&mut self, at: usize) -> Option<(usize, u8)> {
        let is_space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let end = at + self.input[at..].iter().take_while(is_space).count();
        self.written.replace(at..end);
        Some((end, *self.input.get(end)?))
    }

    /// Reads a value in which arrays and objects may be nested so many levels deep.
    ///
    /// It is part of [`array`](Self::array) and [`object`](Self::object), so that what is in them takes no
    /// call of its own.
    #[inline(always)]
    fn value(&mut self, at: usize, levels: usize) -> Option<usize> {
        if *self.input.get(at)? == b'"' {
            return self.string(at);
        }
        let (at, byte) = self.token(at)?;
        match byte {
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
        let (mut at, byte) = self.token(at + 1)?;
        if byte == b']' {
            return Some(at + 1);
        }
        loop {
            at = self.value(at, levels)?;
            match self.token(at)? {
                (comma, b',') => at = comma + 1,
                (end, b']') => return Some(end + 1),
                _ => return None,
            }
        }
    }

    #[inline(never)]
    fn object(&mut self, at: usize, levels: usize) -> Option<usize> {
        let (mut at, byte) = self.token(at + 1)?;
        if byte == b'}' {
            return Some(at + 1);
        }
        let first_member = self.members.len();
        let (mut is_sorted, mut previous) = (true, 0);
        let end = loop {
            let (word, value) = self.name(at)?;
            if word <= previous {
                is_sorted = is_sorted && word == previous && self.last_comes_last()?;
            }
            previous = word;
            at = self.value(value, levels)?;
            if let Some(member) = self.members.last_mut() {
                member.ends(self.written.offset(at));
            }
            match self.token(at)? {
                (comma, b',') => at = comma + 1,
                (end, b'}') => break end,
                _ => return None,
            }
        };
        if !is_sorted {
            self.sort(first_member, end)?;
        }
        self.members.truncate(first_member);
        Some(end + 1)
    }

    /// Reads a member's name and its colon, and notes the member. Answers the [word](members::word) of its name, too.
    #[inline(always)]
    fn name(&mut self, at: usize) -> Option<(u64, usize)> {
        let (at, byte) = self.token(at)?;
        if byte != b'"' {
            return None;
        }
        let start = self.written.offset(at);
        match text::name::<SIMPLE>(self.input, at + 1) {
            Some((word, end)) if self.input[end..].starts_with(b"\":") => {
                let name = start..start + end + 1 - at;
                self.members.push(Member::new(word, name));
                Some((word, end + 2))
            }
            _ => self.any_name(at, start),
        }
    }

    /// The same for a name with escapes, with white space behind it, or at the end of the payload.
    #[inline(never)]
    fn any_name(&mut self, at: usize, start: usize) -> Option<(u64, usize)> {
        let end = self.string(at)?;
        let name = start..self.written.offset(end);
        let word = members::word(self.written.piece(start + QUOTE..name.end));
        self.members.push(Member::new(word, name));
        let (at, byte) = self.token(end)?;
        (byte == b':').then_some((word, at + 1))
    }

    /// Whether the last member, whose [word](members::word) is that of the one before it, comes behind that. `None`
    /// if both have the same name.
    #[inline(never)]
    fn last_comes_last(&self) -> Option<bool> {
        let [.., previous, last] = &self.members[..] else {
            return Some(true);
        };
        let (previous, last) = (previous.name(&self.written), last.name(&self.written));
        work::note(previous.len().min(last.len()));
        (previous != last).then_some(previous < last)
    }

    /// Sorts the members of an object, which end at `at` in the payload. `None` if two of them have the same name.
    #[inline(never)]
    fn sort(&mut self, first_member: usize, at: usize) -> Option<()> {
        let members = &mut self.members[first_member..];
        let start = members.first()?.piece().start;
        let end = self.written.offset(at);
        members::sort(members, &self.written)?;
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
        let end = text::plain_end::<SIMPLE>(self.input, at + 1);
        match self.input.get(end)? {
            _ if SIMPLE => Some(end + 1),
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
            at = text::plain_end::<SIMPLE>(self.input, at);
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
        match number::whole_length(&self.input[at..]) {
            Some(length) => Some(at + length),
            None => self.any_number(at),
        }
    }

    #[inline(never)]
    fn any_number(&mut self, at: usize) -> Option<usize> {
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
