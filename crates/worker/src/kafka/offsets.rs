//! The group's stored offsets: read with their metadata, and stored plainly.

use std::collections::{BTreeMap, HashMap};
use std::ptr::NonNull;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rdkafka_sys as sys;
use rdkafka_sys::RDKafkaRespErr;
use starrocks_kafka_pipeline::kafka::{
    CommittedOffset, KafkaError, KafkaErrorKind, OffsetAndMetadata, TopicPartition,
};

use super::callbacks::Context;
use super::failure::Failure;
use super::native::{Instance, PartitionList, Queue, check, millis, text};
use crate::oauth::Tokens;

/// How long one OffsetCommit may take.
const COMMIT_LIMIT: Duration = Duration::from_secs(15);
/// Between two questions whether offsets are stable by now.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// An event of librdkafka's, owned.
pub(super) struct Event(NonNull<sys::rd_kafka_event_t>);

impl Event {
    pub(super) fn wait(queue: &Queue, timeout: Duration) -> Option<Self> {
        // SAFETY: the queue lives; the event is ours.
        NonNull::new(unsafe { sys::rd_kafka_queue_poll(queue.as_ptr(), millis(timeout)) }).map(Self)
    }

    pub(super) fn as_ptr(&self) -> *mut sys::rd_kafka_event_t {
        self.0.as_ptr()
    }

    pub(super) fn check(&self) -> Result<(), Failure> {
        // SAFETY: the event is ours and lives.
        let (code, reason) = unsafe {
            (
                sys::rd_kafka_event_error(self.0.as_ptr()),
                sys::rd_kafka_event_error_string(self.0.as_ptr()),
            )
        };
        check(code).map_err(|failure| Failure::new(failure.code, text(reason)))
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: the event is ours and this is its last use.
        unsafe { sys::rd_kafka_event_destroy(self.0.as_ptr()) };
    }
}

fn transient(message: String) -> KafkaError {
    KafkaError {
        kind: KafkaErrorKind::Transient,
        message,
    }
}

/// Reads the group's stored offsets, only stable ones.
///
/// A client of its own with `isolation.level=read_committed`, in the group's name but never subscribed:
/// `rd_kafka_committed` asks for stable offsets under that level only, and the member's level is the user's
/// to choose. (The admin call ListConsumerGroupOffsets would do without a second client, but librdkafka
/// 2.12.1 ends the process by an assertion, `eonce->refcnt > 0`, when its coordinator lookup fails after the
/// call has timed out.) It lives for the time of a recovery.
pub(super) struct OffsetReader {
    instance: Instance,
    context: Arc<Context>,
    group: String,
}

impl OffsetReader {
    /// `member` are the member's own properties.
    pub(super) fn new(
        member: &BTreeMap<String, String>,
        name: &str,
        tokens: Option<Tokens>,
    ) -> Result<Self, KafkaError> {
        let mut properties = member.clone();
        properties.insert("isolation.level".to_owned(), "read_committed".to_owned());
        let context = Context::new(name, tokens);
        let kind = sys::rd_kafka_type_t::RD_KAFKA_CONSUMER;
        let instance = Instance::new(kind, &properties, Arc::clone(&context))?;
        let group = member.get("group.id").cloned().unwrap_or_default();
        Ok(Self {
            instance,
            context,
            group,
        })
    }

    /// The stored offsets of `partitions` with their metadata, in the same order.
    pub(super) fn committed(
        &self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<CommittedOffset>, KafkaError> {
        let until = Instant::now() + timeout;
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let failure = match self.ask(partitions, left) {
                Ok(committed) => return Ok(committed),
                Err(failure) => failure,
            };
            let error =
                failure.explain(&format!("cannot read the offsets of group {}", self.group));
            if error.kind != KafkaErrorKind::Transient {
                return Err(error);
            }
            if Instant::now() + ASK_AGAIN >= until {
                return Err(self.not_in_time(&failure, timeout));
            }
            thread::sleep(ASK_AGAIN);
        }
    }

    fn not_in_time(&self, failure: &Failure, timeout: Duration) -> KafkaError {
        self.context.serve(&self.instance);
        let trouble = self.context.connection_trouble();
        let why = match failure.code {
            // librdkafka asks again by itself while offsets are unstable.
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__TIMED_OUT
            | RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT
                if trouble.is_empty() =>
            {
                "a Kafka transaction on them is still open".to_owned()
            }
            _ if trouble.is_empty() => failure.text.clone(),
            _ => format!("{}: {trouble}", failure.text),
        };
        transient(format!(
            "group {} has no stable offsets to read after {} ms: {why}",
            self.group,
            timeout.as_millis()
        ))
    }

