//! A worker: what a task's session keeps in memory, and where in its steps it is.

use starrocks_kafka_pipeline::encode::TableId;
use starrocks_kafka_pipeline::kafka::Decision;
use starrocks_kafka_pipeline::ledger::Ledger;
use starrocks_kafka_pipeline::metadata::{Attempt, Epoch};
use starrocks_kafka_pipeline::recovery::{Fate, Settle};
use starrocks_kafka_pipeline::round::{Decided, Grounds, Prepared, Round};

use crate::bounds::{Bounds, PARTITIONS_MAX};
use crate::kafka::{Event, Producer};
use crate::notes::{
    self, CONNECTOR, Label, Offsets, Place, Set, database, epoch_ms, members, partition, place,
    standing, table_name, table_set,
};

/// What one partition has in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Share {
    pub(crate) start: u8,
    pub(crate) end: u8,
    /// A replay drops what goes to other tables.
    pub(crate) only: Set,
}

/// A round until it is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Filling {
    pub(crate) shares: [Option<Share>; PARTITIONS_MAX],
    /// The tables that a begin was sent for.
    pub(crate) begun: Set,
    /// When it was sealed.
    pub(crate) day: u8,
}

/// A decided round that is being committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Committing {
    pub(crate) round: Filling,
    pub(crate) attempt: Attempt,
    /// The tables without a certain answer.
    pub(crate) left: Set,
    pub(crate) done: Set,
    pub(crate) is_owed: bool,
    pub(crate) is_in_doubt: bool,
}

/// The ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Books {
    pub(crate) places: [Option<Place>; PARTITIONS_MAX],
    pub(crate) is_stored: bool,
}

/// Why offsets are stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    /// To decide the round.
    Decision,
    /// To settle what is visible, or to fence the attempt that was rolled back.
    Claim,
    /// To take over; then this is rolled back.
    TakeOver(Vec<Label>),
}

/// What follows when the own round is rolled back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Then {
    BeginAgain,
    /// It was abandoned for an event of the group.
    Idle,
    Recover,
    Leave(Exit),
    /// The decision was unclear, and its plan is not in these offsets.
    LeaveUndecided(Offsets),
}

/// How a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Exit {
    /// It joins anew.
    Rejoin,
    /// `starrocks.in.doubt` says to stop.
    InDoubt,
}

/// Where a worker is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// No session.
    Out,
    /// Ended; the group does not know yet.
    Dead,
    Joining,
    /// Between two rounds, or filling one.
    Idle,
    /// Sealed: preparing one table after the other, from this one on.
    Preparing {
        table: u8,
        has_failed: bool,
        /// The answer was lost: the state is asked for.
        is_asking: bool,
    },
    /// Waits until the round before is visible.
    Prepared,
    /// About to send offsets within a Kafka transaction.
    Sending(Purpose),
    /// About to ask for its end. `is_twice`: a second copy of the offsets may be on its way.
    Ending {
        purpose: Purpose,
        is_twice: bool,
    },
    /// There was no clear answer.
    Unclear(Purpose),
    /// Reads whether the decision was stored.
    Asking,
    RollingBack {
        tables: Set,
        then: Then,
    },
    /// The failed attempt is rolled back; it is claimed when the round before is visible.
    BeginningAgain,
    Reading,
    /// Settling every label of every plan in what was read.
    Settling {
        read: Offsets,
        todo: Vec<(Label, u8)>,
        owed: Vec<Label>,
    },
    RollingLeftOpen(Vec<Label>),
    Failed,
}

/// A worker.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Worker {
    pub(crate) step: Step,
    /// The generation in whose name offsets are stored.
    pub(crate) generation: Option<u8>,
    pub(crate) owned: Set,
    pub(crate) producer: Option<Producer>,
    /// It must be replaced before the next Kafka transaction.
    pub(crate) is_spent: bool,
    /// The stay and the last attempt that has ended; 0/0 until the first recovery.
    pub(crate) ended: Attempt,
    pub(crate) books: Option<Books>,
    pub(crate) filling: Option<Filling>,
    pub(crate) committing: Option<Committing>,
    pub(crate) event: Option<Event>,
}

