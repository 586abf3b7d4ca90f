//! A decided round that StarRocks has not kept: its transactions were aborted, or are forgotten.

use std::sync::Arc;
use std::time::Duration;

use starrocks_kafka_pipeline::recovery::InDoubt;
use starrocks_kafka_pipeline::step::Step;
use starrocks_kafka_testbed::{Action, Call, Hop};

use crate::broker::Slot;
use crate::task_thread::{Ended, Steps, Task};
use crate::world::{Tuning, World};

const LONG: Duration = Duration::from_secs(25 * 3600);

/// A round over two tables is decided and none of its transactions is committed.
fn decided(tuning: Tuning) -> World {
    let world = World::new(tuning).topics(&[("orders", 2), ("customers", 1)]);
    world.broker.produce("orders", 0, 5);
    world.broker.produce("orders", 1, 4);
    world.broker.produce("customers", 0, 3);
    crash(&world, Step::Decided, 1);
    world
}

fn crash(world: &World, step: Step, nth: usize) -> Task {
    let steps = Arc::<Steps>::default();
    steps.crash_at(step, nth);
    let task = world.spawn_with(steps);
    assert_eq!(task.ended(), Ended::Crashed, "{step}");
    task
}

/// Tables that were begun since the last look, sorted.
fn begun(world: &World, from: usize) -> Vec<String> {
    let calls = world.stand_in.calls();
    let begins = calls
        .iter()
        .skip(from)
        .filter(|c| c.call == Call::Begin && c.hop == Hop::Serve);
    let mut tables: Vec<_> = begins
        .map(|call| call.table.clone())
        .filter(|table| !table.is_empty())
        .collect();
    tables.sort_unstable();
    tables
}

#[test]
fn only_the_table_that_lacks_rows_gets_them_again() {
    let world = decided(Tuning::default());
    world.abort("orders");
    // Later records wait until the replay is through.
    world.broker.produce("orders", 0, 6);
    world.broker.produce("customers", 0, 6);
    let calls = world.stand_in.calls().len();
    let next = world.spawn();
    world.until("an owed claim", || world.journal_has("owed"));
    world.finish(&next);
    // The replay, then a round of both.
    assert_eq!(begun(&world, calls), ["customers", "orders", "orders"]);
}

#[test]
fn both_tables_may_be_owed() {
    let world = decided(Tuning::default());
    world.abort("orders");
    world.abort("customers");
    let next = world.spawn();
    world.finish(&next);
}

#[test]
fn what_is_owed_survives_another_crash() {
    for step in [
        Step::LabelsSettled,
        Step::Claimed,
        Step::Sealed,
        Step::Prepared,
        Step::PlanSent,
        Step::Decided,
        Step::Committed,
        Step::Settling,
        Step::Settled,
    ] {
        let world = decided(Tuning::default());
        world.abort("orders");
        world.broker.produce("customers", 0, 2);
        crash(&world, step, 1);
        world.broker.end_transactions();
        let next = world.spawn();
        world.finish(&next);
    }
}

#[test]
fn what_is_owed_may_be_aborted_again() {
    let world = decided(Tuning::default());
    world.abort("orders");
    crash(&world, Step::Decided, 1);
    world.abort("orders");
    let next = world.spawn();
    world.finish(&next);
}

#[test]
fn a_replay_that_is_refused_is_begun_again() {
    let world = decided(Tuning::default());
    world.abort("orders");
    let refuse = |call| {
        world
            .stand_in
            .faults()
            .on(call)
            .first(1)
            .act(Action::TooManyVersions)
    };
    let (load, prepare) = (refuse(Call::Load), refuse(Call::Prepare));
    let next = world.spawn();
    world.finish(&next);
    assert_eq!((load.hits(), prepare.hits()), (1, 1));
}

#[test]
fn a_replay_ends_where_its_last_records_are_compacted_away() {
    for gone in [vec![4], vec![2, 3, 4], vec![0, 1, 2, 3, 4]] {
        let world = decided(Tuning::default());
        world.abort("orders");
        world.broker.change(|state| {
            let partition = starrocks_kafka_pipeline::kafka::TopicPartition::new("orders", 0);
            let log = state.logs.get_mut(&partition).expect("the topic");
            for offset in &gone {
                log[*offset] = Slot::Gone;
            }
        });
        let next = world.spawn();
        world.finish(&next);
    }
}

