//! A worker's steps from a record to a visible round: `task/fill.rs` and the first half of `task/finish.rs`.

use starrocks_kafka_pipeline::recovery::{Fate, Settle, settle};

use crate::bounds::Rule;
use crate::notes::{Label, epoch_ms, members, table_name};
use crate::system::{Broken, Late, State, World};
use crate::worker::{Committing, Purpose, Step, Then};

impl World {
    /// Takes a record into the round; its row goes to its table's transaction, which is begun where it is not. Its table is
    /// announced first, where it was not.
    pub(crate) fn take(&self, state: &mut State, w: u8, p: u8) {
        if self
            .unannounced(&state.workers[usize::from(w)], p)
            .is_some()
        {
            self.announce(state, w, p);
            if !self.breaks(Rule::AnnounceBeforeBegin) {
                return;
            }
        }
        let Some((label, offset)) = self.cover(state, w, p) else {
            return;
        };
        let is_begun = self.is_begun(state, w, label.table);
        let is_fenced = state.is_fenced(label.attempt);
        let has_begun = is_begun || state.starrocks.begin(label, is_fenced);
        self.mark_begun(state, w, label.table);
        let record = self.bounds.record(p, offset);
        if !has_begun || !state.starrocks.load(label, record) {
            self.give_up(state, w);
        }
    }

    /// A begin whose answer does not come: the round is given up.
    pub(crate) fn lose_begin(&self, state: &mut State, w: u8, p: u8) {
        let Some((label, _)) = self.cover(state, w, p) else {
            return;
        };
        state.late.push(Late::Begin(label));
        self.mark_begun(state, w, label.table);
        self.give_up(state, w);
    }

    /// A load whose answer does not come: it may not be repeated, and the round is given up.
    pub(crate) fn lose_load(&self, state: &mut State, w: u8, p: u8) {
        let Some((label, offset)) = self.cover(state, w, p) else {
            return;
        };
        if !self.is_begun(state, w, label.table) {
            let is_fenced = state.is_fenced(label.attempt);
            state.starrocks.begin(label, is_fenced);
            self.mark_begun(state, w, label.table);
        }
        let record = self.bounds.record(p, offset);
        state.late.push(Late::Load(label, record));
        self.give_up(state, w);
    }

    /// Covers the next record. Returns where its row goes, if anywhere.
    fn cover(&self, state: &mut State, w: u8, p: u8) -> Option<(Label, u8)> {
        let worker = state.worker(w);
        let offset = worker.position(&self.bounds, p)?;
        let mut filling = worker.filling.unwrap_or_else(|| worker.open_round());
        if let Some(share) = &mut filling.shares[usize::from(p)] {
            share.end = offset + 1;
        }
        worker.filling = Some(filling);
        let table = filling.table(&self.bounds, p, offset)?;
        let attempt = worker.attempt();
        Some((Label { attempt, table }, offset))
    }

    fn is_begun(&self, state: &State, w: u8, table: u8) -> bool {
        let filling = state.workers[usize::from(w)].filling;
        filling.is_some_and(|filling| filling.begun >> table & 1 == 1)
    }

    fn mark_begun(&self, state: &mut State, w: u8, table: u8) {
        if let Some(filling) = &mut state.worker(w).filling {
            filling.begun |= 1 << table;
        }
    }

    /// The round is rolled back and begun again as another attempt.
    fn give_up(&self, state: &mut State, w: u8) {
        let worker = state.worker(w);
        let tables = worker.filling.take().map_or(0, |filling| filling.begun);
        worker.step = Step::RollingBack {
            tables,
            then: Then::BeginAgain,
        };
    }

    /// Takes no more records. The time is noted before anything is prepared.
    pub(crate) fn seal(&self, state: &mut State, w: u8) {
        let day = state.day;
        let worker = state.worker(w);
        if let Some(filling) = &mut worker.filling {
            filling.day = day;
        }
        worker.step = Step::Preparing {
            table: 0,
            has_failed: false,
            is_asking: false,
        };
    }

    /// Prepares the next table, or asks what became of it.
    pub(crate) fn prepare(&self, state: &mut State, w: u8, is_lost: bool) {
        let worker = &state.workers[usize::from(w)];
        let Step::Preparing {
            table,
            has_failed,
            is_asking,
        } = worker.step
        else {
            return;
        };
        let begun = worker.filling.map_or(0, |filling| filling.begun);
        let Some(table) = members(begun).find(|next| *next >= table) else {
            self.end_prepare(state, w, has_failed);
            return;
        };
        let label = Label {
            attempt: worker.attempt(),
            table,
        };
        if is_lost {
            state.late.push(Late::Prepare(label));
            state.worker(w).step = Step::Preparing {
                table,
                has_failed,
                is_asking: true,
            };
            return;
        }
        if !is_asking {
            state.starrocks.prepare(label);
        }
        let proof = state.starrocks.fate(label).prepared(table_name(table));
        let has_failed = has_failed || proof.is_none();
        if members(begun).any(|next| next > table) {
            state.worker(w).step = Step::Preparing {
                table: table + 1,
                has_failed,
                is_asking: false,
            };
        } else {
            self.end_prepare(state, w, has_failed);
        }
    }

