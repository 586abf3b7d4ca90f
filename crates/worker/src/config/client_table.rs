//! Kafka's client properties by their Java names, and what each becomes in librdkafka: one table that
//! translates, refuses, gives defaults, and is printed as a page of the reference.
//!
//! Names, kinds and Java's defaults are those of Kafka 3.9's `ConsumerConfig` and `ProducerConfig`;
//! the bounds are librdkafka's where those are narrower, so that nothing is refused later, by another
//! voice.

use starrocks_kafka_connect::config::{ConfigKey, ConfigValue, Kind, Validator};

/// A property of a Kafka client.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClientProperty {
    /// Java's name and kind; the default is what we send where nothing is said (none: librdkafka's own).
    pub(super) key: ConfigKey,
    /// What becomes of it.
    pub(super) effect: Effect,
}

/// What becomes of a property.
#[derive(Clone, Copy, Debug)]
pub(super) enum Effect {
    /// librdkafka's property of this name gets the value.
    Sets(&'static str, Values),
    /// A part of what secures the client, which is understood as a whole; what it becomes, in words.
    Secures(
        #[cfg_attr(
            not(test),
            expect(dead_code, reason = "printed in the reference, which a test writes")
        )]
        &'static str,
    ),
    /// Accepted, and said once: why it has no effect.
    None(&'static str),
    /// Accepted with one of these values, where it has no effect; otherwise refused: the way out.
    Only(&'static [&'static str], &'static str),
}

/// How a value is written for librdkafka.
#[derive(Clone, Copy, Debug)]
pub(super) enum Values {
    /// As it is.
    Same,
    /// In lower case.
    Lower,
    /// The value on the left becomes the one on the right; others stay.
    Words(&'static [(&'static str, &'static str)]),
    /// Java says "never" by a negative number, librdkafka by 0.
    NegativeIsZero,
    /// Bytes become units of 1024 bytes.
    Kibibytes,
    /// Class names of assignors become librdkafka's names.
    Assignors,
}

const fn sets(key: ConfigKey, name: &'static str, values: Values) -> ClientProperty {
    ClientProperty {
        key,
        effect: Effect::Sets(name, values),
    }
}

const fn same(key: ConfigKey) -> ClientProperty {
    sets(key, key.name, Values::Same)
}

const fn none(name: &'static str, why: &'static str) -> ClientProperty {
    ClientProperty {
        key: ConfigKey::new(name, Kind::String).optional(),
        effect: Effect::None(why),
    }
}

const fn only(
    name: &'static str,
    allowed: &'static [&'static str],
    way_out: &'static str,
) -> ClientProperty {
    ClientProperty {
        key: ConfigKey::new(name, Kind::String).optional(),
        effect: Effect::Only(allowed, way_out),
    }
}

const fn text(name: &'static str) -> ConfigKey {
    ConfigKey::new(name, Kind::String).optional()
}

const fn number(name: &'static str, min: i64, max: i64) -> ConfigKey {
    ConfigKey::new(name, Kind::Int).optional().between(min, max)
}

const fn boolean(name: &'static str) -> ConfigKey {
    ConfigKey::new(name, Kind::Boolean).optional()
}

const JVM_ONLY: &str = "it is about the Java client's own metrics";
const NO_CLASSES: &str = "Java classes cannot be loaded; leave it out";
const INT_MAX: i64 = i32::MAX as i64;

