//! What the group has stored, or the broker has kept, is not there any more: said, counted, and gone on from.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use starrocks_kafka_pipeline::kafka::{KafkaErrorKind, OffsetReset, TopicPartition};
use starrocks_kafka_pipeline::remembered::Remembered;
use starrocks_kafka_pipeline::settings::DeliveryGuarantee;
use starrocks_kafka_pipeline::step::Step;
use starrocks_kafka_testbed::{Action, Call};

use crate::broker::{Protocol, Slot, row};
use crate::task_thread::{Ended, Steps, Task};
use crate::world::{Tuning, World};

fn world(tuning: Tuning) -> World {
    World::new(tuning).topics(&[("orders", 2)])
}

fn at_least_once() -> Tuning {
    Tuning {
        guarantee: DeliveryGuarantee::AtLeastOnce,
        ..Tuning::default()
    }
}

/// Loads what there is, and stops.
fn load(world: &World) {
    let task = world.spawn();
    world.until_settled();
    task.stop_clean();
}

fn crash(world: &World, step: Step) {
    let steps = Arc::<Steps>::default();
    steps.crash_at(step, 1);
    assert_eq!(world.spawn_with(steps).ended(), Ended::Crashed, "{step}");
    world.broker.end_transactions();
}

/// Records lost, losses, offsets vanished.
fn counted(task: &Task) -> (u64, u64, u64) {
    let counters = &task.status.counters;
    let of = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    (
        of(&counters.records_lost),
        of(&counters.losses),
        of(&counters.offsets_vanished),
    )
}

/// The only thing that the task has to say.
fn incident(task: &Task) -> String {
    let incidents = task.status.incidents();
    let [incident] = &incidents[..] else {
        panic!("one incident was expected: {incidents:#?}");
    };
    incident.what.clone()
}

fn assert_has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no '{part}' in: {text}");
    }
}

/// The offsets of `orders-0` that have rows.
fn offsets(world: &World) -> String {
    let sql = "SELECT o, COUNT(*) FROM d.orders WHERE p = 0 GROUP BY o ORDER BY o";
    let rows = world.stand_in.sql(sql).expect("the table").lines();
    let mut text = Vec::new();
    for row in rows {
        let (offset, times) = row.split_once('\t').expect("two columns");
        text.push(if times == "1" {
            offset.to_owned()
        } else {
            format!("{offset}*{times}")
        });
    }
    text.join(" ")
}

#[test]
fn what_was_deleted_while_nobody_read_is_said_and_passed_over() {
    let check = |tuning: Tuning, reset, rows: &str, lost: u64, parts: &[&str]| {
        let world = world(tuning);
        world.broker.produce("orders", 0, 2);
        load(&world);
        world.broker.produce("orders", 0, 4);
        world.broker.delete_before("orders", 0, 5);
        world.broker.change(|state| state.reset = reset);
        let task = world.spawn();
        world.until("the loss", || !task.status.incidents().is_empty());
        // The claim of the recovery pins where it goes on.
        world.until_settled();
        world.broker.produce("orders", 0, 1);
        world.until("the last record", || offsets(&world).ends_with('6'));
        task.stop_clean();
        assert_eq!(offsets(&world), rows);
        assert_eq!(counted(&task), (lost, 1, 0));
        assert_has(&incident(&task), parts);
        world.check_nothing_open();
    };
    let earliest = [
        "orders-0",
        "its offset 2",
        "offsets 5 to 5",
        "3 records, offsets 2 to 4",
        "going on at 5",
    ];
    let latest = [
        "4 records, offsets 2 to 4, and 5 to 5, which are passed over; auto.offset.reset=latest: going on at 6",
    ];
    for tuning in [Tuning::default, at_least_once] {
        check(tuning(), OffsetReset::Earliest, "0 1 5 6", 3, &earliest);
        check(tuning(), OffsetReset::Latest, "0 1 6", 4, &latest);
    }
}

