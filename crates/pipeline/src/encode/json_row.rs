//! Rows in JSON over values, as StarRocks' Java connector writes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use starrocks_kafka_connect::data::{LogicalType, Schema, SchemaType, Struct, Value};
use starrocks_kafka_connect::error::DataError;
use std::io::Write as _;

use super::cell::{Cell, Place};
use super::plain_text::end_of_plain_text;
use super::settings::{BinaryFormat, NullDefault, RowStyle};

/// What a cast of a whole value has left of a logical type: its name, and a value that is none.
fn check_logical(schema: &Schema, value: &Value<'_>) -> Result<(), DataError> {
    let fits = match (schema.logical(), value) {
        (None, _) | (_, Value::Null) => true,
        (Some(LogicalType::Date), value) => matches!(value, Value::Date(_)),
        (Some(LogicalType::Time), value) => matches!(value, Value::Time(_)),
        (Some(LogicalType::Timestamp), value) => matches!(value, Value::Timestamp(_)),
        (Some(LogicalType::Decimal), value) => matches!(value, Value::Decimal(_)),
    };
    if fits {
        return Ok(());
    }
    let name = schema.name().unwrap_or_default();
    let name = name.rsplit('.').next().unwrap_or_default();
    Err(DataError::data(format!(
        "Invalid type for {name}, but was class {}",
        value.java_class()
    )))
}

/// Appends the JSON of a whole value.
///
/// # Errors
/// As [`write`], and a value that is not of its schema's logical type.
pub(super) fn write_whole(
    out: &mut Vec<u8>,
    schema: Option<&Schema>,
    value: &Value<'_>,
    style: &RowStyle,
) -> Result<(), DataError> {
    if let Some(schema) = schema {
        check_logical(schema, value)?;
    }
    write(out, schema, value, style)
}

/// Appends the JSON of a value. Dates, times and timestamps are the numbers that Connect keeps them as;
/// bytes, and null where there is a default, are as `style` says.
///
/// # Errors
/// Null where the schema does not allow it, and bytes that are not what `style` takes them for.
pub(super) fn write(
    out: &mut Vec<u8>,
    schema: Option<&Schema>,
    value: &Value<'_>,
    style: &RowStyle,
) -> Result<(), DataError> {
    match value {
        Value::Date(_) | Value::Time(_) | Value::Timestamp(_) if schema.is_none() => {
            return Err(DataError::data(
                "Java class class java.util.Date does not have corresponding schema type: a date or time needs a schema",
            ));
        }
        Value::Null => {
            // An element of an array or a map; null in a struct's field was looked after.
            if let Some(schema) = schema {
                let written = or_default(schema, value, style);
                if !written.is_null() {
                    check_default(schema, value, written)?;
                    return write(out, Some(schema), written, style);
                }
            }
            if schema.is_some_and(|schema| !schema.optional && schema.default.is_none()) {
                return Err(DataError::data(
                    "Conversion error: null value where one is required that has no default",
                ));
            }
            out.extend_from_slice(b"null");
        }
        Value::Boolean(truth) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        Value::Int8(number) => integer(out, *number),
        Value::Int16(number) => integer(out, *number),
        Value::Int32(number) | Value::Date(number) | Value::Time(number) => integer(out, *number),
        Value::Int64(number) | Value::Timestamp(number) => integer(out, *number),
        Value::Float32(number) => float(out, *number),
        Value::Float64(number) => float(out, *number),
        Value::Decimal(number) => display(out, number),
        Value::String(value) => text(out, value),
        Value::Bytes(value) => bytes(out, value, style.binary)?,
        Value::Array(values) => {
            let element = schema.and_then(|schema| match schema.kind() {
                SchemaType::Array(element) => element.as_deref(),
                _ => None,
            });
            list(out, b'[', b']', values, |out, value| {
                write(out, element, value, style)
            })?;
        }
        Value::Map(entries) => map(out, schema, entries, style)?,
        Value::Struct(structure) => fields(out, structure, Parts::default(), style)?,
    }
    Ok(())
}

/// Which fields of a row are written, and how.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Parts<'c> {
    /// How each field of a struct is written, in their order; those without one as in Java.
    pub(super) cells: &'c [Cell],
    /// The places of fields or entries that are not written, in order.
    pub(super) left_out: &'c [usize],
}

/// The same, with the fields of the struct that the value is written for their columns.
///
/// # Errors
/// As [`write_whole`], and a value that its column cannot take.
pub(super) fn write_parts(
    out: &mut Vec<u8>,
    schema: Option<&Schema>,
    value: &Value<'_>,
    parts: Parts<'_>,
    style: &RowStyle,
) -> Result<(), DataError> {
    match value {
        Value::Struct(structure) => fields(out, structure, parts, style),
        Value::Map(entries) if !parts.left_out.is_empty() => {
            let entries = entries.iter().enumerate();
            let kept = entries.filter(|(at, _)| !parts.left_out.contains(at));
            list(out, b'{', b'}', kept, |out, (_, (name, value))| {
                write(out, None, name, style)?;
                out.push(b':');
                write(out, None, value, style)
            })
        }
        value => write_whole(out, schema, value, style),
    }
}

