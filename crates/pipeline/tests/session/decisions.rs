//! The Kafka transaction that decides: refused, without an answer, not to be had; and what stands beside the
//! offsets before the first one.

use std::sync::atomic::Ordering;

use starrocks_kafka_pipeline::kafka::KafkaErrorKind::{
    Permanent, TransactionsUnavailable, Transient,
};
use starrocks_kafka_pipeline::step::Step;
use starrocks_kafka_pipeline::task::SessionEnd;
use starrocks_kafka_testbed::TxnState;

use crate::broker::Outcome;
use crate::task_thread::Ended;
use crate::world::{Tuning, World};

fn one_topic(tuning: Tuning) -> World {
    let world = World::new(tuning).topics(&[("orders", 2)]);
    world.broker.produce("orders", 0, 10);
    world.broker.produce("orders", 1, 10);
    world
}

fn rejoining() -> Tuning {
    Tuning {
        rejoins: true,
        ..Tuning::default()
    }
}

#[test]
fn a_refused_plan_is_rolled_back_and_its_records_are_loaded_by_another_stay() {
    let world = one_topic(rejoining());
    world
        .broker
        .script(|script| script.plans.push_back(Outcome::Refused(Transient)));
    let task = world.spawn();
    world.finish(&task);
    assert_eq!(
        task.rejoined(),
        ["stand-in for Kafka: the transaction was aborted"]
    );
    assert_eq!(world.stand_in.transactions_in(TxnState::Aborted).len(), 1);
}

#[test]
fn a_refused_claim_ends_the_stay() {
    let world = one_topic(rejoining());
    world
        .broker
        .script(|script| script.claims.push_back(Outcome::Refused(Transient)));
    let task = world.spawn();
    world.finish(&task);
    assert_eq!(task.rejoined().len(), 1);
    // Joining anew is shown until it is done, and no longer.
    assert_eq!(task.status.retrying(), []);
}

#[test]
fn what_kafka_refuses_for_good_fails_the_task() {
    let world = one_topic(rejoining());
    world
        .broker
        .script(|script| script.plans.push_back(Outcome::Refused(Permanent)));
    let failure = world.spawn().ended().failure();
    assert!(failure.contains("the transaction was aborted"), "{failure}");
    world.check_nothing_open();
    assert_eq!(world.rows(), 0);
}

#[test]
fn a_plan_without_an_answer_is_decided_by_what_is_stored() {
    let check = |outcome, again: u64| {
        let world = one_topic(rejoining());
        world
            .broker
            .script(|script| script.plans.push_back(outcome));
        let task = world.spawn();
        world.finish(&task);
        assert_eq!(task.rejoined().len() as u64, again, "{outcome:?}");
        assert_eq!(
            world.stand_in.transactions_in(TxnState::Aborted).len() as u64,
            again
        );
    };
    check(Outcome::UnclearStored, 0);
    check(Outcome::UnclearLost, 1);
}

#[test]
fn a_claim_without_an_answer_is_made_once_more() {
    let check = |outcome| {
        let world = one_topic(Tuning::default());
        // The first one is the fence, the second one the offset at the end.
        world
            .broker
            .script(|script| script.claims.extend([outcome, outcome]));
        let task = world.spawn();
        world.finish(&task);
    };
    check(Outcome::UnclearStored);
    check(Outcome::UnclearLost);
}

#[test]
fn what_is_stored_is_asked_for_until_kafka_answers() {
    let world = one_topic(Tuning::default());
    world.broker.script(|script| {
        script.plans.push_back(Outcome::UnclearStored);
        script.replacements.push_back(Transient);
        script.polls.push_back(Transient);
    });
    let task = world.spawn();
    world.until("a step", || task.steps.all().contains(&Step::Prepared));
    world
        .broker
        .script(|script| script.committed.push_back(Transient));
    world.finish(&task);
    assert!(
        task.status.retrying().is_empty(),
        "{:?}",
        task.status.retrying()
    );
}

