//! Partitions change hands: asked for, lost, added, and while StarRocks is away.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use starrocks_kafka_pipeline::step::Step;
use starrocks_kafka_pipeline::task::SessionEnd;
use starrocks_kafka_testbed::{Action, Call, Node};

use crate::broker::Protocol;
use crate::rounds::NEVER;
use crate::task_thread::{Ended, Steps, Task};
use crate::world::{Tuning, World};

fn slow() -> Tuning {
    Tuning {
        flush_interval: NEVER,
        rejoins: true,
        ..Tuning::default()
    }
}

fn world(tuning: Tuning, protocol: Protocol) -> World {
    let world = World::with(tuning, protocol).topics(&[("orders", 3), ("customers", 1)]);
    world.broker.produce("orders", 0, 5);
    world.broker.produce("orders", 1, 4);
    world.broker.produce("orders", 2, 3);
    world.broker.produce("customers", 0, 2);
    world
}

fn read(task: &Task) -> u64 {
    task.status.counters.records.load(Ordering::Relaxed)
}

/// The epochs in what was stored, in order of their first use.
fn epochs(world: &World) -> Vec<String> {
    let state = world.broker.lock();
    let mut seen = Vec::new();
    for offset in state.journal.iter().flatten() {
        let epoch = offset
            .metadata
            .split(r#""epoch":""#)
            .nth(1)
            .unwrap_or_default();
        let epoch = epoch.get(..16).unwrap_or_default().to_owned();
        if !seen.contains(&epoch) {
            seen.push(epoch);
        }
    }
    seen
}

#[test]
fn what_was_read_is_settled_before_partitions_are_given_back() {
    let world = world(slow(), Protocol::Eager);
    let first = world.spawn();
    world.until("the records", || read(&first) == 14);
    let before = first.steps.all();
    let second = world.spawn();
    world.until("the release", || world.broker.lock().releases == 1);
    let rounds: Vec<_> = first
        .steps
        .all()
        .split_off(before.len())
        .into_iter()
        .take(7)
        .collect();
    let expected = [
        Step::Sealed,
        Step::Prepared,
        Step::PlanSent,
        Step::Decided,
        Step::Committed,
        Step::Settling,
        Step::Settled,
    ];
    assert_eq!(rounds, expected);
    assert!(world.is_settled());
    world.until("both have theirs", || {
        let recovered = |task: &Task| {
            task.steps
                .all()
                .iter()
                .filter(|s| **s == Step::RolledBack)
                .count()
        };
        recovered(&first) == 2 && recovered(&second) == 1
    });
    world.broker.produce("orders", 0, 5);
    world.broker.produce("customers", 0, 5);
    world.until("the new records", || read(&first) + read(&second) == 24);
    first.stop_clean();
    second.stop_clean();
    world.check_done();
    // One for the first stay, one for each share of the second one.
    assert!(epochs(&world).len() >= 3, "{:?}", epochs(&world));
}

#[test]
fn what_is_lost_is_rolled_back_and_loaded_by_who_has_it_now() {
    let world = world(slow(), Protocol::Eager);
    let first = world.spawn();
    world.until("the records", || read(&first) == 14);
    world.broker.expel(world.broker.newest());
    // The member hears of it, joins anew and reads again.
    world.until("the records again", || read(&first) == 28);
    first.stop_clean();
    world.check_done();
    assert!(first.rejoined().is_empty());
}

#[test]
fn a_zombie_cannot_decide() {
    let world = world(
        Tuning {
            rejoins: true,
            ..Tuning::default()
        },
        Protocol::Eager,
    );
    let hold = world
        .stand_in
        .faults()
        .on(Call::Prepare)
        .first(1)
        .act(Action::Hold);
    let first = world.spawn();
    world.until("a prepare", || hold.hits() == 1);
    let zombie = world.broker.newest();
    world.broker.expel(zombie);
    let second = world.spawn();
    world.until("the second one's claim", || {
        second.steps.all().contains(&Step::Claimed)
    });
    hold.remove();
    world.until_loaded();
    world.until_settled();
    first.stop_clean();
    second.stop_clean();
    world.check_done();
}

#[test]
fn cooperative_members_keep_what_stays_and_recover_what_is_added() {
    let world = world(slow(), Protocol::Cooperative);
    let first = world.spawn();
    world.until("the records", || read(&first) == 14);
    let second = world.spawn();
    world.until("the second one's share", || {
        second.steps.all().contains(&Step::RolledBack)
    });
    let both = |what: &str, rounds: u64| {
        for (topic, partition) in [
            ("orders", 0),
            ("orders", 1),
            ("orders", 2),
            ("customers", 0),
        ] {
            world.broker.produce(topic, partition, 2);
        }
        world.until(what, || read(&first) + read(&second) >= 14 + 8 * rounds);
    };
    both("new records", 1);
    // It leaves with a round open, and the first one has a round open when it is given the rest.
    second.stop_clean();
    world.until("everything is the first one's again", || {
        let state = world.broker.lock();
        state
            .members
            .values()
            .all(|member| member.owned.len() == 4 && member.inbox.is_empty())
    });
    both("more records", 2);
    world.until("the end of the log", || read(&first) + read(&second) >= 30);
    first.stop_clean();
    world.check_done();
}

#[test]
fn partitions_that_come_up_later_are_read_too() {
    for protocol in [Protocol::Eager, Protocol::Cooperative] {
        let world = world(slow(), protocol);
        let task = world.spawn();
        world.until("the records", || read(&task) == 14);
        world.broker.create("customers", 1);
        world.broker.produce("customers", 1, 3);
        world.until("the records", || read(&task) == 17);
        task.stop_clean();
        world.check_done();
    }
}

#[test]
fn a_member_that_cannot_finish_its_round_leaves_the_group_instead() {
    let patience = Duration::from_millis(300);
    let tuning = Tuning {
        release_patience: patience,
        rejoins: false,
        ..slow()
    };
    let world = world(tuning, Protocol::Eager);
    let first = world.spawn();
    world.until("the records", || read(&first) == 14);
    world.stand_in.away(Node::Be(0)).expect("its port is held");
    let second = world.spawn();
    match first.ended() {
        Ended::Session(SessionEnd::Rejoin(reason)) => {
            assert!(
                reason.contains("the group waits for a rebalance since"),
                "{reason}"
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(world.rows(), 0);
    world.stand_in.back().expect("it listens again");
    world.until("the records", || read(&second) == 14);
    second.stop_clean();
    world.check_done();
}

#[test]
fn a_recovery_may_wait_for_starrocks_as_long_as_it_takes() {
    let patience = Duration::from_millis(200);
    let world = world(
        Tuning {
            release_patience: patience,
            ..Tuning::default()
        },
        Protocol::Eager,
    );
    let hold = world.stand_in.faults().on(Call::State).act(Action::Status {
        code: 503,
        body: String::new(),
    });
    let task = world.spawn();
    let began = tokio::time::Instant::now();
    world.until("twice the time a rebalance may wait", || {
        began.elapsed() > 2 * patience
    });
    assert!(
        task.status.retrying().is_empty(),
        "nothing is asked without a claim"
    );
    task.stop();
    let next = world.spawn();
    world.until("a retry", || !next.status.retrying().is_empty());
    let began = tokio::time::Instant::now();
    world.until("twice the time a rebalance may wait", || {
        began.elapsed() > 2 * patience
    });
    hold.remove();
    world.finish(&next);
}

#[test]
fn nothing_is_named_that_is_not_ours() {
    // The stand-in refuses to go on when a transaction names what is not assigned, or leaves out what is read.
    let world = world(slow(), Protocol::Cooperative);
    let tasks: Vec<_> = (0..3).map(|_| world.spawn()).collect();
    world.until("every share", || {
        tasks
            .iter()
            .all(|task| task.steps.all().contains(&Step::RolledBack))
    });
    world.until("the records", || tasks.iter().map(read).sum::<u64>() >= 14);
    for task in &tasks {
        task.stop_clean();
    }
    let named: BTreeSet<_> = {
        let state = world.broker.lock();
        state
            .journal
            .iter()
            .flatten()
            .map(|offset| offset.partition.clone())
            .collect()
    };
    assert_eq!(named.len(), 4);
    world.check_nothing_open();
}

#[test]
fn a_generation_that_changes_in_a_long_wait_costs_nobody_the_group() {
    // While it waits for a call, another member joins; then it decides, or claims.
    let check = |call: Call, crash: bool| {
        let world = world(
            Tuning {
                rejoins: true,
                ..Tuning::default()
            },
            Protocol::Cooperative,
        );
        if crash {
            let steps = Arc::<Steps>::default();
            steps.crash_at(Step::Decided, 1);
            assert_eq!(world.spawn_with(steps).ended(), Ended::Crashed);
        }
        let hold = world.stand_in.faults().on(call).first(1).act(Action::Hold);
        let first = world.spawn();
        world.until("the call", || hold.hits() == 1);
        let second = world.spawn();
        world.until("a rebalance", || world.broker.lock().members.len() == 2);
        hold.release();
        world.until("the second one's share", || {
            second.steps.all().contains(&Step::RolledBack)
        });
        world.until_loaded();
        world.until_settled();
        first.stop_clean();
        second.stop_clean();
        world.check_done();
        assert_eq!(first.rejoined(), Vec::<String>::new(), "{call}");
    };
    check(Call::Prepare, false);
    check(Call::State, true);
}
