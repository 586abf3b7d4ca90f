//! Records as librdkafka delivered them, many at a time.

use std::ffi::CStr;
use std::ptr;
use std::slice;
use std::sync::Arc;

use rdkafka_sys as sys;
use rdkafka_sys::RDKafkaRespErr;
use starrocks_kafka_pipeline::kafka::{Batch, RawHeader, RawHeaders, RawRecord};

use super::failure::Failure;
use super::native::{Instance, bytes, text};

/// A message of librdkafka's, owned: a record, or an error told in a record's place.
pub(super) struct Message(ptr::NonNull<sys::rd_kafka_message_t>);

// SAFETY: a message is memory without ties to a thread; its buffer is counted atomically.
unsafe impl Send for Message {}

impl Message {
    /// Takes over a message.
    ///
    /// # Safety
    /// `message` came from `rd_kafka_consume_batch_queue` and nobody else destroys it; it is dropped before
    /// its consumer.
    pub(super) unsafe fn own(message: *mut sys::rd_kafka_message_t) -> Option<Self> {
        ptr::NonNull::new(message).map(Self)
    }

    pub(super) fn native(&self) -> &sys::rd_kafka_message_t {
        // SAFETY: the message is ours and lives.
        unsafe { self.0.as_ref() }
    }

    pub(super) fn as_ptr(&self) -> *const sys::rd_kafka_message_t {
        self.0.as_ptr()
    }

    pub(super) fn is_record(&self) -> bool {
        self.native().err == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR
    }

    /// Whether both are of the same partition; topics have one object each while messages of theirs live.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        let (this, other) = (self.native(), other.native());
        ptr::eq(this.rkt, other.rkt) && this.partition == other.partition
    }

    /// The topic's name; empty for an error that is not of a topic.
    pub(super) fn topic(&self) -> &str {
        let topic = self.native().rkt;
        if topic.is_null() {
            return "";
        }
        // SAFETY: the topic lives as long as the message.
        unsafe { CStr::from_ptr(sys::rd_kafka_topic_name(topic)) }
            .to_str()
            .unwrap_or_default()
    }

    /// The error told in a record's place.
    pub(super) fn failure(&self) -> Failure {
        // SAFETY: the message is ours and lives.
        Failure::new(
            self.native().err,
            text(unsafe { sys::rd_kafka_message_errstr(self.as_ptr()) }),
        )
    }

    fn timestamp_ms(&self) -> Option<i64> {
        let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is ours and lives.
        let timestamp = unsafe { sys::rd_kafka_message_timestamp(self.as_ptr(), &raw mut kind) };
        (kind != sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE)
            .then_some(timestamp)
    }
}

impl RawHeaders for Message {
    fn list(&self) -> Vec<RawHeader<'_>> {
        let mut headers = ptr::null_mut();
        // SAFETY: the message is ours and lives, and is looked at by one thread at a time; the headers stay its own.
        let parsed = unsafe { sys::rd_kafka_message_headers(self.as_ptr(), &raw mut headers) };
        if parsed != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Vec::new();
        }
        // SAFETY: librdkafka gave us the headers.
        let count = unsafe { sys::rd_kafka_header_cnt(headers) };
        (0..count)
            .map(|index| {
                let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
                // SAFETY: there is a header of this index; name and value live as long as the message. A null value is
                // a null pointer.
                unsafe {
                    sys::rd_kafka_header_get_all(
                        headers,
                        index,
                        &raw mut name,
                        &raw mut value,
                        &raw mut size,
                    );
                    (CStr::from_ptr(name).to_string_lossy(), bytes(value, size))
                }
            })
            .collect()
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Message at offset {}", self.native().offset)
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: the message is ours and this is its last use.
        unsafe { sys::rd_kafka_message_destroy(self.0.as_ptr()) };
    }
}

/// Records that stand beside each other and come from one partition.
struct Run {
    topic: Arc<str>,
    /// The index after the last of them.
    end: usize,
}

/// Records of one poll; their bytes stay librdkafka's.
pub struct RecordBatch {
    // The order matters: messages go before the consumer that they borrow from.
    messages: Vec<Message>,
    runs: Vec<Run>,
    _consumer: Arc<Instance>,
}

impl RecordBatch {
    pub(super) fn new(consumer: Arc<Instance>) -> Self {
        Self {
            messages: Vec::new(),
            runs: Vec::new(),
            _consumer: consumer,
        }
    }

    pub(super) fn reserve(&mut self, more: usize) {
        self.messages.reserve(more);
    }

    /// Adds a record of the partition named by the next [`end_run`](Self::end_run).
    pub(super) fn push(&mut self, record: Message) {
        self.messages.push(record);
    }

    /// Says of which topic the records pushed since the last call are.
    pub(super) fn end_run(&mut self, topic: &Arc<str>) {
        let end = self.messages.len();
        if self.runs.last().map_or(0, |run| run.end) < end {
            self.runs.push(Run {
                topic: Arc::clone(topic),
                end,
            });
        }
    }
}

impl Batch for RecordBatch {
    fn len(&self) -> usize {
        self.messages.len()
    }

    fn get(&self, index: usize) -> RawRecord<'_> {
        let message = &self.messages[index];
        // A batch has a run or two: brokers answer by partition.
        let run = &self.runs[self.runs.partition_point(|run| run.end <= index)];
        let native = message.native();
        // SAFETY: a record has `len` bytes of payload and `key_len` bytes of key, or null pointers; they live
        // as long as the message, which the batch owns.
        let (key, value) = unsafe {
            (
                bytes(native.key, native.key_len),
                bytes(native.payload, native.len),
            )
        };
        RawRecord {
            topic: &run.topic,
            partition: native.partition,
            offset: native.offset,
            timestamp_ms: message.timestamp_ms(),
            key,
            value,
            headers: message,
        }
    }
}

impl std::fmt::Debug for RecordBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RecordBatch of {} records", self.messages.len())
    }
}

/// Room for what one call of librdkafka's returns.
pub(super) struct Gathered {
    room: Vec<*mut sys::rd_kafka_message_t>,
}

// SAFETY: the pointers in it are only used within one call.
unsafe impl Send for Gathered {}

impl Gathered {
    pub(super) fn new(most: usize) -> Self {
        Self {
            room: vec![ptr::null_mut(); most],
        }
    }

    /// Takes up to `most` messages from the consumer's queue, waiting for the first at most `timeout_ms`.
    pub(super) fn gather(
        &mut self,
        queue: *mut sys::rd_kafka_queue_t,
        timeout_ms: i32,
        most: usize,
        into: &mut Vec<Message>,
    ) {
        let most = most.min(self.room.len());
        // SAFETY: the queue lives and there is room for `most` pointers.
        let count = unsafe {
            sys::rd_kafka_consume_batch_queue(queue, timeout_ms, self.room.as_mut_ptr(), most)
        };
        // Minus one is an error of the arguments.
        let count = usize::try_from(count).unwrap_or(0);
        // SAFETY: the first `count` places hold messages that are ours now.
        into.extend(
            unsafe { slice::from_raw_parts(self.room.as_ptr(), count) }
                .iter()
                .filter_map(|message| unsafe { Message::own(*message) }),
        );
    }
}
