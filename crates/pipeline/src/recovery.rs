//! What is done about what the previous holder of a partition left behind. Pure: the stored offsets and
//! the labels' states go in, the actions come out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::kafka::{CommittedOffset, TopicPartition};
use crate::ledger::Standing;
use crate::metadata::{Attempt, Found, LEFT_OPEN_MAX, LeftOpen, Metadata, Owed};
use crate::round::{TableCommitted, TablePrepared};

/// How long StarRocks keeps a PREPARED transaction: we ask for it at each prepare, and it is FE's default
/// (`prepared_transaction_default_timeout_second`).
pub const PREPARED_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// How far the clocks of two workers and of the FE may be apart before the time rule is wrong.
pub const CLOCK_SKEW_MAX: Duration = Duration::from_secs(10 * 60);

/// One StarRocks transaction of ours, by what its label is made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId {
    /// The database it was begun in.
    pub database: Arc<str>,
    /// The table it loads.
    pub table: Arc<str>,
    /// The round it belongs to.
    pub attempt: Attempt,
}

/// What StarRocks says of a label, as far as the delivery protocol cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// Open: nothing of it is promised.
    Prepare,
    /// Durable, waiting for commit or rollback.
    Prepared,
    /// COMMITTED or VISIBLE: its rows are in.
    Committed,
    /// Its rows are not in and never will be.
    Aborted,
    /// Never begun, or finished and forgotten.
    Unknown,
}

impl Fate {
    /// Proof that the transaction of `table` is PREPARED, where StarRocks says so.
    #[must_use]
    pub fn prepared(self, table: Arc<str>) -> Option<TablePrepared> {
        (self == Self::Prepared).then(|| TablePrepared::certain(table))
    }
}

/// `starrocks.in.doubt`: what to do about a decided round of which StarRocks remembers nothing, long after
/// its transactions would have timed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InDoubt {
    /// Stop and say what to check.
    #[default]
    Fail,
    /// Load the rows again; they may then be there twice.
    Replay,
    /// Go on behind them; they may then be missing.
    Skip,
}

/// What to do about one transaction of a decided round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settle {
    /// Commit it, and again until the answer is certain.
    Commit,
    /// Its rows are in.
    Done,
    /// Its rows are not in: replay them.
    Owed,
    /// Nobody can tell, and `starrocks.in.doubt` says to stop.
    InDoubt,
    /// A decided round has a transaction that was never prepared: the program is at fault.
    Defect,
}

impl Settle {
    /// Proof that the transaction of `table` is committed, where there is nothing left to do.
    #[must_use]
    pub fn done(self, table: Arc<str>) -> Option<TableCommitted> {
        (self == Self::Done).then(|| TableCommitted::certain(table))
    }
}

/// The rule for one transaction of a decided round. `prepared_at_ms` and `now_ms` are milliseconds since
/// the epoch.
#[must_use]
pub fn settle(fate: Fate, prepared_at_ms: i64, now_ms: i64, in_doubt: InDoubt) -> Settle {
    match fate {
        Fate::Prepared => Settle::Commit,
        Fate::Committed => Settle::Done,
        Fate::Aborted => Settle::Owed,
        Fate::Prepare => Settle::Defect,
        Fate::Unknown if committed_and_forgotten(prepared_at_ms, now_ms) => Settle::Done,
        Fate::Unknown => match in_doubt {
            InDoubt::Fail => Settle::InDoubt,
            InDoubt::Replay => Settle::Owed,
            InDoubt::Skip => Settle::Done,
        },
    }
}

/// A label of a decided round that StarRocks does not know was committed and forgotten, for a PREPARED
/// transaction is never forgotten; but only as long as it cannot have timed out.
#[must_use]
pub fn committed_and_forgotten(prepared_at_ms: i64, now_ms: i64) -> bool {
    let limit = i64::try_from((PREPARED_TIMEOUT - CLOCK_SKEW_MAX).as_millis()).expect("a day fits");
    now_ms.saturating_sub(prepared_at_ms) < limit
}

/// A plan or a debt without a record between its ends is nothing that a task has written.
fn is_impossible(offset: Option<i64>, metadata: &Metadata) -> bool {
    let end = match metadata {
        Metadata::Plan(plan) => Some(plan.end),
        Metadata::Claim(claim) => claim.owed.as_ref().map(|owed| owed.end),
    };
    offset
        .zip(end)
        .is_some_and(|(offset, end)| offset < 0 || end <= offset)
}

