//! Numbers of the smallest type that holds them.

use crate::data::{Decimal, Schema, SchemaType, Value};
use num_bigint::BigInt;
use std::sync::Arc;

/// The zeros of the scripts whose digits Java's `Character.digit` knows, in the Basic Multilingual Plane.
const ZEROS: [u32; 37] = [
    0x0030, 0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6,
    0x0D66, 0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80,
    0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0,
    0xFF10,
];

/// The digit's number, whatever its script.
pub(super) fn digit(c: char) -> Option<u8> {
    let code = u32::from(c);
    let zero = ZEROS[..ZEROS.partition_point(|&zero| zero <= code)].last()?;
    u8::try_from(code - zero).ok().filter(|&digit| digit < 10)
}

/// The number that the text is to Java's `BigDecimal`, in the smallest type: an integer where it is whole,
/// else a float, a double where it is too great for that, exact where it is too great for both.
pub(super) fn parse<'t>(text: &str) -> Option<(Arc<Schema>, Value<'t>)> {
    let decimal = big_decimal(text)?;
    if let Some(integer) = integer(&decimal) {
        return Some(smallest(integer));
    }
    if decimal.scale != 0 {
        let (single, double) = floats(&decimal);
        if single.is_finite() {
            return Some((Schema::of(SchemaType::Float32), Value::Float32(single)));
        }
        if double.is_finite() {
            return Some((Schema::of(SchemaType::Float64), Value::Float64(double)));
        }
    }
    Some((
        Arc::new(Schema::decimal(decimal.scale)),
        Value::Decimal(decimal),
    ))
}

/// Java's `new BigDecimal(text)`: digits of any script, `1.` and `.5` among its forms.
fn big_decimal(text: &str) -> Option<Decimal> {
    let ascii: String = text
        .chars()
        .map(|c| digit(c).map_or(c, |digit| char::from(b'0' + digit)))
        .collect();
    Decimal::parse(&ascii)
}

/// The number where it is whole and fits 64 bits.
fn integer(decimal: &Decimal) -> Option<i64> {
    let integer = decimal.to_i64()?;
    let is_whole = match u32::try_from(decimal.scale) {
        Err(_) | Ok(0) => true,
        Ok(_) if integer == 0 => decimal.unscaled == BigInt::ZERO,
        Ok(scale) => BigInt::from(integer) * BigInt::from(10).pow(scale) == decimal.unscaled,
    };
    is_whole.then_some(integer)
}

fn smallest<'t>(integer: i64) -> (Arc<Schema>, Value<'t>) {
    let (kind, value) = if let Ok(number) = i8::try_from(integer) {
        (SchemaType::Int8, Value::Int8(number))
    } else if let Ok(number) = i16::try_from(integer) {
        (SchemaType::Int16, Value::Int16(number))
    } else if let Ok(number) = i32::try_from(integer) {
        (SchemaType::Int32, Value::Int32(number))
    } else {
        (SchemaType::Int64, Value::Int64(integer))
    };
    (Schema::of(kind), value)
}

/// The nearest ones, each from the digits.
fn floats(decimal: &Decimal) -> (f32, f64) {
    let text = decimal.to_string();
    (
        text.parse().unwrap_or(f32::NAN),
        text.parse().unwrap_or(f64::NAN),
    )
}
