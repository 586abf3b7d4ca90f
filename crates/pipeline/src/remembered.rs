//! What a connector's tasks remember of their group's offsets, beside the group: what was stored, and what was
//! said of it.
//!
//! A group's offsets can vanish while its members are away: they expire, or somebody deletes them or their
//! topic. What the tasks have stored themselves tells then where they stood. It lives as long as the connector
//! runs in this process, so that whoever stops it, changes its group's offsets and starts it again is obeyed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::kafka::{CommittedOffset, LogRange, OffsetAndMetadata, TopicId, TopicPartition};
use crate::metadata::{Found, Metadata};

#[derive(Clone, Debug)]
struct Entry {
    offset: i64,
    metadata: Vec<u8>,
    topic_id: Option<TopicId>,
}

impl Entry {
    fn is(&self, stored: &CommittedOffset) -> bool {
        stored.offset == Some(self.offset) && stored.metadata == self.metadata
    }
}

/// What the tasks of one connector remember. Clones remember the same.
#[derive(Clone, Debug, Default)]
pub struct Remembered(Arc<Mutex<Memory>>);

#[derive(Debug, Default)]
struct Memory {
    offsets: BTreeMap<TopicPartition, Entry>,
    /// Of which topic what is stored from now on is.
    topics: BTreeMap<TopicPartition, Option<TopicId>>,
    /// Of which losses the user was told: where the partition stood, and how many records were counted.
    lost: BTreeMap<TopicPartition, (i64, u64)>,
    /// Of which partitions without a stored offset the user was told.
    without: BTreeSet<TopicPartition>,
    /// Of which topics the user was told that they were deleted.
    gone: BTreeSet<Arc<str>>,
}

/// What the group has stored, seen beside what is remembered.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// What to go by.
    pub offsets: Vec<CommittedOffset>,
    /// Whether the topic is the one that the offset to go by is of, where that can be told.
    pub is_same_topic: BTreeMap<TopicPartition, bool>,
    /// The group has no offset any more; what is remembered is gone by.
    pub vanished: Vec<(TopicPartition, i64)>,
    /// Somebody else has set the offset: the partition, what is remembered, what is stored.
    pub altered: Vec<(TopicPartition, i64, i64)>,
}

impl Remembered {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Each change is one insertion or removal: a panic leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Kafka has stored these.
    pub fn stored(&self, offsets: &[OffsetAndMetadata]) {
        let mut memory = self.memory();
        for stored in offsets {
            let partition = &stored.partition;
            let entry = Entry {
                offset: stored.offset,
                metadata: stored.metadata.clone().into_bytes(),
                topic_id: memory.topics.get(partition).copied().flatten(),
            };
            memory.offsets.insert(partition.clone(), entry);
            // What happens from now on is something new.
            memory.without.remove(partition);
            memory.lost.remove(partition);
            memory.gone.remove(&partition.topic);
        }
    }

    /// Sees what the group has stored beside what is remembered, and remembers what to go by, of the topics
    /// that are there now.
    ///
    /// Offsets whose metadata is not `connector`'s were set by somebody else, where metadata is written; where
    /// it is not (`has_metadata` is false), only going back tells.
    pub fn compare(
        &self,
        stored: Vec<CommittedOffset>,
        ranges: &BTreeMap<TopicPartition, LogRange>,
        connector: &str,
        has_metadata: bool,
    ) -> Compared {
        let mut memory = self.memory();
        let mut compared = Compared::default();
        for mut stored in stored {
            let partition = stored.partition.clone();
            let topic_id = ranges.get(&partition).and_then(|range| range.topic_id);
            if let Some(entry) = memory.offsets.get(&partition) {
                let is_same_topic = entry.topic_id.zip(topic_id).map(|(was, is)| was == is);
                match stored.offset {
                    None => {
                        stored.offset = Some(entry.offset);
                        stored.metadata.clone_from(&entry.metadata);
                        // Of a topic that was created anew it is said that it was.
                        if is_same_topic != Some(false) {
                            let position = position(entry, connector);
                            compared.vanished.push((partition.clone(), position));
                        }
                    }
                    Some(offset) if !entry.is(&stored) => {
                        let is_ours = matches!(
                            Metadata::decode(&stored.metadata, connector),
                            Found::Ours(_)
                        );
                        let is_altered = if has_metadata {
                            !is_ours && offset != entry.offset
                        } else {
                            offset < entry.offset
                        };
                        if is_altered {
                            let was = position(entry, connector);
                            compared.altered.push((partition.clone(), was, offset));
                        }
                    }
                    Some(_) => {}
                }
                // An offset that others have stored since is of the topic that is there now.
                if let Some(is_same) = is_same_topic.filter(|_| entry.is(&stored)) {
                    compared.is_same_topic.insert(partition.clone(), is_same);
                }
            }
            // What is remembered stays of its topic until something is stored for the one that is there now.
            let is_known = |entry: &Entry| entry.is(&stored);
            if let Some(offset) = stored.offset
                && !memory.offsets.get(&partition).is_some_and(is_known)
            {
                let entry = Entry {
                    offset,
                    metadata: stored.metadata.clone(),
                    topic_id,
                };
                memory.offsets.insert(partition.clone(), entry);
            }
            memory.topics.insert(partition, topic_id);
            compared.offsets.push(stored);
        }
        compared
    }

