//! The worker's properties, those of Kafka Connect, and what each does here.

use starrocks_kafka_connect::config::{
    ConfigDef, ConfigKey, ConfigValue, Importance, Kind, Validator,
};

use super::client_table::bootstrap_servers;
use super::overrides;

/// What a standalone worker reads.
pub(super) const DEF: ConfigDef = ConfigDef::new(&[KEYS], PREFIXES);

const WORKER: &str = "Worker";

/// Properties with an effect.
pub(super) const KEYS: &[ConfigKey] = &[
    ConfigKey::new("bootstrap.servers", Kind::List)
        .default("localhost:9092")
        .validator(Validator::Custom { allowed: "`host:port,host:port`", check: bootstrap_servers })
        .importance(Importance::High)
        .group(WORKER)
        .doc("The brokers to ask first; the only client property that consumers and producers inherit."),
    ConfigKey::new("key.converter", Kind::Class)
        .importance(Importance::High)
        .group(WORKER)
        .doc("Reads keys, for connectors that name no converter of their own; its settings follow as `key.converter.*`."),
    ConfigKey::new("value.converter", Kind::Class)
        .importance(Importance::High)
        .group(WORKER)
        .doc("Reads values, for connectors that name no converter of their own; its settings follow as `value.converter.*`."),
    ConfigKey::new("header.converter", Kind::Class)
        .default("org.apache.kafka.connect.storage.SimpleHeaderConverter")
        .importance(Importance::Low)
        .group(WORKER)
        .doc("Reads headers, for connectors that name no converter of their own; its settings follow as `header.converter.*`."),
    ConfigKey::new("task.shutdown.graceful.timeout.ms", Kind::Long)
        .default("5000")
        .at_least(0)
        .group(WORKER)
        .doc("How long all tasks together may take to finish their rounds at a stop, in milliseconds."),
    ConfigKey::new(overrides::PROPERTY, Kind::String)
        .default("All")
        .group(WORKER)
        .doc("Which client properties connectors may override: `All`, `None`, `Principal`, `Allowlist`, or the classes of these."),
    ConfigKey::new(overrides::ALLOWLIST, Kind::List)
        .default("")
        .group(WORKER)
        .doc("The client properties that the policy `Allowlist` allows."),
    ConfigKey::new("config.providers", Kind::List)
        .default("")
        .group(WORKER)
        .doc(
            "Names of config providers, for values `${name:path:key}` and `${name:key}` of the worker and of connectors. \
             `config.providers.<name>.class` is `FileConfigProvider`, `DirectoryConfigProvider` or `EnvVarConfigProvider` of \
             `org.apache.kafka.common.config.provider`; `config.providers.<name>.param.allowed.paths` and, for the last, \
             `config.providers.<name>.param.allowlist.pattern` bound what it reads. What a provider gave is shown in no message.",
        ),
    ConfigKey::new("listeners", Kind::List)
        .default("http://:8083")
        .validator(Validator::Custom { allowed: "`protocol://hostname:port`, `http` or `https`", check: listeners })
        .group(WORKER)
        .doc("Where the REST interface listens. Checked, and without effect yet: this version has no REST interface."),
    ConfigKey::new("offset.flush.interval.ms", Kind::Long)
        .default("60000")
        .importance(Importance::Low)
        .group(WORKER)
        .doc("Without effect: offsets are committed with the rows they stand for."),
];

/// Names that are known beside the table's: settings of converters and clients, and what has no effect.
pub(super) const PREFIXES: &[&str] = &[
    "key.converter.",
    "value.converter.",
    "header.converter.",
    "consumer.",
    "producer.",
    "admin.",
    "config.providers.",
];

