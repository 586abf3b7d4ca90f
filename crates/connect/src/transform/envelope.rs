//! Debezium's envelope: what its transforms, and StarRocks' own, take for one.

use super::fields;
use crate::data::{Field, Schema, SchemaAndValue, Struct, Value};
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

    /// A field and its value.
    pub(super) fn field(&self, name: &str) -> Option<(&Field, &Value<'k>)> {
        let at = fields::place(&self.schema, name)?;
        Some((&self.schema.fields()[at], &self.values[at]))
    }

    /// A field's schema and value, which is taken away.
    ///
    /// # Errors
    /// There is no such field.
    pub(super) fn image(&mut self, name: &str) -> Result<(Arc<Schema>, Value<'k>), DataError> {
        let at = fields::place(&self.schema, name).ok_or_else(|| {
            DataError::of(
                ErrorClass::IllegalArgument,
                format!("Unknown field: {name}"),
            )
        })?;
        let value = std::mem::replace(&mut self.values[at], Value::Null);
        Ok((Arc::clone(&self.schema.fields()[at].schema), value))
    }

    /// What happened: `c`, `u`, `d`, `r`, `t` or `m`.
    ///
    /// # Errors
    /// There is no such field, or it is no text.
    pub(super) fn op(&self) -> Result<&str, DataError> {
        let (_, value) = self
            .field(OP)
            .ok_or_else(|| DataError::data("op is not a valid field name"))?;
        match value {
            Value::String(op) => Ok(op),
            Value::Null => Ok(""),
            _ => Err(DataError::data("Field 'op' is not of type STRING")),
        }
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
    let at = fields::place(structure.schema(), name)
        .ok_or_else(|| DataError::data(format!("{name} is not a valid field name")))?;
    match &structure.values()[at] {
        Value::String(text) => Ok(Some(text)),
        Value::Null => Ok(None),
        _ => Err(DataError::data(format!(
            "Field '{name}' is not of type STRING"
        ))),
    }
}
