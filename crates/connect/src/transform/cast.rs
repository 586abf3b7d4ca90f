//! `Cast`: fields, or a whole key or value, become another type, by Java's casts.

use super::Side;
use super::fields::{self, LastSchema, REPLACE_NULL};
use crate::config::{ConfigDef, ConfigKey, ConfigProblem, Given, Kind};
use crate::data::{
    Decimal, Field, LogicalType, MapEntries, Record, Schema, SchemaAndValue, SchemaType, Struct,
    Value, validate,
};
use crate::error::{DataError, ErrorClass};
use crate::java_date_format::iso_text as text_of;
use crate::java_number;
use crate::java_text;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;
use std::sync::Arc;

const PURPOSE: &str = "cast types";
const SUPPORTED: &str = "[INT8, INT16, INT32, INT64, FLOAT32, FLOAT64, BOOLEAN, STRING]";

pub(super) const DEF: ConfigDef = ConfigDef::new(
    &[&[
        ConfigKey::new("spec", Kind::List).doc(
            "Pairs `field:type`, or one type for the whole key or value. Types: `int8`, `int16`, `int32`, `int64`, `float32`, \
             `float64`, `boolean`, `string`.",
        ),
        REPLACE_NULL,
    ]],
    &[],
);

/// What can be cast to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Boolean,
    String,
}

impl Target {
    fn parse(text: &str) -> Result<Self, String> {
        let name = text.trim().to_uppercase();
        Ok(match &*name {
            "INT8" => Self::Int8,
            "INT16" => Self::Int16,
            "INT32" => Self::Int32,
            "INT64" => Self::Int64,
            "FLOAT32" => Self::Float32,
            "FLOAT64" => Self::Float64,
            "BOOLEAN" => Self::Boolean,
            "STRING" => Self::String,
            "BYTES" | "ARRAY" | "MAP" | "STRUCT" => {
                return Err(format!(
                    "Cast transformation does not support casting to {name}; supported types are {SUPPORTED}"
                ));
            }
            _ => {
                return Err(format!(
                    "Invalid type found in casting spec: {}",
                    text.trim()
                ));
            }
        })
    }

    const fn kind(self) -> SchemaType {
        match self {
            Self::Int8 => SchemaType::Int8,
            Self::Int16 => SchemaType::Int16,
            Self::Int32 => SchemaType::Int32,
            Self::Int64 => SchemaType::Int64,
            Self::Float32 => SchemaType::Float32,
            Self::Float64 => SchemaType::Float64,
            Self::Boolean => SchemaType::Boolean,
            Self::String => SchemaType::String,
        }
    }
}

#[derive(Clone, Debug)]
enum Spec {
    Whole(Target),
    Fields(Vec<(String, Target)>),
}

#[derive(Clone, Debug)]
pub(super) struct Cast {
    side: Side,
    spec: Spec,
    replaces_null: bool,
    last: LastSchema,
}

impl Cast {
    pub(super) fn new(side: Side, settings: &Given) -> Result<Self, Vec<ConfigProblem>> {
        let config = DEF.parse(settings)?;
        let given = config.list("spec");
        let spec = parse(given).map_err(|reason| {
            let shown = format!("[{}]", given.join(", "));
            vec![ConfigProblem::invalid("spec", &shown, &reason)]
        })?;
        Ok(Self {
            side,
            spec,
            replaces_null: config.boolean("replace.null.with.default") == Some(true),
            last: LastSchema::default(),
        })
    }

    pub(super) fn apply(&mut self, record: &mut Record<'_>) -> Result<(), DataError> {
        let data = self.side.of(record);
        if data.value.is_null() {
            return Ok(());
        }
        let value = std::mem::replace(&mut data.value, Value::Null);
        *data = match data.schema.take() {
            None => SchemaAndValue::schemaless(self.without_schema(value)?),
            Some(schema) => self.with_schema(&schema, value)?,
        };
        Ok(())
    }

