//! Orders: what is asked for, and what it costs.

use std::fmt;
use std::time::SystemTime;

use bigdecimal::ToPrimitive;
use bigdecimal::num_bigint::Sign;
use serde::{Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::market::goat::GoatId;
use crate::market::invalid::{Invalid, excerpt};
use crate::market::json::Node;
use crate::market::price::{Price, decimal};

/// An order as it was placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Order {
    pub(crate) id: OrderId,
    #[schema(min_items = 1)]
    pub(crate) items: Vec<OrderItem>,
    /// The exact sum of price × quantity.
    #[schema(value_type = f64, minimum = 0, example = 7.5)]
    pub(crate) total: Price,
    /// When it was placed, in UTC.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T09:30:00.000Z")]
    #[serde(serialize_with = "as_rfc_3339")]
    pub(crate) date: SystemTime,
}

/// How many items an order may have: each is looked up while its client waits.
const MOST_ITEMS: usize = 1000;

/// An order to be placed, of at least one item and at most 1000.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
pub struct NewOrder {
    #[schema(min_items = 1, max_items = 1000)]
    items: Vec<OrderItem>,
}

impl NewOrder {
    /// Reads `{"items": [{"goatId", "catalogItem", "quantity"}]}`.
    ///
    /// # Errors
    /// The first fault, item by item, in the order of these members.
    pub fn parse(body: &[u8]) -> Result<Self, Invalid> {
        let items = Node::body(body)?.members()?.required("items")?;
        let elements = items.elements()?;
        if elements.is_empty() {
            return Err(items.refuse("must have at least one item"));
        }
        if elements.len() > MOST_ITEMS {
            return Err(items.refuse("must have at most 1000 items"));
        }
        let items = elements
            .iter()
            .map(OrderItem::parse)
            .collect::<Result<_, _>>()?;
        Ok(Self { items })
    }

    /// The items, in the order asked for.
    #[must_use]
    pub fn items(&self) -> &[OrderItem] {
        &self.items
    }

    /// The order, given the price of each of its items.
    #[must_use]
    pub fn priced(self, prices: &[Price], date: SystemTime) -> Order {
        let quantities = self.items.iter().map(|item| item.quantity.as_u32());
        Order {
            id: OrderId::generate(),
            total: Price::total(prices.iter().zip(quantities)),
            items: self.items,
            date,
        }
    }
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderItem {
    pub(crate) goat_id: GoatId,
    /// The name of an item in that goat's catalog, in any case.
    #[schema(example = "Milk")]
    pub(crate) catalog_item: String,
    pub(crate) quantity: Quantity,
}

impl OrderItem {
    fn parse(node: &Node<'_>) -> Result<Self, Invalid> {
        let item = node.members()?;
        let goat = item.required("goatId")?.text()?;
        let catalog_item = item.required("catalogItem")?.text()?;
        let quantity = Quantity::parse(&item.required("quantity")?)?;
        let goat_id = GoatId::parse(&goat)
            .ok_or_else(|| node.refuse(is_in_no_catalog(&catalog_item, &goat)))?;
        Ok(Self {
            goat_id,
            catalog_item,
            quantity,
        })
    }

    /// The complaint that this item, at `index` of its order, is not on offer.
    #[must_use]
    pub fn unavailable(&self, index: usize) -> Invalid {
        let problem = is_in_no_catalog(&self.catalog_item, &self.goat_id.to_string());
        Invalid::new(format!("items[{index}]"), problem)
    }
}

fn is_in_no_catalog(item: &str, goat: &str) -> String {
    let (item, goat) = (excerpt(item), excerpt(goat));
    format!("asks for {item:?}, which is not in the catalog of a goat {goat:?}")
}

/// How many of an item: a whole number from 1 to 1 000 000 000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(u32);

impl Quantity {
    /// Far above any order, and so low that all arithmetic with it is safe.
    const MOST: u32 = 1_000_000_000;

    /// The quantity of this number, if it is within the bounds.
    #[must_use]
    pub fn new(number: u32) -> Option<Self> {
        (1..=Self::MOST).contains(&number).then_some(Self(number))
    }

    /// The number.
    #[must_use]
    pub fn as_u32(self) -> u32 {
        self.0
    }

    fn parse(node: &Node<'_>) -> Result<Self, Invalid> {
        let decimal = decimal(node)?;
        let got = excerpt(node.number()?);
        if decimal.sign() != Sign::Plus || !decimal.is_integer() {
            return Err(node.refuse(format!("must be a whole number of at least 1, got {got}")));
        }
        decimal
            .to_u32()
            .and_then(Self::new)
            .ok_or_else(|| node.refuse(format!("must be at most {}, got {got}", Self::MOST)))
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.0)
    }
}