#[test]
fn without_a_reset_the_task_fails_and_says_what_to_do() {
    let world = world(Tuning::default());
    world.broker.produce("orders", 0, 2);
    load(&world);
    world.broker.produce("orders", 0, 4);
    world.broker.produce("orders", 1, 4);
    world.broker.delete_before("orders", 0, 5);
    world.broker.change(|state| state.reset = OffsetReset::None);
    let task = world.spawn();
    let failure = task.ended().failure();
    assert_has(
        &failure,
        &[
            "offsets 2 to 4",
            "auto.offset.reset is none",
            "--reset-offsets",
        ],
    );
    assert_eq!(failure, incident(&task));
    assert_eq!(counted(&task), (3, 1, 0));
    assert_eq!(
        world.broker.stored("orders", 0).map(|stored| stored.offset),
        Some(2)
    );
    // The way out.
    world.broker.store("orders", 0, 5, b"");
    let task = world.spawn();
    world.until_settled();
    task.stop_clean();
    assert_eq!(offsets(&world), "0 1 5");
    assert_eq!(counted(&task), (0, 0, 0));
    // Nothing is stored, and nothing says where to begin.
    world.broker.change(|state| state.stored.clear());
    let failure = world.spawn().ended().failure();
    assert_has(
        &failure,
        &[
            "no committed offset for orders-0, orders-1",
            "auto.offset.reset is none",
        ],
    );
}

#[test]
fn a_plan_is_rolled_forward_and_its_end_holds() {
    for (first, lost, rows) in [
        (3, 0, "0 1 2 3 4 5"),
        (5, 0, "0 1 2 3 4 5"),
        (6, 1, "0 1 2 3 4"),
    ] {
        let world = world(Tuning::default());
        world.broker.produce("orders", 0, 5);
        crash(&world, Step::Decided);
        assert_eq!(world.rows(), 0);
        world.broker.produce("orders", 0, 1);
        world.broker.delete_before("orders", 0, first);
        let task = world.spawn();
        world.until_settled();
        task.stop_clean();
        assert_eq!(offsets(&world), rows);
        assert_eq!(counted(&task), (lost, lost, 0), "{first}");
        world.check_nothing_open();
    }
}

#[test]
fn what_is_owed_is_replayed_as_far_as_it_is_there() {
    let check = |first, lost, rows: &str, parts: &[&str]| {
        for reset in [OffsetReset::Earliest, OffsetReset::Latest] {
            let world = world(Tuning::default());
            world.broker.produce("orders", 0, 1);
            load(&world);
            world.broker.change(|state| state.reset = reset);
            world.broker.produce("orders", 0, 4);
            crash(&world, Step::Decided);
            world.abort("orders");
            world.broker.delete_before("orders", 0, first);
            let task = world.spawn();
            world.until_settled();
            world.broker.produce("orders", 0, 1);
            world.until("the last record", || offsets(&world).ends_with('5'));
            task.stop_clean();
            assert_eq!(offsets(&world), rows, "{reset:?}");
            assert_eq!(counted(&task), (lost, u64::from(lost > 0), 0));
            if lost > 0 {
                assert_has(&incident(&task), parts);
            }
            world.check_nothing_open();
        }
    };
    let owed = "rows of a decided round up to offset 4 that StarRocks has aborted in orders";
    check(1, 0, "0 1 2 3 4 5", &[]);
    check(3, 2, "0 3 4 5", &["2 records, offsets 1 to 2", owed]);
    check(5, 4, "0 5", &["4 records, offsets 1 to 4", owed]);
}

#[test]
fn a_debt_in_a_topic_that_was_created_anew_is_said_and_does_not_hang() {
    let world = world(Tuning::default());
    world.broker.produce("orders", 0, 4);
    crash(&world, Step::Decided);
    world.abort("orders");
    world.broker.create_anew("orders");
    world.broker.produce("orders", 0, 2);
    let task = world.spawn();
    world.until_settled();
    task.stop_clean();
    assert_eq!(offsets(&world), "0 1");
    assert_eq!(counted(&task), (0, 1, 0));
    assert_has(
        &incident(&task),
        &["created anew", "is unknown", "rows of a decided round"],
    );
}

