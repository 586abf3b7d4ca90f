//! The golden vectors of headers: what Java's header converters make of bytes, against what ours make.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use starrocks_kafka_connect::config::Given;
use starrocks_kafka_connect::converter::{Converter, ConverterConfig, HeaderConverter};
use starrocks_kafka_connect::data::{SchemaAndValue, SchemaType, Value};
use starrocks_kafka_connect::error::Stage;
use std::path::Path;

fn cases() -> Vec<Json> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/converters");
    ["header-simple.jsonl", "header-other.jsonl"]
        .iter()
        .flat_map(|file| {
            let text = std::fs::read_to_string(folder.join(file)).expect("a file of vectors");
            text.lines()
                .map(|line| serde_json::from_str(line).expect("a line of JSON"))
                .collect::<Vec<Json>>()
        })
        .collect()
}

fn given(json: &Json) -> Given {
    let config = json.as_object().expect("a configuration");
    let text = |value: &Json| value.as_str().expect("a text").to_owned();
    config
        .iter()
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

/// Reads what Java's JsonConverter wrote, with its own class.
fn read(written: &Json) -> Option<SchemaAndValue<'static>> {
    let config = ConverterConfig {
        property: "value.converter".to_owned(),
        class: "JsonConverter".to_owned(),
        settings: Given::new(),
    };
    let mut json = Converter::new(&config).expect("no settings, no problems");
    let text = written.to_string();
    let read = json.convert(Some(text.as_bytes())).ok()?;
    Some(read.into_owned())
}

/// The order of entries means nothing.
fn sorted(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Array(values) => Value::Array(values.into_iter().map(sorted).collect()),
        Value::Map(mut entries) => {
            entries.sort_by_key(|(key, _)| format!("{key:?}"));
            Value::Map(entries)
        }
        other => other,
    }
}

/// Arrays and maps without a common schema, which Java's JsonConverter writes, if at all, but never reads.
fn has_no_elements(kind: &SchemaType) -> bool {
    match kind {
        SchemaType::Array(None) | SchemaType::Map(None, None) => true,
        SchemaType::Array(Some(inner)) => has_no_elements(inner.kind()),
        _ => false,
    }
}

/// What is wrong with our outcome.
fn complaint(expect: &Json, ours: Result<SchemaAndValue<'_>, &str>) -> Option<String> {
    let told = format!("Java: {expect}\n  we: {ours:?}");
    let is_same = match (expect.get("error"), ours) {
        (Some(error), Err(class)) => {
            error["stage"] == Stage::HeaderConverter.name() && error["class"] == class
        }
        // Java cannot write some of what it reads.
        (None, Ok(_)) if expect.get("record").is_none() => true,
        (None, Ok(ours)) => match read(&expect["record"]["headers"][0][1]) {
            Some(java) => java.schema == ours.schema && sorted(java.value) == sorted(ours.value),
            None => ours
                .schema
                .is_some_and(|schema| has_no_elements(schema.kind())),
        },
        _ => false,
    };
    (!is_same).then_some(told)
}

#[test]
fn headers_are_read_as_java_reads_them() {
    let mut compared = 0;
    let mut complaints = Vec::new();
    for case in cases() {
        let config = given(&case["config"]);
        let id = case["id"].as_str().expect("an id");
        let converter =
            HeaderConverter::new(&ConverterConfig::select_header(&config, &Given::new()));
        if case.get("config_error").is_some() {
            // One of them is about the converter of values.
            let value = ConverterConfig::select("value.converter", &config, &Given::new());
            let is_refused =
                converter.is_err() || value.is_some_and(|config| Converter::new(&config).is_err());
            assert!(is_refused, "{id} is accepted");
            continue;
        }
        let mut converter = converter.expect(id);
        let records = case["records"].as_array().expect("records");
        let expect = case["expect"].as_array().expect("outcomes");
        assert_eq!(records.len(), expect.len(), "{id}");
        for (record, expect) in records.iter().zip(expect) {
            let header = &record["headers"][0];
            let name = header[0].as_str().expect("a name");
            let bytes = header[1]
                .as_str()
                .map(|text| STANDARD.decode(text).expect("Base64"));
            let ours = converter.convert(name, bytes.as_deref());
            let ours = ours.map_err(|error| error.class.java_name());
            complaints.extend(complaint(expect, ours).map(|told| format!("{id}\n{told}")));
            compared += 1;
        }
    }
    assert!(compared > 100, "only {compared} headers were compared");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
