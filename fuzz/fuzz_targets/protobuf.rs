//! Protobuf: schemas, as text or as serialized descriptors, and data.

#![no_main]

use libfuzzer_sys::fuzz_target;
use starrocks_kafka_connect::registry::SchemaFormat;
use starrocks_kafka_fuzz::Target;

const PROTOBUF: Target = Target {
    format: SchemaFormat::Protobuf,
    class: "io.confluent.connect.protobuf.ProtobufConverter",
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

fuzz_target!(|input: &[u8]| PROTOBUF.run(input));
