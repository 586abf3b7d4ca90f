//! The group member: polling, and rebalances carried out when the task is ready for them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka_sys as sys;
use rdkafka_sys::RDKafkaRespErr;
use starrocks_kafka_pipeline::kafka::{Batch, KafkaError, KafkaErrorKind, Polled, TopicPartition};

use super::assignment::{Assignment, Reading};
use super::batch::{Gathered, Message, RecordBatch};
use super::callbacks::{Context, Signal};
use super::jump::{self, LogStart};
use super::native::{GroupMetadata, Instance, PartitionList, Queue, check, check_error, millis};
use super::rebalance::GivingBack;
use crate::oauth::Tokens;

/// How many records one poll brings at most.
const MOST_RECORDS: usize = 2000;
/// A seek is answered by librdkafka's own thread, not by a broker.
const SEEK_LIMIT_MS: i32 = 5000;

/// What a poll has to tell besides records.
pub(super) type Told = Result<Polled<RecordBatch>, KafkaError>;

/// A member of the group.
pub(super) struct Consumer {
    // The queue goes before the client that it belongs to.
    queue: Queue,
    pub(super) instance: Arc<Instance>,
    context: Arc<Context>,
    pub(super) assignment: Assignment,
    pub(super) metadata: Option<GroupMetadata>,
    pub(super) giving_back: Option<GivingBack>,
    pub(super) told: VecDeque<Told>,
    /// Topics that librdkafka has just said it does not find.
    pub(super) not_found: Vec<String>,
    gathered: Gathered,
    pub(super) bootstrap_servers: String,
}

impl Consumer {
    pub(super) fn new(
        properties: &std::collections::BTreeMap<String, String>,
        name: &str,
        tokens: Option<Tokens>,
    ) -> Result<Self, KafkaError> {
        let context = Context::new(name, tokens);
        let kind = sys::rd_kafka_type_t::RD_KAFKA_CONSUMER;
        let instance = Arc::new(Instance::new(kind, properties, Arc::clone(&context))?);
        // Errors come by the same queue as records: one call serves both.
        // SAFETY: the client lives.
        check(unsafe { sys::rd_kafka_poll_set_consumer(instance.as_ptr()) })
            .map_err(|failure| failure.explain("Kafka client"))?;
        let queue = Queue::of_consumer(&instance).ok_or_else(|| KafkaError {
            kind: KafkaErrorKind::Permanent,
            message: "Kafka client: group.id is missing".to_owned(),
        })?;
        context.set_queue(queue.as_ptr());
        Ok(Self {
            queue,
            instance,
            context,
            assignment: Assignment::default(),
            metadata: None,
            giving_back: None,
            told: VecDeque::new(),
            not_found: Vec::new(),
            gathered: Gathered::new(MOST_RECORDS),
            bootstrap_servers: properties
                .get("bootstrap.servers")
                .cloned()
                .unwrap_or_default(),
        })
    }

    pub(super) fn instance(&self) -> &Instance {
        &self.instance
    }

    /// Who we are in the group, as captured at the last rebalance.
    pub(super) fn metadata(&self) -> Option<&GroupMetadata> {
        self.metadata.as_ref()
    }

    pub(super) fn subscribe(&mut self, topics: &[String]) -> Result<(), KafkaError> {
        // librdkafka takes a name that begins with `^` for a pattern; no topic's name does.
        let list = PartitionList::of(
            &topics
                .iter()
                .map(|topic| TopicPartition::new(topic.as_str(), -1))
                .collect::<Vec<_>>(),
        );
        // SAFETY: the client lives; the list is copied.
        let subscribed = unsafe {
            if topics.is_empty() {
                sys::rd_kafka_unsubscribe(self.instance.as_ptr())
            } else {
                sys::rd_kafka_subscribe(self.instance.as_ptr(), list.as_ptr())
            }
        };
        check(subscribed).map_err(|failure| {
            failure.explain(&format!("cannot subscribe to {}", topics.join(", ")))
        })
    }

    pub(super) fn poll(&mut self, timeout: Duration) -> Told {
        let until = Instant::now() + timeout;
        self.seek();
        loop {
            if let Some(told) = self.told.pop_front() {
                return told;
            }
            let messages = self.gather(until.saturating_duration_since(Instant::now()));
            self.take_signals();
            let batch = self.sort_out(messages);
            if !batch.is_empty() {
                return Ok(Polled::Records(batch));
            }
            if self.told.is_empty() && Instant::now() >= until {
                return Ok(Polled::Nothing);
            }
        }
    }

    /// What is there already; else what comes first within the time.
    ///
    /// `rd_kafka_consume_batch_queue` waits until its room is full or its time is over, so waiting is done
    /// for one message, and the rest is taken without waiting.
    fn gather(&mut self, left: Duration) -> Vec<Message> {
        let mut messages = Vec::new();
        let queue = self.queue.as_ptr();
        self.gathered.gather(queue, 0, MOST_RECORDS, &mut messages);
        if messages.is_empty() && !self.context.has_signals() && !left.is_zero() {
            self.gathered.gather(queue, millis(left), 1, &mut messages);
            if !messages.is_empty() {
                self.gathered
                    .gather(queue, 0, MOST_RECORDS - 1, &mut messages);
            }
        }
        messages
    }