    fn ask(
        &self,
        partitions: &[TopicPartition],
        left: Duration,
    ) -> Result<Vec<CommittedOffset>, Failure> {
        let list = PartitionList::of(partitions);
        // SAFETY: the client lives; the list is ours and is filled by the call.
        check(unsafe {
            sys::rd_kafka_committed(self.instance.as_ptr(), list.as_ptr(), millis(left))
        })?;
        let mut by_partition = HashMap::new();
        for entry in list.iter() {
            let partition = entry.topic_partition();
            check(entry.error).map_err(|failure| {
                Failure::new(failure.code, format!("{partition}: {}", failure.text))
            })?;
            let offset = (entry.offset >= 0).then_some(entry.offset);
            by_partition.insert(partition, (offset, entry.metadata.to_vec()));
        }
        let in_order = partitions.iter().map(|partition| {
            let (offset, metadata) = by_partition.remove(partition).unwrap_or_default();
            CommittedOffset {
                partition: partition.clone(),
                offset,
                metadata,
            }
        });
        Ok(in_order.collect())
    }
}

/// Stores offsets by an OffsetCommit of this member, every partition checked.
pub(super) fn commit_plain(
    consumer: &Instance,
    offsets: &[OffsetAndMetadata],
) -> Result<(), KafkaError> {
    if offsets.is_empty() {
        return Ok(());
    }
    let doing = "cannot commit offsets";
    let list = list_of(offsets);
    let queue = Queue::new(consumer);
    // The blocking `rd_kafka_commit` waits without a limit.
    // SAFETY: client and queue live; the list is copied.
    check(unsafe {
        sys::rd_kafka_commit_queue(
            consumer.as_ptr(),
            list.as_ptr(),
            queue.as_ptr(),
            None,
            std::ptr::null_mut(),
        )
    })
    .map_err(|failure| failure.explain(doing))?;
    let Some(event) = Event::wait(&queue, COMMIT_LIMIT) else {
        return Err(transient(format!(
            "{doing}: no answer within {} s",
            COMMIT_LIMIT.as_secs()
        )));
    };
    event.check().map_err(|failure| failure.explain(doing))?;
    // SAFETY: the event is ours and owns the list, which is copied.
    let answered = unsafe {
        PartitionList::copied(sys::rd_kafka_event_topic_partition_list(event.0.as_ptr()))
    };
    for entry in answered.iter() {
        check(entry.error).map_err(|failure| {
            failure.explain(&format!("{doing} of {}", entry.topic_partition()))
        })?;
    }
    Ok(())
}

/// Offsets with metadata, as the calls that store them take it.
pub(super) fn list_of(offsets: &[OffsetAndMetadata]) -> PartitionList {
    let mut list = PartitionList::new();
    for OffsetAndMetadata {
        partition,
        offset,
        metadata,
    } in offsets
    {
        list.add(partition, *offset, metadata.as_bytes());
    }
    list
}

/// The names of all topics that we may see.
pub(super) fn list_topics(
    consumer: &Instance,
    timeout: Duration,
) -> Result<Vec<String>, KafkaError> {
    let mut metadata = std::ptr::null();
    // SAFETY: the client lives; the metadata given is ours.
    check(unsafe {
        sys::rd_kafka_metadata(
            consumer.as_ptr(),
            1,
            std::ptr::null_mut(),
            &raw mut metadata,
            millis(timeout),
        )
    })
    .map_err(|failure| failure.explain("cannot list the topics"))?;
    // SAFETY: the metadata is ours, has `topic_cnt` topics, and is destroyed after its last use.
    unsafe {
        let count = usize::try_from((*metadata).topic_cnt).unwrap_or(0);
        let topics: &[sys::rd_kafka_metadata_topic] = if count == 0 {
            &[]
        } else {
            std::slice::from_raw_parts((*metadata).topics, count)
        };
        let names = topics
            .iter()
            .filter(|topic| topic.err == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR)
            .map(|topic| text(topic.topic))
            .collect();
        sys::rd_kafka_metadata_destroy(metadata);
        Ok(names)
    }
}
