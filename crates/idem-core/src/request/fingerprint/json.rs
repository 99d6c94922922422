//! The canonical form of a JSON payload: one text for each meaning.
//!
//! It is RFC 8785 (JSON Canonicalization Scheme) but for two things: numbers keep their exact
//! decimal value instead of passing through a double, and members are sorted by the bytes of
//! their canonical names (with the closing quote) instead of by UTF-16 units.
//!
//! One pass checks the grammar and writes the text in document order, copying nothing while the
//! output equals the input. Nothing recurses deeper than [`MAX_DEPTH`], and all is linear but for
//! the sorting of members.

use std::{borrow::Cow, cmp::Ordering};

use super::{
    members::{FEW, Member, sort_few, sort_many, span},
    nested::Nested,
    number::Number,
    span::Span,
    text,
    written::Written,
};

/// How deep arrays and objects may be nested: about where most parsers draw their line.
const MAX_DEPTH: usize = 128;

/// How much longer the canonical form can be: `1e19` becomes 20 digits.
const MAX_GROWTH: usize = 5;

/// Up to this many bytes, an object is sorted at once though objects in it were: moving so little again costs
/// less than noting where it is.
const SMALL: usize = 96;

/// Brings a payload into its canonical form.
///
/// `None` if it is no valid JSON (RFC 8259), has a duplicate member or a number with an exponent
/// beyond reason, is nested too deep, or has over 800 MB.
pub(super) fn canonical(payload: &[u8]) -> Option<Cow<'_, [u8]>> {
    let payload = trim(payload);
    // Offsets in the canonical text are of 32 bits.
    u32::try_from(payload.len().checked_mul(MAX_GROWTH)?).ok()?;
    if text::is_simple(payload) {
        return Scanner::<true>::new(payload).canonical();
    }
    std::str::from_utf8(payload).ok()?;
    if !text::has_no_forbidden_control(payload) {
        return None;
    }
    Scanner::<false>::new(payload).canonical()
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

/// An array or object that is not closed yet.
///
/// It is one word, as a struct of small fields is not always: written by the field and read as a
/// whole, that would wait for the memory each time that a container opens or closes.
#[derive(Clone, Copy)]
struct Container(u64);

impl Container {
    /// What is around the outermost array or object: no byte closes it.
    const PAYLOAD: Self = Self::new(0, 0);

    const OUT_OF_ORDER: u64 = 1 << 8;
    /// It holds objects that came out of order, and that stand sorted in the text already.
    const HOLDS_SORTED: u64 = 1 << 9;
    /// It holds objects that are to be sorted in the end.
    const HOLDS_DEFERRED: u64 = 1 << 10;
    const HOLDS: u64 = Self::HOLDS_SORTED | Self::HOLDS_DEFERRED;

    const fn new(closing: u8, first_member: u32) -> Self {
        Self((first_member as u64) << 32 | closing as u64)
    }

    const fn closing(self) -> u8 {
        self.0 as u8
    }

    /// Where the members of an object begin among those of all open objects.
    const fn first_member(self) -> usize {
        (self.0 >> 32) as usize
    }

    const fn is(self, mark: u64) -> bool {
        self.0 & mark != 0
    }

    const fn set(&mut self, marks: u64) {
        self.0 |= marks;
    }
}

/// Brings the members of an object, which ends the text so far, into their order, at once or in the
/// end.
#[inline(always)]
fn put_in_order(
    written: &mut Written<'_>,
    nested: &mut Nested,
    object: &mut Container,
    whole: Span,
    at: usize,
    sorted: impl Iterator<Item = Span>,
) {
    let is_small = whole.end - whole.start <= SMALL as u32;
    let holds_deferred = object.is(Container::HOLDS_DEFERRED);
    if !object.is(Container::HOLDS) || (is_small && !holds_deferred) {
        object.set(Container::HOLDS_SORTED);
        let sorted = sorted.map(|span| span.start as usize..span.end as usize);
        written.sort(whole.start as usize, at, sorted);
    } else {
        object.set(Container::HOLDS_DEFERRED);
        nested.defer(whole, sorted);
    }
}

