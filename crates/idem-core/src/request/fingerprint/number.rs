//! JSON numbers by their exact decimal value: `1`, `1.0` and `1e0` are one, and no float is used.

use std::ops::Range;

use super::written::{CHUNK, Written};

mod short;

/// Up to this many digits before the point, and zeros after it, a number is written plainly.
///
/// It bounds what an exponent can blow up (`1e19` becomes 20 bytes, `1e20` stays short), and lets
/// the numbers that clients send, those of 64 bits included, be their own canonical form.
const PLAIN_DIGITS: i64 = 20;
const PLAIN_ZEROS: i64 = 8;

/// The longest exponent that is read, in digits without leading zeros.
const EXPONENT_DIGITS: u32 = 17;

/// More than are ever written in one place: what is appended in whole chunks is appended fastest.
const ZEROS: [u8; CHUNK] = [b'0'; CHUNK];

/// The length of the number that the text begins with, if that is a short whole one: most are, and
/// these are canonical as they stand.
#[inline(always)]
pub(super) fn short_whole_length(text: &[u8]) -> Option<usize> {
    let start = usize::from(*text.first()? == b'-');
    let end = digits_end(text, start);
    let is_plain = match *text.get(start)? {
        b'0' => end == 1,
        _ => end > start && end <= start + PLAIN_DIGITS as usize,
    };
    let ends = !matches!(text.get(end), Some(b'.' | b'e' | b'E'));
    (is_plain && ends).then_some(end)
}

/// A number taken apart along the grammar.
///
/// It is read, asked and, if it is short, written in one function, into which these methods are
/// inlined: handed on as a value it would be written to memory by the field and read back as a whole,
/// and wait for that.
pub(super) struct Number<'a> {
    /// How many bytes it takes.
    pub(super) length: usize,
    negative: bool,
    digits: Digits<'a>,
    exponent: Option<i64>,
}

impl<'a> Number<'a> {
    /// Reads the number that the text begins with.
    ///
    /// `None` if it is no JSON number (RFC 8259, section 6) or if its exponent is beyond reason.
    #[inline(always)]
    pub(super) fn read(text: &'a [u8]) -> Option<Self> {
        let negative = *text.first()? == b'-';
        let whole = digits_from(text, usize::from(negative));
        if whole.is_empty() || (whole.len() > 1 && text[whole.start] == b'0') {
            return None;
        }
        let mut at = whole.end;
        let mut fraction = at..at;
        if text.get(at) == Some(&b'.') {
            fraction = digits_from(text, at + 1);
            at = fraction.end;
            if fraction.is_empty() {
                return None;
            }
        }
        let mut exponent = None;
        if let Some(b'e' | b'E') = text.get(at) {
            let (value, end) = read_exponent(text, at + 1)?;
            (exponent, at) = (Some(value), end);
        }
        Some(Self {
            length: at,
            negative,
            digits: Digits {
                text,
                whole,
                fraction,
            },
            exponent,
        })
    }

    /// Whether the number is in canonical form for certain, which prices and the like are.
    #[inline(always)]
    pub(super) fn is_canonical(&self) -> bool {
        if self.exponent.is_some() {
            return false;
        }
        let (whole, fraction) = (self.digits.whole(), self.digits.fraction());
        let is_plain = match whole {
            b"0" => count_zeros(fraction) as i64 <= PLAIN_ZEROS,
            whole => whole.len() as i64 <= PLAIN_DIGITS,
        };
        let last = fraction.last().or(whole.first());
        is_plain && last != Some(&b'0')
    }

    /// Writes the canonical form of a short number, and answers its length; `None` if it is none.
    #[inline(always)]
    pub(super) fn write_short(&self, room: &mut [u8; CHUNK]) -> Option<usize> {
        let Digits {
            text,
            whole,
            fraction,
        } = &self.digits;
        let digits = short::Digits::read(text, whole, fraction)?;
        digits.write(self.negative, self.exponent.unwrap_or(0), room)
    }

