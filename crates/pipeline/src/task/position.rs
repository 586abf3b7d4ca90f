//! Where reading begins: from what the group has stored, what the task remembers, and what the broker has.
//!
//! Whatever is lost is said before it is passed over, once, and stands in the status.

use std::collections::BTreeMap;
use std::time::Duration;

use super::recover::STORED_LIMIT;
use super::{Session, Turn, failed};
use crate::kafka::{
    CommittedOffset, Kafka, KafkaError, KafkaErrorKind, LogRange, OffsetReset, TopicPartition,
};
use crate::ledger::Standing;
use crate::reach::{Loss, Reach, Seen, reach};
use crate::recovery::Reading;
use crate::remembered::Compared;
use crate::settings::DeliveryGuarantee;
use crate::status::Counters;

/// How long the question for one partition may take, where it is asked for by itself.
const ONE_LIMIT: Duration = Duration::from_secs(1);

/// What the broker has of each assigned partition, as far as it could be found out.
pub(super) type Ranges = BTreeMap<TopicPartition, LogRange>;

impl<K: Kafka> Session<'_, K> {
    /// A partition cannot be read where it stands: what was read is brought home, then it is looked anew where
    /// to go on.
    pub(super) fn regain(&mut self) -> Turn {
        self.enter("looking for what the broker still has");
        self.finish()?;
        self.recover()
    }

    /// A topic does not exist: yet, or any more.
    pub(super) fn topic_missing(&mut self, topic: &str, message: &str) {
        let now = self.now();
        if self.task.remembered.is_gone(topic) {
            let what = format!(
                "topic {topic} was deleted while this connector was reading it: what it had not loaded is lost, how many \
                 records that are is unknown"
            );
            tracing::error!(topic, "{what}");
            self.task.status.incident(now, what);
        }
        self.task.status.topic_missing(now, topic, message);
    }

    /// What the broker has, for as long as it takes to find out of those that cannot do without: where nothing is
    /// `stored`, and where reading has stopped. Of others it may stay unknown, while their leader is away, say:
    /// they are read from where they stand, and keep nobody else from being read.
    pub(super) fn read_ranges(&mut self, stored: &[CommittedOffset]) -> Turn<Ranges> {
        const WHAT: &str = "look up the first and last offsets";
        let partitions: Vec<_> = stored.iter().map(|one| one.partition.clone()).collect();
        loop {
            let (ranges, message) = match self.kafka.ranges(&partitions, STORED_LIMIT) {
                Ok(ranges) => (partitions.iter().cloned().zip(ranges).collect(), None),
                Err(KafkaError {
                    kind: KafkaErrorKind::Transient,
                    message,
                }) => (self.ranges_one_by_one(&partitions), Some(message)),
                Err(error) => return Err(self.refused(error)),
            };
            let lacks = |one: &&CommittedOffset| {
                let is_needed =
                    one.offset.is_none() || self.out_of_range.contains_key(&one.partition);
                is_needed && !ranges.contains_key(&one.partition)
            };
            let Some(message) =
                message.filter(|_| ranges.is_empty() || stored.iter().any(|one| lacks(&one)))
            else {
                self.task.status.succeeded(self.now(), WHAT);
                return Ok(ranges);
            };
            self.task
                .status
                .try_again(self.now(), WHAT, &message, false);
            self.rest_or_leave(true)?;
        }
    }

    /// What the broker has of those partitions of which it can be found out now.
    fn ranges_one_by_one(&mut self, partitions: &[TopicPartition]) -> Ranges {
        let until = self.now() + STORED_LIMIT;
        let mut ranges = Ranges::new();
        for partition in partitions {
            let left = until.saturating_duration_since(self.now());
            if left.is_zero() {
                break;
            }
            let asked = std::slice::from_ref(partition);
            match self.kafka.ranges(asked, left.min(ONE_LIMIT)) {
                Ok(found) => ranges.extend(found.first().map(|range| (partition.clone(), *range))),
                Err(error) => tracing::warn!(
                    topic = &*partition.topic,
                    partition = partition.partition,
                    "whether {partition} still has what is next could not be found out: {error}"
                ),
            }
        }
        ranges
    }

    /// What to go by where the group and the task's memory differ. The group is obeyed where it says anything.
    pub(super) fn compare(&mut self, stored: Vec<CommittedOffset>, ranges: &Ranges) -> Compared {
        let settings = &self.task.settings;
        let exactly_once = settings.guarantee == DeliveryGuarantee::ExactlyOnce;
        let compared =
            self.task
                .remembered
                .compare(stored, ranges, &settings.connector, exactly_once);
        for (partition, was, is) in &compared.altered {
            tracing::info!(
                topic = &*partition.topic,
                partition = partition.partition,
                "the group's offset of {partition} was set to {is} by somebody else; this connector had brought it to {was}. \
                 Going on at {is}"
            );
        }
        if !compared.vanished.is_empty() {
            let count = compared.vanished.len();
            Counters::add(
                &self.task.status.counters.offsets_vanished,
                count.try_into().unwrap_or(u64::MAX),
            );
            let what = format!(
                "the group has no committed offset any more for {count} of {} partitions, which this connector had \
                 committed: the group or its offsets were deleted, or expired (offsets.retention.minutes). Going on where \
                 this connector remembers to have come, so that nothing is loaded twice: {}. To begin elsewhere, stop it, \
                 set the group's offsets, and start it again",
                ranges.len(),
                places(&compared.vanished)
            );
            tracing::error!("{what}");
            self.task.status.incident(self.now(), what);
        }
        compared
    }

    /// Where partitions begin of which nothing is stored.
    pub(super) fn begin(
        &mut self,
        reading: &Reading,
        ranges: &Ranges,
    ) -> Turn<BTreeMap<TopicPartition, i64>> {
        let reset = self.kafka.offset_reset();
        let mut begins = BTreeMap::new();
        let without = reading.without_offset();
        for partition in &without {
            let at = ranges.get(partition).and_then(|range| reset.offset(range));
            let Some(at) = at else {
                return Err(failed(format!(
                    "no committed offset for {}, and auto.offset.reset is {}: set the group's offsets \
                     (kafka-consumer-groups.sh --reset-offsets), or set consumer.override.auto.offset.reset to earliest or \
                     latest, and start again",
                    names(&without),
                    OffsetReset::None.name()
                )));
            };
            begins.insert(partition.clone(), at);
        }
        let remembered = &self.task.remembered;
        let new: Vec<_> = begins
            .iter()
            .filter(|(partition, _)| remembered.begins(partition))
            .map(|(partition, at)| (partition.clone(), *at))
            .collect();
        if !new.is_empty() {
            tracing::info!(
                "no committed offset for {} of {} partitions: auto.offset.reset={} applies, beginning at {}",
                new.len(),
                ranges.len(),
                reset.name(),
                places(&new)
            );
        }
        Ok(begins)
    }

    /// Moves what the broker cannot give to where it can, and says what is lost.
    pub(super) fn within_reach(
        &mut self,
        standings: Vec<(TopicPartition, Standing)>,
        ranges: &Ranges,
        compared: &Compared,
    ) -> Turn<Vec<(TopicPartition, Standing)>> {
        let reset = self.kafka.offset_reset();
        let mut refused = None;
        let mut false_alarm = None;
        let mut reached = Vec::with_capacity(standings.len());
        for (partition, standing) in standings {
            let Some(range) = ranges.get(&partition) else {
                reached.push((partition, standing));
                continue;
            };
            let cut_at = self.out_of_range.get(&partition).copied();
            let seen = Seen {
                is_same_topic: compared.is_same_topic.get(&partition).copied(),
                cut_at,
            };
            match reach(&partition, &standing, range, seen, reset) {
                Reach::Within => {
                    if cut_at.is_some() {
                        false_alarm = Some((partition.clone(), standing.settled));
                    }
                    reached.push((partition, standing));
                }
                Reach::Moved(moved, loss) => {
                    if self.lost(&loss) {
                        tracing::error!(
                            topic = &*partition.topic,
                            partition = partition.partition,
                            "{loss}"
                        );
                    }
                    reached.push((partition, moved));
                }
                Reach::Refused(loss) => {
                    self.lost(&loss);
                    refused.get_or_insert(loss);
                }
            }
        }
        self.out_of_range.clear();
        if let Some(loss) = refused {
            return Err(failed(loss.to_string()));
        }
        if false_alarm.is_some() && false_alarm == self.false_alarm {
            // The broker refuses what it says it has: not asked as fast as it answers.
            self.rest_or_leave(true)?;
        }
        self.false_alarm = false_alarm;
        Ok(reached)
    }

    /// Counts what is lost, where that was not done before. Returns whether it is to be said.
    fn lost(&mut self, loss: &Loss) -> bool {
        let records = loss.records.unwrap_or(0);
        let remembered = &self.task.remembered;
        let (is_new, uncounted) = remembered.lost(&loss.partition, loss.position, records);
        let counters = &self.task.status.counters;
        Counters::add(&counters.records_lost, uncounted);
        if is_new {
            Counters::add(&counters.losses, 1);
            self.task.status.incident(self.now(), loss.to_string());
        }
        is_new
    }
}

/// Partitions with an offset each, the first of many.
fn places(places: &[(TopicPartition, i64)]) -> String {
    const SHOWN: usize = 20;
    let mut text: Vec<_> = places
        .iter()
        .take(SHOWN)
        .map(|(partition, at)| format!("{partition} at {at}"))
        .collect();
    if places.len() > SHOWN {
        text.push("…".to_owned());
    }
    text.join(", ")
}

/// Partitions as `orders-0, orders-1`, the first of many.
pub(super) fn names(partitions: &[TopicPartition]) -> String {
    const SHOWN: usize = 20;
    let mut text: Vec<_> = partitions
        .iter()
        .take(SHOWN)
        .map(ToString::to_string)
        .collect();
    if partitions.len() > SHOWN {
        text.push("…".to_owned());
    }
    text.join(", ")
}
