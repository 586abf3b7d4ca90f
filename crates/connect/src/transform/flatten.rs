//! `Flatten`: structs and maps within one another become fields of one, whose names tell the way.

use super::Side;
use super::fields::{self, LastSchema};
use crate::config::{ConfigDef, ConfigKey, ConfigProblem, Given, Kind};
use crate::data::{Field, MapEntries, Record, Schema, SchemaAndValue, SchemaType, Struct, Value};
use crate::error::DataError;
use std::borrow::Cow;
use std::sync::Arc;

const PURPOSE: &str = "flattening";

pub(super) const DEF: ConfigDef = ConfigDef::new(
    &[&[ConfigKey::new("delimiter", Kind::String)
        .default(".")
        .doc("What stands between the names of a way.")]],
    &[],
);

#[derive(Clone, Debug)]
pub(super) struct Flatten {
    side: Side,
    delimiter: String,
    last: LastSchema,
}

impl Flatten {
    pub(super) fn new(side: Side, settings: &Given) -> Result<Self, Vec<ConfigProblem>> {
        let config = DEF.parse(settings)?;
        Ok(Self {
            side,
            delimiter: config.string("delimiter").unwrap_or_default().to_owned(),
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
            None => {
                let mut leaves = Vec::new();
                self.leaves("", fields::map(value, PURPOSE)?, &mut leaves)?;
                let mut entries = MapEntries::default();
                for (name, value) in leaves {
                    entries.insert(Value::String(Cow::Owned(name)), value);
                }
                SchemaAndValue::schemaless(Value::Map(entries.into_entries()))
            }
            Some(schema) => {
                let row = fields::structure(value, PURPOSE)?;
                let delimiter = &self.delimiter;
                let made = self.last.get(&schema, || {
                    let mut all = Vec::new();
                    let default = default_struct(schema.default.as_ref());
                    flat_fields(delimiter, "", &schema, schema.optional, default, &mut all)?;
                    schema.with_fields(all)
                })?;
                let mut values = Vec::with_capacity(made.fields().len());
                flat_values(&schema, Some(row), &mut values);
                let value = Value::Struct(Struct::new(Arc::clone(&made), values));
                SchemaAndValue::new(made, value)
            }
        };
        Ok(())
    }

    /// The leaves of a map in the order in which Java's map has them: of two with one name the last one stays.
    fn leaves<'k>(
        &self,
        prefix: &str,
        entries: Vec<(Value<'k>, Value<'k>)>,
        leaves: &mut Vec<(String, Value<'k>)>,
    ) -> Result<(), DataError> {
        for (key, value) in fields::as_in_java(entries) {
            let Value::String(key) = &key else {
                let message = format!(
                    "Cannot flatten a map with a key of type {}",
                    key.java_class()
                );
                return Err(DataError::data(message));
            };
            let name = joined(&self.delimiter, prefix, key);
            match value {
                Value::Map(inner) => self.leaves(&name, inner, leaves)?,
                Value::Struct(_) => {
                    return Err(DataError::data(format!(
                        "Flatten transformation does not support STRUCT for record without schemas (for field {name})."
                    )));
                }
                Value::Date(_) | Value::Time(_) | Value::Timestamp(_) => {
                    return Err(DataError::data(format!(
                        "Flatten transformation was passed a time, which needs a schema (for field {name})."
                    )));
                }
                value => leaves.push((name, value)),
            }
        }
        Ok(())
    }
}

fn joined(delimiter: &str, prefix: &str, name: &str) -> String {
    if prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}{delimiter}{name}")
    }
}

fn default_struct<'d>(default: Option<&'d Value<'static>>) -> Option<&'d Struct<'static>> {
    match default {
        Some(Value::Struct(default)) => Some(default),
        _ => None,
    }
}

/// The fields of a struct and of those in it, optional where one on their way is.
fn flat_fields(
    delimiter: &str,
    prefix: &str,
    schema: &Schema,
    is_optional: bool,
    default: Option<&Struct<'static>>,
    all: &mut Vec<Field>,
) -> Result<(), DataError> {
    for (at, field) in schema.fields().iter().enumerate() {
        let name = joined(delimiter, prefix, &field.name);
        let is_optional = is_optional || field.schema.optional;
        let of_parent = default.and_then(|default| default.values().get(at));
        let of_parent = of_parent.filter(|value| !value.is_null());
        let default = field.schema.default.as_ref().or(of_parent);
        match field.schema.kind() {
            SchemaType::Struct(_) => {
                let default = default_struct(default);
                flat_fields(delimiter, &name, &field.schema, is_optional, default, all)?;
            }
            SchemaType::Map(..) => {
                return Err(DataError::data(format!(
                    "Flatten transformation does not support MAP for record with schemas (for field {name})."
                )));
            }
            _ => {
                let mut leaf = (*field.schema).clone();
                leaf.optional = is_optional;
                leaf.default = default.cloned();
                all.push(fields::field(&name, Arc::new(leaf)));
            }
        }
    }
    Ok(())
}

/// The values of a struct and of those in it; null for each where the struct is.
fn flat_values<'k>(schema: &Schema, row: Option<Struct<'k>>, values: &mut Vec<Value<'k>>) {
    let own = row.map(Struct::into_values).unwrap_or_default();
    let mut own = own.into_iter();
    for field in schema.fields() {
        let value = own.next().unwrap_or(Value::Null);
        let value = fields::or_default(value, &field.schema, true);
        match (field.schema.kind(), value) {
            (SchemaType::Struct(_), Value::Struct(inner)) => {
                flat_values(&field.schema, Some(inner), values);
            }
            (SchemaType::Struct(_), _) => flat_values(&field.schema, None, values),
            (_, value) => values.push(value),
        }
    }
}
