//! A round: the rows of some records, on their way to being visible exactly once.
//!
//! ```text
//! Round → Sealed → Prepared → Decided → Visible
//! ```
//!
//! Each arrow consumes the state before it and asks for the proof that allows it, so that "decide before
//! prepare" and "commit before decide" do not type-check. Only what is not decided can be abandoned: there
//! is no such method on [`Decided`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::dead_letters::DeadLetter;
use crate::encode::TableId;
use crate::kafka::{CommittedOffset, Decision, TopicPartition};
use crate::metadata::{Attempt, Found, Metadata};

/// What one partition has in a round: the records from `start` up to but not including `end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The first offset covered.
    pub start: i64,
    /// The offset after the last record covered.
    pub end: i64,
    /// The tables that rows of these records went to; none where all were skipped.
    pub tables: BTreeSet<Arc<str>>,
}

/// A round that still takes records.
#[derive(Debug)]
pub struct Round {
    attempt: Attempt,
    shares: Vec<OpenShare>,
    dead_letters: Vec<DeadLetter>,
    dead_letter_bytes: usize,
    /// Records come in runs of one partition: where the last one was found.
    last: usize,
}

/// A table that rows of a partition went to.
#[derive(Clone, Copy, Debug)]
struct FirstRow {
    table: TableId,
    /// Of the first of these rows.
    offset: i64,
    /// How many records have rows there: one record may have two.
    records: u64,
}

/// What one partition has in a round that still takes records.
#[derive(Debug)]
pub struct OpenShare {
    partition: TopicPartition,
    start: i64,
    end: i64,
    tables: Vec<FirstRow>,
    /// The tables that rows of this partition may go to; `None` where its topic tells them.
    announced: Option<Vec<TableId>>,
}

impl OpenShare {
    /// Whose share it is.
    #[must_use]
    pub fn partition(&self) -> &TopicPartition {
        &self.partition
    }

    /// The offset of the next record that it takes.
    #[must_use]
    pub fn position(&self) -> i64 {
        self.end
    }

    /// The tables that rows went to so far.
    pub fn tables(&self) -> impl Iterator<Item = TableId> {
        self.tables.iter().map(|first| first.table)
    }

    /// The tables that rows of this partition may go to; `None` where its topic tells them.
    #[must_use]
    pub fn announced(&self) -> Option<&[TableId]> {
        self.announced.as_deref()
    }

    /// Rows of this partition may go to these tables and no others.
    pub fn announce(&mut self, tables: Vec<TableId>) {
        self.announced = Some(tables);
    }

    /// Covers the record at `offset`, whose row, where it has one, went to `table`. Returns whether that is
    /// the first row of the table.
    pub fn cover(&mut self, offset: i64, table: Option<TableId>) -> bool {
        self.end = offset + 1;
        let Some(table) = table else {
            return false;
        };
        if let Some(known) = self.tables.iter_mut().find(|first| first.table == table) {
            known.records += 1;
            return false;
        }
        self.tables.push(FirstRow {
            table,
            offset,
            records: 1,
        });
        true
    }

    /// Covers everything below `end`, without rows: there is nothing left to read before it.
    pub fn cover_up_to(&mut self, end: i64) {
        self.end = self.end.max(end);
    }
}

impl Round {
    /// A round that takes records from these positions on.
    pub fn open(
        attempt: Attempt,
        positions: impl IntoIterator<Item = (TopicPartition, i64)>,
    ) -> Self {
        let shares = positions
            .into_iter()
            .map(|(partition, start)| OpenShare {
                partition,
                start,
                end: start,
                tables: Vec::new(),
                announced: None,
            })
            .collect();
        Self {
            attempt,
            shares,
            dead_letters: Vec::new(),
            dead_letter_bytes: 0,
            last: 0,
        }
    }

    /// Which attempt it is.
    #[must_use]
    pub fn attempt(&self) -> Attempt {
        self.attempt
    }

