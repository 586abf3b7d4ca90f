//! Where each assigned partition stands, and what a Kafka transaction says of it.
//!
//! Pure bookkeeping. Every Kafka transaction of a task names every assigned partition, so each of them is
//! made here: [`Ledger::claim`] and [`Ledger::decision`].

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::kafka::{OffsetAndMetadata, TopicPartition};
use crate::metadata::{
    Announced, Attempt, Claim, LeftOpen, METADATA_BYTES_MAX, Metadata, Owed, Plan,
    encoded_bytes_max,
};
use crate::round::{Prepared, Visible};

/// Where one partition stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Every record below it is in its tables, or was skipped. The offset of the next record to load.
    pub settled: i64,
    /// What lies at `settled` and must be replayed first, to some of its tables only.
    pub owed: Option<Owed>,
    /// What previous holders left open and is still to be rolled back, oldest first.
    pub left_open: Vec<LeftOpen>,
    /// The tables that rows of this partition may go to, as the next claim or plan tells them.
    pub announced: Announced,
}

impl Standing {
    /// Nothing is owed from `settled` on.
    #[must_use]
    pub fn at(settled: i64) -> Self {
        Self {
            settled,
            owed: None,
            left_open: Vec::new(),
            announced: None,
        }
    }
}

/// Bytes of metadata that announced tables may take: what is left is for names of what is left open.
pub const ANNOUNCED_BYTES_MAX: usize = METADATA_BYTES_MAX - 512;

#[derive(Clone, Debug)]
struct Entry {
    standing: Standing,
    /// What Kafka has stored says just this: the same offset and no plan.
    stored: bool,
}

/// The assigned partitions of one stay in the group.
#[derive(Clone, Debug)]
pub struct Ledger {
    connector: Arc<str>,
    database: Arc<str>,
    entries: BTreeMap<TopicPartition, Entry>,
}

impl Ledger {
    /// A ledger of the partitions as recovery found them.
    #[must_use]
    pub fn new(
        connector: Arc<str>,
        database: Arc<str>,
        found: impl IntoIterator<Item = (TopicPartition, Standing)>,
    ) -> Self {
        let entries = found
            .into_iter()
            .map(|(partition, standing)| {
                (
                    partition,
                    Entry {
                        standing,
                        stored: false,
                    },
                )
            })
            .collect();
        Self {
            connector,
            database,
            entries,
        }
    }

    /// The partitions and where they stand.
    pub fn standings(&self) -> impl Iterator<Item = (&TopicPartition, &Standing)> {
        self.entries
            .iter()
            .map(|(partition, entry)| (partition, &entry.standing))
    }

    /// Where one partition stands; `None` where it is not assigned.
    #[must_use]
    pub fn standing(&self, partition: &TopicPartition) -> Option<&Standing> {
        self.entries.get(partition).map(|entry| &entry.standing)
    }

    /// Whether a partition must be replayed before anything else is loaded.
    #[must_use]
    pub fn owes(&self) -> bool {
        self.entries
            .values()
            .any(|entry| entry.standing.owed.is_some())
    }

