//! The shared half of the stand-in for Kafka: logs, stored offsets, and a group coordinator.
//!
//! It keeps the promises that delivery rests on and nothing else: offsets of one transaction are stored all or
//! none, a reader of stable offsets waits while a transaction is open, a member of an old generation is
//! refused, and the group waits for what it revokes. What goes wrong is scripted by the test.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use starrocks_kafka_pipeline::dead_letters::DeadLetter;
use starrocks_kafka_pipeline::kafka::{
    KafkaError, KafkaErrorKind, LogRange, OffsetAndMetadata, OffsetReset, TopicId, TopicPartition,
};

pub(crate) use crate::log::{Slot, Stored, row};

/// Who is in the group; a session that joins anew is another member.
pub(crate) type MemberId = u32;

/// How partitions change hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Everybody gives everything back first.
    Eager,
    /// Only what moves is given back.
    Cooperative,
}

/// What becomes of a Kafka transaction that a test has chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Aborted, and said so.
    Refused(KafkaErrorKind),
    /// The broker has decided to commit, and its answer was lost.
    UnclearStored,
    /// The request to commit never came to the broker.
    UnclearLost,
}

/// What a rebalance tells a member.
#[derive(Clone, Debug)]
pub(crate) enum GroupEvent {
    Assigned(BTreeSet<TopicPartition>),
    Revoked(BTreeSet<TopicPartition>),
    Lost(BTreeSet<TopicPartition>),
}

#[derive(Debug, Default)]
pub(crate) struct Member {
    /// The group knows it, and its generation is the group's once it has looked at its events.
    pub(crate) is_live: bool,
    pub(crate) owned: BTreeSet<TopicPartition>,
    pub(crate) inbox: VecDeque<(GroupEvent, i32)>,
    /// The group waits until it has released these.
    pub(crate) giving_back: BTreeSet<TopicPartition>,
}

/// A Kafka transaction that has not ended.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) offsets: Vec<OffsetAndMetadata>,
    pub(crate) dead_letters: Vec<DeadLetter>,
    /// The broker has decided to commit it.
    pub(crate) commits: bool,
}

/// Failures to come, by call.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) plans: VecDeque<Outcome>,
    pub(crate) claims: VecDeque<Outcome>,
    pub(crate) committed: VecDeque<KafkaErrorKind>,
    pub(crate) ranges: VecDeque<KafkaErrorKind>,
    /// Of this partition nobody knows what the broker has.
    pub(crate) leaderless: Option<TopicPartition>,
    pub(crate) replacements: VecDeque<KafkaErrorKind>,
    /// This member cannot have a new producer.
    pub(crate) no_producer_for: Option<MemberId>,
    pub(crate) plain: VecDeque<KafkaErrorKind>,
    /// Dead letters outside of transactions.
    pub(crate) letters: VecDeque<KafkaErrorKind>,
    /// Looking for the topic of dead letters.
    pub(crate) ensures: VecDeque<KafkaErrorKind>,
    pub(crate) polls: VecDeque<KafkaErrorKind>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) logs: BTreeMap<TopicPartition, Vec<Slot>>,
    /// Below this the log was deleted.
    pub(crate) firsts: BTreeMap<TopicPartition, i64>,
    /// How often each topic was created.
    pub(crate) topics: BTreeMap<Arc<str>, u128>,
    /// `auto.offset.reset`.
    pub(crate) reset: OffsetReset,
    pub(crate) stored: BTreeMap<TopicPartition, Stored>,
    pub(crate) members: BTreeMap<MemberId, Member>,
    pub(crate) generation: i32,
    pub(crate) open: BTreeMap<MemberId, Open>,
    pub(crate) script: Script,
    /// Every set of offsets that was stored, in order.
    pub(crate) journal: Vec<Vec<OffsetAndMetadata>>,
    /// What readers of the topic of dead letters see with `read_committed`.
    pub(crate) dead_letters: Vec<DeadLetter>,
    /// Topics of dead letters that were asked for.
    pub(crate) ensured: Vec<Arc<str>>,
    pub(crate) releases: u64,
    protocol: Protocol,
    next_member: MemberId,
    wants_rebalance: bool,
    is_revoking: bool,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// One stand-in for a Kafka cluster with one consumer group.
#[derive(Clone, Debug)]
pub(crate) struct Broker(Arc<Shared>);

