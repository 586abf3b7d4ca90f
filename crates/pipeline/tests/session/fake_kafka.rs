//! One member of the stand-in's group, as a session sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use starrocks_kafka_pipeline::dead_letters::{DeadLetter, DeadLetterSettings};
use starrocks_kafka_pipeline::kafka::{
    Batch, CommittedOffset, Decision, Kafka, KafkaError, KafkaErrorKind, LogRange,
    OffsetAndMetadata, OffsetReset, Polled, RawHeader, RawHeaders, RawRecord, TopicPartition,
};
use starrocks_kafka_pipeline::step::{Probe, Step};

use crate::broker::{Broker, GroupEvent, MemberId, Open, Outcome, State, error};
use crate::log::{Slot, poison};

/// `offset.metadata.max.bytes`.
const METADATA_BYTES_MAX: usize = 4096;

/// How long a call for stored offsets waits here until they are stable; shorter than what it is given, so that
/// tests see the error soon.
const STABLE_LIMIT: Duration = Duration::from_millis(50);

/// Where one partition is read.
#[derive(Debug, Default)]
struct Place {
    next: usize,
    is_fetching: bool,
    end_told: bool,
    /// It cannot be read on until it is started anew.
    is_out: bool,
}

/// A scripted stand-in for Kafka, for tests of sessions only: no broker, no network, no client library.
pub(crate) struct FakeKafka {
    broker: Broker,
    id: MemberId,
    probe: Arc<dyn Probe>,
    records_per_poll: usize,
    /// Of the group, as captured at the last event; -1 where there is none.
    generation: i32,
    places: BTreeMap<TopicPartition, Place>,
    leaving: BTreeSet<TopicPartition>,
}

#[derive(Debug)]
struct Fetched {
    partition: TopicPartition,
    offset: i64,
    value: Option<Vec<u8>>,
    header: Header,
}

/// A header without a value, or none.
#[derive(Debug)]
struct Header(Option<String>);

impl RawHeaders for Header {
    fn list(&self) -> Vec<RawHeader<'_>> {
        let name = self.0.iter();
        name.map(|name| (name.as_str().into(), None)).collect()
    }
}

/// Records of one poll.
#[derive(Debug)]
pub(crate) struct Records(Vec<Fetched>);

impl Batch for Records {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, index: usize) -> RawRecord<'_> {
        let fetched = &self.0[index];
        RawRecord {
            topic: &fetched.partition.topic,
            partition: fetched.partition.partition,
            offset: fetched.offset,
            timestamp_ms: Some(0),
            key: None,
            value: fetched.value.as_deref(),
            headers: &fetched.header,
        }
    }
}

impl FakeKafka {
    /// Joins the group.
    pub(crate) fn join(broker: &Broker, probe: Arc<dyn Probe>, records_per_poll: usize) -> Self {
        Self {
            broker: broker.clone(),
            id: broker.join(),
            probe,
            records_per_poll,
            generation: -1,
            places: BTreeMap::new(),
            leaving: BTreeSet::new(),
        }
    }

    fn tell(&mut self, event: GroupEvent, generation: i32) -> Polled<Records> {
        self.generation = generation;
        match event {
            GroupEvent::Assigned(added) => {
                for partition in &added {
                    self.places.insert(partition.clone(), Place::default());
                }
                let owned = self.places.keys().cloned().collect();
                Polled::Assigned {
                    added: added.into_iter().collect(),
                    owned,
                }
            }
            GroupEvent::Revoked(partitions) => {
                self.leaving.extend(partitions.iter().cloned());
                Polled::Revoked {
                    partitions: partitions.into_iter().collect(),
                }
            }
            GroupEvent::Lost(partitions) => {
                self.leaving.extend(partitions.iter().cloned());
                Polled::Lost {
                    partitions: partitions.into_iter().collect(),
                }
            }
        }
    }

    /// What a client that goes on at the first record there is finds out by it.
    fn out_of_range(&mut self, state: &State) -> Option<Polled<Records>> {
        let leaving = &self.leaving;
        let out = self.places.iter_mut().find_map(|(partition, place)| {
            let range = state.range(partition);
            let position = place.next as i64;
            let is_out = position < range.first || position > range.end;
            let is_read = place.is_fetching && !leaving.contains(partition);
            (is_read && is_out).then_some((partition, place, range.first))
        });
        let (partition, place, found) = out?;
        place.is_fetching = false;
        place.is_out = true;
        Some(Polled::OutOfRange {
            partition: partition.clone(),
            position: place.next as i64,
            found,
        })
    }

