//! `ReplaceField`: fields are left out, kept or renamed.

use super::Side;
use super::fields::{self, LastSchema, REPLACE_NULL};
use crate::config::{ConfigDef, ConfigKey, ConfigProblem, Given, Kind};
use crate::data::{Field, MapEntries, Record, Schema, SchemaAndValue, Struct, Value, validate};
use crate::error::DataError;
use crate::java_hash;
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
    /// Where the values come from, in the order of what became of the last schema.
    places: Vec<usize>,
}

impl ReplaceField {
    pub(super) fn new(side: Side, settings: &Given) -> Result<Self, Vec<ConfigProblem>> {
        let config = DEF.parse(&without_old_names(settings))?;
        let mut renames: Vec<(String, String)> = Vec::new();
        for pair in config.list("renames") {
            match pair.split_once(':') {
                // As `String.split` has it, which gives no empty text at the end.
                Some((old, new)) if !new.is_empty() && !new.contains(':') => {
                    renames.retain(|(known, _)| known != old);
                    renames.push((old.to_owned(), new.to_owned()));
                }
                _ => {
                    let shown = format!("[{}]", config.list("renames").join(", "));
                    let reason = format!("Invalid rename mapping: {pair}");
                    return Err(vec![ConfigProblem::invalid("renames", &shown, &reason)]);
                }
            }
        }
        // In the order of Java's map, which tells whose value a name that two fields get has.
        let buckets = java_hash::buckets(renames.len());
        renames.sort_by_key(|(old, _)| java_hash::bucket(old, buckets));
        Ok(Self {
            side,
            exclude: config.list("exclude").to_vec(),
            include: config.list("include").to_vec(),
            renames,
            replaces_null: config.boolean("replace.null.with.default") == Some(true),
            last: LastSchema::default(),
            places: Vec::new(),
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
            places: Vec::new(),
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
        for (key, value) in fields::as_in_java(fields::map(value, PURPOSE)?) {
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
        let (mut last, mut places) = (
            std::mem::take(&mut self.last),
            std::mem::take(&mut self.places),
        );
        let made = last.get(schema, || {
            let kept = schema.fields().iter();
            let kept = kept.filter(|field| self.keeps(&field.name));
            let kept = kept.map(|field| {
                let name = self.renamed(&field.name).unwrap_or(&field.name);
                fields::field(name, Arc::clone(&field.schema))
            });
            let made = schema.with_fields(kept.collect())?;
            places = self.sources(schema, &made)?;
            Ok(made)
        });
        (self.last, self.places) = (last, places);
        let made = made?;
        let mut own = structure.into_values();
        let values = self.places.iter().zip(made.fields()).map(|(&at, field)| {
            let own_schema = &schema.fields()[at].schema;
            let value = std::mem::replace(&mut own[at], Value::Null);
            let value = fields::or_default(value, own_schema, self.replaces_null);
            if !Arc::ptr_eq(own_schema, &field.schema) {
                validate(&field.name, &field.schema, &value)?;
            }
            Ok(value)
        });
        let values = values.collect::<Result<_, DataError>>()?;
        let value = Struct::new(Arc::clone(&made), values);
        Ok(SchemaAndValue::new(made, Value::Struct(value)))
    }

    /// Where the values of the fields come from. A field that was there under the name that another one is to get has the
    /// value of that other.
    fn sources(&self, schema: &Schema, made: &Schema) -> Result<Vec<usize>, DataError> {
        let place = |field: &Field| {
            let source = self.source(&field.name);
            fields::place(schema, source)
                .ok_or_else(|| DataError::data(format!("{source} is not a valid field name")))
        };
        made.fields().iter().map(place).collect()
    }

    fn keeps(&self, name: &str) -> bool {
        let is_in = |names: &[String]| names.iter().any(|one| one == name);
        !is_in(&self.exclude) && (self.include.is_empty() || is_in(&self.include))
    }

    fn renamed(&self, name: &str) -> Option<&str> {
        let found = self.renames.iter().find(|(old, _)| old == name);
        found.map(|(_, new)| new.as_str())
    }

    /// The field that a name is taken for where it stands behind a rename.
    fn source<'n>(&'n self, name: &'n str) -> &'n str {
        let found = self.renames.iter().rev().find(|(_, new)| new == name);
        found.map_or(name, |(old, _)| old.as_str())
    }
}

/// Where a property and its older name are set, the older one does not count.
fn without_old_names(settings: &Given) -> Given {
    let mut settings = settings.clone();
    for (old, new) in [("blacklist", "exclude"), ("whitelist", "include")] {
        if settings.contains_key(new) {
            settings.remove(old);
        }
    }
    settings
}

fn text<'k>(name: &str) -> Value<'k> {
    // Copied for each record, which may outlive the transform.
    Value::String(Cow::Owned(name.to_owned()))
}