    fn take_signals(&mut self) {
        for signal in self.context.take_signals() {
            match signal {
                Signal::Assign(partitions) => self.assign(partitions),
                Signal::Revoke { partitions, lost } => self.revoke(partitions, lost),
                Signal::Error(failure) => {
                    let error = failure.explain(&format!("Kafka at {}", self.bootstrap_servers));
                    self.tell_error(error);
                }
            }
        }
    }

    pub(super) fn tell_error(&mut self, error: KafkaError) {
        let known = self
            .told
            .iter()
            .any(|told| matches!(told, Err(told) if told.message == error.message));
        if !known {
            self.told.push_back(Err(error));
        }
    }

    /// Sorts what was gathered into records to deliver, and things to tell after them.
    fn sort_out(&mut self, messages: Vec<Message>) -> RecordBatch {
        let mut batch = RecordBatch::new(Arc::clone(&self.instance));
        batch.reserve(messages.len());
        let mut run: Vec<Message> = Vec::new();
        for message in messages {
            if !message.is_record() {
                self.deliver(&mut run, &mut batch);
                self.tell(&message);
                continue;
            }
            if run.last().is_some_and(|last| !last.is_beside(&message)) {
                self.deliver(&mut run, &mut batch);
            }
            run.push(message);
        }
        self.deliver(&mut run, &mut batch);
        batch
    }

    /// Delivers records of one partition, if it is one that is read.
    fn deliver(&mut self, run: &mut Vec<Message>, batch: &mut RecordBatch) {
        let Some(first) = run.first() else { return };
        let slot = self
            .assignment
            .slot(first.topic(), first.native().partition);
        let Some(slot) = slot.filter(|slot| slot.reading == Reading::Fetching && !slot.to_seek)
        else {
            run.clear();
            return;
        };
        let mut left_at = None;
        let mut start = LogStart::of(&self.instance, &slot.partition);
        for message in run.drain(..) {
            let offset = message.native().offset;
            if offset != slot.next && jump::leaves_the_log(&mut start, slot.next, offset) {
                left_at = Some(offset);
                break;
            }
            slot.next = offset + 1;
            batch.push(message);
        }
        batch.end_run(&slot.partition.topic);
        if let Some(found) = left_at {
            let partition = slot.partition.clone();
            self.stop_reading(partition, found);
        }
    }

    /// What is next cannot be had: nothing more is delivered until the task has looked and started anew.
    fn stop_reading(&mut self, partition: TopicPartition, found: i64) {
        let Some(slot) = self.assignment.get(&partition) else {
            return;
        };
        slot.reading = Reading::NotStarted;
        let position = slot.next;
        let list = PartitionList::of([&partition]);
        // SAFETY: the client lives; the list is ours.
        unsafe { sys::rd_kafka_pause_partitions(self.instance.as_ptr(), list.as_ptr()) };
        self.told.push_back(Ok(Polled::OutOfRange {
            partition,
            position,
            found,
        }));
    }

    /// Tells what came in a record's place.
    fn tell(&mut self, message: &Message) {
        let native = message.native();
        if native.err == RDKafkaRespErr::RD_KAFKA_RESP_ERR__PARTITION_EOF {
            let slot = self.assignment.slot(message.topic(), native.partition);
            let Some(slot) = slot.filter(|slot| slot.reading == Reading::Fetching && !slot.to_seek)
            else {
                return;
            };
            let (partition, offset) = (slot.partition.clone(), native.offset);
            if offset != slot.next
                && jump::leaves_the_log(
                    &mut LogStart::of(&self.instance, &partition),
                    slot.next,
                    offset,
                )
            {
                self.stop_reading(partition, offset);
                return;
            }
            // Past the markers of transactions, which are never delivered.
            slot.next = offset;
            self.told
                .push_back(Ok(Polled::EndOfPartition { partition, offset }));
            return;
        }
        let failure = message.failure();
        let topic = message.topic();
        if failure.is_unknown_topic() && !topic.is_empty() {
            self.not_found.push(topic.to_owned());
            return;
        }
        let error = if topic.is_empty() {
            failure.explain(&format!("Kafka at {}", self.bootstrap_servers))
        } else {
            failure.explain(&format!("topic {topic} at {}", self.bootstrap_servers))
        };
        self.tell_error(error);
    }

    pub(super) fn pause_all(&mut self) {
        self.pause_those(|_| true);
    }

    pub(super) fn pause(&mut self, partitions: &[TopicPartition]) {
        self.pause_those(|partition| partitions.contains(partition));
    }

