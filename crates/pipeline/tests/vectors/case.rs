//! Cases as the files hold them, and what our encoder makes of them.

use crate::connect_json;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use starrocks_kafka_connect::config::{ConfigProblem, Given};
use starrocks_kafka_connect::converter::{Converter, ConverterConfig};
use starrocks_kafka_pipeline::encode::{Encoded, Encoder, EncoderSettings, Rows, TableId};
use starrocks_kafka_pipeline::kafka::RawRecord;
use starrocks_kafka_pipeline::routing::{TOPIC2TABLE_MAP, TopicMap};
use std::path::Path;

pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) why: String,
    pub(crate) config: Given,
    pub(crate) records: Vec<Record>,
    pub(crate) expect: Expect,
}

pub(crate) struct Record {
    topic: String,
    partition: i32,
    offset: i64,
    timestamp: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
}

impl Record {
    /// The value, which is text.
    pub(crate) fn value_text(&self) -> String {
        let value = self.value.clone().expect("the value is not null");
        String::from_utf8(value).expect("the value is UTF-8")
    }
}

#[derive(Debug)]
pub(crate) enum Expect {
    ConfigError,
    Outcomes(Vec<Outcome>),
}

#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    /// `row` is `None` where the record is skipped; `record` is its key and value with their schemas.
    Row {
        table: String,
        row: Option<String>,
        record: Option<[String; 2]>,
    },
    Error {
        stage: String,
        class: String,
    },
}

pub(crate) fn read(file: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(file).expect("a file of vectors");
    text.lines()
        .map(|line| case(&serde_json::from_str(line).expect("a line of JSON")))
        .collect()
}

fn string(json: &Json) -> String {
    json.as_str().expect("a text").to_owned()
}

fn case(json: &Json) -> Case {
    let config = json["config"].as_object().expect("a configuration");
    let list = |name: &str| json[name].as_array().cloned().unwrap_or_default();
    let expect = if json.get("config_error").is_some() {
        Expect::ConfigError
    } else {
        Expect::Outcomes(list("expect").iter().map(outcome).collect())
    };
    Case {
        id: string(&json["id"]),
        why: string(&json["why"]),
        config: config
            .iter()
            .map(|(name, text)| (name.clone(), string(text)))
            .collect(),
        records: list("records").iter().map(record).collect(),
        expect,
    }
}

fn record(json: &Json) -> Record {
    let bytes = |name: &str| {
        json[name]
            .as_str()
            .map(|text| STANDARD.decode(text).expect("Base64"))
    };
    Record {
        topic: string(&json["topic"]),
        partition: i32::try_from(json["partition"].as_i64().expect("a number")).expect("small"),
        offset: json["offset"].as_i64().expect("a number"),
        timestamp: json["timestamp"].as_i64().expect("a number"),
        key: bytes("key"),
        value: bytes("value"),
    }
}

fn outcome(json: &Json) -> Outcome {
    if let Some(error) = json.get("error") {
        return Outcome::Error {
            stage: string(&error["stage"]),
            class: string(&error["class"]),
        };
    }
    let record = json
        .get("record")
        .map(|record| ["key", "value"].map(|part| record[part].to_string()));
    Outcome::Row {
        table: string(&json["table"]),
        row: json["row"].as_str().map(str::to_owned),
        record,
    }
}

#[derive(Default)]
struct OneRow(Option<Vec<u8>>);

impl Rows for OneRow {
    fn append<E>(
        &mut self,
        _: TableId,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut row = Vec::new();
        write(&mut row)?;
        self.0 = Some(row);
        Ok(())
    }
}

/// What we make of a case.
pub(crate) fn run(case: &Case) -> Result<Vec<Outcome>, Vec<ConfigProblem>> {
    let defaults = [
        (
            "key.converter",
            "org.apache.kafka.connect.storage.StringConverter",
        ),
        (
            "value.converter",
            "org.apache.kafka.connect.json.JsonConverter",
        ),
    ];
    let worker: Given = defaults
        .iter()
        .map(|&(name, class)| (name.to_owned(), class.to_owned()))
        .collect();
    let select = |property: &str| {
        ConverterConfig::select(property, &case.config, &worker).expect("there is a default")
    };
    let topics = case.config.get(TOPIC2TABLE_MAP).map_or_else(
        || Ok(TopicMap::default()),
        |text| TopicMap::parse(text).map_err(|problem| vec![problem]),
    )?;
    let settings = EncoderSettings {
        key: select("key.converter"),
        value: select("value.converter"),
        topics,
    };
    let mut encoder = Encoder::new(&settings)?;
    let mut key = Converter::new(&settings.key)?;
    let mut value = Converter::new(&settings.value)?;
    Ok(case
        .records
        .iter()
        .map(|record| encode(&mut encoder, &mut key, &mut value, record))
        .collect())
}

fn encode(
    encoder: &mut Encoder,
    key: &mut Converter,
    value: &mut Converter,
    record: &Record,
) -> Outcome {
    let raw = RawRecord {
        topic: &record.topic,
        partition: record.partition,
        offset: record.offset,
        timestamp_ms: (record.timestamp >= 0).then_some(record.timestamp),
        key: record.key.as_deref(),
        value: record.value.as_deref(),
    };
    let mut rows = OneRow::default();
    let table = match encoder.encode(&raw, &mut rows) {
        Err(error) => {
            return Outcome::Error {
                stage: error.stage.name().to_owned(),
                class: error.class.to_owned(),
            };
        }
        Ok(Encoded::Row(table)) => table,
        Ok(Encoded::Skipped) => {
            let table = encoder.tables_of(&record.topic).next();
            table.expect("a topic has a table")
        }
    };
    let json = |converter: &mut Converter, bytes| {
        connect_json::write(&converter.convert(bytes).expect("it was converted before"))
    };
    Outcome::Row {
        table: encoder.table_name(table).to_string(),
        row: rows
            .0
            .map(|row| String::from_utf8(row).expect("rows are UTF-8")),
        record: Some([json(key, raw.key), json(value, raw.value)]),
    }
}
