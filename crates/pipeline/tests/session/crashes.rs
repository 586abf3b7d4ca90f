//! A process dies at each step, and the next one finishes what it has decided and forgets the rest.

use std::sync::Arc;

use starrocks_kafka_pipeline::step::Step;
use starrocks_kafka_testbed::TxnState;

use crate::broker::Outcome;
use crate::rounds::NEVER;
use crate::task_thread::{Ended, Steps, Task};
use crate::world::{Tuning, World};

fn two_tables(tuning: Tuning) -> World {
    let world = World::new(tuning).topics(&[("orders", 2), ("customers", 1)]);
    produce(&world);
    world
}

fn produce(world: &World) {
    world.broker.produce("orders", 0, 5);
    world.broker.produce("orders", 1, 4);
    world.broker.produce("customers", 0, 3);
}

/// A task that dies when it reaches `step` the `nth` time.
fn crashed(world: &World, step: Step, nth: usize) -> Task {
    let steps = Arc::<Steps>::default();
    steps.crash_at(step, nth);
    let task = world.spawn_with(steps);
    let mut more = nth;
    // A later round needs records of its own.
    while more > 1 {
        world.until_loaded();
        produce(world);
        more -= 1;
    }
    assert_eq!(task.ended(), Ended::Crashed, "{step}");
    task
}

fn check(step: Step, nth: usize) {
    let world = two_tables(Tuning::default());
    crashed(&world, step, nth);
    // The broker ends what nobody has committed.
    world.broker.end_transactions();
    let next = world.spawn();
    world.finish(&next);
}

#[test]
fn a_crash_in_the_first_round_loses_and_doubles_nothing() {
    for step in [
        Step::Sealed,
        Step::Prepared,
        Step::PlanSent,
        Step::Decided,
        Step::Committed,
    ] {
        check(step, 1);
    }
}

#[test]
fn a_crash_in_a_later_round_loses_and_doubles_nothing() {
    for step in [
        Step::Sealed,
        Step::Prepared,
        Step::PlanSent,
        Step::Decided,
        Step::Committed,
    ] {
        check(step, 2);
    }
}

#[test]
fn a_crash_around_a_claim_loses_and_doubles_nothing() {
    check(Step::Settling, 1);
    check(Step::Settled, 1);
    check(Step::OffsetsRead, 1);
    check(Step::LabelsSettled, 1);
    check(Step::Claimed, 1);
    check(Step::RolledBack, 1);
}

#[test]
fn a_plan_that_the_broker_commits_after_the_crash_is_rolled_forward() {
    let world = two_tables(Tuning::default());
    world
        .broker
        .script(|script| script.plans.push_back(Outcome::UnclearStored));
    crashed(&world, Step::PlanSent, 1);
    let next = world.spawn();
    // As long as the transaction is open, nobody knows.
    world.until("a wait for stable offsets", || {
        !next.status.retrying().is_empty()
    });
    assert_eq!(world.stand_in.transactions_in(TxnState::Prepared).len(), 2);
    world.broker.end_transactions();
    world.finish(&next);
    assert_eq!(
        world.stand_in.transactions().len(),
        2,
        "nothing was loaded again"
    );
}

#[test]
fn a_crash_in_the_recovery_of_a_decided_round_is_recovered_from() {
    for step in [
        Step::OffsetsRead,
        Step::LabelsSettled,
        Step::Claimed,
        Step::RolledBack,
    ] {
        let world = two_tables(Tuning::default());
        crashed(&world, Step::Decided, 1);
        crashed(&world, step, 1);
        let next = world.spawn();
        world.finish(&next);
        assert_eq!(
            world.stand_in.transactions().len(),
            2,
            "nothing was loaded again"
        );
    }
}

#[test]
fn a_crash_in_the_recovery_of_an_undecided_round_is_recovered_from() {
    for step in [
        Step::OffsetsRead,
        Step::LabelsSettled,
        Step::Claimed,
        Step::RolledBack,
    ] {
        let world = two_tables(Tuning::default());
        crashed(&world, Step::Prepared, 1);
        crashed(&world, step, 1);
        let next = world.spawn();
        world.finish(&next);
    }
}

/// The claim takes the place of the metadata that named the attempt; it names what is still to be rolled back.
#[test]
fn crashes_between_claim_and_rollback_leave_nothing_open() {
    let world = two_tables(Tuning::default());
    crashed(&world, Step::Prepared, 1);
    for _ in 0..3 {
        crashed(&world, Step::Claimed, 1);
    }
    let next = world.spawn();
    world.finish(&next);
    let stored = world.broker.stored("orders", 0).expect("a claim");
    assert!(!stored.text().contains("open"), "{}", stored.text());
}

#[test]
fn a_crash_with_two_rounds_under_way_loses_and_doubles_nothing() {
    let world = two_tables(Tuning {
        records_per_poll: 2,
        ..Tuning::default()
    });
    let hold = world
        .stand_in
        .faults()
        .on(starrocks_kafka_testbed::Call::Commit);
    let hold = hold.first(2).act(starrocks_kafka_testbed::Action::Hold);
    let steps = Arc::<Steps>::default();
    steps.crash_at(Step::Prepared, 2);
    let task = world.spawn_with(steps);
    world.until("a decision", || task.steps.all().contains(&Step::Decided));
    // The next round is prepared while this one waits for its commit.
    produce(&world);
    assert_eq!(task.ended(), Ended::Crashed);
    hold.remove();
    let next = world.spawn();
    world.finish(&next);
}

#[test]
fn rows_that_were_not_sealed_are_read_again() {
    let world = two_tables(Tuning {
        flush_interval: NEVER,
        ..Tuning::default()
    });
    let steps = Arc::<Steps>::default();
    let task = world.spawn_with(Arc::clone(&steps));
    world.until("the records", || {
        task.status
            .counters
            .records
            .load(std::sync::atomic::Ordering::Relaxed)
            == 12
    });
    // Stopping seals; it dies there.
    steps.crash_at(Step::Sealed, 1);
    assert_eq!(task.stop(), Ended::Crashed);
    let next = world.spawn();
    world.until("the records", || {
        next.status
            .counters
            .records
            .load(std::sync::atomic::Ordering::Relaxed)
            == 12
    });
    next.stop_clean();
    world.check_done();
}
