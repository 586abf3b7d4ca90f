//! Load properties: what they make of bodies, and which way rows take to StarRocks.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use starrocks_kafka_pipeline::settings::DeliveryGuarantee;
use starrocks_kafka_pipeline::step::Step;
use starrocks_kafka_testbed::{Action, Call, CallRecord, Hop};

use crate::broker::Slot;
use crate::rounds::NEVER;
use crate::task_thread::{Ended, Steps};
use crate::world::{Tuning, World};

type Properties = &'static [(&'static str, &'static str)];

/// Read by plain Stream Load only, and without effect on JSON.
const STREAM_LOAD: Properties = &[("sink.properties.enclose", "'")];

fn exactly_once(properties: Properties) -> Tuning {
    Tuning {
        properties,
        ..Tuning::default()
    }
}

fn at_least_once(properties: Properties) -> Tuning {
    Tuning {
        guarantee: DeliveryGuarantee::AtLeastOnce,
        ..exactly_once(properties)
    }
}

fn one_topic(tuning: Tuning) -> World {
    let world = World::new(tuning).topics(&[("orders", 1)]);
    world.broker.produce("orders", 0, 10);
    world
}

/// Calls that did something, without those that only ask whether there is such a call.
fn served(world: &World, call: Call) -> Vec<CallRecord> {
    let mut calls = world.stand_in.calls();
    calls.retain(|one| one.call == call && one.hop == Hop::Serve && !one.label.is_empty());
    calls
}

/// One round of many records: how many bytes its rows had, and how many its bodies.
fn bytes_of(properties: Properties) -> (u64, u64) {
    const RECORDS: u64 = 2000;
    let tuning = Tuning {
        flush_interval: NEVER,
        ..exactly_once(properties)
    };
    let world = World::new(tuning).topics(&[("orders", 1)]);
    world.broker.produce("orders", 0, RECORDS as usize);
    let task = world.spawn();
    let counters = &task.status.counters;
    world.until("all records", || {
        counters.records.load(Ordering::Relaxed) == RECORDS
    });
    task.stop_clean();
    world.check_done();
    assert_eq!(counters.loaded_rows.load(Ordering::Relaxed), RECORDS);
    let loads = served(&world, Call::Load);
    assert_eq!(loads.len(), 1);
    let sent = loads[0].body_bytes;
    (counters.loaded_bytes.load(Ordering::Relaxed), sent)
}

#[test]
fn bodies_are_compressed_and_counted_by_their_rows() {
    const COLUMNS: (&str, &str) = ("sink.properties.columns", "t,p,o");
    const CSV: (&str, &str) = ("sink.properties.format", "csv");
    const LZ4: (&str, &str) = ("sink.properties.compression", "lz4_frame");
    const ZSTD: (&str, &str) = ("sink.properties.compression", "zstd");
    let check = |plain: Properties, compressed: [Properties; 2]| {
        let (row_bytes, sent) = bytes_of(plain);
        assert_eq!(row_bytes, sent, "{plain:?}");
        for properties in compressed {
            let (bytes, sent) = bytes_of(properties);
            assert_eq!(bytes, row_bytes, "{properties:?}");
            assert!(sent < bytes / 2, "{properties:?}: {sent} of {bytes}");
        }
    };
    check(&[], [&[LZ4], &[ZSTD]]);
    check(
        &[CSV, COLUMNS],
        [&[CSV, COLUMNS, LZ4], &[CSV, COLUMNS, ZSTD]],
    );
}

