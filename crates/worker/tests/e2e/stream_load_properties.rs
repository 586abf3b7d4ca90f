//! `sink.properties.*` and `sink.table.<table>.properties.*`: what they make of loads, and what they cost.

use starrocks_kafka_testbed::broker::Message;
use starrocks_kafka_testbed::{Action, Call, Hop};

use crate::process::Worker;
use crate::rig::Rig;

const CSV: (&str, &str) = ("sink.properties.format", "csv");
const TEXTS: (&str, &str) = (
    "value.converter",
    "org.apache.kafka.connect.storage.StringConverter",
);
/// Read by plain Stream Load only.
const ENCLOSE: (&str, &str) = ("sink.properties.enclose", "\"");
const AT_LEAST_ONCE: (&str, &str) = ("starrocks.delivery.guarantee", "at-least-once");

fn ends_well(worker: Worker) -> String {
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    log
}

/// How often StarRocks did what a call asks for.
fn served(rig: &Rig, call: Call) -> usize {
    let calls = rig.standin.calls();
    let served = |one: &&starrocks_kafka_testbed::CallRecord| {
        one.call == call && one.hop == Hop::Serve && !one.label.is_empty()
    };
    calls.iter().filter(served).count()
}

fn one(rig: &Rig, sql: &str) -> String {
    let result = rig.standin.sql(sql).expect("the table is there");
    result.lines()[0].clone()
}

