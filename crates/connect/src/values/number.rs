//! Numbers of the smallest type that holds them.

use crate::data::{Decimal, Schema, SchemaType, Value};
use crate::java_number;
use num_bigint::BigInt;
use std::sync::Arc;

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
    Decimal::parse(&java_number::with_ascii_digits(text))
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
