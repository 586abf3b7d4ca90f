//! Records that cannot be converted: passed over where errors are tolerated, each with one dead letter, whatever goes wrong.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use starrocks_kafka_pipeline::dead_letters::{
    DeadLetterSettings, ErrorLog, ErrorSettings, Tolerance,
};
use starrocks_kafka_pipeline::kafka::KafkaErrorKind::{Permanent, Transient};
use starrocks_kafka_pipeline::settings::DeliveryGuarantee;
use starrocks_kafka_pipeline::step::Step;

use crate::broker::{Outcome, Slot};
use crate::rounds::NEVER;
use crate::task_thread::{Ended, Steps, Task};
use crate::world::{Tuning, World};

pub(crate) fn tolerant() -> Tuning {
    Tuning {
        errors: ErrorSettings {
            tolerance: Tolerance::All,
            log: ErrorLog::WithRecord,
            dead_letters: Some(DeadLetterSettings {
                topic: "dead".into(),
                replication_factor: 1,
                has_context_headers: true,
            }),
        },
        rejoins: true,
        ..Tuning::default()
    }
}

/// Good and bad records in turn, and a partition of bad ones alone.
fn produce(world: &World) {
    for _ in 0..3 {
        world.broker.produce("orders", 0, 2);
        world.broker.append("orders", 0, |_| Slot::Broken);
        world.broker.append("orders", 1, |_| Slot::Broken);
    }
}

fn mixed(tuning: Tuning) -> World {
    let world = World::new(tuning).topics(&[("orders", 2)]);
    produce(&world);
    world
}

/// Each record that is bad has as many dead letters as `are` takes for right.
pub(crate) fn check_letters(world: &World, are: impl Fn(usize) -> bool) {
    let state = world.broker.lock();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for letter in &state.dead_letters {
        *counts.entry(letter.origin.clone()).or_default() += 1;
    }
    for (partition, log) in &state.logs {
        for (offset, slot) in log.iter().enumerate() {
            let count = counts.remove(&format!("{partition} at offset {offset}"));
            let is_broken = matches!(slot, Slot::Broken | Slot::Poison);
            let is_right = if is_broken {
                are(count.unwrap_or(0))
            } else {
                count.is_none()
            };
            assert!(is_right, "{partition} {offset}: {count:?}");
        }
    }
    assert_eq!(counts, BTreeMap::new(), "dead letters of no record");
}

pub(crate) fn finish(world: &World, task: &Task) {
    world.until_settled();
    world.finish(task);
    check_letters(world, |count| count == 1);
}

pub(crate) fn crashed(world: &World, step: Step) {
    let steps = Arc::<Steps>::default();
    steps.crash_at(step, 1);
    let task = world.spawn_with(steps);
    assert_eq!(task.ended(), Ended::Crashed, "{step}");
    world.broker.end_transactions();
}

#[test]
fn good_records_load_and_bad_ones_have_one_dead_letter_each() {
    let world = mixed(tolerant());
    let task = world.spawn();
    world.until_settled();
    produce(&world);
    finish(&world, &task);
    let counters = &task.status.counters;
    assert_eq!(counters.records_skipped.load(Ordering::Relaxed), 12);
    assert_eq!(counters.dead_letters.load(Ordering::Relaxed), 12);
    let state = world.broker.lock();
    assert_eq!(state.ensured, ["dead".into()]);
    let headers: Vec<_> = state.dead_letters[0]
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(headers.len(), 10, "{headers:?}");
    assert_eq!(
        state.dead_letters[0].value.as_deref(),
        Some(&b"{broken"[..])
    );
}

#[test]
fn a_round_of_bad_records_alone_is_decided_too() {
    for step in [Step::Sealed, Step::PlanSent, Step::Decided, Step::Settled] {
        let world = World::new(tolerant()).topics(&[("orders", 1)]);
        world.broker.append("orders", 0, |_| Slot::Broken);
        crashed(&world, step);
        finish(&world, &world.spawn());
    }
}

