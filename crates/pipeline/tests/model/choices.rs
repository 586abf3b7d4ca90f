//! What may happen next.

use starrocks_kafka_pipeline::recovery::Fate;

use crate::bounds::{PARTITIONS_MAX, Rule};
use crate::kafka::{Event, Producer};
use crate::notes::{Label, members};
use crate::system::{Action, Fault, State, World};
use crate::worker::{Step, Then, Worker};

impl World {
    /// What workers do.
    pub(crate) fn progress(&self, state: &State, actions: &mut Vec<Action>) {
        for (w, worker) in (0u8..).zip(&state.workers) {
            if self.can_step(state, worker) {
                actions.push(Action::Step(w));
            }
            if worker.step == Step::Reading && worker.event.is_some() {
                actions.push(Action::Disturb(w));
            }
            if let Some(committing) = &worker.committing {
                let tables = members(committing.left);
                actions.extend(tables.map(|table| Action::Commit(w, table)));
            }
            if worker.step == Step::Idle && worker.event.is_none() {
                self.progress_of_idle(w, worker, actions);
            }
            if self.can_poll(state, w) {
                actions.push(Action::Poll(w));
            }
            match worker.step {
                Step::Out => actions.push(Action::Join(w)),
                Step::Dead => actions.push(Action::Expire(w)),
                _ => {}
            }
        }
    }

    fn progress_of_idle(&self, w: u8, worker: &Worker, actions: &mut Vec<Action>) {
        let committing = worker.committing;
        let must_recover = committing.is_some_and(|c| c.left == 0);
        if worker.books.is_none() || must_recover {
            return;
        }
        if !worker.owes() || committing.is_none() {
            let partitions = 0..self.bounds.partitions;
            let readable = partitions.filter(|p| worker.position(&self.bounds, *p).is_some());
            let takable = readable.filter(|p| self.may_take(worker, *p));
            actions.extend(takable.map(|p| Action::Take(w, p)));
        }
        if worker.filling.is_some() && self.may_seal(worker) {
            actions.push(Action::Seal(w));
        }
        if committing.is_none() && worker.books.is_some_and(|books| !books.is_stored) {
            actions.push(Action::Settle(w));
        }
    }

    /// Whether the round may be sealed for its size or its age. A replay covers exactly what is owed.
    fn may_seal(&self, worker: &Worker) -> bool {
        let must_be_full = worker.owes() || self.bounds.rounds_are_full;
        let mut partitions = 0..self.bounds.partitions;
        !must_be_full || partitions.all(|p| worker.position(&self.bounds, p).is_none())
    }

    /// Whether a worker has one thing to do next.
    fn can_step(&self, state: &State, worker: &Worker) -> bool {
        let is_visible = worker.committing.is_none_or(|c| c.left == 0);
        match &worker.step {
            Step::Out | Step::Dead | Step::Joining | Step::Failed => false,
            Step::Idle => {
                let must_recover = worker.committing.is_some_and(|c| c.left == 0);
                let must_wait = worker.filling.is_none() && !is_visible;
                must_recover || worker.event.is_some() && !must_wait
            }
            Step::Prepared => is_visible || self.breaks(Rule::DecideBehindVisible),
            Step::BeginningAgain => is_visible,
            Step::Reading => state.group.is_stable(worker.owned) || self.breaks(Rule::StableReads),
            Step::Asking => {
                state.group.is_stable(worker.covered()) || self.breaks(Rule::StableReads)
            }
            _ => true,
        }
    }

    /// Whether the group has something to tell that the worker may see here. While StarRocks is waited for it polls,
    /// too; an eager group has then nothing to tell that changes what the worker sends.
    fn can_poll(&self, state: &State, w: u8) -> bool {
        let worker = &state.workers[usize::from(w)];
        let is_polling = match worker.step {
            Step::Idle | Step::Joining | Step::Reading => true,
            Step::Preparing { .. }
            | Step::Prepared
            | Step::Sending(_)
            | Step::RollingBack { .. }
            | Step::BeginningAgain
            | Step::Settling { .. } => self.bounds.is_cooperative,
            _ => false,
        };
        if !is_polling {
            return false;
        }
        match self.news(state, w) {
            Some(Event::Lost) => worker.event != Some(Event::Lost),
            Some(_) => worker.event.is_none(),
            None => false,
        }
    }

