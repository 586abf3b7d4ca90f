//! Tables that only records tell: a transform gives records of one topic other topics, and so other tables.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use starrocks_kafka_connect::config::Given;
use starrocks_kafka_connect::transform::TransformChain;
use starrocks_kafka_pipeline::kafka::KafkaErrorKind;
use starrocks_kafka_pipeline::metadata::{Found, METADATA_BYTES_MAX, Metadata};
use starrocks_kafka_pipeline::settings::DeliveryGuarantee;
use starrocks_kafka_pipeline::step::Step;
use starrocks_kafka_testbed::{Action, Call, TxnState};

use crate::broker::Outcome;
use crate::log::DROPPED;
use crate::rounds::NEVER;
use crate::task_thread::{Ended, Steps, Task};
use crate::world::{CONNECTOR, Tuning, World};

/// Records with a header go to the table of its name; those with [`DROPPED`] go nowhere.
pub(crate) fn routing(tables: &[impl AsRef<str>]) -> TransformChain {
    let mut aliases = vec!["drop".to_owned()];
    let mut given = Given::new();
    let mut set = |name: String, value: &str| drop(given.insert(name, value.to_owned()));
    set("transforms.drop.type".into(), "Filter");
    set("transforms.drop.predicate".into(), "drop");
    set("predicates.drop.type".into(), "HasHeaderKey");
    set("predicates.drop.name".into(), DROPPED);
    for (n, table) in tables.iter().enumerate() {
        let (alias, table) = (format!("to{n}"), table.as_ref());
        set(format!("transforms.{alias}.type"), "RegexRouter");
        set(format!("transforms.{alias}.regex"), ".*");
        set(format!("transforms.{alias}.replacement"), table);
        set(format!("transforms.{alias}.predicate"), &alias);
        set(format!("predicates.{alias}.type"), "HasHeaderKey");
        set(format!("predicates.{alias}.name"), table);
        aliases.push(alias);
    }
    TransformChain::new(&aliases, &aliases, &given).expect("a chain")
}

/// A topic with two partitions, whose records go to three tables, and may go to a fourth.
fn three_tables(tuning: Tuning) -> World {
    let world = World::new(tuning)
        .topics(&[("orders", 2)])
        .routed_to(&["eu", "us", "late"]);
    produce(&world);
    world
}

fn produce(world: &World) {
    for partition in [0, 1] {
        world.broker.produce("orders", partition, 2);
        world.broker.produce_to("eu", "orders", partition, 3);
    }
    world.broker.produce_to("us", "orders", 1, 2);
    world.broker.produce_to("eu", "orders", 1, 1);
}