/// What consumers and producers have in common.
pub(super) const SHARED: &[ClientProperty] = &[
    same(
        ConfigKey::new("bootstrap.servers", Kind::List)
            .optional()
            .validator(Validator::Custom {
                allowed: "`host:port,host:port`",
                check: bootstrap_servers,
            })
            .doc("The worker's where it is not said for the client."),
    ),
    same(
        text("client.dns.lookup")
            .one_of(&["use_all_dns_ips", "resolve_canonical_bootstrap_servers_only"])
            .default("use_all_dns_ips"),
    ),
    same(text("client.id").doc("Connect's name for the task's client where it is not said.")),
    sets(
        number("metadata.max.age.ms", 1, 3_600_000)
            .default("30000")
            .doc("Java's default is `300000`; Java asks at once for a topic that it does not know, librdkafka only so often."),
        "topic.metadata.refresh.interval.ms",
        Values::Same,
    ),
    sets(
        text("metadata.recovery.strategy")
            .one_of_ignore_case(&["none", "rebootstrap"])
            .default("rebootstrap")
            .doc("Java's default is `none` before Kafka 4.0."),
        "metadata.recovery.strategy",
        Values::Lower,
    ),
    same(number("reconnect.backoff.ms", 0, 3_600_000).default("50")),
    same(number("reconnect.backoff.max.ms", 0, 3_600_000).default("1000")),
    same(number("retry.backoff.ms", 1, 300_000).default("100")),
    same(number("retry.backoff.max.ms", 1, 300_000).default("1000")),
    same(
        number("socket.connection.setup.timeout.ms", 1_000, INT_MAX)
            .default("10000")
            .doc("Does not grow from attempt to attempt."),
    ),
    none(
        "socket.connection.setup.timeout.max.ms",
        "the time to connect does not grow from attempt to attempt",
    ),
    sets(
        ConfigKey::new("connections.max.idle.ms", Kind::Long)
            .between(-1, INT_MAX)
            .default("540000"),
        "connections.max.idle.ms",
        Values::NegativeIsZero,
    ),
    sets(
        number("send.buffer.bytes", -1, 100_000_000)
            .doc("Java sets 131072; left to the system, which adapts it to the line."),
        "socket.send.buffer.bytes",
        Values::NegativeIsZero,
    ),
    sets(
        number("receive.buffer.bytes", -1, 100_000_000)
            .doc("Java sets 65536 (consumer) or 32768 (producer); left to the system, which adapts it to the line."),
        "socket.receive.buffer.bytes",
        Values::NegativeIsZero,
    ),
    same(boolean("enable.metrics.push").default("true")),
    none("metrics.sample.window.ms", JVM_ONLY),
    none("metrics.num.samples", JVM_ONLY),
    none("metrics.recording.level", JVM_ONLY),
    none("metric.reporters", JVM_ONLY),
    none("auto.include.jmx.reporter", JVM_ONLY),
    only("interceptor.classes", &[""], NO_CLASSES),
    only("security.providers", &[""], NO_CLASSES),
    same(
        text("debug").doc("librdkafka's own: contexts to log in detail, `cgrp,fetch` say."),
    ),
    same(
        text("broker.address.family")
            .one_of(&["any", "v4", "v6"])
            .doc("librdkafka's own: which addresses of a broker are tried."),
    ),
    same(boolean("socket.keepalive.enable").doc("librdkafka's own: TCP keep-alive.")),
];

