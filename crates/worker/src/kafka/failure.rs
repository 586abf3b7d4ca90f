//! librdkafka's errors, and what they mean for the user.

use rdkafka_sys::RDKafkaRespErr;
use starrocks_kafka_pipeline::kafka::{KafkaError, KafkaErrorKind};

use super::trouble::Trouble;

/// An error of librdkafka or of the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) code: RDKafkaRespErr,
    pub(super) text: String,
    /// The transaction it concerns has to be aborted, and can be.
    pub(super) requires_abort: bool,
}

impl Failure {
    pub(super) fn new(code: RDKafkaRespErr, text: String) -> Self {
        Self {
            code,
            text,
            requires_abort: false,
        }
    }

    /// Told for the user: `doing` says what was tried.
    pub(super) fn explain(&self, doing: &str) -> KafkaError {
        let (mut kind, mut hint) = meaning(self.code);
        let mut text = self.text.as_str();
        let trouble = Trouble::of(text);
        if let Some(trouble) = &trouble {
            text = &trouble.cause;
            hint = trouble.hint;
            // Connections and logins are tried again and again: certificates are renewed and passwords set without
            // anybody starting the connector again.
            kind = KafkaErrorKind::Transient;
        }
        let message = match hint {
            "" => format!("{doing}: {text}"),
            hint => format!("{doing}: {text}; {hint}"),
        };
        KafkaError { kind, message }
    }

    /// As [`explain`](Self::explain), for a call that only transactions need.
    pub(super) fn explain_transactional(&self, doing: &str) -> KafkaError {
        use RDKafkaRespErr::*;
        let hint = match self.code {
            RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED => {
                "grant WRITE and DESCRIBE on the TransactionalId, or set starrocks.delivery.guarantee=at-least-once"
            }
            RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED => {
                "grant IDEMPOTENT_WRITE on the cluster, or set starrocks.delivery.guarantee=at-least-once"
            }
            RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE
            | RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION
            | RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT => {
                "transactions need brokers of Kafka 2.5 or later"
            }
            RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT => {
                "the broker's transaction.max.timeout.ms must allow 10000 ms"
            }
            _ => return self.explain(doing),
        };
        KafkaError {
            kind: KafkaErrorKind::TransactionsUnavailable,
            message: format!("{doing}: {}; {hint}", self.text),
        }
    }

    /// Another producer has taken over the transactional id: the broker has ended what we had open.
    pub(super) fn is_fenced(&self) -> bool {
        use RDKafkaRespErr::*;
        matches!(
            self.code,
            RD_KAFKA_RESP_ERR__FENCED
                | RD_KAFKA_RESP_ERR_PRODUCER_FENCED
                | RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH
        )
    }

    /// A topic that is not there (yet).
    pub(super) fn is_unknown_topic(&self) -> bool {
        use RDKafkaRespErr::*;
        matches!(
            self.code,
            RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
                | RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC
                | RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION
        )
    }
}

fn meaning(code: RDKafkaRespErr) -> (KafkaErrorKind, &'static str) {
    use KafkaErrorKind::{Permanent, Transient};
    use RDKafkaRespErr::*;
    match code {
        RD_KAFKA_RESP_ERR__AUTHENTICATION | RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED => (
            Transient,
            "check security.protocol, sasl.mechanism and sasl.jaas.config",
        ),
        RD_KAFKA_RESP_ERR__SSL => (
            Transient,
            "check security.protocol and the ssl.* properties",
        ),
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED => {
            (Permanent, "grant READ and DESCRIBE on the topic")
        }
        RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED => {
            (Permanent, "grant READ on the consumer group")
        }
        RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED => {
            (Permanent, "grant the right on the cluster")
        }
        RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED => {
            (Permanent, "grant WRITE and DESCRIBE on the TransactionalId")
        }
        RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN => (
            Transient,
            "check bootstrap.servers, security.protocol and that the brokers' advertised.listeners can be reached from here",
        ),
        RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED => (
            Transient,
            "the group has taken the partitions back; raise consumer.override.max.poll.interval.ms if this repeats",
        ),
        RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE => {
            (Permanent, "raise the broker's offset.metadata.max.bytes")
        }
        RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL => (
            Permanent,
            "the members of the group share no assignment strategy: give all the same partition.assignment.strategy",
        ),
        RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT => (
            Permanent,
            "session.timeout.ms is outside the broker's group.min/max.session.timeout.ms",
        ),
        RD_KAFKA_RESP_ERR__BAD_MSG
        | RD_KAFKA_RESP_ERR__BAD_COMPRESSION
        | RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED => (
            Permanent,
            "a batch of records in Kafka is damaged, or of a kind that this client cannot read: look at it by \
             kafka-dump-log.sh; to go on without it, set the group's offset behind it (kafka-consumer-groups.sh \
             --reset-offsets) while the connector is stopped",
        ),
        RD_KAFKA_RESP_ERR__FATAL
        | RD_KAFKA_RESP_ERR__INVALID_ARG
        | RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE
        | RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION
        | RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM
        | RD_KAFKA_RESP_ERR_GROUP_MAX_SIZE_REACHED
        | RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION
        | RD_KAFKA_RESP_ERR_INVALID_GROUP_ID => (Permanent, ""),
        _ => (Transient, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use KafkaErrorKind::*;
    use RDKafkaRespErr::*;

    #[test]
    fn errors_have_a_kind_and_a_hint() {
        fn check(code: RDKafkaRespErr, text: &str, kind: KafkaErrorKind, hint: &str) {
            let error = Failure::new(code, text.to_owned()).explain("Kafka");
            assert_eq!(error.kind, kind, "{error}");
            assert!(
                error.message.starts_with("Kafka: ") && error.message.contains(hint),
                "{error}"
            );
        }
        check(
            RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN,
            "1/1 brokers are down",
            Transient,
            "bootstrap.servers",
        );
        check(
            RD_KAFKA_RESP_ERR__AUTHENTICATION,
            "denied",
            Transient,
            "sasl.jaas.config",
        );
        check(
            RD_KAFKA_RESP_ERR__SSL,
            "certificate verify failed",
            Transient,
            "truststore",
        );
        check(RD_KAFKA_RESP_ERR__SSL, "disconnected", Transient, "ssl.*");
        check(
            RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
            "denied",
            Permanent,
            "READ",
        );
        check(
            RD_KAFKA_RESP_ERR__BAD_MSG,
            "CRC32C mismatch",
            Permanent,
            "set the group's offset behind it",
        );
        check(
            RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
            "moved",
            Transient,
            "moved",
        );
    }

    #[test]
    fn what_forbids_transactions_is_told_apart() {
        fn check(code: RDKafkaRespErr, kind: KafkaErrorKind) {
            assert_eq!(
                Failure::new(code, "x".to_owned())
                    .explain_transactional("Kafka")
                    .kind,
                kind,
                "{code:?}"
            );
        }
        check(
            RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
            TransactionsUnavailable,
        );
        check(
            RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE,
            TransactionsUnavailable,
        );
        check(RD_KAFKA_RESP_ERR__TIMED_OUT, Transient);
        check(RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, Permanent);
    }
}
