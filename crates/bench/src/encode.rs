//! The encoder alone: from a record's bytes to a row in memory, on one thread.

mod json;
mod registered;
mod transforms;

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use starrocks_kafka_connect::config::{ConfigProblem, Given};
use starrocks_kafka_connect::converter::ConverterConfig;
use starrocks_kafka_connect::registry::RegisteredSchema;
use starrocks_kafka_connect::transform::TransformChain;
use starrocks_kafka_pipeline::batch::Batches;
use starrocks_kafka_pipeline::encode::{Encoded, Encoder, EncoderSettings};
use starrocks_kafka_pipeline::kafka::{NoHeaders, RawRecord};
use starrocks_kafka_pipeline::routing::TopicMap;
use starrocks_kafka_pipeline::settings::SinkSettings;

use crate::cdc::Properties;
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
    /// Only the cases whose records and path have this text, `flat, 10 Avro` say.
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
}

/// A record.
struct Sample {
    key: Vec<u8>,
    value: Vec<u8>,
}

/// What is done once with all records. Rows go where it is told.
type Pass = Box<dyn FnMut(&[Sample], &mut Batches) -> Result<(), Failure>>;

/// What is measured.
struct Case {
    /// What the records are called.
    records: &'static str,
    /// What is done with them.
    path: String,
    /// Never freed: what is read from them borrows from them, and the program ends with the last case.
    samples: &'static [Sample],
    pass: Pass,
    /// What of the pass is not meant, and is taken off.
    beside: Option<Pass>,
}

fn converter<const N: usize>(
    property: &str,
    class: &str,
    settings: [(&str, String); N],
) -> ConverterConfig {
    let settings = settings.map(|(name, value)| (name.to_owned(), value));
    ConverterConfig {
        property: property.to_owned(),
        class: class.to_owned(),
        settings: settings.into(),
    }
}

fn refused(problems: Vec<ConfigProblem>) -> Failure {
    let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
    Failure::new(texts.join("; "))
}

/// An encoder for values of a converter, of a connector with these properties.
fn encoder<const N: usize>(
    class: &str,
    settings: [(&str, String); N],
    properties: &Properties,
) -> Result<Encoder, Failure> {
    let string = "org.apache.kafka.connect.storage.StringConverter";
    let required = [
        ("starrocks.http.url", "127.0.0.1:8030"),
        ("starrocks.database.name", "bench"),
        ("starrocks.username", "root"),
        ("starrocks.password", ""),
    ];
    let given: Given = required
        .iter()
        .chain(properties)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let aliases = given.get("transforms").map_or("", String::as_str);
    let aliases: Vec<_> = aliases.split_terminator(',').map(str::to_owned).collect();
    let settings = EncoderSettings {
        key: converter("key.converter", string, []),
        value: converter("value.converter", class, settings),
        header: converter("header.converter", "SimpleHeaderConverter", []),
        transforms: TransformChain::new(&aliases, &[], &given).map_err(refused)?,
        topics: TopicMap::default(),
        rows: SinkSettings::parse(&given).map_err(refused)?.rows,
    };
    Encoder::new(&settings).map_err(refused)
}

/// Makes rows of all records. Whatever schema they were written with, it is this one.
fn rows_of(mut encoder: Encoder, schema: Option<Arc<RegisteredSchema>>) -> Pass {
    Box::new(move |samples, rows| encode(&mut encoder, schema.as_ref(), samples, rows))
}

fn encode(
    encoder: &mut Encoder,
    schema: Option<&Arc<RegisteredSchema>>,
    samples: &[Sample],
    rows: &mut Batches,
) -> Result<(), Failure> {
    for (sample, offset) in samples.iter().zip(0..) {
        let raw = RawRecord {
            topic: "bench",
            partition: 0,
            offset,
            timestamp_ms: None,
            key: Some(&sample.key),
            value: Some(&sample.value),
            headers: &NoHeaders,
        };
        loop {
            let failure = Failure::to("encode a record");
            match (encoder.encode(&raw, rows).map_err(failure)?, schema) {
                (Encoded::Row(_), _) => break,
                (Encoded::NeedsSchema(question), Some(schema)) => {
                    encoder.learn(question, Arc::clone(schema));
                }
                (Encoded::NeedsColumns(table), _) => {
                    encoder.set_columns(table, Err("there is no table".to_owned()));
                }
                (other, _) => return Err(Failure::new(format!("no row but {other:?}"))),
            }
        }
        if let Some(table) = rows.full() {
            // As a task does; the chunk goes where a connection would send it.
            drop(rows.take(table));
        }
    }
    Ok(())
}

pub(crate) fn run(options: &EncodeOptions) -> Result<(), Failure> {
    let titles = ["records", "path", "bytes", "MB/s", "records/s", "ns/record"];
    let mut table = Table::new(2, &titles);
    let mut results = Vec::new();
    let mut cases = json::cases(options.records)?;
    cases.extend(registered::cases(options.records)?);
    cases.extend(transforms::cases(options.records)?);
    cases.retain(|case| format!("{} {}", case.records, case.path).contains(&options.only));
    for case in &mut cases {
        let ns = best(&mut case.pass, case.samples, options)?;
        let beside = match &mut case.beside {
            Some(beside) => best(beside, case.samples, options)?,
            None => 0.0,
        };
        // Less than nothing is noise.
        let ns = (ns - beside).max(0.0);
        let bytes: usize = case.samples.iter().map(|sample| sample.value.len()).sum();
        let bytes = bytes / case.samples.len();
        // A part of the way has no speed of its own.
        let [megabytes, records] = match case.beside {
            Some(_) => [None; 2],
            None => [Some(bytes as f64 * 1e3 / ns), Some(1e9 / ns)],
        };
        let shown = |number: Option<f64>| number.map_or_else(String::new, |n| format!("{n:.0}"));
        table.row(vec![
            case.records.to_owned(),
            case.path.clone(),
            bytes.to_string(),
            shown(megabytes),
            shown(records),
            shown(Some(ns)),
        ]);
        results.push(json!({
            "corpus": case.records,
            "path": case.path,
            "value_bytes": bytes,
            "megabytes_per_s": megabytes,
            "records_per_s": records,
            "ns_per_record": ns,
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

/// Nanoseconds a record of the fastest run.
fn best(pass: &mut Pass, samples: &[Sample], options: &EncodeOptions) -> Result<f64, Failure> {
    let mut best = f64::INFINITY;
    for _ in 0..options.runs {
        best = best.min(measure(pass, samples, options)?);
    }
    Ok(best)
}

fn measure(pass: &mut Pass, samples: &[Sample], options: &EncodeOptions) -> Result<f64, Failure> {
    let mut rows = Batches::new();
    let (mut records, mut cpu, began) = (0, Duration::ZERO, thread_cpu());
    while cpu < Duration::from_millis(options.run_ms) || records == 0 {
        pass(samples, &mut rows)?;
        records += samples.len() as u64;
        cpu = thread_cpu() - began;
    }
    Ok(cpu.as_secs_f64() * 1e9 / records as f64)
}

#[cfg(test)]
mod tests {
    use starrocks_kafka_pipeline::encode::TableId;

    use super::*;

    /// The rows that a case makes of its records, as StarRocks is sent them.
    pub(super) fn rows(case: &mut Case) -> Vec<u8> {
        let mut rows = Batches::new();
        (case.pass)(case.samples, &mut rows).expect("rows of the records");
        let chunk = rows.take(TableId(0)).expect("it has rows");
        chunk.body.to_vec()
    }
}