#[test]
fn a_round_that_another_member_has_settled_meanwhile_is_no_failure() {
    let world = World::new(rejoining()).topics(&[("orders", 2)]);
    let first = world.spawn();
    world.until_settled();
    let zombie = world.broker.newest();
    world.broker.script(|script| {
        script.plans.push_back(Outcome::UnclearStored);
        script.no_producer_for = Some(zombie);
    });
    world.broker.produce("orders", 0, 10);
    world.until("a plan in doubt", || !world.broker.lock().open.is_empty());
    world.broker.end_transactions();
    world.broker.expel(zombie);
    let second = world.spawn();
    world.until_settled();
    world.broker.script(|script| script.no_producer_for = None);
    world.until("the end of the first stay", || !first.rejoined().is_empty());
    assert!(
        first.rejoined()[0].contains("given to another member, which has settled it"),
        "{:?}",
        first.rejoined()
    );
    first.stop_clean();
    second.stop_clean();
    world.check_done();
}

#[test]
fn where_kafka_has_no_transactions_it_is_said() {
    let check = |at_start: bool| {
        let world = one_topic(Tuning::default());
        world.broker.script(|script| {
            if at_start {
                script.replacements.push_back(TransactionsUnavailable);
            } else {
                script
                    .plans
                    .push_back(Outcome::Refused(TransactionsUnavailable));
            }
        });
        match world.spawn().ended() {
            Ended::Session(SessionEnd::NoTransactions(reason)) => {
                assert!(reason.contains("stand-in"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(world.rows(), 0);
        world.check_nothing_open();
    };
    check(true);
    check(false);
}

#[test]
fn a_consumer_that_fails_for_good_fails_the_task_without_a_loss() {
    let world = one_topic(Tuning::default());
    let task = world.spawn();
    world.until("a round", || {
        task.status.counters.rounds.load(Ordering::Relaxed) > 0
    });
    world
        .broker
        .script(|script| script.polls.push_back(Permanent));
    assert!(task.ended().failure().contains("polling fails"));
    world.broker.produce("orders", 1, 5);
    let next = world.spawn();
    world.finish(&next);
}

#[test]
fn what_others_have_written_beside_an_offset_is_no_plan() {
    let check = |metadata: &[u8]| {
        let world = one_topic(Tuning::default());
        world.broker.store("orders", 0, 0, metadata);
        let task = world.spawn();
        world.finish(&task);
    };
    check(b"written by flink");
    check(b"\xff\xfe");
    check(br#"{"v":1,"connector":"other","epoch":"1","round":7,"db":"d","plan":{"end":10,"tables":["orders"],"prepared_at":1}}"#);
    check(br#"{"v":1,"connector":"sink","epoch":"zz","round":7,"db":"d"}"#);
    // Ours by its looks, and impossible.
    check(br#"{"v":1,"connector":"sink","epoch":"1","round":18446744073709551615,"db":"d"}"#);
    check(br#"{"v":1,"connector":"sink","epoch":"1","round":7,"db":"d","plan":{"end":0,"tables":["orders"],"prepared_at":1}}"#);
    check(br#"{"v":1,"connector":"sink","epoch":"1","round":7,"db":"d","plan":{"end":-5,"tables":[],"prepared_at":1}}"#);
    check(br#"{"v":1,"connector":"sink","epoch":"1","round":7,"db":"d","owed":{"end":0,"tables":["orders"]}}"#);
}

#[test]
fn what_a_newer_version_has_written_is_not_overruled() {
    let world = one_topic(Tuning::default());
    let metadata = br#"{"v":2,"connector":"sink","something":"new"}"#;
    world.broker.store("orders", 0, 3, metadata);
    let failure = world.spawn().ended().failure();
    assert!(
        failure.contains("newer version of starrocks-kafka (metadata version 2)"),
        "{failure}"
    );
    assert_eq!(
        world.broker.stored("orders", 0).map(|s| s.metadata),
        Some(metadata.to_vec())
    );
    assert_eq!(world.rows(), 0);
}