    /// What this partition has in it; `None` where it was not assigned when the round began.
    pub fn share(&mut self, topic: &str, partition: i32) -> Option<&mut OpenShare> {
        let is = |share: &OpenShare| {
            share.partition.partition == partition && *share.partition.topic == *topic
        };
        if !self.shares.get(self.last).is_some_and(is) {
            self.last = self.shares.iter().position(is)?;
        }
        self.shares.get_mut(self.last)
    }

    /// What each partition has in it.
    pub fn shares(&mut self) -> impl Iterator<Item = &mut OpenShare> {
        self.shares.iter_mut()
    }

    /// The tables that rows went to.
    #[must_use]
    pub fn tables(&self) -> BTreeSet<TableId> {
        self.shares.iter().flat_map(OpenShare::tables).collect()
    }

    /// The record with the first row of a table, of whichever partition.
    #[must_use]
    pub fn first_row(&self, table: TableId) -> Option<(TopicPartition, i64)> {
        self.shares.iter().find_map(|share| {
            let first = share.tables.iter().find(|first| first.table == table)?;
            Some((share.partition.clone(), first.offset))
        })
    }

    /// How many records have rows in a table.
    #[must_use]
    pub fn records_with_rows(&self, table: TableId) -> u64 {
        let tables = self.shares.iter().flat_map(|share| &share.tables);
        let of_table = tables.filter(|first| first.table == table);
        of_table.map(|first| first.records).sum()
    }

    /// Takes the dead letter of a record that it covers. Returns how many bytes of them it has.
    pub fn bury(&mut self, dead_letter: DeadLetter) -> usize {
        self.dead_letter_bytes += dead_letter.bytes();
        self.dead_letters.push(dead_letter);
        self.dead_letter_bytes
    }

    /// Whether it covers no record yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shares.iter().all(|share| share.end == share.start)
    }

    /// Freezes it. `prepared_at_ms`, in milliseconds since the epoch, is read before anything is prepared.
    pub fn seal(self, prepared_at_ms: i64, name: impl Fn(TableId) -> Arc<str>) -> Sealed {
        let shares = self
            .shares
            .into_iter()
            .filter(|share| share.end > share.start)
            .map(|share| {
                let tables = share.tables().map(&name).collect();
                (
                    share.partition,
                    Share {
                        start: share.start,
                        end: share.end,
                        tables,
                    },
                )
            })
            .collect();
        Sealed(Body {
            attempt: self.attempt,
            shares,
            dead_letters: self.dead_letters,
            prepared_at_ms,
        })
    }
}

/// What a round is from its sealing on.
#[derive(Debug)]
struct Body {
    attempt: Attempt,
    shares: BTreeMap<TopicPartition, Share>,
    dead_letters: Vec<DeadLetter>,
    prepared_at_ms: i64,
}

/// A round that takes no more records and is not prepared yet.
#[derive(Debug)]
pub struct Sealed(Body);

/// A round whose every transaction is PREPARED: durable, and not yet decided.
#[derive(Debug)]
pub struct Prepared(Body);

/// A round that only rolls forward.
#[derive(Debug)]
pub struct Decided(Body);

/// A round whose rows are in their tables.
#[derive(Debug)]
pub struct Visible(Body);

/// Proof that a table's transaction of a round is PREPARED. Made only by what asked StarRocks.
#[derive(Debug)]
pub struct TablePrepared(Arc<str>);

/// Proof that a table's transaction of a round is committed. Made only by what asked StarRocks.
#[derive(Debug)]
pub struct TableCommitted(Arc<str>);

impl TablePrepared {
    /// StarRocks has said so.
    pub(crate) fn certain(table: Arc<str>) -> Self {
        Self(table)
    }
}

impl TableCommitted {
    /// StarRocks has said so, or the time rule for forgotten labels.
    pub(crate) fn certain(table: Arc<str>) -> Self {
        Self(table)
    }
}

/// Proof that a round may be committed.
#[derive(Debug)]
pub struct Grounds(());

impl Grounds {
    /// The Kafka transaction that carried the plan was committed.
    #[must_use]
    pub fn of_decision(decision: &Decision) -> Option<Self> {
        matches!(decision, Decision::Committed).then_some(Self(()))
    }

