//! Fields as the column that they go to takes them.
//!
//! StarRocks' Java connector sends dates and times as the numbers that Connect keeps them as, which StarRocks reads as digits
//! of a date: NULL, or another day. Where the columns of a table are known, a field is written for its column; everything
//! that Java's way fits stays as it is.

use starrocks_kafka_connect::data::{Decimal, Field, Schema, SchemaType, Struct, Value};
use starrocks_kafka_connect::error::DataError;
use starrocks_kafka_connect::json::Json;
use std::io::Write as _;
use std::sync::Arc;

use super::calendar::{self, Moment};
use super::column_kind::{ColumnKind, ColumnKinds};
use super::json_row;
use super::meaning::{Meaning, TimeOf};
use super::settings::RowStyle;

/// How the values of one field are written.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// As an array of such.
    Array(Box<Cell>),
    /// As an object whose names are the texts of keys, and whose members are such.
    Map(Box<(Cell, Cell)>),
    /// As an object, each field so.
    Struct(Box<[Cell]>),
}

/// Whether the columns of its table have to be known to write a row of this schema.
pub(super) fn wants_columns(schema: &Schema) -> bool {
    let mut fields = schema.fields().iter();
    fields.any(|field| Meaning::of(&field.schema).is_some())
}

/// How the fields of this schema are written for these columns; none where all are as in Java.
pub(super) fn cells(schema: &Schema, kinds: &ColumnKinds) -> Option<Arc<[Cell]>> {
    let cells = of_fields(schema.fields(), |name| kinds.get(name));
    cells.map(Arc::from)
}

/// How fields are written for what their names' columns, or parts of one, take; none where all are as in Java.
fn of_fields<'k>(
    fields: &[Field],
    kind: impl Fn(&str) -> Option<&'k ColumnKind>,
) -> Option<Vec<Cell>> {
    let of_field =
        |field: &Field| kind(&field.name).map_or(Cell::AsJava, |kind| cell(&field.schema, kind));
    let cells: Vec<_> = fields.iter().map(of_field).collect();
    let differs = cells.iter().any(|cell| *cell != Cell::AsJava);
    differs.then_some(cells)
}

/// How values of this schema are written for a column, or a part of one.
pub(super) fn cell(schema: &Schema, kind: &ColumnKind) -> Cell {
    match (Meaning::of(schema), kind) {
        (Some(Meaning::Time(time_of)), ColumnKind::Date) => Cell::Time(time_of, false),
        (Some(Meaning::Time(time_of)), ColumnKind::DateTime) => Cell::Time(time_of, true),
        (Some(Meaning::Time(time_of)), ColumnKind::Text) if !time_of.is_text() => {
            Cell::Time(time_of, time_of != TimeOf::Days)
        }
        (Some(Meaning::SinceMidnight(per_second)), ColumnKind::Text) => {
            Cell::SinceMidnight(per_second)
        }
        (Some(Meaning::VariableScaleDecimal), ColumnKind::Number | ColumnKind::Text) => {
            Cell::VariableScaleDecimal
        }
        (Some(Meaning::Json), ColumnKind::Json) => Cell::Json,
        (Some(Meaning::Bits), ColumnKind::Number) => Cell::Bits,
        (Some(Meaning::Map), ColumnKind::Nested | ColumnKind::Json) => {
            Cell::Map(Box::new((Cell::AsJava, Cell::AsJava)))
        }
        (meaning, _) => nested(schema, kind, meaning == Some(Meaning::Map)),
    }
}

/// The same for what has parts. It ends with the column's type, which, unlike a schema, does not go around in circles.
fn nested(schema: &Schema, kind: &ColumnKind, is_map_of_others: bool) -> Cell {
    match (schema.kind(), kind) {
        (SchemaType::Array(Some(element)), ColumnKind::Array(kind)) => match cell(element, kind) {
            Cell::AsJava => Cell::AsJava,
            cell => Cell::Array(cell.into()),
        },
        (SchemaType::Map(Some(key), Some(value)), ColumnKind::Map(of_key, of_value)) => {
            let cells = (cell(key, of_key), cell(value, of_value));
            if is_map_of_others || cells != (Cell::AsJava, Cell::AsJava) {
                Cell::Map(cells.into())
            } else {
                Cell::AsJava
            }
        }
        (SchemaType::Struct(fields), ColumnKind::Struct(kinds)) => {
            // StarRocks finds the fields of structs in whatever case.
            let of_name = |name: &str| {
                let found = kinds.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
                found.map(|(_, kind)| kind)
            };
            let cells = of_fields(fields, of_name);
            cells.map_or(Cell::AsJava, |cells| Cell::Struct(cells.into()))
        }
        _ => Cell::AsJava,
    }
}

