//! The settings that all converters with a Schema Registry have, those of the client excepted.

use crate::config::{ConfigKey, ConfigValue, Importance, Kind, Validator};

const GROUP: &str = "Schema Registry";

const fn deserializer(name: &'static str) -> ConfigKey {
    ConfigKey::new(name, Kind::Class)
        .default("io.confluent.kafka.serializers.schema.id.DualSchemaIdDeserializer")
        .validator(Validator::Custom {
            allowed: "Confluent's `DualSchemaIdDeserializer`, `PrefixSchemaIdDeserializer`, `ConfigSchemaIdDeserializer`",
            check: |value| {
                check_class(
                    value,
                    &[
                        "io.confluent.kafka.serializers.schema.id.DualSchemaIdDeserializer",
                        "io.confluent.kafka.serializers.schema.id.PrefixSchemaIdDeserializer",
                        "io.confluent.kafka.serializers.schema.id.ConfigSchemaIdDeserializer",
                    ],
                )
            },
        })
        .importance(Importance::Low)
        .group(GROUP)
        .doc(
            "Where the id of a record's schema stands: in a header, else in front of the bytes (`Dual…`); in front of the bytes \
             (`Prefix…`); in `use.schema.id` or `use.schema.guid` (`Config…`).",
        )
}

const fn strategy(name: &'static str) -> ConfigKey {
    ConfigKey::new(name, Kind::Class)
        .default("io.confluent.kafka.serializers.subject.TopicNameStrategy")
        .validator(Validator::Custom {
            allowed: "Confluent's `TopicNameStrategy`, `RecordNameStrategy`, `TopicRecordNameStrategy`, `AssociatedNameStrategy`",
            check: |value| {
                check_class(
                    value,
                    &[
                        "io.confluent.kafka.serializers.subject.TopicNameStrategy",
                        "io.confluent.kafka.serializers.subject.RecordNameStrategy",
                        "io.confluent.kafka.serializers.subject.TopicRecordNameStrategy",
                        "io.confluent.kafka.serializers.subject.AssociatedNameStrategy",
                    ],
                )
            },
        })
        .importance(Importance::Medium)
        .group(GROUP)
        .doc(
            "How subjects are named. The id alone names a record's schema, so that it matters only for \
             `use.latest.version`, `use.latest.with.metadata`, and contexts. `AssociatedNameStrategy` is read as \
             `TopicNameStrategy`, which it falls back to.",
        )
}

/// Where the registry is.
pub(in crate::converter) const ADDRESS: &[ConfigKey] = &[
    ConfigKey::new(super::REGISTRY_URL, Kind::List)
        .non_empty()
        .importance(Importance::High)
        .group(GROUP)
        .doc(
            "The addresses of the Schema Registry, each `http://` or `https://`; asked in turn when one does not answer. Where a \
             connector's converter has none, the worker's `<key|value>.converter.schema.registry.url` counts, else the worker's \
             `schema.registry.url`, with the client's settings beside it.",
        ),
];

/// The keys of all formats. The definition of each is made of the address, these, its own, and the client's.
pub(in crate::converter) const KEYS: &[ConfigKey] = &[
    deserializer("key.schema.id.deserializer"),
    deserializer("value.schema.id.deserializer"),
    ConfigKey::new("use.schema.id", Kind::Int)
        .default("-1")
        .importance(Importance::Low)
        .group(GROUP)
        .doc("With `ConfigSchemaIdDeserializer`: the id of every record's schema; below 0 is none."),
    ConfigKey::new("use.schema.guid", Kind::String)
        .optional()
        .importance(Importance::Low)
        .group(GROUP)
        .doc("With `ConfigSchemaIdDeserializer`: the GUID of every record's schema."),
    ConfigKey::new("use.message.indexes", Kind::List)
        .default("")
        .importance(Importance::Low)
        .group(GROUP)
        .doc("With `ConfigSchemaIdDeserializer`, for Protobuf: the indexes of every record's message in its schema."),
    strategy("key.subject.name.strategy"),
    strategy("value.subject.name.strategy"),
    ConfigKey::new("use.latest.version", Kind::Boolean)
        .default("false")
        .importance(Importance::Low)
        .group(GROUP)
        .doc("Whether records are read as the latest version of their subject says."),
    ConfigKey::new("use.latest.with.metadata", Kind::List)
        .optional()
        .importance(Importance::Low)
        .group(GROUP)
        .doc("Pairs `key=value`: records are read as the latest version of their subject that has this metadata says."),
    ConfigKey::new("schemas.cache.config", Kind::Int)
        .default("1000")
        .importance(Importance::Low)
        .group(GROUP)
        .doc("Read and without effect: what a schema means is kept for as long as the task runs."),
];

fn check_class(value: &ConfigValue, known: &[&str]) -> Result<(), String> {
    match value {
        ConfigValue::Class(class) if !known.contains(&class.as_str()) => {
            Err(format!("Class {class} could not be found."))
        }
        _ => Ok(()),
    }
}