/// What only consumers have.
pub(super) const CONSUMER: &[ClientProperty] = &[
    same(text("group.id").non_empty().doc("`connect-<name>` where it is not said.")),
    only(
        "group.instance.id",
        &[],
        "static membership is refused, for recovery begins with a new assignment; leave it out",
    ),
    ClientProperty {
        key: text("group.protocol").one_of_ignore_case(&["classic"]),
        effect: Effect::Only(
            &["classic", "CLASSIC", "Classic"],
            "offsets are decided in the classic group protocol only; write `classic` or leave it out",
        ),
    },
    only(
        "group.remote.assignor",
        &[],
        "it belongs to the group protocol `consumer`, which is not supported; use partition.assignment.strategy",
    ),
    same(number("session.timeout.ms", 1, 3_600_000).default("45000")),
    same(number("heartbeat.interval.ms", 1, 3_600_000).default("3000")),
    same(number("max.poll.interval.ms", 1, 86_400_000).default("300000")),
    sets(
        ConfigKey::new("partition.assignment.strategy", Kind::List)
            .default(
                "org.apache.kafka.clients.consumer.RangeAssignor,\
                 org.apache.kafka.clients.consumer.CooperativeStickyAssignor",
            )
            .validator(Validator::Custom {
                allowed: "`RangeAssignor`, `RoundRobinAssignor`, `CooperativeStickyAssignor` of \
                          `org.apache.kafka.clients.consumer`, or librdkafka's `range`, `roundrobin`, \
                          `cooperative-sticky`",
                check: assignors,
            })
            .doc(
                "librdkafka offers either eager or cooperative assignors: of a list that has both, those \
                 of the first one's kind count. So Java's default means `range`, as it does in a group of \
                 Java clients.",
            ),
        "partition.assignment.strategy",
        Values::Assignors,
    ),
    sets(
        text("auto.offset.reset")
            .one_of(&["earliest", "latest", "none"])
            .default("earliest")
            .doc(
                "Connect's default for sinks; a plain Java consumer has `latest`. The worker applies it, and says first what is \
                 lost; librdkafka is not left to choose.",
            ),
        "auto.offset.reset",
        Values::Words(&[("none", "error")]),
    ),
    same(
        text("isolation.level")
            .one_of(&["read_uncommitted", "read_committed"])
            .default("read_uncommitted")
            .doc("librdkafka alone would take `read_committed`."),
    ),
    same(boolean("check.crcs").default("true").doc("librdkafka alone would take `false`.")),
    same(
        boolean("allow.auto.create.topics")
            .default("false")
            .doc("Java's default is `true`: a misspelt topic would be created in place of being reported."),
    ),
    same(number("fetch.min.bytes", 1, 100_000_000).default("1")),
    same(
        number("fetch.max.bytes", 1, 2_147_483_135)
            .default("16777216")
            .doc("Java's default is `52428800`: memory for one answer of a broker."),
    ),
    sets(
        number("fetch.max.wait.ms", 0, 300_000).default("500"),
        "fetch.wait.max.ms",
        Values::Same,
    ),
    same(number("max.partition.fetch.bytes", 1, 1_000_000_000).default("1048576")),
    same(text("client.rack")),
    sets(
        number("request.timeout.ms", 10, 300_000).default("30000"),
        "socket.timeout.ms",
        Values::Same,
    ),
    ClientProperty {
        key: boolean("enable.auto.commit"),
        effect: Effect::Only(
            &["false"],
            "offsets are committed with the rows they stand for, never by time; leave it out",
        ),
    },
    none("auto.commit.interval.ms", "offsets are committed with the rows they stand for"),
    none("default.api.timeout.ms", "each call to Kafka has a time of its own"),
    none("max.poll.records", "records are read in batches bounded by queued.max.messages.kbytes"),
    only(
        "exclude.internal.topics",
        &["true"],
        "a regular expression never matches Kafka's internal topics; name them in topics, or leave it out",
    ),
    only(
        "key.deserializer",
        &[BYTES_IN],
        "records reach the converter as bytes; set key.converter, and leave it out",
    ),
    only(
        "value.deserializer",
        &[BYTES_IN],
        "records reach the converter as bytes; set value.converter, and leave it out",
    ),
    same(
        number("queued.max.messages.kbytes", 1, 2_097_151)
            .default("8192")
            .doc("librdkafka's own: fetched records held for one task, in KiB. librdkafka alone would take 65536."),
    ),
    same(
        number("fetch.queue.backoff.ms", 0, 300_000)
            .default("10")
            .doc(
                "librdkafka's own: how long fetching rests when as much is held as may be. librdkafka alone \
                 would take 1000, which suits its larger queue.",
            ),
    ),
];