    /// The stored offsets show the plan in any of the round's partitions: the transaction that carried
    /// it was committed, for it was atomic over all of them.
    #[must_use]
    pub fn of_stored_offsets(
        round: &Prepared,
        stored: &[CommittedOffset],
        connector: &str,
    ) -> Option<Self> {
        stored
            .iter()
            .any(|offset| {
                round.share(&offset.partition).is_some()
                    && matches!(
                        Metadata::decode(&offset.metadata, connector),
                        Found::Ours(Metadata::Plan(plan)) if plan.attempt == round.attempt()
                    )
            })
            .then_some(Self(()))
    }

    /// A round of skipped records has no rows to be committed, and nobody is told of it.
    #[must_use]
    pub fn of_nothing(round: &Prepared) -> Option<Self> {
        let is_nothing = round.tables().is_empty() && round.dead_letters().is_empty();
        is_nothing.then_some(Self(()))
    }

    /// At-least-once delivery knows no decision: rows are committed as soon as they are prepared.
    #[must_use]
    pub fn at_least_once() -> Self {
        Self(())
    }
}

/// The tables for which a step has no proof.
#[derive(Debug, PartialEq, Eq)]
pub struct Missing(pub Vec<Arc<str>>);

macro_rules! readers {
    ($($state:ident),+) => {$(
        impl $state {
            /// Which attempt it is.
            #[must_use]
            pub fn attempt(&self) -> Attempt {
                self.0.attempt
            }

            /// What each partition has in it.
            pub fn shares(&self) -> impl Iterator<Item = (&TopicPartition, &Share)> {
                self.0.shares.iter()
            }

            /// What one partition has in it.
            #[must_use]
            pub fn share(&self, partition: &TopicPartition) -> Option<&Share> {
                self.0.shares.get(partition)
            }

            /// Every table that has rows in it.
            #[must_use]
            pub fn tables(&self) -> BTreeSet<Arc<str>> {
                self.0.shares.values().flat_map(|share| share.tables.iter().cloned()).collect()
            }

            /// When it was sealed, in milliseconds since the epoch.
            #[must_use]
            pub fn prepared_at_ms(&self) -> i64 {
                self.0.prepared_at_ms
            }
        }
    )+};
}
readers!(Sealed, Prepared, Decided, Visible);

impl Sealed {
    /// Every table's transaction is PREPARED.
    ///
    /// # Errors
    /// The tables for which there is no proof.
    pub fn prepared(self, proofs: &[TablePrepared]) -> Result<Prepared, Missing> {
        lacking(&self.0, proofs.iter().map(|proof| &proof.0))?;
        Ok(Prepared(self.0))
    }
}

impl Prepared {
    /// The records that it passes over, as they are written when it is decided.
    #[must_use]
    pub fn dead_letters(&self) -> &[DeadLetter] {
        &self.0.dead_letters
    }

    /// Whether what is stored tells that other holders went on from one of the round's partitions since.
    #[must_use]
    pub fn is_overtaken(&self, stored: &[CommittedOffset], connector: &str) -> bool {
        stored.iter().any(|offset| {
            let Some(share) = self.share(&offset.partition) else {
                return false;
            };
            let owes = matches!(
                Metadata::decode(&offset.metadata, connector),
                Found::Ours(Metadata::Claim(claim)) if claim.owed.is_some()
            );
            owes || offset.offset.is_some_and(|at| at != share.start)
        })
    }

    /// From here the round only rolls forward.
    #[must_use]
    pub fn decided(self, _grounds: Grounds) -> Decided {
        Decided(self.0)
    }
}

impl Decided {
    /// Every table's transaction is committed.
    ///
    /// # Errors
    /// The tables for which there is no proof: they are owed their rows.
    pub fn visible(self, proofs: &[TableCommitted]) -> Result<Visible, Missing> {
        lacking(&self.0, proofs.iter().map(|proof| &proof.0))?;
        Ok(Visible(self.0))
    }
}

