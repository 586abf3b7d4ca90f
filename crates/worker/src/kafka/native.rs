//! librdkafka's objects, owned: each is destroyed once, in an order and on a thread that cannot hang us.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use rdkafka_sys as sys;
use rdkafka_sys::RDKafkaRespErr;
use starrocks_kafka_pipeline::kafka::{KafkaError, KafkaErrorKind, TopicPartition};

use super::callbacks::Context;
use super::failure::Failure;
use crate::oauth::Tokens;

/// How long a destroyed client may hold up the thread that drops it. librdkafka joins its threads, and one
/// of them may wait for a name server.
const DESTROY_LIMIT: Duration = Duration::from_secs(5);

/// Milliseconds for librdkafka, rounded up so that a short wait is not no wait.
pub(super) fn millis(duration: Duration) -> c_int {
    c_int::try_from(duration.as_micros().div_ceil(1000)).unwrap_or(c_int::MAX)
}

/// A text of librdkafka's, copied.
pub(super) fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: librdkafka's texts end with a zero byte and outlive the call that gave them.
    unsafe { CStr::from_ptr(pointer) }
        .to_string_lossy()
        .into_owned()
}

pub(super) fn c_string(text: &str) -> CString {
    // No topic, group or host has a zero byte in its name; what a user writes is cut there.
    CString::new(text.split('\0').next().unwrap_or_default()).unwrap_or_default()
}

pub(super) fn check(code: RDKafkaRespErr) -> Result<(), Failure> {
    if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
        return Ok(());
    }
    // SAFETY: takes any code and gives a static text.
    Err(Failure::new(
        code,
        text(unsafe { sys::rd_kafka_err2str(code) }),
    ))
}

/// Takes over an error object.
pub(super) fn check_error(error: *mut sys::rd_kafka_error_t) -> Result<(), Failure> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: the object is ours and is destroyed after its last use.
    unsafe {
        let mut failure = Failure::new(
            sys::rd_kafka_error_code(error),
            text(sys::rd_kafka_error_string(error)),
        );
        failure.requires_abort = sys::rd_kafka_error_txn_requires_abort(error) != 0;
        sys::rd_kafka_error_destroy(error);
        Err(failure)
    }
}

/// A list of partitions with offsets, metadata and errors.
pub(super) struct PartitionList(NonNull<sys::rd_kafka_topic_partition_list_t>);

// SAFETY: a list is plain memory without ties to a thread.
unsafe impl Send for PartitionList {}

/// One entry of a [`PartitionList`].
pub(super) struct Entry<'l> {
    pub(super) topic: &'l str,
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) metadata: &'l [u8],
    pub(super) error: RDKafkaRespErr,
}

impl Entry<'_> {
    pub(super) fn topic_partition(&self) -> TopicPartition {
        TopicPartition::new(self.topic, self.partition)
    }
}

impl PartitionList {
    pub(super) fn new() -> Self {
        // SAFETY: gives a new list; librdkafka aborts where there is no memory.
        let list = unsafe { sys::rd_kafka_topic_partition_list_new(8) };
        Self(NonNull::new(list).expect("librdkafka aborts rather than return no memory"))
    }

