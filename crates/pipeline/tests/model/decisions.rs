//! A worker's Kafka transactions, and what their answers mean: the second half of `task/finish.rs`, and the half of
//! a decision that is the Kafka client's.

use starrocks_kafka_pipeline::recovery::Fate;
use starrocks_kafka_pipeline::round::Grounds;

use crate::bounds::Rule;
use crate::notes::{self, CONNECTOR, Label, Offsets, members};
use crate::system::{Broken, Late, State, World};
use crate::worker::{Exit, Purpose, Step, Then};

/// What becomes of the offsets that a worker sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sending {
    Answered,
    /// They are late; there is no answer.
    Lost,
    /// They are late; the transaction is aborted for want of an answer, and that is answered.
    LostAndAborted,
    /// Answered, and a second copy is late.
    Twice,
}

impl World {
    /// Sends offsets within a Kafka transaction.
    pub(crate) fn send(&self, state: &mut State, w: u8, sending: Sending) {
        let worker = state.worker(w);
        let Step::Sending(purpose) = worker.step.clone() else {
            return;
        };
        let offsets = self.offsets(state, w, &purpose);
        let Some(generation) = state.worker(w).generation else {
            // The group has expelled it: nothing is sent.
            self.refused(state, w, purpose);
            return;
        };
        let is_spent = state.worker(w).is_spent && !self.breaks(Rule::ReplaceTwice);
        let producer = match state.worker(w).producer {
            Some(producer) if !is_spent => producer,
            // Replaced before anything of this transaction is sent.
            _ => state.replace_producer(w),
        };
        let late = Late::Offsets {
            worker: w,
            generation,
            producer,
            offsets,
        };
        let is_taken = state.group.accepts(w, generation) || self.breaks(Rule::GroupFence);
        match sending {
            Sending::Lost => {
                state.late.push(late);
                state.worker(w).step = Step::Unclear(purpose);
            }
            Sending::LostAndAborted => {
                state.late.push(late);
                state.worker(w).is_spent = true;
                self.refused(state, w, purpose);
            }
            Sending::Answered | Sending::Twice if is_taken => {
                let is_twice = sending == Sending::Twice;
                state.group.send(producer, &offsets);
                if is_twice {
                    state.late.push(late);
                }
                state.worker(w).step = Step::Ending { purpose, is_twice };
            }
            Sending::Answered | Sending::Twice => self.refused(state, w, purpose),
        }
    }

    fn offsets(&self, state: &State, w: u8, purpose: &Purpose) -> Offsets {
        let worker = &state.workers[usize::from(w)];
        let mut offsets = match purpose {
            Purpose::Decision => worker.decision(&self.bounds),
            Purpose::Claim | Purpose::TakeOver(_) => worker.claim(),
        };
        for stored in offsets.iter_mut() {
            let Some(notes::Stored {
                note: notes::Note::Claim { owed, .. },
                ..
            }) = stored
            else {
                continue;
            };
            if self.breaks(Rule::ClaimRepeatsOwed) {
                *owed = None;
            }
            if self.breaks(Rule::ClaimWithoutRows) && *purpose == Purpose::Decision {
                *stored = None;
            }
        }
        offsets
    }

    /// Asks for the end of the Kafka transaction.
    pub(crate) fn end(&self, state: &mut State, w: u8, is_lost: bool) {
        let worker = state.worker(w);
        let Step::Ending { purpose, is_twice } = worker.step.clone() else {
            return;
        };
        let Some(producer) = worker.producer else {
            // The coordinator has aborted it meanwhile; to the client that is an error of the commit.
            worker.step = Step::Unclear(purpose);
            return;
        };
        if is_lost {
            worker.step = Step::Unclear(purpose);
            state.late.push(Late::End(producer));
            return;
        }
        worker.is_spent = is_twice;
        let Some(stored) = state.group.end(producer) else {
            // Something late has ended it.
            state.worker(w).step = Step::Unclear(purpose);
            return;
        };
        state.stored(&stored);
        match purpose {
            Purpose::Decision => self.decided(state, w),
            Purpose::Claim | Purpose::TakeOver(_) => self.claimed(state, w, purpose),
        }
    }

    /// A producer in the place of the one whose answer did not come.
    pub(crate) fn replace(&self, state: &mut State, w: u8) {
        let Step::Unclear(purpose) = state.worker(w).step.clone() else {
            return;
        };
        if !self.breaks(Rule::ReplaceUnclear) || state.worker(w).producer.is_none() {
            state.replace_producer(w);
        }
        state.worker(w).step = match purpose {
            Purpose::Decision if self.breaks(Rule::AskUnclear) => self.end_undecided(state, w),
            Purpose::Decision => Step::Asking,
            // The same claim once more is harmless.
            Purpose::Claim | Purpose::TakeOver(_) => Step::Sending(purpose),
        };
    }

    /// Reads whether the round is decided.
    pub(crate) fn ask(&self, state: &mut State, w: u8) {
        if self.is_decided(state, w) {
            self.decided(state, w);
        } else {
            state.worker(w).step = self.end_undecided(state, w);
        }
    }