    /// `None` if its exponent is beyond reason.
    pub(super) fn value(self) -> Option<Value<'a>> {
        let mut digits = self.digits;
        digits.whole.start += count_zeros(digits.whole());
        let mut point = i64::try_from(digits.whole.len()).ok()?;
        if digits.whole.is_empty() {
            let zeros = count_zeros(digits.fraction());
            digits.fraction.start += zeros;
            point = -i64::try_from(zeros).ok()?;
        }
        while let [.., b'0'] = digits.fraction() {
            digits.fraction.end -= 1;
        }
        if digits.fraction.is_empty() {
            while let [.., b'0'] = digits.whole() {
                digits.whole.end -= 1;
            }
        }
        Some(Value {
            negative: self.negative,
            digits,
            point: self.exponent.unwrap_or(0).checked_add(point)?,
        })
    }
}

/// The value `0.DIGITS × 10^point`, whose digits have no zeros at either end; none at all are zero.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Value<'a> {
    negative: bool,
    digits: Digits<'a>,
    point: i64,
}

/// Digits before and after a point, as pieces of a text.
#[derive(Debug, PartialEq, Eq)]
struct Digits<'a> {
    text: &'a [u8],
    whole: Range<usize>,
    fraction: Range<usize>,
}

impl Value<'_> {
    /// Writes the value plainly where that is short, else as `d.ddde±x`. Each value has one form,
    /// and minus zero is zero.
    pub(super) fn write(&self, written: &mut Written<'_>) {
        if self.digits.length() == 0 {
            return written.append(&ZEROS, 0..1);
        }
        if self.negative {
            written.append(&[b'-'; CHUNK], 0..1);
        }
        match self.point {
            1..=PLAIN_DIGITS => self.digits.write(self.point as usize, written),
            _ if (-PLAIN_ZEROS..=0).contains(&self.point) => {
                let zeros = self.point.unsigned_abs() as usize;
                written.append(&ZEROS, 0..1);
                written.append(&[b'.'; CHUNK], 0..1);
                written.append(&ZEROS, 0..zeros);
                self.digits.write_pieces(0..self.digits.length(), written);
            }
            _ => {
                self.digits.write(1, written);
                let exponent = format!("e{}", self.point - 1);
                written.append(exponent.as_bytes(), 0..exponent.len());
            }
        }
    }
}

impl<'a> Digits<'a> {
    fn whole(&self) -> &'a [u8] {
        &self.text[self.whole.clone()]
    }

    fn fraction(&self) -> &'a [u8] {
        &self.text[self.fraction.clone()]
    }

    fn length(&self) -> usize {
        self.whole.len() + self.fraction.len()
    }

    /// Writes the digits with the point after the first `count` of them, or with zeros up to it.
    fn write(&self, count: usize, written: &mut Written<'_>) {
        let length = self.length();
        if length <= count {
            self.write_pieces(0..length, written);
            return written.append(&ZEROS, 0..count - length);
        }
        self.write_pieces(0..count, written);
        written.append(&[b'.'; CHUNK], 0..1);
        self.write_pieces(count..length, written);
    }

    /// Writes some of the digits, counted through both pieces.
    fn write_pieces(&self, range: Range<usize>, written: &mut Written<'_>) {
        let (whole, fraction) = (self.whole.clone(), self.fraction.clone());
        let in_whole = |digit: usize| whole.start + digit.min(whole.len());
        let in_fraction = |digit: usize| fraction.start + digit.saturating_sub(whole.len());
        let pieces = [
            in_whole(range.start)..in_whole(range.end),
            in_fraction(range.start)..in_fraction(range.end),
        ];
        for piece in pieces {
            written.append(self.text, piece);
        }
    }
}

fn digits_from(text: &[u8], at: usize) -> Range<usize> {
    at..digits_end(text, at)
}

/// Where the digits end that begin at a byte, if there are any.
#[inline(always)]
fn digits_end(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}

fn count_zeros(digits: &[u8]) -> usize {
    digits.iter().take_while(|&&digit| digit == b'0').count()
}