#[test]
fn chunks_of_a_transaction_are_frames_of_their_own() {
    let properties: [Properties; 3] = [
        &[("sink.properties.compression", "lz4_frame")],
        &[("sink.properties.compression", "zstd")],
        &[
            ("sink.properties.compression", "zstd"),
            ("sink.properties.format", "csv"),
            ("sink.properties.columns", "t,p,o,blank"),
        ],
    ];
    for properties in properties {
        let world = World::new(Tuning {
            flush_interval: NEVER,
            ..exactly_once(properties)
        })
        .topics(&[("orders", 1)]);
        // More than a chunk takes, and a rest.
        let blank = " ".repeat(1 << 20);
        for _ in 0..6 {
            world.broker.append("orders", 0, |offset| {
                let row = format!(r#"{{"t":"orders","p":0,"o":{offset},"blank":"{blank}"}}"#);
                Slot::Value(Some(row.into_bytes()))
            });
        }
        let task = world.spawn();
        world.until("all records", || {
            task.status.counters.records.load(Ordering::Relaxed) == 6
        });
        task.stop_clean();
        world.check_done();
        assert_eq!(served(&world, Call::Load).len(), 2, "{properties:?}");
        assert_eq!(served(&world, Call::Begin).len(), 1, "{properties:?}");
    }
}

#[test]
fn each_table_is_loaded_by_its_own_properties() {
    const PROPERTIES: Properties = &[
        ("sink.properties.columns", "t,p,o"),
        ("sink.properties.compression", "lz4_frame"),
        ("sink.table.lines.properties.format", "csv"),
        ("sink.table.lines.properties.column_separator", "\\x01"),
        ("sink.table.lines.properties.compression", ""),
        ("sink.table.shop.lenient.properties.max_filter_ratio", "1"),
        (
            "sink.table.nested.properties.jsonpaths",
            r#"["$.at[0]","$.at[1]","$.number"]"#,
        ),
        (
            "sink.table.nested.properties.columns",
            "topic, p, n, t = topic, o = n",
        ),
    ];
    let world = World::new(exactly_once(PROPERTIES)).topics(&[
        ("lines", 1),
        ("orders", 1),
        ("shop.lenient", 1),
        ("nested", 1),
    ]);
    for topic in ["lines", "orders", "shop.lenient"] {
        world.broker.produce(topic, 0, 30);
    }
    for _ in 0..30 {
        world.broker.append("nested", 0, |offset| {
            let row = format!(r#"{{"at":["nested",0],"number":{offset}}}"#);
            Slot::Value(Some(row.into_bytes()))
        });
    }
    let bad = br#"{"t":"shop.lenient","p":null,"o":30}"#;
    let bad = Slot::Value(Some(bad.to_vec()));
    world.broker.append("shop.lenient", 0, |_| bad);
    let task = world.spawn();
    world.until("all records", || world.rows() >= 120);
    task.stop_clean();
    assert!(world.is_settled());
    world.check_table("nested", &["nested"]);
    world.check_table("lines", &["lines"]);
    world.check_table("orders", &["orders"]);
    let count = "SELECT count(*) FROM d.`shop.lenient`";
    let rows = world.stand_in.sql(count).expect("it counts").number();
    assert_eq!(rows, Some(30), "the refused row is left out");
    world.check_nothing_open();
}

#[test]
fn rows_go_by_stream_load_where_a_property_needs_it() {
    let world = World::new(at_least_once(STREAM_LOAD)).topics(&[("orders", 2), ("customers", 1)]);
    for (topic, partition) in [("orders", 0), ("orders", 1), ("customers", 0)] {
        world.broker.produce(topic, partition, 20);
    }
    let task = world.spawn();
    world.finish(&task);
    for call in [Call::Begin, Call::Load, Call::Prepare, Call::Commit] {
        assert_eq!(served(&world, call), [], "{call}");
    }
    assert!(served(&world, Call::StreamLoad).len() >= 2);
    assert!(task.status.retrying().is_empty());
}

#[test]
fn a_plan_of_transactions_is_rolled_forward_before_rows_go_by_stream_load() {
    for step in [Step::Prepared, Step::Decided, Step::Committed] {
        let mut world = one_topic(Tuning::default());
        let steps = Arc::<Steps>::default();
        steps.crash_at(step, 1);
        assert_eq!(world.spawn_with(steps).ended(), Ended::Crashed);
        world.broker.end_transactions();
        world.tuning = at_least_once(STREAM_LOAD);
        let next = world.spawn();
        world.broker.produce("orders", 0, 5);
        world.finish(&next);
    }
}

#[test]
fn a_stream_load_whose_answer_is_lost_is_asked_for_by_its_label() {
    let check = |action: Action, stream_loads: usize| {
        let world = one_topic(at_least_once(STREAM_LOAD));
        let fault = world
            .stand_in
            .faults()
            .on(Call::StreamLoad)
            .first(1)
            .act(action);
        let task = world.spawn();
        world.finish(&task);
        assert_eq!(fault.hits(), 1);
        assert_eq!(served(&world, Call::StreamLoad).len(), stream_loads);
        assert!(!served(&world, Call::State).is_empty());
        // The chunk was sent again, the round was not begun again.
        assert_eq!(task.status.counters.rounds_again.load(Ordering::Relaxed), 0);
        assert!(task.status.retrying().is_empty());
    };
    // It is in.
    check(Action::DropAnswerAfterEffect, 1);
    check(Action::CutAnswer { after: 10 }, 1);
    // It is not.
    check(Action::ResetMidBody { after: 20 }, 2);
    check(Action::Html, 2);
}

#[test]
fn a_stream_load_that_cannot_be_sent_waits_and_its_round_is_not_begun_again() {
    let world = one_topic(at_least_once(STREAM_LOAD));
    // Oftener than a transaction's back end would be tried.
    let fault = world
        .stand_in
        .faults()
        .on(Call::StreamLoad)
        .first(6)
        .act(Action::ResetBeforeEffect);
    let task = world.spawn();
    world.finish(&task);
    assert_eq!(fault.hits(), 6);
    assert_eq!(task.status.counters.rounds_again.load(Ordering::Relaxed), 0);
    assert!(task.status.retrying().is_empty());
}

#[test]
fn a_load_that_is_committed_with_others_is_sent_again_without_asking() {
    const MERGED: Properties = &[
        ("sink.properties.enable_merge_commit", "true"),
        ("sink.properties.merge_commit_interval_ms", "10"),
        ("sink.properties.merge_commit_parallel", "1"),
    ];
    let check = |action: Action, rows: usize| {
        let world = one_topic(at_least_once(MERGED));
        let fault = world
            .stand_in
            .faults()
            .on(Call::StreamLoad)
            .first(1)
            .act(action);
        let task = world.spawn();
        world.until("a settled round", || {
            fault.hits() == 1 && world.is_settled()
        });
        task.stop_clean();
        assert_eq!(world.rows(), rows);
        assert_eq!(served(&world, Call::StreamLoad).len(), 2);
        assert_eq!(served(&world, Call::State), []);
        assert_eq!(task.status.counters.rounds_again.load(Ordering::Relaxed), 0);
        assert!(task.status.retrying().is_empty());
        world.check_nothing_open();
    };
    check(Action::Html, 10);
    check(Action::ResetMidBody { after: 20 }, 10);
    // It was in, and nobody could know.
    check(Action::DropAnswerAfterEffect, 20);
}

#[test]
fn rows_that_stream_load_refuses_fail_the_task_with_the_first_of_them_and_where_they_are() {
    const LOGGED: Properties = &[
        ("sink.properties.log_rejected_record_num", "-1"),
        ("sink.properties.strict_mode", "true"),
    ];
    const CSV: Properties = &[
        ("sink.properties.trim_space", "true"),
        ("sink.properties.strict_mode", "true"),
        ("sink.properties.format", "csv"),
        ("sink.properties.columns", "t,p,o"),
    ];
    for (properties, path) in [(LOGGED, true), (CSV, false)] {
        let world = one_topic(at_least_once(properties));
        let bad = br#"{"t":"orders","p":"many","o":10}"#;
        world
            .broker
            .append("orders", 0, |_| Slot::Value(Some(bad.to_vec())));
        let failure = world.spawn().ended().failure();
        for part in ["table orders", "first refused rows:", "many"] {
            assert!(failure.contains(part), "{part} is missing: {failure}");
        }
        let told = failure.contains("all of them are kept by StarRocks at ");
        assert_eq!(told, path, "{failure}");
        assert_eq!(world.rows(), 0);
        assert_eq!(world.broker.stored("orders", 0).map_or(0, |s| s.offset), 0);
    }
}
