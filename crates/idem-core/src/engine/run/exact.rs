//! Which values JSON can give back as they were.

use std::fmt::Display;

use serde::{
    Serialize,
    de::value::Error,
    ser::{
        Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
        SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
    },
};

/// Whether JSON has a word of its own for all that is in a value.
///
/// It writes `null` for numbers that are not finite, and for `Some(None)` and `Some(())`, without an error.
pub(super) fn is_exact(value: &impl Serialize) -> bool {
    value.serialize(Check).is_ok()
}

/// A serializer that writes nothing, and fails at what JSON would change.
struct Check;

/// How a value looks in JSON.
enum Shape {
    Null,
    Other,
}

fn finite(is_finite: bool) -> Result<Shape, Error> {
    match is_finite {
        true => Ok(Shape::Other),
        false => Err(Error::custom("JSON has no such number")),
    }
}

macro_rules! plain {
    ($($method:ident: $type:ty),*) => {
        $(fn $method(self, _: $type) -> Result<Shape, Error> {
            Ok(Shape::Other)
        })*
    };
}

impl Serializer for Check {
    type Ok = Shape;
    type Error = Error;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    plain! {
        serialize_bool: bool, serialize_char: char, serialize_str: &str, serialize_bytes: &[u8],
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128
    }

    fn serialize_f32(self, number: f32) -> Result<Shape, Error> {
        finite(number.is_finite())
    }

    fn serialize_f64(self, number: f64) -> Result<Shape, Error> {
        finite(number.is_finite())
    }

    fn collect_str<T: Display + ?Sized>(self, _: &T) -> Result<Shape, Error> {
        Ok(Shape::Other)
    }

    fn serialize_none(self) -> Result<Shape, Error> {
        Ok(Shape::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Shape, Error> {
        match value.serialize(self)? {
            Shape::Null => Err(Error::custom("JSON would give `None` back")),
            Shape::Other => Ok(Shape::Other),
        }
    }

    fn serialize_unit(self) -> Result<Shape, Error> {
        Ok(Shape::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Shape, Error> {
        Ok(Shape::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
    ) -> Result<Shape, Error> {
        Ok(Shape::Other)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Shape, Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<Shape, Error> {
        value.serialize(self).map(|_| Shape::Other)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Error> {
        Ok(self)
    }
}

macro_rules! elements {
    ($($trait:ident: $method:ident),*) => {
        $(impl $trait for Check {
            type Ok = Shape;
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                value.serialize(Self).map(drop)
            }

            fn end(self) -> Result<Shape, Error> {
                Ok(Shape::Other)
            }
        })*
    };
}

elements! {
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field
}

macro_rules! fields {
    ($($trait:ident),*) => {
        $(impl $trait for Check {
            type Ok = Shape;
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                _: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                value.serialize(Self).map(drop)
            }

            fn end(self) -> Result<Shape, Error> {
                Ok(Shape::Other)
            }
        })*
    };
}

fields! { SerializeStruct, SerializeStructVariant }

impl SerializeMap for Check {
    type Ok = Shape;
    type Error = Error;

    /// The serializer that writes a key decides what may be one, and how it looks.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), Error> {
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(Self).map(drop)
    }

    fn end(self) -> Result<Shape, Error> {
        Ok(Shape::Other)
    }
}
