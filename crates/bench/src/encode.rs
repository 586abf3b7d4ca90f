//! The encoder alone: from a record's bytes to a row in memory, on one thread.

use std::io::{self, Write as _};
use std::time::Duration;

use clap::Args;
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use starrocks_kafka_connect::converter::ConverterConfig;
use starrocks_kafka_pipeline::batch::Batches;
use starrocks_kafka_pipeline::encode::{Encoder, EncoderSettings, RowFormats};
use starrocks_kafka_pipeline::kafka::{NoHeaders, RawRecord};
use starrocks_kafka_pipeline::routing::TopicMap;
use starrocks_kafka_testbed::{GeneratedRecord, Generator, Shape};

use crate::corpus;
use crate::failure::Failure;
use crate::report::{Table, machine};

#[derive(Debug, Args)]
pub(crate) struct EncodeOptions {
    /// Different records; they are encoded over and over.
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..))]
    records: u64,
    /// CPU time of one run.
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    run_ms: u64,
    /// How often each is measured; shown is the fastest run.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
}

/// What is encoded, and how.
struct Case {
    shape: Shape,
    path: &'static str,
    /// `schemas.enable`.
    has_schemas: bool,
    /// Written before each value. A name that stands twice is what pass-through leaves to the general way.
    twice: &'static str,
}

const CASES: [Case; 5] = [
    Case {
        shape: Shape::Flat,
        path: "pass-through",
        has_schemas: false,
        twice: "",
    },
    Case {
        shape: Shape::Nested,
        path: "pass-through",
        has_schemas: false,
        twice: "",
    },
    Case {
        shape: Shape::Flat,
        path: "general",
        has_schemas: false,
        twice: r#""part":0,"#,
    },
    Case {
        shape: Shape::Nested,
        path: "general",
        has_schemas: false,
        twice: r#""part":0,"#,
    },
    Case {
        shape: Shape::Envelope,
        path: "general, schema and payload",
        has_schemas: true,
        twice: "",
    },
];

impl Case {
    fn encoder(&self) -> Result<Encoder, Failure> {
        let converter = |property: &str, class: &str| ConverterConfig {
            property: property.to_owned(),
            class: class.to_owned(),
            settings: [("schemas.enable".to_owned(), self.has_schemas.to_string())].into(),
        };
        let string = "org.apache.kafka.connect.storage.StringConverter";
        let json = "org.apache.kafka.connect.json.JsonConverter";
        let settings = EncoderSettings {
            key: ConverterConfig {
                settings: [].into(),
                ..converter("key.converter", string)
            },
            value: converter("value.converter", json),
            header: ConverterConfig {
                settings: [].into(),
                ..converter("header.converter", "SimpleHeaderConverter")
            },
            topics: TopicMap::default(),
            formats: RowFormats::default(),
        };
        Encoder::new(&settings).map_err(|problems| {
            let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
            Failure::new(texts.join("; "))
        })
    }

    fn records(&self, count: u64) -> Vec<GeneratedRecord> {
        let mut records: Vec<_> = Generator::new(1).records(self.shape, 0, count).collect();
        for record in &mut records {
            record.value.splice(1..1, self.twice.bytes());
        }
        records
    }
}

/// What a run came to.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    records: u64,
    bytes: u64,
    cpu: Duration,
}

impl Run {
    fn megabytes_per_s(&self) -> f64 {
        self.bytes as f64 / 1e6 / self.cpu.as_secs_f64()
    }

    fn ns_per_record(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e9 / self.records as f64
    }
}

pub(crate) fn run(options: &EncodeOptions) -> Result<(), Failure> {
    let mut table = Table::new(2, &["records", "path", "bytes", "MB/s", "ns/record"]);
    let mut results = Vec::new();
    for case in &CASES {
        let records = case.records(options.records);
        let mut best = measure(case, &records, options)?;
        for _ in 1..options.runs {
            let next = measure(case, &records, options)?;
            if next.megabytes_per_s() > best.megabytes_per_s() {
                best = next;
            }
        }
        let bytes = best.bytes / best.records;
        table.row(vec![
            corpus::name(case.shape).to_owned(),
            case.path.to_owned(),
            bytes.to_string(),
            format!("{:.0}", best.megabytes_per_s()),
            format!("{:.0}", best.ns_per_record()),
        ]);
        results.push(json!({
            "corpus": corpus::name(case.shape),
            "path": case.path,
            "value_bytes": bytes,
            "megabytes_per_s": best.megabytes_per_s(),
            "ns_per_record": best.ns_per_record(),
        }));
    }
    let (cpu, cores) = machine();
    let line = json!({
        "bench": "encode",
        "processor": cpu,
        "cores": cores,
        "optimised": !cfg!(debug_assertions),
        "results": results,
    });
    writeln!(io::stdout(), "{cpu}, one thread\n{}{line}", table.render())?;
    Ok(())
}

/// CPU time of this thread, so that what else runs on the machine does not count.
fn thread_cpu() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

fn measure(
    case: &Case,
    records: &[GeneratedRecord],
    options: &EncodeOptions,
) -> Result<Run, Failure> {
    let (mut encoder, mut rows) = (case.encoder()?, Batches::new());
    let (mut run, began) = (Run::default(), thread_cpu());
    while run.cpu < Duration::from_millis(options.run_ms) || run.records == 0 {
        for (record, offset) in records.iter().zip(0..) {
            let raw = RawRecord {
                topic: "bench",
                partition: 0,
                offset,
                timestamp_ms: None,
                key: Some(&record.key),
                value: Some(&record.value),
                headers: &NoHeaders,
            };
            encoder
                .encode(&raw, &mut rows)
                .map_err(Failure::to("encode a record"))?;
            run.bytes += record.value.len() as u64;
            if let Some(table) = rows.full() {
                // As a task does; the chunk goes where a connection would send it.
                drop(rows.take(table));
            }
        }
        run.records += records.len() as u64;
        run.cpu = thread_cpu() - began;
    }
    Ok(run)
}

#[cfg(test)]
mod tests {
    use starrocks_kafka_pipeline::encode::{Encoded, TableId};

    use super::*;

    #[test]
    fn every_case_makes_rows_of_the_records() {
        for case in &CASES {
            let (mut encoder, mut rows) = (
                case.encoder().expect("the settings are constant and valid"),
                Batches::new(),
            );
            let records = case.records(3);
            for record in &records {
                let raw = RawRecord {
                    topic: "bench",
                    partition: 0,
                    offset: 0,
                    timestamp_ms: None,
                    key: Some(&record.key),
                    value: Some(&record.value),
                    headers: &NoHeaders,
                };
                let encoded = encoder.encode(&raw, &mut rows).expect("a row");
                assert_eq!(encoded, Encoded::Row(TableId(0)));
            }
            let chunk = rows.take(TableId(0)).expect("it has rows");
            let table: Vec<serde_json::Value> =
                serde_json::from_slice(&chunk.body).expect("rows are a JSON array");
            assert_eq!(table.len(), records.len());
            for (row, sequence) in table.iter().zip(0..) {
                assert_eq!(row["seq"].as_u64(), Some(sequence), "{}", case.path);
            }
            // Pass-through gives the bytes as they are, and what is meant to go the other way does.
            let passes = chunk.body[1..].starts_with(&records[0].value);
            assert_eq!(
                passes,
                case.path == "pass-through",
                "{} {:?}",
                case.path,
                case.shape
            );
        }
    }
}
