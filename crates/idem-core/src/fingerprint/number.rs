//! JSON numbers by their exact decimal value: `1`, `1.0` and `1e0` are one, and no float is used.

/// Up to this many digits before the point, and zeros after it, a number is written plainly.
///
/// It bounds what an exponent can blow up (`1e40` becomes 41 bytes, `1e41` stays short), and lets
/// the numbers that clients send be their own canonical form.
const PLAIN_DIGITS: i64 = 40;
const PLAIN_ZEROS: i64 = 8;

/// The longest exponent that is read, in digits without leading zeros.
const EXPONENT_DIGITS: usize = 17;

/// A number found at the start of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Number<'a> {
    /// How many bytes it takes there.
    pub(super) length: usize,
    /// Its value, where the text is not known to be its canonical form.
    pub(super) rewritten: Option<Value<'a>>,
}

/// Reads the number that the text begins with.
///
/// `None` if it is no JSON number (RFC 8259, section 6) or if its exponent is beyond reason.
#[inline]
pub(super) fn read(text: &[u8]) -> Option<Number<'_>> {
    let digits = count_digits(text);
    let ends = !matches!(text.get(digits), Some(b'.' | b'e' | b'E'));
    // Most numbers in payloads are short whole ones, which are canonical as they stand.
    if ends && (digits == 1 || (digits > 1 && digits as i64 <= PLAIN_DIGITS && text[0] != b'0')) {
        return Some(Number {
            length: digits,
            rewritten: None,
        });
    }
    read_any(text)
}

#[inline(never)]
fn read_any(text: &[u8]) -> Option<Number<'_>> {
    let parts = Parts::read(text)?;
    let rewritten = match parts.is_canonical() {
        true => None,
        false => Some(parts.value()?),
    };
    Some(Number {
        length: parts.length,
        rewritten,
    })
}

/// A number taken apart along the grammar.
struct Parts<'a> {
    length: usize,
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: Option<i64>,
}

impl<'a> Parts<'a> {
    fn read(text: &'a [u8]) -> Option<Self> {
        let negative = text.first() == Some(&b'-');
        let mut at = usize::from(negative);
        let whole = &text[at..at + count_digits(&text[at..])];
        at += whole.len();
        if whole.is_empty() || (whole.len() > 1 && whole[0] == b'0') {
            return None;
        }
        let mut fraction = &text[at..at];
        if text.get(at) == Some(&b'.') {
            at += 1;
            fraction = &text[at..at + count_digits(&text[at..])];
            at += fraction.len();
            if fraction.is_empty() {
                return None;
            }
        }
        let mut exponent = None;
        if let Some(b'e' | b'E') = text.get(at) {
            at += 1;
            let sign = text
                .get(at)
                .copied()
                .filter(|byte| matches!(byte, b'+' | b'-'));
            at += usize::from(sign.is_some());
            let digits = &text[at..at + count_digits(&text[at..])];
            at += digits.len();
            let value = read_exponent(digits)?;
            exponent = Some(if sign == Some(b'-') { -value } else { value });
        }
        Some(Self {
            length: at,
            negative,
            whole,
            fraction,
            exponent,
        })
    }

    /// Whether the number is in canonical form for certain, which prices and the like are.
    fn is_canonical(&self) -> bool {
        let is_plain = match self.whole {
            b"0" => count_zeros(self.fraction) as i64 <= PLAIN_ZEROS,
            whole => whole.len() as i64 <= PLAIN_DIGITS,
        };
        let last = self.fraction.last().or(self.whole.first());
        self.exponent.is_none() && is_plain && last != Some(&b'0')
    }

    /// `None` if its exponent is beyond reason.
    fn value(&self) -> Option<Value<'a>> {
        let zeros = count_zeros(self.whole);
        let mut whole = &self.whole[zeros..];
        let mut fraction = self.fraction;
        let mut point = i64::try_from(whole.len()).ok()?;
        if whole.is_empty() {
            let zeros = count_zeros(fraction);
            fraction = &fraction[zeros..];
            point = -i64::try_from(zeros).ok()?;
        }
        while let [rest @ .., b'0'] = fraction {
            fraction = rest;
        }
        if fraction.is_empty() {
            while let [rest @ .., b'0'] = whole {
                whole = rest;
            }
        }
        Some(Value {
            negative: self.negative,
            digits: Digits { whole, fraction },
            point: self.exponent.unwrap_or(0).checked_add(point)?,
        })
    }
}

/// The value `0.DIGITS × 10^point`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Value<'a> {
    negative: bool,
    digits: Digits<'a>,
    point: i64,
}

/// Digits without zeros at either end; none at all are zero.
#[derive(Debug, PartialEq, Eq)]
struct Digits<'a> {
    whole: &'a [u8],
    fraction: &'a [u8],
}

impl Value<'_> {
    /// Writes the value plainly where that is short, else as `d.ddde±x`. Each value has one form,
    /// and minus zero is zero.
    pub(super) fn write(&self, text: &mut Vec<u8>) {
        if self.digits.length() == 0 {
            return text.push(b'0');
        }
        if self.negative {
            text.push(b'-');
        }
        match self.point {
            1..=PLAIN_DIGITS => self.digits.write(self.point as usize, text),
            _ if (-PLAIN_ZEROS..=0).contains(&self.point) => {
                text.extend_from_slice(b"0.");
                text.resize(text.len() + self.point.unsigned_abs() as usize, b'0');
                text.extend_from_slice(self.digits.whole);
                text.extend_from_slice(self.digits.fraction);
            }
            _ => {
                self.digits.write(1, text);
                text.extend_from_slice(format!("e{}", self.point - 1).as_bytes());
            }
        }
    }
}

impl Digits<'_> {
    fn length(&self) -> usize {
        self.whole.len() + self.fraction.len()
    }

    /// Writes the digits with the point after the first `whole` of them, or with zeros up to it.
    fn write(&self, whole: usize, text: &mut Vec<u8>) {
        let start = text.len();
        text.extend_from_slice(self.whole);
        text.extend_from_slice(self.fraction);
        if self.length() <= whole {
            text.resize(start + whole, b'0');
        } else {
            text.insert(start + whole, b'.');
        }
    }
}

fn count_zeros(digits: &[u8]) -> usize {
    digits.iter().take_while(|&&digit| digit == b'0').count()
}

fn read_exponent(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() {
        return None;
    }
    let digits = &digits[count_zeros(digits)..];
    if digits.len() > EXPONENT_DIGITS {
        return None;
    }
    let value = digits
        .iter()
        .fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
    Some(value)
}

fn count_digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> Option<String> {
        let number = read(text.as_bytes())?;
        let mut canonical = Vec::new();
        match number.rewritten {
            Some(value) => value.write(&mut canonical),
            None => canonical.extend_from_slice(&text.as_bytes()[..number.length]),
        }
        Some(String::from_utf8(canonical).unwrap())
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
                "1.5e40",
                &[
                    "15e39",
                    "1.5e40",
                    "15000000000000000000000000000000000000000",
                ],
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
    fn what_is_no_json_number_is_not_read() {
        for text in [
            "", "-", "01", "-01", "1.", ".5", "+1", "1e", "1e+", "1.e1", "-e1",
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
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
        assert_eq!(read(b"17,").unwrap().length, 2);
        assert_eq!(read(b"1.50]").unwrap().length, 4);
    }
}
