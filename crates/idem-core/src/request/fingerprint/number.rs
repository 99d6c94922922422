//! JSON numbers by their exact decimal value: `1`, `1.0` and `1e0` are one, and no float is used.

/// A number is written plainly with up to so many digits before the point, and up to so many zeros that only say where the
/// point is.
///
/// It bounds what an exponent can blow up (`1e6` becomes 7 bytes, `1e7` stays short), and lets the numbers that clients
/// send, nearly all of 64 bits included, be their own canonical form.
const PLAIN_DIGITS: usize = 20;
const PLAIN_ZEROS: usize = 6;

/// The longest exponent that is read, in digits without leading zeros.
const EXPONENT_DIGITS: u32 = 17;

/// The length of the number that the text begins with, if it is digits alone and canonical.
#[inline(always)]
pub(super) fn whole_length(text: &[u8]) -> Option<usize> {
    let (digits, end) = digits(text, 0)?;
    let is_canonical = is_plain(digits) && (digits[0] != b'0' || end == 1);
    let goes_on = matches!(text.get(end), Some(b'.' | b'e' | b'E'));
    (is_canonical && !goes_on).then_some(end)
}

/// A number taken apart along the grammar.
pub(super) struct Number<'a> {
    /// How many bytes it takes.
    pub(super) length: usize,
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: Option<i64>,
}

impl<'a> Number<'a> {
    /// Reads the number that the text begins with.
    ///
    /// `None` if it is not a JSON number (RFC 8259, section 6) or if its exponent is too long.
    #[inline(always)]
    pub(super) fn read(text: &'a [u8]) -> Option<Self> {
        let negative = *text.first()? == b'-';
        let (whole, mut at) = digits(text, usize::from(negative))?;
        if whole.len() > 1 && whole[0] == b'0' {
            return None;
        }
        let mut fraction = &text[..0];
        if text.get(at) == Some(&b'.') {
            (fraction, at) = digits(text, at + 1)?;
        }
        let mut exponent = None;
        if let Some(b'e' | b'E') = text.get(at) {
            let (value, end) = read_exponent(text, at + 1)?;
            (exponent, at) = (Some(value), end);
        }
        Some(Self {
            length: at,
            negative,
            whole,
            fraction,
            exponent,
        })
    }

    /// Whether the number is in canonical form as it came, which nearly all are.
    #[inline(always)]
    pub(super) fn is_canonical(&self) -> bool {
        if self.exponent.is_some() {
            return false;
        }
        match self.fraction {
            [] => is_plain(self.whole) && !(self.negative && self.whole == b"0"),
            [.., b'0'] => false,
            fraction if self.whole == b"0" => leading_zeros(fraction) <= PLAIN_ZEROS,
            _ => self.whole.len() <= PLAIN_DIGITS,
        }
    }

    /// Writes the canonical form: plainly where that is short, else as `d.ddde±x`.
    ///
    /// Each value has one form, and minus zero is zero.
    pub(super) fn write(&self, text: &mut Vec<u8>) {
        let (whole, fraction, point) = self.value();
        if whole.is_empty() && fraction.is_empty() {
            return text.push(b'0');
        }
        if self.negative {
            text.push(b'-');
        }
        if (-(PLAIN_ZEROS as i64)..=0).contains(&point) {
            text.extend_from_slice(b"0.");
            text.resize(text.len() + point.unsigned_abs() as usize, b'0');
            text.extend_from_slice(whole);
            return text.extend_from_slice(fraction);
        }
        let zeros = point - (whole.len() + fraction.len()) as i64;
        let is_plain = (1..=PLAIN_DIGITS as i64).contains(&point) && zeros <= PLAIN_ZEROS as i64;
        let point_at = text.len() + if is_plain { point as usize } else { 1 };
        text.extend_from_slice(whole);
        text.extend_from_slice(fraction);
        if text.len() > point_at {
            text.insert(point_at, b'.');
        } else {
            text.resize(point_at, b'0');
        }
        if !is_plain {
            text.push(b'e');
            write_whole(point - 1, text);
        }
    }

    /// The value as `0.DIGITS × 10^point`. The digits come in two pieces, without zeros at either end.
    fn value(&self) -> (&'a [u8], &'a [u8], i64) {
        let (mut whole, mut fraction) = (self.whole, self.fraction);
        let mut point = whole.len() as i64;
        if whole == b"0" {
            let zeros = leading_zeros(fraction);
            (whole, fraction) = (b"", &fraction[zeros..]);
            point = -(zeros as i64);
        }
        fraction = without_zeros_behind(fraction);
        if fraction.is_empty() {
            whole = without_zeros_behind(whole);
        }
        let exponent = self.exponent.unwrap_or(0);
        (whole, fraction, point.saturating_add(exponent))
    }
}

