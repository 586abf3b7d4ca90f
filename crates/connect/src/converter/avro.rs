//! `io.confluent.connect.avro.AvroConverter`: Apache Avro.
//!
//! A schema's text becomes a tree of types ([`schema`]), these become Connect's schemas ([`connect`]) and nodes that say what to do
//! with the bytes ([`wire`]), once for each schema. A record is read along the nodes ([`decode`]).

mod anything;
mod connect;
mod conversions;
mod decode;
mod defaults;
mod logical;
mod node;
mod schema;
#[cfg(test)]
mod tests;
mod wire;

use super::registry::format::{Format, MessageIndexes, Schemas};
use super::registry::{client, settings};
use crate::config::{Config, ConfigDef, ConfigKey, ConfigProblem, Importance, Kind};
use crate::data::{Schema, SchemaAndValue, SchemaType, Value};
use crate::error::{DataError, ErrorClass};
use crate::registry::{RegisteredSchema, SchemaFormat};
use decode::Reader;
use logical::Conversion;
use node::{NodeId, Nodes};
use schema::{Kind as AvroKind, Name, Types};
use std::sync::Arc;
use wire::Wiring;

const GROUP: &str = "Avro";

const fn flag(name: &'static str, default: &'static str, doc: &'static str) -> ConfigKey {
    ConfigKey::new(name, Kind::Boolean)
        .default(default)
        .importance(Importance::Low)
        .group(GROUP)
        .doc(doc)
}

/// What this format has beside the settings of all that have a registry.
pub(super) const KEYS: &[ConfigKey] = &[
    flag(
        "enhanced.avro.schema.support",
        "false",
        "Whether members of unions are called by their full names, the namespace included.",
    ),
    flag(
        "generalized.sum.type.support",
        "false",
        "Whether unions and enums are named as other formats' are: `connect_union_0`, `connect_union_field_0`.",
    ),
    flag(
        "flatten.singleton.unions",
        "true",
        "Whether a union of one branch is its branch; otherwise it is a struct of one field.",
    ),
    flag(
        "connect.meta.data",
        "true",
        "Whether documentation and parameters are kept in the schema. No row depends on it.",
    ),
    flag(
        "discard.type.doc.default",
        "false",
        "Whether documentation is that of the field alone. No row depends on it.",
    ),
    flag(
        "avro.fail.on.trailing.data",
        "false",
        "Whether a record fails that has bytes behind its data.",
    ),
    flag(
        "avro.use.logical.type.converters",
        "false",
        "As in Java, records with dates, times, timestamps, decimals or UUIDs fail where this is true.",
    ),
    flag(
        "specific.avro.reader",
        "false",
        "As in Java without the classes, records fail where this is true.",
    ),
    flag(
        "schema.reflection",
        "false",
        "As in Java without the classes, records fail where this is true.",
    ),
    flag(
        "allow.optional.map.keys",
        "false",
        "Known and without effect: it is for writing.",
    ),
    flag(
        "ignore.default.for.nullables",
        "false",
        "Known and without effect: it is for writing.",
    ),
    flag(
        "scrub.invalid.names",
        "false",
        "Known and without effect: it is for writing.",
    ),
];

/// What the settings say.
#[derive(Debug)]
struct Options {
    enhanced_support: bool,
    generalized_sum_types: bool,
    flatten_singleton_unions: bool,
    connect_metadata: bool,
    discard_docs: bool,
    fail_on_trailing: bool,
    logical_type_converters: bool,
    java_classes: bool,
}

/// Apache Avro, with its settings.
#[derive(Debug)]
pub(super) struct Avro(Options);

/// A schema, made ready to read what was written with it.
#[derive(Debug)]
pub(super) struct Plan {
    /// None for data without a schema.
    schema: Option<Arc<Schema>>,
    nodes: Nodes,
    root: NodeId,
    /// Where a schema is `bytes`, they are the value, without their length, and become this. Java hands them on
    /// before it looks at what they are to be read as, or at classes for logical types.
    raw: Option<Conversion>,
    fail_on_trailing: bool,
}

impl Format for Avro {
    const FORMAT: SchemaFormat = SchemaFormat::Avro;
    const DEF: ConfigDef = ConfigDef::new(
        &[settings::ADDRESS, settings::KEYS, KEYS, client::KEYS],
        &[],
    );
    const BAD_SCHEMA: ErrorClass = ErrorClass::UncheckedExecution;
    type Plan = Plan;

