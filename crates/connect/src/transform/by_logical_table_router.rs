//! Debezium's `ByLogicalTableRouter`: topics of shards become one, and keys tell which shard a row is of.

use super::envelope::{self, AFTER, BEFORE};
use super::fields::{self, LastSchema};
use crate::config::{ConfigDef, ConfigKey, ConfigProblem, Given, Kind};
use crate::data::{Field, Record, Schema, SchemaAndValue, SchemaType, Struct, Value};
use crate::error::{DataError, ErrorClass};
use crate::java_regex::JavaRegex;
use std::borrow::Cow;
use std::sync::Arc;

const PURPOSE: &str = "Updating schema";
const PHYSICAL_TABLE: &str = "__dbz__physicalTableIdentifier";

pub(super) const DEF: ConfigDef = ConfigDef::new(
    &[&[
        ConfigKey::new("topic.regex", Kind::String)
            .non_empty()
            .doc("What the whole name of a topic has to match, in Java's syntax."),
        ConfigKey::new("topic.replacement", Kind::String)
            .non_empty()
            .doc("The topic that records of such a topic get; `$1` is a group."),
        ConfigKey::new("key.enforce.uniqueness", Kind::Boolean)
            .default("true")
            .doc("Whether keys get a field that tells the topic they come from."),
        ConfigKey::new("key.field.name", Kind::String)
            .default(PHYSICAL_TABLE)
            .doc("The name of that field."),
        ConfigKey::new("key.field.regex", Kind::String)
            .default("")
            .doc("What the topic has to match for another value of that field than its name."),
        ConfigKey::new("key.field.replacement", Kind::String)
            .default("")
            .doc("That value."),
        ConfigKey::new("schema.name.adjustment.mode", Kind::String)
            .default("none")
            .one_of_ignore_case(&["none", "avro", "avro_unicode"])
            .doc("What becomes of characters of a topic that names of Avro do not have."),
        ConfigKey::new("logical.table.cache.size", Kind::Int)
            .default("16")
            .doc("Of no effect: the last route is kept."),
    ]],
    &[],
);

/// What becomes of characters that names of Avro do not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Adjustment {
    None,
    Avro,
    AvroUnicode,
}

#[derive(Clone, Debug)]
pub(super) struct ByLogicalTableRouter {
    regex: JavaRegex,
    replacement: String,
    key_field: Option<String>,
    key_regex: Option<(JavaRegex, String)>,
    adjustment: Adjustment,
    last: Option<Route>,
}

/// Where records of a topic go, and what becomes of their schemas.
#[derive(Clone, Debug)]
struct Route {
    topic: String,
    new_topic: String,
    /// The value of the key's field, made for the first record that has a key.
    table: Option<String>,
    key: LastSchema,
    envelope: LastSchema,
}

impl ByLogicalTableRouter {
    pub(super) fn new(settings: &Given) -> Result<Self, Vec<ConfigProblem>> {
        let config = DEF.parse(settings)?;
        let read = |name| config.string(name).unwrap_or_default();
        // Debezium takes them as they are written, blanks included.
        let text = |name| settings.get(name).map_or(read(name), String::as_str);
        let compiled = |name| compiled(name, text(name));
        let key_regex = match (read("key.field.regex"), read("key.field.replacement")) {
            ("", _) => None,
            (_, "") => {
                let message = "key.field.replacement must be set beside key.field.regex";
                return Err(vec![ConfigProblem::about("key.field.replacement", message)]);
            }
            _ => {
                let replacement = text("key.field.replacement").to_owned();
                Some((compiled("key.field.regex")?, replacement))
            }
        };
        let is_unique = config.boolean("key.enforce.uniqueness") == Some(true);
        Ok(Self {
            regex: compiled("topic.regex")?,
            replacement: text("topic.replacement").to_owned(),
            key_field: is_unique.then(|| text("key.field.name").to_owned()),
            key_regex,
            adjustment: match &*read("schema.name.adjustment.mode").to_ascii_lowercase() {
                "avro" => Adjustment::Avro,
                "avro_unicode" => Adjustment::AvroUnicode,
                _ => Adjustment::None,
            },
            last: None,
        })
    }

    pub(super) fn apply(&mut self, record: &mut Record<'_>) -> Result<(), DataError> {
        let Some(mut route) = self.route(&record.topic)? else {
            return Ok(());
        };
        let routed = self.follow(&mut route, record);
        self.last = Some(route);
        routed
    }

    /// Where a topic's records go; `None` where they stay.
    fn route(&mut self, topic: &str) -> Result<Option<Route>, DataError> {
        if let Some(last) = self.last.take_if(|last| last.topic == topic) {
            return Ok(Some(last));
        }
        if !self.regex.matches(topic) {
            return Ok(None);
        }
        let new_topic = self.regex.replace_first(topic, &self.replacement)?;
        if new_topic.is_empty() {
            return Ok(None);
        }
        Ok(Some(Route {
            topic: topic.to_owned(),
            new_topic: new_topic.into_owned(),
            table: None,
            key: LastSchema::default(),
            envelope: LastSchema::default(),
        }))
    }

    fn follow(&self, route: &mut Route, record: &mut Record<'_>) -> Result<(), DataError> {
        record.key = match std::mem::replace(&mut record.key.value, Value::Null) {
            Value::Null => SchemaAndValue::schemaless(Value::Null),
            key => self.key(route, fields::structure(key, PURPOSE)?)?,
        };
        let value = &mut record.value;
        if !value.value.is_null() && envelope::is_envelope(value.schema.as_ref()) {
            let taken = std::mem::replace(&mut value.value, Value::Null);
            *value = self.envelope(route, fields::structure(taken, PURPOSE)?)?;
        }
        // Copied for each record, which may outlive the transform.
        record.topic = Cow::Owned(route.new_topic.clone());
        Ok(())
    }

