//! On assignment, before the first fetch: what previous holders decided is rolled forward, the partitions
//! are claimed, and only then what they left open is rolled back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::fill::Replay;
use super::finish::SETTLE_AFTER;
use super::{Halt, Session, Turn, failed};
use crate::kafka::{CommittedOffset, Kafka, KafkaErrorKind, TopicPartition};
use crate::ledger::{Ledger, Standing};
use crate::metadata::Epoch;
use crate::recovery::{Reading, TransactionId};
use crate::settings::DeliveryGuarantee;
use crate::step::Step;
use crate::warehouse::Settled;

/// How long one call for stored offsets may wait for them to be stable.
pub(super) const STORED_LIMIT: Duration = Duration::from_secs(5);
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// After this long an open Kafka transaction is no longer somebody's who is at work.
const HANGING_AFTER: Duration = Duration::from_secs(60);

impl<K: Kafka> Session<'_, K> {
    /// Recovery in the membership that a decided round was aborted in.
    pub(super) fn recover_again(&mut self) -> Turn {
        self.abandon_round()?;
        self.recover()
    }

    pub(super) fn recover(&mut self) -> Turn {
        self.enter("recovering");
        self.forget_reading();
        self.epoch = Epoch((self.task.chance)());
        if self.owned.is_empty() {
            // What was tried before was for partitions that others have now.
            self.task.status.forget_retries_but_topics();
            return Ok(());
        }
        let owned = self.owned.clone();
        let stored = self.read_stored(&owned, true)?;
        self.reached(Step::OffsetsRead);
        // What is decided is rolled forward before anything else is asked: a partition without a leader must not keep
        // rows from being seen.
        let decided = self.decided_by(&stored)?;
        let mut owed = self.settle_plans(&decided)?;
        let ranges = self.read_ranges(&stored)?;
        let mut compared = self.compare(stored, &ranges);
        let reading = self.read_metadata(std::mem::take(&mut compared.offsets))?;
        let reset = self.begin(&reading, &ranges)?;
        let mut remembered = reading.decided();
        remembered.retain(|id, _| !decided.contains_key(id));
        owed.append(&mut self.settle_plans(&remembered)?);
        self.reached(Step::LabelsSettled);
        let encoder = &mut *self.task.encoder;
        let left_open = reading.left_open(|partition| {
            let table = encoder.table_of(&partition.topic);
            vec![Arc::clone(encoder.table_name(table))]
        });
        let standings = reading.standings(|id| owed.contains(id), &reset);
        let standings = self.within_reach(standings, &ranges, &compared)?;
        self.take_over(standings, left_open)?;
        self.start_reading()
    }

    /// The transactions of the plans that the group has stored.
    fn decided_by(&self, stored: &[CommittedOffset]) -> Turn<BTreeMap<TransactionId, i64>> {
        Reading::of(stored.to_vec(), &self.task.settings.connector)
            .map(|reading| reading.decided())
            .map_err(|error| failed(error.to_string()))
    }

    fn read_metadata(&mut self, stored: Vec<CommittedOffset>) -> Turn<Reading> {
        let reading = Reading::of(stored, &self.task.settings.connector)
            .map_err(|error| failed(error.to_string()))?;
        for (partition, reason) in &reading.foreign {
            tracing::warn!(
                topic = &*partition.topic,
                partition = partition.partition,
                "the stored offset carries metadata that is not this connector's ({reason}); it is taken for an offset \
                 without metadata"
            );
        }
        Ok(reading)
    }

    /// The claim is the fence: before it nothing may be rolled back. It names what is to be, so that who
    /// comes after a crash in between still knows.
    fn take_over(
        &mut self,
        standings: Vec<(TopicPartition, Standing)>,
        left_open: BTreeSet<TransactionId>,
    ) -> Turn {
        let exactly_once = self.task.settings.guarantee == DeliveryGuarantee::ExactlyOnce;
        let standings = standings.into_iter().map(|(partition, standing)| {
            // Without claims nobody remembers which tables are owed: all of them get the rows again.
            let standing = if exactly_once {
                standing
            } else {
                Standing::at(standing.settled)
            };
            (partition, standing)
        });
        let connector = Arc::clone(&self.task.settings.connector);
        self.ledger = Some(Ledger::new(
            connector,
            Arc::clone(self.task.warehouse.database()),
            standings,
        ));
        if exactly_once {
            self.claim()?;
        } else {
            self.settle()?;
        }
        self.reached(Step::Claimed);
        self.roll_back(left_open)?;
        if let Some(ledger) = &mut self.ledger {
            ledger.rolled_back();
            if self.task.encoder.topics_tell_tables() {
                ledger.topics_tell();
            }
            self.settle_at = Some(self.task.clock.now() + SETTLE_AFTER);
        }
        self.reached(Step::RolledBack);
        // What was tried before is settled by this, or is not tried any more.
        self.task.status.forget_retries_but_topics();
        Ok(())
    }

    /// Labels of plans, each with the time at which its round was sealed. Returns those whose rows are owed.
    fn settle_plans(
        &mut self,
        decided: &BTreeMap<TransactionId, i64>,
    ) -> Turn<BTreeSet<TransactionId>> {
        let mut owed = BTreeSet::new();
        for (id, prepared_at_ms) in decided.clone() {
            let warehouse = self.task.warehouse.clone();
            let outcome = self.wait(async move { warehouse.settle(id, prepared_at_ms).await })?;
            match self.settled(outcome)? {
                Settled::Owed(id) => {
                    tracing::warn!(
                        table = &*id.table,
                        "StarRocks has aborted a transaction of the decided round {}; its rows are loaded again",
                        id.attempt
                    );
                    owed.insert(id);
                }
                Settled::Committed(_) | Settled::InDoubt(_) | Settled::Defect(_) => {}
            }
        }
        Ok(owed)
    }

    /// The stored offsets, once they are stable. With `may_leave`, a rebalance comes first.
    pub(super) fn read_stored(
        &mut self,
        partitions: &[TopicPartition],
        may_leave: bool,
    ) -> Turn<Vec<CommittedOffset>> {
        const WHAT: &str = "read the stored offsets";
        let since = self.now();
        loop {
            match self.kafka.committed(partitions, STORED_LIMIT) {
                Ok(stored) => {
                    self.task.status.succeeded(self.now(), WHAT);
                    return Ok(stored);
                }
                Err(error) if error.kind == KafkaErrorKind::Permanent => {
                    return Err(self.refused(error));
                }
                Err(error) => {
                    let mut because = error.message;
                    if self.now().duration_since(since) >= HANGING_AFTER {
                        because.push_str(
                            "; should a Kafka transaction hang on these partitions, find it by 'kafka-transactions.sh \
                             find-hanging' and end it by 'kafka-transactions.sh abort'",
                        );
                    }
                    self.task
                        .status
                        .try_again(self.now(), WHAT, &because, false);
                    self.rest_or_leave(may_leave)?;
                }
            }
        }
    }

    pub(super) fn rest_or_leave(&mut self, may_leave: bool) -> Turn {
        if !may_leave {
            return self.rest_through(BETWEEN_TRIES);
        }
        self.rest(BETWEEN_TRIES)?;
        if self.task.stop.requested() || !self.events.is_empty() {
            return Err(Halt::Disturbed);
        }
        Ok(())
    }

    /// Rests whatever comes: something must be answered before anything else may happen.
    pub(super) fn rest_through(&mut self, time: Duration) -> Turn {
        // Made where it runs: a timer needs its runtime from the beginning.
        self.wait(async move { tokio::time::sleep(time).await })
    }

    /// Reads from where the ledger stands; first only what is owed, where something is.
    pub(super) fn start_reading(&mut self) -> Turn {
        let Some(ledger) = &self.ledger else {
            return Ok(());
        };
        self.replay.clear();
        let owes = ledger.owes();
        let encoder = &mut *self.task.encoder;
        self.positions.clear();
        for (partition, standing) in ledger.standings() {
            match &standing.owed {
                None if owes => continue,
                None => {}
                Some(owed) => {
                    let tables = owed.tables.iter().map(|name| encoder.table(name)).collect();
                    self.replay.insert(
                        partition.clone(),
                        Replay {
                            end: owed.end,
                            tables,
                            is_done: false,
                        },
                    );
                }
            }
            self.positions.insert(partition.clone(), standing.settled);
        }
        self.batch = None;
        self.filling = None;
        self.ends.clear();
        self.forget_schemas();
        self.batches.clear();
        self.restarts += 1;
        let positions: Vec<_> = self
            .positions
            .iter()
            .map(|(partition, at)| (partition.clone(), *at))
            .collect();
        self.pause();
        self.kafka
            .start(&positions)
            .map_err(|error| self.refused(error))?;
        self.is_paused = false;
        Ok(())
    }
}
