//! `SetSchemaMetadata`: a struct's schema gets another name or version.

use super::Side;
use super::fields::{self, LastSchema, REPLACE_NULL};
use crate::config::{ConfigDef, ConfigKey, ConfigProblem, Given, Kind};
use crate::data::{Record, Schema, SchemaType, Struct, Value};
use crate::error::DataError;
use std::sync::Arc;

pub(super) const DEF: ConfigDef = ConfigDef::new(
    &[&[
        ConfigKey::new("schema.name", Kind::String)
            .optional()
            .doc("The name."),
        ConfigKey::new("schema.version", Kind::Int)
            .optional()
            .doc("The version."),
        REPLACE_NULL,
    ]],
    &[],
);

#[derive(Clone, Debug)]
pub(super) struct SetSchemaMetadata {
    side: Side,
    name: Option<String>,
    version: Option<i32>,
    replaces_null: bool,
    last: LastSchema,
}

impl SetSchemaMetadata {
    pub(super) fn new(side: Side, settings: &Given) -> Result<Self, Vec<ConfigProblem>> {
        let config = DEF.parse(settings)?;
        let name = config.string("schema.name").map(str::to_owned);
        let version = config.integer("schema.version");
        let version = version.and_then(|version| i32::try_from(version).ok());
        if name.is_none() && version.is_none() {
            let message =
                "Neither schema name nor version configured: set schema.name or schema.version";
            return Err(vec![ConfigProblem::about("schema.name", message)]);
        }
        Ok(Self {
            side,
            name,
            version,
            replaces_null: config.boolean("replace.null.with.default") == Some(true),
            last: LastSchema::default(),
        })
    }

    pub(super) fn apply(&mut self, record: &mut Record<'_>) -> Result<(), DataError> {
        let data = self.side.of(record);
        let Some(schema) = data.schema.clone() else {
            return if data.value.is_null() {
                Ok(())
            } else {
                Err(DataError::data(
                    "Schema required for [updating schema metadata]",
                ))
            };
        };
        if !matches!(schema.kind(), SchemaType::Struct(_)) {
            return Err(DataError::data("Cannot list fields on non-struct type"));
        }
        let (name, version) = (&self.name, self.version);
        let made = self.last.get(&schema, || {
            let mut made = Schema::clone(&schema);
            if let Some(name) = name {
                made = made.named(name);
            }
            made.version = version.or(made.version);
            Ok(made)
        })?;
        let value = std::mem::replace(&mut data.value, Value::Null);
        data.value = match value {
            Value::Struct(structure) => {
                let values = schema.fields().iter().zip(structure.into_values());
                let values = values.map(|(field, value)| {
                    fields::or_default(value, &field.schema, self.replaces_null)
                });
                Value::Struct(Struct::new(Arc::clone(&made), values.collect()))
            }
            other => other,
        };
        data.schema = Some(made);
        Ok(())
    }
}
