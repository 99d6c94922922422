//! What a JSON payload means, read in the plainest way: recursive, slow, a character at a time.
//!
//! It shares no idea with the code under test: that one compares canonical texts, this one trees.

use std::collections::BTreeMap;

const MAX_DEPTH: usize = 128;
const MAX_EXPONENT_DIGITS: usize = 17;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Tree {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    Array(Vec<Tree>),
    Object(BTreeMap<String, Tree>),
}

/// `digits × 10^exponent`, with no zero at either end of the digits; zero has no digits at all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Number {
    pub(crate) negative: bool,
    pub(crate) digits: String,
    pub(crate) exponent: i128,
}

/// Why a payload counts by its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Syntax,
    RepeatedMember,
    TooDeep,
    LongExponent,
}

/// What counts of a payload that is labelled JSON.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Meaning {
    Json(Tree),
    Bytes(Vec<u8>),
}

pub(crate) fn meaning(payload: &[u8]) -> Meaning {
    match read(payload) {
        Ok(tree) => Meaning::Json(tree),
        Err(_) => Meaning::Bytes(payload.to_vec()),
    }
}

pub(crate) fn read(payload: &[u8]) -> Result<Tree, Refusal> {
    let text = std::str::from_utf8(payload).map_err(|_| Refusal::Syntax)?;
    let mut reader = Reader {
        text: text.chars().collect(),
        at: 0,
    };
    let tree = reader.element(0)?;
    match reader.peek() {
        None => Ok(tree),
        Some(_) => Err(Refusal::Syntax),
    }
}

struct Reader {
    text: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Result<char, Refusal> {
        let character = self.peek().ok_or(Refusal::Syntax)?;
        self.at += 1;
        Ok(character)
    }

    fn take(&mut self, character: char) -> bool {
        let found = self.peek() == Some(character);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, character: char) -> Result<(), Refusal> {
        self.take(character).then_some(()).ok_or(Refusal::Syntax)
    }

    fn white_space(&mut self) {
        while self.take(' ') || self.take('\t') || self.take('\n') || self.take('\r') {}
    }

    fn element(&mut self, depth: usize) -> Result<Tree, Refusal> {
        self.white_space();
        let value = self.value(depth)?;
        self.white_space();
        Ok(value)
    }

    fn value(&mut self, depth: usize) -> Result<Tree, Refusal> {
        match self.peek() {
            Some('{' | '[') if depth == MAX_DEPTH => Err(Refusal::TooDeep),
            Some('{') => self.object(depth + 1),
            Some('[') => self.array(depth + 1),
            Some('"') => self.string().map(Tree::Text),
            Some('t') => self.word("true", Tree::Bool(true)),
            Some('f') => self.word("false", Tree::Bool(false)),
            Some('n') => self.word("null", Tree::Null),
            _ => self.number().map(Tree::Number),
        }
    }

    fn word(&mut self, word: &str, tree: Tree) -> Result<Tree, Refusal> {
        for character in word.chars() {
            self.expect(character)?;
        }
        Ok(tree)
    }

    fn array(&mut self, depth: usize) -> Result<Tree, Refusal> {
        self.expect('[')?;
        self.white_space();
        if self.take(']') {
            return Ok(Tree::Array(Vec::new()));
        }
        let mut elements = vec![self.element(depth)?];
        while self.take(',') {
            elements.push(self.element(depth)?);
        }
        self.expect(']')?;
        Ok(Tree::Array(elements))
    }

    fn object(&mut self, depth: usize) -> Result<Tree, Refusal> {
        let mut members = BTreeMap::new();
        self.expect('{')?;
        self.white_space();
        if self.take('}') {
            return Ok(Tree::Object(members));
        }
        loop {
            let (name, value) = self.member(depth)?;
            if members.insert(name, value).is_some() {
                return Err(Refusal::RepeatedMember);
            }
            if !self.take(',') {
                break;
            }
        }
        self.expect('}')?;
        Ok(Tree::Object(members))
    }

    fn member(&mut self, depth: usize) -> Result<(String, Tree), Refusal> {
        self.white_space();
        let name = self.string()?;
        self.white_space();
        self.expect(':')?;
        Ok((name, self.element(depth)?))
    }

    /// Reads a string as UTF-16, which is what `\u` escapes are about: pairs join by themselves,
    /// and lone surrogates are found at the end.
    fn string(&mut self) -> Result<String, Refusal> {
        let mut units = Vec::new();
        self.expect('"')?;
        loop {
            match self.next()? {
                '"' => return String::from_utf16(&units).map_err(|_| Refusal::Syntax),
                '\\' => units.push(self.escape()?),
                '\0'..='\u{1f}' => return Err(Refusal::Syntax),
                character => units.extend_from_slice(character.encode_utf16(&mut [0; 2])),
            }
        }
    }

    fn escape(&mut self) -> Result<u16, Refusal> {
        match self.next()? {
            character @ ('"' | '\\' | '/') => Ok(character as u16),
            'b' => Ok(0x08),
            't' => Ok(0x09),
            'n' => Ok(0x0a),
            'f' => Ok(0x0c),
            'r' => Ok(0x0d),
            'u' => self.hexadecimal(),
            _ => Err(Refusal::Syntax),
        }
    }

    fn hexadecimal(&mut self) -> Result<u16, Refusal> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.next()?.to_digit(16).ok_or(Refusal::Syntax)?;
            unit = unit * 16 + digit as u16;
        }
        Ok(unit)
    }

    /// Reads all that could be of a number: none of these characters may follow a number.
    fn number(&mut self) -> Result<Number, Refusal> {
        let begin = self.at;
        while self.peek().is_some_and(|c| "+-.0123456789eE".contains(c)) {
            self.at += 1;
        }
        let text: String = self.text[begin..self.at].iter().collect();
        Number::read(&text)
    }
}

impl Number {
    pub(crate) fn read(text: &str) -> Result<Self, Refusal> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(unsigned) => (true, unsigned),
            None => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, digits(fraction)?),
            None => (mantissa, ""),
        };
        if digits(whole)?.starts_with('0') && whole != "0" {
            return Err(Refusal::Syntax);
        }
        let exponent = exponent - fraction.len() as i128;
        Ok(Self::new(negative, &format!("{whole}{fraction}"), exponent))
    }

    pub(crate) fn new(negative: bool, digits: &str, exponent: i128) -> Self {
        let significant = digits.trim_end_matches('0');
        let zeros = digits.len() - significant.len();
        let significant = significant.trim_start_matches('0');
        let is_zero = significant.is_empty();
        Self {
            negative: negative && !is_zero,
            digits: significant.to_owned(),
            exponent: if is_zero { 0 } else { exponent + zeros as i128 },
        }
    }
}

fn digits(text: &str) -> Result<&str, Refusal> {
    let valid = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    valid.then_some(text).ok_or(Refusal::Syntax)
}

fn read_exponent(text: &str) -> Result<i128, Refusal> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let significant = digits(unsigned)?.trim_start_matches('0');
    if significant.len() > MAX_EXPONENT_DIGITS {
        return Err(Refusal::LongExponent);
    }
    let value = format!("0{significant}").parse().unwrap_or(0);
    Ok(if text.starts_with('-') { -value } else { value })
}
