//! Dead letters: their topic, and how they are written.

use std::collections::BTreeMap;
use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka_sys as sys;
use rdkafka_sys::RDKafkaRespErr;
use starrocks_kafka_pipeline::dead_letters::{DeadLetter, DeadLetterSettings};
use starrocks_kafka_pipeline::kafka::{KafkaError, KafkaErrorKind};

use super::callbacks::Context;
use super::failure::Failure;
use super::native::{Instance, Queue, c_string, check, millis, text};
use super::offsets::{self, Event};
use crate::oauth::Tokens;

/// How long the broker may take to acknowledge the dead letters of a round. The transaction that they are part of lives for
/// ten seconds, and has to store its offsets, too.
pub(super) const WRITE_LIMIT: Duration = Duration::from_secs(5);
/// How long the broker may take to create a topic.
const CREATE_LIMIT: Duration = Duration::from_secs(15);
/// How long one look at the cluster's topics may take.
const LIST_LIMIT: Duration = Duration::from_secs(5);
/// How long to wait for room in the producer's queue before trying again.
const FOR_ROOM: Duration = Duration::from_millis(100);

/// Writes dead letters and waits until the broker has acknowledged every one of them.
///
/// # Errors
/// The first that was not; any of the others may be written or not.
pub(super) fn write(
    producer: &Instance,
    context: &Context,
    dead_letters: &[DeadLetter],
) -> Result<(), Failure> {
    let until = Instant::now() + WRITE_LIMIT;
    context.take_undelivered();
    for dead_letter in dead_letters {
        while let Err(failure) = enqueue(producer, dead_letter) {
            let is_full = failure.code == RDKafkaRespErr::RD_KAFKA_RESP_ERR__QUEUE_FULL;
            if !is_full || Instant::now() >= until {
                let text = format!("{} (the record {})", failure.text, dead_letter.origin);
                return Err(Failure { text, ..failure });
            }
            flush(producer, FOR_ROOM);
        }
    }
    flush(producer, until.saturating_duration_since(Instant::now()));
    if let Some(failure) = context.take_undelivered() {
        return Err(failure);
    }
    // SAFETY: the client lives.
    match unsafe { sys::rd_kafka_outq_len(producer.as_ptr()) } {
        0 => Ok(()),
        _ => Err(Failure::new(
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__TIMED_OUT,
            format!(
                "the broker did not acknowledge them within {} s",
                WRITE_LIMIT.as_secs()
            ),
        )),
    }
}

/// Sends what is queued and has deliveries told.
fn flush(producer: &Instance, limit: Duration) {
    // SAFETY: the client lives. Whether all were sent is told by the length of its queue.
    unsafe { sys::rd_kafka_flush(producer.as_ptr(), millis(limit)) };
}

/// Puts one dead letter into the producer's queue, which copies it.
fn enqueue(producer: &Instance, dead_letter: &DeadLetter) -> Result<(), Failure> {
    let topic = c_string(&dead_letter.topic);
    let bytes = |bytes: &Option<Vec<u8>>| {
        bytes
            .as_ref()
            .map_or((ptr::null(), 0), |bytes| (bytes.as_ptr(), bytes.len()))
    };
    let (key, key_length) = bytes(&dead_letter.key);
    let (value, value_length) = bytes(&dead_letter.value);
    // 0 is now.
    let timestamp_ms = dead_letter.timestamp_ms.unwrap_or(0);
    use sys::rd_kafka_vtype_t as V;
    // SAFETY: the client lives; each tag is followed by the arguments that it announces. Key and value are copied; the
    // headers are the message's once it was taken, and ours where it was not.
    unsafe {
        let headers = headers(&dead_letter.headers);
        let code = sys::rd_kafka_producev(
            producer.as_ptr(),
            V::RD_KAFKA_VTYPE_TOPIC,
            topic.as_ptr(),
            V::RD_KAFKA_VTYPE_MSGFLAGS,
            sys::RD_KAFKA_MSG_F_COPY as c_int,
            V::RD_KAFKA_VTYPE_KEY,
            key.cast::<c_void>(),
            key_length,
            V::RD_KAFKA_VTYPE_VALUE,
            value.cast::<c_void>(),
            value_length,
            V::RD_KAFKA_VTYPE_TIMESTAMP,
            timestamp_ms,
            V::RD_KAFKA_VTYPE_HEADERS,
            headers,
            V::RD_KAFKA_VTYPE_END,
        );
        check(code).inspect_err(|_| sys::rd_kafka_headers_destroy(headers))
    }
}

/// A copy of headers in librdkafka's memory.
fn headers(headers: &[(String, Option<Vec<u8>>)]) -> *mut sys::rd_kafka_headers_t {
    // SAFETY: the list is new; names and values are copied with the lengths given.
    unsafe {
        let list = sys::rd_kafka_headers_new(headers.len());
        for (name, value) in headers {
            let (value, length) = value
                .as_ref()
                .map_or((ptr::null(), 0), |value| (value.as_ptr(), value.len()));
            sys::rd_kafka_header_add(
                list,
                name.as_ptr().cast(),
                name.len().cast_signed(),
                value.cast(),
                length.cast_signed(),
            );
        }
        list
    }
}

