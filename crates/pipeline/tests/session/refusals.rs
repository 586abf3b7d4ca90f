//! Rows and tables that StarRocks refuses: where errors are tolerated bad rows are found, each has one dead letter, and
//! everything else is loaded once.

use std::sync::atomic::Ordering;
use std::time::Duration;

use starrocks_kafka_pipeline::dead_letters::Tolerance;
use starrocks_kafka_pipeline::settings::DeliveryGuarantee;
use starrocks_kafka_pipeline::step::Step;

use crate::broker::{Slot, row};
use crate::dead_letters::{check_letters, crashed, finish, tolerant};
use crate::task_thread::Ended;
use crate::world::{Tuning, World};

/// Rows of two partitions and another table, with bad ones at the start, in the middle and at the end.
fn poisoned(tuning: Tuning) -> World {
    let world = World::new(tuning).topics(&[("orders", 2), ("customers", 1)]);
    produce(&world);
    world
}

fn produce(world: &World) {
    let poison = || world.broker.append("orders", 0, |_| Slot::Poison);
    poison();
    world.broker.produce("orders", 0, 20);
    poison();
    world.broker.produce("orders", 0, 20);
    poison();
    world.broker.produce("orders", 1, 15);
    world.broker.produce("customers", 0, 10);
}

#[test]
fn bad_rows_are_found_and_every_other_row_is_loaded() {
    let world = poisoned(tolerant());
    let task = world.spawn();
    world.until_settled();
    produce(&world);
    finish(&world, &task);
    let counters = &task.status.counters;
    assert_eq!(counters.dead_letters.load(Ordering::Relaxed), 6);
    assert_eq!(counters.records_skipped.load(Ordering::Relaxed), 6);
    let state = world.broker.lock();
    let header = |name: &str| {
        let mut headers = state.dead_letters[0].headers.iter();
        let found = headers.find(|(other, _)| other == name);
        let value = found.and_then(|(_, value)| value.clone());
        String::from_utf8(value.expect("a header")).expect("a text")
    };
    assert_eq!(header("__connect.errors.stage"), "TASK_PUT");
    assert_eq!(
        header("__connect.errors.class.name"),
        "org.apache.kafka.connect.sink.SinkTask"
    );
    let message = header("__connect.errors.exception.message");
    for part in ["table orders", "label", "too many filtered rows", "NULL"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn a_crash_in_the_search_costs_nothing_but_the_search() {
    for step in [Step::Prepared, Step::PlanSent, Step::Decided, Step::Settled] {
        let world = poisoned(tolerant());
        crashed(&world, step);
        finish(&world, &world.spawn());
    }
}

#[test]
fn at_least_once_finds_them_too() {
    let world = poisoned(Tuning {
        guarantee: DeliveryGuarantee::AtLeastOnce,
        ..tolerant()
    });
    let task = world.spawn();
    world.until_settled();
    world.finish(&task);
    check_letters(&world, |count| count == 1);
}

#[test]
fn a_search_that_costs_too_much_fails_with_what_it_has_found() {
    let world = World::new(Tuning {
        bisect_loads_max: 6,
        ..tolerant()
    })
    .topics(&[("orders", 1)]);
    for _ in 0..30 {
        world.broker.append("orders", 0, |_| Slot::Poison);
    }
    let failure = world.spawn().ended().failure();
    for part in [
        "StarRocks refuses rows of table orders: 6 loads looked for them (starrocks.bisect.max.loads=6) and found",
        "too many filtered rows",
    ] {
        assert!(failure.contains(part), "{failure}");
    }
    world.check_nothing_open();
    check_letters(&world, |count| count <= 1);
}

#[test]
fn where_errors_are_not_tolerated_the_first_refusal_ends_the_task() {
    let mut tuning = tolerant();
    tuning.errors.tolerance = Tolerance::None;
    let world = poisoned(tuning);
    let failure = world.spawn().ended().failure();
    assert!(failure.contains("too many filtered rows"), "{failure}");
    assert_eq!(world.broker.lock().dead_letters, []);
}

/// Records of a topic without a table.
fn without_a_table(tuning: Tuning) -> World {
    let world = World::new(tuning).topics(&[("orders", 1)]);
    world.broker.create("lost", 0);
    for offset in 0..5 {
        let value = row("lost", 0, offset);
        world.broker.append("lost", 0, |_| Slot::Value(Some(value)));
    }
    world.broker.produce("orders", 0, 20);
    world
}

#[test]
fn a_table_that_is_missing_does_not_stop_the_others() {
    let pause = Duration::from_millis(500);
    let world = without_a_table(Tuning {
        refused_table_pause: pause,
        ..tolerant()
    });
    let task = world.spawn();
    world.until_settled();
    assert_eq!(world.broker.lock().dead_letters.len(), 5);
    assert_eq!(world.rows(), 20);
    assert!(!task.status.incidents().is_empty());
    // It comes, and after a while is tried again.
    world
        .stand_in
        .sql(
            "CREATE TABLE d.lost (t VARCHAR(300) NOT NULL, p INT NOT NULL, o BIGINT NOT NULL) DUPLICATE KEY(t) \
             DISTRIBUTED BY HASH(t)",
        )
        .expect("a table");
    world.pass(pause);
    let value = row("lost", 0, 5);
    world.broker.append("lost", 0, |_| Slot::Value(Some(value)));
    world.until("the row of the table that has come", || {
        let rows = world.stand_in.sql("SELECT count(*) FROM d.lost");
        rows.expect("it counts").number() == Some(1)
    });
    task.stop_clean();
    assert_eq!(world.broker.lock().dead_letters.len(), 5);
    world.check_nothing_open();
}

#[test]
fn a_table_that_is_missing_ends_the_task_where_its_records_would_go_nowhere() {
    let mut tuning = tolerant();
    tuning.errors.dead_letters = None;
    let world = without_a_table(tuning);
    match world.spawn().ended() {
        Ended::Session(end) => assert!(format!("{end:?}").contains("lost"), "{end:?}"),
        other => panic!("{other:?}"),
    }
}