impl Broker {
    pub(crate) fn new(protocol: Protocol) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::new(State {
                logs: BTreeMap::new(),
                firsts: BTreeMap::new(),
                topics: BTreeMap::new(),
                reset: OffsetReset::Earliest,
                stored: BTreeMap::new(),
                members: BTreeMap::new(),
                generation: 0,
                open: BTreeMap::new(),
                script: Script::default(),
                journal: Vec::new(),
                dead_letters: Vec::new(),
                ensured: Vec::new(),
                releases: 0,
                protocol,
                next_member: 0,
                wants_rebalance: false,
                is_revoking: false,
            }),
            changed: Condvar::new(),
        }))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // A crash that a test has asked for may come anywhere.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for any change, a while.
    pub(crate) fn wait<'b>(
        &self,
        state: MutexGuard<'b, State>,
        time: Duration,
    ) -> MutexGuard<'b, State> {
        let waited = self.0.changed.wait_timeout(state, time);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    pub(crate) fn notify(&self) {
        self.0.changed.notify_all();
    }

    /// Changes something and tells everybody who waits.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.lock());
        self.notify();
        result
    }

    /// A partition without records.
    pub(crate) fn create(&self, topic: &str, partition: i32) {
        self.change(|state| {
            let partition = TopicPartition::new(topic, partition);
            state.logs.entry(partition).or_default();
            state.rebalance();
        });
    }

    /// Appends records that say of themselves where they stand; a test reads them back from the table.
    pub(crate) fn produce(&self, topic: &str, partition: i32, records: usize) {
        for _ in 0..records {
            self.append(topic, partition, |offset| {
                Slot::Value(Some(row(topic, partition, offset)))
            });
        }
    }

    /// The same, for a chain that routes them to `table`.
    pub(crate) fn produce_to(&self, table: &str, topic: &str, partition: i32, records: usize) {
        for _ in 0..records {
            self.append(topic, partition, |offset| {
                Slot::Headed(table.to_owned(), row(topic, partition, offset))
            });
        }
    }

    /// Appends whatever stands at the next offset.
    pub(crate) fn append(&self, topic: &str, partition: i32, slot: impl FnOnce(usize) -> Slot) {
        self.change(|state| {
            let partition = TopicPartition::new(topic, partition);
            let log = state
                .logs
                .get_mut(&partition)
                .expect("the test has created it");
            log.push(slot(log.len()));
        });
    }

    /// Deletes the records of a partition below `first`, as retention does.
    pub(crate) fn delete_before(&self, topic: &str, partition: i32, first: i64) {
        self.change(|state| {
            let partition = TopicPartition::new(topic, partition);
            let log = state.logs.get_mut(&partition).expect("the topic");
            for slot in log.iter_mut().take(usize::try_from(first).unwrap_or(0)) {
                *slot = Slot::Gone;
            }
            state.firsts.insert(partition, first);
        });
    }

    /// Another topic of this name, empty, takes the place of the one there was; the group keeps its offsets.
    pub(crate) fn create_anew(&self, topic: &str) {
        self.change(|state| {
            for (partition, log) in &mut state.logs {
                if *partition.topic == *topic {
                    log.clear();
                    state.firsts.remove(partition);
                }
            }
            *state.topics.entry(topic.into()).or_default() += 1;
        });
    }

    pub(crate) fn join(&self) -> MemberId {
        self.change(|state| {
            let member = state.next_member;
            state.next_member += 1;
            state.members.insert(
                member,
                Member {
                    is_live: true,
                    ..Member::default()
                },
            );
            state.rebalance();
            member
        })
    }

    /// The member is gone, by its own will or by a crash; what it has left open stays open.
    pub(crate) fn leave(&self, member: MemberId) {
        self.change(|state| {
            state.members.remove(&member);
            state.rebalance();
        });
    }

    /// The group does not wait for this member any more, and it does not know yet.
    pub(crate) fn expel(&self, member: MemberId) {
        self.change(|state| {
            let Some(zombie) = state.members.get_mut(&member) else {
                return;
            };
            let is_told = |event: &(GroupEvent, i32)| matches!(event.0, GroupEvent::Revoked(_));
            if !zombie.giving_back.is_empty() && !zombie.inbox.iter().any(is_told) {
                // The client library hears of it when it releases what it was told to give back, and joins anew
                // without a word.
                return;
            }
            zombie.is_live = false;
            zombie.giving_back.clear();
            zombie.inbox.clear();
            let lost = std::mem::take(&mut zombie.owned);
            zombie.inbox.push_back((GroupEvent::Lost(lost), -1));
            state.rebalance();
        });
    }

    /// Any of the members that are in the group.
    pub(crate) fn expel_any(&self, which: u64) {
        let live: Vec<_> = {
            let state = self.lock();
            state
                .members
                .iter()
                .filter(|(_, m)| m.is_live)
                .map(|(id, _)| *id)
                .collect()
        };
        if let Some(member) = live.get((which % live.len().max(1) as u64) as usize) {
            self.expel(*member);
        }
    }

    /// What a broker does with open transactions after `transaction.timeout.ms`.
    pub(crate) fn end_transactions(&self) {
        self.change(|state| {
            let members: Vec<_> = state.open.keys().copied().collect();
            members
                .into_iter()
                .for_each(|member| state.end_transaction(member));
        });
    }

    pub(crate) fn script(&self, script: impl FnOnce(&mut Script)) {
        self.change(|state| script(&mut state.script));
    }

    pub(crate) fn stored(&self, topic: &str, partition: i32) -> Option<Stored> {
        self.lock()
            .stored
            .get(&TopicPartition::new(topic, partition))
            .cloned()
    }

    pub(crate) fn store(&self, topic: &str, partition: i32, offset: i64, metadata: &[u8]) {
        let stored = Stored {
            offset,
            metadata: metadata.to_vec(),
        };
        self.change(|state| {
            state
                .stored
                .insert(TopicPartition::new(topic, partition), stored)
        });
    }

    /// The newest member of the group.
    pub(crate) fn newest(&self) -> MemberId {
        *self
            .lock()
            .members
            .keys()
            .last()
            .expect("somebody has joined")
    }
}

