//! At-least-once delivery: offsets follow the rows, without plans and claims.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use starrocks_kafka_pipeline::kafka::KafkaErrorKind;
use starrocks_kafka_pipeline::settings::DeliveryGuarantee;
use starrocks_kafka_pipeline::step::Step;
use starrocks_kafka_testbed::{Action, Call};

use crate::task_thread::{Ended, Steps};
use crate::world::{Tuning, World};

fn plain() -> Tuning {
    Tuning {
        guarantee: DeliveryGuarantee::AtLeastOnce,
        ..Tuning::default()
    }
}

fn one_topic(tuning: Tuning) -> World {
    let world = World::new(tuning).topics(&[("orders", 2)]);
    world.broker.produce("orders", 0, 5);
    world.broker.produce("orders", 1, 5);
    world
}

#[test]
fn round_after_round_is_loaded_once_where_nothing_fails() {
    let world = one_topic(plain());
    let task = world.spawn();
    for rounds in 1..=3 {
        world.until("a round", || {
            task.status.counters.rounds.load(Ordering::Relaxed) >= rounds
        });
        world.broker.produce("orders", 0, 2);
    }
    world.finish(&task);
}

#[test]
fn offsets_follow_their_rows() {
    let world = one_topic(plain());
    let hold = world
        .stand_in
        .faults()
        .on(Call::Commit)
        .first(1)
        .act(Action::Hold);
    let task = world.spawn();
    world.until("a commit", || hold.hits() == 1);
    let stored = world.broker.stored("orders", 0).map(|stored| stored.offset);
    assert!(stored.unwrap_or(0) == 0, "no row is in: {stored:?}");
    world
        .broker
        .script(|script| script.plain.push_back(KafkaErrorKind::Transient));
    hold.release();
    world.until_loaded();
    world.until("a retry", || {
        task.status
            .retrying()
            .iter()
            .any(|retrying| retrying.what == "commit offsets")
    });
    world.until_settled();
    world.finish(&task);
}

#[test]
fn offsets_that_kafka_refuses_for_good_fail_the_task() {
    let world = one_topic(plain());
    let task = world.spawn();
    world.until_settled();
    world
        .broker
        .script(|script| script.plain.push_back(KafkaErrorKind::Permanent));
    world.broker.produce("orders", 0, 1);
    assert!(
        task.ended()
            .failure()
            .contains("the offsets were not stored")
    );
    world.check_nothing_open();
}

#[test]
fn a_refused_round_and_a_lost_answer_lose_nothing() {
    for call in [Call::Begin, Call::Load, Call::Prepare, Call::Commit] {
        let world = one_topic(plain());
        world
            .stand_in
            .faults()
            .on(call)
            .table("orders")
            .first(1)
            .act(Action::Html);
        let task = world.spawn();
        world.finish(&task);
    }
}

#[test]
fn a_plan_of_exactly_once_delivery_is_rolled_forward() {
    for step in [
        Step::Prepared,
        Step::PlanSent,
        Step::Decided,
        Step::Committed,
    ] {
        let mut world = one_topic(Tuning::default());
        let steps = Arc::<Steps>::default();
        steps.crash_at(step, 1);
        assert_eq!(world.spawn_with(steps).ended(), Ended::Crashed);
        world.broker.end_transactions();
        world.tuning = plain();
        let next = world.spawn();
        world.finish(&next);
    }
}

#[test]
fn a_crash_before_the_offsets_loads_rows_twice_and_loses_none() {
    let world = one_topic(plain());
    let steps = Arc::<Steps>::default();
    // The first time it stores where it begins.
    steps.crash_at(Step::Settling, 2);
    assert_eq!(world.spawn_with(steps).ended(), Ended::Crashed);
    assert_eq!(world.rows(), 10);
    let next = world.spawn();
    world.until_settled();
    next.stop_clean();
    assert_eq!(world.rows(), 20);
    world.check_nothing_open();
}
