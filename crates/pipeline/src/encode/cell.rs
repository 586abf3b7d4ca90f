//! Fields as the column that they go to takes them.
//!
//! StarRocks' Java connector sends dates and times as the numbers that Connect keeps them as, which StarRocks reads as digits
//! of a date: NULL, or another day. Where the columns of a table are known, a field is written for its column; everything
//! that Java's way fits stays as it is.

use starrocks_kafka_connect::data::{Decimal, Field, Schema, SchemaType, Struct, Value};
use starrocks_kafka_connect::error::DataError;
use starrocks_kafka_connect::json::Json;
use starrocks_kafka_starrocks::Column;
use std::collections::HashMap;
use std::io::Write as _;
use std::sync::Arc;

use super::calendar::{self, Moment};
use super::json_row;
use super::meaning::{Meaning, TimeOf};
use super::settings::RowStyle;

/// What a column takes, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnKind {
    Date,
    DateTime,
    /// Integers, decimals and floating point.
    Number,
    Text,
    Json,
    /// An array, a map or a struct.
    Nested,
    Other,
}

impl ColumnKind {
    /// By StarRocks' name of the primitive type: `DATETIME`, `DECIMAL64`, …
    fn of(primitive_type: &str) -> Self {
        match primitive_type {
            "DATE" => Self::Date,
            "DATETIME" => Self::DateTime,
            "JSON" => Self::Json,
            "CHAR" | "VARCHAR" => Self::Text,
            // What StarRocks says of types that are not primitive.
            "INVALID_TYPE" | "ARRAY" | "MAP" | "STRUCT" => Self::Nested,
            "TINYINT" | "SMALLINT" | "INT" | "BIGINT" | "LARGEINT" | "FLOAT" | "DOUBLE" => {
                Self::Number
            }
            decimal if decimal.starts_with("DECIMAL") => Self::Number,
            _ => Self::Other,
        }
    }
}

/// The columns of a table by their names.
pub(super) type ColumnKinds = HashMap<String, ColumnKind>;

/// The kinds of a table's columns.
pub(super) fn kinds(columns: &[Column]) -> ColumnKinds {
    let kinds = columns.iter();
    kinds
        .map(|column| (column.name.clone(), ColumnKind::of(&column.primitive_type)))
        .collect()
}

/// How the values of one field are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// As Java's connector writes them.
    AsJava,
    /// As the text of a date, with a time or without.
    Time(TimeOf, bool),
    /// As the text of a time, told by units since midnight, so many in a second.
    SinceMidnight(i64),
    /// As a plain number.
    VariableScaleDecimal,
    /// As the JSON that the text is.
    Json,
    /// As the number that the bits are.
    Bits,
    /// As an object whose names are the texts of the keys.
    Map,
}

/// Whether the columns of its table have to be known to write a row of this schema.
pub(super) fn wants_columns(schema: &Schema) -> bool {
    let mut fields = schema.fields().iter();
    fields.any(|field| Meaning::of(&field.schema).is_some())
}

/// How the fields of this schema are written for these columns; none where all are as in Java.
pub(super) fn cells(schema: &Schema, kinds: &ColumnKinds) -> Option<Arc<[Cell]>> {
    let cells: Arc<[Cell]> = schema
        .fields()
        .iter()
        .map(|field| cell(field, kinds))
        .collect();
    let differs = cells.iter().any(|cell| *cell != Cell::AsJava);
    differs.then_some(cells)
}

fn cell(field: &Field, kinds: &ColumnKinds) -> Cell {
    let (Some(meaning), Some(kind)) = (Meaning::of(&field.schema), kinds.get(&*field.name)) else {
        return Cell::AsJava;
    };
    match (meaning, kind) {
        (Meaning::Time(time_of), ColumnKind::Date) => Cell::Time(time_of, false),
        (Meaning::Time(time_of), ColumnKind::DateTime) => Cell::Time(time_of, true),
        (Meaning::Time(time_of), ColumnKind::Text) if !time_of.is_text() => {
            Cell::Time(time_of, time_of != TimeOf::Days)
        }
        (Meaning::SinceMidnight(per_second), ColumnKind::Text) => Cell::SinceMidnight(per_second),
        (Meaning::VariableScaleDecimal, ColumnKind::Number | ColumnKind::Text) => {
            Cell::VariableScaleDecimal
        }
        (Meaning::Json, ColumnKind::Json) => Cell::Json,
        (Meaning::Bits, ColumnKind::Number) => Cell::Bits,
        (Meaning::Map, ColumnKind::Nested | ColumnKind::Json) => Cell::Map,
        _ => Cell::AsJava,
    }
}

impl Cell {
    /// Appends the value of a field for its column.
    ///
    /// # Errors
    /// A value that the column cannot take.
    pub(super) fn write(
        self,
        out: &mut Vec<u8>,
        field: &Field,
        value: &Value<'_>,
        style: &RowStyle,
    ) -> Result<(), DataError> {
        let done = match self {
            Self::AsJava => false,
            Self::Time(time_of, has_time) => {
                write_time(out, field, value, (time_of, has_time), style)?;
                true
            }
            Self::SinceMidnight(per_second) => write_since_midnight(out, value, per_second),
            Self::VariableScaleDecimal => write_decimal(out, value),
            Self::Json => write_json(out, value),
            Self::Bits => write_bits(out, value),
            Self::Map => write_map(out, field, value, style)?,
        };
        if done {
            Ok(())
        } else {
            json_row::write(out, Some(&field.schema), value, style)
        }
    }
}

