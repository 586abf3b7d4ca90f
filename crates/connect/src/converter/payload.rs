//! From JSON to values: Java's `JsonConverter.convertToConnect`, with Jackson's lenient readings.

use crate::data::{Decimal, LogicalType, MapEntries, Schema, SchemaType, Struct, Value, validate};
use crate::error::DataError;
use crate::json::{Json, Number};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;
use std::sync::Arc;

const DAY_MS: i32 = 86_400_000;

/// Without a schema: integers are 64 bits, or exact where they have more; what has a fraction or an
/// exponent is a double.
pub(super) fn schemaless(json: Json<'_>) -> Value<'_> {
    match json {
        Json::Null => Value::Null,
        Json::Boolean(truth) => Value::Boolean(truth),
        Json::Number(number) => schemaless_number(number),
        Json::String(text) => Value::String(text),
        Json::Array(values) => Value::Array(values.into_iter().map(schemaless).collect()),
        Json::Object(members) => Value::Map(
            members
                .into_iter()
                .map(|(name, json)| (Value::String(name), schemaless(json)))
                .collect(),
        ),
    }
}

fn schemaless_number<'k>(number: Number<'_>) -> Value<'k> {
    if !number.is_integral() {
        return Value::Float64(number.to_f64());
    }
    match (number.as_i64(), Decimal::parse(number.text())) {
        (Some(integer), _) => Value::Int64(integer),
        (None, Some(exact)) => Value::Decimal(exact),
        (None, None) => Value::Float64(number.to_f64()),
    }
}

/// With a schema.
pub(super) fn with_schema<'k>(
    schema: &Arc<Schema>,
    json: Json<'k>,
    replace_null_with_default: bool,
) -> Result<Value<'k>, DataError> {
    if matches!(json, Json::Null) {
        if let Some(default) = schema
            .default
            .as_ref()
            .filter(|_| replace_null_with_default)
        {
            return Ok(default.clone());
        }
        if schema.optional {
            return Ok(Value::Null);
        }
        let kind = schema.kind().name();
        return Err(DataError::data(format!(
            "Invalid null value for required {kind} field"
        )));
    }
    if let Some(logical) = schema.logical() {
        return logical_value(logical, schema, &json);
    }
    let recurse = |schema: Option<&Arc<Schema>>, json| match schema {
        Some(schema) => with_schema(schema, json, replace_null_with_default),
        None => Ok(schemaless(json)),
    };
    match schema.kind() {
        SchemaType::Array(element) => {
            // Java goes over the elements of whatever node it is: an object's are its values.
            let elements = match json {
                Json::Array(elements) => elements,
                Json::Object(members) => members.into_iter().map(|(_, json)| json).collect(),
                _ => Vec::new(),
            };
            let element = element.as_ref();
            let values = elements.into_iter().map(|json| recurse(element, json));
            Ok(Value::Array(values.collect::<Result<_, _>>()?))
        }
        SchemaType::Map(key, element) => map(key.as_ref(), element.as_ref(), json, &recurse),
        SchemaType::Struct(_) => structure(schema, json, &recurse),
        _ => scalar(schema.kind(), json),
    }
}

/// Whatever is no number counts as zero, as no text as null, as `true` as false.
fn scalar<'k>(kind: &SchemaType, json: Json<'k>) -> Result<Value<'k>, DataError> {
    let number = match json {
        Json::Number(number) => Some(number),
        _ => None,
    };
    #[expect(clippy::cast_possible_truncation, reason = "Java keeps the low bits")]
    Ok(match kind {
        SchemaType::Int8 => Value::Int8(integer(kind, number)? as i8),
        SchemaType::Int16 => Value::Int16(integer(kind, number)? as i16),
        SchemaType::Int32 => Value::Int32(integer(kind, number)? as i32),
        SchemaType::Int64 => Value::Int64(integer(kind, number)?),
        SchemaType::Float32 => Value::Float32(number.map_or(0.0, Number::to_f32)),
        SchemaType::Float64 => Value::Float64(number.map_or(0.0, Number::to_f64)),
        SchemaType::Boolean => Value::Boolean(matches!(json, Json::Boolean(true))),
        SchemaType::Bytes => match json {
            Json::String(text) => Value::Bytes(Cow::Owned(
                base64(&text).ok_or_else(|| DataError::data("Invalid bytes field: no Base64"))?,
            )),
            _ => Value::Null,
        },
        _ => match json {
            Json::String(text) => Value::String(text),
            _ => Value::Null,
        },
    })
}

/// The whole part. Beyond 64 bits Java wraps it, which damages the value in silence: refused.
fn integer(kind: &SchemaType, number: Option<Number<'_>>) -> Result<i64, DataError> {
    let Some(number) = number else { return Ok(0) };
    let whole = match number.as_i64() {
        Some(whole) => Some(whole),
        None => Decimal::parse(number.text()).and_then(|exact| exact.to_i64()),
    };
    whole.ok_or_else(|| {
        DataError::data(format!(
            "The number {} does not fit 64 bits; the schema type of its field is {}",
            shortened(number.text()),
            kind.name()
        ))
    })
}

/// Numbers may have a thousand digits; messages should not.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.get(..SHOWN) {
        Some(start) if text.len() > SHOWN => format!("{start}…"),
        _ => text.to_owned(),
    }
}

/// As Jackson reads it: standard alphabet, padded, no blanks.
fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