    /// What the group has to tell a worker.
    pub(crate) fn news(&self, state: &State, w: u8) -> Option<Event> {
        let (group, worker) = (&state.group, &state.workers[usize::from(w)]);
        if !group.has(w) {
            return (worker.step != Step::Joining).then_some(Event::Lost);
        }
        if group.joined >> w & 1 == 1 {
            return None;
        }
        if worker.generation != Some(group.generation) {
            let owned = group.owned(w);
            let is_revoked = self.bounds.is_cooperative && group.revoking >> w & 1 == 1;
            return Some(if is_revoked {
                Event::Revoked(worker.owned & !owned)
            } else {
                Event::Assigned(owned)
            });
        }
        let must_join = group.is_rebalancing && !self.bounds.is_cooperative;
        must_join.then_some(Event::Revoked(worker.owned))
    }

    /// What happens without a worker.
    pub(crate) fn environment(&self, state: &State, actions: &mut Vec<Action>) {
        if self.can_assign(state) {
            self.assignments(state, actions);
        }
        actions.extend((0..state.late.len()).map(Action::Deliver));
        let hanging = state.group.pending.iter().map(|(producer, _)| *producer);
        let hanging = hanging.filter(|producer| !state.is_being_ended(*producer));
        actions.extend(hanging.map(Action::TimeOut));
    }

    fn can_assign(&self, state: &State) -> bool {
        let group = &state.group;
        let is_ready = |w: u8| {
            let worker = &state.workers[usize::from(w)];
            if self.bounds.is_cooperative {
                // It joins beside its work, once it has taken what it was told before.
                worker.step != Step::Dead
                    && group.revoking >> w & 1 == 0
                    && worker.generation == Some(group.generation)
            } else {
                group.joined >> w & 1 == 1
            }
        };
        group.is_rebalancing
            && group.members | group.joined != 0
            && members(group.members).all(is_ready)
    }

    /// Every way to share the partitions out evenly. A cooperative group moves what is owned only to make it even, or
    /// once where the world has it so.
    fn assignments(&self, state: &State, actions: &mut Vec<Action>) {
        let group = &state.group;
        let coming = if self.bounds.is_cooperative {
            group.members | group.joined
        } else {
            group.joined
        };
        let mut coming: Vec<u8> = members(coming).collect();
        let mut even = Vec::new();
        for one in &coming {
            if self.bounds.partitions == 1 {
                even.push([Some(*one), None]);
                continue;
            }
            let two = coming.iter().filter(|two| coming.len() == 1 || *two != one);
            even.extend(two.map(|two| [Some(*one), Some(*two)]));
        }
        const { assert!(PARTITIONS_MAX == 2, "the assignments above are pairs") };
        if group.generation == 0 {
            // The workers differ in nothing yet.
            coming.truncate(1);
            even.retain(|owners| owners[0] == coming.first().copied());
        }
        let moved = |owners: &[Option<u8>; PARTITIONS_MAX]| {
            let pairs = group.owners.iter().zip(owners);
            pairs
                .filter(|(old, new)| old.is_some() && old != new)
                .count()
        };
        let least = even.iter().map(moved).min();
        let is_sticky = self.bounds.is_cooperative && !group.may_move;
        even.retain(|owners| !is_sticky || Some(moved(owners)) == least);
        actions.extend(even.into_iter().map(Action::Assign));
    }

    /// What may go wrong.
    pub(crate) fn faults(&self, state: &State, actions: &mut Vec<Action>) {
        let left = &state.left;
        let mut faults = Vec::new();
        for (w, worker) in (0u8..).zip(&state.workers) {
            if !worker.is_alive() || worker.step == Step::Joining {
                continue;
            }
            if left.crashes > 0 {
                faults.push(Fault::Crash(w));
            }
            if left.expulsions > 0 && state.group.has(w) {
                faults.push(Fault::Expel(w));
            }
            if left.losses > 0 {
                self.losses_of(state, w, worker, &mut faults);
            }
        }
        if left.rebalances > 0 && !state.group.is_rebalancing && state.group.members != 0 {
            faults.push(Fault::Rebalance);
        }
        if left.losses > 0 {
            let pending = state.group.pending.iter().map(|(producer, _)| *producer);
            let held = pending.filter(|producer| state.is_being_ended(*producer));
            faults.extend(held.map(Fault::TimeOut));
        }
        let transactions = &state.starrocks.transactions;
        if left.aborts > 0 {
            let open = transactions.iter().filter(|t| t.is_open());
            faults.extend(open.map(|t| Fault::Abort(t.label)));
        }
        if left.forgets > 0 && transactions.iter().any(|t| self.is_forgettable(t.fate)) {
            faults.push(Fault::Forget);
        }
        if left.days > 0 && transactions.iter().any(|t| t.fate != Fate::Aborted) {
            faults.extend([Fault::Day(false), Fault::Day(true)]);
        }
        actions.extend(faults.into_iter().map(Action::Fault));
    }

