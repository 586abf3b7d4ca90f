//! From JSON to values: Java's `JsonConverter.convertToConnect`, with Jackson's lenient readings.

use crate::data::{Decimal, LogicalType, MapEntries, Schema, SchemaType, Struct, Value, validate};
use crate::error::{DataError, ErrorClass};
use crate::json::{Json, Number};
use base64::Engine as _;
use base64::alphabet::STANDARD as STANDARD_ALPHABET;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use num_bigint::BigInt;
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
    mut json: Json<'k>,
    replace_null_with_default: bool,
) -> Result<Value<'k>, DataError> {
    let reader = Reader {
        replace_null_with_default,
    };
    let mut value = Value::Null;
    reader.read(Some(schema), &mut json, &mut value)?;
    Ok(value)
}

/// Whatever is no number counts as zero, as no text as null, as `true` as false.
fn scalar<'k>(
    kind: &SchemaType,
    json: &mut Json<'k>,
    place: &mut Value<'k>,
) -> Result<(), DataError> {
    let number = match json {
        Json::Number(number) => Some(*number),
        _ => None,
    };
    #[expect(clippy::cast_possible_truncation, reason = "Java keeps the low bits")]
    let value = match kind {
        SchemaType::Int8 => Value::Int8(integer(kind, number)? as i8),
        SchemaType::Int16 => Value::Int16(integer(kind, number)? as i16),
        SchemaType::Int32 => Value::Int32(integer(kind, number)? as i32),
        SchemaType::Int64 => Value::Int64(integer(kind, number)?),
        SchemaType::Float32 => Value::Float32(number.map_or(0.0, Number::to_f32)),
        SchemaType::Float64 => Value::Float64(number.map_or(0.0, Number::to_f64)),
        SchemaType::Boolean => Value::Boolean(matches!(json, Json::Boolean(true))),
        SchemaType::Bytes => match json {
            Json::String(text) => Value::Bytes(Cow::Owned(
                base64(text).ok_or_else(|| DataError::data("Invalid bytes field: no Base64"))?,
            )),
            _ => Value::Null,
        },
        _ => match json {
            Json::String(text) => Value::String(std::mem::take(text)),
            _ => Value::Null,
        },
    };
    *place = value;
    Ok(())
}

/// The whole part. Beyond 64 bits Java wraps it, which damages the value in silence: refused.
pub(super) fn integer(kind: &SchemaType, number: Option<Number<'_>>) -> Result<i64, DataError> {
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

/// Texts may be long and have line ends; messages may not.
pub(super) fn shortened(text: &str) -> String {
    const SHOWN: usize = 40;
    let mut shown: String = text
        .chars()
        .take(SHOWN)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// As Jackson reads it: the standard alphabet in groups of four, each padded on its own where it is short,
/// with blanks and control characters between them. Bits that are too many do not count.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    if let Ok(bytes) = STANDARD.decode(text) {
        return Some(bytes);
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let mut rest = text.trim_start_matches(|c| c <= ' ');
    while !rest.is_empty() {
        let group = rest.get(..4)?;
        LENIENT.decode_vec(group, &mut bytes).ok()?;
        rest = rest[4..].trim_start_matches(|c| c <= ' ');
    }
    Some(bytes)
}

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD_ALPHABET,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

pub(super) fn logical_value<'k>(
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
        Json::Number(number) => match Decimal::parse(number.text()) {
            Some(decimal) => decimal,
            None => by_way_of_a_double(*number)?,
        },
        Json::String(text) => base64(text)
            .zip(schema.scale())
            .and_then(|(bytes, scale)| Decimal::from_bytes(&bytes, scale))
            .ok_or_else(|| DataError::data("Invalid bytes for Decimal field"))?,
        _ => return Err(wrong()),
    };
    Ok(Value::Decimal(decimal))
}

/// What Java makes of a number whose exponent is too great for an exact one: zero, or nothing.
fn by_way_of_a_double(number: Number<'_>) -> Result<Decimal, DataError> {
    if number.to_f64() == 0.0 {
        return Ok(Decimal {
            unscaled: BigInt::ZERO,
            scale: 1,
        });
    }
    let told = format!("The exponent of {} is too great", shortened(number.text()));
    Err(DataError::of(ErrorClass::NumberFormat, told))
}

/// Reads values to where they belong: a `Result` of one is copied at each step. Its loops are plain, for each call that stands
/// between a container and the one inside it takes thread stack.
#[derive(Clone, Copy)]
struct Reader {
    replace_null_with_default: bool,
}