    fn without_schema<'k>(&self, value: Value<'k>) -> Result<Value<'k>, DataError> {
        let casts = match &self.spec {
            Spec::Whole(target) => return cast(None, value, *target),
            Spec::Fields(casts) => casts,
        };
        let mut entries = MapEntries::default();
        for (key, value) in fields::map(value, PURPOSE)? {
            entries.insert(key, value);
        }
        let mut entries = entries.into_entries();
        for (name, target) in casts {
            match entries
                .iter_mut()
                .find(|(key, _)| fields::is_named(key, name))
            {
                Some((_, value)) => {
                    *value = cast(None, std::mem::replace(value, Value::Null), *target)?;
                }
                // A field that is not there becomes one, as in Java.
                None => entries.push((Value::String(Cow::Owned(name.clone())), Value::Null)),
            }
        }
        Ok(Value::Map(entries))
    }

    fn with_schema<'k>(
        &mut self,
        schema: &Arc<Schema>,
        value: Value<'k>,
    ) -> Result<SchemaAndValue<'k>, DataError> {
        let spec = &self.spec;
        let made = self.last.get(schema, || cast_schema(schema, spec))?;
        let casts = match &self.spec {
            Spec::Whole(target) => {
                let value = cast(Some(schema), value, *target)?;
                return Ok(SchemaAndValue::new(made, value));
            }
            Spec::Fields(casts) => casts,
        };
        let row = fields::structure(value, PURPOSE)?;
        let row_schema = Arc::clone(row.schema());
        let values = row_schema.fields().iter().zip(row.into_values());
        let values = values.map(|(field, value)| {
            let value = fields::or_default(value, &field.schema, self.replaces_null);
            match of_field(casts, field) {
                Some(target) => cast(Some(&field.schema), value, target),
                None => Ok(value),
            }
        });
        let values = values.collect::<Result<_, _>>()?;
        let value = Value::Struct(Struct::new(Arc::clone(&made), values));
        Ok(SchemaAndValue::new(made, value))
    }
}

fn parse(given: &[String]) -> Result<Spec, String> {
    let mut casts: Vec<(String, Target)> = Vec::new();
    let mut whole = None;
    for mapping in given {
        let mut parts = mapping.trim_end_matches(':').split(':');
        let (first, second) = (parts.next().unwrap_or_default(), parts.next());
        if parts.next().is_some() || mapping.contains(':') && second.is_none() {
            return Err(format!("Invalid rename mapping: {mapping}"));
        }
        match second {
            Some(target) => {
                let (name, target) = (first.trim(), Target::parse(target)?);
                // Of a field that is named twice the last type counts.
                casts.retain(|(known, _)| known != name);
                casts.push((name.to_owned(), target));
            }
            None => whole = Some(Target::parse(first)?),
        }
    }
    match whole {
        _ if given.is_empty() => Err("Must specify at least one field to cast.".to_owned()),
        None => Ok(Spec::Fields(casts)),
        Some(target) if given.len() == 1 => Ok(Spec::Whole(target)),
        Some(_) => Err(
            "Cast transformations that specify a type to cast the entire value to may only specify a single cast in their spec"
                .to_owned(),
        ),
    }
}

fn of_field(casts: &[(String, Target)], field: &Field) -> Option<Target> {
    let found = casts.iter().find(|(name, _)| **name == *field.name);
    found.map(|(_, target)| *target)
}

/// The schema of what is cast. A field loses all but null and default; a whole key or value keeps the rest, too.
fn cast_schema(schema: &Schema, spec: &Spec) -> Result<Schema, DataError> {
    let default = |schema: &Schema, target| {
        let default = schema.default.clone();
        let default = default.map(|default| cast(Some(schema), default, target));
        default.transpose()
    };
    let casts = match spec {
        Spec::Whole(target) => {
            let mut made = Schema::new(target.kind());
            if let Some(name) = schema.name() {
                made = made.named(name);
            }
            made.version = schema.version;
            made.doc.clone_from(&schema.doc);
            made.parameters.clone_from(&schema.parameters);
            made.optional = schema.optional;
            made.default = default(schema, *target)?;
            if let Some(default) = &made.default {
                // Under the name of a logical type no plain value is one of it.
                validate("", &made, default).map_err(|error| {
                    DataError::of(
                        ErrorClass::SchemaBuilder,
                        format!("Invalid default value: {error}"),
                    )
                })?;
            }
            return Ok(made);
        }
        Spec::Fields(casts) => casts,
    };
    if !matches!(schema.kind(), SchemaType::Struct(_)) {
        return Err(DataError::data("Cannot list fields on non-struct type"));
    }
    let mut all = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        all.push(match of_field(casts, field) {
            None => field.clone(),
            Some(target) => {
                let mut made = Schema::new(target.kind());
                made.optional = field.schema.optional;
                made.default = default(&field.schema, target)?;
                fields::field(&field.name, Arc::new(made))
            }
        });
    }
    let mut made = schema.with_fields(all)?;
    made.optional = schema.optional;
    Ok(made)
}

