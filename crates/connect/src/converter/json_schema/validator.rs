//! `json.fail.invalid.schema`: whether a record is valid by its schema. The rules of the standard are the `jsonschema` crate's,
//! which is built without any way to fetch a schema.

use super::address::resolve;
use super::dialect::Dialect;
use super::kind::invalid;
use crate::error::DataError;
use jsonschema::{Draft, Registry, Validator};
use serde_json::Value;

/// What addresses are relative to where a schema has none of its own.
const BASE: &str = "json-schema:///";

/// Makes a validator of a schema and what it refers to.
///
/// # Errors
/// A schema that is none.
pub(super) fn compile<'t>(
    dialect: Dialect,
    text: &str,
    references: impl Iterator<Item = (&'t str, &'t str)>,
) -> Result<Validator, DataError> {
    let mut schema = read(text)?;
    let own = schema.get(dialect.id_keyword()).and_then(Value::as_str);
    let base = resolve(BASE, own.unwrap_or_default());
    let draft = draft(dialect);
    if let Value::Object(members) = &mut schema {
        // One that is not known would have to be fetched.
        members.remove("$schema");
    }
    let mut registry = Registry::new();
    for (name, text) in references {
        let document = draft.create_resource(read(text)?);
        registry = registry
            .add(resolve(&base, name), document)
            .map_err(|error| invalid(error.to_string()))?;
    }
    let registry = registry
        .prepare()
        .map_err(|error| invalid(error.to_string()))?;
    jsonschema::options()
        .with_draft(draft)
        .with_base_uri(base)
        .with_registry(&registry)
        .should_validate_formats(true)
        .build(&schema)
        .map_err(|error| invalid(error.to_string()))
}

/// Checks a record.
///
/// # Errors
/// Where and why it is not valid.
pub(super) fn check(validator: &Validator, text: &str) -> Result<(), DataError> {
    let instance: Value = serde_json::from_str(text)
        .map_err(|error| DataError::data(format!("It is no JSON: {error}")))?;
    match validator.iter_errors(&instance).next() {
        None => Ok(()),
        Some(error) => Err(DataError::data(format!(
            "It is not valid by its schema, at #{}: {error} (json.fail.invalid.schema is true)",
            error.instance_path()
        ))),
    }
}

fn read(text: &str) -> Result<Value, DataError> {
    serde_json::from_str(text).map_err(|error| invalid(error.to_string()))
}

const fn draft(dialect: Dialect) -> Draft {
    match dialect {
        Dialect::Draft4 => Draft::Draft4,
        Dialect::Draft6 => Draft::Draft6,
        Dialect::Draft7 => Draft::Draft7,
        Dialect::Draft201909 => Draft::Draft201909,
        Dialect::Draft202012 => Draft::Draft202012,
    }
}
