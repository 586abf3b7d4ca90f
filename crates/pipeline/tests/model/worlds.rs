//! The protocol as built: every law holds in every state of these worlds.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use stateright::{Checker, DiscoveryClassification, HasDiscoveries, Model};

use crate::bounds::{Bounds, Faults, Rule};
use crate::properties::{
    ABANDONED, ANNOUNCED, BEGUN_AGAIN, DECIDED_AFTER_ALL, FINISHED, FORGOT, FORGOTTEN, HOLE,
    IN_DOUBT, OVERLAP, OVERTAKEN, REPLAY, ROLLED_BACK, ROLLED_FORWARD, UNDECIDED, WAITED, ZOMBIE,
};
use crate::system::World;

/// How much of a world is searched.
#[derive(Clone, Copy)]
enum Extent {
    Everything {
        threads: usize,
    },
    /// At least so many states, the nearest ones first.
    States(NonZeroUsize),
}

/// What a search saw.
struct Seen {
    sights: BTreeSet<&'static str>,
    states: usize,
}

/// Searches a world for a state in which a law is broken; there must be none.
fn search(bounds: &Bounds, extent: Extent) -> Seen {
    let world = World {
        bounds: bounds.clone(),
        broken_rule: Rule::None,
    };
    let checker = world.checker().finish_when(HasDiscoveries::AnyFailures);
    let checker = match extent {
        Extent::Everything { threads } => checker.threads(threads),
        Extent::States(states) => checker.target_state_count(states.get()),
    };
    let checker = checker.spawn_bfs().join();
    let mut sights = BTreeSet::new();
    for (name, path) in checker.discoveries() {
        match checker.discovery_classification(name) {
            DiscoveryClassification::Example => {
                sights.insert(name);
            }
            DiscoveryClassification::Counterexample => panic!(
                "not so: {name}, in {bounds:?}\nsteps: {:#?}\nstate: {:#?}",
                path.clone().into_actions(),
                path.last_state()
            ),
        }
    }
    Seen {
        sights,
        states: checker.unique_state_count(),
    }
}

/// Every law holds in every state, and these were seen.
fn check(bounds: &Bounds, expect: &[&str]) {
    let seen = search(bounds, Extent::Everything { threads: 1 });
    for sight in expect {
        assert!(
            seen.sights.contains(sight),
            "never: {sight}, in {} states of {bounds:?}",
            seen.states
        );
    }
}

fn faults(set: impl FnOnce(&mut Faults)) -> Faults {
    let mut faults = Faults::default();
    set(&mut faults);
    faults
}

fn eager(records: u8, faults: Faults) -> Bounds {
    Bounds {
        records,
        faults,
        ..Bounds::default()
    }
}

fn cooperative(bounds: Bounds, generations: u8) -> Bounds {
    Bounds {
        is_cooperative: true,
        generations,
        ..bounds
    }
}

#[test]
fn a_crash() {
    let bounds = eager(2, faults(|f| f.crashes = 1));
    check(
        &bounds,
        &[FINISHED, OVERLAP, ROLLED_FORWARD, ROLLED_BACK, WAITED],
    );
}

/// The second one between a claim and the rollback behind it, too.
#[test]
fn two_crashes() {
    let bounds = eager(1, faults(|f| f.crashes = 2));
    check(&bounds, &[FINISHED, ROLLED_FORWARD, ROLLED_BACK, WAITED]);
}

#[test]
fn a_zombie() {
    let bounds = eager(2, faults(|f| f.expulsions = 1));
    check(
        &bounds,
        &[FINISHED, ZOMBIE, ROLLED_FORWARD, ROLLED_BACK, ABANDONED],
    );
}

#[test]
fn a_lost_request() {
    let bounds = eager(2, faults(|f| f.losses = 1));
    check(
        &bounds,
        &[FINISHED, OVERLAP, DECIDED_AFTER_ALL, UNDECIDED, BEGUN_AGAIN],
    );
}

#[test]
fn two_lost_requests() {
    let bounds = eager(1, faults(|f| f.losses = 2));
    check(
        &bounds,
        &[FINISHED, DECIDED_AFTER_ALL, UNDECIDED, BEGUN_AGAIN],
    );
}

