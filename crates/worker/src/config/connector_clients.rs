//! A connector's clients: its own words over the worker's, translated for librdkafka and secured.

use std::collections::BTreeMap;

use starrocks_kafka_connect::config::{ConfigProblem, Given};

use super::clients::{self, Client, Layer};
use super::problem::Notice;
use super::purpose::Purpose;
use super::security::{self, Security};
use super::security_table::PROTOCOL;
use super::worker::WorkerConfig;
use crate::oauth::Tokens;

const BROKERS: &str = "bootstrap.servers";

/// What a client is made with.
#[derive(Clone)]
pub(super) struct KafkaClient {
    /// librdkafka's properties, secrets among them.
    pub(super) properties: BTreeMap<String, String>,
    /// Where its tokens come from.
    pub(super) tokens: Option<Tokens>,
}

/// What the connector says of its clients.
pub(super) struct Clients {
    consumer: Layer,
    producer: Layer,
    consumer_security: (Security, Option<Tokens>),
    producer_security: (Security, Option<Tokens>),
    /// That the worker's plain properties do not reach the consumer.
    pub(super) hint: Option<Notice>,
}

impl Clients {
    pub(super) fn read(
        given: &Given,
        worker: &WorkerConfig,
        purpose: Purpose,
        problems: &mut Vec<ConfigProblem>,
        notices: &mut Vec<Notice>,
    ) -> Self {
        let mut read = |client: Client, prefix: &str| {
            let (layer, found) = client.read(prefix, given);
            problems.extend(found.problems);
            notices.extend(found.notices);
            layer
        };
        let consumer = read(Client::Consumer, "consumer.override.");
        let producer = read(Client::Producer, "producer.override.");
        if !consumer.is_empty() {
            problems.extend(clients::check_together(
                &[&worker.consumer, &consumer],
                "consumer.override.",
            ));
        }
        let admin = given
            .keys()
            .filter(|name| name.starts_with("admin.override."));
        notices.extend(admin.map(|full| Notice::no_effect(full, "no admin client is used")));

        let mut secured = |layers: &[&Layer], prefix: &str| {
            let (mut security, wrong) = security::resolve(&clients::security(layers, prefix));
            let wrong = wrong.into_iter().map(|wrong| wrong.problem);
            let new = wrong.filter(|problem| !worker.wrong_security.contains(problem));
            purpose.weigh_kafka(new.collect(), problems, notices);
            let tokens = security.tokens.take().map(Tokens::new);
            (security, tokens)
        };
        let layers = [&worker.consumer, &consumer];
        let consumer_security = secured(&layers, "consumer.");
        let hint = hint(&layers, worker);
        let layers = [&worker.producer, &producer];
        // Java's sink has a producer for dead letters alone; here one decides every round. Where nothing is said
        // of its security it speaks to the cluster as the consumer does.
        let producer_security = if layers.iter().any(|layer| layer.is_about_security()) {
            secured(&layers, "producer.")
        } else {
            consumer_security.clone()
        };
        Self {
            consumer,
            producer,
            consumer_security,
            producer_security,
            hint,
        }
    }

    /// The consumer and the producer.
    pub(super) fn translate(
        &self,
        name: &str,
        worker: &WorkerConfig,
    ) -> (KafkaClient, KafkaClient) {
        let group = Layer::of("group.id", format!("connect-{name}"));
        let brokers = Layer::of(BROKERS, worker.bootstrap_servers.as_str());
        let consumer =
            Client::Consumer.translate(&[&group, &brokers, &worker.consumer, &self.consumer]);
        // The producer is the consumer's companion at the same cluster.
        let brokers = match consumer.get(BROKERS) {
            Some(own) => Layer::of(BROKERS, own.as_str()),
            None => brokers,
        };
        let producer = Client::Producer.translate(&[&brokers, &worker.producer, &self.producer]);
        let client = |mut properties: BTreeMap<String, String>,
                      (security, tokens): &(Security, Option<Tokens>)| {
            properties.extend(security.properties.clone());
            KafkaClient {
                properties,
                tokens: tokens.clone(),
            }
        };
        (
            client(consumer, &self.consumer_security),
            client(producer, &self.producer_security),
        )
    }
}

/// What is likely to be missing where the consumer speaks plainly.
fn hint(consumer: &[&Layer], worker: &WorkerConfig) -> Option<Notice> {
    plain_in_spite_of_the_worker(consumer, worker).or_else(|| {
        security::is_login_unused(&clients::security(consumer, "consumer.")).then(|| {
            Notice::warning(format!(
                "consumer.sasl.* has no effect, for consumer.{PROTOCOL} is PLAINTEXT: set it to SASL_SSL or SASL_PLAINTEXT, or \
                 leave sasl.* out."
            ))
        })
    })
}

/// Who has secured the worker alone has, in Kafka Connect too, consumers that speak plainly to a broker that
/// does not.
fn plain_in_spite_of_the_worker(consumer: &[&Layer], worker: &WorkerConfig) -> Option<Notice> {
    let plain = security::is_plain(&clients::security(consumer, "consumer."));
    let said = worker.given.get(PROTOCOL)?.trim();
    (plain && !said.is_empty() && !said.eq_ignore_ascii_case("PLAINTEXT")).then(|| {
        Notice::warning(format!(
            "{PROTOCOL}={said} of the worker does not reach the connectors' clients, as in Kafka Connect: they speak PLAINTEXT. \
             Write it as consumer.{PROTOCOL}, and sasl.* and ssl.* with the prefix consumer. too."
        ))
    })
}
