//! `ReplaceField`: fields are left out, kept or renamed.

use super::Side;
use super::fields::{self, LastSchema, REPLACE_NULL};
use crate::config::{ConfigDef, ConfigKey, ConfigProblem, Given, Kind};
use crate::data::{MapEntries, Record, Schema, SchemaAndValue, Struct, Value};
use crate::error::DataError;
use std::borrow::Cow;
use std::sync::Arc;

const PURPOSE: &str = "field replacement";

pub(super) const DEF: ConfigDef = ConfigDef::new(
    &[&[
        ConfigKey::new("exclude", Kind::List)
            .default("")
            .aliases(&["blacklist"])
            .doc("Fields to leave out."),
        ConfigKey::new("include", Kind::List)
            .default("")
            .aliases(&["whitelist"])
            .doc("Fields to keep; all where it is empty."),
        ConfigKey::new("renames", Kind::List)
            .default("")
            .doc("Pairs `old:new`."),
        REPLACE_NULL,
    ]],
    &[],
);

#[derive(Clone, Debug)]
pub(super) struct ReplaceField {
    side: Side,
    exclude: Vec<String>,
    include: Vec<String>,
    renames: Vec<(String, String)>,
    replaces_null: bool,
    last: LastSchema,
}

impl ReplaceField {
    pub(super) fn new(side: Side, settings: &Given) -> Result<Self, Vec<ConfigProblem>> {
        let config = DEF.parse(settings)?;
        let mut renames = Vec::new();
        for pair in config.list("renames") {
            match pair.split_once(':') {
                // As `String.split` has it, which gives no empty text at the end.
                Some((old, new)) if !new.is_empty() && !new.contains(':') => {
                    renames.push((old.to_owned(), new.to_owned()));
                }
                _ => {
                    let shown = format!("[{}]", config.list("renames").join(", "));
                    let reason = format!("Invalid rename mapping: {pair}");
                    return Err(vec![ConfigProblem::invalid("renames", &shown, &reason)]);
                }
            }
        }
        Ok(Self {
            side,
            exclude: config.list("exclude").to_vec(),
            include: config.list("include").to_vec(),
            renames,
            replaces_null: config.boolean("replace.null.with.default") == Some(true),
            last: LastSchema::default(),
        })
    }

    /// One that leaves out these fields.
    pub(super) fn excluding(side: Side, exclude: Vec<String>) -> Self {
        Self {
            side,
            exclude,
            include: Vec::new(),
            renames: Vec::new(),
            replaces_null: true,
            last: LastSchema::default(),
        }
    }

    pub(super) fn apply(&mut self, record: &mut Record<'_>) -> Result<(), DataError> {
        let data = self.side.of(record);
        if data.value.is_null() {
            return Ok(());
        }
        let value = std::mem::replace(&mut data.value, Value::Null);
        *data = match data.schema.take() {
            None => SchemaAndValue::schemaless(self.map(value)?),
            Some(schema) => self.structure(&schema, value)?,
        };
        Ok(())
    }

    fn map<'k>(&self, value: Value<'k>) -> Result<Value<'k>, DataError> {
        let mut kept = MapEntries::default();
        for (key, value) in fields::map(value, PURPOSE)? {
            match &key {
                Value::String(name) if !self.keeps(name) => {}
                Value::String(name) => {
                    let renamed = self.renamed(name);
                    let key = renamed.map_or_else(|| key.clone(), text);
                    kept.insert(key, value);
                }
                _ => kept.insert(key, value),
            }
        }
        Ok(Value::Map(kept.into_entries()))
    }

    fn structure<'k>(
        &mut self,
        schema: &Arc<Schema>,
        value: Value<'k>,
    ) -> Result<SchemaAndValue<'k>, DataError> {
        let structure = fields::structure(value, PURPOSE)?;
        let mut last = std::mem::take(&mut self.last);
        let made = last.get(schema, || {
            let kept = schema
                .fields()
                .iter()
                .filter(|field| self.keeps(&field.name));
            let kept = kept.map(|field| {
                let name = self.renamed(&field.name).unwrap_or(&field.name);
                fields::field(name, Arc::clone(&field.schema))
            });
            schema.with_fields(kept.collect())
        });
        self.last = last;
        let made = made?;
        let values = schema.fields().iter().zip(structure.into_values());
        let values = values
            .filter(|(field, _)| self.keeps(&field.name))
            .map(|(field, value)| fields::or_default(value, &field.schema, self.replaces_null));
        let value = Struct::new(Arc::clone(&made), values.collect());
        Ok(SchemaAndValue::new(made, Value::Struct(value)))
    }

    fn keeps(&self, name: &str) -> bool {
        let is_in = |names: &[String]| names.iter().any(|one| one == name);
        !is_in(&self.exclude) && (self.include.is_empty() || is_in(&self.include))
    }

    fn renamed(&self, name: &str) -> Option<&str> {
        let found = self.renames.iter().rev().find(|(old, _)| old == name);
        found.map(|(_, new)| new.as_str())
    }
}

fn text<'k>(name: &str) -> Value<'k> {
    // Copied for each record, which may outlive the transform.
    Value::String(Cow::Owned(name.to_owned()))
}