/// Where a value goes: the name of its field, for people, and its schema.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    pub(super) field: &'p str,
    pub(super) schema: &'p Schema,
}

impl Cell {
    /// Appends the value of a field for its column.
    ///
    /// # Errors
    /// A value that the column cannot take.
    pub(super) fn write(
        &self,
        out: &mut Vec<u8>,
        place: Place<'_>,
        value: &Value<'_>,
        style: &RowStyle,
    ) -> Result<(), DataError> {
        // Of an element; that of a field stands in its place already.
        let value = json_row::or_default(place.schema, value, style);
        let done = match self {
            Self::AsJava => false,
            _ if value.is_null() => false,
            Self::Time(time_of, has_time) => {
                write_time(out, place, value, (*time_of, *has_time), style)?;
                true
            }
            Self::SinceMidnight(per_second) => write_since_midnight(out, value, *per_second),
            Self::VariableScaleDecimal => write_decimal(out, value),
            Self::Json => write_json(out, value),
            Self::Bits => write_bits(out, value),
            Self::Array(cell) => write_array(out, place, value, cell, style)?,
            Self::Map(cells) => write_map(out, place, value, cells, style)?,
            Self::Struct(cells) => match value {
                Value::Struct(structure) => {
                    json_row::write_struct(out, structure, cells, style)?;
                    true
                }
                _ => false,
            },
        };
        if done {
            Ok(())
        } else {
            json_row::write(out, Some(place.schema), value, style)
        }
    }
}

fn write_time(
    out: &mut Vec<u8>,
    place: Place<'_>,
    value: &Value<'_>,
    (time_of, has_time): (TimeOf, bool),
    style: &RowStyle,
) -> Result<(), DataError> {
    let moment = moment(time_of, value).ok_or_else(|| no_moment(place, value))?;
    let moment = match time_of {
        TimeOf::Instant(_) | TimeOf::IsoInstant => moment.in_zone(&style.time_zone),
        TimeOf::Days | TimeOf::Local(_) | TimeOf::IsoLocal => moment,
    };
    moment.write(out, has_time).map_err(|year| {
        DataError::data(format!(
            "field {} is of the year {year}; StarRocks has those from 0 to 9999",
            place.field
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

fn write_array(
    out: &mut Vec<u8>,
    place: Place<'_>,
    value: &Value<'_>,
    cell: &Cell,
    style: &RowStyle,
) -> Result<bool, DataError> {
    let (Value::Array(values), SchemaType::Array(Some(element))) = (value, place.schema.kind())
    else {
        return Ok(false);
    };
    let place = Place {
        schema: element,
        ..place
    };
    json_row::list(out, b'[', b']', values, |out, value| {
        cell.write(out, place, value, style)
    })?;
    Ok(true)
}

/// A map as an object, its keys as texts: StarRocks takes no other form for MAP.
fn write_map(
    out: &mut Vec<u8>,
    place: Place<'_>,
    value: &Value<'_>,
    (of_keys, of_values): &(Cell, Cell),
    style: &RowStyle,
) -> Result<bool, DataError> {
    let (Value::Map(entries), SchemaType::Map(Some(key_schema), Some(value_schema))) =
        (value, place.schema.kind())
    else {
        return Ok(false);
    };
    let part = |schema| Place { schema, ..place };
    let mut key_text = Vec::new();
    json_row::list(out, b'{', b'}', entries, |out, (key, value)| {
        key_text.clear();
        of_keys.write(&mut key_text, part(key_schema), key, style)?;
        // What has quotes has its escapes, too.
        if key_text.first() == Some(&b'"') {
            out.extend_from_slice(&key_text);
        } else {
            json_row::text(out, &String::from_utf8_lossy(&key_text));
        }
        out.push(b':');
        of_values.write(out, part(value_schema), value, style)
    })?;
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

fn no_moment(place: Place<'_>, value: &Value<'_>) -> DataError {
    let schema = place.schema.name().unwrap_or_default();
    let shown = match value {
        Value::String(text) => format!("'{text}'"),
        Value::Int64(units) | Value::Timestamp(units) => units.to_string(),
        other => other.java_class().to_owned(),
    };
    DataError::data(format!(
        "field {} has the value {shown}, which is no {schema}",
        place.field
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