/// What the stored offsets of the assigned partitions say.
#[derive(Debug, Default)]
pub struct Reading {
    partitions: BTreeMap<TopicPartition, (Option<i64>, Option<Metadata>)>,
    /// Metadata that is not ours, told for the log: the partition and the reason.
    pub foreign: Vec<(TopicPartition, String)>,
}

/// A partition's metadata was written by a newer version of this program.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the offset of {partition} was stored by a newer version of starrocks-kafka (metadata version {version}), \
     which this one cannot continue; run that version"
)]
pub struct NewerMetadata {
    /// Whose offset it is.
    pub partition: TopicPartition,
    /// The version it was written in.
    pub version: u32,
}

impl Reading {
    /// Reads the metadata of what is stored.
    ///
    /// # Errors
    /// [`NewerMetadata`]: going on would forget a decided round.
    pub fn of(stored: Vec<CommittedOffset>, connector: &str) -> Result<Self, NewerMetadata> {
        let mut reading = Self::default();
        for CommittedOffset {
            partition,
            offset,
            metadata,
        } in stored
        {
            let metadata = match Metadata::decode(&metadata, connector) {
                Found::Ours(metadata) if is_impossible(offset, &metadata) => {
                    let reason = "damaged: it ends before it begins".to_owned();
                    reading.foreign.push((partition.clone(), reason));
                    None
                }
                Found::Ours(metadata) => offset.map(|_| metadata),
                Found::Nothing => None,
                Found::Foreign(reason) => {
                    reading.foreign.push((partition.clone(), reason));
                    None
                }
                Found::Newer(version) => return Err(NewerMetadata { partition, version }),
            };
            reading.partitions.insert(partition, (offset, metadata));
        }
        Ok(reading)
    }

    /// The partitions without a stored offset: `auto.offset.reset` says where they begin.
    #[must_use]
    pub fn without_offset(&self) -> Vec<TopicPartition> {
        let none = self
            .partitions
            .iter()
            .filter(|(_, (offset, _))| offset.is_none());
        none.map(|(partition, _)| partition.clone()).collect()
    }

    /// The transactions of every plan, each with the time at which its round was sealed.
    #[must_use]
    pub fn decided(&self) -> BTreeMap<TransactionId, i64> {
        let mut decided = BTreeMap::new();
        for (_, metadata) in self.partitions.values() {
            if let Some(Metadata::Plan(plan)) = metadata {
                for table in &plan.tables {
                    let id = TransactionId {
                        database: Arc::clone(&plan.database),
                        table: Arc::clone(table),
                        attempt: plan.attempt,
                    };
                    decided.insert(id, plan.prepared_at_ms);
                }
            }
        }
        decided
    }

    /// The transactions that the previous holders may have left open: those of the attempt after the one
    /// stored, and of those that a claim names, in each table that rows of the partition can go to: what its topic
    /// tells, which is `tables`, and what was announced.
    pub fn left_open(
        &self,
        mut tables: impl FnMut(&TopicPartition) -> Vec<Arc<str>>,
    ) -> BTreeSet<TransactionId> {
        let mut open = BTreeSet::new();
        for (partition, (_, metadata)) in &self.partitions {
            let left_open = left_open_by(metadata.as_ref());
            if left_open.is_empty() {
                continue;
            }
            let mut tables = tables(partition);
            tables.extend(metadata.iter().filter_map(Metadata::announced).flatten());
            for table in tables {
                open.extend(left_open.iter().map(|left| TransactionId {
                    database: Arc::clone(&left.database),
                    table: Arc::clone(&table),
                    attempt: left.attempt,
                }));
            }
        }
        open
    }

    /// Where each partition stands once every plan is settled. `owed` tells of a transaction of
    /// [`decided`](Self::decided) whether its rows are owed; `reset` where a partition without a stored
    /// offset begins.
    pub fn standings(
        &self,
        owed: impl Fn(&TransactionId) -> bool,
        reset: &BTreeMap<TopicPartition, i64>,
    ) -> Vec<(TopicPartition, Standing)> {
        let mut standings = Vec::with_capacity(self.partitions.len());
        for (partition, (offset, metadata)) in &self.partitions {
            let Some(offset) = offset.or_else(|| reset.get(partition).copied()) else {
                continue;
            };
            let mut standing = match metadata {
                None => Standing::at(offset),
                Some(Metadata::Claim(claim)) => Standing {
                    owed: claim.owed.clone(),
                    ..Standing::at(offset)
                },
                Some(Metadata::Plan(plan)) => {
                    let is_owed = |table: &&Arc<str>| {
                        owed(&TransactionId {
                            database: Arc::clone(&plan.database),
                            table: Arc::clone(table),
                            attempt: plan.attempt,
                        })
                    };
                    let tables: Vec<_> = plan.tables.iter().filter(is_owed).cloned().collect();
                    if tables.is_empty() {
                        Standing::at(plan.end)
                    } else {
                        Standing {
                            owed: Some(Owed {
                                end: plan.end,
                                tables,
                            }),
                            ..Standing::at(offset)
                        }
                    }
                }
            };
            standing.left_open = left_open_by(metadata.as_ref());
            standing.announced = metadata.as_ref().and_then(Metadata::announced);
            standings.push((partition.clone(), standing));
        }
        standings
    }
}

