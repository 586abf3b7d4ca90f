//! A Kafka inside this process: librdkafka's mock cluster, for trying and for tests that need no JVM.
//!
//! It speaks Kafka's protocol on a loopback port, and is a small part of Kafka only:
//! - each partition holds 5 MiB and drops its oldest batches beyond, read or not: write through a [`Feed`], which never
//!   gets further ahead of a consumer group than that;
//! - topics are made by [`MockKafka::create_topic`], not by the admin protocol;
//! - it answers transactions but does not keep the offsets that are sent in them: exactly-once delivery cannot be tried;
//! - a group's first members are waited for, for three seconds, as a Kafka with its default settings does;
//! - a group should have one member: of several, one that asks for its assignment after the leader has made it is refused,
//!   joins again, and the group is waited for nearly as long as `session.timeout.ms`;
//! - all of it is in memory, and gone with the [`MockKafka`].

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{
    BaseRecord, DefaultProducerContext, Producer as _, ProducerContext, ThreadedProducer,
};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

/// How long a request may take; the cluster is in this process.
const LIMIT: Duration = Duration::from_secs(30);

/// What a partition is ahead of its group at most: well below the 5 MiB that the cluster keeps.
const AHEAD_BYTES_MAX: usize = 2 * 1024 * 1024;

/// What a record takes beside its key and value, were it alone in its batch (record batch format 2: 61 bytes a batch, at
/// most 21 a record).
const RECORD_OVERHEAD_BYTES: usize = 82;

/// The embedded Kafka, or a client of it, failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("embedded Kafka: {0}")]
pub struct MockKafkaError(String);

impl From<KafkaError> for MockKafkaError {
    fn from(error: KafkaError) -> Self {
        Self(error.to_string())
    }
}

/// A Kafka cluster of one broker inside this process. Dropping it ends it.
pub struct MockKafka {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl MockKafka {
    /// Starts one on a free loopback port.
    ///
    /// # Errors
    /// Where librdkafka cannot: no port, no thread.
    pub fn start() -> Result<Self, MockKafkaError> {
        Ok(Self {
            cluster: MockCluster::new(1)?,
        })
    }

    /// Its address, as `bootstrap.servers` takes it.
    #[must_use]
    pub fn bootstrap_servers(&self) -> String {
        self.cluster.bootstrap_servers()
    }

    /// Creates a topic.
    ///
    /// # Errors
    /// Where there is one of that name.
    pub fn create_topic(&self, topic: &str, partitions: i32) -> Result<(), MockKafkaError> {
        Ok(self.cluster.create_topic(topic, partitions, 1)?)
    }

    /// A producer for a topic without records, which stays at most 2 MiB a partition ahead of what `group` has committed.
    ///
    /// # Errors
    /// Where librdkafka has no thread for its clients.
    pub fn feed(&self, topic: &str, partitions: i32, group: &str) -> Result<Feed, MockKafkaError> {
        Feed::new(&self.bootstrap_servers(), topic, partitions, group)
    }
}

/// What became of a record that was given to a [`Feed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Sent {
    /// It is on its way; its offset is the number of those sent to its partition before it.
    Yes,
    /// It was not taken: the partition is as far ahead as it may be, until the group has committed and
    /// [`Feed::refresh`] has seen it.
    Full,
}

/// A topic's only producer, with an eye on what a consumer group has committed.
pub struct Feed {
    producer: ThreadedProducer<Failures>,
    group: BaseConsumer,
    topic: String,
    partitions: Vec<Partition>,
}

impl Feed {
    fn new(
        bootstrap_servers: &str,
        topic: &str,
        partitions: i32,
        group: &str,
    ) -> Result<Self, MockKafkaError> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", bootstrap_servers);
        // A member of no group: it only asks for what that group has committed.
        let group = config.clone().set("group.id", group).create()?;
        // Each record once, in the order of sending.
        let producer = config
            .set("enable.idempotence", "true")
            .set("linger.ms", "5")
            .create_with_context(Failures::default())?;
        let partitions = (0..partitions).map(|_| Partition::default()).collect();
        Ok(Self {
            producer,
            group,
            topic: topic.to_owned(),
            partitions,
        })
    }

    /// Sends a record, where its partition is not too far ahead.
    ///
    /// # Errors
    /// Where this record cannot be sent, or one before it was lost.
    ///
    /// # Panics
    /// Where the topic has no such partition.
    pub fn send(
        &mut self,
        partition: i32,
        key: &[u8],
        value: &[u8],
    ) -> Result<Sent, MockKafkaError> {
        let number = usize::try_from(partition).expect("partitions count from 0");
        let bytes = key.len() + value.len() + RECORD_OVERHEAD_BYTES;
        if self.partitions[number].is_full(bytes) {
            return Ok(Sent::Full);
        }
        let record = BaseRecord::to(&self.topic)
            .partition(partition)
            .key(key)
            .payload(value);
        match self.producer.send(record) {
            Ok(()) => {
                self.partitions[number].sent(bytes);
                Ok(Sent::Yes)
            }
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => Ok(Sent::Full),
            Err((error, _)) => Err(error.into()),
        }
    }

    /// Asks what the group has committed by now, and makes room accordingly; answers [`committed`](Self::committed).
    ///
    /// # Errors
    /// Where the cluster does not answer, or a record was lost on its way.
    pub fn refresh(&mut self) -> Result<u64, MockKafkaError> {
        if let Some(lost) = self.producer.context().first() {
            return Err(MockKafkaError(format!(
                "a record of topic {} was lost: {lost}",
                self.topic
            )));
        }
        let mut asked = TopicPartitionList::new();
        for partition in 0..self.partitions.len() {
            asked.add_partition(&self.topic, number(partition));
        }
        let answered = self.group.committed_offsets(asked, LIMIT)?;
        for (at, partition) in self.partitions.iter_mut().enumerate() {
            let found = answered.find_partition(&self.topic, number(at));
            if let Some(Offset::Offset(offset)) = found.map(|element| element.offset()) {
                partition.committed(u64::try_from(offset).unwrap_or(0));
            }
        }
        Ok(self.committed())
    }

    /// Records sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.sent).sum()
    }

    /// Records below the offsets that the group had committed when it was last asked.
    #[must_use]
    pub fn committed(&self) -> u64 {
        self.partitions
            .iter()
            .map(|partition| partition.committed)
            .sum()
    }
}