fn lacking<'p>(body: &Body, proven: impl Iterator<Item = &'p Arc<str>>) -> Result<(), Missing> {
    let proven: BTreeSet<&Arc<str>> = proven.collect();
    let missing: BTreeSet<&Arc<str>> = body
        .shares
        .values()
        .flat_map(|share| &share.tables)
        .filter(|table| !proven.contains(table))
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Missing(missing.into_iter().cloned().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::{KafkaError, KafkaErrorKind};
    use crate::metadata::{Epoch, Plan};

    const ATTEMPT: Attempt = Attempt {
        epoch: Epoch(1),
        round: 3,
    };

    fn partition(number: i32) -> TopicPartition {
        TopicPartition::new("orders", number)
    }

    fn name(table: TableId) -> Arc<str> {
        Arc::from(format!("t{}", table.0))
    }

    fn sealed() -> Sealed {
        let mut round = Round::open(
            ATTEMPT,
            [(partition(0), 10), (partition(1), 0), (partition(2), 5)],
        );
        for (number, offset, table) in [
            (0, 10, Some(0)),
            (0, 12, Some(1)),
            (1, 0, None),
            (0, 13, Some(0)),
        ] {
            round
                .share("orders", number)
                .expect("assigned")
                .cover(offset, table.map(TableId));
        }
        assert!(round.share("orders", 9).is_none());
        assert!(round.share("customers", 0).is_none());
        round.seal(77, name)
    }

    #[test]
    fn a_round_covers_what_was_read_and_no_more() {
        let sealed = sealed();
        let shares: Vec<_> = sealed
            .shares()
            .map(|(p, s)| (p.partition, s.start, s.end, s.tables.len()))
            .collect();
        assert_eq!(shares, [(0, 10, 14, 2), (1, 0, 1, 0)]);
        assert_eq!(sealed.prepared_at_ms(), 77);
    }

    #[test]
    fn prepared_wants_a_proof_for_each_table() {
        let half = [TablePrepared::certain("t0".into())];
        assert_eq!(
            sealed().prepared(&half).expect_err("t1 has no proof"),
            Missing(vec!["t1".into()])
        );
        let both = [
            TablePrepared::certain("t0".into()),
            TablePrepared::certain("t1".into()),
        ];
        let decided = sealed()
            .prepared(&both)
            .expect("all proven")
            .decided(Grounds::at_least_once());
        let half = [TableCommitted::certain("t1".into())];
        assert_eq!(
            decided.visible(&half).expect_err("t0 has no proof"),
            Missing(vec!["t0".into()])
        );
    }

    #[test]
    fn only_a_commit_or_the_stored_plan_is_grounds() {
        let error = || KafkaError {
            kind: KafkaErrorKind::Transient,
            message: "away".into(),
        };
        assert!(Grounds::of_decision(&Decision::Committed).is_some());
        assert!(Grounds::of_decision(&Decision::Refused(error())).is_none());
        assert!(Grounds::of_decision(&Decision::Unclear(error())).is_none());

        let both = [
            TablePrepared::certain("t0".into()),
            TablePrepared::certain("t1".into()),
        ];
        let prepared = sealed().prepared(&both).expect("all proven");
        let plan = |attempt: Attempt| {
            Metadata::Plan(Plan {
                attempt,
                database: "d".into(),
                end: 1,
                tables: vec![],
                prepared_at_ms: 0,
                announced: None,
            })
            .encode("c")
            .into_bytes()
        };
        let check = |number: i32, metadata: Vec<u8>, expect: bool| {
            let stored = [CommittedOffset {
                partition: partition(number),
                offset: Some(1),
                metadata,
            }];
            assert_eq!(
                Grounds::of_stored_offsets(&prepared, &stored, "c").is_some(),
                expect
            );
        };
        check(0, plan(ATTEMPT), true);
        check(1, plan(ATTEMPT), true);
        check(2, plan(ATTEMPT), false);
        check(0, plan(ATTEMPT.next()), false);
        check(0, b"hello".to_vec(), false);
        check(0, Vec::new(), false);
    }
}