    /// The partitions, without offsets.
    pub(super) fn of<'p>(partitions: impl IntoIterator<Item = &'p TopicPartition>) -> Self {
        let mut list = Self::new();
        for partition in partitions {
            list.add(partition, sys::RD_KAFKA_OFFSET_INVALID.into(), b"");
        }
        list
    }

    /// The partitions, each with its offset.
    pub(super) fn with_offsets<'p>(
        partitions: impl IntoIterator<Item = (&'p TopicPartition, i64)>,
    ) -> Self {
        let mut list = Self::new();
        for (partition, offset) in partitions {
            list.add(partition, offset, b"");
        }
        list
    }

    /// A copy of a list that librdkafka keeps.
    ///
    /// # Safety
    /// `list` is null or a valid list.
    pub(super) unsafe fn copied(list: *const sys::rd_kafka_topic_partition_list_t) -> Self {
        if list.is_null() {
            return Self::new();
        }
        // SAFETY: the caller vouches for `list`.
        let copy = unsafe { sys::rd_kafka_topic_partition_list_copy(list) };
        Self(NonNull::new(copy).expect("librdkafka aborts rather than return no memory"))
    }

    pub(super) fn add(&mut self, partition: &TopicPartition, offset: i64, metadata: &[u8]) {
        let topic = c_string(&partition.topic);
        // SAFETY: the list is ours and the topic's name is copied. The metadata is copied to memory of the
        // allocator that librdkafka frees it with. The entry is not used after the list may have grown.
        unsafe {
            let entry = sys::rd_kafka_topic_partition_list_add(
                self.0.as_ptr(),
                topic.as_ptr(),
                partition.partition,
            );
            (*entry).offset = offset;
            if !metadata.is_empty() {
                let copy = sys::rd_kafka_mem_malloc(ptr::null_mut(), metadata.len());
                ptr::copy_nonoverlapping(metadata.as_ptr(), copy.cast(), metadata.len());
                (*entry).metadata = copy;
                (*entry).metadata_size = metadata.len();
            }
        }
    }

    pub(super) fn set_all_offsets(&mut self, offset: i64) {
        // SAFETY: the list is ours and has `cnt` entries.
        unsafe {
            let list = self.0.as_mut();
            for index in 0..usize::try_from(list.cnt).unwrap_or(0) {
                (*list.elems.add(index)).offset = offset;
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Entry<'_>> {
        // SAFETY: the list is ours and has `cnt` entries, each with a topic and with `metadata_size` bytes of
        // metadata; none of it changes while it is borrowed.
        unsafe {
            let list = self.0.as_ref();
            let count = usize::try_from(list.cnt).unwrap_or(0);
            let entries = if count == 0 {
                &[]
            } else {
                slice::from_raw_parts(list.elems, count)
            };
            entries.iter().map(|entry| Entry {
                topic: CStr::from_ptr(entry.topic).to_str().unwrap_or_default(),
                partition: entry.partition,
                offset: entry.offset,
                metadata: bytes(entry.metadata, entry.metadata_size).unwrap_or_default(),
                error: entry.err,
            })
        }
    }

    pub(super) fn as_ptr(&self) -> *mut sys::rd_kafka_topic_partition_list_t {
        self.0.as_ptr()
    }
}

impl Drop for PartitionList {
    fn drop(&mut self) {
        // SAFETY: the list is ours and this is its last use.
        unsafe { sys::rd_kafka_topic_partition_list_destroy(self.0.as_ptr()) };
    }
}

/// Bytes of librdkafka's, `None` where the pointer is null.
///
/// # Safety
/// `pointer` is null or has `length` bytes that live and do not change for `'m`.
pub(super) unsafe fn bytes<'m>(pointer: *const c_void, length: usize) -> Option<&'m [u8]> {
    // SAFETY: the caller vouches for the memory.
    (!pointer.is_null()).then(|| unsafe { slice::from_raw_parts(pointer.cast(), length) })
}

/// Who we are in the group: its id, our generation, our member id.
pub(super) struct GroupMetadata(NonNull<sys::rd_kafka_consumer_group_metadata_t>);

// SAFETY: the object is plain memory without ties to a thread.
unsafe impl Send for GroupMetadata {}

impl GroupMetadata {
    /// What holds at this moment; `None` where we are no member of the group.
    pub(super) fn capture(consumer: &Instance) -> Option<Self> {
        // SAFETY: the instance is a living consumer; the object given is ours.
        let metadata = Self(NonNull::new(unsafe {
            sys::rd_kafka_consumer_group_metadata(consumer.as_ptr())
        })?);
        // SAFETY: the object is ours and lives.
        let (generation, member) = unsafe {
            (
                sys::rd_kafka_consumer_group_metadata_generation_id(metadata.as_ptr()),
                text(sys::rd_kafka_consumer_group_metadata_member_id(
                    metadata.as_ptr(),
                )),
            )
        };
        // The broker takes a negative generation or no member for "not of a group" and does not fence.
        (generation >= 0 && !member.is_empty()).then_some(metadata)
    }

    pub(super) fn as_ptr(&self) -> *const sys::rd_kafka_consumer_group_metadata_t {
        self.0.as_ptr()
    }
}

impl Drop for GroupMetadata {
    fn drop(&mut self) {
        // SAFETY: the object is ours and this is its last use.
        unsafe { sys::rd_kafka_consumer_group_metadata_destroy(self.0.as_ptr()) };
    }
}

/// A queue of events or records.
pub(super) struct Queue(NonNull<sys::rd_kafka_queue_t>);

// SAFETY: librdkafka's queues may be used from any thread.
unsafe impl Send for Queue {}
// SAFETY: as above, at the same time too.
unsafe impl Sync for Queue {}

impl Queue {
    pub(super) fn new(instance: &Instance) -> Self {
        // SAFETY: the instance lives; librdkafka aborts where there is no memory.
        let queue = unsafe { sys::rd_kafka_queue_new(instance.as_ptr()) };
        Self(NonNull::new(queue).expect("librdkafka aborts rather than return no memory"))
    }

    pub(super) fn of_consumer(instance: &Instance) -> Option<Self> {
        // SAFETY: the instance lives.
        NonNull::new(unsafe { sys::rd_kafka_queue_get_consumer(instance.as_ptr()) }).map(Self)
    }

    pub(super) fn as_ptr(&self) -> *mut sys::rd_kafka_queue_t {
        self.0.as_ptr()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: the reference is ours and this is its last use.
        unsafe { sys::rd_kafka_queue_destroy(self.0.as_ptr()) };
    }
}

/// A client: a consumer or a producer, with its threads and connections.
///
/// Records borrow from it: what holds records holds the `Arc` that it lives in.
pub(super) struct Instance {
    native: NonNull<sys::rd_kafka_t>,
    context: Arc<Context>,
}

// SAFETY: librdkafka's clients may be used from any thread.
unsafe impl Send for Instance {}
// SAFETY: as above, at the same time too.
unsafe impl Sync for Instance {}

impl Instance {
    pub(super) fn new(
        kind: sys::rd_kafka_type_t,
        properties: &BTreeMap<String, String>,
        context: Arc<Context>,
    ) -> Result<Self, KafkaError> {
        let refused = |message: String| KafkaError {
            kind: KafkaErrorKind::Permanent,
            message,
        };
        let mut complaint: [c_char; 512] = [0; 512];
        // SAFETY: the configuration is ours until `rd_kafka_new` has taken it. The callbacks get the context,
        // which `Drop` keeps alive until the client is gone.
        unsafe {
            let conf = sys::rd_kafka_conf_new();
            for (property, value) in properties {
                let (name, value) = (c_string(property), c_string(value));
                let result = sys::rd_kafka_conf_set(
                    conf,
                    name.as_ptr(),
                    value.as_ptr(),
                    complaint.as_mut_ptr(),
                    complaint.len(),
                );
                if result != sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK {
                    sys::rd_kafka_conf_destroy(conf);
                    return Err(refused(format!(
                        "Kafka client property {property}: {}",
                        text(complaint.as_ptr())
                    )));
                }
            }
            context.install(conf, kind);
            let native = sys::rd_kafka_new(kind, conf, complaint.as_mut_ptr(), complaint.len());
            match NonNull::new(native) {
                Some(native) => {
                    let instance = Self { native, context };
                    if instance.context.tokens.is_some() {
                        // Tokens are asked for on librdkafka's own background thread, so that neither a
                        // client that is not polled waits for one, nor one that is polled.
                        check_error(sys::rd_kafka_sasl_background_callbacks_enable(
                            instance.as_ptr(),
                        ))
                        .map_err(|failure| failure.explain("Kafka client"))?;
                    }
                    Ok(instance)
                }
                None => {
                    sys::rd_kafka_conf_destroy(conf);
                    Err(refused(format!(
                        "Kafka client: {}",
                        text(complaint.as_ptr())
                    )))
                }
            }
        }
    }

    pub(super) fn as_ptr(&self) -> *mut sys::rd_kafka_t {
        self.native.as_ptr()
    }

    /// Where its tokens come from, for a client that is made beside it.
    pub(super) fn tokens(&self) -> Option<Tokens> {
        self.context.tokens.clone()
    }

    /// The error after which librdkafka refuses all work, if there was one.
    pub(super) fn fatal(&self) -> Option<Failure> {
        let mut reason: [c_char; 512] = [0; 512];
        // SAFETY: the client lives and the buffer has the length named.
        let code =
            unsafe { sys::rd_kafka_fatal_error(self.as_ptr(), reason.as_mut_ptr(), reason.len()) };
        let known = code != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR;
        known.then(|| Failure::new(code, text(reason.as_ptr())))
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let last = LastReference {
            native: self.native,
            context: Arc::clone(&self.context),
        };
        let (done, destroyed) = sync_channel(1);
        let destroyer = thread::Builder::new()
            .name("kafka-destroy".to_owned())
            .spawn(move || {
                last.destroy();
                let _ = done.send(());
            });
        if destroyer.is_ok() && destroyed.recv_timeout(DESTROY_LIMIT).is_err() {
            tracing::debug!(target: "librdkafka", client = self.context.name(), "still closing connections");
        }
    }
}

/// A client on its way to the thread that destroys it.
struct LastReference {
    native: NonNull<sys::rd_kafka_t>,
    context: Arc<Context>,
}

// SAFETY: librdkafka's clients may be destroyed from any thread that is not their own.
unsafe impl Send for LastReference {}

impl LastReference {
    fn destroy(self) {
        // Without NO_CONSUMER_CLOSE the call would leave the group and wait for rebalance callbacks to be
        // answered, for ever if need be. Who wants to leave the group calls `close` before.
        // SAFETY: the last use of the client; no record, list or queue of it is left.
        unsafe {
            sys::rd_kafka_destroy_flags(
                self.native.as_ptr(),
                sys::RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE,
            )
        };
        // Only now is nobody left to call back.
        drop(self.context);
    }
}
