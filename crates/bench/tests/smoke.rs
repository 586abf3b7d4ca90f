//! The whole bench with a few records, so that it is known to work on the day when it is needed.

use std::process::Command;

use starrocks_kafka_testbed::broker;

fn bench(arguments: &[&str]) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_starrocks-kafka-bench"))
        .args(arguments)
        .output()
        .expect("the bench was built");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success(),
        "{arguments:?}: {}: {said}",
        done.status
    );
    String::from_utf8(done.stdout).expect("the bench writes text")
}

/// The last line, which is for programs.
fn results(output: &str) -> Vec<serde_json::Value> {
    let line = output.lines().last().expect("the bench has said something");
    let all: serde_json::Value = serde_json::from_str(line).expect("the last line is JSON");
    all["results"].as_array().expect("it has results").clone()
}

fn number(result: &serde_json::Value, name: &str) -> f64 {
    let number = result[name].as_f64();
    number.unwrap_or_else(|| panic!("no {name} in {result}"))
}

#[test]
fn the_worker_is_measured_against_readers() {
    if broker::java_available().is_err() {
        // Says that the test is skipped, or fails where it may not be.
        assert!(broker::shared_or_skip().is_none());
        return;
    }
    let output = bench(&[
        "worker",
        "--flat-records=3001",
        "--nested-records=500",
        "--envelope-records=500",
        "--change-records=100",
        "--buffer-mib=64",
        "--flush-interval-ms=1000",
        "--runs=1",
    ]);
    let results = results(&output);
    let names: Vec<_> = results
        .iter()
        .map(|result| format!("{} {}", result["corpus"], result["what"]).replace('"', ""))
        .collect();
    assert_eq!(
        names,
        [
            "flat bare read: rdkafka BaseConsumer",
            "flat read by the worker's client",
            "flat worker, JSON, 64 MiB",
            "flat worker, JSON by LZ4, 64 MiB",
            "flat worker, String as CSV, 64 MiB",
            "flat worker, JSON as CSV, 64 MiB",
            "nested bare read: rdkafka BaseConsumer",
            "nested read by the worker's client",
            "nested worker, JSON, 64 MiB",
            "nested worker, JSON by LZ4, 64 MiB",
            "envelope bare read: rdkafka BaseConsumer",
            "envelope read by the worker's client",
            "envelope worker, JSON with schemas, 64 MiB",
            "change bare read: rdkafka BaseConsumer",
            "change read by the worker's client",
            "change worker, AddOp…, ExtractNewRecordState, 64 MiB",
            "change worker, starrocks.cdc.format, 64 MiB",
        ]
    );
    for (result, name) in results.iter().zip(&names) {
        for measured in ["records_per_s", "megabytes_per_s", "times_bare_read"] {
            assert!(number(result, measured) > 0.0, "{measured} of {name}");
        }
        assert!(number(result, "peak_rss_mib") > 1.0, "{name}");
        assert!(output.contains(result["what"].as_str().expect("a name")));
    }
    assert_eq!(number(&results[0], "times_bare_read"), 1.0);
}

#[test]
fn rows_that_do_not_come_are_noticed() {
    if broker::java_available().is_err() {
        assert!(broker::shared_or_skip().is_none());
        return;
    }
    let done = Command::new(env!("CARGO_BIN_EXE_starrocks-kafka-bench"))
        .args([
            "worker",
            "--flat-records=10",
            "--nested-records=0",
            "--envelope-records=0",
            "--change-records=0",
            "--runs=1",
        ])
        .args(["--set=starrocks.topic2table.map=no pair"])
        .output()
        .expect("the bench was built");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(!done.status.success(), "{said}");
    for part in [
        "the worker ended: exit status: 3",
        "starrocks.topic2table.map",
    ] {
        assert!(said.contains(part), "no '{part}' in: {said}");
    }
}

#[test]
fn the_encoder_is_measured() {
    let output = bench(&["encode", "--records=20", "--run-ms=1", "--runs=1"]);
    let (rows, transforms): (Vec<_>, Vec<_>) = results(&output)
        .into_iter()
        .partition(|result| result["records_per_s"].is_number());
    let name = |result: &serde_json::Value| {
        format!("{} {}", result["corpus"], result["path"]).replace('"', "")
    };
    let names: Vec<_> = rows.iter().map(name).collect();
    assert_eq!(
        names,
        [
            "flat JSON, pass-through",
            "nested JSON, pass-through",
            "flat JSON, general",
            "nested JSON, general",
            "envelope JSON, schema and payload",
            "change JSON, schema and payload",
            "change JSON, AddOp…, ExtractNewRecordState",
            "change JSON, starrocks.cdc.format",
            "flat, 10 Avro, decoded",
            "flat, 10 Avro, to rows",
            "flat, 10 Protobuf, decoded",
            "flat, 10 Protobuf, to rows",
            "flat, 10 JSON Schema, decoded",
            "flat, 10 JSON Schema, to rows",
            "flat, 10 Avro, decoded by apache-avro to its Value",
            "nested, 40 Avro, decoded",
            "nested, 40 Avro, to rows",
            "nested, 40 Protobuf, decoded",
            "nested, 40 Protobuf, to rows",
            "nested, 40 JSON Schema, decoded",
            "nested, 40 JSON Schema, to rows",
            "nested, 40 Avro, decoded by apache-avro to its Value",
        ]
    );
    let names: Vec<_> = transforms.iter().map(name).collect();
    for expect in [
        "envelope MaskField fields=customer",
        "change AddOpFieldForDebeziumRecord",
    ] {
        assert!(names.iter().any(|name| name == expect), "{names:?}");
    }
    for transform in &transforms {
        assert!(number(transform, "ns_per_record").is_finite());
    }
    for result in &rows {
        for measured in ["records_per_s", "megabytes_per_s", "ns_per_record"] {
            assert!(number(result, measured) > 0.0, "{measured} of {result}");
        }
    }
}
