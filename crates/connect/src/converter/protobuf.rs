//! `io.confluent.connect.protobuf.ProtobufConverter`: Protocol Buffers.
//!
//! A schema's text is compiled to descriptors ([`compile`]), these become Connect's schemas and nodes that say what to do with the
//! bytes ([`connect`]), once for each schema and message. A record is read along the nodes ([`decode`]).

mod built_in;
mod compile;
mod connect;
mod decode;
mod descriptor;
mod node;
#[cfg(test)]
mod tests;
mod types;
mod wire;

use super::registry::format::{Format, MessageIndexes, Schemas};
use super::registry::{client, settings};
use crate::config::{
    Config, ConfigDef, ConfigKey, ConfigProblem, ConfigValue, Importance, Kind, Validator,
};
use crate::data::{Schema, SchemaAndValue};
use crate::error::{DataError, ErrorClass};
use crate::registry::{RegisteredSchema, SchemaFormat};
use connect::{Connecting, Root};
use node::{Kind as Node, MessageId, Messages};
use prost_reflect::MessageDescriptor;
use std::sync::Arc;

const GROUP: &str = "Protobuf";

const fn flag(name: &'static str, default: &'static str, doc: &'static str) -> ConfigKey {
    ConfigKey::new(name, Kind::Boolean)
        .default(default)
        .importance(Importance::Low)
        .group(GROUP)
        .doc(doc)
}

const fn class(name: &'static str) -> ConfigKey {
    ConfigKey::new(name, Kind::Class)
        .optional()
        .validator(Validator::Custom {
            allowed: "Java's own classes",
            check: |value| match value {
                ConfigValue::Class(class)
                    if !class.starts_with("java.")
                        && !class.starts_with("com.google.protobuf.") =>
                {
                    Err(format!("Class {class} could not be found."))
                }
                _ => Ok(()),
            },
        })
        .importance(Importance::Low)
        .group(GROUP)
        .doc("Known and without effect: it is about Java's classes.")
}

/// What this format has beside the settings of all that have a registry.
pub(super) const KEYS: &[ConfigKey] = &[
    flag(
        "enhanced.protobuf.schema.support",
        "false",
        "Whether messages and enums are called by their full names, the package included.",
    ),
    flag(
        "generalized.sum.type.support",
        "false",
        "Whether the schemas of oneofs and enums are named as other formats' are.",
    ),
    flag(
        "int.for.enums",
        "false",
        "Whether an enum is its number; otherwise it is its symbol.",
    )
    .importance(Importance::Medium),
    flag(
        "flatten.unions",
        "false",
        "Whether members of a oneof are fields beside the others; otherwise they are fields of a struct.",
    )
    .importance(Importance::Medium),
    flag(
        "generate.index.for.unions",
        "true",
        "Whether the field of a oneof has its number at the end of its name: `payment_0`.",
    )
    .importance(Importance::Medium),
    flag(
        "wrapper.for.raw.primitives",
        "true",
        "Whether `google.protobuf.StringValue` and its like are scalars that may be null; otherwise they are structs, unless \
         `wrapper.for.nullables` is true.",
    ),
    flag(
        "wrapper.for.nullables",
        "false",
        "Whether only wrappers may be null, and other scalars not.",
    ),
    flag(
        "optional.for.nullables",
        "false",
        "Whether only `optional` scalars may be null, and others not.",
    ),
    flag(
        "optional.for.proto2",
        "true",
        "Whether an `optional` of proto2 that is absent is null; otherwise it is its default.",
    ),
    flag(
        "generate.struct.for.nulls",
        "false",
        "Whether absent messages and scalars are made of defaults.",
    ),
    flag(
        "scrub.invalid.names",
        "false",
        "Known and without effect: it is for writing.",
    ),
    flag(
        "ignore.default.for.nullables",
        "false",
        "Known and without effect: it is for writing.",
    ),
    flag("derive.type", "false", "Known and without effect: it is about Java's classes."),
    class("specific.protobuf.value.type"),
    class("specific.protobuf.key.type"),
];

/// What the settings say.
#[derive(Debug)]
struct Options {
    enhanced_support: bool,
    generalized_sum_types: bool,
    int_for_enums: bool,
    flatten_unions: bool,
    index_for_unions: bool,
    wrapper_for_raw_primitives: bool,
    wrapper_for_nullables: bool,
    optional_for_nullables: bool,
    optional_for_proto2: bool,
    struct_for_nulls: bool,
}