/// Reads an exponent that begins at a byte; answers it, and where it ends.
#[inline(always)]
fn read_exponent(text: &[u8], at: usize) -> Option<(i64, usize)> {
    const TOO_LONG: i64 = 10_i64.pow(EXPONENT_DIGITS);
    let sign = *text.get(at)?;
    let start = at + usize::from(matches!(sign, b'+' | b'-'));
    let mut end = start;
    let mut value = 0;
    while let Some(digit @ b'0'..=b'9') = text.get(end) {
        value = 10 * value + i64::from(digit - b'0');
        if value >= TOO_LONG {
            return None;
        }
        end += 1;
    }
    let exponent = if sign == b'-' { -value } else { value };
    (end > start).then_some((exponent, end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn canonical(text: &str) -> Option<String> {
        let text = text.as_bytes();
        let number = Number::read(text)?;
        assert_eq!(number.length, text.len());
        if short_whole_length(text).is_some() || number.is_canonical() {
            return Some(String::from_utf8_lossy(text).into_owned());
        }
        let mut written = Written::new(b"");
        number.value()?.write(&mut written);
        let canonical = String::from_utf8(written.finish().into_owned()).unwrap();
        if let Some(short) = short_form(text) {
            assert_eq!(short, canonical);
        }
        Some(canonical)
    }

    fn short_form(text: &[u8]) -> Option<String> {
        // What is read by the word does not stand where a payload ends.
        let longer = [text, b"]]]]]]]]"].concat();
        let mut room = [b'?'; CHUNK];
        let length = Number::read(&longer)?.write_short(&mut room)?;
        Some(String::from_utf8(room[..length].to_vec()).unwrap())
    }

    #[test]
    fn each_value_has_one_form() {
        for (form, spellings) in [
            ("0", ["0", "-0", "0.000", "0e17"].as_slice()),
            ("1", &["1", "1.0", "1e0", "10e-1", "0.1E+1", "1e-0"]),
            ("-12.5", &["-12.5", "-12.50", "-125e-1"]),
            ("100", &["100", "1e2", "100.00"]),
            ("0.001", &["0.001", "1e-3", "0.0010"]),
            ("1e-10", &["0.0000000001", "1e-10"]),
            (
                "12000000000000000000",
                &["12e18", "1.2e19", "12000000000000000000"],
            ),
            (
                "1.2e20",
                &["12e19", "1.2e20", "120000000000000000000", "1.20e20"],
            ),
            (
                "-18446744073709551615",
                &["-18446744073709551615", "-1.8446744073709551615e19"],
            ),
            (
                "9007199254740993",
                &["9007199254740993", "9007199254740993.0"],
            ),
            ("1e400", &["1e400", "10e399"]),
        ] {
            for spelling in spellings {
                assert_eq!(canonical(spelling).as_deref(), Some(form), "{spelling}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_short_number_has_the_form_that_any_number_has(
            number in "-?(0|[1-9][0-9]{0,8}|[1-9]0{0,8})(\\.[0-9]{1,8}|\\.0{0,7}[0-9])?([eE][+-]?0?[0-9]{1,3})?",
        ) {
            canonical(&number);
        }
    }

    #[test]
    fn short_numbers_are_written_in_one_chunk() {
        for number in [
            "1e-5",
            "-0.0",
            "150e-1",
            "1.50",
            "-1e19",
            "1e20",
            "-1.25e-99",
        ] {
            assert!(short_form(number.as_bytes()).is_some(), "{number}");
        }
    }

    #[test]
    fn what_is_no_json_number_is_not_read() {
        for text in [
            "", "-", "01", "-01", "1.", ".5", "+1", "1e", "1e+", "1.e1", "-e1",
        ] {
            assert!(Number::read(text.as_bytes()).is_none(), "{text}");
            assert_eq!(short_whole_length(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn an_exponent_beyond_reason_is_not_read() {
        assert_eq!(
            canonical("1e99999999999999999").as_deref(),
            Some("1e99999999999999999")
        );
        assert_eq!(canonical("1e100000000000000000"), None);
        assert_eq!(canonical(&format!("1e{}", "9".repeat(100_000))), None);
        assert_eq!(
            canonical(&format!("1e{}1", "0".repeat(100_000))).as_deref(),
            Some("10")
        );
    }

    #[test]
    fn only_the_number_itself_is_taken() {
        assert_eq!(short_whole_length(b"17,"), Some(2));
        assert_eq!(short_whole_length(b"1.50]"), None);
        assert_eq!(Number::read(b"17,").unwrap().length, 2);
        assert_eq!(Number::read(b"1.50]").unwrap().length, 4);
    }
}
