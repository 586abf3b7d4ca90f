//! Rounds that are given up: rolled back until that is certain, and begun again where that makes sense.

use std::collections::BTreeSet;

use super::refusals::RoundRows;
use super::{Filling, Halt, Session, SessionEnd, Turn, failed, rejoin};
use crate::backoff::Backoff;
use crate::kafka::{CommittedOffset, Kafka};
use crate::load::open_transactions;
use crate::metadata::Attempt;
use crate::recovery::TransactionId;
use crate::round::Prepared;
use crate::settings::DeliveryGuarantee;
use crate::status::Counters;
use crate::table_load::{AGAIN, Begun, FailureKind, LoadFailure};
use crate::warehouse::RollbackError;

/// Rounds given up since the last one that became visible.
#[derive(Debug, Default)]
pub(super) struct Again {
    rounds: u32,
    /// Those that StarRocks answered and refused.
    refused: u32,
    first_refusal: Option<String>,
}

impl<K: Kafka> Session<'_, K> {
    /// The round's rows are not in: they are read again, in another attempt.
    pub(super) fn begin_again(
        &mut self,
        attempt: Attempt,
        begun: &Begun,
        failure: LoadFailure,
        rows: &RoundRows,
    ) -> Turn {
        tracing::debug!(round = %attempt, "a round is given up: {failure}");
        let is_permanent = failure.kind == FailureKind::Permanent;
        let tolerated = match self.tolerates(&failure, rows) {
            Ok(is_tolerated) => is_tolerated.then_some(()).ok_or(failure.to_string()),
            Err(given_up) => Err(given_up),
        };
        if !is_permanent {
            // Before the rollback, which may have to be tried for long itself.
            let unavailable = failure.kind == FailureKind::Unavailable;
            let status = &self.task.status;
            status.try_again(self.now(), AGAIN, &failure.to_string(), unavailable);
        }
        self.enter("rolling a round back");
        let rolled_back = self.roll_back_round(attempt, begun);
        match rolled_back.and_then(|()| self.await_visible()) {
            Ok(()) if is_permanent => tolerated.clone().map_err(failed)?,
            Ok(()) => {}
            Err(Halt::End(SessionEnd::Failed(other))) => {
                return Err(failed(format!("{failure}; then {other}")));
            }
            Err(halt) => return Err(halt),
        }
        if is_permanent {
            // What was refused is known better now: nothing is to be waited for.
            return self.read_again(attempt);
        }
        self.again.rounds += 1;
        if failure.kind == FailureKind::Refused {
            self.again.refused += 1;
            let first = self
                .again
                .first_refusal
                .get_or_insert_with(|| failure.to_string());
            if let Some(max) = self.task.settings.retries_max
                && self.again.refused > max
            {
                return Err(failed(format!(
                    "StarRocks refused {} rounds in a row (sink.maxretries={max}), the first one because of {first}",
                    self.again.refused
                )));
            }
        }
        let mut backoff = Backoff::new();
        for _ in 1..self.again.rounds {
            backoff.next_wait();
        }
        self.claim_ended(attempt)?;
        self.rest(backoff.next_wait())?;
        self.start_reading()
    }

    fn read_again(&mut self, attempt: Attempt) -> Turn {
        self.claim_ended(attempt)?;
        self.start_reading()
    }

    /// The attempt is over: only the one after it may have open transactions.
    fn claim_ended(&mut self, attempt: Attempt) -> Turn {
        Counters::add(&self.task.status.counters.rounds_again, 1);
        self.ended = attempt.round;
        match self.task.settings.guarantee {
            DeliveryGuarantee::ExactlyOnce => self.claim(),
            DeliveryGuarantee::AtLeastOnce => Ok(()),
        }
    }

    /// Gives the open round up. Nothing of it is or will be visible.
    pub(super) fn abandon_round(&mut self) -> Turn {
        self.batch = None;
        self.batches.clear();
        let Some(Filling { round, loads, .. }) = self.filling.take() else {
            return Ok(());
        };
        let (attempt, begun) = (round.attempt(), loads.begun());
        self.wait(loads.abandon())?;
        self.roll_back_round(attempt, &begun)
    }

    /// The plan of a round is not stored: it never was, or another holder has dealt with it since.
    pub(super) fn end_undecided(
        &mut self,
        round: &Prepared,
        stored: &[CommittedOffset],
        begun: &Begun,
    ) -> Halt {
        let open = self.open_of(round.attempt(), begun);
        match self.try_roll_back(open) {
            Err(halt) => halt,
            Ok(Ok(())) => rejoin("Kafka did not store the decision of a round; it was rolled back"),
            Ok(Err(RollbackError::Committed { .. }))
                if round.is_overtaken(stored, &self.task.settings.connector) =>
            {
                rejoin(
                    "a round was decided and its partitions were given to another member, which has settled it",
                )
            }
            Ok(Err(error)) => cannot_roll_back(&error),
        }
    }

    fn open_of(&self, attempt: Attempt, begun: &Begun) -> BTreeSet<TransactionId> {
        open_transactions(attempt, self.task.warehouse.database(), begun)
    }

    pub(super) fn roll_back_round(&mut self, attempt: Attempt, begun: &Begun) -> Turn {
        let open = self.open_of(attempt, begun);
        self.roll_back(open)
    }

    /// Rolls transactions back that were never decided, until that is certain.
    pub(super) fn roll_back(&mut self, open: BTreeSet<TransactionId>) -> Turn {
        self.try_roll_back(open)?
            .map_err(|error| cannot_roll_back(&error))
    }

    /// All of them, whatever becomes of one; the first that could not be.
    fn try_roll_back(&mut self, open: BTreeSet<TransactionId>) -> Turn<Result<(), RollbackError>> {
        if open.is_empty() {
            return Ok(Ok(()));
        }
        let warehouse = self.task.warehouse.clone();
        self.wait(async move {
            let mut result = Ok(());
            for id in open {
                let ended = warehouse.roll_back(id).await;
                result = result.and(ended);
            }
            result
        })
    }
}

fn cannot_roll_back(error: &RollbackError) -> Halt {
    failed(format!("cannot roll back: {error}"))
}
