//! Rounds in which nothing goes wrong.

use std::sync::atomic::Ordering;
use std::time::Duration;

use starrocks_kafka_pipeline::task::SessionEnd;
use starrocks_kafka_testbed::{Call, Hop};

use crate::broker::Slot;
use crate::task_thread::Ended;
use crate::world::{Tuning, World};

/// Longer than any test: a round then ends for another reason.
pub(crate) const NEVER: Duration = Duration::from_secs(3600);

#[test]
fn every_record_becomes_a_row_and_its_offset_is_settled() {
    let world = World::new(Tuning::default()).topics(&[("orders", 2)]);
    world.broker.produce("orders", 0, 40);
    world.broker.produce("orders", 1, 3);
    let task = world.spawn();
    // By itself, once it is idle.
    world.until_settled();
    world.broker.produce("orders", 1, 7);
    world.until("more rows", || {
        task.status.counters.loaded_rows.load(Ordering::Relaxed) == 50
    });
    task.stop_clean();
    world.check_done();
    assert!(task.status.retrying().is_empty());
}

#[test]
fn topics_go_to_their_tables_and_several_to_one() {
    let world = World::new(Tuning::default())
        .topics(&[("orders", 3), ("customers", 1)])
        .map(&[("eu.sales", "sales"), ("us.sales", "sales")]);
    for _ in 0..3 {
        for (topic, partition) in [
            ("orders", 0),
            ("orders", 2),
            ("customers", 0),
            ("eu.sales", 0),
            ("us.sales", 0),
        ] {
            world.broker.produce(topic, partition, 5);
        }
    }
    let task = world.spawn();
    world.until("all rows", || {
        task.status.counters.loaded_rows.load(Ordering::Relaxed) == 75
    });
    task.stop_clean();
    assert!(world.is_settled());
    world.check_table("orders", &["orders"]);
    world.check_table("customers", &["customers"]);
    world.check_table("sales", &["eu.sales", "us.sales"]);
    world.check_nothing_open();
}

#[test]
fn thirty_tables_share_a_round() {
    let names: Vec<String> = (0..30).map(|n| format!("{}{n}", "t".repeat(200))).collect();
    let topics: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let world = World::new(Tuning {
        flush_interval: NEVER,
        ..Tuning::default()
    })
    .topics(&topics);
    for name in &names {
        world.broker.produce(name, 0, 2);
    }
    let task = world.spawn();
    world.until("all records", || {
        task.status.counters.records.load(Ordering::Relaxed) == 60
    });
    task.stop_clean();
    world.check_done();
    assert_eq!(task.status.counters.rounds.load(Ordering::Relaxed), 1);
}

#[test]
fn a_plan_that_would_not_fit_beside_its_offset_ends_the_round() {
    // Twice this name, for the table that might come next, is more than a broker takes.
    let table = "t".repeat(2000);
    let world = World::new(Tuning {
        flush_interval: NEVER,
        ..Tuning::default()
    })
    .map(&[("orders", &table)]);
    world.broker.produce("orders", 0, 3);
    let task = world.spawn();
    world.until("a round for each record", || {
        task.status.counters.rounds.load(Ordering::Relaxed) == 3
    });
    task.stop_clean();
    assert!(world.is_settled());
    world.check_table(&table, &["orders"]);
    world.check_nothing_open();
}

#[test]
fn a_round_ends_when_it_has_enough_bytes() {
    let tuning = Tuning {
        flush_interval: NEVER,
        flush_bytes_max: 200,
        records_per_poll: 10,
        ..Tuning::default()
    };
    let world = World::new(tuning).topics(&[("orders", 1)]);
    world.broker.produce("orders", 0, 100);
    let task = world.spawn();
    world.until("ten rounds", || {
        task.status.counters.rounds.load(Ordering::Relaxed) == 10
    });
    task.stop_clean();
    world.check_done();
}

#[test]
fn a_large_round_goes_in_several_loads_of_one_transaction() {
    let world = World::new(Tuning {
        flush_interval: NEVER,
        ..Tuning::default()
    })
    .topics(&[("orders", 1)]);
    for _ in 0..6 {
        world.broker.append("orders", 0, |offset| {
            let pad = " ".repeat(1 << 20);
            Slot::Value(Some(
                format!(r#"{{"t":"orders","p":0,{pad}"o":{offset}}}"#).into_bytes(),
            ))
        });
    }
    let task = world.spawn();
    world.until("all records", || {
        task.status.counters.records.load(Ordering::Relaxed) == 6
    });
    task.stop_clean();
    world.check_done();
    let served = |call| {
        let calls = world.stand_in.calls();
        let of_table = calls
            .iter()
            .filter(|is| is.call == call && is.hop == Hop::Serve);
        of_table.filter(|is| is.table == "orders").count()
    };
    assert_eq!((served(Call::Begin), served(Call::Load)), (1, 2));
}

#[test]
fn records_without_rows_move_the_offset_and_begin_nothing() {
    let world = World::new(Tuning::default()).topics(&[("orders", 2)]);
    for _ in 0..4 {
        world.broker.append("orders", 0, |_| Slot::Value(None));
    }
    let task = world.spawn();
    world.until("the records", || {
        task.status.counters.rounds.load(Ordering::Relaxed) > 0
    });
    task.stop_clean();
    world.check_done();
    assert!(
        world
            .stand_in
            .calls()
            .iter()
            .all(|call| call.call != Call::Load)
    );
}

#[test]
fn gaps_and_tombstones_lie_between_rows() {
    let world = World::new(Tuning::default()).topics(&[("orders", 1)]);
    world.broker.append("orders", 0, |_| Slot::Gone);
    world.broker.produce("orders", 0, 2);
    world.broker.append("orders", 0, |_| Slot::Value(None));
    world.broker.append("orders", 0, |_| Slot::Gone);
    world.broker.produce("orders", 0, 2);
    let task = world.spawn();
    world.until("the records", || {
        task.status.counters.records.load(Ordering::Relaxed) == 5
    });
    task.stop_clean();
    world.check_done();
}

#[test]
fn where_there_is_nothing_to_read_the_position_is_claimed() {
    let world = World::new(Tuning::default()).topics(&[("orders", 1)]);
    let task = world.spawn();
    world.until_settled();
    task.stop_clean();
    world.check_done();
}

#[test]
fn a_task_that_is_given_nothing_stops_at_once() {
    let world = World::new(Tuning::default());
    let task = world.spawn();
    assert_eq!(
        task.stop(),
        Ended::Session(SessionEnd::Stopped { left: None })
    );
}
