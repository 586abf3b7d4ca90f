//! `HeaderFrom`: fields become headers, and stay or do not.

use super::Side;
use super::fields::{self, LastSchema, REPLACE_NULL};
use crate::config::{ConfigDef, ConfigKey, ConfigProblem, Given, Kind};
use crate::data::{Record, SchemaAndValue, Struct, Value};
use crate::error::{DataError, ErrorClass};
use std::borrow::Cow;
use std::sync::Arc;

pub(super) const DEF: ConfigDef = ConfigDef::new(
    &[&[
        ConfigKey::new("fields", Kind::List)
            .non_empty()
            .doc("The fields."),
        ConfigKey::new("headers", Kind::List)
            .non_empty()
            .doc("The headers, one for each field."),
        ConfigKey::new("operation", Kind::String)
            .one_of(&["move", "copy"])
            .doc("Whether the fields are taken out (`move`) or stay (`copy`)."),
        REPLACE_NULL,
    ]],
    &[],
);

#[derive(Clone, Debug)]
pub(super) struct HeaderFrom {
    side: Side,
    /// Fields, each with its header.
    pairs: Vec<(String, String)>,
    moves: bool,
    replaces_null: bool,
    last: LastSchema,
}

impl HeaderFrom {
    pub(super) fn new(side: Side, settings: &Given) -> Result<Self, Vec<ConfigProblem>> {
        let config = DEF.parse(settings)?;
        let (names, headers) = (config.list("fields"), config.list("headers"));
        if names.len() != headers.len() {
            let message =
                "'fields' config must have the same number of elements as 'headers' config.";
            return Err(vec![ConfigProblem::about("headers", message)]);
        }
        Ok(Self {
            side,
            pairs: names.iter().cloned().zip(headers.iter().cloned()).collect(),
            moves: config.string("operation") == Some("move"),
            replaces_null: config.boolean("replace.null.with.default") == Some(true),
            last: LastSchema::default(),
        })
    }

    const fn purpose(&self) -> &'static str {
        if self.moves {
            "header move"
        } else {
            "header copy"
        }
    }

    pub(super) fn apply(&mut self, record: &mut Record<'_>) -> Result<(), DataError> {
        let side = self.side;
        let data = side.of(record);
        let value = std::mem::replace(&mut data.value, Value::Null);
        let (left, headers) = match data.schema.take() {
            None => self.map(value)?,
            Some(schema) => self.structure(&schema, value)?,
        };
        *data = left;
        // Copied for each record: a record has its headers for itself.
        let names = self.pairs.iter().map(|(_, name)| Cow::Owned(name.clone()));
        record.headers.extend(names.zip(headers));
        Ok(())
    }

    fn takes(&self, name: &str) -> bool {
        self.moves && self.pairs.iter().any(|(field, _)| field == name)
    }

    fn map<'k>(
        &self,
        value: Value<'k>,
    ) -> Result<(SchemaAndValue<'k>, Vec<SchemaAndValue<'k>>), DataError> {
        let mut entries = fields::map(value, self.purpose())?;
        let of_name = |(name, _): &(String, String)| fields::of_map(&entries, name);
        let headers = self.pairs.iter().map(of_name);
        let headers = headers.map(SchemaAndValue::schemaless).collect();
        entries.retain(|(key, _)| !matches!(key, Value::String(name) if self.takes(name)));
        Ok((SchemaAndValue::schemaless(Value::Map(entries)), headers))
    }

    fn structure<'k>(
        &mut self,
        schema: &Arc<crate::data::Schema>,
        value: Value<'k>,
    ) -> Result<(SchemaAndValue<'k>, Vec<SchemaAndValue<'k>>), DataError> {
        let structure = fields::structure(value, self.purpose())?;
        let mut headers = Vec::with_capacity(self.pairs.len());
        for (name, _) in &self.pairs {
            let at = fields::place(schema, name).ok_or_else(|| {
                let message = format!("There is no field {name} to make a header of");
                DataError::of(ErrorClass::NullPointer, message)
            })?;
            let schema = &schema.fields()[at].schema;
            let value = structure.values()[at].clone();
            let value = fields::or_default(value, schema, self.replaces_null);
            headers.push(SchemaAndValue::new(Arc::clone(schema), value));
        }
        if !self.moves {
            let left = SchemaAndValue::new(Arc::clone(schema), Value::Struct(structure));
            return Ok((left, headers));
        }
        let mut last = std::mem::take(&mut self.last);
        let made = last.get(schema, || {
            let left = schema.fields().iter();
            let left = left.filter(|field| !self.takes(&field.name));
            schema.with_fields(left.cloned().collect())
        });
        self.last = last;
        let made = made?;
        let values = schema.fields().iter().zip(structure.into_values());
        let values = values
            .filter(|(field, _)| !self.takes(&field.name))
            .map(|(field, value)| fields::or_default(value, &field.schema, self.replaces_null));
        let left = Struct::new(Arc::clone(&made), values.collect());
        Ok((SchemaAndValue::new(made, Value::Struct(left)), headers))
    }
}
