//! What must always hold, and what a search must have seen to be worth anything.

use stateright::Property;

use starrocks_kafka_pipeline::recovery::Fate;

use crate::bounds::PARTITIONS_MAX;
use crate::notes::{Label, Note, Set};
use crate::system::{Action, Broken, State, World};
use crate::worker::{Purpose, Step, Then};

/// Every property.
pub(crate) fn all() -> Vec<Property<World>> {
    let mut properties = laws();
    properties.extend(sights());
    properties
}

type Condition = fn(&World, &State) -> bool;

fn law(name: &'static str, condition: Condition) -> Property<World> {
    Property::always(name, condition)
}

fn sight(name: &'static str, condition: Condition) -> Property<World> {
    Property::sometimes(name, condition)
}

/// What must always hold.
pub(crate) fn laws() -> Vec<Property<World>> {
    vec![
        law(TWICE, |_, state| state.starrocks.visible.twice == 0),
        law(LOST, nothing_is_lost),
        law(DECIDED_ROLLED_BACK, |_, state| {
            state.broken != Some(Broken::DecidedRolledBack)
        }),
        law(COMMITTED_ROLLED_BACK, |_, state| {
            state.broken != Some(Broken::RollBackOfCommitted)
        }),
        law(NEVER_PREPARED, |_, state| {
            state.broken != Some(Broken::NeverPrepared)
        }),
        law(OUT_OF_ORDER, |_, state| {
            state.broken != Some(Broken::LedgerRefuses)
        }),
        law(NOT_FINISHED, |world, state| {
            !is_at_rest(world, state) || is_finished(world, state)
        }),
    ]
}

/// What a search must have seen. Not every world can show every one of them.
pub(crate) fn sights() -> Vec<Property<World>> {
    vec![
        sight(FINISHED, |world, state| {
            is_at_rest(world, state) && is_finished(world, state)
        }),
        sight(OVERLAP, |_, state| {
            let mut workers = state.workers.iter();
            workers.any(|w| w.filling.is_some() && w.committing.is_some())
        }),
        sight(DECIDED_AFTER_ALL, |world, state| {
            is_told(world, state, true)
        }),
        sight(UNDECIDED, |world, state| is_told(world, state, false)),
        sight(OVERTAKEN, |world, state| {
            (0u8..).zip(&state.workers).any(|(w, worker)| {
                let Step::RollingBack { tables, then } = &worker.step else {
                    return false;
                };
                let attempt = worker.attempt();
                let mut labels =
                    crate::notes::members(*tables).map(|table| Label { attempt, table });
                worker.is_undecided()
                    && labels.any(|label| state.starrocks.fate(label) == Fate::Committed)
                    && world.is_overtaken(state, w, then)
            })
        }),
        sight(ZOMBIE, |_, state| {
            (0u8..).zip(&state.workers).any(|(w, worker)| {
                worker.step == Step::Sending(Purpose::Decision)
                    && worker
                        .generation
                        .is_some_and(|g| !state.group.accepts(w, g))
            })
        }),
        sight(ROLLED_FORWARD, |_, state| {
            settling(state, |fate| fate == Fate::Prepared)
        }),
        sight(FORGOTTEN, |_, state| {
            settling(state, |fate| fate == Fate::Unknown)
        }),
        sight(ROLLED_BACK, |_, state| {
            state.workers.iter().any(|worker| match &worker.step {
                Step::RollingLeftOpen(left) => {
                    let is_open = |label: &Label| {
                        let transaction = state.starrocks.find(*label);
                        transaction.is_some_and(|t| t.is_open())
                    };
                    left.iter().any(is_open)
                }
                _ => false,
            })
        }),
        sight(REPLAY, |_, state| {
            let mut workers = state.workers.iter();
            workers.any(|worker| worker.owes() && worker.filling.is_some())
        }),
        sight(BEGUN_AGAIN, |_, state| {
            let mut workers = state.workers.iter();
            workers.any(|worker| worker.step == Step::BeginningAgain)
        }),
        sight(IN_DOUBT, |_, state| {
            state
                .workers
                .iter()
                .any(|worker| worker.step == Step::Failed)
        }),
        sight(HOLE, |world, state| {
            let bounds = &world.bounds;
            is_at_rest(world, state)
                && is_finished(world, state)
                && !state.workers.iter().any(|w| w.step == Step::Failed)
                && state.starrocks.visible.once != bounds.all_records()
        }),
        sight(ABANDONED, |_, state| {
            state.workers.iter().any(|worker| {
                matches!(
                    worker.step,
                    Step::RollingBack {
                        then: Then::Idle,
                        ..
                    }
                )
            })
        }),
        sight(ANNOUNCED, |_, state| {
            announces(state, |was, is| is & !was != 0, |begun| begun != 0)
        }),
        sight(FORGOT, |_, state| {
            announces(state, |was, is| was & !is != 0, |_| true)
        }),
        sight(WAITED, |_, state| {
            state
                .workers
                .iter()
                .any(|worker| worker.step == Step::Reading && !state.group.is_stable(worker.owned))
        }),
    ]
}

pub(crate) const TWICE: &str = "no row is visible twice";
pub(crate) const LOST: &str = "no offset passes a row that is not promised";
pub(crate) const DECIDED_ROLLED_BACK: &str = "a decided round is never rolled back";
pub(crate) const COMMITTED_ROLLED_BACK: &str = "only what is not committed is rolled back";
pub(crate) const NEVER_PREPARED: &str = "what is decided was prepared";
pub(crate) const OUT_OF_ORDER: &str = "rounds become visible in order";
pub(crate) const NOT_FINISHED: &str = "whoever comes to rest has finished";