#[test]
fn a_session_recovers_by_itself_from_an_abort_of_what_it_has_decided() {
    let world = World::new(Tuning::default()).topics(&[("orders", 2), ("customers", 1)]);
    let hold = world
        .stand_in
        .faults()
        .on(Call::Commit)
        .table("orders")
        .first(1)
        .act(Action::Hold);
    world.broker.produce("orders", 0, 5);
    world.broker.produce("customers", 0, 3);
    let task = world.spawn();
    world.until("a commit", || hold.hits() == 1);
    world.abort("orders");
    // The next round is prepared while this one is found to be aborted; none of its labels may be begun again.
    world.broker.produce("customers", 0, 4);
    world.broker.produce("orders", 0, 4);
    world.until("the next round", || {
        task.steps
            .all()
            .iter()
            .filter(|step| **step == Step::Prepared)
            .count()
            == 2
    });
    hold.release();
    world.finish(&task);
    assert!(world.journal_has("owed"));
}

#[test]
fn a_revoke_that_meets_an_abort_hands_the_debt_over() {
    let world = World::new(Tuning::default()).topics(&[("orders", 2)]);
    let hold = world
        .stand_in
        .faults()
        .on(Call::Commit)
        .first(1)
        .act(Action::Hold);
    world.broker.produce("orders", 0, 5);
    world.broker.produce("orders", 1, 5);
    let first = world.spawn();
    world.until("a commit", || hold.hits() == 1);
    let second = world.spawn();
    world.until("a revocation that was told", || {
        world
            .broker
            .lock()
            .members
            .values()
            .any(|member| !member.giving_back.is_empty() && member.inbox.is_empty())
    });
    world.abort("orders");
    hold.release();
    world.until("the second one's share", || {
        second.steps.all().contains(&Step::RolledBack)
    });
    world.until_settled();
    first.stop_clean();
    second.stop_clean();
    world.check_done();
    assert!(first.rejoined().is_empty() && second.rejoined().is_empty());
}

#[test]
fn a_label_that_is_forgotten_soon_was_committed() {
    let world = World::new(Tuning::default()).topics(&[("orders", 1)]);
    world.broker.produce("orders", 0, 5);
    crash(&world, Step::Committed, 1);
    world.advance(Duration::from_secs(23 * 3600));
    world
        .stand_in
        .forget_finished()
        .expect("its memory can be written");
    let next = world.spawn();
    world.finish(&next);
    assert_eq!(world.stand_in.counters().commits, 1);
}

#[test]
fn a_label_that_is_forgotten_after_its_timeout_is_in_doubt() {
    let check = |in_doubt, committed: bool, rows: usize| {
        let tuning = Tuning {
            in_doubt,
            ..Tuning::default()
        };
        let world = World::new(tuning).topics(&[("orders", 1)]);
        world.broker.produce("orders", 0, 5);
        crash(
            &world,
            if committed {
                Step::Committed
            } else {
                Step::Decided
            },
            1,
        );
        world.advance(LONG);
        world
            .stand_in
            .forget_finished()
            .expect("its memory can be written");
        let next = world.spawn();
        if in_doubt == InDoubt::Fail {
            let failure = next.ended().failure();
            for part in [
                "table orders",
                "database d",
                "starrocks.in.doubt",
                "skip",
                "replay",
            ] {
                assert!(failure.contains(part), "{part} is missing: {failure}");
            }
            let stored = world.broker.stored("orders", 0).expect("the plan");
            assert!(
                stored.text().contains("plan"),
                "the plan stays: {}",
                stored.text()
            );
        } else {
            world.until_settled();
            next.stop_clean();
        }
        assert_eq!(world.rows(), rows, "{in_doubt:?} {committed}");
        world.check_nothing_open();
    };
    check(InDoubt::Fail, false, 0);
    check(InDoubt::Fail, true, 5);
    // Right, where the user has looked.
    check(InDoubt::Replay, false, 5);
    check(InDoubt::Skip, true, 5);
    // Wrong, as the user has wanted it.
    check(InDoubt::Replay, true, 10);
    check(InDoubt::Skip, false, 0);
}
