//! What the broker has of partitions: first and last offsets, and which topics they are.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ptr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka_sys as sys;
use rdkafka_sys::RDKafkaRespErr;
use starrocks_kafka_pipeline::kafka::{
    KafkaError, KafkaErrorKind, LogRange, TopicId, TopicPartition,
};

use super::callbacks::Context;
use super::native::{Instance, PartitionList, Queue, c_string, check, millis, text};
use super::offsets::Event;

/// The times that stand for the beginning and the end of a log in ListOffsets.
const EARLIEST: i64 = -2;
const LATEST: i64 = -1;

/// How long the question for the topics' ids may take: it is answered by any broker, and what it is for can
/// do without.
const IDS_LIMIT: Duration = Duration::from_secs(3);

const ISOLATION_LEVEL: &str = "isolation.level";
const READ_UNCOMMITTED: &str = "read_uncommitted";

/// What the broker has of each partition. `properties` are the member's own.
pub(super) fn ranges(
    member: &Instance,
    properties: &BTreeMap<String, String>,
    name: &str,
    partitions: &[TopicPartition],
    timeout: Duration,
) -> Result<Vec<LogRange>, KafkaError> {
    if partitions.is_empty() {
        return Ok(Vec::new());
    }
    let until = Instant::now() + timeout;
    let firsts = list_offsets(member, partitions, EARLIEST, until)?;
    let latests = list_offsets(member, partitions, LATEST, until)?;
    let reads_all = properties
        .get(ISOLATION_LEVEL)
        .is_some_and(|level| level == READ_UNCOMMITTED);
    let ends = if reads_all {
        latests.clone()
    } else {
        // Such a member is told the last stable offset, which an offset stored under the other level may be
        // behind: the log does not end there.
        let mut properties = properties.clone();
        properties.insert(ISOLATION_LEVEL.to_owned(), READ_UNCOMMITTED.to_owned());
        let kind = sys::rd_kafka_type_t::RD_KAFKA_CONSUMER;
        let reader = Instance::new(kind, &properties, Context::new(name, member.tokens()))?;
        list_offsets(&reader, partitions, LATEST, until)?
    };
    let topics: BTreeSet<_> = partitions.iter().map(|p| Arc::clone(&p.topic)).collect();
    let ids = topic_ids(member, &topics);
    let in_order = partitions
        .iter()
        .zip(firsts.into_iter().zip(latests.into_iter().zip(ends)));
    Ok(in_order
        .map(|(partition, (first, (latest, end)))| LogRange {
            first,
            end,
            latest,
            topic_id: ids.get(&*partition.topic).copied(),
        })
        .collect())
}

/// One offset of each partition, asked for all of a broker's partitions at once.
fn list_offsets(
    client: &Instance,
    partitions: &[TopicPartition],
    time: i64,
    until: Instant,
) -> Result<Vec<i64>, KafkaError> {
    let doing = |partition: &TopicPartition| {
        format!("cannot ask for the first and last offset of {partition}")
    };
    let list = PartitionList::with_offsets(partitions.iter().map(|partition| (partition, time)));
    let left = millis(until.saturating_duration_since(Instant::now()));
    // SAFETY: the client lives; the list is ours and is filled by the call.
    check(unsafe { sys::rd_kafka_offsets_for_times(client.as_ptr(), list.as_ptr(), left) })
        .map_err(|failure| failure.explain(&doing(&partitions[0])))?;
    let mut by_partition = HashMap::new();
    for entry in list.iter() {
        let partition = entry.topic_partition();
        check(entry.error).map_err(|failure| failure.explain(&doing(&partition)))?;
        by_partition.insert(partition, entry.offset);
    }
    let of = |partition: &TopicPartition| {
        let offset = by_partition.get(partition).copied();
        offset
            .filter(|offset| *offset >= 0)
            .ok_or_else(|| KafkaError {
                kind: KafkaErrorKind::Transient,
                message: format!("{}: the broker did not tell", doing(partition)),
            })
    };
    partitions.iter().map(of).collect()
}

/// The topics' ids, as far as they are told.
fn topic_ids(client: &Instance, topics: &BTreeSet<Arc<str>>) -> HashMap<String, TopicId> {
    let names: Vec<_> = topics.iter().map(|topic| c_string(topic)).collect();
    let mut pointers: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
    let queue = Queue::new(client);
    // SAFETY: client and queue live. What is made here is destroyed after its last use; names and options are
    // copied.
    unsafe {
        let collection =
            sys::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len());
        let options = sys::rd_kafka_AdminOptions_new(
            client.as_ptr(),
            sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS,
        );
        sys::rd_kafka_AdminOptions_set_request_timeout(
            options,
            millis(IDS_LIMIT),
            ptr::null_mut(),
            0,
        );
        sys::rd_kafka_DescribeTopics(client.as_ptr(), collection, options, queue.as_ptr());
        sys::rd_kafka_AdminOptions_destroy(options);
        sys::rd_kafka_TopicCollection_destroy(collection);
    }
    // librdkafka answers by itself when the time is over.
    let mut ids = HashMap::new();
    let Some(event) = Event::wait(&queue, 2 * IDS_LIMIT).filter(|event| event.check().is_ok())
    else {
        return ids;
    };
    // SAFETY: the event is ours and owns the result with all that it refers to; there are `count` topics.
    unsafe {
        let result = sys::rd_kafka_event_DescribeTopics_result(event.as_ptr());
        if result.is_null() {
            return ids;
        }
        let mut count = 0;
        let described = sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        for index in 0..count {
            let topic = *described.add(index);
            let error = sys::rd_kafka_error_code(sys::rd_kafka_TopicDescription_error(topic));
            let id = sys::rd_kafka_TopicDescription_topic_id(topic);
            if error != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR || id.is_null() {
                continue;
            }
            let halves = [
                sys::rd_kafka_Uuid_most_significant_bits(id).cast_unsigned(),
                sys::rd_kafka_Uuid_least_significant_bits(id).cast_unsigned(),
            ];
            let id = halves
                .iter()
                .fold(0, |id, half| id << 64 | u128::from(*half));
            // Zero is what brokers give that have no ids.
            if id != 0 {
                let name = text(sys::rd_kafka_TopicDescription_name(topic));
                ids.insert(name, TopicId(id));
            }
        }
    }
    ids
}
