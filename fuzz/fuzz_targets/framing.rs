//! Where a record says which schema it was written with: any bytes give an id, a GUID or an error.
//!
//! An input's first byte says where that stands. The rest is the header up to its length, which is the second byte, and
//! the record's bytes; or the settings `use.schema.guid` and `use.message.indexes` up to a zero byte each, and the bytes.

#![no_main]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use starrocks_kafka_connect::converter::{
    ConvertError, Converter, ConverterConfig, Input, RecordHeaders,
};
use starrocks_kafka_connect::registry::{RegisteredSchema, SchemaFormat, SchemaRequest, Wanted};
use starrocks_kafka_fuzz::{ended, utf8};

/// Protobuf, which has indexes of a message behind the id; else Avro.
const PROTOBUF: u8 = 1;
/// The id of a key, not of a value.
const KEY: u8 = 2;
/// The record has a header.
const HEADER: u8 = 4;
/// The two bits that say where the id is looked for.
const SOURCE: u32 = 3;

const AVRO_SCHEMA: &str = r#""bytes""#;
const PROTOBUF_SCHEMA: &str = r#"syntax = "proto3"; message A { message B { message C { bytes c = 1; } } bytes a = 1; } message D { int32 d = 1; }"#;

fuzz_target!(|input: &[u8]| {
    let _ = run(input);
});

fn run(input: &[u8]) -> Option<()> {
    let (how, rest) = input.split_first()?;
    let (mut settings, mut header) = (BTreeMap::new(), None);
    let rest = match how >> SOURCE & 3 {
        0 => rest,
        1 => {
            settings.insert(
                "schema.id.deserializer",
                "PrefixSchemaIdDeserializer".into(),
            );
            rest
        }
        _ => {
            settings.insert(
                "schema.id.deserializer",
                "ConfigSchemaIdDeserializer".into(),
            );
            let (guid, rest) = ended(rest)?;
            let (indexes, rest) = ended(rest)?;
            settings.insert("use.schema.guid", utf8(guid)?);
            settings.insert("use.message.indexes", utf8(indexes)?);
            rest
        }
    };
    let bytes = if how & HEADER == 0 {
        rest
    } else {
        let (length, rest) = rest.split_first()?;
        let (first, rest) = rest.split_at_checked(usize::from(*length))?;
        header = Some(first);
        rest
    };
    let mut converter = converter(*how, &settings)?;
    let header = Header {
        name: if how & KEY == 0 {
            "__value_schema_id"
        } else {
            "__key_schema_id"
        },
        value: header,
    };
    let input = Input {
        topic: "fuzz",
        headers: &header,
        bytes: Some(bytes),
    };
    let Err(ConvertError::NeedsSchema(request)) = converter.convert(&input) else {
        return None;
    };
    let framed = header
        .value
        .filter(|_| how >> SOURCE & 3 == 0)
        .unwrap_or(bytes);
    check(
        &request,
        framed,
        settings.get("use.schema.guid").map(Cow::as_ref),
    );
    converter.learn(*request, Arc::new(schema(*how)));
    let again = converter.convert(&input);
    assert!(
        !matches!(again, Err(ConvertError::NeedsSchema(_))),
        "it asks again: {again:?}"
    );
    Some(())
}

/// What is asked for is what stands there.
fn check(request: &SchemaRequest, framed: &[u8], configured: Option<&str>) {
    let expect = match (configured, framed) {
        // Settings are trimmed as Java does it.
        (Some(guid), _) => Wanted::Guid(guid.trim_matches(|c| c <= ' ').to_ascii_lowercase()),
        (None, [0, a, b, c, d, ..]) => Wanted::Id(i32::from_be_bytes([*a, *b, *c, *d])),
        (None, [1, guid @ ..]) => Wanted::Guid(guid_text(&guid[..16])),
        (None, other) => panic!("{other:?} are no id, and {request} is asked for"),
    };
    assert_eq!(request.wanted, expect);
}

fn guid_text(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [0..8, 8..12, 12..16, 16..20, 20..32]
        .map(|part| &digits[part])
        .join("-")
}

/// `None` where the settings are refused.
fn converter(how: u8, given: &BTreeMap<&str, Cow<'_, str>>) -> Option<Converter> {
    const IDS: &str = "io.confluent.kafka.serializers.schema.id.";
    let role = if how & KEY == 0 { "value" } else { "key" };
    let url = (
        "schema.registry.url".to_owned(),
        "http://127.0.0.1".to_owned(),
    );
    let given = given.iter().map(|(name, value)| match *name {
        "schema.id.deserializer" => (format!("{role}.{name}"), format!("{IDS}{value}")),
        name => (name.to_owned(), value.to_string()),
    });
    let class = match how & PROTOBUF {
        0 => "io.confluent.connect.avro.AvroConverter",
        _ => "io.confluent.connect.protobuf.ProtobufConverter",
    };
    Converter::new(&ConverterConfig {
        property: format!("{role}.converter"),
        class: class.to_owned(),
        settings: given.chain([url]).collect(),
    })
    .ok()
}

fn schema(how: u8) -> RegisteredSchema {
    let (format, text) = match how & PROTOBUF {
        0 => (SchemaFormat::Avro, AVRO_SCHEMA),
        _ => (SchemaFormat::Protobuf, PROTOBUF_SCHEMA),
    };
    RegisteredSchema {
        format,
        text: text.to_owned(),
        references: Vec::new(),
        reference_problem: None,
        read_rules: Vec::new(),
        registrations: None,
    }
}

/// A record with at most one header.
#[derive(Debug)]
struct Header<'i> {
    name: &'static str,
    value: Option<&'i [u8]>,
}

impl RecordHeaders for Header<'_> {
    fn last(&self, name: &str) -> Option<&[u8]> {
        self.value.filter(|_| name == self.name)
    }
}
