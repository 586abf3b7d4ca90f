//! What a connector's file means, beside its worker's.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use starrocks_kafka_connect::config::{ConfigProblem, Given};
use starrocks_kafka_connect::converter::ConverterConfig;
use starrocks_kafka_connect::transform::TransformChain;
use starrocks_kafka_pipeline::dead_letters::ErrorSettings;
use starrocks_kafka_pipeline::encode::{EncoderSettings, NullDefault};
use starrocks_kafka_pipeline::registry::RegistrySettings;
use starrocks_kafka_pipeline::settings::SinkSettings;

use super::clients;
use super::connector_clients::{Clients, KafkaClient};
use super::connector_keys::{DEF, FRAMEWORK_DEF, WITHOUT_EFFECT, check_class};
use super::converters;
use super::errors;
use super::file::InitialState;
use super::problem::Notice;
use super::purpose::Purpose;
use super::registry;
use super::subscription::{self, Subscription};
use super::unknown;
use super::variables;
use super::worker::WorkerConfig;
use crate::oauth::Tokens;

/// All that is needed to run a connector. `Debug` shows its name alone, for its properties have secrets.
#[derive(Clone)]
pub struct ConnectorPlan {
    /// `name`.
    pub name: String,
    /// `tasks.max`, at least 1.
    pub tasks_max: u32,
    /// Whether its tasks run when it is created.
    pub initial_state: InitialState,
    /// What it reads.
    pub subscription: Subscription,
    /// The group that its tasks are members of: `connect-<name>` unless overridden.
    pub group_id: String,
    /// How often the topics of a pattern are looked for: the consumer's `metadata.max.age.ms`.
    pub topics_refresh_interval: Duration,
    /// What makes rows of records: converters, and the tables of topics.
    pub encoder: EncoderSettings,
    /// Where rows go, and how.
    pub sink: SinkSettings,
    /// What becomes of records that cannot be loaded.
    pub errors: ErrorSettings,
    /// The Schema Registry of keys, where their converter has one.
    pub key_registry: Option<RegistrySettings>,
    /// The Schema Registry of values, where their converter has one.
    pub value_registry: Option<RegistrySettings>,
    /// What was accepted and has no effect, or is likely to be a mistake; to be said once.
    pub notices: Vec<Notice>,
    /// The properties as they were given, variables included.
    pub given: Given,
    consumer: KafkaClient,
    producer: KafkaClient,
}

/// What one task needs beside its connector's plan. `Debug` leaves the properties out, for they have secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct TaskPlan {
    /// From 0.
    pub index: u32,
    /// librdkafka's properties for the consumer, `group.id` and `client.id` included.
    pub consumer_properties: BTreeMap<String, String>,
    /// librdkafka's properties for the producer that decides rounds. Those of the transaction
    /// (`transactional.id`, `transaction.timeout.ms`) are the task's own.
    pub producer_properties: BTreeMap<String, String>,
    /// Where the consumer's tokens come from, where it shows tokens.
    pub consumer_tokens: Option<Tokens>,
    /// Where the producer's tokens come from, where it shows tokens.
    pub producer_tokens: Option<Tokens>,
}