    /// Whether the user was not told yet that these begin by `auto.offset.reset`.
    pub fn begins(&self, partition: &TopicPartition) -> bool {
        self.memory().without.insert(partition.clone())
    }

    /// A topic does not exist. Returns whether something was stored for it and the user was not told yet that it
    /// is gone.
    #[must_use]
    pub fn is_gone(&self, topic: &str) -> bool {
        let mut memory = self.memory();
        let mut partitions = memory.offsets.keys();
        let known = partitions.find(|partition| &*partition.topic == topic);
        let Some(topic) = known.map(|partition| Arc::clone(&partition.topic)) else {
            return false;
        };
        memory.gone.insert(topic)
    }

    /// A partition that stood at `position` has lost `records`. Returns whether the user was not told yet, and
    /// how many were not counted yet: a recovery may be repeated.
    pub fn lost(&self, partition: &TopicPartition, position: i64, records: u64) -> (bool, u64) {
        match self
            .memory()
            .lost
            .insert(partition.clone(), (position, records))
        {
            Some((before, counted)) if before == position => {
                (false, records.saturating_sub(counted))
            }
            _ => (true, records),
        }
    }
}

/// Where what is remembered brings a partition: behind its plan.
fn position(entry: &Entry, connector: &str) -> i64 {
    match Metadata::decode(&entry.metadata, connector) {
        Found::Ours(Metadata::Plan(plan)) => plan.end,
        _ => entry.offset,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{Attempt, Claim, Epoch, Plan};

    const ATTEMPT: Attempt = Attempt {
        epoch: Epoch(7),
        round: 3,
    };

    fn orders() -> TopicPartition {
        TopicPartition::new("orders", 0)
    }

    fn claim() -> String {
        let claim = Claim {
            attempt: ATTEMPT,
            database: "d".into(),
            owed: None,
            left_open: Vec::new(),
            announced: None,
        };
        Metadata::Claim(claim).encode("c")
    }

    fn plan(end: i64) -> String {
        let plan = Plan {
            attempt: ATTEMPT,
            database: "d".into(),
            end,
            tables: vec!["orders".into()],
            prepared_at_ms: 1,
            announced: None,
        };
        Metadata::Plan(plan).encode("c")
    }

    fn ranges(topic_id: Option<u128>) -> BTreeMap<TopicPartition, LogRange> {
        let range = LogRange {
            first: 0,
            end: 100,
            latest: 100,
            topic_id: topic_id.map(TopicId),
        };
        [(orders(), range)].into()
    }

    fn offset(offset: i64, metadata: &str) -> OffsetAndMetadata {
        OffsetAndMetadata {
            partition: orders(),
            offset,
            metadata: metadata.to_owned(),
        }
    }

    fn committed(offset: Option<i64>, metadata: &str) -> Vec<CommittedOffset> {
        vec![CommittedOffset {
            partition: orders(),
            offset,
            metadata: metadata.as_bytes().to_vec(),
        }]
    }

    /// A task that found nothing at its first recovery, in topic 1, and has stored this since.
    fn task(stored: &[OffsetAndMetadata]) -> Remembered {
        let remembered = Remembered::default();
        let first = remembered.compare(committed(None, ""), &ranges(Some(1)), "c", true);
        assert_eq!((first.vanished, first.altered), (vec![], vec![]));
        remembered.stored(stored);
        remembered
    }

    #[test]
    fn what_has_vanished_is_remembered_with_its_plan() {
        let check = |metadata: &str, position| {
            let task = task(&[offset(10, metadata)]);
            for _ in 0..2 {
                let compared = task.compare(committed(None, ""), &ranges(Some(1)), "c", true);
                assert_eq!(compared.offsets, committed(Some(10), metadata));
                assert_eq!(compared.vanished, [(orders(), position)]);
                assert_eq!(compared.is_same_topic, [(orders(), true)].into());
            }
        };
        check(&claim(), 10);
        check(&plan(20), 20);
        check("", 10);
        let new = Remembered::default();
        let compared = new.compare(committed(None, ""), &ranges(Some(1)), "c", true);
        assert_eq!(compared.offsets, committed(None, ""));
        assert_eq!(compared.vanished, []);
    }

    #[test]
    fn of_another_topic_it_is_known_that_it_is_another() {
        let task = task(&[offset(10, &claim())]);
        // Also where the recovery is repeated.
        for stored in [None, Some(10), None] {
            let metadata = if stored.is_some() {
                claim()
            } else {
                String::new()
            };
            let compared = task.compare(committed(stored, &metadata), &ranges(Some(2)), "c", true);
            assert_eq!(compared.vanished, []);
            assert_eq!(compared.is_same_topic, [(orders(), false)].into());
        }
        task.stored(&[offset(0, &claim())]);
        let compared = task.compare(committed(Some(0), &claim()), &ranges(Some(2)), "c", true);
        assert_eq!(compared.is_same_topic, [(orders(), true)].into());
        let compared = task.compare(committed(None, ""), &ranges(None), "c", true);
        assert_eq!(compared.is_same_topic, [].into());
        assert_eq!(compared.vanished, [(orders(), 0)]);
    }

    #[test]
    fn somebody_elses_offset_is_told_from_another_members() {
        let check = |has_metadata, stored, metadata: &str, is_altered: bool| {
            let task = task(&[offset(10, &plan(20))]);
            let compared = task.compare(
                committed(Some(stored), metadata),
                &ranges(Some(1)),
                "c",
                has_metadata,
            );
            let expect = if is_altered {
                vec![(orders(), 20, stored)]
            } else {
                vec![]
            };
            assert_eq!(compared.altered, expect, "{stored} {metadata}");
            assert_eq!(compared.offsets, committed(Some(stored), metadata));
            assert_eq!(compared.vanished, []);
        };
        check(true, 10, &plan(20), false);
        check(true, 20, &claim(), false);
        check(true, 5, &claim(), false);
        check(true, 5, "", true);
        check(true, 50, "", true);
        check(true, 10, "", false);
        check(false, 5, "", true);
        check(false, 50, "", false);
    }

    #[test]
    fn a_topic_that_goes_is_told_once_where_it_was_read() {
        let task = task(&[offset(10, &claim())]);
        assert!(!task.is_gone("customers"));
        assert!(task.is_gone("orders") && !task.is_gone("orders"));
        task.stored(&[offset(0, &claim())]);
        assert!(task.is_gone("orders"));
    }

    #[test]
    fn what_was_said_is_not_said_again_until_something_is_stored() {
        let task = task(&[offset(10, &claim())]);
        assert!(task.begins(&orders()) && !task.begins(&orders()));
        assert_eq!(task.lost(&orders(), 10, 5), (true, 5));
        assert_eq!(task.lost(&orders(), 10, 5), (false, 0));
        assert_eq!(task.lost(&orders(), 10, 8), (false, 3));
        assert_eq!(task.lost(&orders(), 20, 8), (true, 8));
        task.stored(&[offset(28, &claim())]);
        assert!(task.begins(&orders()));
        assert_eq!(task.lost(&orders(), 20, 8), (true, 8));
    }
}