impl Reader {
    fn read<'k>(
        self,
        schema: Option<&Arc<Schema>>,
        json: &mut Json<'k>,
        place: &mut Value<'k>,
    ) -> Result<(), DataError> {
        let Some(schema) = schema else {
            *place = schemaless(json.take());
            return Ok(());
        };
        if matches!(json, Json::Null) {
            *place = self.null(schema)?;
            return Ok(());
        }
        if let Some(logical) = schema.logical() {
            *place = logical_value(logical, schema, json)?;
            return Ok(());
        }
        match schema.kind() {
            SchemaType::Array(element) => self.array(element.as_ref(), json, place),
            SchemaType::Map(key, element) => self.map(key.as_ref(), element.as_ref(), json, place),
            SchemaType::Struct(_) => self.structure(schema, json, place),
            kind => scalar(kind, json, place),
        }
    }

    fn null<'k>(self, schema: &Schema) -> Result<Value<'k>, DataError> {
        match &schema.default {
            Some(default) if self.replace_null_with_default => Ok(default.clone()),
            _ if schema.optional => Ok(Value::Null),
            _ => {
                let kind = schema.kind().name();
                Err(DataError::data(format!(
                    "Invalid null value for required {kind} field"
                )))
            }
        }
    }

    /// Java goes over the elements of whatever node it is: an object's are its values.
    fn array<'k>(
        self,
        element: Option<&Arc<Schema>>,
        json: &mut Json<'k>,
        place: &mut Value<'k>,
    ) -> Result<(), DataError> {
        let mut values = Vec::new();
        match json {
            Json::Array(elements) => {
                values.resize(elements.len(), Value::Null);
                for (json, place) in elements.iter_mut().zip(&mut values) {
                    self.read(element, json, place)?;
                }
            }
            Json::Object(members) => {
                values.resize(members.len(), Value::Null);
                for ((_, json), place) in members.iter_mut().zip(&mut values) {
                    self.read(element, json, place)?;
                }
            }
            _ => {}
        }
        *place = Value::Array(values);
        Ok(())
    }

    fn map<'k>(
        self,
        key: Option<&Arc<Schema>>,
        element: Option<&Arc<Schema>>,
        json: &mut Json<'k>,
        place: &mut Value<'k>,
    ) -> Result<(), DataError> {
        let is_object = key.is_some_and(|key| matches!(key.kind(), SchemaType::String));
        match json {
            Json::Object(members) if is_object => {
                let mut entries = Vec::with_capacity(members.len());
                for (name, json) in members {
                    let mut value = Value::Null;
                    self.read(element, json, &mut value)?;
                    entries.push((Value::String(std::mem::take(name)), value));
                }
                *place = Value::Map(entries);
            }
            Json::Array(tuples) if !is_object => {
                let mut entries = MapEntries::default();
                for tuple in tuples {
                    let [k, v] = pair(tuple)?;
                    let (mut name, mut value) = (Value::Null, Value::Null);
                    self.read(key, k, &mut name)?;
                    self.read(element, v, &mut value)?;
                    entries.insert(name, value);
                }
                *place = Value::Map(entries.into_entries());
            }
            other => return Err(no_map(is_object, other)),
        }
        Ok(())
    }

    fn structure<'k>(
        self,
        schema: &Arc<Schema>,
        json: &mut Json<'k>,
        place: &mut Value<'k>,
    ) -> Result<(), DataError> {
        let Json::Object(members) = json else {
            return Err(DataError::data(format!(
                "Structs should be encoded as JSON objects, but found {}",
                json.node_type()
            )));
        };
        let fields = schema.fields();
        let mut values = vec![Value::Null; fields.len()];
        let mut next = 0;
        for (field, place) in fields.iter().zip(&mut values) {
            let mut missing = Json::Null;
            let json = find_member(members, &mut next, &field.name).unwrap_or(&mut missing);
            self.read(Some(&field.schema), json, place)?;
            check_field(&field.name, &field.schema, place)?;
        }
        *place = Value::Struct(Struct::new(schema.clone(), values));
        Ok(())
    }
}

fn no_map(is_object: bool, found: &Json<'_>) -> DataError {
    let found = found.node_type();
    DataError::data(if is_object {
        format!("Maps with string fields should be encoded as JSON objects, but found {found}")
    } else {
        format!(
            "Maps with non-string fields should be encoded as JSON array of tuples, but found {found}"
        )
    })
}

fn pair<'t, 'k>(tuple: &'t mut Json<'k>) -> Result<&'t mut [Json<'k>; 2], DataError> {
    let Json::Array(pair) = tuple else {
        return Err(DataError::data(format!(
            "Found invalid map entry instead of array tuple: {}",
            tuple.node_type()
        )));
    };
    let length = pair.len();
    pair.as_mut_slice().try_into().map_err(|_| {
        DataError::data(format!(
            "Found invalid map entry, expected length 2 but found :{length}"
        ))
    })
}

/// The member of this name. Members mostly stand in the order of the fields.
fn find_member<'m, 'k>(
    members: &'m mut [(Cow<'k, str>, Json<'k>)],
    next: &mut usize,
    name: &str,
) -> Option<&'m mut Json<'k>> {
    let is_field = |member: &(Cow<'_, str>, Json<'_>)| member.0 == *name;
    let at = match members.get(*next) {
        Some(member) if is_field(member) => *next,
        _ => members.iter().position(is_field)?,
    };
    *next = at + 1;
    Some(&mut members[at].1)
}

/// Java's `Struct.put` checks each value; here only null can be wrong, and the name of a logical type on an
/// array, a map or a struct, for the rest was made by the schema.
fn check_field(name: &str, schema: &Schema, value: &Value<'_>) -> Result<(), DataError> {
    match value {
        Value::Null | Value::Array(_) | Value::Map(_) => validate(name, schema, value),
        _ if schema.logical().is_some() => validate(name, schema, value),
        _ => Ok(()),
    }
}