#[test]
fn a_crash_at_any_step_neither_loses_nor_repeats_a_dead_letter() {
    for step in [
        Step::Sealed,
        Step::Prepared,
        Step::PlanSent,
        Step::Decided,
        Step::Committed,
        Step::Settling,
        Step::Settled,
    ] {
        let world = mixed(tolerant());
        crashed(&world, step);
        finish(&world, &world.spawn());
    }
}

#[test]
fn a_decision_without_an_answer_carries_them_or_not() {
    for outcome in [
        Outcome::UnclearStored,
        Outcome::UnclearLost,
        Outcome::Refused(Transient),
    ] {
        let world = mixed(tolerant());
        world
            .broker
            .script(|script| script.plans.push_back(outcome));
        finish(&world, &world.spawn());
    }
}

#[test]
fn what_is_owed_is_replayed_without_them() {
    let world = mixed(tolerant());
    crashed(&world, Step::Decided);
    check_letters(&world, |count| count == 1);
    world.abort("orders");
    finish(&world, &world.spawn());
}

#[test]
fn a_round_is_sealed_before_dead_letters_fill_the_memory() {
    let world = World::new(Tuning {
        flush_interval: NEVER,
        ..tolerant()
    })
    .topics(&[("orders", 1)]);
    for _ in 0..5 {
        let large = || {
            let mut value = vec![b' '; 1 << 20];
            value.extend(b"{broken");
            value
        };
        world
            .broker
            .append("orders", 0, |_| Slot::Value(Some(large())));
    }
    let task = world.spawn();
    world.until("dead letters", || {
        world.broker.lock().dead_letters.len() >= 4
    });
    task.stop_clean();
    assert_eq!(world.broker.lock().dead_letters.len(), 5);
}

#[test]
fn at_least_once_writes_them_before_their_offsets() {
    let world = mixed(Tuning {
        guarantee: DeliveryGuarantee::AtLeastOnce,
        ..tolerant()
    });
    world
        .broker
        .script(|script| script.letters.push_back(Transient));
    crashed(&world, Step::Sealed);
    check_letters(&world, |count| count == 0);
    let task = world.spawn();
    world.until_settled();
    world.finish(&task);
    check_letters(&world, |count| count >= 1);
}

#[test]
fn dead_letters_that_are_refused_for_good_fail_the_task_and_lose_nothing() {
    for guarantee in [
        DeliveryGuarantee::AtLeastOnce,
        DeliveryGuarantee::ExactlyOnce,
    ] {
        let world = mixed(Tuning {
            guarantee,
            ..tolerant()
        });
        world.broker.script(|script| {
            script.letters.push_back(Permanent);
            script.plans.push_back(Outcome::Refused(Permanent));
        });
        let failure = world.spawn().ended().failure();
        assert!(failure.contains("stand-in for Kafka"), "{failure}");
        assert_eq!(world.rows(), 0);
        world.broker.script(|script| script.letters.clear());
        let task = world.spawn();
        world.until_settled();
        world.finish(&task);
        check_letters(&world, |count| count == 1);
    }
}

#[test]
fn without_a_topic_for_them_nothing_is_read() {
    let world = mixed(tolerant());
    world
        .broker
        .script(|script| script.ensures.extend([Transient, Permanent]));
    let failure = world.spawn().ended().failure();
    assert!(failure.contains("the topic was not created"), "{failure}");
    assert_eq!(world.rows(), 0);
    finish(&world, &world.spawn());
}

#[test]
fn where_errors_are_not_tolerated_the_task_stops_before_the_record() {
    let mut tuning = tolerant();
    tuning.errors.tolerance = Tolerance::None;
    let world = World::new(tuning).topics(&[("orders", 1)]);
    world.broker.produce("orders", 0, 2);
    world.broker.append("orders", 0, |_| Slot::Broken);
    let failure = world.spawn().ended().failure();
    assert!(failure.contains("record orders-0 at offset 2"), "{failure}");
    assert_eq!(world.rows(), 2);
    let stored = world.broker.stored("orders", 0).map(|stored| stored.offset);
    assert_eq!(stored, Some(2));
    check_letters(&world, |count| count == 0);
}