/// What is announced for a partition of `orders`, as it is stored.
fn announced(world: &World, partition: i32) -> BTreeSet<String> {
    let stored = world.broker.stored("orders", partition);
    let metadata = stored.expect("something is stored").metadata;
    let Found::Ours(metadata) = Metadata::decode(&metadata, CONNECTOR) else {
        panic!("not ours: {}", world.shown());
    };
    let names = metadata.announced().into_iter().flatten();
    names.map(|name| name.to_string()).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// A task that dies when it reaches `step` the `nth` time.
fn crashed(world: &World, step: Step, nth: usize) -> Task {
    let steps = Arc::<Steps>::default();
    steps.crash_at(step, nth);
    let task = world.spawn_with(steps);
    for _ in 1..nth {
        world.until_loaded();
        produce(world);
    }
    assert_eq!(task.ended(), Ended::Crashed, "{step}");
    world.broker.end_transactions();
    task
}

#[test]
fn records_of_one_topic_go_to_their_tables() {
    let world = three_tables(Tuning::default());
    let task = world.spawn();
    world.until_loaded();
    produce(&world);
    world.finish(&task);
}

#[test]
fn a_table_is_announced_before_a_transaction_begins_there() {
    let world = World::new(Tuning::default())
        .topics(&[("orders", 2)])
        .routed_to(&["eu", "us"]);
    let task = world.spawn();
    let mut expect = BTreeSet::new();
    for table in ["eu", "orders", "us"] {
        let begin = world.stand_in.faults().on(Call::Begin).table(table);
        let held = begin.first(1).act(Action::Hold);
        world.broker.produce_to(table, "orders", 1, 1);
        world.until("a begin", || held.hits() == 1);
        expect.insert(table.to_owned());
        // The topic's other partition will likely meet the table, too.
        assert_eq!(announced(&world, 0), expect);
        assert_eq!(announced(&world, 1), expect);
        held.release();
        world.until_loaded();
    }
    let claims = world.broker.lock().journal.len();
    // It is told once.
    world.broker.produce_to("eu", "orders", 0, 1);
    world.finish(&task);
    let journal = world.broker.lock().journal.len() - claims;
    assert!(journal <= 3, "a plan and its claims: {}", world.shown());
}

#[test]
fn a_table_is_announced_while_a_round_has_rows() {
    let world = three_tables(Tuning {
        flush_interval: NEVER,
        ..Tuning::default()
    });
    let task = world.spawn();
    let records = || task.status.counters.records.load(Ordering::Relaxed) as usize;
    world.until("all records", || records() == world.records());
    assert_eq!(announced(&world, 0), set(&["eu", "orders", "us"]));
    task.stop_clean();
    world.check_done();
    assert_eq!(task.status.counters.rounds.load(Ordering::Relaxed), 1);
}

/// The plan of the round before is not replaced by a claim before its rows are to be seen.
#[test]
fn a_claim_that_announces_waits_for_the_round_before() {
    let world = three_tables(Tuning::default());
    let commit = world.stand_in.faults().on(Call::Commit);
    let held = commit.first(1).act(Action::Hold);
    let steps = Arc::<Steps>::default();
    let task = world.spawn_with(Arc::clone(&steps));
    world.until("a commit", || held.hits() == 1);
    let before = world.broker.stored("orders", 0);
    world.broker.produce_to("late", "orders", 0, 1);
    world.pass(Duration::from_millis(100));
    assert_eq!(world.broker.stored("orders", 0), before);
    held.release();
    world.finish(&task);
}

#[test]
fn a_claim_that_announces_may_be_refused_or_go_without_an_answer() {
    for outcome in [
        Outcome::Refused(KafkaErrorKind::Transient),
        Outcome::UnclearStored,
        Outcome::UnclearLost,
    ] {
        let world = three_tables(Tuning {
            rejoins: true,
            ..Tuning::default()
        });
        let task = world.spawn();
        world.until_settled();
        world
            .broker
            .script(|script| script.claims.push_back(outcome));
        world.broker.produce("orders", 0, 1);
        world.broker.produce_to("late", "orders", 0, 1);
        world.finish(&task);
        assert!(world.broker.lock().script.claims.is_empty());
    }
}

#[test]
fn a_crash_at_any_step_leaves_nothing_open() {
    for nth in [1, 2] {
        for step in [
            Step::Sealed,
            Step::Prepared,
            Step::PlanSent,
            Step::Decided,
            Step::Committed,
        ] {
            let world = three_tables(Tuning::default());
            crashed(&world, step, nth);
            let next = world.spawn();
            world.finish(&next);
        }
    }
}

#[test]
fn a_crash_in_recovery_leaves_nothing_open() {
    for first in [Step::Prepared, Step::Decided] {
        for step in [
            Step::OffsetsRead,
            Step::LabelsSettled,
            Step::Claimed,
            Step::RolledBack,
        ] {
            let world = three_tables(Tuning::default());
            crashed(&world, first, 1);
            let open = world.stand_in.transactions_in(TxnState::Prepared);
            assert_eq!(open.len(), 3, "one for each table");
            crashed(&world, step, 1);
            crashed(&world, step, 1);
            let next = world.spawn();
            world.finish(&next);
        }
    }
}

/// Names of which there is room for three.
fn long_names() -> Vec<String> {
    let name = |n| format!("{}{n}", "t".repeat(1000));
    (0..8).map(name).collect()
}

fn more_tables_than_room(tuning: Tuning) -> World {
    let names = long_names();
    let world = World::new(tuning)
        .topics(&[("orders", 2)])
        .routed_to(&names);
    for _ in 0..2 {
        for (n, name) in names.iter().enumerate() {
            world.broker.produce_to(name, "orders", n as i32 % 2, 2);
        }
    }
    world
}

#[test]
fn more_tables_than_there_is_room_for_are_loaded() {
    let world = more_tables_than_room(Tuning {
        flush_interval: NEVER,
        ..Tuning::default()
    });
    let task = world.spawn();
    let records = || task.status.counters.records.load(Ordering::Relaxed) as usize;
    world.until("all records", || records() == world.records());
    task.stop_clean();
    world.check_done();
    assert!(task.rejoined().is_empty() && task.status.retrying().is_empty());
}

#[test]
fn a_crash_among_more_tables_than_there_is_room_for_leaves_nothing_open() {
    for step in [Step::Prepared, Step::Decided, Step::Committed] {
        for nth in [1, 2, 3] {
            let world = more_tables_than_room(Tuning::default());
            let steps = Arc::<Steps>::default();
            steps.crash_at(step, nth);
            assert_eq!(world.spawn_with(steps).ended(), Ended::Crashed, "{step}");
            let next = world.spawn();
            world.finish(&next);
        }
    }
}

#[test]
fn a_table_whose_name_has_no_room_fails_the_task_behind_what_came_before() {
    let name = "t".repeat(METADATA_BYTES_MAX);
    let mut world = World::new(Tuning::default()).topics(&[("orders", 1)]);
    world.chain = routing(&[&name]);
    world.broker.produce("orders", 0, 3);
    world.broker.produce_to(&name, "orders", 0, 1);
    let reason = world.spawn().ended().failure();
    assert!(reason.contains("record orders-0 at offset 3"), "{reason}");
    assert_eq!(world.rows(), 3);
    world.check_nothing_open();
}

/// A claim owes rows to many tables, all of which are announced.
#[test]
fn many_tables_may_be_owed() {
    let names: Vec<_> = (0..25)
        .map(|n| format!("{}{n:0>2}", "t".repeat(100)))
        .collect();
    let world = World::new(Tuning::default())
        .topics(&[("orders", 1)])
        .routed_to(&names);
    for name in &names {
        world.broker.produce_to(name, "orders", 0, 1);
    }
    crashed(&world, Step::Decided, 1);
    for name in &names {
        world.abort(name);
    }
    // What the replay has begun is rolled back, too.
    crashed(&world, Step::Prepared, 1);
    let next = world.spawn();
    world.finish(&next);
    assert!(world.journal_has("owed"));
}

fn at_least_once() -> Tuning {
    Tuning {
        guarantee: DeliveryGuarantee::AtLeastOnce,
        ..Tuning::default()
    }
}

#[test]
fn at_least_once_delivery_announces_to_nobody() {
    for world in [
        three_tables(at_least_once()),
        more_tables_than_room(at_least_once()),
    ] {
        let task = world.spawn();
        world.finish(&task);
        assert!(!world.journal_has("announced"));
    }
}

#[test]
fn what_exactly_once_delivery_left_open_is_rolled_back_by_at_least_once() {
    for step in [Step::Prepared, Step::Decided] {
        let mut world = three_tables(Tuning::default());
        crashed(&world, step, 1);
        world.tuning = at_least_once();
        let next = world.spawn();
        world.finish(&next);
    }
}

#[test]
fn the_offset_passes_what_a_filter_drops() {
    let world = three_tables(Tuning::default());
    world.broker.produce_to(DROPPED, "orders", 0, 3);
    world.broker.produce_to("us", "orders", 0, 1);
    world.broker.produce_to(DROPPED, "orders", 0, 2);
    world.broker.produce_to(DROPPED, "orders", 1, 1);
    let task = world.spawn();
    world.until_settled();
    world.finish(&task);
    // Nothing but such records.
    world.broker.produce_to(DROPPED, "orders", 1, 4);
    let begun = world.stand_in.transactions().len();
    let next = world.spawn();
    world.until_settled();
    world.finish(&next);
    assert_eq!(world.stand_in.transactions().len(), begun);
}

#[test]
fn a_session_whose_topics_tell_the_tables_forgets_what_was_announced() {
    let mut world = three_tables(Tuning::default());
    let records = world.records();
    crashed(&world, Step::Prepared, 1);
    assert_eq!(announced(&world, 1), set(&["eu", "orders", "us"]));
    world.chain = TransformChain::default();
    let next = world.spawn();
    world.finish(&next);
    assert_eq!(world.rows(), records, "all in the topic's own table");
    for partition in [0, 1] {
        let stored = world.broker.stored("orders", partition);
        let text = stored.expect("a claim").text();
        assert!(!text.contains("announced"), "{text}");
    }
}
