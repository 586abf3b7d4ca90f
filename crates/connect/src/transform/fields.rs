//! What transforms that look at fields have in common.

use crate::config::{ConfigKey, Kind};
use crate::data::{Field, Schema, Struct, Value};
use crate::error::DataError;
use crate::java_hash;
use std::sync::Arc;

/// `replace.null.with.default`.
pub(super) const REPLACE_NULL: ConfigKey =
    ConfigKey::new("replace.null.with.default", Kind::Boolean)
        .default("true")
        .doc("Whether null in a field that has a default becomes the default.");

/// The entries of a value without a schema.
///
/// # Errors
/// It is no map, null included.
pub(super) fn map<'k>(
    value: Value<'k>,
    purpose: &str,
) -> Result<Vec<(Value<'k>, Value<'k>)>, DataError> {
    match value {
        Value::Map(entries) => Ok(entries),
        other => Err(DataError::data(format!(
            "Only Map objects supported in absence of schema for [{purpose}], found: {}",
            other.java_class()
        ))),
    }
}

/// The struct that a value with a schema is.
///
/// # Errors
/// It is none, null included.
pub(super) fn structure<'k>(value: Value<'k>, purpose: &str) -> Result<Struct<'k>, DataError> {
    match value {
        Value::Struct(structure) => Ok(structure),
        other => Err(DataError::data(format!(
            "Only Struct objects supported for [{purpose}], found: {}",
            other.java_class()
        ))),
    }
}

/// The entries of a map in the order in which Java's `HashMap` has them: it tells which of two stays where a transform gives
/// them one name.
pub(super) fn as_in_java<'k>(
    mut entries: Vec<(Value<'k>, Value<'k>)>,
) -> Vec<(Value<'k>, Value<'k>)> {
    let buckets = java_hash::buckets(entries.len());
    entries.sort_by_key(|(key, _)| java_hash::bucket_of(key, buckets));
    entries
}

/// Whether a map's key is this name.
pub(super) fn is_named(key: &Value<'_>, name: &str) -> bool {
    matches!(key, Value::String(text) if text == name)
}

/// The value of a name in a map, null where there is none.
pub(super) fn of_map<'k>(entries: &[(Value<'k>, Value<'k>)], name: &str) -> Value<'k> {
    let found = entries.iter().find(|(key, _)| is_named(key, name));
    found.map_or(Value::Null, |(_, value)| value.clone())
}

/// A field's value; its default in the place of null, where that is wanted.
pub(super) fn or_default<'k>(value: Value<'k>, schema: &Schema, replaces: bool) -> Value<'k> {
    match (&value, &schema.default) {
        (Value::Null, Some(default)) if replaces => default.clone(),
        _ => value,
    }
}

/// Where a field stands in a struct's schema.
pub(super) fn place(schema: &Schema, name: &str) -> Option<usize> {
    schema
        .fields()
        .iter()
        .position(|field| *field.name == *name)
}

/// A field of a new struct.
pub(super) fn field(name: &str, schema: Arc<Schema>) -> Field {
    Field {
        name: name.into(),
        schema,
    }
}

/// The schema of the last record, and what became of it: records of one schema mostly come one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct LastSchema(Option<(Arc<Schema>, Arc<Schema>)>);

impl LastSchema {
    /// What becomes of a schema, made where it is not the last one.
    pub(super) fn get(
        &mut self,
        source: &Arc<Schema>,
        make: impl FnOnce() -> Result<Schema, DataError>,
    ) -> Result<Arc<Schema>, DataError> {
        match &self.0 {
            Some((last, made)) if Arc::ptr_eq(last, source) => Ok(Arc::clone(made)),
            _ => {
                let made = Arc::new(make()?);
                self.0 = Some((Arc::clone(source), Arc::clone(&made)));
                Ok(made)
            }
        }
    }
}
