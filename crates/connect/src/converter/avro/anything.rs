//! `io.confluent.connect.avro.Anything`: the record as which Confluent's converter writes data without a schema.

use super::schema::{Kind, Types};
use crate::data::{MapEntries, Value};
use crate::error::DataError;

const FIELDS: [&str; 9] = [
    "boolean", "bytes", "double", "float", "int", "long", "string", "array", "map",
];

/// Whether a schema is this record.
pub(super) fn is_root_of(types: &Types) -> bool {
    let Kind::Record(name, fields) = &types[types.root()].kind else {
        return false;
    };
    name.full() == "io.confluent.connect.avro.Anything"
        && fields.iter().map(|field| field.name.as_str()).eq(FIELDS)
}

/// The value that a record of this kind stands for: that of its first field that has one.
///
/// # Errors
/// What is no such record.
pub(super) fn unwrap(value: Value<'_>) -> Result<Value<'_>, DataError> {
    match only(value)? {
        Some((7, Value::Array(items))) => {
            let items = items.into_iter().map(unwrap);
            Ok(Value::Array(items.collect::<Result<_, _>>()?))
        }
        Some((8, Value::Array(items))) => {
            let mut entries = MapEntries::default();
            for item in items {
                let Value::Struct(entry) = item else {
                    return Err(no_entry());
                };
                let [key, value] =
                    <[Value<'_>; 2]>::try_from(entry.into_values()).map_err(|_| no_entry())?;
                entries.insert(unwrap(key)?, unwrap(value)?);
            }
            Ok(Value::Map(entries.into_entries()))
        }
        Some((_, value)) => Ok(value),
        None => Ok(Value::Null),
    }
}

fn no_entry() -> DataError {
    DataError::data("Invalid Avro data for schemaless Connect data")
}

/// The first field that is not null, and which it is.
fn only(value: Value<'_>) -> Result<Option<(usize, Value<'_>)>, DataError> {
    let Value::Struct(record) = value else {
        return Err(no_entry());
    };
    let mut fields = record.into_values().into_iter().enumerate();
    Ok(fields.find(|(_, value)| !value.is_null()))
}
