//! Whether a value is what its schema says: Java's `ConnectSchema.validateValue`.

use super::{LogicalType, Schema, SchemaType, Value};
use crate::error::{DataError, ErrorClass};

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
        (SchemaType::Array(element), Value::Array(values)) => {
            let element = inner(name, element.as_deref())?;
            values
                .iter()
                .try_for_each(|value| validate(name, element, value))
        }
        (SchemaType::Map(key, element), Value::Map(entries)) => {
            let key = inner(name, key.as_deref())?;
            let element = inner(name, element.as_deref())?;
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
        // The name of the schema says one thing, its kind another. Java goes by the name, then by the kind.
        (
            SchemaType::Array(_) | SchemaType::Map(..) | SchemaType::Struct(_),
            Value::Decimal(_) | Value::Date(_) | Value::Time(_) | Value::Timestamp(_),
        ) => Err(DataError::of(
            ErrorClass::ClassCast,
            format!(
                "class {} cannot be cast to {} for field: \"{name}\"",
                value.java_class(),
                schema.kind().name()
            ),
        )),
        _ => Ok(()),
    }
}

fn inner<'s>(name: &str, schema: Option<&'s Schema>) -> Result<&'s Schema, DataError> {
    schema.ok_or_else(|| {
        DataError::data(format!(
            "No schema defined for what stands in field: \"{name}\""
        ))
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Field, Struct};
    use std::sync::Arc;

    fn structure(kind: SchemaType) -> Arc<Schema> {
        let field = Field {
            name: "a".into(),
            schema: Arc::new(Schema::new(kind)),
        };
        Arc::new(Schema::structure(vec![field]).expect("one field"))
    }

    #[test]
    fn values_are_what_their_schema_says() {
        fn check(schema: &Schema, value: Value<'_>, expect: Result<(), &str>) {
            let found = validate("f", schema, &value).map_err(|error| error.message);
            assert_eq!(found, expect.map_err(str::to_owned), "{schema:?} {value:?}");
        }
        let int = Schema::new(SchemaType::Int32);
        check(&int, Value::Int32(1), Ok(()));
        check(&int.clone().optional(), Value::Null, Ok(()));
        let required = "Invalid value: null used for required field: \"f\", schema type: INT32";
        check(&int, Value::Null, Err(required));
        let wrong =
            "Invalid Java object for schema with type INT32: class java.lang.Long for field: \"f\"";
        check(&int, Value::Int64(1), Err(wrong));
        let date = int.clone().named("org.apache.kafka.connect.data.Date");
        check(&date, Value::Date(1), Ok(()));
        assert!(validate("f", &date, &Value::Int32(1)).is_err());
        let none = Schema::new(SchemaType::Array(None)).named("org.apache.kafka.connect.data.Date");
        let told = "class java.util.Date cannot be cast to ARRAY for field: \"f\"";
        check(&none, Value::Date(1), Err(told));
        let none = Schema::new(SchemaType::Array(None));
        let told = "No schema defined for what stands in field: \"f\"";
        check(&none, Value::Array(vec![]), Err(told));
        let ints = Schema::new(SchemaType::Array(Some(Arc::new(int.clone()))));
        check(&ints, Value::Array(vec![Value::Int32(1)]), Ok(()));
        check(&ints, Value::Array(vec![Value::Null]), Err(required));
        let map = Schema::new(SchemaType::Map(
            Some(Arc::new(int.clone())),
            Some(Arc::new(int)),
        ));
        check(
            &map,
            Value::Map(vec![(Value::Int32(1), Value::Null)]),
            Err(required),
        );
        let (of_int, of_text) = (structure(SchemaType::Int32), structure(SchemaType::String));
        let value = || Value::Struct(Struct::new(of_int.clone(), vec![Value::Int32(1)]));
        check(&of_int, value(), Ok(()));
        check(&of_text, value(), Err("Struct schemas do not match."));
    }
}
