//! `InsertField`: where a record comes from, and a text that is the same for all, as fields.

use super::Side;
use super::fields::{self, LastSchema, REPLACE_NULL};
use crate::config::{Config, ConfigDef, ConfigKey, ConfigProblem, Given, Kind};
use crate::data::{
    LogicalType, MapEntries, Record, Schema, SchemaAndValue, SchemaType, Struct, Value,
};
use crate::error::DataError;
use std::borrow::Cow;
use std::sync::Arc;

const PURPOSE: &str = "field insertion";

const fn name(name: &'static str, doc: &'static str) -> ConfigKey {
    ConfigKey::new(name, Kind::String).optional().doc(doc)
}

pub(super) const DEF: ConfigDef = ConfigDef::new(
    &[&[
        name(
            "topic.field",
            "The field of the topic; `!` behind its name makes it required, `?` or nothing optional.",
        ),
        name(
            "partition.field",
            "The field of the partition, written in the same way.",
        ),
        name("offset.field", "The field of the offset."),
        name("timestamp.field", "The field of the record's timestamp."),
        name("static.field", "The field of the text."),
        name("static.value", "The text."),
        REPLACE_NULL,
    ]],
    &[],
);

/// A field to insert.
#[derive(Clone, Debug)]
struct Insertion {
    what: What,
    name: String,
    is_optional: bool,
}

#[derive(Clone, Debug)]
enum What {
    Topic,
    Partition,
    Offset,
    Timestamp,
    Static(String),
}

#[derive(Clone, Debug)]
pub(super) struct InsertField {
    side: Side,
    insertions: Vec<Insertion>,
    replaces_null: bool,
    last: LastSchema,
}

impl InsertField {
    pub(super) fn new(side: Side, settings: &Given) -> Result<Self, Vec<ConfigProblem>> {
        let config = DEF.parse(settings)?;
        let mut insertions = Vec::new();
        let mut insert = |property: &str, what: What| {
            insertions.extend(Insertion::new(&config, property, what));
        };
        insert("topic.field", What::Topic);
        insert("partition.field", What::Partition);
        insert("offset.field", What::Offset);
        insert("timestamp.field", What::Timestamp);
        let text = config.string("static.value");
        insert(
            "static.field",
            What::Static(text.unwrap_or_default().to_owned()),
        );
        if config.string("static.field").is_some() && text.is_none() {
            let reason = "No value specified for static field";
            return Err(vec![ConfigProblem::invalid("static.value", "null", reason)]);
        }
        if insertions.is_empty() {
            let message = "No field insertion configured: set topic.field, say";
            return Err(vec![ConfigProblem::about("topic.field", message)]);
        }
        Ok(Self {
            side,
            insertions,
            replaces_null: config.boolean("replace.null.with.default") == Some(true),
            last: LastSchema::default(),
        })
    }

    pub(super) fn apply(&mut self, record: &mut Record<'_>) -> Result<(), DataError> {
        if self.side.of(record).value.is_null() {
            return Ok(());
        }
        let inserted: Vec<_> = self
            .insertions
            .iter()
            .map(|one| one.value(record))
            .collect();
        let data = self.side.of(record);
        let value = std::mem::replace(&mut data.value, Value::Null);
        *data = match data.schema.take() {
            None => self.map(value, inserted)?,
            Some(schema) => self.structure(&schema, value, inserted)?,
        };
        Ok(())
    }

    fn map<'k>(
        &self,
        value: Value<'k>,
        inserted: Vec<Value<'k>>,
    ) -> Result<SchemaAndValue<'k>, DataError> {
        let mut entries = MapEntries::default();
        for (key, value) in fields::map(value, PURPOSE)? {
            entries.insert(key, value);
        }
        for (insertion, value) in self.insertions.iter().zip(inserted) {
            let value = match value {
                // A record without a timestamp gets no field.
                Value::Null => continue,
                Value::Timestamp(ms) => Value::Int64(ms),
                other => other,
            };
            // Copied for each record, which may outlive the transform.
            entries.insert(Value::String(Cow::Owned(insertion.name.clone())), value);
        }
        Ok(SchemaAndValue::schemaless(Value::Map(
            entries.into_entries(),
        )))
    }

    fn structure<'k>(
        &mut self,
        schema: &Arc<Schema>,
        value: Value<'k>,
        inserted: Vec<Value<'k>>,
    ) -> Result<SchemaAndValue<'k>, DataError> {
        let structure = fields::structure(value, PURPOSE)?;
        let insertions = &self.insertions;
        let made = self.last.get(schema, || {
            let own = schema.fields().iter().cloned();
            let more = insertions
                .iter()
                .map(|one| fields::field(&one.name, one.schema()));
            schema.with_fields(own.chain(more).collect())
        })?;
        let own = schema.fields().iter().zip(structure.into_values());
        let own =
            own.map(|(field, value)| fields::or_default(value, &field.schema, self.replaces_null));
        let value = Struct::new(Arc::clone(&made), own.chain(inserted).collect());
        Ok(SchemaAndValue::new(made, Value::Struct(value)))
    }
}

impl Insertion {
    fn new(config: &Config, property: &str, what: What) -> Option<Self> {
        let text = config.string(property)?;
        let (name, is_optional) = match (text.strip_suffix('?'), text.strip_suffix('!')) {
            (Some(name), _) => (name, true),
            (_, Some(name)) => (name, false),
            _ => (text, true),
        };
        Some(Self {
            what,
            name: name.to_owned(),
            is_optional,
        })
    }

    fn value<'k>(&self, record: &Record<'k>) -> Value<'k> {
        match &self.what {
            What::Topic => Value::String(record.topic.clone()),
            What::Partition => Value::Int32(record.partition),
            What::Offset => Value::Int64(record.offset),
            What::Timestamp => record.timestamp_ms.map_or(Value::Null, Value::Timestamp),
            // Copied for each record, which may outlive the transform.
            What::Static(text) => Value::String(Cow::Owned(text.clone())),
        }
    }

    fn schema(&self) -> Arc<Schema> {
        let mut schema = match &self.what {
            What::Topic | What::Static(_) => Schema::new(SchemaType::String),
            What::Partition => Schema::new(SchemaType::Int32),
            What::Offset => Schema::new(SchemaType::Int64),
            What::Timestamp => Schema::of_logical_type(LogicalType::Timestamp),
        };
        schema.optional = self.is_optional;
        Arc::new(schema)
    }
}
