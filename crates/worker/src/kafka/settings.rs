//! What a client is made with, and the defaults set here.

use std::collections::BTreeMap;
use std::sync::Arc;

use starrocks_kafka_pipeline::kafka::{KafkaError, KafkaErrorKind, OffsetReset};
use starrocks_kafka_pipeline::step::Probe;

use super::following::Following;
use crate::oauth::Tokens;

/// What a client is made with. Property names are librdkafka's.
///
/// Set here where the caller leaves it out (librdkafka's own default in brackets):
///
/// | property | value | why |
/// |---|---|---|
/// | `auto.offset.reset` | `earliest` (`largest`) | as Kafka Connect's sink tasks |
/// | `isolation.level` | `read_uncommitted` (`read_committed`) | as the Java client |
/// | `check.crcs` | `true` (`false`) | as the Java client |
/// | `partition.assignment.strategy` | `range` (`range,roundrobin`) | what the Java client's `range,cooperative-sticky` comes to |
/// | `queued.max.messages.kbytes` | `8192` (`65536`) | memory for records that wait, of all partitions |
/// | `fetch.max.bytes` | `16777216` (`52428800`) | memory for one answer of a broker |
/// | `fetch.queue.backoff.ms` | `10` (`1000`) | a small queue is empty long before a second is over |
/// | `topic.metadata.refresh.interval.ms` | `30000` (`300000`) | a topic that comes later is found |
/// | the producer's `partitioner` | `murmur2_random` (`consistent_random`) | dead letters lie where Java's would |
/// | the producer's `message.max.bytes` | `1000000000` (`1000000`) | a dead letter is as large as its record: the broker says what is too large |
///
/// Set here whatever the caller says: `group.protocol=classic`, `enable.auto.commit=false`,
/// `enable.auto.offset.store=false`, `enable.partition.eof=true`; for the producer
/// `transaction.timeout.ms=10000`, `enable.idempotence=true`, `socket.timeout.ms=9000`.
///
/// `partition.assignment.strategy` may mix eager and cooperative strategies, as Java's default does. A Java
/// consumer then rebalances eagerly; librdkafka refuses the mix, so the cooperative ones are left out.
/// `auto.offset.reset` is kept from librdkafka, which says of a reset only that it was: it always goes to the
/// log's start, by which the client notices, and the task does what the property tells.
#[derive(Clone, Default)]
pub struct ClientSettings {
    /// Whose client it is, for log lines: the connector and the task.
    pub name: String,
    /// The consumer's properties; `bootstrap.servers` and `group.id` are required.
    pub consumer: BTreeMap<String, String>,
    /// The producer's properties; `bootstrap.servers` is required where there is a transactional id.
    pub producer: BTreeMap<String, String>,
    /// Where the consumer's tokens come from, where `sasl.mechanism` is OAUTHBEARER.
    pub consumer_tokens: Option<Tokens>,
    /// Where the producer's tokens come from, where `sasl.mechanism` is OAUTHBEARER.
    pub producer_tokens: Option<Tokens>,
    /// The producer's transactional id; without it there are no transactions.
    pub transactional_id: Option<String>,
    /// The topics to subscribe to, by name; may be empty at first.
    pub subscription: Vec<String>,
    /// Topics by pattern; takes the place of `subscription`.
    pub following: Option<Following>,
    /// Topics of which the task knows already that they do not exist.
    pub known_missing: Vec<String>,
    /// Told when offsets were sent and their transaction is not committed yet.
    pub probe: Option<Arc<dyn Probe>>,
}

impl std::fmt::Debug for ClientSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Among the properties are passwords and keys.
        f.debug_struct("ClientSettings")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

const CONSUMER_DEFAULTS: [(&str, &str); 7] = [
    ("isolation.level", "read_uncommitted"),
    ("check.crcs", "true"),
    ("partition.assignment.strategy", "range"),
    ("queued.max.messages.kbytes", "8192"),
    ("fetch.max.bytes", "16777216"),
    ("fetch.queue.backoff.ms", "10"),
    ("topic.metadata.refresh.interval.ms", "30000"),
];

const PRODUCER_DEFAULTS: [(&str, &str); 2] = [
    ("partitioner", "murmur2_random"),
    ("message.max.bytes", "1000000000"),
];

const CONSUMER_FIXED: [(&str, &str); 4] = [
    ("group.protocol", "classic"),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("enable.partition.eof", "true"),
];

/// `transaction.timeout.ms`: how long a reader of stable offsets waits for a producer that has died.
pub(super) const TRANSACTION_TIMEOUT_MS: u32 = 10_000;

