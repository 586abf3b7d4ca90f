//! The client as the pipeline sees it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use starrocks_kafka_pipeline::dead_letters::{DeadLetter, DeadLetterSettings};
use starrocks_kafka_pipeline::kafka::{
    CommittedOffset, Decision, Kafka, KafkaError, KafkaErrorKind, LogRange, OffsetAndMetadata,
    OffsetReset, Polled, TopicPartition,
};

use super::batch::RecordBatch;
use super::consumer::Consumer;
use super::dead_letters::{self, PlainProducer};
use super::following::Following;
use super::missing::{Missing, Shown};
use super::offsets::{self, OffsetReader};
use super::ranges;
use super::settings::ClientSettings;
use super::transactions::Transactions;
use crate::oauth::Tokens;

/// How long one look at the cluster's topics may take.
const FOLLOW_LIMIT: Duration = Duration::from_secs(3);

/// A member of a consumer group with a transactional producer beside it.
///
/// Dropping it does not leave the group: the group notices after `session.timeout.ms`, as it would notice a
/// crash. [`close`](Self::close) leaves. Neither waits for a broker without a limit.
pub struct LibrdkafkaClient {
    group: String,
    subscription: Vec<String>,
    following: Option<Following>,
    missing: Missing,
    consumer: Consumer,
    reset: OffsetReset,
    transactions: Option<Transactions>,
    /// Only where there are no transactions, and dead letters.
    plain_producer: Option<PlainProducer>,
    producer_properties: BTreeMap<String, String>,
    producer_tokens: Option<Tokens>,
    /// Only while partitions wait to be started.
    offset_reader: Option<OffsetReader>,
    properties: BTreeMap<String, String>,
    tokens: Option<Tokens>,
    name: String,
}

impl LibrdkafkaClient {
    /// Makes the consumer and subscribes it; no broker needs to be there yet. The producer is made with the
    /// first transaction.
    ///
    /// # Errors
    /// `Permanent`: a property is missing or wrong.
    pub fn new(settings: &ClientSettings) -> Result<Self, KafkaError> {
        let (properties, reset) = settings.consumer_properties()?;
        let transactions = settings
            .transactional_id
            .as_deref()
            .map(|transactional_id| {
                Transactions::new(
                    &settings.name,
                    settings.producer_properties(transactional_id),
                    settings.producer_tokens.clone(),
                    settings.probe.clone(),
                )
            });
        let mut client = Self {
            group: properties.get("group.id").cloned().unwrap_or_default(),
            subscription: Vec::new(),
            following: settings.following.clone(),
            missing: Missing::new(refresh_interval(&properties), &settings.known_missing),
            consumer: Consumer::new(
                &properties,
                &settings.name,
                settings.consumer_tokens.clone(),
            )?,
            reset,
            transactions,
            plain_producer: None,
            producer_properties: settings.plain_producer_properties(),
            producer_tokens: settings.producer_tokens.clone(),
            offset_reader: None,
            tokens: settings.consumer_tokens.clone(),
            name: settings.name.clone(),
            properties,
        };
        if !settings.subscription.is_empty() {
            client.subscribe(&settings.subscription)?;
        }
        Ok(client)
    }

    /// Changes the topics that this member asks for; a topic that does not exist is waited for. What it has
    /// of others is taken back in the ordinary way, by [`Polled::Revoked`] or, where the assignment strategy
    /// is cooperative, by [`Polled::Lost`] (librdkafka takes them for gone).
    ///
    /// # Errors
    /// A name that no topic can have.
    pub fn subscribe(&mut self, topics: &[String]) -> Result<(), KafkaError> {
        self.consumer.subscribe(topics)?;
        self.subscription = topics.to_vec();
        Ok(())
    }

    /// Leaves the group and joins it anew, as another member. What is assigned comes back as
    /// [`Polled::Revoked`] first and waits for its release.
    ///
    /// # Errors
    /// As [`subscribe`](Self::subscribe).
    pub fn rejoin(&mut self) -> Result<(), KafkaError> {
        self.consumer.subscribe(&[])?;
        let topics = std::mem::take(&mut self.subscription);
        self.subscribe(&topics)
    }

    /// Subscribes to the topics that match now, where it is time to look.
    fn follow(&mut self) -> Result<(), KafkaError> {
        let Some(following) = &mut self.following else {
            return Ok(());
        };
        if !following.is_due(Instant::now()) {
            return Ok(());
        }
        let topics = offsets::list_topics(self.consumer.instance(), FOLLOW_LIMIT)
            .inspect_err(|_| following.failed(Instant::now()))?;
        match following.change(topics, &self.subscription) {
            Some(topics) => self.subscribe(&topics),
            None => Ok(()),
        }
    }

