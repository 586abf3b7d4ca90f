//! Fields as the column that they go to takes them.
//!
//! StarRocks' Java connector sends dates and times as the numbers that Connect keeps them as, which StarRocks reads as digits
//! of a date: NULL, or another day. Where the columns of a table are known, a field is written for its column; everything
//! that Java's way fits stays as it is.

use starrocks_kafka_connect::data::{
    Decimal, Field, LogicalType, Schema, SchemaType, Struct, Value,
};
use starrocks_kafka_connect::error::DataError;
use starrocks_kafka_connect::json::Json;
use starrocks_kafka_starrocks::Column;
use std::collections::HashMap;
use std::io::Write as _;
use std::sync::Arc;

use super::calendar::Moment;
use super::json_row;

const DEBEZIUM_TIME: &str = "io.debezium.time.";
const VARIABLE_SCALE_DECIMAL: &str = "io.debezium.data.VariableScaleDecimal";
const JSON: &str = "io.debezium.data.Json";
const BITS: &str = "io.debezium.data.Bits";

/// What a column takes, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnKind {
    Date,
    DateTime,
    /// Integers, decimals and floating point.
    Number,
    Json,
    Other,
}

impl ColumnKind {
    /// By StarRocks' name of the primitive type: `DATETIME`, `DECIMAL64`, …
    fn of(primitive_type: &str) -> Self {
        match primitive_type {
            "DATE" => Self::Date,
            "DATETIME" => Self::DateTime,
            "JSON" => Self::Json,
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

/// What a field's values are, where Java's way of writing them does not fit every column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// Days since the epoch.
    Days,
    /// Units since the epoch, so many in a second.
    SinceEpoch(i64),
    /// A date or a time in the form of ISO 8601.
    Iso,
    VariableScaleDecimal,
    Json,
    Bits,
}

impl Meaning {
    fn of(schema: &Schema) -> Option<Self> {
        match schema.logical() {
            Some(LogicalType::Date) => return Some(Self::Days),
            Some(LogicalType::Timestamp) => return Some(Self::SinceEpoch(1_000)),
            Some(LogicalType::Time | LogicalType::Decimal) => return None,
            None => {}
        }
        let name = schema.name()?;
        let meaning = match name.strip_prefix(DEBEZIUM_TIME) {
            Some("Date") => Self::Days,
            Some("Timestamp") => Self::SinceEpoch(1_000),
            Some("MicroTimestamp") => Self::SinceEpoch(1_000_000),
            Some("NanoTimestamp") => Self::SinceEpoch(1_000_000_000),
            Some("ZonedTimestamp" | "IsoTimestamp" | "IsoDate") => Self::Iso,
            Some(_) => return None,
            None => match name {
                VARIABLE_SCALE_DECIMAL => Self::VariableScaleDecimal,
                JSON => Self::Json,
                BITS => Self::Bits,
                _ => return None,
            },
        };
        let fits = match meaning {
            Self::Days | Self::SinceEpoch(_) => {
                matches!(schema.kind(), SchemaType::Int32 | SchemaType::Int64)
            }
            Self::Iso | Self::Json => matches!(schema.kind(), SchemaType::String),
            Self::VariableScaleDecimal => matches!(schema.kind(), SchemaType::Struct(_)),
            Self::Bits => matches!(schema.kind(), SchemaType::Bytes),
        };
        fits.then_some(meaning)
    }
}

/// How the values of one field are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// As Java's connector writes them.
    AsJava,
    /// As the text of a date, with a time or without.
    Time(TimeOf, bool),
    /// As a plain number.
    VariableScaleDecimal,
    /// As the JSON that the text is.
    Json,
    /// As the number that the bits are.
    Bits,
}

/// What a moment is told by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeOf {
    Days,
    SinceEpoch(i64),
    Iso,
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
    let time_of = match meaning {
        Meaning::Days => TimeOf::Days,
        Meaning::SinceEpoch(per_second) => TimeOf::SinceEpoch(per_second),
        Meaning::Iso => TimeOf::Iso,
        Meaning::VariableScaleDecimal if *kind == ColumnKind::Number => {
            return Cell::VariableScaleDecimal;
        }
        Meaning::Json if *kind == ColumnKind::Json => return Cell::Json,
        Meaning::Bits if *kind == ColumnKind::Number => return Cell::Bits,
        _ => return Cell::AsJava,
    };
    match kind {
        ColumnKind::Date => Cell::Time(time_of, false),
        ColumnKind::DateTime => Cell::Time(time_of, true),
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
    ) -> Result<(), DataError> {
        if value.is_null() {
            return json_row::write(out, Some(&field.schema), value);
        }
        let done = match self {
            Self::AsJava => false,
            Self::Time(time_of, has_time) => {
                let moment = time_of
                    .moment(value)
                    .ok_or_else(|| no_moment(field, value))?;
                moment.write(out, has_time).map_err(|year| {
                    DataError::data(format!(
                        "field {} is of the year {year}; StarRocks has those from 0 to 9999",
                        field.name
                    ))
                })?;
                true
            }
            Self::VariableScaleDecimal => write_decimal(out, value),
            Self::Json => write_json(out, value),
            Self::Bits => write_bits(out, value),
        };
        if done {
            Ok(())
        } else {
            json_row::write(out, Some(&field.schema), value)
        }
    }
}