/// The attempts that the holder who wrote this, and those before it, may have left open; oldest first.
fn left_open_by(metadata: Option<&Metadata>) -> Vec<LeftOpen> {
    let Some(metadata) = metadata else {
        return Vec::new();
    };
    let mut left_open = match metadata {
        Metadata::Plan(_) => Vec::new(),
        Metadata::Claim(claim) => claim.left_open.clone(),
    };
    left_open.push(LeftOpen {
        attempt: metadata.attempt().next(),
        database: Arc::clone(metadata.database()),
    });
    let forgotten = left_open.len().saturating_sub(LEFT_OPEN_MAX);
    left_open.drain(..forgotten);
    left_open
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{Claim, Epoch, Plan};

    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    const SKEW_MS: i64 = 10 * 60 * 1000;

    #[test]
    fn a_decided_transaction_is_settled_by_its_fate_and_age() {
        let check = |fate, age_ms, in_doubt, expect| {
            assert_eq!(
                settle(fate, 1_000, 1_000 + age_ms, in_doubt),
                expect,
                "{fate:?} {age_ms} {in_doubt:?}"
            );
        };
        for age_ms in [-SKEW_MS, 0, 2 * DAY_MS] {
            for in_doubt in [InDoubt::Fail, InDoubt::Replay, InDoubt::Skip] {
                check(Fate::Prepared, age_ms, in_doubt, Settle::Commit);
                check(Fate::Committed, age_ms, in_doubt, Settle::Done);
                check(Fate::Aborted, age_ms, in_doubt, Settle::Owed);
                check(Fate::Prepare, age_ms, in_doubt, Settle::Defect);
            }
        }
        for age_ms in [-SKEW_MS, 0, DAY_MS - SKEW_MS - 1] {
            check(Fate::Unknown, age_ms, InDoubt::Fail, Settle::Done);
        }
        for age_ms in [DAY_MS - SKEW_MS, DAY_MS, i64::MAX - 1_000] {
            check(Fate::Unknown, age_ms, InDoubt::Fail, Settle::InDoubt);
            check(Fate::Unknown, age_ms, InDoubt::Replay, Settle::Owed);
            check(Fate::Unknown, age_ms, InDoubt::Skip, Settle::Done);
        }
    }

    #[test]
    fn only_what_starrocks_says_is_proof() {
        for (fate, expect) in [
            (Fate::Prepare, false),
            (Fate::Prepared, true),
            (Fate::Committed, false),
            (Fate::Aborted, false),
            (Fate::Unknown, false),
        ] {
            assert_eq!(fate.prepared("a".into()).is_some(), expect, "{fate:?}");
        }
        for (settle, expect) in [
            (Settle::Commit, false),
            (Settle::Done, true),
            (Settle::Owed, false),
            (Settle::InDoubt, false),
            (Settle::Defect, false),
        ] {
            assert_eq!(settle.done("a".into()).is_some(), expect, "{settle:?}");
        }
    }

    fn stored(number: i32, offset: Option<i64>, metadata: Option<Metadata>) -> CommittedOffset {
        CommittedOffset {
            partition: TopicPartition::new("orders", number),
            offset,
            metadata: metadata
                .map(|m| m.encode("c").into_bytes())
                .unwrap_or_default(),
        }
    }

    fn plan(round: u64, end: i64, tables: &[&str]) -> Metadata {
        Metadata::Plan(Plan {
            attempt: Attempt {
                epoch: Epoch(5),
                round,
            },
            database: "d".into(),
            end,
            tables: tables.iter().map(|t| Arc::from(*t)).collect(),
            prepared_at_ms: 42,
            announced: None,
        })
    }

    fn claim(round: u64, owed: Option<Owed>) -> Metadata {
        Metadata::Claim(Claim {
            attempt: Attempt {
                epoch: Epoch(6),
                round,
            },
            database: "d".into(),
            owed,
            left_open: Vec::new(),
            announced: None,
        })
    }

    fn reading() -> Reading {
        let owed = Owed {
            end: 30,
            tables: vec!["b".into()],
        };
        Reading::of(
            vec![
                stored(0, Some(10), Some(plan(3, 20, &["a", "b"]))),
                stored(1, Some(11), Some(plan(3, 21, &["a"]))),
                stored(2, Some(12), Some(claim(8, Some(owed)))),
                stored(3, Some(13), Some(claim(8, None))),
                stored(4, None, None),
                CommittedOffset {
                    metadata: b"flink".to_vec(),
                    ..stored(5, Some(15), None)
                },
            ],
            "c",
        )
        .expect("nothing newer")
    }

    #[test]
    fn every_plan_is_settled_and_every_next_attempt_rolled_back() {
        let reading = reading();
        assert_eq!(reading.foreign.len(), 1);
        assert_eq!(reading.without_offset(), [TopicPartition::new("orders", 4)]);
        let decided: Vec<_> = reading
            .decided()
            .into_iter()
            .map(|(id, at)| (id.table.to_string(), id.attempt.round, at))
            .collect();
        assert_eq!(decided, [("a".to_owned(), 3, 42), ("b".to_owned(), 3, 42)]);
        let open: Vec<_> = reading
            .left_open(|_| vec!["a".into()])
            .into_iter()
            .map(|id| (id.table.to_string(), id.attempt.epoch.0, id.attempt.round))
            .collect();
        assert_eq!(open, [("a".to_owned(), 5, 4), ("a".to_owned(), 6, 9)]);
    }

    #[test]
    fn what_a_claim_names_is_rolled_back_too_and_named_on() {
        let named: Vec<_> = (0..LEFT_OPEN_MAX as u64)
            .map(|round| LeftOpen {
                attempt: Attempt {
                    epoch: Epoch(4),
                    round,
                },
                database: "old".into(),
            })
            .collect();
        let Metadata::Claim(mut claim) = claim(8, None) else {
            panic!("a claim");
        };
        claim.left_open.clone_from(&named);
        let stored = vec![stored(0, Some(1), Some(Metadata::Claim(claim)))];
        let reading = Reading::of(stored, "c").expect("nothing newer");
        let open = reading.left_open(|_| vec!["a".into()]);
        let standings = reading.standings(|_| false, &BTreeMap::new());
        let left_open = &standings[0].1.left_open;
        // The newest are kept: the oldest one named makes room for the one after the claim.
        assert_eq!(left_open[..LEFT_OPEN_MAX - 1], named[1..]);
        let last = &left_open[LEFT_OPEN_MAX - 1];
        assert_eq!(
            (last.attempt.epoch.0, last.attempt.round, &*last.database),
            (6, 9, "d")
        );
        let ids: BTreeSet<_> = left_open
            .iter()
            .map(|left| TransactionId {
                database: left.database.clone(),
                table: "a".into(),
                attempt: left.attempt,
            })
            .collect();
        assert_eq!(open, ids);
    }

    #[test]
    fn a_partition_stands_behind_its_plan_unless_it_is_owed() {
        let check = |owed_tables: &[&str], expect: &[(i64, Option<(i64, &str)>)]| {
            let reset = BTreeMap::from([(TopicPartition::new("orders", 4), 99)]);
            let standings = reading().standings(|id| owed_tables.contains(&&*id.table), &reset);
            let got: Vec<_> = standings
                .iter()
                .map(|(_, s)| (s.settled, s.owed.as_ref().map(|o| (o.end, &*o.tables[0]))))
                .collect();
            assert_eq!(got, expect);
        };
        let rest = [(12, Some((30, "b"))), (13, None), (99, None), (15, None)];
        check(&[], &[&[(20, None), (21, None)], &rest[..]].concat());
        check(
            &["b"],
            &[&[(10, Some((20, "b"))), (21, None)], &rest[..]].concat(),
        );
        check(
            &["a", "b"],
            &[&[(10, Some((20, "a"))), (11, Some((21, "a")))], &rest[..]].concat(),
        );
    }

    #[test]
    fn a_newer_version_is_not_overruled() {
        let metadata = br#"{"v":2,"connector":"c","decided":true}"#.to_vec();
        let error = Reading::of(
            vec![CommittedOffset {
                metadata,
                ..stored(0, Some(1), None)
            }],
            "c",
        );
        assert_eq!(
            error.expect_err("newer"),
            NewerMetadata {
                partition: TopicPartition::new("orders", 0),
                version: 2
            }
        );
    }
}