    /// Production's reading of the stored offsets.
    pub(crate) fn is_decided(&self, state: &State, w: u8) -> bool {
        let worker = &state.workers[usize::from(w)];
        let Some(filling) = worker.filling else {
            return false;
        };
        let stored = notes::committed(&state.group.stored, worker.covered());
        let prepared = filling.prepared(&self.bounds, worker.attempt());
        Grounds::of_stored_offsets(&prepared, &stored, CONNECTOR).is_some()
    }

    fn end_undecided(&self, state: &mut State, w: u8) -> Step {
        let stored = state.group.stored;
        let filling = state.worker(w).filling;
        Step::RollingBack {
            tables: filling.map_or(0, |filling| filling.begun),
            then: Then::LeaveUndecided(stored),
        }
    }

    fn refused(&self, state: &mut State, w: u8, purpose: Purpose) {
        match purpose {
            Purpose::Decision => {
                let worker = state.worker(w);
                let filling = worker.filling.take();
                worker.step = Step::RollingBack {
                    tables: filling.map_or(0, |filling| filling.begun),
                    then: Then::Leave(Exit::Rejoin),
                };
            }
            Purpose::Claim | Purpose::TakeOver(_) => self.leave(state, w, Exit::Rejoin),
        }
    }

    fn claimed(&self, state: &mut State, w: u8, purpose: Purpose) {
        let worker = state.worker(w);
        if let Some(books) = &mut worker.books {
            let mut ledger = books.ledger();
            ledger.stored();
            books.is_stored = ledger.is_stored();
        }
        match purpose {
            Purpose::TakeOver(left) if left.is_empty() => worker.rolled_back(),
            Purpose::TakeOver(left) => worker.step = Step::RollingLeftOpen(left),
            Purpose::Decision | Purpose::Claim => worker.step = Step::Idle,
        }
    }

    /// Rolls the next table of the own round back. A request that is lost is repeated.
    pub(crate) fn roll_back(&self, state: &mut State, w: u8, is_lost: bool) {
        let worker = &state.workers[usize::from(w)];
        let Step::RollingBack { tables, then } = worker.step.clone() else {
            return;
        };
        let attempt = worker.attempt();
        let Some(table) = members(tables).next() else {
            self.rolled_back(state, w, then);
            return;
        };
        let label = Label { attempt, table };
        if is_lost {
            state.late.push(Late::RollBack(label));
            return;
        }
        if state.starrocks.fate(label) == Fate::Committed {
            if !self.is_overtaken(state, w, &then) {
                state.broken = Some(Broken::RollBackOfCommitted);
            }
        } else if state.starrocks.roll_back(label) {
            state.broken = Some(Broken::DecidedRolledBack);
        }
        let tables = tables & !(1 << table);
        if tables == 0 {
            self.rolled_back(state, w, then);
        } else {
            state.worker(w).step = Step::RollingBack { tables, then };
        }
    }

    /// Whether the committed transaction of an undecided round is another holder's work.
    pub(crate) fn is_overtaken(&self, state: &State, w: u8, then: &Then) -> bool {
        let worker = &state.workers[usize::from(w)];
        let (Then::LeaveUndecided(stored), Some(filling)) = (then, worker.filling) else {
            return false;
        };
        let prepared = filling.prepared(&self.bounds, worker.attempt());
        let stored = notes::committed(stored, worker.covered());
        prepared.is_overtaken(&stored, CONNECTOR)
    }

    fn rolled_back(&self, state: &mut State, w: u8, then: Then) {
        let worker = state.worker(w);
        worker.filling = None;
        match then {
            Then::BeginAgain => worker.step = Step::BeginningAgain,
            Then::Idle => worker.step = Step::Idle,
            Then::Recover => self.recover(state, w),
            Then::Leave(exit) => self.leave(state, w, exit),
            Then::LeaveUndecided(_) => self.leave(state, w, Exit::Rejoin),
        }
    }

    /// The failed attempt has ended: fenced by a claim, so that its number is never used again.
    pub(crate) fn begin_again(&self, state: &mut State, w: u8) {
        if self.must_recover(state, w) {
            self.recover_for_owed(state, w);
            return;
        }
        let worker = state.worker(w);
        if !self.breaks(Rule::LabelOnce) {
            worker.ended = worker.attempt();
        }
        worker.step = Step::Sending(Purpose::Claim);
    }

    /// The session ends: what is open is rolled back, and the group left.
    pub(crate) fn leave(&self, state: &mut State, w: u8, exit: Exit) {
        let worker = state.worker(w);
        if let Some(filling) = worker.filling.take() {
            worker.step = Step::RollingBack {
                tables: filling.begun,
                then: Then::Leave(exit),
            };
            return;
        }
        let committing = worker.committing.take();
        let producer = worker.producer;
        *worker = crate::worker::Worker::joining(producer);
        worker.step = match exit {
            Exit::Rejoin => Step::Out,
            Exit::InDoubt => Step::Failed,
        };
        if let Some(committing) = committing {
            // Its background goes on for as long as the process lives.
            let attempt = committing.attempt;
            let labels = members(committing.left).map(|table| Label { attempt, table });
            state.late.extend(labels.map(Late::Commit));
        }
        state.group.remove(w);
    }
}