    fn gather(&mut self, state: &State) -> Option<Records> {
        let mut records = Vec::new();
        for (partition, place) in &mut self.places {
            if !place.is_fetching || self.leaving.contains(partition) {
                continue;
            }
            let log = &state.logs[partition];
            let mut room = self.records_per_poll;
            while let Some(slot) = log.get(place.next).filter(|_| room > 0) {
                let found = match slot {
                    Slot::Value(value) => Some((value.clone(), None)),
                    Slot::Headed(name, value) => Some((Some(value.clone()), Some(name.clone()))),
                    Slot::Broken => Some((Some(b"{broken".to_vec()), None)),
                    Slot::Poison => Some((Some(poison(&partition.topic, place.next)), None)),
                    Slot::Gone => None,
                };
                if let Some((value, header)) = found {
                    records.push(Fetched {
                        partition: partition.clone(),
                        offset: place.next as i64,
                        value,
                        header: Header(header),
                    });
                    room -= 1;
                }
                place.next += 1;
                place.end_told = false;
            }
        }
        (!records.is_empty()).then_some(Records(records))
    }

    fn end(&mut self, state: &State) -> Option<Polled<Records>> {
        let (partition, place) = self.places.iter_mut().find(|(partition, place)| {
            let is_read = place.is_fetching && !self.leaving.contains(partition);
            is_read && !place.end_told && place.next >= state.logs[*partition].len()
        })?;
        place.end_told = true;
        Some(Polled::EndOfPartition {
            partition: partition.clone(),
            offset: place.next as i64,
        })
    }

    fn objection(&self, state: &State, offsets: &[OffsetAndMetadata]) -> Option<KafkaError> {
        let member = state.members.get(&self.id).filter(|member| member.is_live);
        if member.is_none() || self.generation < 0 || self.generation != state.generation {
            let message = "this member is not of the group's generation";
            return Some(error(KafkaErrorKind::Transient, message));
        }
        if offsets
            .iter()
            .any(|offset| offset.metadata.len() > METADATA_BYTES_MAX)
        {
            return Some(error(
                KafkaErrorKind::Permanent,
                "the metadata is too large",
            ));
        }
        None
    }

    /// What a correct session never does, whatever a test has scripted.
    fn check_contract(&self, state: &State, offsets: &[OffsetAndMetadata]) {
        assert!(
            !state.open.contains_key(&self.id),
            "the producer was to be replaced first"
        );
        for offset in offsets {
            let is_ours = self.places.contains_key(&offset.partition);
            assert!(is_ours, "{} is not assigned", offset.partition);
        }
        // What was added by an event that the session has not looked at yet is not recovered.
        let named: BTreeSet<_> = offsets.iter().map(|offset| &offset.partition).collect();
        let unnamed = self
            .places
            .iter()
            .find(|(p, place)| place.next > 0 && !named.contains(p));
        assert!(unnamed.is_none(), "{unnamed:?} is read and not named");
    }
}

impl Drop for FakeKafka {
    fn drop(&mut self) {
        self.broker.leave(self.id);
    }
}

impl Kafka for FakeKafka {
    type Batch = Records;

    fn poll(&mut self, timeout: Duration) -> Result<Polled<Records>, KafkaError> {
        let broker = self.broker.clone();
        let until = tokio::time::Instant::now() + timeout;
        let mut state = broker.lock();
        loop {
            if let Some(kind) = state.script.polls.pop_front() {
                return Err(error(kind, "polling fails"));
            }
            let inbox = state
                .members
                .get_mut(&self.id)
                .and_then(|m| m.inbox.pop_front());
            if let Some((event, generation)) = inbox {
                return Ok(self.tell(event, generation));
            }
            if let Some(out) = self.out_of_range(&state) {
                return Ok(out);
            }
            if let Some(records) = self.gather(&state) {
                return Ok(Polled::Records(records));
            }
            if let Some(end) = self.end(&state) {
                return Ok(end);
            }
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            if left.is_zero() {
                return Ok(Polled::Nothing);
            }
            state = broker.wait(state, left);
        }
    }

    fn pause(&mut self, partitions: &[TopicPartition]) {
        for partition in partitions {
            if let Some(place) = self.places.get_mut(partition) {
                place.is_fetching = false;
            }
        }
    }

    fn pause_all(&mut self) {
        self.places
            .values_mut()
            .for_each(|place| place.is_fetching = false);
    }

    fn resume(&mut self, partitions: &[TopicPartition]) {
        for partition in partitions {
            if let Some(place) = self.places.get_mut(partition) {
                place.is_fetching = !place.is_out;
            }
        }
    }

    fn start(&mut self, positions: &[(TopicPartition, i64)]) -> Result<(), KafkaError> {
        for (partition, next) in positions {
            let Some(place) = self.places.get_mut(partition) else {
                return Err(error(
                    KafkaErrorKind::Permanent,
                    "start of what is not assigned",
                ));
            };
            let next = usize::try_from(*next).expect("offsets are not negative");
            *place = Place {
                next,
                is_fetching: true,
                end_told: false,
                is_out: false,
            };
        }
        Ok(())
    }

    fn release(&mut self, partitions: &[TopicPartition]) {
        for partition in partitions {
            self.places.remove(partition);
            self.leaving.remove(partition);
        }
        self.broker
            .change(|state| state.release(self.id, partitions));
    }

