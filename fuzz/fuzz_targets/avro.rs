//! Avro: schemas, their resolution, and data.

#![no_main]

use libfuzzer_sys::fuzz_target;
use starrocks_kafka_connect::registry::SchemaFormat;
use starrocks_kafka_fuzz::{Target, utf8};

const AVRO: Target = Target {
    format: SchemaFormat::Avro,
    class: "io.confluent.connect.avro.AvroConverter",
    text: utf8,
    prefix: b"\0\0\0\0\x01",
    writer: include_str!("../schemas/writer.avsc"),
    reader: include_str!("../schemas/reader.avsc"),
    reference: ("fuzz.Other", include_str!("../schemas/other.avsc")),
    settings: [
        ("enhanced.avro.schema.support", "true"),
        ("generalized.sum.type.support", "true"),
        ("flatten.singleton.unions", "false"),
        ("connect.meta.data", "false"),
        ("avro.fail.on.trailing.data", "true"),
        ("discard.type.doc.default", "true"),
    ],
};

fuzz_target!(|input: &[u8]| AVRO.run(input));