/// No stay: nothing is begun or stored in its name.
pub(crate) const NOWHERE: Attempt = Attempt {
    epoch: Epoch(0),
    round: 0,
};

impl Worker {
    /// A process that has asked to join.
    pub(crate) fn joining(producer: Option<Producer>) -> Self {
        Self {
            step: Step::Joining,
            generation: None,
            owned: 0,
            producer,
            is_spent: false,
            ended: NOWHERE,
            books: None,
            filling: None,
            committing: None,
            event: None,
        }
    }

    /// Whether it is a process that does something.
    pub(crate) fn is_alive(&self) -> bool {
        !matches!(self.step, Step::Out | Step::Dead | Step::Failed)
    }

    /// The attempt that may have open transactions.
    pub(crate) fn attempt(&self) -> Attempt {
        self.ended.next()
    }

    /// Whether something of this attempt is still to be done here.
    pub(crate) fn refers_to(&self, attempt: Attempt) -> bool {
        let is_own = self.ended != NOWHERE && self.attempt() == attempt;
        is_own
            || self.committing.is_some_and(|c| c.attempt == attempt)
            || match &self.step {
                Step::Settling { read, todo, .. } => {
                    todo.iter().any(|(label, _)| label.attempt == attempt)
                        || read.iter().flatten().any(|s| s.note.refers_to(attempt))
                }
                Step::RollingLeftOpen(left)
                | Step::Sending(Purpose::TakeOver(left))
                | Step::Ending {
                    purpose: Purpose::TakeOver(left),
                    ..
                }
                | Step::Unclear(Purpose::TakeOver(left)) => {
                    left.iter().any(|label| label.attempt == attempt)
                }
                _ => false,
            }
    }

    /// The next record of a partition that a round takes; `None` where it takes none.
    pub(crate) fn position(&self, bounds: &Bounds, p: u8) -> Option<u8> {
        let place = self.books?.places[usize::from(p)]?;
        let end = match (self.owes(), place.owed) {
            (false, _) => bounds.records,
            (true, Some((end, _))) => end,
            (true, None) => return None,
        };
        let share = |round: &Filling| round.shares[usize::from(p)];
        let filling = self.filling.as_ref().and_then(share);
        let committing = self.committing.as_ref().and_then(|c| share(&c.round));
        let position = match (filling, committing) {
            (Some(share), _) | (None, Some(share)) => share.end,
            (None, None) => place.settled,
        };
        (position < end).then_some(position)
    }

    /// What earlier holders left open is rolled back: claims name it no more, and reading begins.
    pub(crate) fn rolled_back(&mut self) {
        if let Some(books) = &mut self.books {
            let mut ledger = books.ledger();
            ledger.rolled_back();
            *books = Books::of(&ledger);
        }
        self.step = Step::Idle;
    }

    /// Whether a replay comes before anything else.
    pub(crate) fn owes(&self) -> bool {
        self.books.is_some_and(|books| books.ledger().owes())
    }

    /// A round that takes records from here on.
    pub(crate) fn open_round(&self) -> Filling {
        let mut shares = [None; PARTITIONS_MAX];
        let Some(books) = self.books else {
            unreachable!("nothing is read before recovery")
        };
        let owes = self.owes();
        for (share, (p, place)) in shares.iter_mut().zip(books.places.iter().enumerate()) {
            let Some(place) = place else { continue };
            let only = match place.owed {
                Some((_, tables)) => tables,
                None if owes => continue,
                None => Set::MAX,
            };
            let before = self.committing.and_then(|c| c.round.shares[p]);
            let start = before.map_or(place.settled, |share| share.end);
            *share = Some(Share {
                start,
                end: start,
                only,
            });
        }
        Filling {
            shares,
            begun: 0,
            day: 0,
        }
    }

    /// What the open round is to Kafka.
    pub(crate) fn decision(&self, bounds: &Bounds) -> Offsets {
        let (Some(books), Some(filling)) = (self.books, &self.filling) else {
            unreachable!("only an open round of a recovered worker is decided")
        };
        let prepared = filling.prepared(bounds, self.attempt());
        notes::offsets(&books.ledger().decision(&prepared))
    }