impl TimeOf {
    fn moment(self, value: &Value<'_>) -> Option<Moment> {
        let units = match value {
            Value::Date(units) | Value::Int32(units) => i64::from(*units),
            Value::Timestamp(units) | Value::Int64(units) => *units,
            Value::String(text) if self == Self::Iso => return Moment::parse(text),
            _ => return None,
        };
        match self {
            Self::Days => Moment::at_day(units),
            Self::SinceEpoch(per_second) => Moment::since_epoch(units, per_second),
            Self::Iso => None,
        }
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
mod tests {
    use super::*;

    fn column(name: &str, primitive_type: &str) -> Column {
        Column {
            name: name.to_owned(),
            primitive_type: primitive_type.to_owned(),
            precision: None,
            scale: None,
        }
    }

    /// The row of one field of this schema for a column of this type.
    fn check(schema: Schema, column_type: &str, value: Value<'_>, expect: &str) {
        let field = Field {
            name: "f".into(),
            schema: Arc::new(schema),
        };
        let kinds = kinds(&[column("f", column_type)]);
        let mut out = Vec::new();
        let written = cell(&field, &kinds).write(&mut out, &field, &value);
        let shown = match written {
            Ok(()) => String::from_utf8(out).expect("a text"),
            Err(error) => error.message,
        };
        assert_eq!(shown, expect, "{:?} {column_type}", field.schema.name());
    }

    fn named(kind: SchemaType, name: &str) -> Schema {
        Schema::new(kind).optional().named(name)
    }

    #[test]
    fn dates_and_times_are_texts_for_their_columns_and_numbers_for_others() {
        let date = || Schema::of_logical_type(LogicalType::Date);
        check(date(), "DATE", Value::Date(19_723), "\"2024-01-01\"");
        check(
            date(),
            "DATETIME",
            Value::Date(19_723),
            "\"2024-01-01 00:00:00\"",
        );
        check(date(), "INT", Value::Date(19_723), "19723");
        check(date(), "VARCHAR", Value::Date(19_723), "19723");
        let timestamp = || Schema::of_logical_type(LogicalType::Timestamp);
        let at = 1_700_000_000_123;
        check(
            timestamp(),
            "DATETIME",
            Value::Timestamp(at),
            "\"2023-11-14 22:13:20.123000\"",
        );
        check(timestamp(), "DATE", Value::Timestamp(at), "\"2023-11-14\"");
        check(timestamp(), "BIGINT", Value::Timestamp(at), "1700000000123");
        let debezium = |name: &str, kind| named(kind, &format!("io.debezium.time.{name}"));
        let int64 = || SchemaType::Int64;
        check(
            debezium("Date", SchemaType::Int32),
            "DATE",
            Value::Int32(0),
            "\"1970-01-01\"",
        );
        check(
            debezium("Timestamp", int64()),
            "DATETIME",
            Value::Int64(at),
            "\"2023-11-14 22:13:20.123000\"",
        );
        check(
            debezium("MicroTimestamp", int64()),
            "DATETIME",
            Value::Int64(at * 1_000 + 456),
            "\"2023-11-14 22:13:20.123456\"",
        );
        check(
            debezium("NanoTimestamp", int64()),
            "DATETIME",
            Value::Int64(at * 1_000_000 + 456_789),
            "\"2023-11-14 22:13:20.123456\"",
        );
        check(
            debezium("ZonedTimestamp", SchemaType::String),
            "DATETIME",
            Value::String("2018-06-20T13:37:03+02:00".into()),
            "\"2018-06-20 11:37:03\"",
        );
        check(
            debezium("MicroTime", int64()),
            "DATETIME",
            Value::Int64(5),
            "5",
        );
        check(
            debezium("Timestamp", int64()),
            "DATETIME",
            Value::Null,
            "null",
        );
        check(
            debezium("MicroTimestamp", int64()),
            "DATETIME",
            Value::Int64(9_223_372_036_825_200_000),
            "field f is of the year 294247; StarRocks has those from 0 to 9999",
        );
        check(
            debezium("ZonedTimestamp", SchemaType::String),
            "DATE",
            Value::String("infinity".into()),
            "field f has the value 'infinity', which is no io.debezium.time.ZonedTimestamp",
        );
    }

    #[test]
    fn debeziums_other_types_are_what_their_columns_take() {
        let field = |name: &str, kind| Field {
            name: name.into(),
            schema: Schema::of(kind),
        };
        let fields = vec![
            field("scale", SchemaType::Int32),
            field("value", SchemaType::Bytes),
        ];
        let decimal = Schema::structure(fields)
            .expect("two names")
            .named(VARIABLE_SCALE_DECIMAL);
        let value = || {
            let values = vec![Value::Int32(2), Value::Bytes(vec![0x30, 0x39].into())];
            Value::Struct(Struct::new(Arc::new(decimal.clone()), values))
        };
        check(decimal.clone(), "DECIMAL128", value(), "123.45");
        check(
            decimal.clone(),
            "JSON",
            value(),
            r#"{"scale":2,"value":"MDk="}"#,
        );
        let json = || named(SchemaType::String, JSON);
        check(
            json(),
            "JSON",
            Value::String(r#"{"a": 1}"#.into()),
            r#"{"a": 1}"#,
        );
        check(json(), "JSON", Value::String("{".into()), r#""{""#);
        check(json(), "VARCHAR", Value::String("{}".into()), r#""{}""#);
        let bits = || named(SchemaType::Bytes, BITS);
        check(
            bits(),
            "BIGINT",
            Value::Bytes(vec![0x01, 0x02, 0].into()),
            "513",
        );
        check(bits(), "INT", Value::Bytes(Vec::new().into()), "0");
        check(
            bits(),
            "BIGINT",
            Value::Bytes(vec![1; 9].into()),
            "\"AQEBAQEBAQEB\"",
        );
        check(
            bits(),
            "VARBINARY",
            Value::Bytes(vec![1].into()),
            "\"AQ==\"",
        );
    }

    #[test]
    fn columns_are_asked_for_only_where_they_matter() {
        let fields = |schema: Schema| {
            let field = Field {
                name: "f".into(),
                schema: Arc::new(schema),
            };
            Schema::structure(vec![field]).expect("one name")
        };
        let plain = fields(Schema::new(SchemaType::Int64));
        let date = fields(Schema::of_logical_type(LogicalType::Date));
        assert!(!wants_columns(&plain));
        assert!(wants_columns(&date));
        assert_eq!(cells(&date, &kinds(&[column("f", "INT")])), None);
        assert_eq!(cells(&date, &kinds(&[column("g", "DATE")])), None);
        assert!(cells(&date, &kinds(&[column("f", "DATE")])).is_some());
    }
}