#[test]
fn a_crash_and_a_lost_request() {
    let bounds = eager(
        1,
        Faults {
            crashes: 1,
            losses: 1,
            ..Faults::default()
        },
    );
    check(
        &bounds,
        &[FINISHED, DECIDED_AFTER_ALL, UNDECIDED, ROLLED_BACK],
    );
}

#[test]
fn a_zombie_and_a_lost_request() {
    let bounds = eager(
        1,
        Faults {
            expulsions: 1,
            losses: 1,
            ..Faults::default()
        },
    );
    check(
        &bounds,
        &[FINISHED, OVERTAKEN, ZOMBIE, DECIDED_AFTER_ALL, UNDECIDED],
    );
}

#[test]
fn a_zombie_and_a_crash() {
    let bounds = eager(
        1,
        Faults {
            expulsions: 1,
            crashes: 1,
            ..Faults::default()
        },
    );
    check(&bounds, &[FINISHED, ZOMBIE, ROLLED_FORWARD, ROLLED_BACK]);
}

#[test]
fn an_operators_abort() {
    let bounds = Bounds {
        tables: 2,
        rounds_are_full: true,
        ..eager(
            2,
            Faults {
                aborts: 1,
                crashes: 1,
                ..Faults::default()
            },
        )
    };
    check(&bounds, &[FINISHED, REPLAY, BEGUN_AGAIN, ABANDONED]);
}

#[test]
fn forgotten_labels() {
    let bounds = eager(
        2,
        Faults {
            forgets: 1,
            crashes: 1,
            ..Faults::default()
        },
    );
    check(&bounds, &[FINISHED, FORGOTTEN]);
}

#[test]
fn prepared_timeouts() {
    let bounds = eager(
        1,
        Faults {
            days: 1,
            crashes: 1,
            ..Faults::default()
        },
    );
    check(&bounds, &[FINISHED, IN_DOUBT, REPLAY]);
}

#[test]
fn the_documented_hole() {
    let bounds = Bounds {
        forgets_aborted: true,
        ..eager(
            1,
            Faults {
                forgets: 1,
                aborts: 1,
                ..Faults::default()
            },
        )
    };
    check(&bounds, &[FINISHED, HOLE]);
}

#[test]
fn two_partitions_and_two_tables() {
    let bounds = Bounds {
        partitions: 2,
        tables: 2,
        ..eager(1, faults(|f| f.crashes = 1))
    };
    check(&bounds, &[FINISHED, OVERLAP, ROLLED_FORWARD, ROLLED_BACK]);
}

#[test]
fn two_partitions_given_away_by_a_cooperative_zombie() {
    let bounds = Bounds {
        partitions: 2,
        ..eager(1, faults(|f| f.expulsions = 1))
    };
    check(
        &cooperative(bounds, 3),
        &[FINISHED, ZOMBIE, ROLLED_FORWARD, ROLLED_BACK],
    );
}

#[test]
fn a_partition_moved_cooperatively() {
    let bounds = eager(
        2,
        Faults {
            rebalances: 1,
            crashes: 1,
            ..Faults::default()
        },
    );
    check(
        &cooperative(bounds, 4),
        &[FINISHED, ROLLED_FORWARD, ROLLED_BACK],
    );
}

/// Tables that only records tell, with room to announce so many of them.
fn announced(room: u8, bounds: Bounds) -> Bounds {
    Bounds {
        tables: 2,
        announced_max: Some(room),
        ..bounds
    }
}

#[test]
fn tables_that_records_tell_and_a_crash() {
    let bounds = announced(2, eager(2, faults(|f| f.crashes = 1)));
    check(
        &bounds,
        &[FINISHED, ANNOUNCED, OVERLAP, ROLLED_FORWARD, ROLLED_BACK],
    );
}

#[test]
fn tables_that_records_tell_and_a_zombie() {
    let bounds = announced(2, eager(2, faults(|f| f.expulsions = 1)));
    check(&bounds, &[FINISHED, ANNOUNCED, ZOMBIE, ROLLED_BACK]);
}

#[test]
fn tables_that_records_tell_and_a_lost_request() {
    let bounds = announced(2, eager(2, faults(|f| f.losses = 1)));
    check(
        &bounds,
        &[FINISHED, ANNOUNCED, DECIDED_AFTER_ALL, BEGUN_AGAIN],
    );
}