/// Reads the payload. Its position is handed from call to call instead of kept here, and what most
/// payloads need is inlined into one loop: so the compiler holds the position in a register.
///
/// `SIMPLE` says that the payload has no escapes, no control characters and ASCII alone, as most have:
/// then a string ends at the first quote.
struct Scanner<'a, const SIMPLE: bool> {
    input: &'a [u8],
    written: Written<'a>,
    innermost: Container,
    /// Those around the innermost one, from the payload itself on.
    around: Vec<Container>,
    /// The members of all open objects, the innermost last.
    members: Vec<Member>,
    nested: Nested,
}

impl<'a, const SIMPLE: bool> Scanner<'a, SIMPLE> {
    fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            written: Written::new(input),
            innermost: Container::PAYLOAD,
            around: Vec::with_capacity(16),
            members: Vec::with_capacity(32),
            nested: Nested::default(),
        }
    }

    #[inline(never)]
    fn canonical(mut self) -> Option<Cow<'a, [u8]>> {
        self.scan()?;
        let text = self.written.finish();
        if self.nested.is_empty() {
            return Some(text);
        }
        Some(Cow::Owned(self.nested.sort(&text)))
    }

    #[inline(always)]
    fn scan(&mut self) -> Option<()> {
        let mut next = Some(0);
        while let Some(at) = next {
            let (at, byte) = self.token(at)?;
            next = match byte {
                b'{' => self.open_object(at)?,
                b'[' => self.open_array(at)?,
                b'"' => {
                    let at = self.string(at)?;
                    self.end_value(at)?
                }
                b't' => self.literal(at, b"true")?,
                b'f' => self.literal(at, b"false")?,
                b'n' => self.literal(at, b"null")?,
                _ => {
                    let at = self.number(at)?;
                    self.end_value(at)?
                }
            };
        }
        Some(())
    }

    /// Reads on from where a value ended; answers where the next one begins, if one does.
    #[inline(always)]
    fn end_value(&mut self, mut at: usize) -> Option<Option<usize>> {
        while self.innermost.closing() != Container::PAYLOAD.closing() {
            let (here, byte) = self.token(at)?;
            if byte == b',' {
                return match self.innermost.closing() {
                    b'}' => self.name(here + 1).map(Some),
                    _ => Some(Some(here + 1)),
                };
            }
            if byte != self.innermost.closing() {
                return None;
            }
            at = self.close(here)?;
        }
        (at == self.input.len()).then_some(None)
    }

    #[inline]
    fn open_object(&mut self, at: usize) -> Option<Option<usize>> {
        self.push(b'}')?;
        let (at, byte) = self.token(at + 1)?;
        if byte == b'}' {
            let at = self.close(at)?;
            return self.end_value(at);
        }
        self.name(at).map(Some)
    }

    #[inline]
    fn open_array(&mut self, at: usize) -> Option<Option<usize>> {
        self.push(b']')?;
        let (at, byte) = self.token(at + 1)?;
        if byte == b']' {
            let at = self.close(at)?;
            return self.end_value(at);
        }
        Some(Some(at))
    }

    #[inline]
    fn push(&mut self, closing: u8) -> Option<()> {
        if self.around.len() == MAX_DEPTH {
            return None;
        }
        self.around.push(self.innermost);
        self.innermost = Container::new(closing, self.members.len() as u32);
        Some(())
    }

    #[inline]
    fn close(&mut self, at: usize) -> Option<usize> {
        let mut closed = std::mem::replace(&mut self.innermost, self.around.pop()?);
        if closed.is(Container::OUT_OF_ORDER) {
            self.sort(&mut closed, at)?;
        }
        self.members.truncate(closed.first_member());
        self.innermost.set(closed.0 & Container::HOLDS);
        Some(at + 1)
    }

    /// Sorts an object that came out of order, and looks for duplicates.
    ///
    /// It is written sorted at once if nothing in it was, or if it is small: so no byte is moved
    /// more than a few times, however deep objects are nested. Those around it are written in one
    /// more pass.
    #[inline(never)]
    fn sort(&mut self, object: &mut Container, at: usize) -> Option<()> {
        let members = &self.members[object.first_member()..];
        let end = self.written.offset(at) as u32;
        let whole = Span {
            // The text has no white space: the brace stands right before the first name.
            start: members.first()?.start,
            end,
        };
        if let [_, _] = members {
            let sorted = [1, 0].map(|index| span(members, index, end));
            put_in_order(
                &mut self.written,
                &mut self.nested,
                object,
                whole,
                at,
                sorted.into_iter(),
            );
            return Some(());
        }
        let mut sorted = [Span::default(); FEW];
        if members.len() <= FEW && sort_few(members, end, &mut sorted) {
            let sorted = sorted[..members.len()].iter().copied();
            put_in_order(
                &mut self.written,
                &mut self.nested,
                object,
                whole,
                at,
                sorted,
            );
        } else {
            let order = sort_many(&self.written, members)?;
            let sorted = order
                .iter()
                .map(|key| span(members, *key as u32 as usize, end));
            put_in_order(
                &mut self.written,
                &mut self.nested,
                object,
                whole,
                at,
                sorted,
            );
        }
        Some(())
    }

    /// Reads a member's name and its colon.
    #[inline(always)]
    fn name(&mut self, at: usize) -> Option<usize> {
        let (at, byte) = self.token(at)?;
        if byte != b'"' {
            return None;
        }
        let (member, end) = match self.plain_name(at) {
            Some(plain) => plain,
            None => self.any_name(at)?,
        };
        let (at, byte) = self.token(end)?;
        if byte != b':' {
            return None;
        }
        self.add_member(member)?;
        Some(at + 1)
    }

    /// A name without escapes, as nearly all are: its first word is looked at once.
    #[inline(always)]
    fn plain_name(&self, at: usize) -> Option<(Member, usize)> {
        let word = u64::from_le_bytes(*self.input.get(at + 1..)?.first_chunk()?);
        let special = text::special_bytes::<SIMPLE>(word);
        let end = if special == 0 {
            at + 9 + text::plain_length::<SIMPLE>(self.input.get(at + 9..)?)
        } else {
            at + 1 + special.trailing_zeros() as usize / 8
        };
        if *self.input.get(end)? != b'"' {
            return None;
        }
        // All bits up to the lowest mark, which is at the top of the quote, if there is one.
        let prefix = (word & (special ^ special.wrapping_sub(1))).swap_bytes();
        let end = end + 1;
        let member = Member::with_prefix(prefix, self.written.offset(at), end - at);
        Some((member, end))
    }

    #[inline(never)]
    fn any_name(&mut self, at: usize) -> Option<(Member, usize)> {
        let start = self.written.offset(at);
        let end = self.string(at)?;
        let name_end = self.written.offset(end);
        Some((Member::new(&self.written, start, name_end), end))
    }

    #[inline(always)]
    fn add_member(&mut self, member: Member) -> Option<()> {
        // Two of the same name are found when an object is sorted, if it has to be.
        if self.members.len() > self.innermost.first_member()
            && !self.innermost.is(Container::OUT_OF_ORDER)
        {
            let previous = self.members.last()?;
            match previous.compare(member, &self.written) {
                Ordering::Less => {}
                Ordering::Equal => return None,
                Ordering::Greater => self.innermost.set(Container::OUT_OF_ORDER),
            }
        }
        self.members.push(member);
        Some(())
    }

    #[inline(always)]
    fn string(&mut self, at: usize) -> Option<usize> {
        let at = at + 1;
        let end = at + text::plain_length::<SIMPLE>(&self.input[at..]);
        match *self.input.get(end)? {
            b'"' => Some(end + 1),
            b'\\' if !SIMPLE => self.string_with_escapes(end),
            _ => None,
        }
    }

    /// Reads the rest of a string, from its first escape on, and writes it.
    #[inline(never)]
    fn string_with_escapes(&mut self, mut at: usize) -> Option<usize> {
        while *self.input.get(at)? == b'\\' {
            let (character, length) = text::read_escape(&self.input[at..])?;
            text::spell(character, self.written.replace(at..at + length));
            at += length;
            at += text::plain_length::<SIMPLE>(&self.input[at..]);
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

    #[inline]
    fn literal(&mut self, at: usize, literal: &[u8]) -> Option<Option<usize>> {
        if !self.input[at..].starts_with(literal) {
            return None;
        }
        self.end_value(at + literal.len())
    }

    /// The first byte from here on that is not white space, and where it is.
    #[inline(always)]
    fn token(&mut self, at: usize) -> Option<(usize, u8)> {
        let byte = *self.input.get(at)?;
        // What else is below a space begins no token.
        if byte > b' ' {
            return Some((at, byte));
        }
        self.token_behind_white_space(at)
    }

    #[inline(never)]
    fn token_behind_white_space(&mut self, at: usize) -> Option<(usize, u8)> {
        let end = at + text::white_space_length(&self.input[at..]);
        self.written.replace(at..end);
        Some((end, *self.input.get(end)?))
    }
}