fn write_time(
    out: &mut Vec<u8>,
    field: &Field,
    value: &Value<'_>,
    (time_of, has_time): (TimeOf, bool),
    style: &RowStyle,
) -> Result<(), DataError> {
    let moment = moment(time_of, value).ok_or_else(|| no_moment(field, value))?;
    let moment = match time_of {
        TimeOf::Instant(_) | TimeOf::IsoInstant => moment.in_zone(&style.time_zone),
        TimeOf::Days | TimeOf::Local(_) | TimeOf::IsoLocal => moment,
    };
    moment.write(out, has_time).map_err(|year| {
        DataError::data(format!(
            "field {} is of the year {year}; StarRocks has those from 0 to 9999",
            field.name
        ))
    })
}

fn write_since_midnight(out: &mut Vec<u8>, value: &Value<'_>, per_second: i64) -> bool {
    let units = match value {
        Value::Time(units) | Value::Int32(units) => i64::from(*units),
        Value::Int64(units) => *units,
        _ => return false,
    };
    calendar::write_since_midnight(out, units, per_second);
    true
}

/// A map as an object, its keys as texts: StarRocks takes no other form for MAP.
fn write_map(
    out: &mut Vec<u8>,
    field: &Field,
    value: &Value<'_>,
    style: &RowStyle,
) -> Result<bool, DataError> {
    let (Value::Map(entries), SchemaType::Map(key_schema, value_schema)) =
        (value, field.schema.kind())
    else {
        return Ok(false);
    };
    out.push(b'{');
    let mut key_text = Vec::new();
    for (at, (key, value)) in entries.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        key_text.clear();
        json_row::write(&mut key_text, key_schema.as_deref(), key, style)?;
        // What has quotes has its escapes, too.
        if key_text.first() == Some(&b'"') {
            out.extend_from_slice(&key_text);
        } else {
            json_row::text(out, &String::from_utf8_lossy(&key_text));
        }
        out.push(b':');
        json_row::write(out, value_schema.as_deref(), value, style)?;
    }
    out.push(b'}');
    Ok(true)
}

fn moment(time_of: TimeOf, value: &Value<'_>) -> Option<Moment> {
    let units = match value {
        Value::Date(units) | Value::Int32(units) => i64::from(*units),
        Value::Timestamp(units) | Value::Int64(units) => *units,
        Value::String(text) if time_of.is_text() => return Moment::parse(text),
        _ => return None,
    };
    match time_of {
        TimeOf::Days => Moment::at_day(units),
        TimeOf::Local(per_second) | TimeOf::Instant(per_second) => {
            Moment::since_epoch(units, per_second)
        }
        TimeOf::IsoLocal | TimeOf::IsoInstant => None,
    }
}

fn no_moment(field: &Field, value: &Value<'_>) -> DataError {
    let schema = field.schema.name().unwrap_or_default();
    let shown = match value {
        Value::String(text) => format!("'{text}'"),
        Value::Int64(units) | Value::Timestamp(units) => units.to_string(),
        other => other.java_class().to_owned(),
    };
    DataError::data(format!(
        "field {} has the value {shown}, which is no {schema}",
        field.name
    ))
}

/// Debezium's decimal that brings its scale along.
fn write_decimal(out: &mut Vec<u8>, value: &Value<'_>) -> bool {
    let Value::Struct(structure) = value else {
        return false;
    };
    let decimal = variable_scale(structure);
    let Some(decimal) = decimal else { return false };
    let Ok(()) = write!(out, "{decimal}") else {
        unreachable!("a Vec takes all bytes")
    };
    true
}

fn variable_scale(structure: &Struct<'_>) -> Option<Decimal> {
    let (mut scale, mut unscaled) = (None, None);
    let fields = structure.schema().fields().iter().zip(structure.values());
    for (field, value) in fields {
        match (&*field.name, value) {
            ("scale", Value::Int32(number)) => scale = Some(*number),
            ("value", Value::Bytes(bytes)) => unscaled = Some(bytes),
            _ => {}
        }
    }
    Decimal::from_bytes(unscaled?, scale?)
}

/// A text that is JSON; one that is none goes out as a text.
fn write_json(out: &mut Vec<u8>, value: &Value<'_>) -> bool {
    match value {
        // Parsed only to know that it is JSON: what is damaged would fail the whole load.
        Value::String(text) if Json::parse(text).is_ok() => {
            out.extend_from_slice(text.as_bytes());
            true
        }
        _ => false,
    }
}

/// Bits, the lowest byte first, as far as a number of 64 bits holds them.
fn write_bits(out: &mut Vec<u8>, value: &Value<'_>) -> bool {
    let Value::Bytes(bytes) = value else {
        return false;
    };
    let significant = bytes
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |at| at + 1);
    if significant > 8 {
        return false;
    }
    let low = bytes[..significant].iter().rev();
    let number = low.fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    true
}

#[cfg(test)]
mod tests;