    /// Whether what Kafka has stored says all there is to say.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        self.entries.values().all(|entry| entry.stored)
    }

    /// Whether no partition is assigned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// A claim on every assigned partition. `ended` is the last attempt that has ended.
    #[must_use]
    pub fn claim(&self, ended: Attempt) -> Vec<OffsetAndMetadata> {
        self.entries
            .iter()
            .map(|(partition, entry)| self.claim_of(partition, &entry.standing, ended))
            .collect()
    }

    /// The plans of a prepared round, and claims on the partitions that have no rows in it. Where it has dead letters, every
    /// partition with records has a plan, for else they would be written again.
    #[must_use]
    pub fn decision(&self, round: &Prepared) -> Vec<OffsetAndMetadata> {
        self.entries
            .iter()
            .map(|(partition, entry)| match round.share(partition) {
                Some(share) if !share.tables.is_empty() || !round.dead_letters().is_empty() => {
                    let announced = entry.standing.announced.as_ref();
                    let plan = Metadata::Plan(Plan {
                        attempt: round.attempt(),
                        database: Arc::clone(&self.database),
                        end: share.end,
                        tables: share.tables.iter().cloned().collect(),
                        prepared_at_ms: round.prepared_at_ms(),
                        announced: announced.map(|all| all - &share.tables),
                    });
                    OffsetAndMetadata {
                        partition: partition.clone(),
                        offset: share.start,
                        metadata: plan.encode(&self.connector),
                    }
                }
                _ => self.claim_of(partition, &entry.standing, round.attempt()),
            })
            .collect()
    }

    /// Offsets for a plain OffsetCommit: without plan or claim, for at-least-once delivery.
    #[must_use]
    pub fn plain(&self) -> Vec<OffsetAndMetadata> {
        self.entries
            .iter()
            .map(|(partition, entry)| OffsetAndMetadata {
                partition: partition.clone(),
                offset: entry.standing.settled,
                metadata: String::new(),
            })
            .collect()
    }

    /// Kafka has stored the claims, or the plain offsets, of every partition.
    pub fn stored(&mut self) {
        for entry in self.entries.values_mut() {
            entry.stored = true;
        }
    }

    /// Announces that rows of this partition may go to `table`, and those of its topic's other partitions, too, which will
    /// likely meet it soon: the next claim names it. `false` where it does not fit beside what was announced before.
    pub fn announce(&mut self, partition: &TopicPartition, table: &Arc<str>) -> bool {
        let (connector, database) = (&self.connector, &self.database);
        let mut fits_here = false;
        for (other, entry) in &mut self.entries {
            if other.topic != partition.topic {
                continue;
            }
            let announced = entry.standing.announced.get_or_insert_default();
            let names = announced.iter().chain([table]).map(|name| &**name);
            let fits = encoded_bytes_max(connector, database, names) <= ANNOUNCED_BYTES_MAX;
            if fits {
                entry.stored &= !announced.insert(Arc::clone(table));
            }
            fits_here |= fits && other == partition;
        }
        fits_here
    }

    /// Announces no more what holders have announced to whom the topics did not tell the tables.
    pub fn topics_tell(&mut self) {
        for entry in self.entries.values_mut() {
            entry.stored &= entry.standing.announced.take().is_none();
        }
    }

    /// Forgets what was announced: nothing is open, and the next claim says so.
    pub fn forget_announced(&mut self) {
        for entry in self.entries.values_mut() {
            if let Some(announced) = &mut entry.standing.announced {
                entry.stored &= announced.is_empty();
                announced.clear();
            }
        }
    }

    /// What previous holders left open is rolled back: the next claim need not name it any more.
    pub fn rolled_back(&mut self) {
        for entry in self.entries.values_mut() {
            entry.stored &= entry.standing.left_open.is_empty();
            entry.standing.left_open.clear();
        }
    }

    /// The rows of a round are in their tables.
    ///
    /// # Panics
    /// Where the round does not begin where its partitions stand: it would leave a hole, or load twice.
    pub fn visible(&mut self, round: &Visible) {
        for (partition, share) in round.shares() {
            let Some(entry) = self.entries.get_mut(partition) else {
                continue;
            };
            assert_eq!(
                share.start,
                entry.standing.settled,
                "round {} begins elsewhere than where {partition} stands",
                round.attempt()
            );
            if let Some(owed) = entry.standing.owed.take() {
                assert_eq!(share.end, owed.end, "a replay covers exactly what is owed");
            }
            entry.standing.settled = share.end;
            entry.stored = false;
        }
    }

    fn claim_of(
        &self,
        partition: &TopicPartition,
        standing: &Standing,
        ended: Attempt,
    ) -> OffsetAndMetadata {
        let mut announced = standing.announced.clone();
        if let (Some(announced), Some(owed)) = (&mut announced, &standing.owed) {
            // There is no room for a table's name twice.
            announced.retain(|table| !owed.tables.contains(table));
        }
        let mut claim = Claim {
            attempt: ended,
            database: Arc::clone(&self.database),
            owed: standing.owed.clone(),
            left_open: standing.left_open.clone(),
            announced,
        };
        let mut metadata = Metadata::Claim(claim.clone()).encode(&self.connector);
        // Names of databases may be long; what is owed comes first, and the newest of what is open.
        while metadata.len() > METADATA_BYTES_MAX && !claim.left_open.is_empty() {
            claim.left_open.remove(0);
            metadata = Metadata::Claim(claim.clone()).encode(&self.connector);
        }
        OffsetAndMetadata {
            partition: partition.clone(),
            offset: standing.settled,
            metadata,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{Epoch, Found};

    fn left_open(round: u64, database: &str) -> LeftOpen {
        LeftOpen {
            attempt: Attempt {
                epoch: Epoch(9),
                round,
            },
            database: database.into(),
        }
    }

    fn claimed(ledger: &Ledger) -> Claim {
        let ended = Attempt {
            epoch: Epoch(1),
            round: 0,
        };
        let [claim] = &ledger.claim(ended)[..] else {
            panic!("one partition, one claim");
        };
        assert!(claim.metadata.len() <= METADATA_BYTES_MAX);
        match Metadata::decode(claim.metadata.as_bytes(), "c") {
            Found::Ours(Metadata::Claim(claim)) => claim,
            other => panic!("no claim: {other:?}"),
        }
    }

    fn ledger(left_open: Vec<LeftOpen>) -> Ledger {
        let standing = Standing {
            left_open,
            ..Standing::at(7)
        };
        let found = [(TopicPartition::new("orders", 0), standing)];
        Ledger::new("c".into(), "shop".into(), found)
    }

    #[test]
    fn claims_name_what_is_left_open_until_it_is_rolled_back() {
        let mut ledger = ledger(vec![left_open(1, "shop"), left_open(2, "shop")]);
        assert_eq!(claimed(&ledger).left_open.len(), 2);
        ledger.stored();
        ledger.rolled_back();
        assert!(!ledger.is_stored(), "what is stored still names it");
        assert_eq!(claimed(&ledger).left_open, []);
        ledger.stored();
        ledger.rolled_back();
        assert!(ledger.is_stored());
    }

    /// What is owed is announced, too: recovery rolls back what a replay has begun.
    #[test]
    fn a_table_that_is_owed_is_named_once() {
        let tables: Vec<Arc<str>> = (0..50).map(|n| format!("{n:0>60}").into()).collect();
        let standing = Standing {
            owed: Some(Owed {
                end: 9,
                tables: tables.clone(),
            }),
            announced: Some(tables.iter().cloned().collect()),
            ..Standing::at(7)
        };
        let found = [(TopicPartition::new("orders", 0), standing)];
        let claim = claimed(&Ledger::new("c".into(), "shop".into(), found));
        let announced = Metadata::Claim(claim).announced();
        assert_eq!(announced, Some(tables.into_iter().collect()));
    }

    #[test]
    fn the_newest_that_fit_are_named() {
        let long = "d".repeat(1_500);
        let ledger = ledger((1..=4).map(|round| left_open(round, &long)).collect());
        let rounds: Vec<_> = claimed(&ledger)
            .left_open
            .iter()
            .map(|left| left.attempt.round)
            .collect();
        assert_eq!(rounds, [3, 4]);
    }
}
