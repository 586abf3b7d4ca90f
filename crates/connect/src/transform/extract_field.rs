//! `ExtractField`: the key or value becomes one of its fields.

use super::Side;
use super::field_path::FieldPath;
use super::fields::{self, REPLACE_NULL};
use crate::config::{ConfigDef, ConfigKey, ConfigProblem, Given, Kind};
use crate::data::{Record, SchemaAndValue, Value};
use crate::error::{DataError, ErrorClass};
use std::sync::Arc;

const PURPOSE: &str = "field extraction";

pub(super) const DEF: ConfigDef = ConfigDef::new(
    &[&[
        ConfigKey::new("field", Kind::String).doc("The field."),
        ConfigKey::new("field.syntax.version", Kind::String)
            .default("V1")
            .one_of_ignore_case(&["V1", "V2"])
            .doc("`V2`: `field` is a path, with dots between names."),
        REPLACE_NULL,
    ]],
    &[],
);

#[derive(Clone, Debug)]
pub(super) struct ExtractField {
    side: Side,
    field: String,
    path: FieldPath,
    replaces_null: bool,
}

impl ExtractField {
    pub(super) fn new(side: Side, settings: &Given) -> Result<Self, Vec<ConfigProblem>> {
        let config = DEF.parse(settings)?;
        let field = config.string("field").unwrap_or_default().to_owned();
        let version = config.string("field.syntax.version").unwrap_or_default();
        let path = if version.eq_ignore_ascii_case("V2") {
            FieldPath::nested(&field)
                .map_err(|reason| vec![ConfigProblem::invalid("field", &field, &reason)])?
        } else {
            FieldPath::plain(&field)
        };
        Ok(Self {
            side,
            field,
            path,
            replaces_null: config.boolean("replace.null.with.default") == Some(true),
        })
    }

    pub(super) fn apply(&self, record: &mut Record<'_>) -> Result<(), DataError> {
        let data = self.side.of(record);
        let value = std::mem::replace(&mut data.value, Value::Null);
        *data = match (data.schema.take(), value) {
            (None, Value::Null) => SchemaAndValue::schemaless(Value::Null),
            (None, value) => {
                let entries = fields::map(value, PURPOSE)?;
                SchemaAndValue::schemaless(self.path.in_map(entries)?)
            }
            (Some(schema), value) => {
                let structure = match value {
                    Value::Null => None,
                    value => Some(fields::structure(value, PURPOSE)?),
                };
                let field = self.path.field(&schema)?.ok_or_else(|| {
                    let message = format!("Unknown field: {}", self.field);
                    DataError::of(ErrorClass::IllegalArgument, message)
                })?;
                let value = match structure {
                    None => Value::Null,
                    Some(structure) => self.path.in_struct(structure, self.replaces_null)?,
                };
                SchemaAndValue::new(Arc::clone(&field.schema), value)
            }
        };
        Ok(())
    }
}
