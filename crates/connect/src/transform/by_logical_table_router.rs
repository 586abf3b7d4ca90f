//! Debezium's `ByLogicalTableRouter`: topics of shards become one, and keys tell which shard a row is of.

use super::envelope::{self, AFTER, BEFORE};
use super::fields;
use crate::config::{Config, ConfigDef, ConfigKey, ConfigProblem, Given, Kind};
use crate::data::{Record, Schema, SchemaAndValue, SchemaType, Struct, Value};
use crate::error::DataError;
use crate::java_regex::JavaRegex;
use std::borrow::Cow;
use std::sync::Arc;

const PURPOSE: &str = "Updating schema";
const PHYSICAL_TABLE: &str = "__dbz__physicalTableIdentifier";

const DEF: ConfigDef = ConfigDef::new(
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
            .one_of(&["none", "avro", "avro_unicode"])
            .doc("What becomes of characters of a topic that names of Avro do not have."),
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
    /// The value of the key's field.
    table: String,
    key: Option<(Arc<Schema>, Arc<Schema>)>,
    envelope: Option<(Arc<Schema>, Arc<Schema>)>,
}

impl ByLogicalTableRouter {
    pub(super) fn new(settings: &Given) -> Result<Self, Vec<ConfigProblem>> {
        let config = DEF.parse(settings)?;
        let text = |name| config.string(name).unwrap_or_default();
        let key_regex = match (text("key.field.regex"), text("key.field.replacement")) {
            ("", _) => None,
            (_, "") => {
                let message = "key.field.replacement must be set beside key.field.regex";
                return Err(vec![ConfigProblem::about("key.field.replacement", message)]);
            }
            (_, replacement) => Some((
                compiled(&config, "key.field.regex")?,
                replacement.to_owned(),
            )),
        };
        let is_unique = config.boolean("key.enforce.uniqueness") == Some(true);
        Ok(Self {
            regex: compiled(&config, "topic.regex")?,
            replacement: text("topic.replacement").to_owned(),
            key_field: is_unique.then(|| text("key.field.name").to_owned()),
            key_regex,
            adjustment: match text("schema.name.adjustment.mode") {
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
        let table = match &self.key_regex {
            Some((regex, replacement)) if regex.matches(topic) => {
                regex.replace_first(topic, replacement)?.into_owned()
            }
            _ => topic.to_owned(),
        };
        Ok(Some(Route {
            topic: topic.to_owned(),
            new_topic: new_topic.into_owned(),
            table,
            key: None,
            envelope: None,
        }))
    }

    fn follow(&self, route: &mut Route, record: &mut Record<'_>) -> Result<(), DataError> {
        if !record.key.value.is_null() {
            let key = std::mem::replace(&mut record.key.value, Value::Null);
            record.key = self.key(route, fields::structure(key, PURPOSE)?)?;
        }
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
        let made = match &route.key {
            Some((last, made)) if Arc::ptr_eq(last, &source) => Arc::clone(made),
            _ => {
                let mut all = source.fields().to_vec();
                if let Some(name) = &self.key_field {
                    all.push(fields::field(name, Schema::of(SchemaType::String)));
                }
                let made = Arc::new(source.with_fields(all)?.named(&self.name(route, "Key")));
                route.key = Some((source, Arc::clone(&made)));
                made
            }
        };
        let mut values = key.into_values();
        if self.key_field.is_some() {
            // Copied for each record, which may outlive the transform.
            values.push(Value::String(Cow::Owned(route.table.clone())));
        }
        let value = Value::Struct(Struct::new(Arc::clone(&made), values));
        Ok(SchemaAndValue::new(made, value))
    }

    fn envelope<'k>(
        &self,
        route: &mut Route,
        envelope: Struct<'k>,
    ) -> Result<SchemaAndValue<'k>, DataError> {
        let source = Arc::clone(envelope.schema());
        let made = match &route.envelope {
            Some((last, made)) if Arc::ptr_eq(last, &source) => Arc::clone(made),
            _ => {
                let made = Arc::new(self.envelope_schema(route, &source)?);
                route.envelope = Some((source, Arc::clone(&made)));
                made
            }
        };
        let fields = made.fields().iter().zip(envelope.into_values());
        let values = fields.map(|(field, value)| match value {
            Value::Struct(row) if *field.name == *BEFORE || *field.name == *AFTER => {
                Value::Struct(Struct::new(Arc::clone(&field.schema), row.into_values()))
            }
            value => value,
        });
        let value = Value::Struct(Struct::new(Arc::clone(&made), values.collect()));
        Ok(SchemaAndValue::new(made, value))
    }

    /// The schema under its new name, with those of the rows under theirs.
    fn envelope_schema(&self, route: &Route, source: &Schema) -> Result<Schema, DataError> {
        let mut all = source.fields().to_vec();
        for field in &mut all {
            if *field.name == *BEFORE || *field.name == *AFTER {
                let row = (*field.schema).clone().named(&self.name(route, "Value"));
                field.schema = Arc::new(row);
            }
        }
        Ok(source
            .with_fields(all)?
            .named(&self.name(route, "Envelope")))
    }

    fn name(&self, route: &Route, of: &str) -> String {
        let mut name = String::new();
        for c in route.new_topic.chars() {
            let is_valid = c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
            match self.adjustment {
                _ if is_valid => name.push(c),
                Adjustment::None => name.push(c),
                Adjustment::Avro => name.push('_'),
                Adjustment::AvroUnicode => {
                    let mut units = [0; 2];
                    for unit in c.encode_utf16(&mut units) {
                        name.push_str(&format!("_u{unit:04x}"));
                    }
                }
            }
        }
        format!("{name}.{of}")
    }
}

fn compiled(config: &Config, name: &str) -> Result<JavaRegex, Vec<ConfigProblem>> {
    let java = config.string(name).unwrap_or_default();
    JavaRegex::compile(java).map_err(|error| {
        let reason = format!("Invalid regex: {error}");
        vec![ConfigProblem::invalid(name, java, &reason)]
    })
}