    /// Whether StarRocks may forget such a transaction.
    pub(crate) fn is_forgettable(&self, fate: Fate) -> bool {
        fate == Fate::Committed || fate == Fate::Aborted && self.bounds.forgets_aborted
    }

    fn losses_of(&self, state: &State, w: u8, worker: &Worker, faults: &mut Vec<Fault>) {
        if let Some(committing) = &worker.committing {
            let prepared = members(committing.left).filter(|table| {
                let label = Label {
                    attempt: committing.attempt,
                    table: *table,
                };
                state.starrocks.fate(label) == Fate::Prepared
            });
            faults.extend(prepared.map(|table| Fault::LoseCommit(w, table)));
        }
        match &worker.step {
            Step::Idle if worker.event.is_none() => self.losses_of_reading(state, w, faults),
            Step::Preparing {
                table, is_asking, ..
            } if !is_asking && usize::from(*table) < 8 => {
                let begun = worker.filling.map_or(0, |filling| filling.begun);
                if begun >> table != 0 {
                    faults.push(Fault::Lose(w));
                }
            }
            Step::Sending(_) if worker.generation.is_some_and(|g| state.group.accepts(w, g)) => {
                faults.extend([Fault::Lose(w), Fault::LoseAborted(w), Fault::SendTwice(w)]);
            }
            Step::Ending { .. } => faults.push(Fault::Lose(w)),
            Step::RollingBack { tables, .. } => {
                let label = members(*tables).next().map(|table| Label {
                    attempt: worker.attempt(),
                    table,
                });
                faults.extend(self.lossy(state, label).then_some(Fault::Lose(w)));
            }
            Step::RollingLeftOpen(left) => {
                let label = left.first().copied();
                faults.extend(self.lossy(state, label).then_some(Fault::Lose(w)));
            }
            Step::Settling { todo, .. } => {
                let label = todo.first().map(|(label, _)| *label);
                faults.extend(self.lossy(state, label).then_some(Fault::Lose(w)));
            }
            _ => {}
        }
    }

    /// Whether a request about this transaction would do anything.
    fn lossy(&self, state: &State, label: Option<Label>) -> bool {
        label.is_some_and(|label| {
            let transaction = state.starrocks.find(label);
            transaction.is_some_and(|t| t.is_open())
        })
    }

    fn losses_of_reading(&self, state: &State, w: u8, faults: &mut Vec<Fault>) {
        let mut possible = Vec::new();
        let worker = &state.workers[usize::from(w)];
        self.progress_of_idle(w, worker, &mut possible);
        for action in possible {
            let Action::Take(_, p) = action else { continue };
            if self.unannounced(worker, p).is_some() {
                // Nothing is begun or loaded yet.
                continue;
            }
            let filling = worker.filling.unwrap_or_else(|| worker.open_round());
            let offset = worker.position(&self.bounds, p).unwrap_or_default();
            let Some(table) = filling.table(&self.bounds, p, offset) else {
                continue;
            };
            if filling.begun >> table & 1 == 0 {
                faults.push(Fault::LoseBegin(w, p));
            }
            faults.push(Fault::LoseLoad(w, p));
        }
    }
}

impl State {
    /// Whether a worker is about to end the open transaction of this producer. Otherwise the coordinator does, or, on
    /// brokers that take a late copy of offsets without a transaction, a person.
    fn is_being_ended(&self, producer: Producer) -> bool {
        self.workers.iter().any(|worker| {
            worker.producer == Some(producer) && matches!(worker.step, Step::Ending { .. })
        })
    }
}

impl Worker {
    /// The partitions that the open round covers.
    pub(crate) fn covered(&self) -> u8 {
        let Some(filling) = &self.filling else {
            return 0;
        };
        let shares = filling.shares.iter().enumerate();
        let covered = shares.filter(|(_, share)| share.is_some_and(|s| s.end > s.start));
        covered.fold(0, |set, (p, _)| set | 1 << p)
    }

    /// What earlier holders left open and this worker is to roll back.
    pub(crate) fn left_open(&self) -> &[Label] {
        use crate::worker::Purpose::TakeOver;
        match &self.step {
            Step::RollingLeftOpen(left)
            | Step::Sending(TakeOver(left))
            | Step::Unclear(TakeOver(left))
            | Step::Ending {
                purpose: TakeOver(left),
                ..
            } => left,
            _ => &[],
        }
    }

    /// Whether its own round is being rolled back for want of a decision.
    pub(crate) fn is_undecided(&self) -> bool {
        matches!(
            self.step,
            Step::RollingBack {
                then: Then::LeaveUndecided(_),
                ..
            }
        )
    }
}