/// What Java's numbers, truths and texts are between one another.
enum Plain<'v> {
    Integer(i64),
    Float32(f32),
    Float64(f64),
    Decimal(&'v Decimal),
    Boolean(bool),
    Text(&'v str),
}

fn cast<'k>(
    schema: Option<&Schema>,
    value: Value<'k>,
    target: Target,
) -> Result<Value<'k>, DataError> {
    if value.is_null() {
        return Ok(value);
    }
    let kind = schema.map_or_else(|| kind_of(&value), |schema| Ok(schema.kind().name()))?;
    if matches!(kind, "ARRAY" | "MAP" | "STRUCT") {
        return Err(DataError::data(format!(
            "Cast transformation does not support casting from {kind}; supported types are {SUPPORTED}"
        )));
    }
    if target == Target::String {
        return Ok(match value {
            Value::String(_) => value,
            other => Value::String(Cow::Owned(as_text(&other))),
        });
    }
    let is_time = matches!(value, Value::Date(_) | Value::Time(_) | Value::Timestamp(_));
    let logical = schema.and_then(Schema::logical);
    if !is_time && logical.is_some_and(|logical| logical != LogicalType::Decimal) {
        // A cast in front of this one left the name to a value that is none of the kind.
        let message = format!(
            "class {} cannot be cast to class java.util.Date",
            value.java_class()
        );
        return Err(DataError::of(ErrorClass::ClassCast, message));
    }
    let plain = match &value {
        Value::Boolean(truth) => Plain::Boolean(*truth),
        Value::Int8(number) => Plain::Integer(i64::from(*number)),
        Value::Int16(number) => Plain::Integer(i64::from(*number)),
        Value::Int32(number) | Value::Date(number) | Value::Time(number) => {
            Plain::Integer(i64::from(*number))
        }
        Value::Int64(number) | Value::Timestamp(number) => Plain::Integer(*number),
        Value::Float32(number) => Plain::Float32(*number),
        Value::Float64(number) => Plain::Float64(*number),
        Value::Decimal(number) => Plain::Decimal(number),
        Value::String(text) => Plain::Text(text),
        other => {
            let class = match other {
                Value::Bytes(_) => "[B",
                other => other.java_class(),
            };
            return Err(DataError::data(format!(
                "Unexpected type in Cast transformation: class {class}"
            )));
        }
    };
    plain.cast(target).ok_or_else(|| {
        let shown = as_text(&value);
        DataError::data(format!(
            "Value ({shown}) was out of range for requested data type"
        ))
    })
}

