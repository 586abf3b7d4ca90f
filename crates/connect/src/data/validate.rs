//! Whether a value is what its schema says: Java's `ConnectSchema.validateValue`.

use super::{LogicalType, Schema, SchemaType, Value};
use crate::error::DataError;

/// Checks a value of the field `name` against its schema, elements included. The fields of a struct
/// were checked when it was made.
///
/// # Errors
/// Null where the schema does not allow it, or a value of another kind.
pub fn validate(name: &str, schema: &Schema, value: &Value<'_>) -> Result<(), DataError> {
    if value.is_null() {
        if schema.optional {
            return Ok(());
        }
        return Err(DataError::data(format!(
            "Invalid value: null used for required field: \"{name}\", schema type: {}",
            schema.kind().name()
        )));
    }
    if !is_of_kind(schema, value) {
        return Err(DataError::data(format!(
            "Invalid Java object for schema with type {}: class {} for field: \"{name}\"",
            schema.kind().name(),
            value.java_class()
        )));
    }
    match (schema.kind(), value) {
        (SchemaType::Array(element), Value::Array(values)) => values
            .iter()
            .try_for_each(|value| validate(name, element, value)),
        (SchemaType::Map(key, element), Value::Map(entries)) => {
            entries.iter().try_for_each(|(k, value)| {
                validate(name, key, k)?;
                validate(name, element, value)
            })
        }
        (SchemaType::Struct(_), Value::Struct(structure))
            if !std::ptr::eq(structure.schema().as_ref(), schema)
                && structure.schema().as_ref() != schema =>
        {
            Err(DataError::data("Struct schemas do not match."))
        }
        _ => Ok(()),
    }
}

fn is_of_kind(schema: &Schema, value: &Value<'_>) -> bool {
    if let Some(logical) = schema.logical() {
        return match logical {
            LogicalType::Decimal => matches!(value, Value::Decimal(_)),
            LogicalType::Date => matches!(value, Value::Date(_)),
            LogicalType::Time => matches!(value, Value::Time(_)),
            LogicalType::Timestamp => matches!(value, Value::Timestamp(_)),
        };
    }
    matches!(
        (schema.kind(), value),
        (SchemaType::Int8, Value::Int8(_))
            | (SchemaType::Int16, Value::Int16(_))
            | (SchemaType::Int32, Value::Int32(_))
            | (SchemaType::Int64, Value::Int64(_))
            | (SchemaType::Float32, Value::Float32(_))
            | (SchemaType::Float64, Value::Float64(_))
            | (SchemaType::Boolean, Value::Boolean(_))
            | (SchemaType::String, Value::String(_))
            | (SchemaType::Bytes, Value::Bytes(_))
            | (SchemaType::Array(_), Value::Array(_))
            | (SchemaType::Map(..), Value::Map(_))
            | (SchemaType::Struct(_), Value::Struct(_))
    )
}
