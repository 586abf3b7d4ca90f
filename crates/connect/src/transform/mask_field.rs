//! `MaskField`: fields become nothing of their type, or a text that stands in for all.

use super::Side;
use super::fields::{self, REPLACE_NULL};
use crate::config::{ConfigDef, ConfigKey, ConfigProblem, Given, Kind};
use crate::data::{Decimal, MapEntries, Record, SchemaAndValue, Struct, Value};
use crate::error::{DataError, ErrorClass};
use crate::java_number;
use std::borrow::Cow;
use std::sync::Arc;

const PURPOSE: &str = "mask fields";

pub(super) const DEF: ConfigDef = ConfigDef::new(
    &[&[
        ConfigKey::new("fields", Kind::List).doc("The fields to mask."),
        ConfigKey::new("replacement", Kind::String)
            .optional()
            .non_empty()
            .doc("What numbers and texts become; without it 0, an empty text, `false`, an empty list or map."),
        REPLACE_NULL,
    ]],
    &[],
);

#[derive(Clone, Debug)]
pub(super) struct MaskField {
    side: Side,
    fields: Vec<String>,
    replacement: Option<String>,
    replaces_null: bool,
}

impl MaskField {
    pub(super) fn new(side: Side, settings: &Given) -> Result<Self, Vec<ConfigProblem>> {
        let config = DEF.parse(settings)?;
        let fields = config.list("fields").to_vec();
        if fields.is_empty() {
            return Err(vec![ConfigProblem::invalid("fields", "[]", "Empty list")]);
        }
        Ok(Self {
            side,
            fields,
            replacement: config.string("replacement").map(str::to_owned),
            replaces_null: config.boolean("replace.null.with.default") == Some(true),
        })
    }

    pub(super) fn apply(&self, record: &mut Record<'_>) -> Result<(), DataError> {
        let data = self.side.of(record);
        let value = std::mem::replace(&mut data.value, Value::Null);
        *data = match data.schema.take() {
            None => SchemaAndValue::schemaless(self.map(value)?),
            Some(schema) => {
                let row = fields::structure(value, PURPOSE)?;
                let row_schema = Arc::clone(row.schema());
                let values = row_schema.fields().iter().zip(row.into_values());
                let values = values.map(|(field, value)| {
                    let value = fields::or_default(value, &field.schema, self.replaces_null);
                    if self.fields.iter().any(|name| **name == *field.name) {
                        self.masked(value, true)
                    } else {
                        Ok(value)
                    }
                });
                let values = values.collect::<Result<_, _>>()?;
                SchemaAndValue::new(
                    schema,
                    Value::Struct(Struct::new(row_schema.clone(), values)),
                )
            }
        };
        Ok(())
    }

    fn map<'k>(&self, value: Value<'k>) -> Result<Value<'k>, DataError> {
        let mut entries = MapEntries::default();
        for (key, value) in fields::map(value, PURPOSE)? {
            entries.insert(key, value);
        }
        let mut entries = entries.into_entries();
        for name in &self.fields {
            match entries
                .iter_mut()
                .find(|(key, _)| fields::is_named(key, name))
            {
                Some((_, value)) => {
                    *value = self.masked(std::mem::replace(value, Value::Null), false)?;
                }
                // A field that is not there becomes one, as in Java.
                None => {
                    entries.push((Value::String(Cow::Owned(name.clone())), Value::Null));
                }
            }
        }
        Ok(Value::Map(entries))
    }

    fn masked<'k>(&self, value: Value<'k>, has_schema: bool) -> Result<Value<'k>, DataError> {
        match &self.replacement {
            _ if value.is_null() => Ok(value),
            None => nothing_of(value),
            Some(replacement) => replaced(&value, replacement, has_schema),
        }
    }
}

/// What stands for nothing in the type of a value.
fn nothing_of<'k>(value: Value<'k>) -> Result<Value<'k>, DataError> {
    Ok(match value {
        Value::Boolean(_) => Value::Boolean(false),
        Value::Int8(_) => Value::Int8(0),
        Value::Int16(_) => Value::Int16(0),
        Value::Int32(_) => Value::Int32(0),
        Value::Int64(_) => Value::Int64(0),
        Value::Float32(_) => Value::Float32(0.0),
        Value::Float64(_) => Value::Float64(0.0),
        Value::Decimal(_) => Value::Decimal(Decimal {
            unscaled: 0.into(),
            scale: 0,
        }),
        Value::Date(_) => Value::Date(0),
        Value::Time(_) => Value::Time(0),
        Value::Timestamp(_) => Value::Timestamp(0),
        Value::String(_) => Value::String(Cow::Borrowed("")),
        Value::Array(_) => Value::Array(Vec::new()),
        Value::Map(_) => Value::Map(Vec::new()),
        other => {
            let class = class_of(&other);
            let message = format!("Cannot mask value of type: class {class}");
            return Err(DataError::data(message));
        }
    })
}

fn class_of(value: &Value<'_>) -> &'static str {
    match value {
        Value::Bytes(_) => "[B",
        other => other.java_class(),
    }
}

/// The replacement in the type of a value; of a number what a cast of Java's leaves of it.
fn replaced<'k>(
    value: &Value<'k>,
    replacement: &str,
    has_schema: bool,
) -> Result<Value<'k>, DataError> {
    let digits = java_number::with_ascii_digits(replacement);
    let number = || {
        Decimal::parse(&digits).ok_or_else(|| {
            let message =
                format!("Unable to convert {replacement} (class java.lang.String) to a number");
            DataError::data(message)
        })
    };
    #[expect(clippy::cast_possible_truncation, reason = "as in Java")]
    Ok(match value {
        Value::Int8(_) => Value::Int8(number()?.to_wrapped_i64() as i8),
        Value::Int16(_) => Value::Int16(number()?.to_wrapped_i64() as i16),
        Value::Int32(_) => Value::Int32(number()?.to_wrapped_i64() as i32),
        Value::Int64(_) => Value::Int64(number()?.to_wrapped_i64()),
        Value::Float32(_) => Value::Float32(number()?.to_f64() as f32),
        Value::Float64(_) => Value::Float64(number()?.to_f64()),
        Value::Decimal(_) if has_schema => Value::Decimal(number()?),
        // Without a schema it is a whole number, whose text has neither point nor exponent.
        Value::Decimal(_) => {
            let is_whole = !digits.contains(['.', 'e', 'E']);
            let whole = number().ok().filter(|_| is_whole);
            Value::Decimal(whole.ok_or_else(|| {
                let message = format!("{replacement} is no whole number");
                DataError::of(ErrorClass::NumberFormat, message)
            })?)
        }
        // Copied for each record, which may outlive the transform.
        Value::String(_) => Value::String(Cow::Owned(replacement.to_owned())),
        other => {
            let message = format!(
                "Cannot mask value of type class {} with custom replacement.",
                class_of(other)
            );
            return Err(DataError::data(message));
        }
    })
}