pub(crate) const FINISHED: &str = "everything is in, once";
pub(crate) const OVERLAP: &str = "a round fills while the one before is committed";
pub(crate) const DECIDED_AFTER_ALL: &str = "an unclear decision was taken";
pub(crate) const UNDECIDED: &str = "an unclear decision was not taken";
pub(crate) const OVERTAKEN: &str = "an unclear decision was settled by the next holder";
pub(crate) const ZOMBIE: &str = "the decision of an expelled member is refused";
pub(crate) const ROLLED_FORWARD: &str = "recovery rolls forward";
pub(crate) const FORGOTTEN: &str = "recovery finds a label forgotten";
pub(crate) const ROLLED_BACK: &str = "recovery rolls back";
pub(crate) const REPLAY: &str = "what is owed is replayed";
pub(crate) const BEGUN_AGAIN: &str = "a round is begun again";
pub(crate) const IN_DOUBT: &str = "a round is in doubt";
pub(crate) const HOLE: &str = "what was aborted and forgotten is lost";
pub(crate) const ABANDONED: &str = "a round is abandoned for an event of the group";
pub(crate) const ANNOUNCED: &str = "a table is announced while a round has rows";
pub(crate) const FORGOT: &str = "what was announced is forgotten for want of room";
pub(crate) const WAITED: &str = "recovery waits for a Kafka transaction";

fn settling(state: &State, is: impl Fn(Fate) -> bool) -> bool {
    state.workers.iter().any(|worker| match &worker.step {
        Step::Settling { todo, .. } => todo
            .iter()
            .any(|(label, _)| is(state.starrocks.fate(*label))),
        _ => false,
    })
}

/// Whether a claim is about to say of a partition that other tables are announced than were, in a round that has begun such.
fn announces(
    state: &State,
    is_other: impl Fn(Set, Set) -> bool,
    has_begun: impl Fn(Set) -> bool,
) -> bool {
    state.workers.iter().any(|worker| {
        let begun = worker.filling.map_or(0, |filling| filling.begun);
        let Some(books) = worker.books else {
            return false;
        };
        let mut pairs = books.places.iter().zip(&state.group.stored);
        let changes = pairs.any(|(place, stored)| {
            let was = stored.and_then(|stored| stored.note.announced());
            let is = place.and_then(|place| place.announced);
            is_other(was.unwrap_or_default(), is.unwrap_or_default())
        });
        worker.step == Step::Sending(Purpose::Claim) && has_begun(begun) && changes
    })
}

fn is_told(world: &World, state: &State, is_decided: bool) -> bool {
    (0u8..).zip(&state.workers).any(|(w, worker)| {
        worker.step == Step::Asking
            && state.group.is_stable(worker.covered())
            && world.is_decided(state, w) == is_decided
    })
}

/// Every record below a stored offset is visible; what lies behind it is not, unless a plan or a debt speaks for it.
fn nothing_is_lost(world: &World, state: &State) -> bool {
    let bounds = &world.bounds;
    let visible = state.starrocks.visible.once | state.excused;
    let is_in = |p: u8, offset: u8| bounds.record(p, offset) & visible != 0;
    (0u8..).zip(&state.group.stored).all(|(p, stored)| {
        let Some(stored) = stored else { return true };
        let passed = (0..stored.offset).all(|offset| is_in(p, offset));
        let is_promised = |offset: u8| {
            if is_in(p, offset) {
                return true;
            }
            let table = bounds.table(p, offset);
            match stored.note {
                Note::Claim {
                    owed: Some((_, tables)),
                    ..
                } => tables >> table & 1 == 1,
                Note::Claim { .. } => true,
                // In doubt, which is told.
                Note::Plan { day, .. } if day < state.day => true,
                Note::Plan { attempt, .. } => {
                    match state.starrocks.find(Label { attempt, table }) {
                        Some(t) if t.fate == Fate::Prepared => {
                            t.rows.once & bounds.record(p, offset) != 0
                        }
                        Some(t) => t.fate == Fate::Aborted,
                        None => false,
                    }
                }
            }
        };
        let end = match stored.note {
            Note::Plan { end, .. } => end,
            Note::Claim { owed, .. } => owed.map_or(stored.offset, |(end, _)| end),
        };
        passed && (stored.offset..end).all(is_promised)
    })
}

/// Whether nothing more happens by itself. What is late may stay away for ever.
fn is_at_rest(world: &World, state: &State) -> bool {
    if state.broken.is_some() {
        return false;
    }
    let mut actions = Vec::new();
    world.progress(state, &mut actions);
    if !actions.is_empty() {
        return false;
    }
    world.environment(state, &mut actions);
    actions
        .iter()
        .all(|action| matches!(action, Action::Deliver(_)))
}

/// Every row is in and every offset says so; nothing is open but what nobody is to be blamed for.
fn is_finished(world: &World, state: &State) -> bool {
    let is_in_doubt = state.workers.iter().any(|w| w.step == Step::Failed);
    let is_open = |t: &crate::starrocks::Transaction| t.is_open() && !t.is_left;
    if state.starrocks.transactions.iter().any(is_open) && !is_in_doubt {
        return false;
    }
    let all = world.bounds.all_records();
    let is_all_in = (state.starrocks.visible.once | state.excused) & all == all;
    let is_settled = |p: usize| {
        p >= usize::from(world.bounds.partitions)
            || state.group.stored[p].is_some_and(|stored| {
                stored.offset == world.bounds.records
                    && matches!(stored.note, Note::Claim { owed: None, .. })
            })
    };
    is_in_doubt || is_all_in && (0..PARTITIONS_MAX).all(is_settled)
}