    /// Looks whether topics that librdkafka does not find are there, where it is time to.
    fn look_for_missing(&mut self) {
        if !self.missing.is_due(Instant::now()) {
            return;
        }
        let Ok(all) = offsets::list_topics(self.consumer.instance(), FOLLOW_LIMIT) else {
            // That no broker answers is told in another way.
            self.missing.failed(Instant::now());
            return;
        };
        for shown in self.missing.look(&all, &self.subscription) {
            self.consumer.told.push_back(Ok(match shown {
                Shown::Missing(topic) => Polled::TopicMissing {
                    message: format!(
                        "topic {topic} does not exist at {}: waiting for it; create it, or correct the connector's topics",
                        self.consumer.bootstrap_servers
                    ),
                    topic,
                },
                Shown::Found(topic) => Polled::TopicFound { topic },
            }));
        }
    }

    /// The names of all topics that the cluster shows us.
    ///
    /// # Errors
    /// No broker answered in time.
    pub fn list_topics(&self, timeout: Duration) -> Result<Vec<String>, KafkaError> {
        offsets::list_topics(self.consumer.instance(), timeout)
    }

    /// Leaves the group, so that others have the partitions at once.
    ///
    /// # Errors
    /// The coordinator did not answer in time; the client is gone all the same.
    pub fn close(mut self, timeout: Duration) -> Result<(), KafkaError> {
        self.consumer.close(timeout)
    }
}

impl std::fmt::Debug for LibrdkafkaClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LibrdkafkaClient")
            .field("group", &self.group)
            .field("subscription", &self.subscription)
            .finish_non_exhaustive()
    }
}

/// How often librdkafka looks for the topics that it is asked for.
fn refresh_interval(properties: &BTreeMap<String, String>) -> Duration {
    let text = properties.get("topic.metadata.refresh.interval.ms");
    let ms = text.and_then(|text| text.parse().ok()).filter(|ms| *ms > 0);
    Duration::from_millis(ms.unwrap_or(30_000))
}

fn no_transactional_id() -> KafkaError {
    KafkaError {
        kind: KafkaErrorKind::TransactionsUnavailable,
        message: "this client was made without a transactional id".to_owned(),
    }
}

impl Kafka for LibrdkafkaClient {
    type Batch = RecordBatch;

    fn poll(&mut self, timeout: Duration) -> Result<Polled<RecordBatch>, KafkaError> {
        if let Some(transactions) = &self.transactions {
            transactions.serve();
        }
        if let Some(producer) = &self.plain_producer {
            producer.serve();
        }
        self.follow()?;
        self.look_for_missing();
        let told = self.consumer.poll(timeout);
        for topic in std::mem::take(&mut self.consumer.not_found) {
            self.missing.suspect(&topic);
        }
        told
    }

    fn pause(&mut self, partitions: &[TopicPartition]) {
        self.consumer.pause(partitions);
    }

    fn pause_all(&mut self) {
        self.consumer.pause_all();
    }

    fn resume(&mut self, partitions: &[TopicPartition]) {
        self.consumer.resume(partitions);
    }

    fn start(&mut self, positions: &[(TopicPartition, i64)]) -> Result<(), KafkaError> {
        // The recovery is over.
        self.offset_reader = None;
        self.consumer.start(positions)
    }

    fn release(&mut self, partitions: &[TopicPartition]) {
        self.consumer.release(partitions);
    }

    fn committed(
        &mut self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<CommittedOffset>, KafkaError> {
        let reader = match self.offset_reader.take() {
            Some(reader) => reader,
            None => OffsetReader::new(&self.properties, &self.name, self.tokens.clone())?,
        };
        // After an error it goes, and with it the question that librdkafka goes on asking.
        let committed = reader.committed(partitions, timeout)?;
        self.offset_reader = Some(reader);
        Ok(committed)
    }

    fn ranges(
        &mut self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<LogRange>, KafkaError> {
        let member = self.consumer.instance();
        ranges::ranges(member, &self.properties, &self.name, partitions, timeout)
    }

    fn offset_reset(&self) -> OffsetReset {
        self.reset
    }

    fn decide(&mut self, offsets: &[OffsetAndMetadata], dead_letters: &[DeadLetter]) -> Decision {
        match &mut self.transactions {
            Some(transactions) => {
                transactions.decide(self.consumer.metadata(), offsets, dead_letters)
            }
            None => Decision::Refused(no_transactional_id()),
        }
    }

    fn replace_producer(&mut self) -> Result<(), KafkaError> {
        self.transactions
            .as_mut()
            .ok_or_else(no_transactional_id)?
            .replace()
    }

    fn ensure_topic(&mut self, settings: &DeadLetterSettings) -> Result<(), KafkaError> {
        dead_letters::ensure_topic(self.consumer.instance(), settings)
    }

    fn write_plain(&mut self, dead_letters: &[DeadLetter]) -> Result<(), KafkaError> {
        let producer = match self.plain_producer.take() {
            Some(producer) => producer,
            None => PlainProducer::new(
                &self.producer_properties,
                &self.name,
                self.producer_tokens.clone(),
            )?,
        };
        // After an error it goes, and with it what it may still have to send.
        producer.write(dead_letters)?;
        self.plain_producer = Some(producer);
        Ok(())
    }

    fn commit_plain(&mut self, offsets: &[OffsetAndMetadata]) -> Result<(), KafkaError> {
        offsets::commit_plain(self.consumer.instance(), offsets)
    }
}