impl fmt::Debug for TaskPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskPlan")
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ConnectorPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectorPlan")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl ConnectorPlan {
    /// What the task of this index, from 0, needs. Clients are named as Kafka Connect names them.
    #[must_use]
    pub fn task(&self, index: u32) -> TaskPlan {
        let named = |client: &KafkaClient, kind: &str| {
            let mut properties = client.properties.clone();
            let name = &self.name;
            properties
                .entry("client.id".to_owned())
                .or_insert_with(|| format!("connector-{kind}-{name}-{index}"));
            properties
        };
        TaskPlan {
            index,
            consumer_properties: named(&self.consumer, "consumer"),
            producer_properties: named(&self.producer, "producer"),
            consumer_tokens: self.consumer.tokens.clone(),
            producer_tokens: self.producer.tokens.clone(),
        }
    }

    /// Reads a connector's properties. No problem at all is said where the worker's are to blame.
    pub(super) fn check(
        as_given: &Given,
        initial_state: InitialState,
        worker: &WorkerConfig,
        purpose: Purpose,
    ) -> Result<Self, Vec<ConfigProblem>> {
        let resolved = variables::resolve(as_given, &worker.providers);
        let given = &resolved.given;
        let (config, mut problems) = FRAMEWORK_DEF.validate(given);
        let mut notices = Vec::new();
        if let Some(Err(message)) = config.string("connector.class").map(check_class) {
            problems.push(ConfigProblem::about("connector.class", message));
        }
        problems.extend(worker.override_policy.refusals(given));
        say(given, &mut notices);
        unknown::check(
            &DEF,
            given,
            |name| name == "connector.plugin.version",
            &mut problems,
            &mut notices,
        );

        let clients = Clients::read(given, worker, purpose, &mut problems, &mut notices);
        let mut converter = |property: &str| {
            let resolved = converters::resolve(property, given, &worker.given, &mut notices);
            resolved.map_err(|found| problems.extend(found)).ok()
        };
        let [key, value, header] = converters::PROPERTIES.map(&mut converter);
        let registry = |converter: &Option<ConverterConfig>| {
            let settings = registry::settings(converter.as_ref()?);
            // What is wrong with them was said with the converter.
            settings.ok().flatten()
        };
        let (key_registry, value_registry) = (registry(&key), registry(&value));
        let [aliases, predicates] = ["transforms", "predicates"].map(|name| config.list(name));
        let transforms = TransformChain::new(aliases, predicates, given)
            .map_err(|found| problems.extend(found))
            .ok();
        if let Some(transforms) = &transforms {
            notices.extend(transforms.warnings().iter().cloned().map(Notice::warning));
        }
        let subscription = subscription::parse(&config)
            .map_err(|found| problems.extend(found))
            .ok();
        let impossible = subscription::impossible_names(&config);
        purpose.weigh_kafka(impossible, &mut problems, &mut notices);
        let sink = SinkSettings::parse(given)
            .map_err(|found| problems.extend(found))
            .ok();

        let errors = errors::parse(&config, subscription.as_ref())
            .map_err(|problem| problems.push(problem))
            .unwrap_or_default();
        errors::say(&errors, given, &mut notices);
        if let (Some(sink), Some(subscription)) = (&sink, &subscription) {
            let topics = match subscription {
                Subscription::Topics(topics) => Some(&topics[..]),
                Subscription::Pattern(_) => None,
            };
            notices.extend(sink.warnings(topics).into_iter().map(Notice::warning));
        }
        notices.extend(clients.hint.clone());
        resolved.finish(&mut problems, &mut notices);
        let (Some(key), Some(mut value), Some(header), Some(transforms)) =
            (key, value, header, transforms)
        else {
            return Err(problems);
        };
        let (Some(subscription), Some(sink), []) = (subscription, sink, &problems[..]) else {
            return Err(problems);
        };
        if sink.rows.style.null_default == NullDefault::Keep {
            converters::keep_null(&mut value);
        }
        let name = config.string("name").unwrap_or_default().to_owned();
        let (consumer, producer) = clients.translate(&name, worker);
        Ok(Self {
            tasks_max: config
                .integer("tasks.max")
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(1),
            initial_state,
            subscription,
            group_id: consumer
                .properties
                .get("group.id")
                .cloned()
                .unwrap_or_default(),
            topics_refresh_interval: clients::metadata_refresh_interval(&consumer.properties),
            encoder: EncoderSettings {
                key,
                value,
                header,
                transforms,
                topics: sink.topics.clone(),
                rows: sink.rows.clone(),
            },
            sink,
            errors,
            key_registry,
            value_registry,
            notices,
            given: as_given.clone(),
            consumer,
            producer,
            name,
        })
    }
}

fn say(given: &Given, notices: &mut Vec<Notice>) {
    let of_no_effect = |(name, why): &(&str, &str)| {
        given
            .contains_key(*name)
            .then(|| Notice::no_effect(name, why))
    };
    notices.extend(WITHOUT_EFFECT.iter().filter_map(of_no_effect));
    notices.extend(converters::stray_settings(given).map(|(name, converter)| {
        Notice::warning(format!(
            "{name} has no effect: this connector takes the worker's {converter} with the worker's settings; set {converter} too."
        ))
    }));
}
