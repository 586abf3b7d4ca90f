//! Connect's logical types, which a schema has by its name, whatever gave it that name.

use crate::data::{Decimal, LogicalType, Schema, SchemaType, Value};
use crate::error::{DataError, ErrorClass};
use std::borrow::Cow;

const DAY_MS: i32 = 86_400_000;

/// What a value of a schema becomes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Conversion {
    /// It stays what it is.
    None,
    /// Days since the epoch.
    Date,
    /// Milliseconds since midnight.
    Time,
    /// Milliseconds since the epoch.
    Timestamp,
    /// A number of this scale.
    Decimal(i32),
    /// An error, for the schema's type is not that of its logical type.
    Fails(DataError),
}

impl Conversion {
    /// That of a schema.
    pub(super) fn of(schema: &Schema) -> Self {
        let Some(logical) = schema.logical() else {
            return Self::None;
        };
        match (logical, schema.kind()) {
            (LogicalType::Date, SchemaType::Int32) => Self::Date,
            (LogicalType::Time, SchemaType::Int32) => Self::Time,
            (LogicalType::Timestamp, SchemaType::Int64) => Self::Timestamp,
            (LogicalType::Decimal, SchemaType::Bytes) => match scale(schema) {
                Ok(scale) => Self::Decimal(scale),
                Err(error) => Self::Fails(error),
            },
            (logical, kind) => Self::Fails(DataError::data(format!(
                "Invalid type for {logical:?}: the underlying representation is {}",
                kind.name()
            ))),
        }
    }
}

fn scale(schema: &Schema) -> Result<i32, DataError> {
    if schema.parameters.is_empty() {
        return Err(DataError::of(
            ErrorClass::NullPointer,
            "Invalid Decimal schema: it has no parameters, and so no scale",
        ));
    }
    let scale = schema.parameters.get("scale");
    let scale = scale
        .ok_or_else(|| DataError::data("Invalid Decimal schema: scale parameter not found."))?;
    scale.parse().map_err(|_| {
        DataError::data(format!(
            "Invalid scale parameter found in Decimal schema: {scale}"
        ))
    })
}

/// A value of a schema in its logical form.
pub(super) fn convert<'k>(schema: &Schema, value: Value<'k>) -> Result<Value<'k>, DataError> {
    match (Conversion::of(schema), value) {
        (Conversion::Date, Value::Int32(days)) => Ok(Value::Date(days)),
        (Conversion::Time, Value::Int32(millis)) => time(millis),
        (Conversion::Timestamp, Value::Int64(millis)) => Ok(Value::Timestamp(millis)),
        (Conversion::Decimal(scale), Value::Bytes(bytes)) => decimal(&bytes, scale),
        (Conversion::Fails(error), _) => Err(error),
        (_, value) => Ok(value),
    }
}

pub(super) fn time<'k>(millis: i32) -> Result<Value<'k>, DataError> {
    if (0..=DAY_MS).contains(&millis) {
        return Ok(Value::Time(millis));
    }
    Err(DataError::data(format!(
        "A time has {millis} milliseconds since midnight; 0 to {DAY_MS} are a day"
    )))
}

pub(super) fn decimal<'k>(bytes: &[u8], scale: i32) -> Result<Value<'k>, DataError> {
    let number = Decimal::from_bytes(bytes, scale);
    number.map(Value::Decimal).ok_or_else(|| {
        DataError::of(
            ErrorClass::NumberFormat,
            "Zero length BigInteger: a decimal has no bytes",
        )
    })
}

/// Bytes in their logical form, which for them can only be that of a decimal.
pub(super) fn bytes<'k>(conversion: &Conversion, bytes: &'k [u8]) -> Result<Value<'k>, DataError> {
    match conversion {
        Conversion::Decimal(scale) => decimal(bytes, *scale),
        Conversion::Fails(error) => Err(error.clone()),
        _ => Ok(Value::Bytes(Cow::Borrowed(bytes))),
    }
}