fn integer(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn display(out: &mut Vec<u8>, value: &impl std::fmt::Display) {
    let Ok(()) = write!(out, "{value}") else {
        unreachable!("a Vec takes all bytes")
    };
}

/// The shortest decimal that denotes the number; what is no number in JSON is its name, as a text.
fn float(out: &mut Vec<u8>, number: impl zmij::Float) {
    let mut buffer = zmij::Buffer::new();
    match buffer.format(number) {
        "NaN" => out.extend_from_slice(b"\"NaN\""),
        "inf" => out.extend_from_slice(b"\"Infinity\""),
        "-inf" => out.extend_from_slice(b"\"-Infinity\""),
        decimal => out.extend_from_slice(decimal.as_bytes()),
    }
}

fn bytes(out: &mut Vec<u8>, bytes: &[u8], format: BinaryFormat) -> Result<(), DataError> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    match format {
        BinaryFormat::Base64 => {
            out.push(b'"');
            out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
            out.push(b'"');
        }
        BinaryFormat::Hex => {
            out.push(b'"');
            let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
            out.extend(digits.map(|digit| HEX[usize::from(digit)]));
            out.push(b'"');
        }
        BinaryFormat::Utf8 => {
            let as_text = std::str::from_utf8(bytes).map_err(|error| {
                DataError::data(format!(
                    "bytes are no text ({error}), which starrocks.binary.format=utf8 takes them for"
                ))
            })?;
            text(out, as_text);
        }
    }
    Ok(())
}

/// Appends a text between quotes.
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    let mut plain = 0;
    loop {
        let at = end_of_plain_text(bytes, plain);
        out.extend_from_slice(&bytes[plain..at]);
        let Some(byte) = bytes.get(at) else { break };
        escape(out, *byte);
        plain = at + 1;
    }
    out.push(b'"');
}

#[cold]
fn escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let short = match byte {
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        0..0x20 => {
            let digits = [byte >> 4, byte & 15].map(|digit| HEX[usize::from(digit)]);
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&digits);
            return;
        }
        itself => itself,
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Appends items with commas between them, and what stands around all.
pub(super) fn list<T>(
    out: &mut Vec<u8>,
    open: u8,
    close: u8,
    items: impl IntoIterator<Item = T>,
    mut each: impl FnMut(&mut Vec<u8>, T) -> Result<(), DataError>,
) -> Result<(), DataError> {
    out.push(open);
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        each(out, item)?;
    }
    out.push(close);
    Ok(())
}

/// An object where the keys are texts, else an array of pairs.
fn map(
    out: &mut Vec<u8>,
    schema: Option<&Schema>,
    entries: &[(Value<'_>, Value<'_>)],
    style: &RowStyle,
) -> Result<(), DataError> {
    let (key, element) = match schema.map(Schema::kind) {
        Some(SchemaType::Map(key, element)) => (key.as_deref(), element.as_deref()),
        _ => (None, None),
    };
    let are_texts = key.is_none_or(|key| matches!(key.kind(), SchemaType::String));
    let is_name = |name: &Value<'_>| match name {
        Value::String(_) => true,
        name => name.is_null() && key.is_some(),
    };
    if are_texts && entries.iter().all(|(name, _)| is_name(name)) {
        return list(out, b'{', b'}', entries, |out, (name, value)| {
            match name {
                // Its text in Java, where the schema of keys allows it.
                Value::Null => text(out, "null"),
                name => write(out, None, name, style)?,
            }
            out.push(b':');
            write(out, element, value, style)
        });
    }
    list(out, b'[', b']', entries, |out, (name, value)| {
        out.push(b'[');
        write(out, key, name, style)?;
        out.push(b',');
        write(out, element, value, style)?;
        out.push(b']');
        Ok(())
    })
}

/// Appends a struct as an object, each field by its cell.
///
/// # Errors
/// As [`write`], and a value that its column cannot take.
pub(super) fn write_struct(
    out: &mut Vec<u8>,
    structure: &Struct<'_>,
    cells: &[Cell],
    style: &RowStyle,
) -> Result<(), DataError> {
    let parts = Parts {
        cells,
        left_out: &[],
    };
    fields(out, structure, parts, style)
}

fn fields(
    out: &mut Vec<u8>,
    structure: &Struct<'_>,
    parts: Parts<'_>,
    style: &RowStyle,
) -> Result<(), DataError> {
    let fields = structure.schema().fields().iter().zip(structure.values());
    let kept = fields
        .enumerate()
        .filter(|(at, _)| !parts.left_out.contains(at));
    list(out, b'{', b'}', kept, |out, (at, (field, value))| {
        text(out, &field.name);
        out.push(b':');
        let written = or_default(&field.schema, value, style);
        if written.is_null() {
            return null(out, &field.schema, &field.name);
        }
        check_default(&field.schema, value, written)?;
        match parts.cells.get(at) {
            Some(cell) => {
                let place = Place {
                    field: &field.name,
                    schema: &field.schema,
                };
                cell.write(out, place, written, style)
            }
            None => write(out, Some(&field.schema), written, style),
        }
    })
}

/// Null in a field: where it is allowed, or a default that is not applied stands behind it.
fn null(out: &mut Vec<u8>, schema: &Schema, name: &str) -> Result<(), DataError> {
    if !schema.optional && schema.default.is_none() {
        return Err(DataError::data(format!(
            "Conversion error: null value for field {name} that is required and has no default value"
        )));
    }
    out.extend_from_slice(b"null");
    Ok(())
}

/// What stands in the place of a field's null: the default, where the field's schema has one and defaults are applied.
pub(super) fn or_default<'v>(
    schema: &'v Schema,
    value: &'v Value<'v>,
    style: &RowStyle,
) -> &'v Value<'v> {
    match (&schema.default, value) {
        (Some(default), Value::Null) if style.null_default == NullDefault::Apply => default,
        (_, value) => value,
    }
}

/// A struct as a default is of a schema that was not ready when Java made it, and so no row. Here it would be one of the
/// wrong fields.
fn check_default(schema: &Schema, value: &Value<'_>, written: &Value<'_>) -> Result<(), DataError> {
    match (value, written) {
        (Value::Null, Value::Struct(default)) if **default.schema() != *schema => {
            Err(DataError::data("Mismatching schema."))
        }
        _ => Ok(()),
    }
}