    fn pause_those(&mut self, is_meant: impl Fn(&TopicPartition) -> bool) {
        let mut partitions = Vec::new();
        let slots = self.assignment.slots();
        for slot in slots.filter(|slot| slot.reading == Reading::Fetching) {
            if is_meant(&slot.partition) {
                slot.reading = Reading::Paused;
                partitions.push(slot.partition.clone());
            }
        }
        if !partitions.is_empty() {
            let list = PartitionList::of(&partitions);
            // SAFETY: the client lives; the list is ours.
            unsafe { sys::rd_kafka_pause_partitions(self.instance.as_ptr(), list.as_ptr()) };
        }
    }

    pub(super) fn resume(&mut self, partitions: &[TopicPartition]) {
        for partition in partitions {
            if let Some(slot) = self.assignment.get(partition)
                && slot.reading == Reading::Paused
            {
                slot.reading = Reading::Fetching;
                slot.to_seek = true;
            }
        }
        self.seek();
    }

    pub(super) fn start(&mut self, positions: &[(TopicPartition, i64)]) -> Result<(), KafkaError> {
        for (partition, _) in positions {
            if self
                .assignment
                .get(partition)
                .is_none_or(|slot| slot.reading == Reading::Leaving)
            {
                return Err(KafkaError {
                    kind: KafkaErrorKind::Transient,
                    message: format!(
                        "cannot start reading {partition}: the group has not assigned it to this task"
                    ),
                });
            }
        }
        for (partition, offset) in positions {
            self.forget_told(std::slice::from_ref(partition));
            if let Some(slot) = self.assignment.get(partition) {
                slot.next = *offset;
                slot.reading = Reading::Fetching;
                slot.to_seek = true;
            }
        }
        self.seek();
        Ok(())
    }

    /// Tells librdkafka where to read, wherever it does not know yet. What it cannot do now (a partition of
    /// the assignment before this one may still be stopping) is done by the next poll.
    pub(super) fn seek(&mut self) {
        let to_seek: Vec<(TopicPartition, i64)> = self
            .assignment
            .slots()
            .filter(|slot| slot.to_seek && slot.reading == Reading::Fetching)
            .map(|slot| (slot.partition.clone(), slot.next))
            .collect();
        if to_seek.is_empty() {
            return;
        }
        let list = PartitionList::with_offsets(
            to_seek
                .iter()
                .map(|(partition, offset)| (partition, *offset)),
        );
        // SAFETY: the client lives; the list is ours.
        let sought = check_error(unsafe {
            sys::rd_kafka_seek_partitions(self.instance.as_ptr(), list.as_ptr(), SEEK_LIMIT_MS)
        });
        if let Err(failure) = sought {
            tracing::debug!(client = self.context.name(), "seek: {}", failure.text);
        }
        // SAFETY: as above. All that is sought is to be fetched, also what was paused by the application.
        unsafe {
            sys::rd_kafka_resume_partitions(
                self.instance.as_ptr(),
                list_without_errors(&list).as_ptr(),
            )
        };
        for entry in list
            .iter()
            .filter(|entry| entry.error == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR)
        {
            if let Some(slot) = self.assignment.slot(entry.topic, entry.partition) {
                slot.to_seek = false;
            }
        }
    }

    /// Leaves the group, which has its partitions at once.
    pub(super) fn close(&mut self, timeout: Duration) -> Result<(), KafkaError> {
        let until = Instant::now() + timeout;
        // What waits for us is carried out, else librdkafka would wait for it.
        self.take_signals();
        if let Some(giving_back) = &self.giving_back {
            let held = giving_back.held.clone();
            self.release(&held);
        }
        self.context.set_closing();
        let queue = Queue::new(&self.instance);
        // SAFETY: client and queue live.
        check_error(unsafe {
            sys::rd_kafka_consumer_close_queue(self.instance.as_ptr(), queue.as_ptr())
        })
        .map_err(|failure| failure.explain("cannot leave the consumer group"))?;
        // SAFETY: as above.
        while unsafe { sys::rd_kafka_consumer_closed(self.instance.as_ptr()) } == 0 {
            if Instant::now() >= until {
                return Err(KafkaError {
                    kind: KafkaErrorKind::Transient,
                    message: "the group's coordinator did not answer in time: the partitions stay ours until \
                              session.timeout.ms is over"
                        .to_owned(),
                });
            }
            // This calls back for rebalances, which the callback now carries out itself. Records that were on
            // their way come too, which `rd_kafka_queue_poll_callback` would abort the process for.
            let mut unread = Vec::new();
            self.gathered
                .gather(queue.as_ptr(), 50, MOST_RECORDS, &mut unread);
        }
        Ok(())
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.context.set_queue(std::ptr::null_mut());
    }
}

fn list_without_errors(list: &PartitionList) -> PartitionList {
    let good: Vec<TopicPartition> = list
        .iter()
        .filter(|entry| entry.error == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR)
        .map(|entry| entry.topic_partition())
        .collect();
    PartitionList::of(&good)
}
