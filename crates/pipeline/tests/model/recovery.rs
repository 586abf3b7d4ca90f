//! A worker's steps from an event of the group to its first fetch: `task/recover.rs`, and the events of `task.rs`.

use std::collections::BTreeMap;

use starrocks_kafka_pipeline::recovery::{Fate, Reading, Settle};

use crate::bounds::{PARTITIONS_MAX, Rule};
use crate::kafka::Event;
use crate::notes::{
    self, CONNECTOR, Label, Offsets, Set, label, members, partition, place, table_names,
};
use crate::system::{Broken, Late, State, World};
use crate::worker::{Books, Exit, NOWHERE, Purpose, Step, Then};

impl World {
    /// What the group has to tell reaches the worker.
    pub(crate) fn poll(&self, state: &mut State, w: u8) {
        let Some(news) = self.news(state, w) else {
            return;
        };
        let generation = state.group.generation;
        let worker = state.worker(w);
        worker.event = Some(news);
        match news {
            Event::Lost => worker.generation = None,
            Event::Assigned(_) => worker.generation = Some(generation),
            Event::Revoked(_) if self.bounds.is_cooperative => {
                worker.generation = Some(generation);
            }
            Event::Revoked(_) => {}
        }
        if worker.step == Step::Joining {
            worker.step = Step::Idle;
        }
    }

    /// Looks at what comes before reading on: a decided round that was aborted, then an event.
    pub(crate) fn turn(&self, state: &mut State, w: u8) {
        let worker = &state.workers[usize::from(w)];
        let is_lost = worker.event == Some(Event::Lost);
        if self.must_recover(state, w) && !is_lost {
            self.recover_for_owed(state, w);
            return;
        }
        let Some(event) = worker.event else { return };
        if !self.breaks(Rule::Wall) && !self.finish(state, w, is_lost) {
            return;
        }
        let worker = state.worker(w);
        worker.event = None;
        match event {
            Event::Assigned(owned) => {
                worker.owned = owned;
                self.recover(state, w);
            }
            Event::Revoked(partitions) => self.let_go(state, w, partitions, false),
            Event::Lost => {
                let owned = worker.owned;
                self.let_go(state, w, owned, true);
            }
        }
    }

    /// Brings what was read home, or gives it up. Returns whether there is nothing more to do.
    fn finish(&self, state: &mut State, w: u8, is_lost: bool) -> bool {
        let worker = state.worker(w);
        if let Some(filling) = worker.filling {
            let partitions = 0..self.bounds.partitions;
            let mut rest = partitions.map(|p| worker.position(&self.bounds, p));
            let is_part_of_replay = worker.owes() && rest.any(|next| next.is_some());
            if is_lost || is_part_of_replay {
                worker.filling = None;
                worker.step = Step::RollingBack {
                    tables: filling.begun,
                    then: Then::Idle,
                };
            } else {
                self.seal(state, w);
            }
            return false;
        }
        if let Some(committing) = worker.committing {
            if committing.is_in_doubt {
                self.recover_for_owed(state, w);
                return false;
            }
            if committing.left == 0 {
                worker.committing = None;
                worker.books = None;
            }
            return false;
        }
        if !is_lost && worker.books.is_some_and(|books| !books.is_stored) {
            worker.step = Step::Sending(Purpose::Claim);
            return false;
        }
        true
    }

    /// Gives partitions to the group.
    fn let_go(&self, state: &mut State, w: u8, partitions: Set, is_lost: bool) {
        let worker = state.worker(w);
        let has_round = self.breaks(Rule::Wall) && !is_lost && self.bounds.is_cooperative;
        if !has_round {
            worker.books = None;
            worker.filling = None;
            worker.ended = NOWHERE;
        }
        worker.owned &= !partitions;
        if self.bounds.is_cooperative && !is_lost {
            state.group.revoking &= !(1 << w);
            state.group.is_rebalancing = true;
        } else {
            worker.owned = 0;
            worker.generation = None;
            worker.step = Step::Joining;
            state.group.join(w);
        }
    }

    /// Whether the decided round was aborted in StarRocks, or nobody can tell.
    pub(crate) fn must_recover(&self, state: &State, w: u8) -> bool {
        let committing = state.workers[usize::from(w)].committing;
        committing.is_some_and(|c| c.left == 0 && (c.is_owed || c.is_in_doubt))
    }

    /// A decided round was aborted: what fills is given up, and recovery begins in this membership.
    pub(crate) fn recover_for_owed(&self, state: &mut State, w: u8) {
        let worker = state.worker(w);
        let Some(committing) = worker.committing.take() else {
            return;
        };
        worker.books = None;
        let tables = worker.filling.take().map_or(0, |filling| filling.begun);
        let then = if committing.is_in_doubt {
            Then::Leave(Exit::InDoubt)
        } else {
            Then::Recover
        };
        worker.step = Step::RollingBack { tables, then };
    }