impl State {
    pub(crate) fn range(&self, partition: &TopicPartition) -> LogRange {
        let end = self.logs[partition].len() as i64;
        LogRange {
            first: self.firsts.get(partition).copied().unwrap_or(0),
            end,
            latest: end,
            topic_id: Some(TopicId(
                self.topics.get(&partition.topic).copied().unwrap_or(0),
            )),
        }
    }

    /// Everybody who must is asked to give partitions back; once all have, partitions are given out.
    pub(crate) fn rebalance(&mut self) {
        self.wants_rebalance = true;
        self.step();
    }

    pub(crate) fn step(&mut self) {
        while self.wants_rebalance || self.is_revoking {
            if !self.is_revoking {
                self.wants_rebalance = false;
                self.is_revoking = true;
                self.revoke();
            }
            let waits = self
                .members
                .values()
                .any(|m| m.is_live && !m.giving_back.is_empty());
            if waits {
                return;
            }
            self.is_revoking = false;
            self.assign();
        }
    }

    fn target(&self) -> BTreeMap<MemberId, BTreeSet<TopicPartition>> {
        let live: Vec<_> = self
            .members
            .iter()
            .filter(|(_, m)| m.is_live)
            .map(|(id, _)| *id)
            .collect();
        let mut target: BTreeMap<_, BTreeSet<_>> =
            live.iter().map(|id| (*id, BTreeSet::new())).collect();
        for (partition, member) in self.logs.keys().zip(live.iter().cycle()) {
            if let Some(partitions) = target.get_mut(member) {
                partitions.insert(partition.clone());
            }
        }
        target
    }

    fn revoke(&mut self) {
        let target = self.target();
        if self.protocol == Protocol::Cooperative {
            // The members have joined the new generation before they are told what to give back.
            self.generation += 1;
        }
        let (generation, protocol) = (self.generation, self.protocol);
        for (id, member) in self.members.iter_mut().filter(|(_, m)| m.is_live) {
            let stays = |partition: &&TopicPartition| {
                protocol == Protocol::Cooperative && target[id].contains(*partition)
            };
            let gives: BTreeSet<_> = member.owned.iter().filter(|p| !stays(p)).cloned().collect();
            if !gives.is_empty() {
                member.giving_back.clone_from(&gives);
                member
                    .inbox
                    .push_back((GroupEvent::Revoked(gives), generation));
            }
        }
    }

    fn assign(&mut self) {
        self.generation += 1;
        let (target, generation) = (self.target(), self.generation);
        let held: BTreeSet<_> = self
            .members
            .values()
            .flat_map(|m| m.owned.iter().cloned())
            .collect();
        for (id, member) in self.members.iter_mut().filter(|(_, m)| m.is_live) {
            let added: BTreeSet<_> = target[id].difference(&held).cloned().collect();
            // Somebody has joined or left meanwhile: what is still in other hands comes by another round.
            self.wants_rebalance |= member.owned.union(&added).ne(&target[id]);
            member.owned.extend(added.iter().cloned());
            member
                .inbox
                .push_back((GroupEvent::Assigned(added), generation));
        }
    }

    /// The member has given partitions back, or has heard that they are lost.
    pub(crate) fn release(&mut self, id: MemberId, partitions: &[TopicPartition]) {
        self.releases += 1;
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        for partition in partitions {
            member.giving_back.remove(partition);
            member.owned.remove(partition);
        }
        if !member.is_live {
            member.is_live = true;
            self.wants_rebalance = true;
        }
        self.step();
    }

    pub(crate) fn is_open(&self, partition: &TopicPartition) -> bool {
        let mut offsets = self.open.values().flat_map(|open| &open.offsets);
        offsets.any(|offset| offset.partition == *partition)
    }

    pub(crate) fn end_transaction(&mut self, member: MemberId) {
        if let Some(Open {
            offsets,
            dead_letters,
            commits: true,
        }) = self.open.remove(&member)
        {
            self.put(offsets, dead_letters);
        }
    }

    pub(crate) fn put(&mut self, offsets: Vec<OffsetAndMetadata>, dead_letters: Vec<DeadLetter>) {
        self.dead_letters.extend(dead_letters);
        for offset in &offsets {
            let stored = Stored {
                offset: offset.offset,
                metadata: offset.metadata.clone().into_bytes(),
            };
            self.stored.insert(offset.partition.clone(), stored);
        }
        self.journal.push(offsets);
    }
}

pub(crate) fn error(kind: KafkaErrorKind, message: &str) -> KafkaError {
    KafkaError {
        kind,
        message: format!("stand-in for Kafka: {message}"),
    }
}
