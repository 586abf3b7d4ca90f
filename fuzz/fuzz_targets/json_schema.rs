//! JSON Schema: schemas, validation by them, and data.

#![no_main]

use libfuzzer_sys::fuzz_target;
use starrocks_kafka_connect::registry::SchemaFormat;
use starrocks_kafka_fuzz::{Target, utf8};

const JSON_SCHEMA: Target = Target {
    format: SchemaFormat::Json,
    class: "io.confluent.connect.json.JsonSchemaConverter",
    text: utf8,
    prefix: b"\0\0\0\0\x01",
    writer: include_str!("../schemas/writer.json"),
    reader: include_str!("../schemas/reader.json"),
    reference: ("other.json", include_str!("../schemas/other.json")),
    settings: [
        ("use.optional.for.nonrequired", "true"),
        ("json.fail.invalid.schema", "true"),
        ("generalized.sum.type.support", "true"),
        ("flatten.singleton.unions", "false"),
        ("ignore.modern.dialects", "true"),
        ("decimal.format", "NUMERIC"),
    ],
};

fuzz_target!(|input: &[u8]| JSON_SCHEMA.run(input));