impl ToSchema for Quantity {}

impl PartialSchema for Quantity {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .description(Some("How many; 2, 2.0 and 2e0 are one number."))
            .minimum(Some(1))
            .maximum(Some(i64::from(Self::MOST) as isize))
            .examples([3])
            .into()
    }
}

/// An order's id, a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OrderId(Uuid);

impl ToSchema for OrderId {}

impl PartialSchema for OrderId {
    fn schema() -> RefOr<Schema> {
        let digits = "[0-9a-fA-F]";
        let pattern =
            format!("^{digits}{{8}}-{digits}{{4}}-{digits}{{4}}-{digits}{{4}}-{digits}{{12}}$");
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("An order's id, a UUID with hyphens in either case."))
            .pattern(Some(pattern))
            .examples(["0190163d-8694-739b-aea5-966c26f8ad91"])
            .into()
    }
}

impl OrderId {
    /// A new id: later by the alphabet than those made before, in this process or, as far as the
    /// clocks agree to the millisecond, elsewhere.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id that `text` spells with hyphens in either case, if it spells one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let id = Uuid::try_parse(text).ok()?;
        // The parser takes other forms too, such as one in braces.
        id.to_string()
            .eq_ignore_ascii_case(text)
            .then_some(Self(id))
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for OrderId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn as_rfc_3339<S: Serializer>(date: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_rfc3339_millis(*date))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOAT: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

    fn ordering(quantity: &str) -> Result<NewOrder, String> {
        let item = format!(r#"{{"goatId":"{GOAT}","catalogItem":"Milk","quantity":{quantity}}}"#);
        NewOrder::parse(format!(r#"{{"items":[{item}]}}"#).as_bytes()).map_err(|e| e.to_string())
    }

    #[test]
    fn a_whole_number_is_a_quantity_however_it_is_written() {
        for (json, number) in [
            ("1", 1),
            ("2.0", 2),
            ("1e3", 1000),
            ("1000000000", 1_000_000_000),
        ] {
            assert_eq!(ordering(json).unwrap().items()[0].quantity.as_u32(), number);
        }
    }

    #[test]
    fn other_quantities_are_refused_with_their_place() {
        for (json, problem) in [
            ("0", "must be a whole number of at least 1, got 0"),
            ("-1", "must be a whole number of at least 1, got -1"),
            ("0.5", "must be a whole number of at least 1, got 0.5"),
            ("1.5", "must be a whole number of at least 1, got 1.5"),
            ("1000000001", "must be at most 1000000000, got 1000000001"),
            ("1e99", "must be at most 1000000000, got 1e99"),
            ("true", "must be a number, got true"),
        ] {
            let message = ordering(json).unwrap_err();
            assert_eq!(message, format!("items[0].quantity {problem}"));
        }
    }

    #[test]
    fn a_text_that_is_no_id_is_no_goat_on_offer() {
        let body = br#"{"items":[{"goatId":"heidi","catalogItem":"milk","quantity":1}]}"#;
        let message = NewOrder::parse(body).unwrap_err().to_string();
        let expected = r#"items[0] asks for "milk", which is not in the catalog of a goat "heidi""#;
        assert_eq!(message, expected);
    }

    #[test]
    fn an_order_is_priced_line_by_line() {
        let prices = [Price::from_stored("0.1").unwrap()];
        let order = ordering("3")
            .unwrap()
            .priced(&prices, SystemTime::UNIX_EPOCH);
        assert_eq!(order.total.to_string(), "0.3");
        let json = serde_json::to_string(&order).unwrap();
        assert!(
            json.ends_with(r#""total":0.3,"date":"1970-01-01T00:00:00.000Z"}"#),
            "{json}"
        );
    }

    #[test]
    fn later_ids_come_later_in_the_alphabet_even_within_a_millisecond() {
        let ids: Vec<_> = (0..1000).map(|_| OrderId::generate().to_string()).collect();
        assert!(ids.is_sorted_by(|one, other| one < other));
    }

    #[test]
    fn an_id_has_one_spelling_apart_from_case() {
        let id = OrderId::generate();
        assert_eq!(OrderId::parse(&id.to_string().to_uppercase()), Some(id));
        assert_eq!(OrderId::parse(&format!("{{{id}}}")), None);
        assert_eq!(OrderId::parse(&id.0.simple().to_string()), None);
    }
}
