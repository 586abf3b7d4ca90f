//! The properties of a connector: those that Kafka Connect itself reads, and the sink's own.

use starrocks_kafka_connect::config::{ConfigDef, ConfigKey, Importance, Kind, Validator};
use starrocks_kafka_pipeline::settings;

/// Everything a connector's file may have.
pub(super) const DEF: ConfigDef =
    ConfigDef::new(&[FRAMEWORK, settings::KEYS, settings::ROW_KEYS], PREFIXES);

/// What Kafka Connect itself reads.
pub(super) const FRAMEWORK_DEF: ConfigDef = ConfigDef::new(&[FRAMEWORK], PREFIXES);

const CONNECTOR: &str = "Connector";
const ERRORS: &str = "Errors";
const TRANSFORMS: &str = "Transforms";

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
        .doc(
            "`none`: a task fails at the first record that cannot be converted, transformed or written as a row, and stops before \
             it. `all`: such a record is passed over, counted, logged as `errors.log.*` say, and written to the topic of dead \
             letters where one is named.",
        ),
    ConfigKey::new("errors.deadletterqueue.topic.name", Kind::String)
        .default("")
        .group(ERRORS)
        .doc(
            "The topic of dead letters: records that are passed over, as they were read. It must not be a topic that the \
             connector reads, and is created where it does not exist. With exactly once, readers with `read_committed` see each \
             dead letter once. Without effect with `errors.tolerance=none`.",
        ),
    ConfigKey::new("errors.deadletterqueue.topic.replication.factor", Kind::Short)
        .default("3")
        .group(ERRORS)
        .doc("The replication factor that the topic of dead letters is created with; `-1` is the broker's default."),
    ConfigKey::new("errors.deadletterqueue.context.headers.enable", Kind::Boolean)
        .default("false")
        .group(ERRORS)
        .doc("Whether dead letters have the headers `__connect.errors.*`, which say what went wrong, and where."),
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
        .doc(
            "Whether each record that is passed over is logged with its stage, class and cause: ten a minute of each kind, the \
             others are counted. Without it, one a minute.",
        ),
    ConfigKey::new("errors.log.include.messages", Kind::Boolean)
        .default("false")
        .group(ERRORS)
        .doc("Whether those log lines name topic, partition, offset and timestamp of the record. Keys and values are never logged."),
    ConfigKey::new("transforms", Kind::List)
        .default("")
        .group(TRANSFORMS)
        .doc(
            "Aliases of the transforms that records go through, in this order. Their classes are `transforms.<alias>.type`, their \
             settings `transforms.<alias>.*`; `transforms.<alias>.predicate` names the predicate that a record must fulfil, \
             `transforms.<alias>.negate=true` must not.",
        ),
    ConfigKey::new("predicates", Kind::List)
        .default("")
        .group(TRANSFORMS)
        .doc("Aliases of predicates, with their classes `predicates.<alias>.type` and their settings `predicates.<alias>.*`."),
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
        "errors.retry.timeout",
        "a Schema Registry that is away is waited for, and nothing else is mended by waiting",
    ),
    (
        "errors.retry.delay.max.ms",
        "a Schema Registry that is away is waited for, and nothing else is mended by waiting",
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