/// Names, or beginnings of names that end with a dot, that Kafka Connect's users have in their files,
/// and why they do nothing here.
pub(super) const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("plugin.path", NO_PLUGINS),
    ("plugin.discovery", NO_PLUGINS),
    ("listeners", NO_REST),
    ("rest.", NO_REST),
    ("admin.listeners", NO_REST),
    ("access.control.", NO_REST),
    ("response.http.headers.config", NO_REST),
    (
        "offset.flush.",
        "offsets are committed with the rows they stand for",
    ),
    ("offset.storage.", NO_SOURCES),
    ("topic.creation.enable", NO_SOURCES),
    ("exactly.once.source.support", NO_SOURCES),
    ("topic.tracking.", NO_REST),
    ("internal.key.converter", "Kafka Connect removed it"),
    ("internal.value.converter", "Kafka Connect removed it"),
    ("metrics.", NO_JMX),
    ("metric.reporters", NO_JMX),
    ("auto.include.jmx.reporter", NO_JMX),
    ("config.storage.", DISTRIBUTED),
    ("status.storage.", DISTRIBUTED),
    ("group.id", DISTRIBUTED),
    ("connect.protocol", DISTRIBUTED),
    ("scheduled.rebalance.max.delay.ms", DISTRIBUTED),
    ("inter.worker.", DISTRIBUTED),
    ("worker.sync.timeout.ms", DISTRIBUTED),
    ("worker.unsync.backoff.ms", DISTRIBUTED),
    ("session.timeout.ms", UNPREFIXED),
    ("heartbeat.interval.ms", UNPREFIXED),
    ("rebalance.timeout.ms", DISTRIBUTED),
    ("client.id", UNPREFIXED),
    ("client.dns.lookup", UNPREFIXED),
    ("metadata.max.age.ms", UNPREFIXED),
    ("metadata.recovery.strategy", UNPREFIXED),
    ("send.buffer.bytes", UNPREFIXED),
    ("receive.buffer.bytes", UNPREFIXED),
    ("reconnect.backoff.ms", UNPREFIXED),
    ("reconnect.backoff.max.ms", UNPREFIXED),
    ("socket.connection.setup.timeout.ms", UNPREFIXED),
    ("socket.connection.setup.timeout.max.ms", UNPREFIXED),
    ("retry.backoff.ms", UNPREFIXED),
    ("retry.backoff.max.ms", UNPREFIXED),
    ("request.timeout.ms", UNPREFIXED),
    ("default.api.timeout.ms", UNPREFIXED),
    ("connections.max.idle.ms", UNPREFIXED),
    ("admin.", "no admin client is used"),
];

const NO_PLUGINS: &str = "Java plugins cannot be loaded; converters are built in";
const NO_REST: &str = "this version has no REST interface";
const NO_SOURCES: &str = "it is about source connectors";
const NO_JMX: &str = "there is no JMX";
const DISTRIBUTED: &str = "it is about distributed mode";
const UNPREFIXED: &str =
    "connectors' clients do not inherit it; write it with the prefix `consumer.` or `producer.`";

/// Why a property has no effect, if it has none.
pub(super) fn without_effect(name: &str) -> Option<&'static str> {
    let is = |entry: &str| {
        if entry.ends_with('.') {
            name.starts_with(entry)
        } else {
            name == entry
        }
    };
    WITHOUT_EFFECT
        .iter()
        .find(|(entry, _)| is(entry))
        .map(|(_, why)| *why)
}

/// Kafka Connect's check of its listeners, in its words.
fn listeners(value: &ConfigValue) -> Result<(), String> {
    let ConfigValue::List(listeners) = value else {
        return Ok(());
    };
    if listeners.is_empty() {
        return Err(
            "Invalid value for listeners, at least one URL is expected, ex: \
                    http://localhost:8080,https://localhost:8443."
                .to_owned(),
        );
    }
    listeners.iter().try_for_each(|listener| {
        if listener.is_empty() {
            return Err("Empty URL found when parsing listeners list.".to_owned());
        }
        let (scheme, port) = listener
            .split_once("://")
            .and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once(':')?.1)))
            .filter(|(_, port)| port.parse::<i64>().is_ok())
            .ok_or("Listener doesn't have the right format (protocol://hostname:port).")?;
        if !["http", "https"].contains(&scheme.to_ascii_lowercase().as_str()) {
            return Err("Listener protocol must be either \"http\" or \"https\".".to_owned());
        }
        match port.parse::<u16>() {
            Ok(_) => Ok(()),
            Err(_) => Err(format!("{port} is no port, 0 … 65535")),
        }
    })
}
