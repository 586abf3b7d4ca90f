//! `io.confluent.connect.json.JsonSchemaConverter`: JSON with a JSON Schema.
//!
//! A schema and what it refers to become documents ([`document`]); what each schema in them is ([`kind`]) becomes Connect's schema
//! and nodes ([`connect`]), once for each id. A record is read along the nodes ([`decode`]). Nothing is ever fetched.

mod address;
mod connect;
mod decode;
mod dialect;
mod document;
mod kind;
mod node;
#[cfg(test)]
mod tests;
mod validator;
mod variant;

use super::registry::format::{Format, MessageIndexes, Schemas};
use super::registry::{client, settings};
use crate::config::{
    Config, ConfigDef, ConfigKey, ConfigProblem, ConfigValue, Importance, Kind, Validator,
};
use crate::data::{Schema, SchemaAndValue};
use crate::error::{DataError, ErrorClass};
use crate::json::{Dialect as JsonDialect, Json, decode_as};
use crate::registry::{RegisteredSchema, SchemaFormat};
use connect::Connecting;
use dialect::Dialect;
use document::Documents;
use node::{NodeId, Nodes};
use std::borrow::Cow;
use std::sync::Arc;

const GROUP: &str = "JSON Schema";

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
        "use.optional.for.nonrequired",
        "false",
        "Whether properties that are not in `required` may be null. Without it, a record fails that lacks a property whose type does \
         not allow null.",
    )
    .importance(Importance::Medium),
    flag(
        "json.fail.invalid.schema",
        "false",
        "Whether a record fails that is not valid by its schema. Without it, a value of another type becomes 0, false or null.",
    )
    .importance(Importance::Medium),
    flag(
        "generalized.sum.type.support",
        "false",
        "Whether unions and enums are named as other formats' are: `connect_union_0`, `connect_union_field_0`.",
    ),
    flag(
        "flatten.singleton.unions",
        "true",
        "Whether a union of one member is its member; otherwise it is a struct of one field.",
    ),
    flag(
        "ignore.modern.dialects",
        "false",
        "Whether schemas of 2019-09 and 2020-12 are read as draft 7.",
    ),
    flag(
        "preserve.additional.properties",
        "false",
        "Keeping properties that the schema does not name; not supported, and refused where it is true.",
    )
    .validator(Validator::Custom {
        allowed: "`false`",
        check: |value| match value {
            ConfigValue::Boolean(true) => Err("It is not supported; leave it out".to_owned()),
            _ => Ok(()),
        },
    }),
    flag(
        "object.additional.properties",
        "true",
        "Known and without effect: it is for writing.",
    ),
    flag(
        "json.fail.unknown.properties",
        "true",
        "Known and without effect, in Java's converter as well.",
    ),
    ConfigKey::new("decimal.format", Kind::String)
        .default("BASE64")
        .validator(Validator::OneOfIgnoreCase(&["BASE64", "NUMERIC"]))
        .importance(Importance::Low)
        .group(GROUP)
        .doc("Known and without effect: decimals are read in both formats."),
    ConfigKey::new("json.value.type", Kind::Class)
        .optional()
        .validator(Validator::Custom {
            allowed: "Java's own classes",
            check: |value| match value {
                ConfigValue::Class(class) if !class.starts_with("java.") && !class.starts_with("com.fasterxml.") => {
                    Err(format!("Class {class} could not be found."))
                }
                _ => Ok(()),
            },
        })
        .importance(Importance::Low)
        .group(GROUP)
        .doc("Known and without effect: it is about Java's classes."),
];

/// What the settings say.
#[derive(Debug)]
struct Options {
    optional_for_nonrequired: bool,
    generalized_sum_types: bool,
    flatten_singleton_unions: bool,
    ignore_modern_dialects: bool,
    validates: bool,
}

/// JSON with a JSON Schema, with its settings.
#[derive(Debug)]
pub(super) struct JsonSchema(Options);

/// A schema, made ready to read what was written with it.
#[derive(Debug)]
pub(super) struct Plan {
    schema: Arc<Schema>,
    nodes: Nodes,
    root: NodeId,
    /// Where records are to be valid.
    validator: Option<jsonschema::Validator>,
}

impl Format for JsonSchema {
    const FORMAT: SchemaFormat = SchemaFormat::Json;
    const DEF: ConfigDef = ConfigDef::new(
        &[settings::ADDRESS, settings::KEYS, KEYS, client::KEYS],
        &[],
    );
    const BAD_SCHEMA: ErrorClass = ErrorClass::Data;
    type Plan = Plan;

    fn new(settings: &Config) -> Result<Self, Vec<ConfigProblem>> {
        let is_on = |name| settings.boolean(name) == Some(true);
        Ok(Self(Options {
            optional_for_nonrequired: is_on("use.optional.for.nonrequired"),
            generalized_sum_types: is_on("generalized.sum.type.support"),
            flatten_singleton_unions: is_on("flatten.singleton.unions"),
            ignore_modern_dialects: is_on("ignore.modern.dialects"),
            validates: is_on("json.fail.invalid.schema"),
        }))
    }

    fn record_name(schema: &RegisteredSchema, _: &MessageIndexes) -> Option<String> {
        let json = Json::parse(&schema.text).ok()?;
        json.get("title")?.as_str().map(str::to_owned)
    }

    fn plan(&self, schemas: &Schemas<'_>, _: &MessageIndexes) -> Result<Plan, DataError> {
        let registered = schemas.reader.unwrap_or(schemas.writer);
        let root = parse(&registered.text)?;
        let references: Vec<(&str, Json<'_>)> = registered
            .references
            .iter()
            .map(|one| Ok((one.name.as_str(), parse(&one.text)?)))
            .collect::<Result<_, DataError>>()?;
        let dialect = Dialect::of(&root, self.0.ignore_modern_dialects);
        let others = references.iter().map(|(name, json)| (*name, json));
        let documents = Documents::new(dialect, &root, others);
        let mut connecting = Connecting::new(&documents, &self.0);
        let root = connecting.root(schemas.version)?;
        let nodes = connecting.nodes;
        let texts = registered.references.iter();
        let texts = texts.map(|one| (one.name.as_str(), one.text.as_str()));
        let validator = || validator::compile(dialect, &registered.text, texts);
        Ok(Plan {
            validator: self.0.validates.then(validator).transpose()?,
            schema: Arc::clone(&nodes[root].schema),
            nodes,
            root,
        })
    }

    fn decode<'k>(plan: &Plan, payload: &'k [u8]) -> Result<SchemaAndValue<'k>, DataError> {
        let no_json =
            |error: &dyn std::fmt::Display| DataError::data(format!("It is no JSON: {error}"));
        match decode_as(payload, JsonDialect::Confluent).map_err(|error| no_json(&error))? {
            Cow::Borrowed(text) => plan.read(text),
            Cow::Owned(text) => plan.read(&text).map(SchemaAndValue::into_owned),
        }
    }
}

impl Plan {
    fn read<'k>(&self, text: &'k str) -> Result<SchemaAndValue<'k>, DataError> {
        let json = Json::parse_as(text, JsonDialect::Confluent)
            .map_err(|error| DataError::data(format!("It is no JSON: {error}")))?;
        if let Some(validator) = &self.validator {
            validator::check(validator, text)?;
        }
        let value = decode::read(&self.nodes, self.root, json)?;
        Ok(SchemaAndValue::new(Arc::clone(&self.schema), value))
    }
}

fn parse(text: &str) -> Result<Json<'_>, DataError> {
    Json::parse(text).map_err(|error| DataError::data(format!("Invalid JSON Schema: {error}")))
}