/// A round is held in StarRocks; what was to be read next is deleted; then StarRocks goes on.
fn deleted_while_reading(tuning: Tuning, reset: OffsetReset, rows: &str, lost: u64) {
    let world = world(Tuning {
        records_per_poll: 2,
        ..tuning
    });
    let hold = world
        .stand_in
        .faults()
        .on(Call::Prepare)
        .first(1)
        .act(Action::Hold);
    world.broker.produce("orders", 0, 2);
    let task = world.spawn();
    world.until("a prepare", || hold.hits() == 1);
    world.broker.change(|state| state.reset = reset);
    world.broker.produce("orders", 0, 6);
    world.broker.delete_before("orders", 0, 6);
    hold.remove();
    world.until_settled();
    world.broker.produce("orders", 0, 1);
    world.until("the last record", || offsets(&world).ends_with('8'));
    world.until_settled();
    task.stop_clean();
    assert_eq!(offsets(&world), rows);
    assert_eq!(counted(&task), (lost, 1, 0));
    assert_has(
        &incident(&task),
        &["orders-0", "at its offset 2", "2 to 5", "deleted"],
    );
    world.check_nothing_open();
    // No stored offset ever stood within the gap.
    let state = world.broker.lock();
    let first = TopicPartition::new("orders", 0);
    let of_first = state
        .journal
        .iter()
        .flatten()
        .filter(|o| o.partition == first);
    let within: Vec<_> = of_first.filter(|o| (3..6).contains(&o.offset)).collect();
    assert!(within.is_empty(), "{within:#?}");
}

#[test]
fn what_is_deleted_while_a_task_reads_is_said_and_passed_over() {
    for tuning in [Tuning::default, at_least_once] {
        deleted_while_reading(tuning(), OffsetReset::Earliest, "0 1 6 7 8", 4);
        deleted_while_reading(tuning(), OffsetReset::Latest, "0 1 8", 6);
    }
}

#[test]
fn a_log_that_is_emptied_while_a_task_reads_is_gone_on_from_its_end() {
    let world = world(Tuning::default());
    let hold = world
        .stand_in
        .faults()
        .on(Call::Prepare)
        .first(1)
        .act(Action::Hold);
    world.broker.produce("orders", 0, 2);
    let task = world.spawn();
    world.until("a prepare", || hold.hits() == 1);
    world.broker.produce("orders", 0, 4);
    world.broker.delete_before("orders", 0, 6);
    hold.remove();
    // Without a further record the offset says that there is nothing more to come.
    world.until_settled();
    task.stop_clean();
    assert_eq!(offsets(&world), "0 1");
    assert_eq!(counted(&task), (4, 1, 0));
    assert_has(
        &incident(&task),
        &["the broker has no records, and 6 is next"],
    );
}

#[test]
fn gaps_that_are_no_loss_are_none() {
    for tuning in [Tuning::default, at_least_once] {
        let world = world(tuning());
        let append = |is_record: bool| {
            world.broker.append("orders", 0, |offset| {
                if is_record {
                    Slot::Value(Some(row("orders", 0, offset)))
                } else {
                    Slot::Gone
                }
            });
        };
        // Compacted away, aborted, markers: in front, between, and behind everything.
        for is_record in [false, true, false, false, true, false, false] {
            append(is_record);
        }
        let task = world.spawn();
        world.until_settled();
        assert_eq!(offsets(&world), "1 4");
        append(false);
        world.until_settled();
        append(true);
        append(false);
        world.until_settled();
        task.stop_clean();
        assert_eq!(offsets(&world), "1 4 8");
        // Retention takes it all, and a topic at rest has lost nothing.
        world.broker.delete_before("orders", 0, 10);
        let next = world.spawn();
        world.broker.produce("orders", 0, 1);
        world.until_settled();
        next.stop_clean();
        assert_eq!(offsets(&world), "1 4 8 10");
        for task in [task, next] {
            assert_eq!(counted(&task), (0, 0, 0));
            assert_eq!(task.status.incidents(), []);
        }
        world.check_nothing_open();
    }
}

