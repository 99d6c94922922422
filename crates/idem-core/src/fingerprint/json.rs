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
    members::{Member, Span, sort},
    nested::Nested,
    number, text,
    written::Written,
};

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
    let text = scanner.written.finish();
    if scanner.nested.is_empty() {
        return Some(text);
    }
    Some(Cow::Owned(scanner.nested.sort(&text)))
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
#[derive(Clone, Copy)]
struct Container {
    closing: u8,
    in_order: bool,
    holds: Holds,
    /// Where the members of an object begin among those of all open objects.
    first_member: u32,
}

/// What a container holds of objects whose members came out of order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Holds {
    None,
    /// They stand sorted in the text already.
    Sorted,
    /// Some are to be sorted in the end.
    Deferred,
}

/// Reads the payload. Its position is handed from call to call instead of kept here, and what most
/// payloads need is inlined into one loop: so the compiler holds the position in a register.
struct Scanner<'a> {
    input: &'a [u8],
    written: Written<'a>,
    open: Vec<Container>,
    /// The members of all open objects, the innermost last.
    members: Vec<Member>,
    nested: Nested,
}

impl<'a> Scanner<'a> {
    fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            written: Written::new(input),
            open: Vec::with_capacity(16),
            members: Vec::with_capacity(32),
            nested: Nested::default(),
        }
    }

    fn scan(&mut self) -> Option<()> {
        let mut next = Some(0);
        while let Some(at) = next {
            let at = self.skip_white_space(at);
            next = match self.peek(at)? {
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
        while let Some(container) = self.open.last() {
            let closing = container.closing;
            at = self.skip_white_space(at);
            match self.peek(at)? {
                b',' if closing == b'}' => return self.name(at + 1).map(Some),
                b',' => return Some(Some(at + 1)),
                byte if byte == closing => at = self.close(at)?,
                _ => return None,
            }
        }
        (at == self.input.len()).then_some(None)
    }

    #[inline]
    fn open_object(&mut self, at: usize) -> Option<Option<usize>> {
        let at = self.push(at, b'}')?;
        if self.peek(at)? == b'}' {
            let at = self.close(at)?;
            return self.end_value(at);
        }
        self.name(at).map(Some)
    }

    #[inline]
    fn open_array(&mut self, at: usize) -> Option<Option<usize>> {
        let at = self.push(at, b']')?;
        if self.peek(at)? == b']' {
            let at = self.close(at)?;
            return self.end_value(at);
        }
        Some(Some(at))
    }

    #[inline]
    fn push(&mut self, at: usize, closing: u8) -> Option<usize> {
        if self.open.len() == MAX_DEPTH {
            return None;
        }
        self.open.push(Container {
            closing,
            in_order: true,
            holds: Holds::None,
            first_member: self.members.len() as u32,
        });
        Some(self.skip_white_space(at + 1))
    }

    #[inline]
    fn close(&mut self, at: usize) -> Option<usize> {
        let mut closed = self.open.pop()?;
        if !closed.in_order {
            self.sort(&mut closed, at)?;
        }
        self.members.truncate(closed.first_member as usize);
        if let Some(around) = self.open.last_mut() {
            around.holds = around.holds.max(closed.holds);
        }
        Some(at + 1)
    }

    /// Sorts an object that came out of order, and looks for duplicates.
    ///
    /// It is written sorted at once if nothing in it was: so no byte is moved more than once,
    /// however deep objects are nested. Those around it are written in one more pass.
    #[inline(never)]
    fn sort(&mut self, object: &mut Container, end: usize) -> Option<()> {
        let members = &mut self.members[object.first_member as usize..];
        let end = self.written.offset(end) as u32;
        let span = Span {
            // The text has no white space: the brace stands right before the first name.
            start: members.first()?.start,
            end,
        };
        Member::set_ends(members, end);
        sort(&self.written, members)?;
        if object.holds == Holds::None {
            object.holds = Holds::Sorted;
            self.written.permute(span, members);
        } else {
            self.nested
                .defer(span, members, object.holds == Holds::Deferred);
            object.holds = Holds::Deferred;
        }
        Some(())
    }

    /// Reads a member's name and its colon.
    #[inline(always)]
    fn name(&mut self, at: usize) -> Option<usize> {
        let at = self.skip_white_space(at);
        if self.peek(at)? != b'"' {
            return None;
        }
        let start = self.written.offset(at);
        let end = self.string(at)?;
        let name_end = self.written.offset(end);
        let at = self.skip_white_space(end);
        if self.peek(at)? != b':' {
            return None;
        }
        self.add_member(start, name_end)?;
        Some(at + 1)
    }

    #[inline]
    fn add_member(&mut self, start: usize, name_end: usize) -> Option<()> {
        let member = Member::new(&self.written, start, name_end);
        let object = self.open.last_mut()?;
        if let Some(previous) = self.members[object.first_member as usize..].last() {
            match previous.compare(member, &self.written) {
                Ordering::Less => {}
                Ordering::Equal => return None,
                Ordering::Greater => object.in_order = false,
            }
        }
        self.members.push(member);
        Some(())
    }

    #[inline(always)]
    fn string(&mut self, at: usize) -> Option<usize> {
        let at = at + 1;
        let end = at + text::plain_length(&self.input[at..]);
        match *self.input.get(end)? {
            b'"' => Some(end + 1),
            b'\\' => self.string_with_escapes(end),
            _ => None,
        }
    }

    /// Reads the rest of a string, from its first escape on.
    #[inline(never)]
    fn string_with_escapes(&mut self, mut at: usize) -> Option<usize> {
        let mut rewrote = false;
        loop {
            match *self.input.get(at)? {
                b'"' => break,
                b'\\' => at += self.escape(at, &mut rewrote)?,
                _ => return None,
            }
            at += text::plain_length(&self.input[at..]);
        }
        at += 1;
        if rewrote {
            // A name must stand in one piece, to be compared.
            self.written.copy_up_to(at);
        }
        Some(at)
    }

    /// Reads an escape and answers its length; notes whether its canonical spelling is another.
    fn escape(&mut self, at: usize, rewrote: &mut bool) -> Option<usize> {
        let escape = &self.input[at..];
        let (character, length) = text::unescape(escape)?;
        let mut buffer = [0; 6];
        let spelled = text::spell(character, &mut buffer);
        if spelled != &escape[..length] {
            self.written.replace(at..at + length, spelled);
            *rewrote = true;
        }
        Some(length)
    }

    #[inline(always)]
    fn number(&mut self, at: usize) -> Option<usize> {
        let number = number::read(&self.input[at..])?;
        let end = at + number.length;
        if let Some(value) = number.rewritten {
            self.written.replace_by(at..end, |text| value.write(text));
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

    #[inline]
    fn skip_white_space(&mut self, at: usize) -> usize {
        match self.input.get(at) {
            Some(&byte) if text::is_white_space(byte) => self.drop_white_space(at),
            _ => at,
        }
    }

    #[inline(never)]
    fn drop_white_space(&mut self, at: usize) -> usize {
        let end = at + text::white_space_length(&self.input[at..]);
        self.written.replace(at..end, b"");
        end
    }

    #[inline]
    fn peek(&self, at: usize) -> Option<u8> {
        self.input.get(at).copied()
    }
}