/// What only producers have: the one that decides rounds, and writes dead letters.
pub(super) const PRODUCER: &[ClientProperty] = &[
    only(
        "transactional.id",
        &[],
        "each task has one of its own, starrocks-<connector>-<incarnation>; leave it out, and give the \
         principal the right to write transactional ids with the prefix starrocks-",
    ),
    none("transaction.timeout.ms", "a decision takes at most 10 s"),
    none(
        "enable.idempotence",
        "a transactional producer is idempotent",
    ),
    none(
        "acks",
        "a transactional producer waits for all in-sync replicas",
    ),
    none(
        "retries",
        "a transaction repeats its requests until it ends",
    ),
    none(
        "delivery.timeout.ms",
        "a record is delivered within its transaction, or not at all",
    ),
    none("request.timeout.ms", "a request ends with its transaction"),
    none("max.block.ms", "each call to Kafka has a time of its own"),
    none(
        "metadata.max.idle.ms",
        "it is about the Java client's cache",
    ),
    same(number("max.in.flight.requests.per.connection", 1, 5).default("5")),
    sets(
        ConfigKey::new("buffer.memory", Kind::Long)
            .between(1_024, 2_147_483_647 * 1_024)
            .default("33554432"),
        "queue.buffering.max.kbytes",
        Values::Kibibytes,
    ),
    same(number("batch.size", 1, INT_MAX).doc("Java sets 16384; librdkafka takes 1000000.")),
    same(number("linger.ms", 0, 900_000).default("0")),
    sets(
        number("max.request.size", 1_000, 1_000_000_000).default("1048576"),
        "message.max.bytes",
        Values::Same,
    ),
    same(
        text("compression.type")
            .one_of(&["none", "gzip", "snappy", "lz4", "zstd"])
            .default("none"),
    ),
    none("compression.gzip.level", "the codec's own level is used"),
    none("compression.lz4.level", "the codec's own level is used"),
    none("compression.zstd.level", "the codec's own level is used"),
    only("partitioner.class", &[""], NO_CLASSES),
    none(
        "partitioner.ignore.keys",
        "records keep their key's partition",
    ),
    none(
        "partitioner.adaptive.partitioning.enable",
        "records keep their key's partition",
    ),
    none(
        "partitioner.availability.timeout.ms",
        "records keep their key's partition",
    ),
    only(
        "key.serializer",
        &[BYTES_OUT],
        "dead letters are written as the bytes they were; leave it out",
    ),
    only(
        "value.serializer",
        &[BYTES_OUT],
        "dead letters are written as the bytes they were; leave it out",
    ),
];

const BYTES_IN: &str = "org.apache.kafka.common.serialization.ByteArrayDeserializer";
const BYTES_OUT: &str = "org.apache.kafka.common.serialization.ByteArraySerializer";

/// librdkafka's name of an assignor, and whether it is cooperative.
pub(super) fn assignor(name: &str) -> Option<(&'static str, bool)> {
    let simple = name
        .strip_prefix("org.apache.kafka.clients.consumer.")
        .unwrap_or(name);
    match simple {
        "RangeAssignor" | "range" => Some(("range", false)),
        "RoundRobinAssignor" | "roundrobin" => Some(("roundrobin", false)),
        "CooperativeStickyAssignor" | "cooperative-sticky" => Some(("cooperative-sticky", true)),
        _ => None,
    }
}

fn assignors(value: &ConfigValue) -> Result<(), String> {
    let ConfigValue::List(names) = value else {
        return Ok(());
    };
    if names.is_empty() {
        return Err("Empty list".to_owned());
    }
    match names.iter().find(|name| assignor(name).is_none()) {
        None => Ok(()),
        Some(name) if name.ends_with("StickyAssignor") => Err(format!(
            "{name} has no counterpart in librdkafka; CooperativeStickyAssignor keeps partitions where they are too"
        )),
        Some(name) => Err(format!(
            "{name} is not known; known are RangeAssignor, RoundRobinAssignor and CooperativeStickyAssignor"
        )),
    }
}

/// Kafka's own check of its addresses, in its words.
pub(super) fn bootstrap_servers(value: &ConfigValue) -> Result<(), String> {
    let ConfigValue::List(addresses) = value else {
        return Ok(());
    };
    if addresses.iter().all(String::is_empty) {
        return Err("No resolvable bootstrap urls given in bootstrap.servers".to_owned());
    }
    match addresses.iter().find(|address| !is_address(address)) {
        None => Ok(()),
        Some(address) => Err(format!(
            "Invalid url in bootstrap.servers: {address}; write host:port"
        )),
    }
}

fn is_address(address: &str) -> bool {
    let address = address.split_once("://").map_or(address, |(_, rest)| rest);
    let Some((host, port)) = address.rsplit_once(':') else {
        return false;
    };
    let bare = !host.contains(':');
    let bracketed = host.starts_with('[') && host.ends_with(']');
    !host.is_empty() && (bare || bracketed) && port.parse::<u16>().is_ok_and(|port| port != 0)
}
