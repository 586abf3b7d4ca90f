//! The schema that elements have in common, and elements made to be what it says.

use crate::data::{LogicalType, Schema, SchemaType, Value};
use std::cmp::Ordering;
use std::sync::Arc;

/// Milliseconds.
const DAY_MS: i64 = 86_400_000;

/// What the schemas so far have in common.
#[derive(Clone, Debug)]
pub(super) enum Merger {
    /// There was none but null.
    Any,
    Common(Arc<Schema>),
    Nothing,
}

impl Merger {
    pub(super) const fn new() -> Self {
        Self::Any
    }

    /// Adds the schema of a value, `None` for null.
    pub(super) fn merge(&mut self, schema: Option<&Arc<Schema>>) {
        let Some(schema) = schema else { return };
        *self = match std::mem::replace(self, Self::Nothing) {
            Self::Any => Self::Common(schema.clone()),
            Self::Common(before) => common(before, schema).map_or(Self::Nothing, Self::Common),
            Self::Nothing => Self::Nothing,
        };
    }

    pub(super) const fn common(&self) -> Option<&Arc<Schema>> {
        match self {
            Self::Common(schema) => Some(schema),
            Self::Any | Self::Nothing => None,
        }
    }
}

/// Of two schemas of one kind the later, whatever else they are; of two numbers the wider.
fn common(before: Arc<Schema>, now: &Arc<Schema>) -> Option<Arc<Schema>> {
    match width(&before)?.cmp(&width(now)?) {
        Ordering::Greater if is_number(&before) && is_number(now) => Some(before),
        Ordering::Less if is_number(&before) && is_number(now) => Some(now.clone()),
        Ordering::Equal => Some(now.clone()),
        Ordering::Greater | Ordering::Less => None,
    }
}

/// The kinds in order; numbers are wider than the ones before them.
const fn width(schema: &Schema) -> Option<u8> {
    Some(match schema.kind() {
        SchemaType::Int8 => 0,
        SchemaType::Int16 => 1,
        SchemaType::Int32 => 2,
        SchemaType::Int64 => 3,
        SchemaType::Float32 => 4,
        SchemaType::Float64 => 5,
        SchemaType::Boolean => 6,
        SchemaType::String => 7,
        SchemaType::Bytes => 8,
        SchemaType::Array(_) => 9,
        SchemaType::Map(..) => 10,
        SchemaType::Struct(_) => return None,
    })
}

/// Dates and times among them, for Java looks at the kind alone.
const fn is_number(schema: &Schema) -> bool {
    matches!(
        schema.kind(),
        SchemaType::Int8
            | SchemaType::Int16
            | SchemaType::Int32
            | SchemaType::Int64
            | SchemaType::Float32
            | SchemaType::Float64
    )
}

/// The value as the common schema wants it; `None` where Java throws a `DataException`.
///
/// Dates in an array of times and the like stay what they are: Java has one class for all of them.
pub(super) fn convert<'t>(schema: &Schema, value: Value<'t>) -> Option<Value<'t>> {
    if value.is_null() {
        return None;
    }
    let integer = match value {
        Value::Int8(number) => Some(i64::from(number)),
        Value::Int16(number) => Some(i64::from(number)),
        Value::Int32(number) => Some(i64::from(number)),
        Value::Int64(number) => Some(number),
        _ => None,
    };
    let instant = match value {
        Value::Date(days) => Some(i64::from(days) * DAY_MS),
        Value::Time(millis) => Some(i64::from(millis)),
        Value::Timestamp(millis) => Some(millis),
        _ => None,
    };
    match (schema.logical(), schema.kind()) {
        (Some(LogicalType::Date), _) => match (integer, instant) {
            (Some(days), _) => i32::try_from(days).ok().map(Value::Date),
            (None, Some(0)) => Some(Value::Date(0)),
            _ => Some(value),
        },
        (Some(LogicalType::Time), _) => match (integer, instant) {
            (Some(millis), _) => i32::try_from(millis)
                .ok()
                .filter(|&millis| (0..=DAY_MS).contains(&i64::from(millis)))
                .map(Value::Time),
            (None, Some(0)) => Some(Value::Time(0)),
            _ => Some(value),
        },
        (Some(LogicalType::Timestamp), _) => integer.or(instant).map(Value::Timestamp),
        (None, SchemaType::Int16) => i16::try_from(integer?).ok().map(Value::Int16),
        (None, SchemaType::Int32) => i32::try_from(integer?).ok().map(Value::Int32),
        (None, SchemaType::Int64) => integer.map(Value::Int64),
        (None, SchemaType::Float32 | SchemaType::Float64) => float(schema, integer, value),
        _ => Some(value),
    }
}

/// Java goes by way of a double.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "Java rounds in the same way"
)]
fn float<'t>(schema: &Schema, integer: Option<i64>, value: Value<'t>) -> Option<Value<'t>> {
    let wide = match (integer, value) {
        (Some(integer), _) => integer as f64,
        (None, Value::Float32(number)) => f64::from(number),
        (None, Value::Float64(number)) => number,
        _ => return None,
    };
    Some(match schema.kind() {
        SchemaType::Float32 => Value::Float32(wide as f32),
        _ => Value::Float64(wide),
    })
}