fn logical_value<'k>(
    logical: LogicalType,
    schema: &Schema,
    json: &Json<'_>,
) -> Result<Value<'k>, DataError> {
    let wrong = |name: &str, representation: &str| {
        DataError::data(format!(
            "Invalid type for {name}, underlying representation should be {representation} but was {}",
            json.node_type()
        ))
    };
    let integral = match json {
        Json::Number(number) if number.is_integral() => Some(*number),
        _ => None,
    };
    let int32 = integral
        .and_then(Number::as_i64)
        .and_then(|number| i32::try_from(number).ok());
    match logical {
        LogicalType::Decimal => decimal(schema, json, || wrong("Decimal", "numeric or bytes")),
        LogicalType::Date => int32
            .map(Value::Date)
            .ok_or_else(|| wrong("Date", "integer")),
        LogicalType::Time => match int32.ok_or_else(|| wrong("Time", "integer"))? {
            millis @ 0..=DAY_MS => Ok(Value::Time(millis)),
            _ => Err(DataError::data(
                "Time values must use number of milliseconds greater than 0 and less than 86400000",
            )),
        },
        LogicalType::Timestamp => {
            let number = integral.ok_or_else(|| wrong("Timestamp", "integral"))?;
            integer(&SchemaType::Int64, Some(number)).map(Value::Timestamp)
        }
    }
}

fn decimal<'k>(
    schema: &Schema,
    json: &Json<'_>,
    wrong: impl FnOnce() -> DataError,
) -> Result<Value<'k>, DataError> {
    let decimal = match json {
        // A number keeps its own scale, whatever the schema says.
        Json::Number(number) => Decimal::parse(number.text()).ok_or_else(|| {
            DataError::data(format!(
                "The exponent of {} is too great",
                shortened(number.text())
            ))
        })?,
        Json::String(text) => base64(text)
            .zip(schema.scale())
            .and_then(|(bytes, scale)| Decimal::from_bytes(&bytes, scale))
            .ok_or_else(|| DataError::data("Invalid bytes for Decimal field"))?,
        _ => return Err(wrong()),
    };
    Ok(Value::Decimal(decimal))
}

fn map<'k>(
    key: Option<&Arc<Schema>>,
    element: Option<&Arc<Schema>>,
    json: Json<'k>,
    recurse: &impl Fn(Option<&Arc<Schema>>, Json<'k>) -> Result<Value<'k>, DataError>,
) -> Result<Value<'k>, DataError> {
    let found = json.node_type();
    if key.is_some_and(|key| matches!(key.kind(), SchemaType::String)) {
        let Json::Object(members) = json else {
            return Err(DataError::data(format!(
                "Maps with string fields should be encoded as JSON objects, but found {found}"
            )));
        };
        let entries = members
            .into_iter()
            .map(|(name, json)| Ok((Value::String(name), recurse(element, json)?)));
        return Ok(Value::Map(entries.collect::<Result<_, DataError>>()?));
    }
    let Json::Array(tuples) = json else {
        return Err(DataError::data(format!(
            "Maps with non-string fields should be encoded as JSON array of tuples, but found {found}"
        )));
    };
    let mut entries = MapEntries::default();
    for tuple in tuples {
        let found = tuple.node_type();
        let Json::Array(pair) = tuple else {
            return Err(DataError::data(format!(
                "Found invalid map entry instead of array tuple: {found}"
            )));
        };
        let [k, v] = <[Json<'k>; 2]>::try_from(pair).map_err(|pair| {
            DataError::data(format!(
                "Found invalid map entry, expected length 2 but found :{}",
                pair.len()
            ))
        })?;
        entries.insert(recurse(key, k)?, recurse(element, v)?);
    }
    Ok(Value::Map(entries.into_entries()))
}

fn structure<'k>(
    schema: &Arc<Schema>,
    json: Json<'k>,
    recurse: &impl Fn(Option<&Arc<Schema>>, Json<'k>) -> Result<Value<'k>, DataError>,
) -> Result<Value<'k>, DataError> {
    let found = json.node_type();
    let Json::Object(mut members) = json else {
        return Err(DataError::data(format!(
            "Structs should be encoded as JSON objects, but found {found}"
        )));
    };
    let mut values = Vec::with_capacity(schema.fields().len());
    let mut next = 0;
    for field in schema.fields() {
        // Members mostly stand in the order of the fields.
        let is_field = |member: &(Cow<'_, str>, Json<'_>)| member.0 == *field.name;
        let at = match members.get(next) {
            Some(member) if is_field(member) => Some(next),
            _ => members.iter().position(is_field),
        };
        let json = match at {
            Some(at) => {
                next = at + 1;
                std::mem::replace(&mut members[at].1, Json::Null)
            }
            None => Json::Null,
        };
        let value = recurse(Some(&field.schema), json)?;
        check_field(&field.name, &field.schema, &value)?;
        values.push(value);
    }
    Ok(Value::Struct(Struct::new(schema.clone(), values)))
}

/// Java's `Struct.put` checks each value; here only null can be wrong, for the rest was made by the
/// schema.
fn check_field(name: &str, schema: &Schema, value: &Value<'_>) -> Result<(), DataError> {
    match value {
        Value::Null | Value::Array(_) | Value::Map(_) => validate(name, schema, value),
        _ => Ok(()),
    }
}