    fn end_prepare(&self, state: &mut State, w: u8, has_failed: bool) {
        if has_failed {
            self.give_up(state, w);
            return;
        }
        if self.breaks(Rule::CommitBehindDecision) {
            let worker = state.worker(w);
            let (begun, attempt) = (worker.filling.map_or(0, |f| f.begun), worker.attempt());
            for table in members(begun) {
                state.starrocks.commit(Label { attempt, table });
            }
        }
        state.worker(w).step = Step::Prepared;
    }

    /// The round before is visible, or was aborted: decide, or recover.
    pub(crate) fn decide(&self, state: &mut State, w: u8) {
        let must_recover = self.must_recover(state, w);
        let worker = state.worker(w);
        if must_recover {
            self.recover_for_owed(state, w);
            return;
        }
        let filling = worker.filling.expect("a prepared round");
        if filling.begun == 0 {
            // Only skipped records: nothing is decided.
            let attempt = worker.attempt();
            worker.filling = None;
            worker.step = Step::Idle;
            worker.committing = Some(Committing::new(&self.bounds, filling, attempt));
            self.show(state, w);
            return;
        }
        worker.step = Step::Sending(Purpose::Decision);
    }

    /// The round is decided: it is committed in the background while the next one fills.
    pub(crate) fn decided(&self, state: &mut State, w: u8) {
        let worker = state.worker(w);
        let attempt = worker.attempt();
        let filling = worker.filling.take().expect("a round that was decided");
        worker.ended = attempt;
        worker.step = Step::Idle;
        let before = worker.committing.take();
        worker.committing = Some(Committing::new(&self.bounds, filling, attempt));
        if let Some(before) = before {
            // Only where it was not waited for: its background goes on.
            let labels = members(before.left).map(|table| Label {
                attempt: before.attempt,
                table,
            });
            state.late.extend(labels.map(Late::Commit));
        }
    }

    /// The background asks StarRocks about one table of the decided round, and commits it.
    pub(crate) fn commit(&self, state: &mut State, w: u8, table: u8) {
        let Some(committing) = state.workers[usize::from(w)].committing else {
            return;
        };
        let label = Label {
            attempt: committing.attempt,
            table,
        };
        let (mut done, mut is_owed, mut is_in_doubt) = (0, false, false);
        match self.settle(state, label, committing.round.day) {
            Settle::Commit => {
                state.starrocks.commit(label);
                done = 1 << table;
            }
            Settle::Done => done = 1 << table,
            Settle::Owed => is_owed = true,
            Settle::InDoubt => is_in_doubt = true,
            Settle::Defect => state.broken = Some(Broken::NeverPrepared),
        }
        if let Some(committing) = &mut state.worker(w).committing {
            committing.left &= !(1 << table);
            committing.done |= done;
            committing.is_owed |= is_owed;
            committing.is_in_doubt |= is_in_doubt;
        }
        self.show(state, w);
    }

    /// Production's rule for a transaction of a decided round.
    pub(crate) fn settle(&self, state: &State, label: Label, day: u8) -> Settle {
        let fate = state.starrocks.fate(label);
        let now_ms = epoch_ms(state.day);
        if fate == Fate::Unknown && self.breaks(Rule::UnknownIsCommitted) {
            return Settle::Owed;
        }
        let prepared_at_ms = if self.breaks(Rule::OldUnknownIsInDoubt) {
            now_ms
        } else {
            epoch_ms(day)
        };
        settle(fate, prepared_at_ms, now_ms, self.bounds.in_doubt)
    }

    /// Once every table is committed the round is visible.
    fn show(&self, state: &mut State, w: u8) {
        let worker = state.worker(w);
        let Some(committing) = worker.committing else {
            return;
        };
        if committing.left != 0 || committing.is_owed || committing.is_in_doubt {
            return;
        }
        worker.committing = None;
        let Some(books) = worker.books else { return };
        match committing.visible(&self.bounds, &books) {
            Some(books) => worker.books = Some(books),
            None => state.broken = Some(Broken::LedgerRefuses),
        }
    }
}
