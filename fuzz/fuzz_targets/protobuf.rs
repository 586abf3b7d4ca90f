//! Protobuf: schemas, as text or as serialized descriptors, and data.

#![no_main]

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use starrocks_kafka_connect::registry::SchemaFormat;
use starrocks_kafka_fuzz::{Target, utf8};

const PROTOBUF: Target = Target {
    format: SchemaFormat::Protobuf,
    class: "io.confluent.connect.protobuf.ProtobufConverter",
    text,
    // The last byte says that it is the first message.
    prefix: b"\0\0\0\0\x01\0",
    writer: include_str!("../schemas/writer.proto"),
    reader: include_str!("../schemas/reader.proto"),
    reference: ("other.proto", include_str!("../schemas/other.proto")),
    settings: [
        ("generalized.sum.type.support", "true"),
        ("int.for.enums", "true"),
        ("flatten.unions", "true"),
        ("wrapper.for.raw.primitives", "false"),
        ("optional.for.proto2", "false"),
        ("generate.struct.for.nulls", "true"),
    ],
};

/// The tag of a serialized descriptor's first field, its name. A registry has such descriptors in Base64.
const NAME: u8 = 0x0a;

fn text(bytes: &[u8]) -> Option<Cow<'_, str>> {
    if bytes.first() == Some(&NAME) {
        return Some(Cow::Owned(STANDARD.encode(bytes)));
    }
    utf8(bytes)
}

fuzz_target!(|input: &[u8]| PROTOBUF.run(input));
