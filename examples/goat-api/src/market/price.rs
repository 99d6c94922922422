//! Exact decimal amounts.

use std::fmt;

use bigdecimal::num_bigint::Sign;
use bigdecimal::{BigDecimal, ParseBigDecimalError};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::market::invalid::{Invalid, excerpt};
use crate::market::json::Node;

/// A decimal of at least 0, kept exactly and with the scale it was given: 19.90 stays 19.90.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price(BigDecimal);

impl Price {
    pub(crate) fn parse(node: &Node<'_>) -> Result<Self, Invalid> {
        let decimal = decimal(node)?;
        if decimal.sign() == Sign::Minus {
            let written = excerpt(node.number()?);
            return Err(node.refuse(format!("must be at least 0, got {written}")));
        }
        Ok(Self(decimal))
    }

    /// Reads back what [`Display`](fmt::Display) wrote.
    ///
    /// It has no bound on the digits: use it only on text of our own.
    ///
    /// # Errors
    /// The text is no decimal.
    pub fn from_stored(text: &str) -> Result<Self, ParseBigDecimalError> {
        text.parse().map(Self)
    }

    /// The exact sum of price × quantity.
    pub fn total<'a>(lines: impl IntoIterator<Item = (&'a Self, u32)>) -> Self {
        let amount = |(price, quantity): (&Self, u32)| &price.0 * BigDecimal::from(quantity);
        Self(lines.into_iter().map(amount).sum())
    }
}

/// Plain notation without an exponent.
impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write_plain_string(f)
    }
}

/// A JSON number in plain notation, every digit of it.
impl Serialize for Price {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_string())
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

impl ToSchema for Price {}

/// The bounds of the parser: `LONGEST` digits before the point, and as many after it.
impl PartialSchema for Price {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Number)
            .description(Some(
                "An exact decimal of at most 100 digits before and 100 after the point, and of \
                 the scale that it was given: 2.50 stays 2.50.",
            ))
            .minimum(Some(0))
            .exclusive_maximum(Some(1e100))
            .multiple_of(Some(1e-100))
            .examples([2.5])
            .into()
    }
}

/// The exact value of a JSON number, never below scale 0.
pub(crate) fn decimal(node: &Node<'_>) -> Result<BigDecimal, Invalid> {
    let written = node.number()?;
    let refuse = || {
        let got = excerpt(written);
        let bound = format!("at most {LONGEST} digits before and {LONGEST} after the point");
        node.refuse(format!("must be a number of {bound}, got {got}"))
    };
    if !fits(written) {
        return Err(refuse());
    }
    let decimal: BigDecimal = written.parse().map_err(|_| refuse())?;
    if decimal.fractional_digit_count() < 0 {
        return Ok(decimal.with_scale(0));
    }
    Ok(decimal)
}

const LONGEST: i64 = 100;

/// Whether the number's plain notation stays within the bound.
///
/// It is judged on the text: 1e999999999 as a number would take a gigabyte.
fn fits(json: &str) -> bool {
    let Some((mantissa, exponent)) = split_exponent(json) else {
        return false;
    };
    let unsigned = mantissa.trim_start_matches('-');
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0').len().max(1);
    let after = count(fraction.len()).saturating_sub(exponent);
    let before = count(significant).saturating_sub(after);
    before <= LONGEST && after <= LONGEST
}

/// `None` if the exponent itself is out of all bounds.
fn split_exponent(json: &str) -> Option<(&str, i64)> {
    match json.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => Some((mantissa, exponent.parse().ok()?)),
        None => Some((json, 0)),
    }
}

fn count(digits: usize) -> i64 {
    i64::try_from(digits).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(json: &str) -> Result<Price, String> {
        let node = Node::body(json.as_bytes()).unwrap();
        Price::parse(&node).map_err(|invalid| invalid.to_string())
    }

    fn total(lines: &[(&str, u32)]) -> String {
        let lines: Vec<_> = lines
            .iter()
            .map(|(json, quantity)| (price(json).unwrap(), *quantity))
            .collect();
        Price::total(lines.iter().map(|(price, quantity)| (price, *quantity))).to_string()
    }

    #[test]
    fn a_price_keeps_its_digits_and_its_scale() {
        for (json, plain) in [
            ("0", "0"),
            ("-0", "0"),
            ("0.00", "0.00"),
            ("-0.00", "0.00"),
            ("0e50", "0"),
            ("19.90", "19.90"),
            ("1e2", "100"),
            ("1E+2", "100"),
            ("1.50e1", "15.0"),
            ("1e-2", "0.01"),
            ("12.5e-3", "0.0125"),
            ("9007199254740993.01", "9007199254740993.01"),
        ] {
            let price = price(json).unwrap();
            assert_eq!(price.to_string(), plain);
            assert_eq!(serde_json::to_string(&price).unwrap(), plain);
            assert_eq!(Price::from_stored(plain).unwrap().to_string(), plain);
        }
    }

    #[test]
    fn a_price_has_at_most_100_digits_on_either_side() {
        let nines = "9".repeat(100);
        for json in [
            format!("{nines}.{nines}"),
            "1e99".to_owned(),
            "1e-100".to_owned(),
            "0.1e100".to_owned(),
            "1e0000000000000000000000000000002".to_owned(),
        ] {
            assert!(price(&json).is_ok(), "{json}");
        }
        for json in [
            format!("{nines}9"),
            format!("0.{nines}9"),
            "1e100".to_owned(),
            "1e-101".to_owned(),
            "1e999999999".to_owned(),
            "1e-999999999".to_owned(),
            "0e999999999".to_owned(),
            "1e99999999999999999999999999".to_owned(),
            "9".repeat(1_000_000),
            format!("0.{}", "0".repeat(1_000_000)),
        ] {
            let message = price(&json).unwrap_err();
            assert!(message.contains("at most 100 digits before"), "{message}");
            assert!(message.len() < 200, "{message}");
        }
    }

    #[test]
    fn a_price_is_not_below_0() {
        let message = price("-0.01").unwrap_err();
        assert_eq!(message, "the body must be at least 0, got -0.01");
    }

    #[test]
    fn a_total_is_exact() {
        assert_eq!(total(&[("0.1", 3)]), "0.3");
        assert_eq!(total(&[("19.90", 1)]), "19.90");
        assert_eq!(total(&[("0.00", 1), ("0", 7)]), "0.00");
        assert_eq!(
            total(&[("0.1", 1), ("0.2", 1), ("9007199254740993.01", 1)]),
            "9007199254740993.31"
        );
        assert_eq!(total(&[("1e2", 1_000_000_000)]), "100000000000");
    }
}