    /// Recovery begins, as another stay.
    pub(crate) fn recover(&self, state: &mut State, w: u8) {
        let worker = state.worker(w);
        worker.books = None;
        worker.filling = None;
        worker.ended = NOWHERE;
        worker.step = if worker.owned == 0 {
            Step::Idle
        } else {
            Step::Reading
        };
    }

    /// Reads the stored offsets.
    pub(crate) fn read(&self, state: &mut State, w: u8) {
        let owned = state.worker(w).owned;
        let mut read = [None; PARTITIONS_MAX];
        for p in members(owned).map(usize::from) {
            read[p] = state.group.stored[p];
        }
        let reading = self.reading(&read, owned);
        let todo = reading.decided().into_iter();
        let todo = todo.map(|(id, prepared_at_ms)| {
            let mut days = (0..=state.day).filter(|day| notes::epoch_ms(*day) == prepared_at_ms);
            let day = days.next().expect("it was sealed on one of these days");
            (label(&id), day)
        });
        state.worker(w).step = Step::Settling {
            read,
            todo: todo.collect(),
            owed: Vec::new(),
        };
        self.end_settling(state, w);
    }

    /// Production's reading of stored offsets.
    fn reading(&self, offsets: &Offsets, partitions: Set) -> Reading {
        let stored = notes::committed(offsets, partitions);
        Reading::of(stored, CONNECTOR).expect("nothing here is newer")
    }

    /// Settles the next label of what was read.
    pub(crate) fn settle_read(&self, state: &mut State, w: u8, is_lost: bool) {
        let Step::Settling {
            mut todo,
            mut owed,
            read,
        } = state.worker(w).step.clone()
        else {
            return;
        };
        let (label, day) = todo.remove(0);
        match self.settle(state, label, day) {
            Settle::Commit if is_lost => {
                // It is asked again.
                state.late.push(Late::Commit(label));
                return;
            }
            Settle::Commit => state.starrocks.commit(label),
            Settle::Done => {}
            Settle::Owed => owed.push(label),
            Settle::InDoubt => {
                self.leave(state, w, Exit::InDoubt);
                return;
            }
            Settle::Defect => state.broken = Some(Broken::NeverPrepared),
        }
        state.worker(w).step = Step::Settling { read, todo, owed };
        self.end_settling(state, w);
    }

    /// Once every label is settled: claim.
    fn end_settling(&self, state: &mut State, w: u8) {
        let Step::Settling { read, todo, owed } = &state.workers[usize::from(w)].step else {
            return;
        };
        if !todo.is_empty() {
            return;
        }
        let owned = state.workers[usize::from(w)].owned;
        let reading = self.reading(read, owned);
        let tables = match self.bounds.announced_max {
            None => table_names(self.bounds.all_tables()),
            // Only what is stored tells them.
            Some(_) => Vec::new(),
        };
        let left = reading.left_open(|_| tables.clone());
        let mut left: Vec<Label> = left.iter().map(label).collect();
        if self.breaks(Rule::RollBackLeftOpen) {
            left.clear();
        }
        let reset: BTreeMap<_, _> = members(owned).map(|p| (partition(p), 0)).collect();
        let mut places = [None; PARTITIONS_MAX];
        let is_owed = |id: &_| owed.contains(&label(id));
        for (partition, mut standing) in reading.standings(is_owed, &reset) {
            if self.breaks(Rule::ClaimNamesLeftOpen) {
                standing.left_open.clear();
            }
            places[usize::from(notes::number(&partition))] = Some(place(&standing));
        }
        let ended = state.fresh_epoch();
        let worker = state.worker(w);
        worker.ended = ended;
        worker.books = Some(Books {
            places,
            is_stored: false,
        });
        if self.breaks(Rule::ClaimBeforeRollback) {
            for label in left.drain(..) {
                if state.starrocks.roll_back(label) {
                    state.broken = Some(Broken::DecidedRolledBack);
                }
            }
        }
        state.worker(w).step = Step::Sending(Purpose::TakeOver(left));
    }

    /// Rolls back the next transaction that an earlier holder left open.
    pub(crate) fn roll_left_open(&self, state: &mut State, w: u8, is_lost: bool) {
        let Step::RollingLeftOpen(mut left) = state.worker(w).step.clone() else {
            return;
        };
        let label = left.remove(0);
        if is_lost {
            state.late.push(Late::RollBack(label));
            return;
        }
        if state.starrocks.fate(label) == Fate::Committed {
            state.broken = Some(Broken::RollBackOfCommitted);
        } else if state.starrocks.roll_back(label) {
            state.broken = Some(Broken::DecidedRolledBack);
        }
        if left.is_empty() {
            state.worker(w).rolled_back();
        } else {
            state.worker(w).step = Step::RollingLeftOpen(left);
        }
    }
}