impl ClientSettings {
    /// The consumer's properties as librdkafka gets them, and the reset rule.
    pub(super) fn consumer_properties(
        &self,
    ) -> Result<(BTreeMap<String, String>, OffsetReset), KafkaError> {
        let mut properties = self.consumer.clone();
        for required in ["bootstrap.servers", "group.id"] {
            if properties.get(required).is_none_or(String::is_empty) {
                return Err(refused(format!("{required} is missing")));
            }
        }
        if properties.contains_key("group.instance.id") {
            return Err(refused(
                "group.instance.id (static membership) is not supported: a static member is not fenced by the \
                 generation of its group; remove the property"
                    .to_owned(),
            ));
        }
        for (property, value) in CONSUMER_DEFAULTS {
            properties
                .entry(property.to_owned())
                .or_insert_with(|| value.to_owned());
        }
        for (property, value) in CONSUMER_FIXED {
            properties.insert(property.to_owned(), value.to_owned());
        }
        if let Some(strategies) = properties.get_mut("partition.assignment.strategy") {
            *strategies = one_protocol(strategies);
        }
        let reset = properties
            .get("auto.offset.reset")
            .map_or("earliest", String::as_str);
        let reset = OffsetReset::parse(reset).ok_or_else(|| {
            refused(format!(
                "auto.offset.reset={reset}: allowed are earliest, latest, none"
            ))
        })?;
        properties.insert("auto.offset.reset".to_owned(), "earliest".to_owned());
        Ok((properties, reset))
    }

    /// The properties of a producer without transactions as librdkafka gets them.
    pub(super) fn plain_producer_properties(&self) -> BTreeMap<String, String> {
        let mut properties = self.producer.clone();
        for (property, value) in PRODUCER_DEFAULTS {
            properties
                .entry(property.to_owned())
                .or_insert_with(|| value.to_owned());
        }
        properties.insert("enable.idempotence".to_owned(), "true".to_owned());
        properties
    }

    /// The producer's properties as librdkafka gets them.
    pub(super) fn producer_properties(&self, transactional_id: &str) -> BTreeMap<String, String> {
        let mut properties = self.plain_producer_properties();
        properties.insert("transactional.id".to_owned(), transactional_id.to_owned());
        properties.insert(
            "transaction.timeout.ms".to_owned(),
            TRANSACTION_TIMEOUT_MS.to_string(),
        );
        // A request is given up before its transaction is, so that one attempt is left for the abort.
        properties.insert("socket.timeout.ms".to_owned(), "9000".to_owned());
        properties
    }
}

/// librdkafka refuses a list that mixes rebalance protocols; of a mix the eager strategies stay.
fn one_protocol(strategies: &str) -> String {
    let (cooperative, eager): (Vec<&str>, Vec<&str>) = strategies
        .split(',')
        .map(str::trim)
        .filter(|strategy| !strategy.is_empty())
        .partition(|strategy| strategy.starts_with("cooperative"));
    if eager.is_empty() {
        cooperative.join(",")
    } else {
        eager.join(",")
    }
}

fn refused(message: String) -> KafkaError {
    KafkaError {
        kind: KafkaErrorKind::Permanent,
        message: format!("Kafka client: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(consumer: &[(&str, &str)]) -> ClientSettings {
        let mut settings = ClientSettings::default();
        for (property, value) in consumer {
            settings
                .consumer
                .insert((*property).to_owned(), (*value).to_owned());
        }
        settings
    }

    #[test]
    fn a_mix_of_strategies_is_eager() {
        fn check(given: &str, expect: &str) {
            assert_eq!(one_protocol(given), expect, "{given}");
        }
        check("range,cooperative-sticky", "range");
        check("cooperative-sticky, roundrobin,range", "roundrobin,range");
        check("cooperative-sticky", "cooperative-sticky");
        check("range", "range");
    }

    #[test]
    fn defaults_give_way_and_fixed_values_do_not() {
        let given = settings(&[
            ("bootstrap.servers", "b:9092"),
            ("group.id", "g"),
            ("isolation.level", "read_committed"),
            ("enable.auto.commit", "true"),
            ("auto.offset.reset", "none"),
        ]);
        let (properties, reset) = given.consumer_properties().expect("these are valid");
        assert_eq!(reset, OffsetReset::None);
        for (property, expect) in [
            ("isolation.level", "read_committed"),
            ("enable.auto.commit", "false"),
            ("auto.offset.reset", "earliest"),
            ("check.crcs", "true"),
        ] {
            assert_eq!(
                properties.get(property).map(String::as_str),
                Some(expect),
                "{property}"
            );
        }
    }

    #[test]
    fn bad_settings_are_named() {
        fn check(given: &[(&str, &str)], expect: &str) {
            let error = settings(given)
                .consumer_properties()
                .expect_err("these are invalid");
            assert!(error.message.contains(expect), "{error}");
            assert_eq!(error.kind, KafkaErrorKind::Permanent);
        }
        check(&[("group.id", "g")], "bootstrap.servers is missing");
        check(
            &[("bootstrap.servers", "b:1"), ("group.id", "")],
            "group.id is missing",
        );
        let base = [("bootstrap.servers", "b:1"), ("group.id", "g")];
        check(
            &[base[0], base[1], ("group.instance.id", "i")],
            "group.instance.id",
        );
        check(
            &[base[0], base[1], ("auto.offset.reset", "first")],
            "auto.offset.reset=first: allowed are",
        );
    }
}