    fn new(settings: &Config) -> Result<Self, Vec<ConfigProblem>> {
        let is_on = |name| settings.boolean(name) == Some(true);
        Ok(Self(Options {
            enhanced_support: is_on("enhanced.avro.schema.support"),
            generalized_sum_types: is_on("generalized.sum.type.support"),
            flatten_singleton_unions: is_on("flatten.singleton.unions"),
            connect_metadata: is_on("connect.meta.data"),
            discard_docs: is_on("discard.type.doc.default"),
            fail_on_trailing: is_on("avro.fail.on.trailing.data"),
            logical_type_converters: is_on("avro.use.logical.type.converters"),
            java_classes: is_on("specific.avro.reader") || is_on("schema.reflection"),
        }))
    }

    fn record_name(schema: &RegisteredSchema, _: &MessageIndexes) -> Option<String> {
        let types = parse(schema).ok()?;
        types[types.root()].name().map(Name::full)
    }

    fn plan(&self, schemas: &Schemas<'_>, _: &MessageIndexes) -> Result<Plan, DataError> {
        let options = &self.0;
        let writer = parse(schemas.writer)?;
        let of_reader = schemas.reader.map(parse).transpose()?;
        let reader = of_reader.as_ref().unwrap_or(&writer);
        let root = &reader[reader.root()];
        if options.java_classes && root.name().is_some() {
            return Err(DataError::data(format!(
                "Could not find class {}: specific.avro.reader and schema.reflection need Java's classes; set them to false",
                schema::kind_name(root)
            )));
        }
        if root.kind == AvroKind::Null {
            return Ok(Plan::of_null());
        }
        let is_anything = anything::is_root_of(reader);
        let connected = if is_anything {
            connect::connect_with_entries_as_records(reader, options)?
        } else {
            connect::connect(reader, options, schemas.version)?
        };
        let mut wiring = Wiring::new(&writer, reader, &connected, options);
        let root = wiring.root();
        Ok(Plan {
            nodes: wiring.nodes,
            root,
            raw: (writer[writer.root()].kind == AvroKind::Bytes).then(|| raw(&connected.root)),
            fail_on_trailing: options.fail_on_trailing,
            schema: (!is_anything).then_some(connected.root),
        })
    }

    fn decode<'k>(plan: &Plan, payload: &'k [u8]) -> Result<SchemaAndValue<'k>, DataError> {
        if let Some(conversion) = &plan.raw {
            let value = logical::bytes(conversion, payload)?;
            return Ok(plan.value(value));
        }
        let mut reader = Reader::new(&plan.nodes, payload);
        let value = reader.value(plan.root)?;
        let rest = reader.rest().len();
        if plan.fail_on_trailing && rest > 0 {
            return Err(DataError::data(format!(
                "Trailing data: {rest} bytes stand behind the record (avro.fail.on.trailing.data is true)"
            )));
        }
        match plan.schema {
            _ if value.is_null() => Ok(SchemaAndValue::schemaless(Value::Null)),
            Some(_) => Ok(plan.value(value)),
            None => anything::unwrap(value).map(SchemaAndValue::schemaless),
        }
    }
}

impl Plan {
    /// That of nothing at all.
    fn of_null() -> Self {
        let mut nodes = Nodes::default();
        Self {
            schema: None,
            root: nodes.add(node::Node::Null),
            nodes,
            raw: None,
            fail_on_trailing: false,
        }
    }

    fn value<'k>(&self, value: Value<'k>) -> SchemaAndValue<'k> {
        SchemaAndValue {
            schema: self.schema.clone(),
            value,
        }
    }
}

/// What bytes without a length become under a schema.
fn raw(schema: &Schema) -> Conversion {
    if matches!(schema.kind(), SchemaType::Bytes) {
        return Conversion::of(schema);
    }
    Conversion::Fails(DataError::data(format!(
        "What was written as bytes cannot be read as {}",
        schema.kind().name()
    )))
}

fn parse(schema: &RegisteredSchema) -> Result<Types, DataError> {
    let references = schema.references.iter();
    let references = references.map(|one| (one.name.as_str(), one.text.as_str()));
    Types::parse(&schema.text, references)
        .map_err(|problem| DataError::of(Avro::BAD_SCHEMA, format!("Invalid schema: {problem}")))
}