fn number(partition: usize) -> i32 {
    i32::try_from(partition).expect("a topic's partitions are counted by an i32")
}

/// What is on its way through one partition.
#[derive(Debug, Default)]
struct Partition {
    sent: u64,
    committed: u64,
    /// Sizes of the records from `committed` up to `sent`, and their sum.
    ahead: VecDeque<usize>,
    ahead_bytes: usize,
}

impl Partition {
    fn is_full(&self, bytes: usize) -> bool {
        // A record that is larger than all room goes alone.
        !self.ahead.is_empty() && self.ahead_bytes + bytes > AHEAD_BYTES_MAX
    }

    fn sent(&mut self, bytes: usize) {
        self.sent += 1;
        self.ahead.push_back(bytes);
        self.ahead_bytes += bytes;
    }

    fn committed(&mut self, offset: u64) {
        while self.committed < offset
            && let Some(bytes) = self.ahead.pop_front()
        {
            self.committed += 1;
            self.ahead_bytes -= bytes;
        }
    }
}

/// Remembers why a record could not be delivered.
#[derive(Debug, Default)]
struct Failures(Arc<Mutex<Option<String>>>);

impl Failures {
    fn first(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl ClientContext for Failures {}

impl ProducerContext for Failures {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _: ()) {
        if let Err((error, message)) = result {
            let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert_with(|| format!("partition {}: {error}", message.partition()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_waits_for_the_group_and_nothing_is_dropped() {
        let kafka = MockKafka::start().expect("a free port");
        kafka.create_topic("t", 2).expect("a new topic");
        let mut feed = kafka.feed("t", 2, "g").expect("a producer");
        let value = vec![b'x'; 100_000];
        let fill = |feed: &mut Feed, partition| {
            let mut count = 0_u64;
            while feed
                .send(partition, b"k", &value)
                .expect("the cluster takes it")
                == Sent::Yes
            {
                count += 1;
            }
            count
        };
        assert_eq!(fill(&mut feed, 1), 20, "what 2 MiB hold");
        assert_eq!((feed.sent(), feed.refresh()), (20, Ok(0)));
        assert_eq!(fill(&mut feed, 1), 0, "nothing was committed");

        let reader = commit(&kafka, 1, 15);
        assert_eq!(feed.refresh(), Ok(15));
        assert_eq!(fill(&mut feed, 1), 15);
        assert_eq!(fill(&mut feed, 0), 20, "each partition has room of its own");
        feed.producer.flush(LIMIT).expect("the cluster takes all");
        let kept = reader
            .fetch_watermarks("t", 1, LIMIT)
            .expect("the cluster answers");
        assert_eq!(kept, (0, 35), "first and next offset");
        // The other partition's offset is none of this group's doing.
        assert_eq!((feed.refresh(), feed.committed()), (Ok(15), 15));
    }

    fn commit(kafka: &MockKafka, partition: i32, offset: i64) -> BaseConsumer {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", kafka.bootstrap_servers())
            .set("group.id", "g");
        let reader: BaseConsumer = config.create().expect("a constant configuration");
        let mut offsets = TopicPartitionList::new();
        offsets
            .add_partition_offset("t", partition, Offset::Offset(offset))
            .expect("an offset");
        reader
            .commit(&offsets, rdkafka::consumer::CommitMode::Sync)
            .expect("the group is empty");
        reader
    }

    #[test]
    fn a_record_larger_than_all_room_goes_alone() {
        let mut partition = Partition::default();
        assert!(!partition.is_full(AHEAD_BYTES_MAX * 2));
        partition.sent(AHEAD_BYTES_MAX * 2);
        assert!(partition.is_full(1));
        partition.committed(7);
        assert_eq!(
            (partition.committed, partition.ahead_bytes),
            (1, 0),
            "never beyond what was sent"
        );
        assert!(!partition.is_full(1));
    }
}