    fn key<'k>(&self, route: &mut Route, key: Struct<'k>) -> Result<SchemaAndValue<'k>, DataError> {
        let source = Arc::clone(key.schema());
        let made = route.key.get(&source, || {
            let mut all = source.fields().to_vec();
            if let Some(name) = &self.key_field {
                all.push(fields::field(name, Schema::of(SchemaType::String)));
            }
            renamed(&source, all, &self.name(&route.new_topic, "Key"))
        })?;
        let mut values = with_defaults(key);
        if self.key_field.is_some() {
            let table = match route.table.take() {
                Some(table) => table,
                None => self.table(&route.topic)?,
            };
            // Copied for each record, which may outlive the transform.
            values.push(Value::String(Cow::Owned(table.clone())));
            route.table = Some(table);
        }
        let value = Value::Struct(Struct::new(Arc::clone(&made), values));
        Ok(SchemaAndValue::new(made, value))
    }

    /// What the key's field tells of a topic.
    fn table(&self, topic: &str) -> Result<String, DataError> {
        match &self.key_regex {
            Some((regex, replacement)) if regex.matches(topic) => {
                Ok(regex.replace_first(topic, replacement)?.into_owned())
            }
            _ => Ok(topic.to_owned()),
        }
    }

    fn envelope<'k>(
        &self,
        route: &mut Route,
        envelope: Struct<'k>,
    ) -> Result<SchemaAndValue<'k>, DataError> {
        let source = Arc::clone(envelope.schema());
        let made = route
            .envelope
            .get(&source, || self.envelope_schema(&route.new_topic, &source))?;
        let mut values = with_defaults(envelope);
        for (field, value) in made.fields().iter().zip(&mut values) {
            if is_image(&field.name) && !value.is_null() {
                let row = fields::structure(std::mem::replace(value, Value::Null), PURPOSE)?;
                let row = Struct::new(Arc::clone(&field.schema), with_defaults(row));
                *value = Value::Struct(row);
            }
        }
        let value = Value::Struct(Struct::new(Arc::clone(&made), values));
        Ok(SchemaAndValue::new(made, value))
    }

    /// The schema under its new name, with those of the rows under theirs.
    fn envelope_schema(&self, topic: &str, source: &Schema) -> Result<Schema, DataError> {
        if fields::place(source, BEFORE).is_none() {
            let message = format!("the envelope has no field {BEFORE}");
            return Err(DataError::of(ErrorClass::NullPointer, message));
        }
        let mut all = source.fields().to_vec();
        for field in all.iter_mut().filter(|field| is_image(&field.name)) {
            let SchemaType::Struct(of_row) = field.schema.kind() else {
                return Err(DataError::data("Cannot list fields on non-struct type"));
            };
            let row = renamed(&field.schema, of_row.clone(), &self.name(topic, "Value"))?;
            field.schema = Arc::new(row);
        }
        renamed(source, all, &self.name(topic, "Envelope"))
    }

    fn name(&self, topic: &str, of: &str) -> String {
        let name = format!("{topic}.{of}");
        match self.adjustment {
            Adjustment::None => name,
            Adjustment::Avro => adjusted(&name, false),
            Adjustment::AvroUnicode => adjusted(&name, true),
        }
    }
}

fn is_image(field: &str) -> bool {
    field == BEFORE || field == AFTER
}

/// A struct's schema with these fields under this name, optional where it was, without its default.
fn renamed(source: &Schema, fields: Vec<Field>, name: &str) -> Result<Schema, DataError> {
    let mut made = source.with_fields(fields)?.named(name);
    made.optional = source.optional;
    Ok(made)
}

fn with_defaults(structure: Struct<'_>) -> Vec<Value<'_>> {
    let schema = Arc::clone(structure.schema());
    let values = schema.fields().iter().zip(structure.into_values());
    let values = values.map(|(field, value)| fields::or_default(value, &field.schema, true));
    values.collect()
}

/// A name as Avro allows it. What it does not allow becomes `_`, or `_u` and the character's number, for which `_` counts as not
/// allowed itself.
fn adjusted(name: &str, is_unicode: bool) -> String {
    let mut adjusted = String::with_capacity(name.len());
    for (at, unit) in name.encode_utf16().enumerate() {
        let c = u8::try_from(unit).map_or('\0', char::from);
        let is_allowed = c.is_ascii_alphabetic()
            || c == '_' && !is_unicode
            || at > 0 && (c == '.' || c.is_ascii_digit());
        if is_allowed {
            adjusted.push(c);
        } else if is_unicode {
            // Debezium's padding: two zeros in front of up to two digits.
            let zeros = if unit <= 0xff { "00" } else { "" };
            adjusted.push_str(&format!("_u{zeros}{unit:x}"));
        } else {
            adjusted.push('_');
            if c.is_ascii_digit() {
                adjusted.push(c);
            }
        }
    }
    adjusted
}

fn compiled(name: &str, java: &str) -> Result<JavaRegex, Vec<ConfigProblem>> {
    JavaRegex::compile(java).map_err(|error| {
        let reason = format!("Invalid regex: {error}");
        vec![ConfigProblem::invalid(name, java, &reason)]
    })
}

#[cfg(test)]
mod tests;