    /// What a claim on everything assigned is to Kafka.
    pub(crate) fn claim(&self) -> Offsets {
        let Some(books) = self.books else {
            unreachable!("only a recovered worker claims")
        };
        notes::offsets(&books.ledger().claim(self.ended))
    }
}

impl Books {
    /// Production's.
    pub(crate) fn ledger(&self) -> Ledger {
        self.ledger_of(CONNECTOR)
    }

    /// The same, of another connector.
    pub(crate) fn ledger_of(&self, connector: &str) -> Ledger {
        let standings = (0u8..).zip(self.places).filter_map(|(p, place)| {
            let place = place?;
            Some((partition(p), standing(place)))
        });
        let mut ledger = Ledger::new(connector.into(), database(), standings);
        if self.is_stored {
            ledger.stored();
        }
        ledger
    }

    /// What a state keeps of it.
    pub(crate) fn of(ledger: &Ledger) -> Self {
        let mut places = [None; PARTITIONS_MAX];
        for (partition, standing) in ledger.standings() {
            places[usize::from(notes::number(partition))] = Some(place(standing));
        }
        Self {
            places,
            is_stored: ledger.is_stored(),
        }
    }
}

impl Filling {
    /// The table that a record's row goes to in this round.
    pub(crate) fn table(&self, bounds: &Bounds, p: u8, offset: u8) -> Option<u8> {
        let table = bounds.table(p, offset);
        let share = self.shares[usize::from(p)]?;
        (share.only >> table & 1 == 1).then_some(table)
    }

    /// Production's round, all of whose tables were prepared.
    pub(crate) fn prepared(&self, bounds: &Bounds, attempt: Attempt) -> Prepared {
        let shares = || (0u8..).zip(self.shares);
        let starts = shares().filter_map(|(p, share)| {
            let share = share?;
            Some((partition(p), i64::from(share.start)))
        });
        let mut round = Round::open(attempt, starts);
        for (p, share) in shares() {
            let Some(share) = share else { continue };
            let partition = partition(p);
            for offset in share.start..share.end {
                let table = self.table(bounds, p, offset);
                round
                    .share(&partition.topic, partition.partition)
                    .expect("it was opened with the round")
                    .cover(
                        i64::from(offset),
                        table.map(|table| TableId(u32::from(table))),
                    );
            }
        }
        let name = |table: TableId| table_name(u8::try_from(table.0).expect("tables are few"));
        let sealed = round.seal(epoch_ms(self.day), name);
        let proofs: Vec<_> = members(self.begun)
            .filter_map(|table| Fate::Prepared.prepared(table_name(table)))
            .collect();
        sealed
            .prepared(&proofs)
            .expect("what has rows was begun, and prepared before this")
    }

    /// Production's round behind its decision.
    pub(crate) fn decided(&self, bounds: &Bounds, attempt: Attempt) -> Decided {
        let prepared = self.prepared(bounds, attempt);
        let grounds = Grounds::of_decision(&Decision::Committed).or(Grounds::of_nothing(&prepared));
        prepared.decided(grounds.expect("a commit is grounds"))
    }
}

impl Committing {
    /// A decided round, nothing of which was asked yet.
    pub(crate) fn new(bounds: &Bounds, round: Filling, attempt: Attempt) -> Self {
        Self {
            round,
            attempt,
            left: table_set(&round.prepared(bounds, attempt).tables()),
            done: 0,
            is_owed: false,
            is_in_doubt: false,
        }
    }

    /// The books once its rows are visible. `None` where it does not begin where they stand.
    pub(crate) fn visible(&self, bounds: &Bounds, books: &Books) -> Option<Books> {
        let begins = |(place, share): (&Option<Place>, &Option<Share>)| match (place, share) {
            (Some(place), Some(share)) => share.start == share.end || share.start == place.settled,
            _ => true,
        };
        if !books.places.iter().zip(&self.round.shares).all(begins) {
            return None;
        }
        let proofs: Vec<_> = members(self.done)
            .filter_map(|table| Settle::Done.done(table_name(table)))
            .collect();
        let decided = self.round.decided(bounds, self.attempt);
        let visible = decided.visible(&proofs).ok()?;
        let mut ledger = books.ledger();
        ledger.visible(&visible);
        Some(Books::of(&ledger))
    }
}