/// Tells why dead letters could not be written, and what to do.
pub(super) fn explain(failure: &Failure, dead_letters: &[DeadLetter]) -> KafkaError {
    use RDKafkaRespErr::*;
    let topic = dead_letters
        .first()
        .map_or("", |dead_letter| &*dead_letter.topic);
    let doing = format!("cannot write to the topic of dead letters {topic}");
    let hint = match failure.code {
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED => "grant WRITE and DESCRIBE on it",
        RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE => {
            "a dead letter is as large as its record and a little more: raise max.message.bytes of this topic (message.max.bytes \
             of the broker)"
        }
        RD_KAFKA_RESP_ERR_INVALID_RECORD => {
            "it takes no record without a key: cleanup.policy=compact is nothing for dead letters"
        }
        _ => return failure.explain(&doing),
    };
    KafkaError {
        kind: KafkaErrorKind::Permanent,
        message: format!("{doing}: {}; {hint}", failure.text),
    }
}

/// Makes sure that the topic of dead letters exists: one partition, as Kafka Connect creates it.
pub(super) fn ensure_topic(
    client: &Instance,
    settings: &DeadLetterSettings,
) -> Result<(), KafkaError> {
    let topic = &*settings.topic;
    let known = offsets::list_topics(client, LIST_LIMIT)?;
    if known.iter().any(|known| known == topic) {
        return Ok(());
    }
    match create(client, settings) {
        Ok(()) => {
            tracing::info!(topic, "created the topic of dead letters");
            Ok(())
        }
        Err(failure) if failure.code == RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS => {
            Ok(())
        }
        Err(failure) => Err(not_created(&failure, topic)),
    }
}

fn not_created(failure: &Failure, topic: &str) -> KafkaError {
    use RDKafkaRespErr::*;
    let doing = format!("Could not initialize dead letter queue with topic={topic}");
    let hint = match failure.code {
        RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR => {
            "set errors.deadletterqueue.topic.replication.factor to at most the number of brokers"
        }
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED
        | RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED => {
            "create it by hand, or grant CREATE on it"
        }
        RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION | RD_KAFKA_RESP_ERR_POLICY_VIOLATION => {
            "choose another errors.deadletterqueue.topic.name, or create it by hand"
        }
        _ => return failure.explain(&doing),
    };
    KafkaError {
        kind: KafkaErrorKind::Permanent,
        message: format!("{doing}: {}; {hint}", failure.text),
    }
}

fn create(client: &Instance, settings: &DeadLetterSettings) -> Result<(), Failure> {
    let name = c_string(&settings.topic);
    let mut complaint: [c_char; 512] = [0; 512];
    let queue = Queue::new(client);
    // SAFETY: client and queue live; the topic is ours, and copied by the call. Null options are the defaults.
    unsafe {
        let mut topic = sys::rd_kafka_NewTopic_new(
            name.as_ptr(),
            1,
            c_int::from(settings.replication_factor),
            complaint.as_mut_ptr(),
            complaint.len(),
        );
        if topic.is_null() {
            let code = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION;
            return Err(Failure::new(code, text(complaint.as_ptr())));
        }
        sys::rd_kafka_CreateTopics(
            client.as_ptr(),
            &raw mut topic,
            1,
            ptr::null(),
            queue.as_ptr(),
        );
        sys::rd_kafka_NewTopic_destroy(topic);
    }
    let Some(event) = Event::wait(&queue, CREATE_LIMIT) else {
        let code = RDKafkaRespErr::RD_KAFKA_RESP_ERR__TIMED_OUT;
        return Err(Failure::new(code, "no answer from a broker".to_owned()));
    };
    event.check()?;
    // SAFETY: the event is ours and owns the result, which has as many topics as it says, one here.
    unsafe {
        let result = sys::rd_kafka_event_CreateTopics_result(event.as_ptr());
        let mut count = 0;
        let topics = sys::rd_kafka_CreateTopics_result_topics(result, &raw mut count);
        if count == 0 {
            return Ok(());
        }
        let topic = *topics;
        check(sys::rd_kafka_topic_result_error(topic)).map_err(|failure| {
            let reason = text(sys::rd_kafka_topic_result_error_string(topic));
            Failure::new(failure.code, reason)
        })
    }
}

/// The producer of dead letters outside of Kafka transactions.
pub(super) struct PlainProducer {
    instance: Instance,
    context: Arc<Context>,
}

impl PlainProducer {
    pub(super) fn new(
        properties: &BTreeMap<String, String>,
        name: &str,
        tokens: Option<Tokens>,
    ) -> Result<Self, KafkaError> {
        let context = Context::new(name, tokens);
        let kind = sys::rd_kafka_type_t::RD_KAFKA_PRODUCER;
        let instance = Instance::new(kind, properties, Arc::clone(&context))?;
        Ok(Self { instance, context })
    }

    /// Lets it tell its errors; librdkafka keeps what nobody asks for.
    pub(super) fn serve(&self) {
        self.context.serve(&self.instance);
    }

    pub(super) fn write(&self, dead_letters: &[DeadLetter]) -> Result<(), KafkaError> {
        write(&self.instance, &self.context, dead_letters)
            .map_err(|failure| explain(&failure, dead_letters))
    }
}