#[test]
fn each_table_has_its_own_properties() {
    let Some(rig) = Rig::new("per_table") else {
        return;
    };
    let (all, own) = (rig.topic(2), rig.topic(2));
    rig.produce(&all, 2, 0, 300);
    rig.produce(&own, 2, 0, 300);
    // StarRocks refuses one row of each table; only one table puts up with it.
    let bad =
        |topic: &str| Message::new(0, format!(r#"{{"src":"{topic}","part":"many","off":300}}"#));
    rig.broker.produce(&own, [bad(&own)]);
    let (columns, condition, ratio, compression) = (
        format!("sink.table.{own}.properties.columns"),
        format!("sink.table.{own}.properties.where"),
        format!("sink.table.{own}.properties.max_filter_ratio"),
        format!("sink.table.{own}.properties.compression"),
    );
    let properties = [
        (&*columns, "src, part, off, remark, note = remark"),
        (&*condition, "off <> 299"),
        (&*ratio, "1"),
        (&*compression, "zstd"),
        ("sink.properties.compression", "lz4_frame"),
        ("sink.table.nobody.properties.columns", "a"),
    ];
    let topics = format!("{all},{own}");
    let worker = rig.start(&[rig.connector("per_table", &topics, &properties)]);
    rig.wait_for_rows(&all, 600, &worker);
    rig.wait_for_rows(&own, 598, &worker);
    worker.wait_for_log("StarRocks left out rows");
    let idle = worker
        .lines("sink.table.nobody.properties.* have no effect: no topic goes to table nobody");
    assert_eq!(idle.len(), 1, "{}", worker.log());
    rig.broker.produce(&all, [bad(&all)]);
    worker.wait_for_failure("per_table");
    let failed = worker.lines("task FAILED").join("\n");
    assert!(
        failed.contains("too many filtered rows") && failed.contains(&all),
        "{failed}"
    );
    ends_well(worker);
    rig.check_exactly_once(&all, &all, 2, 300);
    // The last row of each partition was not selected.
    rig.check_exactly_once(&own, &own, 2, 299);
    // It comes from a field that no record has.
    let notes = |table: &str| one(&rig, &format!("SELECT COUNT(note) FROM shop.`{table}`"));
    assert_eq!((&*notes(&all), &*notes(&own)), ("600", "0"));
}

#[test]
fn compressed_bodies_are_loaded_once() {
    let Some(rig) = Rig::new("compressed") else {
        return;
    };
    let lz4 = ("sink.properties.compression", "lz4_frame");
    let zstd = ("sink.properties.compression", "zstd");
    let cases = [
        ("json_lz4", vec![lz4]),
        ("json_zstd", vec![zstd]),
        ("csv_lz4", vec![lz4, CSV]),
        ("csv_zstd", vec![zstd, CSV]),
        ("stream_load_zstd", vec![zstd, ENCLOSE, AT_LEAST_ONCE]),
    ];
    let topics: Vec<_> = cases.iter().map(|_| rig.topic(2)).collect();
    let mut files = Vec::new();
    for ((name, properties), topic) in cases.iter().zip(&topics) {
        // More than one chunk for each transaction.
        rig.produce_wide(topic, 2, 0, 300, 10_000);
        files.push(rig.connector(name, topic, properties));
    }
    let worker = rig.start(&files);
    for topic in &topics {
        rig.wait_for_rows(topic, 600, &worker);
    }
    ends_well(worker);
    for topic in &topics {
        rig.check_exactly_once(topic, topic, 2, 300);
    }
    let calls = rig.standin.calls();
    let sent: u64 = calls.iter().map(|call| call.body_bytes).sum();
    // Of 5 · 600 · 10 kB.
    assert!(sent > 0 && sent < 10_000_000, "{sent} bytes were sent");
}

/// Lines of CSV whose notes hold what separates fields.
fn produce_lines(rig: &Rig, topic: &str, count: i64) {
    let line = |part: i32, off: i64| format!("{topic}|{part}|{off}|\"a|b\"");
    let all = (0..count).flat_map(|off| (0..2).map(move |part| (part, off)));
    let messages = all.map(|(part, off)| Message::new(part, line(part, off)));
    rig.broker.produce(topic, messages);
}

#[test]
fn properties_of_plain_stream_load_cost_exactly_once_and_that_is_said_once() {
    let Some(rig) = Rig::new("stream_load") else {
        return;
    };
    let (open, asked) = (rig.topic(2), rig.topic(2));
    produce_lines(&rig, &open, 300);
    produce_lines(&rig, &asked, 300);
    let lines = [
        CSV,
        TEXTS,
        ENCLOSE,
        ("sink.properties.column_separator", "\\\\x7C"),
    ];
    let tasks = ("tasks.max", "2");
    let files = [
        rig.connector("left_open", &open, &[&lines[..], &[tasks]].concat()),
        rig.connector(
            "asked_for",
            &asked,
            &[&lines[..], &[tasks, AT_LEAST_ONCE]].concat(),
        ),
    ];
    let worker = rig.start(&files);
    rig.wait_for_rows(&open, 600, &worker);
    rig.wait_for_rows(&asked, 600, &worker);
    let log = ends_well(worker);
    let said: Vec<_> = log.lines().filter(|line| line.contains("WARN")).collect();
    assert_eq!(said.len(), 1, "{said:#?}");
    for part in [
        "connector=left_open",
        "rows are loaded at least once: sink.properties.enclose is honoured by plain Stream Load only",
    ] {
        assert!(said[0].contains(part), "no '{part}' in {said:#?}");
    }
    for (topic, connector) in [(&open, "left_open"), (&asked, "asked_for")] {
        // Nothing went wrong, so nothing is doubled either.
        rig.check_exactly_once(topic, topic, 2, 300);
        let notes = format!("SELECT DISTINCT note FROM shop.`{topic}`");
        assert_eq!(one(&rig, &notes), "a|b");
        assert_eq!(rig.stored_offsets(connector, topic, 2), [300, 300]);
    }
    assert_eq!(served(&rig, Call::Begin), 0);
    assert!(served(&rig, Call::StreamLoad) >= 2);
}

#[test]
fn a_kill_between_stream_load_and_offsets_loses_nothing() {
    let Some(rig) = Rig::new("stream_load_kill") else {
        return;
    };
    let topic = rig.topic(2);
    let connector = rig.connector("stream_load_kill", &topic, &[ENCLOSE, AT_LEAST_ONCE]);
    let mut sent = 0;
    for step in ["sealed:1", "prepared:1", "settling:1"] {
        rig.produce(&topic, 2, sent, 100);
        sent += 100;
        let mut worker = rig.start_with(&[&connector], &[("STARROCKS_KAFKA_KILL_AT", step)]);
        assert!(!worker.wait().success(), "{step}:\n{}", worker.log());
        assert!(worker.log().contains("killed here"), "{}", worker.log());
    }
    let worker = rig.start(&[connector]);
    rig.wait_until("every row is there", &worker, || {
        rig.distinct(&topic) == sent * 2
    });
    ends_well(worker);
    assert_eq!(
        rig.stored_offsets("stream_load_kill", &topic, 2),
        [sent, sent]
    );
    rig.check_nothing_open();
}

#[test]
fn loads_are_committed_with_others() {
    let Some(rig) = Rig::new("merge_commit") else {
        return;
    };
    let topic = rig.topic(2);
    rig.produce(&topic, 2, 0, 300);
    let properties = [
        AT_LEAST_ONCE,
        ("sink.properties.enable_merge_commit", "TRUE"),
        ("sink.properties.merge_commit_interval_ms", "10"),
        ("sink.properties.merge_commit_parallel", "1"),
    ];
    let connector = rig.connector("merge_commit", &topic, &properties);
    let worker = rig.start(&[&connector]);
    rig.wait_for_rows(&topic, 600, &worker);
    ends_well(worker);
    rig.check_exactly_once(&topic, &topic, 2, 300);
    assert_eq!(rig.stored_offsets("merge_commit", &topic, 2), [300, 300]);

    // An answer is lost, and no label tells whether the rows are in.
    let faults = rig.standin.faults();
    faults
        .on(Call::StreamLoad)
        .first(1)
        .act(Action::DropAnswerAfterEffect);
    rig.produce(&topic, 2, 300, 100);
    let worker = rig.start(&[connector]);
    worker.wait_for_log("retrying: load into table");
    rig.wait_until("every row is there, some of them twice", &worker, || {
        rig.distinct(&topic) == 800 && rig.rows(&topic) > 800
    });
    ends_well(worker);
    assert_eq!(rig.stored_offsets("merge_commit", &topic, 2), [400, 400]);
    rig.check_nothing_open();
}

#[test]
fn what_only_stream_load_reads_is_refused_where_exactly_once_is_written_out() {
    let Some(rig) = Rig::new("stream_load_refused") else {
        return;
    };
    let topic = rig.topic(1);
    rig.produce(&topic, 1, 0, 10);
    let properties = [
        ENCLOSE,
        ("sink.table.t.properties.enable_merge_commit", "true"),
        ("starrocks.delivery.guarantee", "exactly-once"),
    ];
    let mut worker = rig.start(&[rig.connector("refused", &topic, &properties)]);
    let status = worker.wait();
    let log = worker.log();
    assert_eq!(status.code(), Some(3), "{log}");
    for property in [ENCLOSE.0, "sink.table.t.properties.enable_merge_commit"] {
        let line = log.lines().find(|line| line.contains(property));
        let line = line.unwrap_or_default();
        for part in [
            "refused.properties:",
            "remove it",
            "starrocks.delivery.guarantee=at-least-once",
        ] {
            assert!(line.contains(part), "no '{part}' in {log}");
        }
    }
    assert_eq!(rig.standin.calls(), []);
}

#[test]
fn a_row_that_stream_load_refuses_is_shown() {
    let Some(rig) = Rig::new("stream_load_bad_row") else {
        return;
    };
    let topic = rig.topic(1);
    let properties = [
        AT_LEAST_ONCE,
        ("sink.properties.log_rejected_record_num", "-1"),
    ];
    rig.produce(&topic, 1, 0, 50);
    let worker = rig.start(&[rig.connector("bad_row", &topic, &properties)]);
    rig.wait_for_rows(&topic, 50, &worker);
    let bad = format!(r#"{{"src":"{topic}","part":"many","off":50}}"#);
    rig.broker.produce(&topic, [Message::new(0, bad)]);
    worker.wait_for_failure("bad_row");
    let failed = worker.lines("task FAILED").join("\n");
    for part in [
        "too many filtered rows",
        "first refused rows: ",
        "many",
        "all of them are kept by StarRocks at ",
    ] {
        assert!(failed.contains(part), "no '{part}' in {failed}");
    }
    ends_well(worker);
    assert_eq!(rig.stored_offsets("bad_row", &topic, 1), [50]);
    rig.check_exactly_once(&topic, &topic, 1, 50);
}
