//! The properties of a connector: those that Kafka Connect itself reads, and the sink's own.

use starrocks_kafka_connect::config::{ConfigDef, ConfigKey, Importance, Kind, Validator};
use starrocks_kafka_pipeline::settings;

/// Everything a connector's file may have.
pub(super) const DEF: ConfigDef = ConfigDef::new(&[FRAMEWORK, settings::KEYS], PREFIXES);

/// What Kafka Connect itself reads.
pub(super) const FRAMEWORK_DEF: ConfigDef = ConfigDef::new(&[FRAMEWORK], PREFIXES);

const CONNECTOR: &str = "Connector";
const ERRORS: &str = "Errors";
const LATER: &str = "Not yet supported";

/// In the order of Kafka Connect's own definition.
const FRAMEWORK: &[ConfigKey] = &[
    ConfigKey::new("name", Kind::String)
        .validator(Validator::NonEmptyWithoutControls)
        .importance(Importance::High)
        .group(CONNECTOR)
        .doc("The connector's name, unique in the worker. Its consumers are the group `connect-<name>`."),
    ConfigKey::new("connector.class", Kind::String)
        .importance(Importance::High)
        .group(CONNECTOR)
        .doc(
            "`com.starrocks.connector.kafka.StarRocksSinkConnector`, `com.starrocks.connector.kafka.SinkConnector`, \
             or the short names `StarRocksSinkConnector`, `StarRocksSink`.",
        ),
    ConfigKey::new("topics", Kind::List)
        .default("")
        .importance(Importance::High)
        .group(CONNECTOR)
        .doc("The topics to read. Exactly one of `topics` and `topics.regex` is set."),
    ConfigKey::new("topics.regex", Kind::String)
        .default("")
        .importance(Importance::High)
        .group(CONNECTOR)
        .doc("A regular expression in Java's syntax: topics whose whole name matches are read, new ones too."),
    ConfigKey::new("tasks.max", Kind::Int)
        .default("1")
        .at_least(1)
        .importance(Importance::High)
        .group(CONNECTOR)
        .doc("How many tasks share the partitions; each is one thread and one member of the group."),
    ConfigKey::new("tasks.max.enforce", Kind::Boolean)
        .default("true")
        .importance(Importance::Low)
        .group(CONNECTOR)
        .doc("Without effect: there are never more tasks."),
    ConfigKey::new("key.converter", Kind::Class)
        .optional()
        .group(CONNECTOR)
        .doc("Reads keys; the worker's where it is not set. Its settings follow as `key.converter.*`, and count only beside it."),
    ConfigKey::new("value.converter", Kind::Class)
        .optional()
        .group(CONNECTOR)
        .doc("Reads values; the worker's where it is not set. Its settings follow as `value.converter.*`, and count only beside it."),
    ConfigKey::new("header.converter", Kind::Class)
        .optional()
        .importance(Importance::Low)
        .group(CONNECTOR)
        .doc(
            "Reads headers; the worker's where it is not set. Its settings follow as `header.converter.*`, and count only \
             beside it. No header reaches a row: a converter that takes any bytes is not asked, another fails its record.",
        ),
    ConfigKey::new("config.action.reload", Kind::String)
        .default("restart")
        .one_of(&["none", "restart"])
        .importance(Importance::Low)
        .group(CONNECTOR)
        .doc("Without effect: no value changes while a connector runs."),
    ConfigKey::new("errors.tolerance", Kind::String)
        .default("none")
        .one_of(&["none", "all"])
        .group(ERRORS)
        .doc("`none`: a task fails at the first record that cannot be converted. `all` is not yet supported."),
    ConfigKey::new("errors.deadletterqueue.topic.name", Kind::String)
        .default("")
        .group(ERRORS)
        .doc("Not yet supported."),
    ConfigKey::new("errors.deadletterqueue.topic.replication.factor", Kind::Short)
        .default("3")
        .group(ERRORS)
        .doc("Without effect yet."),
    ConfigKey::new("errors.deadletterqueue.context.headers.enable", Kind::Boolean)
        .default("false")
        .group(ERRORS)
        .doc("Without effect yet."),
    ConfigKey::new("errors.retry.timeout", Kind::Long)
        .default("0")
        .group(ERRORS)
        .doc("Without effect: a Schema Registry that is away is waited for as long as that takes, and nothing else is mended by \
             waiting."),
    ConfigKey::new("errors.retry.delay.max.ms", Kind::Long)
        .default("60000")
        .group(ERRORS)
        .doc("Without effect, as `errors.retry.timeout`."),
    ConfigKey::new("errors.log.enable", Kind::Boolean)
        .default("false")
        .group(ERRORS)
        .doc("Without effect yet: a record that cannot be converted fails the task, and that is logged."),
    ConfigKey::new("errors.log.include.messages", Kind::Boolean)
        .default("false")
        .group(ERRORS)
        .doc("Without effect yet: topic, partition and offset are always logged."),
    ConfigKey::new("transforms", Kind::List)
        .default("")
        .group(LATER)
        .doc("Transforms, with their settings `transforms.<alias>.*`."),
    ConfigKey::new("predicates", Kind::List)
        .default("")
        .group(LATER)
        .doc("Predicates, with their settings `predicates.<alias>.*`."),
];

const PREFIXES: &[&str] = &[
    "key.converter.",
    "value.converter.",
    "header.converter.",
    "transforms.",
    "predicates.",
    "consumer.override.",
    "producer.override.",
    "admin.override.",
    "sink.properties.",
    "sink.table.",
];

/// Accepted, and why it does nothing. Said once where it is set.
pub(super) const WITHOUT_EFFECT: &[(&str, &str)] = &[
    (
        "tasks.max.enforce",
        "there are never more tasks than tasks.max",
    ),
    (
        "config.action.reload",
        "no value changes while a connector runs",
    ),
    (
        "errors.deadletterqueue.topic.replication.factor",
        "there are no dead letters yet",
    ),
    (
        "errors.deadletterqueue.context.headers.enable",
        "there are no dead letters yet",
    ),
    (
        "errors.retry.timeout",
        "a Schema Registry that is away is waited for, and nothing else is mended by waiting",
    ),
    (
        "errors.retry.delay.max.ms",
        "a Schema Registry that is away is waited for, and nothing else is mended by waiting",
    ),
    (
        "errors.log.enable",
        "a record that cannot be converted fails the task, and that is logged",
    ),
    (
        "errors.log.include.messages",
        "topic, partition and offset are always logged",
    ),
    ("connector.plugin.version", "the connector is built in"),
    ("key.converter.plugin.version", "converters are built in"),
    ("value.converter.plugin.version", "converters are built in"),
    ("header.converter.plugin.version", "converters are built in"),
];

const CLASSES: &[&str] = &[
    "com.starrocks.connector.kafka.StarRocksSinkConnector",
    "com.starrocks.connector.kafka.SinkConnector",
    "StarRocksSinkConnector",
    "StarRocksSink",
];

/// Checks the class, in Kafka Connect's words.
///
/// # Errors
/// Another class than this connector's.
pub(super) fn check_class(class: &str) -> Result<(), String> {
    if CLASSES.contains(&class) {
        return Ok(());
    }
    Err(format!(
        "Failed to find any class that implements Connector and which name matches {class}, available connectors are: {}",
        CLASSES.join(", ")
    ))
}
