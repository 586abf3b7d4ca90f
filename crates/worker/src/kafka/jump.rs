//! Steps over offsets that the broker no longer has.

use rdkafka_sys as sys;
use starrocks_kafka_pipeline::kafka::{KafkaError, KafkaErrorKind, TopicPartition};

use super::assignment::Slot;
use super::native::{Instance, c_string, check};
use super::settings::OffsetReset;

/// A record that is not the next one, where records are missing for good.
pub(super) struct Jump {
    pub(super) partition: TopicPartition,
    pub(super) error: KafkaError,
}

impl Jump {
    /// Whether the step from where `slot` stands to `found` skips records that the broker no longer has.
    /// Compaction, and the markers of transactions, leave gaps too; those are above the log's start.
    pub(super) fn over(
        instance: &Instance,
        slot: &Slot,
        found: i64,
        reset: OffsetReset,
    ) -> Option<Self> {
        let (partition, expected) = (slot.partition.clone(), slot.next);
        let error = |kind, message| {
            Some(Self {
                partition: partition.clone(),
                error: KafkaError { kind, message },
            })
        };
        if found < expected {
            return error(
                KafkaErrorKind::Permanent,
                format!(
                    "{partition} has gone back to offset {found}, but {expected} is next: the topic was truncated or \
                     created anew; reset the group's offsets (kafka-consumer-groups.sh --reset-offsets) and restart"
                ),
            );
        }
        let first = first_offset(instance, &partition)?;
        if first <= expected {
            return None;
        }
        let lost = format!(
            "the broker no longer has offsets {expected} to {} of {partition}: their records are lost",
            first - 1
        );
        match reset {
            OffsetReset::None => error(
                KafkaErrorKind::Permanent,
                format!(
                    "{lost}; auto.offset.reset is none: reset the group's offsets (kafka-consumer-groups.sh --reset-offsets)"
                ),
            ),
            OffsetReset::Earliest => error(
                KafkaErrorKind::Transient,
                format!("{lost}; going on at {found}"),
            ),
            OffsetReset::Latest => error(
                KafkaErrorKind::Transient,
                format!("{lost}, and all up to {found} are skipped by auto.offset.reset=latest"),
            ),
        }
    }

    pub(super) fn ends_reading(&self) -> bool {
        self.error.kind == KafkaErrorKind::Permanent
    }
}

/// Where the partition's log began at the last fetch; librdkafka remembers it.
fn first_offset(instance: &Instance, partition: &TopicPartition) -> Option<i64> {
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
