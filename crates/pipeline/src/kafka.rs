//! What a task needs of Kafka: the seam behind which the client library stays.

use crate::dead_letters::{DeadLetter, DeadLetterSettings};
use starrocks_kafka_connect::converter::RecordHeaders;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// One partition of one topic.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number, from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// A partition by its name.
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self {
            topic: topic.into(),
            partition,
        }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

impl fmt::Debug for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A record as the broker delivered it, borrowed from the client library's memory.
#[derive(Clone, Copy, Debug)]
pub struct RawRecord<'k> {
    /// The topic it was read from.
    pub topic: &'k str,
    /// The partition it was read from.
    pub partition: i32,
    /// Its offset in the partition.
    pub offset: i64,
    /// Milliseconds since the epoch; `None` where the record has no timestamp.
    pub timestamp_ms: Option<i64>,
    /// The key's bytes, `None` for a null key.
    pub key: Option<&'k [u8]>,
    /// The value's bytes, `None` for a null value (a tombstone).
    pub value: Option<&'k [u8]>,
    /// Its headers, not looked at yet.
    pub headers: &'k dyn RawHeaders,
}

/// The headers of a record, as the client library holds them.
pub trait RawHeaders: fmt::Debug {
    /// Names and values in their order; a name may occur more than once. It is only now that they are parsed.
    fn list(&self) -> Vec<RawHeader<'_>>;
}

impl RecordHeaders for &dyn RawHeaders {
    fn last(&self, name: &str) -> Option<&[u8]> {
        let list = self.list().into_iter().rev();
        list.into_iter()
            .find(|(other, _)| other == name)
            .and_then(|(_, value)| value)
    }
}

/// One header: its name, and its value's bytes, `None` for null.
pub type RawHeader<'k> = (Cow<'k, str>, Option<&'k [u8]>);

/// A record without headers.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHeaders;

impl RawHeaders for NoHeaders {
    fn list(&self) -> Vec<RawHeader<'_>> {
        Vec::new()
    }
}

impl RawHeaders for Vec<(String, Option<Vec<u8>>)> {
    fn list(&self) -> Vec<RawHeader<'_>> {
        let pairs = self.iter();
        pairs
            .map(|(name, value)| (Cow::Borrowed(name.as_str()), value.as_deref()))
            .collect()
    }
}

/// Records of one poll, owned until all were looked at.
pub trait Batch {
    /// How many records there are.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The record at `index`, in the order in which the client delivered them.
    ///
    /// # Panics
    /// Where `index` is not below [`len`](Self::len).
    fn get(&self, index: usize) -> RawRecord<'_>;
}

/// An offset to be stored for the group, and the bytes stored beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetAndMetadata {
    /// Whose offset it is.
    pub partition: TopicPartition,
    /// The offset of the next record to read.
    pub offset: i64,
    /// The metadata stored with it; always UTF-8 where we write it.
    pub metadata: String,
}

/// What the group has stored for a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedOffset {
    /// Whose offset it is.
    pub partition: TopicPartition,
    /// The stored offset, `None` where nothing is stored.
    pub offset: Option<i64>,
    /// The metadata as bytes: anybody may write it, so it need not be UTF-8.
    pub metadata: Vec<u8>,
}

/// Which topic of its name it is: one that is deleted and created anew is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicId(pub u128);

/// What the broker has of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRange {
    /// The first offset that can be read; the end where there is none.
    pub first: i64,
    /// The offset after the last record, open transactions included.
    pub end: i64,
    /// Where `auto.offset.reset=latest` begins: before `end` where only what is committed is read.
    pub latest: i64,
    /// `None` where the broker gives topics no ids (before Kafka 2.8), or did not tell.
    pub topic_id: Option<TopicId>,
}

/// `auto.offset.reset`: where a partition without a usable offset is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetReset {
    /// From the first record that there is.
    Earliest,
    /// Only what comes from now on.
    Latest,
    /// Nowhere: it is an error.
    None,
}

impl OffsetReset {
    /// Reads the property, in the words of the Java client and of librdkafka.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "earliest" | "smallest" | "beginning" => Some(Self::Earliest),
            "latest" | "largest" | "end" => Some(Self::Latest),
            "none" | "error" => Some(Self::None),
            _ => None,
        }
    }

    /// The Java client's word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Earliest => "earliest",
            Self::Latest => "latest",
            Self::None => "none",
        }
    }

    /// The offset it gives; `None` where it is an error.
    #[must_use]
    pub fn offset(self, range: &LogRange) -> Option<i64> {
        match self {
            Self::Earliest => Some(range.first),
            Self::Latest => Some(range.latest),
            Self::None => None,
        }
    }
}

/// What one poll brought.
#[derive(Debug)]
pub enum Polled<B> {
    /// Records, at least one.
    Records(B),
    /// The group gave us partitions. They are already assigned to the client, paused, and the group
    /// metadata was captured; nothing of them is fetched until [`Kafka::start`].
    Assigned {
        /// Only what is new; with an eager assignor that is everything.
        added: Vec<TopicPartition>,
        /// Everything we own now, `added` included.
        owned: Vec<TopicPartition>,
    },
    /// The group wants partitions back. It waits for [`Kafka::release`].
    Revoked {
        /// What is to be given back.
        partitions: Vec<TopicPartition>,
    },
    /// The partitions are gone already: we were expelled from the group. Acknowledge with
    /// [`Kafka::release`].
    Lost {
        /// What is gone.
        partitions: Vec<TopicPartition>,
    },
    /// Reading of a partition has stopped: the broker has not what is next. Nothing of it is fetched until
    /// [`Kafka::start`]. It may be a false alarm; [`Kafka::ranges`] tells.
    OutOfRange {
        /// Which partition.
        partition: TopicPartition,
        /// The offset that was to be read next.
        position: i64,
        /// Where the broker would have gone on: before `position` where the log was cut or made anew.
        found: i64,
    },
    /// There is nothing more to read in this partition for now.
    EndOfPartition {
        /// Which partition.
        partition: TopicPartition,
        /// The offset at which the next record will stand.
        offset: i64,
    },
    /// A topic that is asked for does not exist. Polling goes on, and takes it up when it comes.
    TopicMissing {
        /// Which topic.
        topic: Arc<str>,
        /// What to know and to do, in one line.
        message: String,
    },
    /// What [`TopicMissing`](Self::TopicMissing) said of this topic holds no longer.
    TopicFound {
        /// Which topic.
        topic: Arc<str>,
    },
    /// Nothing within the time given.
    Nothing,
}

