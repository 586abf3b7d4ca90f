//! Steps to a record that is not the next one.
//!
//! librdkafka goes on by itself where the broker has not what it asks for: at the log's start, for that is
//! what it is told here, whatever `auto.offset.reset` is. What comes then is not delivered; the task looks what
//! the broker has, says what is lost, and starts anew where the property tells.

use std::time::Duration;

use rdkafka_sys as sys;
use starrocks_kafka_pipeline::kafka::TopicPartition;

use super::native::{Instance, c_string, check, millis};

/// How long the broker may take to tell where a log begins, where librdkafka does not know.
const ASK_LIMIT: Duration = Duration::from_secs(2);

/// Where a partition's log begins, looked up when it is first asked for: in a compacted topic nearly every record
/// comes behind a gap.
pub(super) struct LogStart<'i> {
    instance: &'i Instance,
    partition: &'i TopicPartition,
    first: Option<Option<i64>>,
}

impl<'i> LogStart<'i> {
    pub(super) fn of(instance: &'i Instance, partition: &'i TopicPartition) -> Self {
        Self {
            instance,
            partition,
            first: None,
        }
    }

    fn get(&mut self) -> Option<i64> {
        let (instance, partition) = (self.instance, self.partition);
        *self.first.get_or_insert_with(|| {
            known_first_offset(instance, partition)
                .or_else(|| ask_first_offset(instance, partition))
        })
    }
}

/// Whether the step from where a partition stands to `found` may have passed over records that the broker has
/// not. Compaction, the markers of transactions and aborted records leave gaps too; those are above the log's
/// start.
///
/// Where the log's start has passed by both, nobody can tell whether the record came behind a gap of that kind or
/// after a return to an earlier start. It is not delivered either: something may be missing before it.
pub(super) fn leaves_the_log(start: &mut LogStart<'_>, expected: i64, found: i64) -> bool {
    may_be_lost(expected, found, || start.get())
}

fn may_be_lost(expected: i64, found: i64, first: impl FnOnce() -> Option<i64>) -> bool {
    if found < expected {
        return true;
    }
    match first() {
        Some(first) => first > expected,
        // The task asks until it is told.
        None => true,
    }
}

/// Where the partition's log began at the last fetch; librdkafka remembers it until a fetch fails.
fn known_first_offset(instance: &Instance, partition: &TopicPartition) -> Option<i64> {
    let topic = c_string(&partition.topic);
    let (mut low, mut high) = (-1, -1);
    // SAFETY: the client lives; the places are ours.
    let known = check(unsafe {
        sys::rd_kafka_get_watermark_offsets(
            instance.as_ptr(),
            topic.as_ptr(),
            partition.partition,
            &raw mut low,
            &raw mut high,
        )
    });
    (known.is_ok() && low >= 0).then_some(low)
}

fn ask_first_offset(instance: &Instance, partition: &TopicPartition) -> Option<i64> {
    let topic = c_string(&partition.topic);
    let (mut low, mut high) = (-1, -1);
    // SAFETY: the client lives; the places are ours.
    let answered = check(unsafe {
        sys::rd_kafka_query_watermark_offsets(
            instance.as_ptr(),
            topic.as_ptr(),
            partition.partition,
            &raw mut low,
            &raw mut high,
            millis(ASK_LIMIT),
        )
    });
    (answered.is_ok() && low >= 0).then_some(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_below_the_logs_start_may_be_lost() {
        let check = |expected, found, first: Option<i64>, expect| {
            let lost = may_be_lost(expected, found, || first);
            assert_eq!(lost, expect, "{expected} {found} {first:?}");
        };
        // Compacted, or markers.
        check(10, 15, Some(0), false);
        check(10, 15, Some(10), false);
        // Deleted; `found` may come behind markers.
        check(10, 15, Some(15), true);
        check(10, 15, Some(12), true);
        check(10, 11, Some(11), true);
        // Compacted, or deleted before; and deleted since it was fetched.
        check(10, 15, Some(16), true);
        // Nobody knows.
        check(10, 15, None, true);
        // The log ends before, or was cut.
        assert!(may_be_lost(10, 9, || panic!("no need to ask")));
    }
}
