#![forbid(unsafe_code)]
//! What the benches measure on: requests and payloads of the sizes that services see.

use std::fmt::Write;

use idem_core::adapter::RequestHead;

pub mod allocators;
pub mod asked;
pub mod interleaved;
pub mod orders;
pub mod payloads;
#[cfg(feature = "plots")]
pub mod plot;
pub mod records;
pub mod table;

/// A `POST /orders` with JSON.
#[derive(Clone, Copy, Debug)]
pub struct PostOrders;

impl RequestHead for PostOrders {
    fn method(&self) -> &'static str {
        "POST"
    }

    fn target(&self) -> &'static str {
        "/orders"
    }

    fn route(&self) -> Option<std::borrow::Cow<'_, str>> {
        None
    }

    fn header<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let value: Option<&[u8]> = (name == "content-type").then_some(b"application/json");
        value.into_iter()
    }
}

/// The same with an idempotency key.
#[derive(Clone, Copy, Debug)]
pub struct WithKey<'k>(pub &'k str);

impl RequestHead for WithKey<'_> {
    fn method(&self) -> &'static str {
        PostOrders.method()
    }

    fn target(&self) -> &'static str {
        PostOrders.target()
    }

    fn route(&self) -> Option<std::borrow::Cow<'_, str>> {
        PostOrders.route()
    }

    fn header<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let key = (name == "idempotency-key").then_some(self.0.as_bytes());
        key.into_iter().chain(PostOrders.header(name))
    }
}

/// How a payload is written.
#[derive(Clone, Copy, Debug)]
pub enum Spelling {
    /// In canonical form already: compact, members in order.
    InOrder,
    /// Compact, the members of each object in descending order.
    OutOfOrder,
    /// In order, with line breaks and indentation.
    Pretty,
}

/// An order of at least `bytes` bytes when it is compact.
///
/// # Panics
/// Never: what it builds is valid JSON.
#[must_use]
pub fn order(bytes: usize, spelling: Spelling) -> Vec<u8> {
    let mut items = String::new();
    let mut number = 0;
    while items.len() + 20 < bytes {
        number += 1;
        let separator = if items.is_empty() { "" } else { "," };
        let (goat, item) = (number * 7_919, ["Milk", "Soap", "Cheese"][number % 3]);
        let item = match spelling {
            Spelling::OutOfOrder => {
                format!(r#"{{"quantity":{number},"goatId":"{goat:026}","catalogItem":"{item}"}}"#)
            }
            Spelling::InOrder | Spelling::Pretty => {
                format!(r#"{{"catalogItem":"{item}","goatId":"{goat:026}","quantity":{number}}}"#)
            }
        };
        write!(items, "{separator}{item}").expect("a string takes all that is written");
    }
    let compact = format!(r#"{{"items":[{items}]}}"#);
    match spelling {
        Spelling::InOrder | Spelling::OutOfOrder => compact.into_bytes(),
        Spelling::Pretty => {
            let value: serde_json::Value =
                serde_json::from_str(&compact).expect("the order is valid JSON");
            serde_json::to_vec_pretty(&value).expect("what was parsed can be written")
        }
    }
}
