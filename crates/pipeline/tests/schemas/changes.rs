//! Change events of Debezium in each format are the same rows.

use starrocks_kafka_pipeline::encode::{
    CdcSettings, RowSettings, Tombstones, Truncate, Unavailable, WithoutPrimaryKey,
};
use starrocks_kafka_testbed::produce::Format;

use crate::{Reader, framed};

const AVRO: &str = r#"{"type":"record","name":"Envelope","namespace":"srv.shop.t","fields":[
    {"name":"before","type":["null",{"type":"record","name":"Value","fields":[
        {"name":"id","type":"long"},{"name":"name","type":["null","string"],"default":null}]}],"default":null},
    {"name":"after","type":["null","Value"],"default":null},
    {"name":"op","type":"string"}]}"#;

const PROTOBUF: &str = r#"syntax = "proto3"; package srv.shop.t;
    message Envelope { Value before = 1; Value after = 2; string op = 3;
        message Value { int64 id = 1; optional string name = 2; } }"#;

const JSON: &str = r#"{"type":"object","title":"srv.shop.t.Envelope","properties":{
    "before":{"oneOf":[{"type":"null"},{"type":"object","properties":{
        "id":{"type":"integer"},"name":{"oneOf":[{"type":"null"},{"type":"string"}]}}}]},
    "after":{"oneOf":[{"type":"null"},{"type":"object","properties":{
        "id":{"type":"integer"},"name":{"oneOf":[{"type":"null"},{"type":"string"}]}}}]},
    "op":{"type":"string"}}}"#;

fn reader(format: Format, schema: &str) -> Reader {
    let cdc = CdcSettings {
        tombstones: Tombstones::Skip,
        truncate: Truncate::Fail,
        unavailable: Unavailable::Partial,
        placeholder: "__debezium_unavailable_value".to_owned(),
        without_primary_key: WithoutPrimaryKey::Fail,
    };
    let rows = RowSettings {
        cdc: Some(cdc),
        ..RowSettings::default()
    };
    Reader::with_rows(format, schema, rows)
}

#[test]
fn events_of_all_formats_are_the_same_rows() {
    let mut avro = reader(Format::Avro, AVRO);
    let mut protobuf = reader(Format::Protobuf, PROTOBUF);
    let mut json = reader(Format::JsonSchema, JSON);
    let mut check = |of_avro: &[u8], of_protobuf: &[u8], of_json: &str, expect: &str| {
        let rows = [
            avro.row(&framed(&[], of_avro)),
            protobuf.row(&framed(&[0], of_protobuf)),
            json.row(&framed(&[], of_json.as_bytes())),
        ];
        for (row, format) in rows.into_iter().zip(["Avro", "Protobuf", "JSON Schema"]) {
            let row: serde_json::Value = row
                .map_err(|error| format!("{format}: {error}"))
                .and_then(|row| {
                    serde_json::from_str(&row).map_err(|error| format!("{error}: {row}"))
                })
                .expect("a row of JSON");
            let expect: serde_json::Value = serde_json::from_str(expect).expect("JSON");
            assert_eq!(row, expect, "{format}");
        }
    };
    check(
        // No old row; the new one: 1, "a"; "c".
        b"\x00\x02\x02\x02\x02a\x02c",
        b"\x12\x05\x08\x01\x12\x01a\x1a\x01c",
        r#"{"before":null,"after":{"id":1,"name":"a"},"op":"c"}"#,
        r#"{"__op":0,"id":1,"name":"a"}"#,
    );
    check(
        // The old row: 1, null; no new one; "d".
        b"\x02\x02\x00\x00\x02d",
        b"\x0a\x02\x08\x01\x1a\x01d",
        r#"{"before":{"id":1,"name":null},"after":null,"op":"d"}"#,
        r#"{"__op":1,"id":1,"name":null}"#,
    );
    let placeholder = "__debezium_unavailable_value";
    let length = u8::try_from(placeholder.len()).expect("short");
    check(
        &[
            &b"\x00\x02\x02\x02"[..],
            &[length * 2],
            placeholder.as_bytes(),
            b"\x02u",
        ]
        .concat(),
        &[
            &[0x12, length + 4, 0x08, 1, 0x12, length][..],
            placeholder.as_bytes(),
            b"\x1a\x01u",
        ]
        .concat(),
        &format!(r#"{{"before":null,"after":{{"id":1,"name":"{placeholder}"}},"op":"u"}}"#),
        r#"{"id":1}"#,
    );
}