impl Options {
    const fn wrappers_are_scalars(&self) -> bool {
        self.wrapper_for_raw_primitives || self.wrapper_for_nullables
    }
}

/// Protocol Buffers, with its settings.
#[derive(Debug)]
pub(super) struct Protobuf(Options);

/// A message of a schema, made ready to read what was written with it.
#[derive(Debug)]
pub(super) struct Plan {
    schema: Arc<Schema>,
    messages: Messages,
    root: Read,
}

/// How a record is read.
#[derive(Debug)]
enum Read {
    Message(MessageId),
    /// It is the scalar that its message wraps.
    Wrapper(Node),
}

impl Format for Protobuf {
    const FORMAT: SchemaFormat = SchemaFormat::Protobuf;
    const DEF: ConfigDef = ConfigDef::new(
        &[settings::ADDRESS, settings::KEYS, KEYS, client::KEYS],
        &[],
    );
    const BAD_SCHEMA: ErrorClass = ErrorClass::Data;
    type Plan = Plan;

    fn new(settings: &Config) -> Result<Self, Vec<ConfigProblem>> {
        let is_on = |name| settings.boolean(name) == Some(true);
        Ok(Self(Options {
            enhanced_support: is_on("enhanced.protobuf.schema.support"),
            generalized_sum_types: is_on("generalized.sum.type.support"),
            int_for_enums: is_on("int.for.enums"),
            flatten_unions: is_on("flatten.unions"),
            index_for_unions: is_on("generate.index.for.unions"),
            wrapper_for_raw_primitives: is_on("wrapper.for.raw.primitives"),
            wrapper_for_nullables: is_on("wrapper.for.nullables"),
            optional_for_nullables: is_on("optional.for.nullables"),
            optional_for_proto2: is_on("optional.for.proto2"),
            struct_for_nulls: is_on("generate.struct.for.nulls"),
        }))
    }

    fn record_name(schema: &RegisteredSchema, indexes: &MessageIndexes) -> Option<String> {
        let message = message(schema, indexes).ok()?;
        Some(message.full_name().to_owned())
    }

    fn plan(&self, schemas: &Schemas<'_>, indexes: &MessageIndexes) -> Result<Plan, DataError> {
        let mut message = message(schemas.writer, indexes)?;
        if let Some(reader) = schemas.reader {
            message = of_reader(reader, &message)?;
        }
        let mut connecting = Connecting::new(&self.0);
        let root = connecting.root(&message, schemas.version)?;
        let messages = connecting.messages;
        Ok(match root {
            Root::Message(id) => Plan {
                schema: Arc::clone(&messages[id].schema),
                messages,
                root: Read::Message(id),
            },
            Root::Wrapper(schema, kind) => Plan {
                schema,
                messages,
                root: Read::Wrapper(kind),
            },
        })
    }

    fn decode<'k>(plan: &Plan, payload: &'k [u8]) -> Result<SchemaAndValue<'k>, DataError> {
        let value = match &plan.root {
            Read::Message(id) => decode::read(&plan.messages, *id, payload)?,
            Read::Wrapper(kind) => decode::read_wrapper(kind, payload)?,
        };
        Ok(SchemaAndValue::new(Arc::clone(&plan.schema), value))
    }
}

fn message(
    schema: &RegisteredSchema,
    indexes: &MessageIndexes,
) -> Result<MessageDescriptor, DataError> {
    let file = compile::compile(schema)
        .map_err(|problem| DataError::data(format!("Invalid schema: {problem}")))?;
    compile::message(&file, indexes).map_err(DataError::data)
}

/// The message of the reader's schema that has the name of the writer's.
fn of_reader(
    reader: &RegisteredSchema,
    writer: &MessageDescriptor,
) -> Result<MessageDescriptor, DataError> {
    let file = compile::compile(reader)
        .map_err(|problem| DataError::data(format!("Invalid schema: {problem}")))?;
    let pool = file.parent_pool();
    pool.get_message_by_name(writer.full_name()).ok_or_else(|| {
        DataError::data(format!(
            "The schema that it is to be read as has no message {}",
            writer.full_name()
        ))
    })
}
