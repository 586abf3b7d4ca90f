//! The whole: workers, Kafka, StarRocks, and the requests that are late; what may happen next, and what follows.

use stateright::{Model, Property};

use starrocks_kafka_pipeline::metadata::Attempt;

use crate::bounds::{Bounds, Faults, PARTITIONS_MAX, Rule};
use crate::kafka::{Group, Producer};
use crate::notes::{Label, Note, Offsets, Set, are_of};
use crate::properties;
use crate::starrocks::{Rows, StarRocks};
use crate::worker::{NOWHERE, Step, Worker};

/// A request whose sender waits for it no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Late {
    Begin(Label),
    Load(Label, u8),
    Prepare(Label),
    Commit(Label),
    RollBack(Label),
    Offsets {
        worker: u8,
        generation: u8,
        producer: Producer,
        offsets: Offsets,
    },
    End(Producer),
}

/// What must never happen and is not to be seen from a single state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Broken {
    /// A decided round was rolled back, or a round that was rolled back was decided.
    DecidedRolledBack,
    /// A worker was to roll back what is committed.
    RollBackOfCommitted,
    /// A decided round has a transaction that was never prepared.
    NeverPrepared,
    /// A round became visible elsewhere than where its partitions stand.
    LedgerRefuses,
}

/// A state of the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) starrocks: StarRocks,
    pub(crate) group: Group,
    pub(crate) workers: Vec<Worker>,
    pub(crate) late: Vec<Late>,
    pub(crate) left: Faults,
    pub(crate) day: u8,
    pub(crate) broken: Option<Broken>,
    /// Records that the documented hole may lose.
    pub(crate) excused: u8,
}

/// What may happen next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A worker takes its one next step, and the answer comes.
    Step(u8),
    /// A worker in recovery goes to look at an event instead.
    Disturb(u8),
    /// A worker takes the next record of a partition into its round.
    Take(u8, u8),
    Seal(u8),
    /// A worker stores what is visible, for it is idle.
    Settle(u8),
    /// A worker's background commits a table.
    Commit(u8, u8),
    /// A worker polls what the group has to tell.
    Poll(u8),
    Join(u8),
    /// The group notices that a process is gone.
    Expire(u8),
    Assign([Option<u8>; PARTITIONS_MAX]),
    /// A late request arrives.
    Deliver(usize),
    /// The transaction coordinator aborts what nobody ends.
    TimeOut(Producer),
    Fault(Fault),
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Crash(u8),
    Expel(u8),
    Rebalance,
    /// The request of the next step is late or lost, and so is its answer.
    Lose(u8),
    /// The offsets are sent, refused for want of an answer, and the abort is answered.
    LoseAborted(u8),
    /// The offsets are sent twice.
    SendTwice(u8),
    LoseBegin(u8, u8),
    LoseLoad(u8, u8),
    LoseCommit(u8, u8),
    /// The transaction coordinator aborts what a worker has open.
    TimeOut(Producer),
    Abort(Label),
    Forget,
    /// `true`: and StarRocks remembers nothing of before.
    Day(bool),
}

/// A world and the rule that is broken in it.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) bounds: Bounds,
    pub(crate) broken_rule: Rule,
}

impl Bounds {
    /// The table that a record's row goes to.
    pub(crate) fn table(&self, p: u8, offset: u8) -> u8 {
        (p + offset) % self.tables
    }

    /// The bit of a record.
    pub(crate) fn record(&self, p: u8, offset: u8) -> u8 {
        1 << (p * self.records + offset)
    }

    /// The tables.
    pub(crate) fn all_tables(&self) -> Set {
        (1 << self.tables) - 1
    }

    /// The records.
    pub(crate) fn all_records(&self) -> u8 {
        u8::MAX >> (8 - self.partitions * self.records)
    }
}

impl World {
    /// Whether this rule is broken on purpose.
    pub(crate) fn breaks(&self, rule: Rule) -> bool {
        self.broken_rule == rule
    }
}