    fn committed(
        &mut self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<CommittedOffset>, KafkaError> {
        let until = tokio::time::Instant::now() + timeout.min(STABLE_LIMIT);
        let mut state = self.broker.lock();
        if let Some(kind) = state.script.committed.pop_front() {
            return Err(error(kind, "the coordinator does not answer"));
        }
        while partitions.iter().any(|partition| state.is_open(partition)) {
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            if left.is_zero() {
                return Err(error(
                    KafkaErrorKind::Transient,
                    "the offsets are not stable",
                ));
            }
            state = self.broker.wait(state, left);
        }
        let of = |partition: &TopicPartition| {
            let stored = state.stored.get(partition);
            CommittedOffset {
                partition: partition.clone(),
                offset: stored.map(|stored| stored.offset),
                metadata: stored
                    .map(|stored| stored.metadata.clone())
                    .unwrap_or_default(),
            }
        };
        Ok(partitions.iter().map(of).collect())
    }

    fn ranges(
        &mut self,
        partitions: &[TopicPartition],
        _timeout: Duration,
    ) -> Result<Vec<LogRange>, KafkaError> {
        let mut state = self.broker.lock();
        if let Some(kind) = state.script.ranges.pop_front() {
            return Err(error(kind, "the first and last offsets are not to be had"));
        }
        if let Some(partition) = &state.script.leaderless
            && partitions.contains(partition)
        {
            return Err(error(
                KafkaErrorKind::Transient,
                "a partition has no leader",
            ));
        }
        Ok(partitions
            .iter()
            .map(|partition| state.range(partition))
            .collect())
    }

    fn offset_reset(&self) -> OffsetReset {
        self.broker.lock().reset
    }

    fn decide(&mut self, offsets: &[OffsetAndMetadata], dead_letters: &[DeadLetter]) -> Decision {
        let is_plan = offsets
            .iter()
            .any(|offset| offset.metadata.contains(r#""plan""#));
        let outcome = {
            let mut state = self.broker.lock();
            self.check_contract(&state, offsets);
            if let Some(objection) = self.objection(&state, offsets) {
                return Decision::Refused(objection);
            }
            let script = &mut state.script;
            let outcomes = if is_plan {
                &mut script.plans
            } else {
                &mut script.claims
            };
            let outcome = outcomes.pop_front();
            let commits = outcome == Some(Outcome::UnclearStored);
            state.open.insert(
                self.id,
                Open {
                    offsets: offsets.to_vec(),
                    dead_letters: dead_letters.to_vec(),
                    commits,
                },
            );
            outcome
        };
        if is_plan {
            self.probe.reached(Step::PlanSent);
        }
        match outcome {
            Some(Outcome::UnclearStored | Outcome::UnclearLost) => {
                Decision::Unclear(error(KafkaErrorKind::Transient, "no answer to the commit"))
            }
            Some(Outcome::Refused(kind)) => {
                self.broker.change(|state| state.end_transaction(self.id));
                Decision::Refused(error(kind, "the transaction was aborted"))
            }
            None => self.broker.change(|state| {
                // A transaction that the broker has ended meanwhile is not committed any more.
                if state.open.remove(&self.id).is_none() {
                    return Decision::Refused(error(KafkaErrorKind::Transient, "timed out"));
                }
                state.put(offsets.to_vec(), dead_letters.to_vec());
                Decision::Committed
            }),
        }
    }

    fn replace_producer(&mut self) -> Result<(), KafkaError> {
        self.broker.change(|state| {
            if state.script.no_producer_for == Some(self.id) {
                return Err(error(KafkaErrorKind::Transient, "no producer to be had"));
            }
            if let Some(kind) = state.script.replacements.pop_front() {
                return Err(error(kind, "no producer to be had"));
            }
            state.end_transaction(self.id);
            Ok(())
        })
    }

    fn commit_plain(&mut self, offsets: &[OffsetAndMetadata]) -> Result<(), KafkaError> {
        self.broker.change(|state| {
            if let Some(kind) = state.script.plain.pop_front() {
                return Err(error(kind, "the offsets were not stored"));
            }
            if let Some(objection) = self.objection(state, offsets) {
                return Err(objection);
            }
            state.put(offsets.to_vec(), Vec::new());
            Ok(())
        })
    }

    fn ensure_topic(&mut self, settings: &DeadLetterSettings) -> Result<(), KafkaError> {
        self.broker.change(|state| {
            if let Some(kind) = state.script.ensures.pop_front() {
                return Err(error(kind, "the topic was not created"));
            }
            state.ensured.push(Arc::clone(&settings.topic));
            Ok(())
        })
    }

    fn write_plain(&mut self, dead_letters: &[DeadLetter]) -> Result<(), KafkaError> {
        self.broker.change(|state| {
            if let Some(kind) = state.script.letters.pop_front() {
                return Err(error(kind, "the dead letters were not written"));
            }
            state.dead_letters.extend(dead_letters.to_vec());
            Ok(())
        })
    }
}