#[test]
fn an_end_that_is_told_covers_nothing_that_waits() {
    // The end of the log is told while records before it wait for StarRocks to take rows, and a crash follows.
    let world = world(Tuning {
        records_per_poll: 3,
        ..Tuning::default()
    });
    let hold = world
        .stand_in
        .faults()
        .on(Call::Prepare)
        .first(1)
        .act(Action::Hold);
    world.broker.produce("orders", 0, 3);
    let steps = Arc::<Steps>::default();
    steps.crash_at(Step::Prepared, 2);
    let task = world.spawn_with(steps);
    world.until("a prepare", || hold.hits() == 1);
    world.broker.produce("orders", 0, 4);
    world.broker.append("orders", 0, |_| Slot::Gone);
    hold.remove();
    assert_eq!(task.ended(), Ended::Crashed);
    let next = world.spawn();
    world.until_loaded();
    world.until_settled();
    next.stop_clean();
    world.check_done();
}

#[test]
fn a_topic_that_is_created_anew_while_a_task_reads_is_read_from_its_beginning() {
    for tuning in [Tuning::default, at_least_once] {
        let world = world(tuning());
        world.broker.produce("orders", 0, 5);
        let task = world.spawn();
        world.until_settled();
        world.broker.create_anew("orders");
        world.broker.produce("orders", 0, 2);
        world.until("the new records", || offsets(&world) == "0*2 1*2 2 3 4");
        world.until_settled();
        task.stop_clean();
        assert_eq!(counted(&task), (0, 1, 0));
        assert_has(
            &incident(&task),
            &["at its offset 5", "deleted and created anew", "unknown"],
        );
    }
}

#[test]
fn a_log_that_was_cut_is_read_on_where_it_ends() {
    let world = world(Tuning::default());
    world.broker.produce("orders", 0, 5);
    let task = world.spawn();
    world.until_settled();
    world.broker.change(|state| {
        let log = state
            .logs
            .get_mut(&TopicPartition::new("orders", 0))
            .expect("the topic");
        log.truncate(3);
    });
    world.until("the cut", || !task.status.incidents().is_empty());
    world.until_settled();
    world.broker.produce("orders", 0, 1);
    world.until("the new record", || offsets(&world) == "0 1 2 3*2 4");
    task.stop_clean();
    assert_eq!(counted(&task), (0, 1, 0));
    assert_has(
        &incident(&task),
        &["its log was cut", "no records are lost", "going on at 3"],
    );
}

/// The member is expelled with nothing on its way, and while it is away the group forgets everything.
fn vanishes(tuning: Tuning, protocol: Protocol) {
    let world = World::with(
        Tuning {
            rejoins: true,
            ..tuning
        },
        protocol,
    )
    .topics(&[("orders", 2)]);
    world.broker.produce("orders", 0, 5);
    world.broker.produce("orders", 1, 5);
    let task = world.spawn();
    world.until_settled();
    let member = world.broker.newest();
    world.broker.change(|state| state.stored.clear());
    world.broker.expel(member);
    world.until_settled();
    world.broker.produce("orders", 0, 1);
    world.until("the new record", || offsets(&world).ends_with('5'));
    world.until_settled();
    task.stop_clean();
    // Nothing is loaded again.
    world.check_done();
    assert_eq!(counted(&task), (0, 0, 2));
    assert_has(
        &incident(&task),
        &[
            "no committed offset any more for 2 of 2 partitions",
            "orders-0 at 5, orders-1 at 5",
            "deleted, or expired",
        ],
    );
}

#[test]
fn a_group_that_vanishes_is_said_and_nothing_is_loaded_twice() {
    for protocol in [Protocol::Eager, Protocol::Cooperative] {
        vanishes(Tuning::default(), protocol);
    }
    vanishes(at_least_once(), Protocol::Eager);
}

#[test]
fn a_group_that_vanishes_with_a_plan_is_rolled_forward_from_memory() {
    let world = world(Tuning {
        rejoins: true,
        ..Tuning::default()
    });
    let hold = world
        .stand_in
        .faults()
        .on(Call::Commit)
        .first(1)
        .act(Action::Hold);
    world.broker.produce("orders", 0, 5);
    let task = world.spawn();
    world.until("a commit", || hold.hits() == 1);
    let member = world.broker.newest();
    world.broker.change(|state| state.stored.clear());
    world.broker.expel(member);
    hold.remove();
    world.until_settled();
    world.finish(&task);
    assert_eq!(counted(&task), (0, 0, 2));
    assert_has(&incident(&task), &["orders-0 at 5, orders-1 at 0"]);
}

