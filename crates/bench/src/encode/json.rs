//! Cases of JSON: without schemas, by both ways, and with them in each record.

use starrocks_kafka_testbed::{Generator, Shape};

use super::{Case, Sample, encoder, rows_of};
use crate::cdc::{self, Properties};
use crate::corpus;
use crate::failure::Failure;

/// What is encoded, and how.
struct Json {
    shape: Shape,
    path: &'static str,
    /// `schemas.enable`.
    has_schemas: bool,
    /// Written before each value. A name that stands twice is what pass-through leaves to the general way.
    twice: &'static str,
    /// Properties of the connector.
    properties: &'static Properties,
}

const CASES: [Json; 8] = [
    Json {
        shape: Shape::Flat,
        path: "JSON, pass-through",
        has_schemas: false,
        twice: "",
        properties: &[],
    },
    Json {
        shape: Shape::Nested,
        path: "JSON, pass-through",
        has_schemas: false,
        twice: "",
        properties: &[],
    },
    Json {
        shape: Shape::Flat,
        path: "JSON, general",
        has_schemas: false,
        twice: r#""part":0,"#,
        properties: &[],
    },
    Json {
        shape: Shape::Nested,
        path: "JSON, general",
        has_schemas: false,
        twice: r#""part":0,"#,
        properties: &[],
    },
    Json {
        shape: Shape::Envelope,
        path: "JSON, schema and payload",
        has_schemas: true,
        twice: "",
        properties: &[],
    },
    Json {
        shape: Shape::Change,
        path: "JSON, schema and payload",
        has_schemas: true,
        twice: "",
        properties: &[],
    },
    Json {
        shape: Shape::Change,
        path: "JSON, AddOp…, ExtractNewRecordState",
        has_schemas: true,
        twice: "",
        properties: cdc::RECIPE,
    },
    Json {
        shape: Shape::Change,
        path: "JSON, starrocks.cdc.format",
        has_schemas: true,
        twice: "",
        properties: cdc::FORMAT,
    },
];

/// So many records of a shape, with this before the first field of each.
pub(super) fn samples(shape: Shape, first: &str, count: u64) -> &'static [Sample] {
    let records = Generator::new(1).records(shape, 0, count);
    let samples = records.map(|mut record| {
        record.value.splice(1..1, first.bytes());
        Sample {
            key: record.key,
            value: record.value,
        }
    });
    samples.collect::<Vec<_>>().leak()
}

/// The cases, with so many records each.
pub(super) fn cases(count: u64) -> Result<Vec<Case>, Failure> {
    let case = |json: &Json| {
        let class = "org.apache.kafka.connect.json.JsonConverter";
        let settings = [("schemas.enable", json.has_schemas.to_string())];
        Ok(Case {
            records: corpus::name(json.shape),
            path: json.path.to_owned(),
            samples: samples(json.shape, json.twice, count),
            pass: rows_of(encoder(class, settings, json.properties)?, None),
            beside: None,
        })
    };
    CASES.iter().map(case).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::rows;
    use super::*;

    #[test]
    fn every_case_makes_rows_of_the_records() {
        for (json, mut case) in CASES.iter().zip(cases(3).expect("settings are valid")) {
            let chunk = rows(&mut case);
            let table: Vec<serde_json::Value> =
                serde_json::from_slice(&chunk).expect("rows are a JSON array");
            assert_eq!(table.len(), case.samples.len());
            let is_whole = json.shape == Shape::Change && json.properties.is_empty();
            for (row, sequence) in table.iter().zip(0..) {
                let row = if is_whole { &row["after"] } else { row };
                assert_eq!(row["seq"].as_u64(), Some(sequence), "{}", case.path);
            }
            // Pass-through gives the bytes as they are, and what is meant to go the other way does.
            let passes = chunk[1..].starts_with(&case.samples[0].value);
            let is_meant_to = json.path == "JSON, pass-through";
            assert_eq!(passes, is_meant_to, "{} {}", case.records, case.path);
        }
    }
}