/// The type that Connect takes a value without a schema for.
fn kind_of(value: &Value<'_>) -> Result<&'static str, DataError> {
    match value {
        Value::Array(_) => Ok("ARRAY"),
        Value::Map(_) => Ok("MAP"),
        Value::Struct(_) => Ok("STRUCT"),
        Value::Decimal(_) | Value::Date(_) | Value::Time(_) | Value::Timestamp(_) => {
            let class = value.java_class();
            Err(DataError::data(format!(
                "Cast transformation was passed a value of type class {class} which is not supported by Connect's data API"
            )))
        }
        _ => Ok(""),
    }
}

fn as_text(value: &Value<'_>) -> String {
    match value {
        Value::Boolean(truth) => truth.to_string(),
        Value::Int8(number) => number.to_string(),
        Value::Int16(number) => number.to_string(),
        Value::Int32(number) => number.to_string(),
        Value::Int64(number) => number.to_string(),
        Value::Float32(number) => java_text::float(*number),
        Value::Float64(number) => java_text::double(*number),
        Value::Decimal(number) => number.to_string(),
        Value::Date(days) => text_of(i64::from(*days) * 86_400_000),
        Value::Time(millis) => text_of(i64::from(*millis)),
        Value::Timestamp(millis) => text_of(*millis),
        Value::String(text) => text.to_string(),
        Value::Bytes(bytes) => STANDARD.encode(bytes),
        other => other.java_class().to_owned(),
    }
}

impl Plain<'_> {
    /// `None` for a text that is no such number.
    fn cast<'k>(&self, target: Target) -> Option<Value<'k>> {
        #[expect(clippy::cast_possible_truncation, reason = "as in Java")]
        Some(match target {
            Target::Int8 => match self {
                Self::Text(text) => Value::Int8(java_number::integer(text)?.try_into().ok()?),
                other => Value::Int8(other.to_i32() as i8),
            },
            Target::Int16 => match self {
                Self::Text(text) => Value::Int16(java_number::integer(text)?.try_into().ok()?),
                other => Value::Int16(other.to_i32() as i16),
            },
            Target::Int32 => match self {
                Self::Text(text) => Value::Int32(java_number::integer(text)?.try_into().ok()?),
                other => Value::Int32(other.to_i32()),
            },
            Target::Int64 => match self {
                Self::Text(text) => Value::Int64(java_number::integer(text)?),
                other => Value::Int64(other.to_i64()),
            },
            Target::Float32 => Value::Float32(match self {
                Self::Text(text) => java_number::floating(text)?.0,
                Self::Float32(number) => *number,
                Self::Float64(number) => *number as f32,
                #[expect(clippy::cast_precision_loss, reason = "as in Java")]
                Self::Integer(number) => *number as f32,
                Self::Decimal(number) => number.to_f64() as f32,
                Self::Boolean(truth) => f32::from(u8::from(*truth)),
            }),
            Target::Float64 => Value::Float64(match self {
                Self::Text(text) => java_number::floating(text)?.1,
                Self::Float32(number) => f64::from(*number),
                Self::Float64(number) => *number,
                #[expect(clippy::cast_precision_loss, reason = "as in Java")]
                Self::Integer(number) => *number as f64,
                Self::Decimal(number) => number.to_f64(),
                Self::Boolean(truth) => f64::from(u8::from(*truth)),
            }),
            Target::Boolean => Value::Boolean(match self {
                Self::Text(text) => text.eq_ignore_ascii_case("true"),
                Self::Boolean(truth) => *truth,
                other => other.to_i64() != 0,
            }),
            Target::String => return None,
        })
    }

    /// `Number.intValue`, of which bytes and shorts are made.
    #[expect(clippy::cast_possible_truncation, reason = "as in Java")]
    fn to_i32(&self) -> i32 {
        match self {
            Self::Float32(number) => *number as i32,
            Self::Float64(number) => *number as i32,
            other => other.to_i64() as i32,
        }
    }

    /// `Number.longValue`.
    #[expect(clippy::cast_possible_truncation, reason = "as in Java")]
    fn to_i64(&self) -> i64 {
        match self {
            Self::Integer(number) => *number,
            Self::Float32(number) => *number as i64,
            Self::Float64(number) => *number as i64,
            Self::Decimal(number) => number.to_wrapped_i64(),
            Self::Boolean(truth) => i64::from(*truth),
            Self::Text(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_in_java() {
        let check = |text: &str, target, expect: Option<Value<'_>>| {
            assert_eq!(Plain::Text(text).cast(target), expect, "{text} {target:?}");
        };
        check("-128", Target::Int8, Some(Value::Int8(-128)));
        check("128", Target::Int8, None);
        check("+7", Target::Int64, Some(Value::Int64(7)));
        check(" 7", Target::Int32, None);
        check("1.0", Target::Int32, None);
        check("-١٢", Target::Int16, Some(Value::Int16(-12)));
        check("１", Target::Float64, None);
        check("", Target::Int64, None);
        check(" 1.5e3f ", Target::Float64, Some(Value::Float64(1500.0)));
        check(
            "-Infinity",
            Target::Float32,
            Some(Value::Float32(f32::NEG_INFINITY)),
        );
        check("1_0", Target::Float64, None);
        check("inf", Target::Float64, None);
        check("TRUE", Target::Boolean, Some(Value::Boolean(true)));
        check("1", Target::Boolean, Some(Value::Boolean(false)));
    }
}
