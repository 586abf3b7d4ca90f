//! What goes wrong, and what arrives late.

use starrocks_kafka_pipeline::recovery::Fate;

use crate::bounds::Rule;
use crate::decisions::Sending;
use crate::notes::Label;
use crate::system::{Broken, Fault, Late, State, World};
use crate::worker::{Step, Worker};

impl World {
    /// The worker's next step.
    pub(crate) fn step(&self, state: &mut State, w: u8) {
        match state.workers[usize::from(w)].step {
            Step::Idle => self.turn(state, w),
            Step::Preparing { .. } => self.prepare(state, w, false),
            Step::Prepared => self.decide(state, w),
            Step::Sending(_) => self.send(state, w, Sending::Answered),
            Step::Ending { .. } => self.end(state, w, false),
            Step::Unclear(_) => self.replace(state, w),
            Step::Asking => self.ask(state, w),
            Step::RollingBack { .. } => self.roll_back(state, w, false),
            Step::BeginningAgain => self.begin_again(state, w),
            Step::Reading => self.read(state, w),
            Step::Settling { .. } => self.settle_read(state, w, false),
            Step::RollingLeftOpen(_) => self.roll_left_open(state, w, false),
            Step::Out | Step::Dead | Step::Joining | Step::Failed => {}
        }
    }

    /// The same step, but its request is late and its answer does not come.
    fn lose(&self, state: &mut State, w: u8) {
        match state.workers[usize::from(w)].step {
            Step::Preparing { .. } => self.prepare(state, w, true),
            Step::Sending(_) => self.send(state, w, Sending::Lost),
            Step::Ending { .. } => self.end(state, w, true),
            Step::RollingBack { .. } => self.roll_back(state, w, true),
            Step::Settling { .. } => self.settle_read(state, w, true),
            Step::RollingLeftOpen(_) => self.roll_left_open(state, w, true),
            _ => {}
        }
    }

    /// Something goes wrong.
    pub(crate) fn fail(&self, state: &mut State, fault: Fault) {
        let left = &mut state.left;
        match fault {
            Fault::Crash(_) => left.crashes -= 1,
            Fault::Expel(_) => left.expulsions -= 1,
            Fault::Rebalance => left.rebalances -= 1,
            Fault::Abort(_) => left.aborts -= 1,
            Fault::Forget => left.forgets -= 1,
            Fault::Day(_) => left.days -= 1,
            _ => left.losses -= 1,
        }
        match fault {
            Fault::Crash(w) => self.crash(state, w),
            Fault::Expel(w) => state.group.remove(w),
            Fault::Rebalance => {
                state.group.is_rebalancing = true;
                state.group.may_move = true;
            }
            Fault::Lose(w) => self.lose(state, w),
            Fault::LoseAborted(w) => self.send(state, w, Sending::LostAndAborted),
            Fault::SendTwice(w) => self.send(state, w, Sending::Twice),
            Fault::LoseBegin(w, p) => self.lose_begin(state, w, p),
            Fault::LoseLoad(w, p) => self.lose_load(state, w, p),
            Fault::LoseCommit(w, table) => {
                if let Some(committing) = state.worker(w).committing {
                    let attempt = committing.attempt;
                    state.late.push(Late::Commit(Label { attempt, table }));
                }
            }
            Fault::TimeOut(producer) => state.fence(producer),
            Fault::Abort(label) => state.starrocks.abort(|t| t.label == label),
            Fault::Forget => self.forget(state),
            Fault::Day(is_forgotten) => {
                state.starrocks.abort(|_| true);
                if is_forgotten {
                    state.starrocks.transactions.clear();
                }
                state.day += 1;
            }
        }
    }

    /// The process ends. What it has open in Kafka stays until the coordinator aborts it.
    fn crash(&self, state: &mut State, w: u8) {
        let worker = state.worker(w);
        *worker = Worker {
            step: Step::Dead,
            ..Worker::joining(None)
        };
    }

    fn forget(&self, state: &mut State) {
        let mut excused = 0;
        let visible = state.starrocks.visible.once;
        let transactions = &mut state.starrocks.transactions;
        transactions.retain(|t| !self.is_forgettable(t.fate));
        if self.bounds.forgets_aborted {
            // The hole that is documented: whatever is not visible may be lost by it.
            excused = self.bounds.all_records() & !visible;
        }
        state.excused |= excused;
    }

    /// A late request arrives.
    pub(crate) fn deliver(&self, state: &mut State, late: Late) {
        match late {
            Late::Begin(label) => {
                state.starrocks.begin(label, true);
            }
            Late::Load(label, record) => {
                state.starrocks.load(label, record);
            }
            Late::Prepare(label) => state.starrocks.prepare(label),
            Late::Commit(label) => {
                if state.starrocks.fate(label) == Fate::Prepared {
                    state.starrocks.commit(label);
                }
            }
            Late::RollBack(label) => {
                if state.starrocks.roll_back(label) {
                    state.broken = Some(Broken::DecidedRolledBack);
                }
            }
            Late::Offsets {
                worker,
                generation,
                producer,
                offsets,
            } => {
                if state.group.accepts(worker, generation) || self.breaks(Rule::GroupFence) {
                    state.group.send(producer, &offsets);
                }
            }
            Late::End(producer) => {
                if let Some(offsets) = state.group.end(producer) {
                    state.stored(&offsets);
                }
            }
        }
    }
}
