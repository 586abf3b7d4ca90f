//! Debezium's envelope: what its transforms, and StarRocks' own, take for one.

use super::fields;
use crate::data::{Schema, SchemaAndValue, SchemaType, Struct, Value};
use crate::error::{DataError, ErrorClass};
use std::sync::Arc;

pub(super) const BEFORE: &str = "before";
pub(super) const AFTER: &str = "after";
pub(super) const OP: &str = "op";

/// Whether a schema is that of an envelope: only its name tells.
pub(super) fn is_envelope(schema: Option<&Arc<Schema>>) -> bool {
    schema.is_some_and(|schema| {
        schema
            .name()
            .is_some_and(|name| name.ends_with(".Envelope"))
    })
}

/// An envelope, taken apart.
pub(super) struct Envelope<'k> {
    pub(super) schema: Arc<Schema>,
    pub(super) values: Vec<Value<'k>>,
}

impl<'k> Envelope<'k> {
    /// Takes a value apart whose schema [`is_envelope`].
    ///
    /// # Errors
    /// It is no struct.
    pub(super) fn take(data: &mut SchemaAndValue<'k>) -> Result<Self, DataError> {
        let value = std::mem::replace(&mut data.value, Value::Null);
        let structure = fields::structure(value, "field extraction")?;
        data.schema = None;
        Ok(Self {
            schema: Arc::clone(structure.schema()),
            values: structure.into_values(),
        })
    }

    /// Where a field stands.
    ///
    /// # Errors
    /// There is no such field.
    pub(super) fn place(&self, name: &str) -> Result<usize, DataError> {
        fields::place(&self.schema, name).ok_or_else(|| {
            let message = format!("Unknown field: {name}");
            DataError::of(ErrorClass::IllegalArgument, message)
        })
    }

    /// The value of a field; `None` where there is no such field.
    pub(super) fn value(&self, name: &str) -> Option<&Value<'k>> {
        self.values.get(fields::place(&self.schema, name)?)
    }

    /// What happened: `c`, `u`, `d`, `r`, `t` or `m`.
    ///
    /// # Errors
    /// There is no such field, or it is no text.
    pub(super) fn op(&self) -> Result<Option<&str>, DataError> {
        text_at(&self.schema, &self.values, OP)
    }

    /// Takes the value of the field at a place away.
    pub(super) fn take_value(&mut self, at: usize) -> Value<'k> {
        std::mem::replace(&mut self.values[at], Value::Null)
    }
}

/// The text of a field.
///
/// # Errors
/// There is no such field, or it is none.
pub(super) fn text<'s>(
    structure: &'s Struct<'_>,
    name: &str,
) -> Result<Option<&'s str>, DataError> {
    text_at(structure.schema(), structure.values(), name)
}

fn text_at<'s>(
    schema: &Schema,
    values: &'s [Value<'_>],
    name: &str,
) -> Result<Option<&'s str>, DataError> {
    let at = fields::place(schema, name)
        .ok_or_else(|| DataError::data(format!("{name} is not a valid field name")))?;
    match (schema.fields()[at].schema.kind(), &values[at]) {
        (SchemaType::String, Value::String(text)) => Ok(Some(text)),
        (SchemaType::String, Value::Null) => Ok(None),
        _ => Err(DataError::data(format!(
            "Field '{name}' is not of type STRING"
        ))),
    }
}
