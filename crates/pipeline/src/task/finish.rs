//! A round's end: seal, prepare, decide, commit, settle.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use starrocks_kafka_starrocks::CallError;

use super::{Filling, Halt, Session, SessionEnd, Turn, failed};
use crate::kafka::{CommittedOffset, Decision, Kafka, KafkaError, KafkaErrorKind};
use crate::load::Target;
use crate::recovery::TransactionId;
use crate::round::{Decided, Grounds, Prepared};
use crate::settings::DeliveryGuarantee;
use crate::status::Counters;
use crate::step::Step;
use crate::table_load::Begun;
use crate::warehouse::Settled;

/// How long after its round an offset is settled by a Kafka transaction of its own, unless the next round's
/// decision comes first.
pub(super) const SETTLE_AFTER: Duration = Duration::from_secs(1);

/// How often one call to Kafka is tried before its failure is shown as a retry.
pub(super) const RENEW_EVERY: Duration = Duration::from_secs(1);

/// A decided round whose transactions are being committed.
pub(super) struct Committing {
    decided: Decided,
    outcomes: Receiver<Vec<Result<Settled, CallError>>>,
}

impl<K: Kafka> Session<'_, K> {
    pub(super) fn round_is_due(&self) -> bool {
        if !self.replay.is_empty() {
            return self.replay_is_complete();
        }
        let Some(filling) = &self.filling else {
            return false;
        };
        let settings = &self.task.settings;
        filling.must_seal
            || self.batches.taken_bytes() >= settings.flush_bytes_max
            || self.now().duration_since(filling.started_at) >= settings.flush_interval
    }

    fn replay_is_complete(&self) -> bool {
        self.replay.values().all(|replay| replay.is_done)
    }

    /// Brings everything that was read to its tables and its offsets to the group.
    pub(super) fn finish(&mut self) -> Turn {
        if self.ledger.is_none() {
            return Ok(());
        }
        if self.replay.is_empty() || self.replay_is_complete() {
            self.end_round()?;
        } else {
            // A replay covers exactly what is owed, or nothing.
            self.abandon_round()?;
        }
        self.batch = None;
        self.await_visible()?;
        self.settle()
    }

    /// Ends the open round, where there is one: from here its rows are decided, or will be read again.
    pub(super) fn end_round(&mut self) -> Turn {
        self.cover_replay();
        let Some(filling) = self.filling.take() else {
            return Ok(());
        };
        if filling.round.is_empty() {
            self.batches.clear();
            return Ok(());
        }
        self.enter("preparing a round");
        let rows = self.rows_of(&filling.round);
        let encoder = &*self.task.encoder;
        let name = |table| Arc::clone(encoder.table_name(table));
        let rest = self.batches.take_all();
        let rest: Vec<_> = rest
            .into_iter()
            .map(|(table, chunk)| (Target::of(encoder, table), chunk))
            .collect();
        let sealed = filling.round.seal(self.task.clock.epoch_ms(), name);
        self.batches.clear();
        self.reached(Step::Sealed);
        let begun = filling.loads.begun();
        match self.wait(filling.loads.seal(rest))? {
            Ok(proofs) => match sealed.prepared(&proofs) {
                Ok(prepared) => {
                    self.decide(prepared, &begun)?;
                    self.refusals.taken(&rows);
                    Ok(())
                }
                Err(missing) => Err(failed(format!(
                    "tables {:?} have rows and no prepared transaction; this is a defect of starrocks-kafka, please \
                     report it",
                    missing.0
                ))),
            },
            Err(failure) => self.begin_again(sealed.attempt(), &begun, failure, &rows),
        }
    }

    /// Ends a round one of whose transactions has failed before it was sealed.
    pub(super) fn end_broken_round(&mut self) -> Turn {
        let Some(Filling { round, loads, .. }) = self.filling.take() else {
            return Ok(());
        };
        let (attempt, begun) = (round.attempt(), loads.begun());
        let rows = self.rows_of(&round);
        match self.wait(loads.end())? {
            Err(failure) => self.begin_again(attempt, &begun, failure, &rows),
            Ok(_) => Err(failed(
                "a load took no more rows and did not say why; this is a defect of starrocks-kafka, please report it",
            )),
        }
    }

    fn decide(&mut self, prepared: Prepared, begun: &Begun) -> Turn {
        self.reached(Step::Prepared);
        self.enter("deciding a round");
        // The plan of the round before lives in the same metadata: it must not be needed any more.
        let may_decide = self.await_visible().and_then(|()| self.look_for_events());
        if let Err(halt) = may_decide {
            if !matches!(halt, Halt::End(SessionEnd::Stopped { .. })) {
                self.roll_back_round(prepared.attempt(), begun)?;
            }
            return Err(halt);
        }
        if let Some(grounds) = Grounds::of_nothing(&prepared) {
            self.became_visible(prepared.decided(grounds), Vec::new())?;
            return if self.replay.is_empty() {
                Ok(())
            } else {
                self.end_replay()
            };
        }
        if self.task.settings.guarantee == DeliveryGuarantee::AtLeastOnce {
            if let Err(halt) = self.write_dead_letters(&prepared) {
                self.roll_back_round(prepared.attempt(), begun)?;
                return Err(halt);
            }
            self.ended = prepared.attempt().round;
            return self.commit(prepared.decided(Grounds::at_least_once()));
        }
        let Some(ledger) = &self.ledger else {
            return Ok(());
        };
        let plans = ledger.decision(&prepared);
        let decision = self.kafka.decide(&plans, prepared.dead_letters());
        let grounds = match decision {
            Decision::Committed => Grounds::of_decision(&decision),
            Decision::Refused(error) => {
                let halt = self.refused(error);
                self.roll_back_round(prepared.attempt(), begun)?;
                return Err(halt);
            }
            Decision::Unclear(error) => match self.ask_for_decision(&prepared, &error) {
                Ok(stored) => {
                    let connector = &self.task.settings.connector;
                    let grounds = Grounds::of_stored_offsets(&prepared, &stored, connector);
                    if grounds.is_none() {
                        return Err(self.end_undecided(&prepared, &stored, begun));
                    }
                    grounds
                }
                Err(halt) => {
                    // It may be decided: nothing may take the place of its plan.
                    self.ledger = None;
                    return Err(halt);
                }
            },
        };
        let Some(grounds) = grounds else {
            return Ok(());
        };
        self.task.remembered.stored(&plans);
        self.count_dead_letters(&prepared);
        self.ended = prepared.attempt().round;
        self.reached(Step::Decided);
        self.commit(prepared.decided(grounds))
    }

    /// Kafka gave no clear answer: what is stored tells, once nothing can change it any more.
    fn ask_for_decision(
        &mut self,
        round: &Prepared,
        error: &KafkaError,
    ) -> Turn<Vec<CommittedOffset>> {
        tracing::warn!("no clear answer to a round's decision: {error}; reading what is stored");
        self.enter("finding out whether a round is decided");
        self.renew_producer(error)?;
        let covered: Vec<_> = round
            .shares()
            .map(|(partition, _)| partition.clone())
            .collect();
        self.read_stored(&covered, false)
    }

    /// Commits a decided round in the background.
    fn commit(&mut self, decided: Decided) -> Turn {
        let warehouse = self.task.warehouse.clone();
        let (attempt, prepared_at_ms) = (decided.attempt(), decided.prepared_at_ms());
        let database = Arc::clone(warehouse.database());
        let tables = decided.tables();
        let (outcomes, _) = self.start(async move {
            let commits: Vec<_> = tables
                .into_iter()
                .map(|table| {
                    let (warehouse, database) = (warehouse.clone(), Arc::clone(&database));
                    let id = TransactionId {
                        database,
                        table,
                        attempt,
                    };
                    tokio::spawn(async move { warehouse.roll_forward(id, prepared_at_ms).await })
                })
                .collect();
            let mut outcomes = Vec::with_capacity(commits.len());
            for commit in commits {
                match commit.await {
                    Ok(outcome) => outcomes.push(outcome),
                    Err(panic) => std::panic::resume_unwind(panic.into_panic()),
                }
            }
            outcomes
        });
        for (partition, share) in decided.shares() {
            if let Some(position) = self.positions.get_mut(partition) {
                *position = share.end;
            }
        }
        self.committing = Some(Committing { decided, outcomes });
        if self.replay.is_empty() {
            Ok(())
        } else {
            self.end_replay()
        }
    }

    /// The owed rows are in: what follows them may be read.
    fn end_replay(&mut self) -> Turn {
        self.await_visible()?;
        self.settle()?;
        self.start_reading()
    }

    /// Looks whether the commit of the round before is through.
    pub(super) fn collect_commit(&mut self) -> Turn {
        let Some(committing) = &self.committing else {
            return Ok(());
        };
        match committing.outcomes.try_recv() {
            Err(TryRecvError::Empty) => Ok(()),
            Ok(outcomes) => {
                let Some(Committing { decided, .. }) = self.committing.take() else {
                    return Ok(());
                };
                self.became_visible(decided, outcomes)
            }
            // Its panic is told where it is waited for.
            Err(TryRecvError::Disconnected) => self.await_visible(),
        }
    }

    /// Waits for the commit of the round before.
    pub(super) fn await_visible(&mut self) -> Turn {
        let Some(Committing { decided, outcomes }) = self.committing.take() else {
            return Ok(());
        };
        self.enter("committing a round");
        match self.wait_for(&outcomes) {
            Ok(outcomes) => self.became_visible(decided, outcomes),
            Err(halt) => {
                self.committing = Some(Committing { decided, outcomes });
                Err(halt)
            }
        }
    }

    fn became_visible(
        &mut self,
        decided: Decided,
        outcomes: Vec<Result<Settled, CallError>>,
    ) -> Turn {
        let shown = self.show(decided, outcomes);
        if shown.is_err() {
            // Its plan is all that remembers it: only recovery may speak for these partitions again.
            self.ledger = None;
        }
        shown
    }

    fn show(&mut self, decided: Decided, outcomes: Vec<Result<Settled, CallError>>) -> Turn {
        let mut proofs = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            match self.settled(outcome)? {
                Settled::Committed(proof) => proofs.push(proof),
                Settled::Owed(id) => {
                    return Err(Halt::Recover(format!(
                        "StarRocks has aborted the decided transaction of round {} for table {}",
                        id.attempt, id.table
                    )));
                }
                Settled::InDoubt(_) | Settled::Defect(_) => {}
            }
        }
        let round = decided.attempt();
        let visible = decided.visible(&proofs).map_err(|missing| {
            failed(format!(
                "tables {:?} of round {round} have no certain answer to their commit",
                missing.0
            ))
        })?;
        self.reached(Step::Committed);
        if let Some(ledger) = &mut self.ledger {
            ledger.visible(&visible);
        }
        for (partition, share) in visible.shares() {
            if let Some(position) = self.positions.get_mut(partition) {
                *position = (*position).max(share.end);
            }
        }
        self.again = super::Again::default();
        Counters::add(&self.task.status.counters.rounds, 1);
        let wait = match self.task.settings.guarantee {
            DeliveryGuarantee::ExactlyOnce => SETTLE_AFTER,
            DeliveryGuarantee::AtLeastOnce => Duration::ZERO,
        };
        self.settle_at = Some(self.now() + wait);
        tracing::debug!(round = %round, tables = proofs.len(), "round visible");
        Ok(())
    }

    /// Turns what nobody can go on from into the end of the task.
    pub(super) fn settled(&self, outcome: Result<Settled, CallError>) -> Turn<Settled> {
        match outcome {
            Ok(Settled::InDoubt(id)) => Err(failed(format!(
                "round {} was decided, but StarRocks remembers nothing of its transaction for table {} in database {}, \
                 and it may have timed out since. Look whether its rows are in the table, then set starrocks.in.doubt to \
                 skip (they are) or replay (they are not) and start again",
                id.attempt, id.table, id.database
            ))),
            Ok(Settled::Defect(id)) => Err(failed(format!(
                "round {} was decided, but its transaction for table {} was never prepared; this is a defect of \
                 starrocks-kafka, please report it",
                id.attempt, id.table
            ))),
            Ok(settled) => Ok(settled),
            Err(error) => Err(failed(format!(
                "a decided round cannot be committed: {error}. It is committed when the task starts again"
            ))),
        }
    }

    pub(super) fn settle_if_due(&mut self) -> Turn {
        let due = self.settle_at.is_some_and(|at| self.now() >= at);
        if due && self.committing.is_none() {
            self.settle()
        } else {
            Ok(())
        }
    }

    /// Stores the settled offsets, where they are not stored yet.
    pub(super) fn settle(&mut self) -> Turn {
        self.settle_at = None;
        if self
            .ledger
            .as_ref()
            .is_none_or(crate::ledger::Ledger::is_stored)
        {
            return Ok(());
        }
        self.enter("settling offsets");
        self.reached(Step::Settling);
        match self.task.settings.guarantee {
            DeliveryGuarantee::ExactlyOnce => self.claim()?,
            DeliveryGuarantee::AtLeastOnce => self.commit_plain()?,
        }
        self.reached(Step::Settled);
        Ok(())
    }

    /// Stores claims on every assigned partition, in this generation.
    pub(super) fn claim(&mut self) -> Turn {
        let ended = self.attempt();
        loop {
            self.look_for_events()?;
            let Some(ledger) = &mut self.ledger else {
                return Ok(());
            };
            let claims = ledger.claim(ended);
            match self.kafka.decide(&claims, &[]) {
                Decision::Committed => {
                    ledger.stored();
                    self.task.remembered.stored(&claims);
                    return Ok(());
                }
                Decision::Refused(error) => return Err(self.refused(error)),
                // The same claim once more is harmless.
                Decision::Unclear(error) => self.renew_producer(&error)?,
            }
        }
    }

    fn commit_plain(&mut self) -> Turn {
        const WHAT: &str = "commit offsets";
        let Some(ledger) = &mut self.ledger else {
            return Ok(());
        };
        let offsets = ledger.plain();
        match self.kafka.commit_plain(&offsets) {
            Ok(()) => {
                ledger.stored();
                self.task.remembered.stored(&offsets);
                let now = self.now();
                self.task.status.succeeded(now, WHAT);
            }
            Err(error) if error.kind == KafkaErrorKind::Permanent => {
                return Err(self.refused(error));
            }
            Err(error) => {
                self.task
                    .status
                    .try_again(self.now(), WHAT, &error.message, false);
                self.settle_at = Some(self.now() + SETTLE_AFTER);
            }
        }
        Ok(())
    }

    /// Replaces the producer, for as long as it takes.
    pub(super) fn renew_producer(&mut self, because: &KafkaError) -> Turn {
        const WHAT: &str = "renew the transactional producer";
        tracing::debug!("renewing the transactional producer: {because}");
        loop {
            match self.kafka.replace_producer() {
                Ok(()) => {
                    self.task.status.succeeded(self.now(), WHAT);
                    return Ok(());
                }
                Err(error) if error.kind == KafkaErrorKind::Transient => {
                    self.task
                        .status
                        .try_again(self.now(), WHAT, &error.message, false);
                    self.rest_through(RENEW_EVERY)?;
                }
                Err(error) => return Err(self.refused(error)),
            }
        }
    }
}