impl Model for World {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let workers = (0..self.bounds.workers).map(|w| Worker::joining(Some(w)));
        vec![State {
            starrocks: StarRocks::default(),
            group: Group::new(self.bounds.workers),
            workers: workers.collect(),
            late: Vec::new(),
            left: self.bounds.faults,
            day: 0,
            broken: None,
            excused: 0,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        // Behind what must never happen there is nothing to be learnt.
        if state.broken.is_none() {
            self.progress(state, actions);
            self.environment(state, actions);
            self.faults(state, actions);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Step(w) => self.step(&mut state, w),
            Action::Disturb(w) => {
                let worker = &mut state.workers[usize::from(w)];
                worker.step = Step::Idle;
                worker.ended = NOWHERE;
            }
            Action::Take(w, p) => self.take(&mut state, w, p),
            Action::Seal(w) => self.seal(&mut state, w),
            Action::Settle(w) => {
                state.workers[usize::from(w)].step = Step::Sending(crate::worker::Purpose::Claim);
            }
            Action::Commit(w, table) => self.commit(&mut state, w, table),
            Action::Poll(w) => self.poll(&mut state, w),
            Action::Join(w) => {
                let producer = state.replace_producer(w);
                state.workers[usize::from(w)] = Worker::joining(Some(producer));
                state.group.join(w);
            }
            Action::Expire(w) => {
                state.group.remove(w);
                state.workers[usize::from(w)].step = Step::Out;
            }
            Action::Assign(owners) => state.group.assign(owners, self.bounds.is_cooperative),
            Action::Deliver(at) => {
                let late = state.late.remove(at);
                self.deliver(&mut state, late);
            }
            Action::TimeOut(producer) => state.fence(producer),
            Action::Fault(fault) => self.fail(&mut state, fault),
        }
        if !self.breaks(Rule::GroupFence) {
            state.drop_refused();
        }
        state.tidy();
        Some(state)
    }

    fn within_boundary(&self, state: &State) -> bool {
        state.group.generation <= self.bounds.generations
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}

impl State {
    /// A worker.
    pub(crate) fn worker(&mut self, w: u8) -> &mut Worker {
        &mut self.workers[usize::from(w)]
    }

    /// A round that nobody ever named.
    pub(crate) fn fresh_epoch(&self) -> Attempt {
        use starrocks_kafka_pipeline::metadata::Epoch;
        let is_used = |epoch: Epoch| {
            let notes = |offsets: &Offsets| {
                let mut stored = offsets.iter().flatten();
                stored.any(|stored| stored.note.names(epoch))
            };
            self.starrocks
                .transactions
                .iter()
                .any(|t| t.label.attempt.epoch == epoch)
                || notes(&self.group.stored)
                || self.group.pending.iter().any(|(_, offsets)| notes(offsets))
                || self.late.iter().any(|late| match late {
                    Late::Offsets { offsets, .. } => notes(offsets),
                    Late::End(_) => false,
                    other => other.label().is_some_and(|l| l.attempt.epoch == epoch),
                })
                || self.workers.iter().any(|worker| worker.names(epoch))
        };
        let epoch = (1..).map(Epoch).find(|epoch| !is_used(*epoch));
        Attempt {
            epoch: epoch.expect("there are more numbers than places"),
            round: 0,
        }
    }

    /// A new producer in the place of a worker's: what the old one has open is aborted, what it sent is fenced.
    pub(crate) fn replace_producer(&mut self, w: u8) -> Producer {
        if let Some(old) = self.workers[usize::from(w)].producer {
            self.fence(old);
        }
        self.add_producer(w)
    }

    /// A new producer, with nothing done about the old one.
    pub(crate) fn add_producer(&mut self, w: u8) -> Producer {
        let is_used = |producer: Producer| {
            self.workers.iter().any(|w| w.producer == Some(producer))
                || self.group.pending.iter().any(|(p, _)| *p == producer)
                || self
                    .late
                    .iter()
                    .any(|late| late.producer() == Some(producer))
        };
        let producer = (0..).find(|producer| !is_used(*producer));
        let producer = producer.expect("there are more numbers than producers");
        let worker = self.worker(w);
        worker.producer = Some(producer);
        worker.is_spent = false;
        producer
    }

    /// A producer's transaction is aborted, and nothing more of it is taken.
    pub(crate) fn fence(&mut self, producer: Producer) {
        self.group.abort(producer);
        self.late.retain(|late| late.producer() != Some(producer));
        for worker in &mut self.workers {
            if worker.producer == Some(producer) {
                worker.producer = None;
            }
        }
    }

    /// Offsets of a Kafka transaction were stored.
    pub(crate) fn stored(&mut self, offsets: &Offsets) {
        for stored in offsets.iter().flatten() {
            let Note::Plan {
                attempt, tables, ..
            } = stored.note
            else {
                continue;
            };
            for t in &mut self.starrocks.transactions {
                if t.label.attempt == attempt && tables >> t.label.table & 1 == 1 {
                    t.is_decided = true;
                    if t.is_rolled_back {
                        self.broken = Some(Broken::DecidedRolledBack);
                    }
                }
            }
        }
    }

    /// Whether an attempt may still matter to somebody.
    pub(crate) fn refers_to(&self, attempt: Attempt) -> bool {
        let notes = |offsets: &Offsets| {
            let mut stored = offsets.iter().flatten();
            stored.any(|stored| stored.note.refers_to(attempt))
        };
        notes(&self.group.stored)
            || self.group.pending.iter().any(|(_, offsets)| notes(offsets))
            || self.workers.iter().any(|worker| worker.refers_to(attempt))
            || self
                .late
                .iter()
                .any(|late| matches!(late, Late::Offsets { offsets, .. } if notes(offsets)))
    }

    /// Whether the claims of a later holder stand in the place of what a worker of this attempt has stored: what it
    /// begins now may come behind its rollback, and ends by its timeout.
    pub(crate) fn is_fenced(&self, attempt: Attempt) -> bool {
        let mut stored = self.group.stored.iter().flatten();
        !stored.any(|stored| stored.note.attempt().next() == attempt)
    }

    /// What is late in the name of a generation that is over does nothing when it arrives.
    fn drop_refused(&mut self) {
        let group = &self.group;
        self.late.retain(|late| match *late {
            Late::Offsets {
                worker, generation, ..
            } => group.accepts(worker, generation),
            _ => true,
        });
    }

    /// Two states that differ in nothing that can be told become one.
    fn tidy(&mut self) {
        let mut late = std::mem::take(&mut self.late);
        late.sort_unstable();
        late.dedup();
        let is_idle = |late: &Late, all: &[Late]| {
            let Some(label) = late.label() else {
                return false;
            };
            let is_open = self.starrocks.find(label).is_some_and(|t| t.is_open());
            let may_begin = all.contains(&Late::Begin(label))
                || self.workers.iter().any(|w| w.refers_to(label.attempt));
            !is_open && !may_begin
        };
        self.late = late
            .iter()
            .filter(|one| !is_idle(one, &late))
            .copied()
            .collect();
        let mut transactions = std::mem::take(&mut self.starrocks.transactions);
        transactions.retain(|t| t.is_open() || self.refers_to(t.label.attempt));
        for t in &mut transactions {
            if !t.is_open() {
                // Its rows are counted elsewhere, or never will be.
                t.rows = Rows::default();
                t.is_left = false;
            }
        }
        transactions.sort_unstable();
        self.starrocks.transactions = transactions;
        self.group.pending.sort_unstable();
    }
}

impl Late {
    /// The transaction of StarRocks that it is about.
    pub(crate) fn label(&self) -> Option<Label> {
        match *self {
            Self::Begin(label)
            | Self::Load(label, _)
            | Self::Prepare(label)
            | Self::Commit(label)
            | Self::RollBack(label) => Some(label),
            Self::Offsets { .. } | Self::End(_) => None,
        }
    }

    /// The producer that sent it.
    pub(crate) fn producer(&self) -> Option<Producer> {
        match *self {
            Self::Offsets { producer, .. } | Self::End(producer) => Some(producer),
            _ => None,
        }
    }
}

impl Worker {
    /// Whether it remembers this stay.
    fn names(&self, epoch: starrocks_kafka_pipeline::metadata::Epoch) -> bool {
        let places = self.books.iter().flat_map(|books| books.places);
        self.ended.epoch == epoch
            || places
                .flatten()
                .any(|place| are_of(&place.left_open, epoch))
            || self.committing.is_some_and(|c| c.attempt.epoch == epoch)
            || match &self.step {
                Step::Settling { read, todo, owed } => {
                    let mut notes = read.iter().flatten();
                    notes.any(|s| s.note.names(epoch))
                        || todo.iter().any(|(label, _)| label.attempt.epoch == epoch)
                        || owed.iter().any(|label| label.attempt.epoch == epoch)
                }
                _ => self
                    .left_open()
                    .iter()
                    .any(|label| label.attempt.epoch == epoch),
            }
    }
}
