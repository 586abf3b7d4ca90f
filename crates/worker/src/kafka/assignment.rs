//! Which partitions are ours, and where each of them is read next.
//!
//! librdkafka has a position of its own, taken when a partition is paused; while a cooperative rebalance
//! pauses all partitions it may be older than what has been delivered, and records would come twice. So the
//! position is kept here, and every resumption is a seek to it.

use std::collections::HashMap;
use std::sync::Arc;

use starrocks_kafka_pipeline::kafka::TopicPartition;

/// What a partition does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Assigned; nobody has said from where to read.
    NotStarted,
    /// Records may come.
    Fetching,
    /// To go on at its position.
    Paused,
    /// To be given back: nothing more is delivered.
    Leaving,
}

/// One partition of ours.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) partition: TopicPartition,
    /// The offset of the record that is delivered next.
    pub(super) next: i64,
    pub(super) reading: Reading,
    /// librdkafka has still to be told to read at `next`.
    pub(super) to_seek: bool,
}

/// The partitions of ours.
#[derive(Debug, Default)]
pub(super) struct Assignment {
    /// By topic, then by partition number.
    topics: HashMap<Arc<str>, Vec<Option<Slot>>>,
}

impl Assignment {
    pub(super) fn add(&mut self, partition: TopicPartition) {
        let Ok(index) = usize::try_from(partition.partition) else {
            return;
        };
        let slots = self.topics.entry(Arc::clone(&partition.topic)).or_default();
        if slots.len() <= index {
            slots.resize(index + 1, None);
        }
        slots[index] = Some(Slot {
            partition,
            next: 0,
            reading: Reading::NotStarted,
            to_seek: false,
        });
    }

    pub(super) fn remove(&mut self, partition: &TopicPartition) {
        if let Some(slots) = self.topics.get_mut(&partition.topic)
            && let Ok(index) = usize::try_from(partition.partition)
            && let Some(slot) = slots.get_mut(index)
        {
            *slot = None;
        }
    }

    pub(super) fn slot(&mut self, topic: &str, partition: i32) -> Option<&mut Slot> {
        self.topics
            .get_mut(topic)?
            .get_mut(usize::try_from(partition).ok()?)?
            .as_mut()
    }

    pub(super) fn get(&mut self, partition: &TopicPartition) -> Option<&mut Slot> {
        self.slot(&partition.topic, partition.partition)
    }

    pub(super) fn slots(&mut self) -> impl Iterator<Item = &mut Slot> {
        self.topics.values_mut().flatten().flatten()
    }

    /// All that is ours, sorted.
    pub(super) fn owned(&self) -> Vec<TopicPartition> {
        let mut owned: Vec<_> = self
            .topics
            .values()
            .flatten()
            .flatten()
            .map(|slot| slot.partition.clone())
            .collect();
        owned.sort_unstable();
        owned
    }

    /// After librdkafka has paused and resumed what stays ours over a rebalance.
    pub(super) fn seek_all(&mut self) {
        for slot in self.slots() {
            slot.to_seek |= slot.reading == Reading::Fetching;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_partitions_by_topic_and_number() {
        let mut assignment = Assignment::default();
        for (topic, partition) in [("b", 3), ("a", 1), ("b", 0)] {
            assignment.add(TopicPartition::new(topic, partition));
        }
        assert_eq!(format!("{:?}", assignment.owned()), "[a-1, b-0, b-3]");
        assert!(assignment.slot("b", 1).is_none());
        assert!(assignment.slot("c", 0).is_none());
        assert!(assignment.slot("a", -1).is_none());
        assignment.remove(&TopicPartition::new("b", 3));
        assignment.remove(&TopicPartition::new("b", 9));
        assert_eq!(format!("{:?}", assignment.owned()), "[a-1, b-0]");
        let slot = assignment.slot("b", 0).expect("it was added");
        slot.reading = Reading::Fetching;
        assignment.seek_all();
        assert!(assignment.slot("b", 0).is_some_and(|slot| slot.to_seek));
        assert!(
            assignment.slot("a", 1).is_some_and(|slot| !slot.to_seek),
            "nobody has started it"
        );
    }
}