/// What became of a Kafka transaction.
#[derive(Debug)]
pub enum Decision {
    /// Committed: the offsets are stored.
    Committed,
    /// Not committed and never will be: its abort was answered, or its producer replaced.
    Refused(KafkaError),
    /// There is no clear answer. Nothing further is sent to Kafka until
    /// [`Kafka::replace_producer`] has succeeded; then the stored offsets tell.
    Unclear(KafkaError),
}

/// How bad a failure is, which is all that a task acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KafkaErrorKind {
    /// Goes away by itself: brokers away, coordinator moving. Try again.
    Transient,
    /// The broker, or the client's configuration, forbids it: authentication, authorisation, a topic
    /// that is missing, an unsupported version. Trying again changes nothing.
    Permanent,
    /// Transactions are not to be had here: brokers before 2.5, or no right to the transactional id.
    /// Only the transactional calls return it.
    TransactionsUnavailable,
}

/// An error of the Kafka client, told for the user.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct KafkaError {
    /// What a task does about it.
    pub kind: KafkaErrorKind,
    /// What happened, where, and what to do, in one line.
    pub message: String,
}

/// A member of a consumer group with a transactional producer beside it.
///
/// All calls come from the one thread of the task. No call re-enters another: a rebalance is an event
/// of [`poll`](Self::poll), and the group waits until [`release`](Self::release).
pub trait Kafka {
    /// Records of one poll.
    type Batch: Batch;

    /// Waits at most `timeout` for records or an event. Events that are known come first; one that
    /// comes up while records are gathered is told by the next call. Records of a partition that is
    /// paused, or that is to be given back, are not delivered.
    ///
    /// # Errors
    /// What the client reports as an error of this consumer. `Transient` ones are worth showing and
    /// polling goes on: no broker to be reached.
    fn poll(&mut self, timeout: Duration) -> Result<Polled<Self::Batch>, KafkaError>;

    /// Stops fetching these partitions. What was fetched and not delivered is dropped; only
    /// [`start`](Self::start) says where it goes on.
    fn pause(&mut self, partitions: &[TopicPartition]);

    /// Stops fetching every assigned partition. The position stays behind the last record delivered.
    fn pause_all(&mut self);

    /// Fetches these partitions again after [`pause_all`](Self::pause_all).
    fn resume(&mut self, partitions: &[TopicPartition]);

    /// Sets where each of these assigned partitions is read next, dropping what was fetched already,
    /// and resumes it.
    ///
    /// # Errors
    /// A partition that is not assigned.
    fn start(&mut self, positions: &[(TopicPartition, i64)]) -> Result<(), KafkaError>;

    /// Lets the group have these partitions, the answer to `Revoked` and `Lost`.
    fn release(&mut self, partitions: &[TopicPartition]);

    /// The group's stored offsets, only stable ones: while a Kafka transaction on them is open, the
    /// call waits.
    ///
    /// # Errors
    /// `Transient` also where the offsets were not stable within `timeout`.
    fn committed(
        &mut self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<CommittedOffset>, KafkaError>;

    /// What the broker has of each partition, in the same order.
    ///
    /// # Errors
    /// `Transient`: try again.
    fn ranges(
        &mut self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<LogRange>, KafkaError>;

    /// `auto.offset.reset` as it is configured. The client itself resets nothing.
    fn offset_reset(&self) -> OffsetReset;

    /// Stores offsets, and writes dead letters, in one Kafka transaction, fenced by the producer's epoch and by the group
    /// metadata captured at the latest event of the group: `Assigned`, and `Revoked` and `Lost` too,
    /// for a cooperative member is of the new generation when it is told what to give back. Where we
    /// were expelled there is none, and nothing is sent. Where an earlier transaction's request may have been
    /// sent twice, the producer is replaced first.
    fn decide(&mut self, offsets: &[OffsetAndMetadata], dead_letters: &[DeadLetter]) -> Decision;

    /// A new producer with the same transactional id: ends what is pending on the broker and fences
    /// what is late.
    ///
    /// # Errors
    /// `Transient`: try again. `TransactionsUnavailable`: never will.
    fn replace_producer(&mut self) -> Result<(), KafkaError>;

    /// Makes sure that the topic of dead letters exists.
    ///
    /// # Errors
    /// It does not, and cannot be created.
    fn ensure_topic(&mut self, settings: &DeadLetterSettings) -> Result<(), KafkaError>;

    /// Writes dead letters outside of any Kafka transaction, and waits until they are acknowledged; for at-least-once
    /// delivery only.
    ///
    /// # Errors
    /// Any of them may be written or not.
    fn write_plain(&mut self, dead_letters: &[DeadLetter]) -> Result<(), KafkaError>;

    /// Stores offsets by a plain OffsetCommit of this member; for at-least-once delivery only.
    ///
    /// # Errors
    /// Also where the broker refused any single partition.
    fn commit_plain(&mut self, offsets: &[OffsetAndMetadata]) -> Result<(), KafkaError>;
}
