//! Cases as the files hold them, and what a preview makes of them.

use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use starrocks_kafka_connect::config::Given;
use starrocks_kafka_worker::preview::{ConfigFault, Output, Preview, Schemas};

/// What a case leaves out of its configuration.
const DEFAULTS: [(&str, &str); 8] = [
    ("name", "v"),
    (
        "connector.class",
        "com.starrocks.connector.kafka.StarRocksSinkConnector",
    ),
    ("starrocks.http.url", "127.0.0.1:8030"),
    ("starrocks.database.name", "db"),
    ("starrocks.username", "root"),
    ("starrocks.password", ""),
    (
        "key.converter",
        "org.apache.kafka.connect.storage.StringConverter",
    ),
    (
        "value.converter",
        "org.apache.kafka.connect.json.JsonConverter",
    ),
];

#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) why: String,
    pub(crate) config: Given,
    /// What the Schema Registry holds.
    schemas: Option<Box<RawValue>>,
    /// The lines of JSON that a preview reads; parsed here, their numbers would lose digits.
    pub(crate) records: Vec<Box<RawValue>>,
    /// The outcomes, one a record.
    #[serde(default)]
    expect: Vec<Box<RawValue>>,
    config_error: Option<IgnoredAny>,
}

pub(crate) enum Expect<'c> {
    ConfigError,
    /// One outcome a record.
    Outcomes(&'c [Box<RawValue>]),
}

pub(crate) fn read(file: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(file).expect("a file of vectors");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a case"))
        .collect()
}

/// The topic of a record.
#[derive(Deserialize)]
struct Topic {
    topic: String,
}

impl Case {
    pub(crate) fn expect(&self) -> Expect<'_> {
        match self.config_error {
            Some(_) => Expect::ConfigError,
            None => Expect::Outcomes(&self.expect),
        }
    }

    /// What we make of it: an outcome a record, as lines of JSON.
    pub(crate) fn run(&self) -> Result<Vec<String>, ConfigFault> {
        let schemas = self
            .schemas
            .as_ref()
            .map_or(Ok(Schemas::default()), |schemas| {
                Schemas::parse(schemas.get().as_bytes())
            });
        let mut preview = Preview::of_properties(&self.complete(), Output::Records)?
            .with_schemas(schemas.expect("schemas"));
        let mut outcome = |record: &RawValue| {
            let outcome = preview.outcome(record.get());
            outcome.expect("a record").to_string()
        };
        Ok(self.records.iter().map(|record| outcome(record)).collect())
    }

    /// Whether rows are lines of CSV, which are compared byte by byte.
    pub(crate) fn has_csv(&self) -> bool {
        let format = self.config.get("sink.properties.format");
        format.is_some_and(|format| format.eq_ignore_ascii_case("csv"))
    }

    /// Its configuration, with what it leaves out.
    fn complete(&self) -> Given {
        let topic = |record: &RawValue| -> String {
            let record: Topic = serde_json::from_str(record.get()).expect("it has a topic");
            record.topic
        };
        let mut topics: Vec<_> = self.records.iter().map(|record| topic(record)).collect();
        topics.sort_unstable();
        topics.dedup();
        let mut given = self.config.clone();
        let mut fill = |name: &str, text: &str| {
            given
                .entry(name.to_owned())
                .or_insert_with(|| text.to_owned());
        };
        for (name, text) in DEFAULTS {
            fill(name, text);
        }
        if !self.config.contains_key("topics.regex") {
            fill("topics", &topics.join(","));
        }
        given
    }
}