/// Whether a whole number of these digits is written plainly.
#[inline(always)]
fn is_plain(digits: &[u8]) -> bool {
    digits.len() <= PLAIN_ZEROS + 1
        || digits.len() <= PLAIN_DIGITS && !digits.ends_with(&[b'0'; PLAIN_ZEROS + 1])
}

/// The digits from `start` on, at least one, and where they end.
#[inline(always)]
fn digits(text: &[u8], start: usize) -> Option<(&[u8], usize)> {
    let mut end = start;
    while text.get(end).is_some_and(u8::is_ascii_digit) {
        end += 1;
    }
    (end > start).then(|| (&text[start..end], end))
}

/// Writes a whole number as `write!` does, whose call takes longer than all else about a short number.
fn write_whole(number: i64, text: &mut Vec<u8>) {
    if number < 0 {
        text.push(b'-');
    }
    let mut digits = [0; 20];
    let (mut start, mut rest) = (digits.len(), number.unsigned_abs());
    while rest > 0 || start == digits.len() {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    text.extend_from_slice(&digits[start..]);
}

fn leading_zeros(digits: &[u8]) -> usize {
    digits.iter().take_while(|digit| **digit == b'0').count()
}

fn without_zeros_behind(mut digits: &[u8]) -> &[u8] {
    while let [rest @ .., b'0'] = digits {
        digits = rest;
    }
    digits
}

/// Reads an exponent from `at` on, behind its `e`; answers it, and where it ends.
fn read_exponent(text: &[u8], at: usize) -> Option<(i64, usize)> {
    const TOO_LONG: i64 = 10_i64.pow(EXPONENT_DIGITS);
    let sign = *text.get(at)?;
    let (digits, end) = digits(text, at + usize::from(matches!(sign, b'+' | b'-')))?;
    let value = digits.iter().try_fold(0, |value, digit| {
        let value = 10 * value + i64::from(digit - b'0');
        (value < TOO_LONG).then_some(value)
    })?;
    Some((if sign == b'-' { -value } else { value }, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> Option<String> {
        let number = Number::read(text.as_bytes())?;
        assert_eq!(number.length, text.len());
        let mut written = Vec::new();
        number.write(&mut written);
        assert_eq!(
            number.is_canonical(),
            written == text.as_bytes() && number.exponent.is_none()
        );
        Some(String::from_utf8(written).unwrap())
    }

    #[test]
    fn each_value_has_one_form() {
        for (form, spellings) in [
            ("0", ["0", "-0", "0.000", "0e17"].as_slice()),
            ("1", &["1", "1.0", "1e0", "10e-1", "0.1E+1", "1e-0"]),
            ("-12.5", &["-12.5", "-12.50", "-125e-1"]),
            ("100", &["100", "1e2", "100.00"]),
            ("0.001", &["0.001", "1e-3", "0.0010"]),
            ("0.0000001", &["0.0000001", "1e-7"]),
            ("1e-8", &["0.00000001", "1e-8", "0.1e-7"]),
            ("1000000", &["1e6", "1000000", "0.1e7"]),
            ("1e7", &["1e7", "10000000", "10000000.0", "10.00e6"]),
            ("1.2e8", &["12e7", "1.2e8", "120000000", "1.20e8"]),
            (
                "-12345678901234000000",
                &["-12345678901234e6", "-12345678901234000000"],
            ),
            (
                "1.23456789012345e20",
                &["123456789012345e6", "123456789012345000000"],
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

    #[test]
    fn what_is_not_a_json_number_is_not_read() {
        for text in [
            "", "-", "01", "-01", "1.", ".5", "+1", "1e", "1e+", "1.e1", "-e1",
        ] {
            assert!(Number::read(text.as_bytes()).is_none(), "{text}");
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
    fn whole_numbers_are_written_in_full() {
        for number in [0, 7, 10, -1, 20, -99, i64::MAX, i64::MIN] {
            let mut written = Vec::new();
            write_whole(number, &mut written);
            assert_eq!(written, number.to_string().into_bytes());
        }
    }

    #[test]
    fn only_the_number_itself_is_taken() {
        assert_eq!(Number::read(b"17,").unwrap().length, 2);
        assert_eq!(Number::read(b"1.50]").unwrap().length, 4);
    }
}