#[test]
fn what_one_task_has_stored_the_others_remember() {
    let world = World::new(Tuning {
        rejoins: true,
        ..Tuning::default()
    })
    .topics(&[("orders", 4)]);
    let produce = |records| {
        for partition in 0..4 {
            world.broker.produce("orders", partition, records);
        }
    };
    produce(5);
    let remembered = Remembered::default();
    let first = world.spawn_sharing(&remembered);
    world.until_settled();
    let second = world.spawn_sharing(&remembered);
    world.until("both have theirs", || {
        let state = world.broker.lock();
        let mut members = state.members.values();
        members.all(|member| member.owned.len() == 2 && member.inbox.is_empty())
    });
    produce(1);
    world.until_settled();
    // The group has forgotten everything when the second one gets partitions that it never had.
    world.broker.change(|state| state.stored.clear());
    first.stop_clean();
    world.until_settled();
    produce(1);
    world.until_loaded();
    world.until_settled();
    second.stop_clean();
    world.check_done();
    assert_eq!(counted(&second), (0, 0, 4));
}

#[test]
fn an_offset_that_somebody_sets_is_obeyed() {
    let world = world(Tuning {
        rejoins: true,
        ..Tuning::default()
    });
    world.broker.produce("orders", 0, 5);
    let task = world.spawn();
    world.until_settled();
    let member = world.broker.newest();
    world.broker.store("orders", 0, 3, b"");
    world.broker.expel(member);
    world.until("two records again", || offsets(&world) == "0 1 2 3*2 4*2");
    world.until_settled();
    task.stop_clean();
    assert_eq!(counted(&task), (0, 0, 0));
    assert_eq!(task.status.incidents(), []);
}

#[test]
fn a_new_task_begins_as_the_reset_says() {
    let world = world(Tuning::default());
    world.broker.produce("orders", 0, 5);
    load(&world);
    world.broker.change(|state| state.stored.clear());
    world
        .broker
        .change(|state| state.reset = OffsetReset::Latest);
    let task = world.spawn();
    world.until_settled();
    task.stop_clean();
    assert_eq!(offsets(&world), "0 1 2 3 4");
    assert_eq!(counted(&task), (0, 0, 0));
    assert_eq!(task.status.incidents(), []);
}

#[test]
fn a_broker_that_does_not_tell_is_asked_again_and_shown() {
    let world = world(Tuning::default());
    world.broker.produce("orders", 0, 5);
    world
        .broker
        .script(|script| script.ranges.extend([KafkaErrorKind::Transient; 2]));
    let task = world.spawn();
    world.until("a retry", || {
        let retrying = task.status.retrying();
        retrying
            .iter()
            .any(|retrying| retrying.what == "look up the first and last offsets")
    });
    world.until_settled();
    task.stop_clean();
    world.check_done();
}

#[test]
fn a_partition_that_nobody_can_be_asked_about_keeps_no_other_from_being_read() {
    let world = world(Tuning::default());
    let leaderless = TopicPartition::new("orders", 1);
    let set = |partition: Option<&TopicPartition>| {
        world
            .broker
            .script(|script| script.leaderless = partition.cloned());
    };
    world.broker.produce("orders", 0, 5);
    // Where it begins has to be known once.
    set(Some(&leaderless));
    let task = world.spawn();
    world.until("a retry", || {
        let retrying = task.status.retrying();
        retrying
            .iter()
            .any(|retrying| retrying.because.contains("has no leader"))
    });
    set(None);
    world.until_settled();
    task.stop_clean();

    world.broker.produce("orders", 0, 5);
    set(Some(&leaderless));
    let task = world.spawn();
    world.until_settled();
    assert_eq!(task.status.retrying(), []);
    task.stop_clean();
    world.check_done();
}
