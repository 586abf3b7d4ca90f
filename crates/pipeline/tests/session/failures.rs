//! StarRocks refuses, is away, or its answers are lost.

use std::sync::atomic::Ordering;
use std::time::Duration;

use starrocks_kafka_pipeline::task::SessionEnd;
use starrocks_kafka_testbed::{Action, Call, Node, TxnState};

use crate::broker::{Slot, row};
use crate::rounds::NEVER;
use crate::task_thread::Ended;
use crate::world::{Tuning, World};

fn one_topic(tuning: Tuning) -> World {
    let world = World::new(tuning).topics(&[("orders", 1)]);
    world.broker.produce("orders", 0, 10);
    world
}

#[test]
fn rows_that_starrocks_refuses_fail_the_task_with_the_first_of_them() {
    let world = one_topic(Tuning::default());
    world.broker.append("orders", 0, |offset| {
        Slot::Value(Some(
            format!(r#"{{"t":"orders","p":null,"o":{offset}}}"#).into_bytes(),
        ))
    });
    let failure = world.spawn().ended().failure();
    for part in [
        "table orders",
        "too many filtered rows",
        "first refused rows:",
        "NULL",
    ] {
        assert!(failure.contains(part), "{part} is missing: {failure}");
    }
    assert_eq!(world.stand_in.transactions_in(TxnState::Visible), []);
    assert_eq!(
        world.broker.stored("orders", 0).map(|stored| stored.offset),
        Some(0)
    );
    world.check_nothing_open();
}

#[test]
fn what_time_may_heal_is_tried_again_as_another_round() {
    let check = |call: Call, action: Action| {
        let world = one_topic(Tuning::default());
        let fault = world
            .stand_in
            .faults()
            .on(call)
            .table("orders")
            .first(2)
            .act(action);
        let task = world.spawn();
        world.finish(&task);
        assert_eq!(fault.hits(), 2);
        assert_eq!(task.status.counters.rounds_again.load(Ordering::Relaxed), 2);
        assert!(
            task.status.retrying().is_empty(),
            "{:?}",
            task.status.retrying()
        );
    };
    check(Call::Prepare, Action::TooManyVersions);
    check(Call::Load, Action::MemoryLimit);
    check(Call::Begin, Action::RunningTxnLimit);
}

#[test]
fn after_too_many_refusals_the_task_fails_with_the_first_cause() {
    let world = one_topic(Tuning {
        retries_max: Some(1),
        ..Tuning::default()
    });
    world
        .stand_in
        .faults()
        .on(Call::Prepare)
        .first(1)
        .act(Action::TooManyVersions);
    let second = world
        .stand_in
        .faults()
        .on(Call::Prepare)
        .act(Action::MemoryLimit);
    let failure = world.spawn().ended().failure();
    assert!(
        failure.contains("refused 2 rounds in a row (sink.maxretries=1)"),
        "{failure}"
    );
    assert!(failure.contains("Too many versions"), "{failure}");
    assert_eq!(second.hits(), 1);
    world.check_nothing_open();
}

#[test]
fn a_refusal_in_between_does_not_count_when_a_round_came_through() {
    let world = one_topic(Tuning {
        retries_max: Some(1),
        ..Tuning::default()
    });
    let prepare = |nth| {
        world
            .stand_in
            .faults()
            .on(Call::Prepare)
            .nth(nth)
            .act(Action::TooManyVersions)
    };
    let (_first, third) = (prepare(1), prepare(3));
    let task = world.spawn();
    world.until("the first round", || {
        task.status.counters.rounds.load(Ordering::Relaxed) == 1
    });
    world.broker.produce("orders", 0, 10);
    world.until("the second round", || {
        task.status.counters.rounds.load(Ordering::Relaxed) == 2
    });
    task.stop_clean();
    world.check_done();
    assert_eq!(third.hits(), 1);
}

#[test]
fn a_table_that_is_missing_fails_the_task_at_once() {
    let world = one_topic(Tuning::default());
    world
        .stand_in
        .sql("DROP TABLE d.orders")
        .expect("it is there");
    let failure = world.spawn().ended().failure();
    assert!(failure.contains("orders"), "{failure}");
    world.check_nothing_open();
}

/// One answer to `call` goes wrong.
fn check_lost(call: Call, actions: &[Action]) {
    for action in actions {
        let world = one_topic(Tuning::default());
        if call == Call::Rollback {
            // Something to roll back.
            let load = world.stand_in.faults().on(Call::Load).first(1);
            load.act(Action::Html);
        }
        if call == Call::State {
            // Something to ask for.
            let prepare = world.stand_in.faults().on(Call::Prepare).first(1);
            prepare.act(Action::DropAnswerAfterEffect);
        }
        let fault = world
            .stand_in
            .faults()
            .on(call)
            .table("orders")
            .first(1)
            .act(action.clone());
        let task = world.spawn();
        world.finish(&task);
        assert_eq!(fault.hits(), 1, "{call} {action:?}");
    }
}

const LOST: &[Action] = &[
    Action::DropAnswerAfterEffect,
    Action::ResetBeforeEffect,
    Action::ResetAfterEffect,
    Action::CutAnswer { after: 10 },
    Action::Html,
];

#[test]
fn lost_answers_to_begin_lose_and_double_nothing() {
    check_lost(Call::Begin, LOST);
}

#[test]
fn lost_answers_to_load_lose_and_double_nothing() {
    check_lost(Call::Load, LOST);
    check_lost(Call::Load, &[Action::ResetMidBody { after: 5 }]);
}

#[test]
fn lost_answers_to_prepare_lose_and_double_nothing() {
    check_lost(Call::Prepare, LOST);
}

#[test]
fn lost_answers_to_commit_lose_and_double_nothing() {
    check_lost(Call::Commit, LOST);
    check_lost(
        Call::Commit,
        &[Action::Status {
            code: 503,
            body: String::new(),
        }],
    );
}

#[test]
fn lost_answers_to_rollback_lose_and_double_nothing() {
    check_lost(Call::Rollback, LOST);
}

#[test]
fn lost_answers_about_states_lose_and_double_nothing() {
    check_lost(Call::State, LOST);
}

#[test]
fn a_commit_that_is_published_late_is_a_commit() {
    let world = one_topic(Tuning::default());
    let fault = world
        .stand_in
        .faults()
        .on(Call::Commit)
        .first(1)
        .act(Action::PublishTimeout);
    let task = world.spawn();
    world.until("the round", || {
        task.status.counters.rounds.load(Ordering::Relaxed) == 1
    });
    world.stand_in.publish().expect("its memory can be written");
    world.finish(&task);
    assert_eq!(fault.hits(), 1);
    assert_eq!(task.status.counters.rounds_again.load(Ordering::Relaxed), 0);
}

#[test]
fn a_back_end_that_is_away_is_waited_for_and_shown() {
    let world = one_topic(Tuning::default());
    world.stand_in.away(Node::Be(0)).expect("its port is held");
    let task = world.spawn();
    world.until("a retry", || {
        task.status
            .retrying()
            .iter()
            .any(|r| r.unavailable && r.what.contains("begin a transaction"))
    });
    world.stand_in.back().expect("it listens again");
    world.finish(&task);
    assert_eq!(task.status.counters.rounds_again.load(Ordering::Relaxed), 0);
    assert!(task.status.retrying().is_empty());
}

#[test]
fn starrocks_is_waited_for_at_the_start() {
    let world = one_topic(Tuning::default());
    world.stand_in.all_away().expect("the ports are held");
    let task = world.spawn();
    world.until("a retry", || {
        task.status
            .retrying()
            .iter()
            .any(|retrying| retrying.unavailable)
    });
    world.stand_in.back().expect("it listens again");
    world.finish(&task);
}

#[test]
fn starrocks_goes_away_while_a_decided_round_is_committed() {
    let world = one_topic(Tuning::default());
    world
        .stand_in
        .faults()
        .on(Call::Commit)
        .first(1)
        .act(Action::Hold);
    let task = world.spawn();
    world
        .stand_in
        .wait_for(Call::Commit, 1, crate::world::LIMIT)
        .expect("a commit");
    world.stand_in.all_away().expect("the ports are held");
    world.until("a retry", || {
        task.status
            .retrying()
            .iter()
            .any(|retrying| retrying.unavailable)
    });
    world.stand_in.back().expect("it listens again");
    world.finish(&task);
    assert_eq!(task.status.counters.rounds_again.load(Ordering::Relaxed), 0);
}

#[test]
fn a_back_end_that_restarts_loses_its_transactions_and_no_row() {
    let check = |call: Call| {
        let world = one_topic(Tuning::default());
        world
            .stand_in
            .faults()
            .on(call)
            .table("orders")
            .first(1)
            .act(Action::Hold);
        let task = world.spawn();
        world
            .stand_in
            .wait_for(call, 1, crate::world::LIMIT)
            .expect("the call");
        world
            .stand_in
            .restart(Node::Be(0))
            .expect("it listens again");
        world.finish(&task);
        assert_eq!(
            task.status.counters.rounds_again.load(Ordering::Relaxed),
            1,
            "{call}"
        );
    };
    check(Call::Load);
    check(Call::Prepare);
}

#[test]
fn a_task_may_be_told_how_long_to_wait_for_starrocks() {
    let limit = Duration::from_millis(300);
    let world = one_topic(Tuning {
        unavailable_timeout: Some(limit),
        ..Tuning::default()
    });
    world.stand_in.away(Node::Be(0)).expect("its port is held");
    let failure = world.spawn().ended().failure();
    for part in [
        "300 ms (starrocks.unavailable.timeout.ms)",
        "begin a transaction for table orders",
    ] {
        assert!(failure.contains(part), "{part} is missing: {failure}");
    }
}

#[test]
fn a_task_without_progress_fails_and_says_where_it_stood() {
    let limit = Duration::from_millis(400);
    let world = one_topic(Tuning {
        progress_timeout: limit,
        ..Tuning::default()
    });
    let fault = world
        .stand_in
        .faults()
        .on(Call::Prepare)
        .first(1)
        .act(Action::Hold);
    let failure = world.spawn().ended().failure();
    assert!(
        failure.contains("no progress for 400 ms (starrocks.progress.timeout.ms)"),
        "{failure}"
    );
    assert!(failure.contains("while preparing a round"), "{failure}");
    fault.remove();
    let task = world.spawn();
    world.finish(&task);
}

#[test]
fn a_bad_record_fails_the_task_behind_what_came_before_it() {
    let world = World::new(Tuning {
        flush_interval: NEVER,
        ..Tuning::default()
    })
    .topics(&[("orders", 1), ("customers", 1)]);
    world.broker.produce("customers", 0, 4);
    world.broker.produce("orders", 0, 10);
    let bad = |slot: &[u8]| Slot::Value(Some(slot.to_vec()));
    world.broker.append("orders", 0, |_| bad(b"{\"t\":"));
    world.broker.produce("orders", 0, 5);
    // A refusal of what came before it does not hide it.
    world
        .stand_in
        .faults()
        .on(Call::Prepare)
        .first(1)
        .act(Action::TooManyVersions);
    let failure = world.spawn().ended().failure();
    assert!(
        failure.contains("record orders-0 at offset 10 cannot be loaded"),
        "{failure}"
    );
    let stored = world.broker.stored("orders", 0).expect("a claim");
    assert_eq!((stored.offset, stored.text().contains("plan")), (10, false));
    // Once the record is mended the task goes on with it.
    world.broker.change(|state| {
        let partition = starrocks_kafka_pipeline::kafka::TopicPartition::new("orders", 0);
        let log = state.logs.get_mut(&partition).expect("the topic");
        log[10] = Slot::Value(Some(row("orders", 0, 10)));
    });
    let task = world.spawn();
    world.until("the rest", || {
        task.status.counters.records.load(Ordering::Relaxed) >= 6
    });
    task.stop_clean();
    world.check_done();
}

#[test]
fn a_failed_task_leaves_no_plan_behind() {
    let world = one_topic(Tuning::default());
    let task = world.spawn();
    world.until("a round", || {
        task.status.counters.rounds.load(Ordering::Relaxed) == 1
    });
    world
        .stand_in
        .faults()
        .on(Call::Load)
        .act(Action::Unauthorized);
    world.broker.produce("orders", 0, 1);
    let failure = task.ended().failure();
    assert!(failure.contains("Access denied"), "{failure}");
    let stored = world.broker.stored("orders", 0).expect("a claim");
    assert_eq!((stored.offset, stored.text().contains("plan")), (10, false));
    world.check_nothing_open();
}

#[test]
fn a_stop_that_must_not_wait_says_what_it_leaves() {
    let world = one_topic(Tuning {
        flush_interval: NEVER,
        ..Tuning::default()
    });
    let task = world.spawn();
    world.until("the records", || {
        task.status.counters.records.load(Ordering::Relaxed) == 10
    });
    world.stand_in.all_away().expect("the ports are held");
    let time = Duration::from_millis(300);
    let began = tokio::time::Instant::now();
    match task.stop_within(time) {
        Ended::Session(SessionEnd::Stopped { left: Some(left) }) => {
            assert!(left.contains("stopped while preparing a round"), "{left}");
        }
        other => panic!("{other:?}"),
    }
    assert!(began.elapsed() >= time);
    world.stand_in.back().expect("it listens again");
    let next = world.spawn();
    world.until("the records", || {
        next.status.counters.records.load(Ordering::Relaxed) == 10
    });
    next.stop_clean();
    world.check_done();
}

#[test]
fn a_stop_before_anything_was_read_has_nothing_to_wait_for() {
    let world = one_topic(Tuning::default());
    world.stand_in.all_away().expect("the ports are held");
    let task = world.spawn();
    world.until("a retry", || !task.status.retrying().is_empty());
    task.stop_clean();
}

#[test]
fn a_decided_round_that_may_not_be_committed_keeps_its_plan() {
    let world = one_topic(Tuning::default());
    // The first round is in, and its offset not stored by itself yet.
    let refused = world.stand_in.faults().on(Call::Commit).from(2);
    refused.act(Action::Unauthorized);
    let task = world.spawn();
    world.until("the first round", || {
        task.status.counters.rounds.load(Ordering::Relaxed) == 1
    });
    world.broker.produce("orders", 0, 3);
    let failure = task.ended().failure();
    assert!(
        failure.contains("a decided round cannot be committed"),
        "{failure}"
    );
    let stored = world.broker.stored("orders", 0).expect("a plan");
    assert_eq!((stored.offset, stored.text().contains("plan")), (10, true));
    world.stand_in.faults().clear();
    let next = world.spawn();
    world.finish(&next);
    assert_eq!(world.stand_in.transactions().len(), 2);
}