/// The rows of the first table are owed, and the second is announced behind them.
#[test]
fn tables_that_records_tell_and_an_operators_abort() {
    let bounds = Bounds {
        rounds_are_full: true,
        ..announced(
            2,
            eager(
                2,
                Faults {
                    aborts: 1,
                    crashes: 1,
                    ..Faults::default()
                },
            ),
        )
    };
    check(&bounds, &[FINISHED, ANNOUNCED, REPLAY, BEGUN_AGAIN]);
}

#[test]
fn more_tables_than_there_is_room_to_announce() {
    let bounds = announced(1, eager(2, faults(|f| f.crashes = 1)));
    check(&bounds, &[FINISHED, FORGOT, ROLLED_FORWARD, ROLLED_BACK]);
}

/// The larger worlds: more faults at a time, three workers, longer logs.
fn larger() -> Vec<(&'static str, Bounds)> {
    let two = |tables, records, faults| Bounds {
        partitions: 2,
        tables,
        ..eager(records, faults)
    };
    let three = |bounds| Bounds {
        workers: 3,
        ..bounds
    };
    let crash = faults(|f| f.crashes = 1);
    let zombie = faults(|f| f.expulsions = 1);
    let loss = |faults| Faults {
        losses: 1,
        ..faults
    };
    let both = Faults {
        crashes: 1,
        ..zombie
    };
    let operator = Faults {
        aborts: 1,
        forgets: 1,
        ..crash
    };
    let move_on = |faults| Faults {
        rebalances: 1,
        ..faults
    };
    vec![
        ("crash, loss", eager(2, loss(crash))),
        ("zombie, loss", eager(2, loss(zombie))),
        ("crash, zombie", eager(2, both)),
        ("crash, zombie, loss", eager(1, loss(both))),
        (
            "operator, forgetting, crash, loss",
            Bounds {
                tables: 2,
                ..eager(2, loss(operator))
            },
        ),
        (
            "two losses",
            eager(
                2,
                Faults {
                    losses: 2,
                    ..Faults::default()
                },
            ),
        ),
        (
            "days",
            eager(
                1,
                Faults {
                    days: 1,
                    ..loss(both)
                },
            ),
        ),
        ("two partitions, zombie", two(2, 1, zombie)),
        ("two partitions, crash, loss", two(1, 1, loss(crash))),
        ("two partitions, operator", two(2, 1, operator)),
        (
            "cooperative move, loss",
            cooperative(eager(2, loss(move_on(zombie))), 5),
        ),
        (
            "cooperative, crash, loss",
            cooperative(two(1, 1, loss(crash)), 3),
        ),
        (
            "cooperative, move, zombie",
            cooperative(two(1, 1, move_on(zombie)), 4),
        ),
        ("three workers, crash, zombie", three(eager(1, both))),
        (
            "three workers, cooperative",
            three(cooperative(two(1, 1, crash), 3)),
        ),
        (
            "three records, two tables",
            Bounds {
                tables: 2,
                ..eager(3, loss(crash))
            },
        ),
        (
            "announced, crash, loss",
            announced(2, eager(2, loss(crash))),
        ),
        (
            "announced, zombie, loss",
            announced(2, eager(2, loss(zombie))),
        ),
        (
            "announced, operator",
            announced(2, eager(2, loss(operator))),
        ),
        (
            "announced, two partitions, little room",
            announced(1, two(2, 1, loss(crash))),
        ),
        (
            "announced, cooperative",
            cooperative(announced(2, two(2, 1, move_on(crash))), 3),
        ),
    ]
}

/// The beginning of each, or, where the environment says so, all of it.
#[test]
#[expect(
    clippy::print_stderr,
    reason = "a search of hours says how far it has come"
)]
fn larger_worlds() {
    const STATES: NonZeroUsize = NonZeroUsize::new(4_000).expect("more than none");
    let wanted = std::env::var("STARROCKS_KAFKA_MODEL").ok();
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    for (name, bounds) in larger() {
        let is_wanted = |wanted: &String| wanted == "large" || wanted == name;
        if wanted.as_ref().is_some_and(is_wanted) {
            let seen = search(&bounds, Extent::Everything { threads });
            eprintln!("{name}: {} states; {:?}", seen.states, seen.sights);
        } else {
            let seen = search(&bounds, Extent::States(STATES));
            assert!(seen.states > 1_000, "{name}: {} states", seen.states);
        }
    }
}
