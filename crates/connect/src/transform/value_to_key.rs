//! `ValueToKey`: the key is made of fields of the value.

use super::fields::{self, LastSchema, REPLACE_NULL};
use crate::config::{ConfigDef, ConfigKey, ConfigProblem, Given, Kind};
use crate::data::{MapEntries, Record, Schema, SchemaAndValue, Struct, Value};
use crate::error::DataError;
use std::borrow::Cow;
use std::sync::Arc;

const PURPOSE: &str = "copying fields from value to key";

pub(super) const DEF: ConfigDef = ConfigDef::new(
    &[&[
        ConfigKey::new("fields", Kind::List)
            .non_empty()
            .doc("The fields of the key."),
        REPLACE_NULL,
    ]],
    &[],
);

#[derive(Clone, Debug)]
pub(super) struct ValueToKey {
    names: Vec<String>,
    replaces_null: bool,
    last: LastSchema,
}

impl ValueToKey {
    pub(super) fn new(settings: &Given) -> Result<Self, Vec<ConfigProblem>> {
        let config = DEF.parse(settings)?;
        Ok(Self {
            names: config.list("fields").to_vec(),
            replaces_null: config.boolean("replace.null.with.default") == Some(true),
            last: LastSchema::default(),
        })
    }

    pub(super) fn apply(&mut self, record: &mut Record<'_>) -> Result<(), DataError> {
        record.key = match &record.value.schema {
            None => self.map(&record.value.value)?,
            Some(schema) => self.structure(schema, &record.value.value)?,
        };
        Ok(())
    }

    fn map<'k>(&self, value: &Value<'k>) -> Result<SchemaAndValue<'k>, DataError> {
        let Value::Map(entries) = value else {
            // Cloned for its class alone.
            return Err(fields::map(value.clone(), PURPOSE)
                .err()
                .unwrap_or_else(|| unreachable!("it is no map")));
        };
        let mut key = MapEntries::default();
        for name in &self.names {
            let of_name = fields::of_map(entries, name);
            key.insert(Value::String(Cow::Owned(name.clone())), of_name);
        }
        Ok(SchemaAndValue::schemaless(Value::Map(key.into_entries())))
    }

    fn structure<'k>(
        &mut self,
        schema: &Arc<Schema>,
        value: &Value<'k>,
    ) -> Result<SchemaAndValue<'k>, DataError> {
        let Value::Struct(structure) = value else {
            return Err(fields::structure(value.clone(), PURPOSE)
                .err()
                .unwrap_or_else(|| unreachable!("it is no struct")));
        };
        let mut places = Vec::with_capacity(self.names.len());
        for name in &self.names {
            let place = fields::place(schema, name);
            places.push(
                place.ok_or_else(|| DataError::data(format!("Field does not exist: {name}")))?,
            );
        }
        let key = self.last.get(schema, || {
            let fields = places.iter().map(|at| schema.fields()[*at].clone());
            Schema::structure(fields.collect())
        })?;
        let values = places.iter().map(|at| {
            let field = &schema.fields()[*at];
            fields::or_default(
                structure.values()[*at].clone(),
                &field.schema,
                self.replaces_null,
            )
        });
        let value = Struct::new(Arc::clone(&key), values.collect());
        Ok(SchemaAndValue::new(key, Value::Struct(value)))
    }
}
