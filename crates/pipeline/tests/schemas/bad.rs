//! What is wrong is told, with the schema's id, and costs neither the process nor more memory than the record has bytes.

use std::fmt::Write as _;

use starrocks_kafka_testbed::produce::Format;

use crate::{Reader, framed};

const AVRO: &str = r#"{"type":"record","name":"R","fields":[
    {"name":"id","type":"long"},{"name":"name","type":"string"},
    {"name":"kind","type":{"type":"enum","name":"K","symbols":["A","B"]}},
    {"name":"more","type":["null","R"],"default":null},
    {"name":"list","type":{"type":"array","items":"long"}}]}"#;
const PROTOBUF: &str = r#"syntax = "proto3"; package p;
    message R { int64 id = 1; string name = 2; R more = 3; repeated int64 list = 4; repeated fixed64 fixed = 5; }
    message S { message T { int32 a = 1; } }"#;
const JSON: &str = r##"{"type":"object","properties":{"id":{"type":"integer"},"name":{"type":"string"},
    "more":{"oneOf":[{"type":"null"},{"$ref":"#"}]}}}"##;

/// A text of Avro or a part of Protobuf whose length is said to be four gigabytes.
const FOUR_GIGABYTES: &[u8] = b"\x80\x80\x80\x80\x20";

fn text(format: Format) -> &'static str {
    match format {
        Format::Avro => AVRO,
        Format::Protobuf => PROTOBUF,
        _ => JSON,
    }
}

/// Bytes again and again.
fn deep(open: &[u8], times: usize) -> Vec<u8> {
    open.repeat(times)
}

/// Protobuf's messages of one field in one another, each with its true length.
fn nested_messages(times: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..times {
        let mut outer = vec![0x1a];
        let mut length = bytes.len();
        while length >= 0x80 {
            outer.push(u8::try_from(length & 0x7f).expect("seven bits") | 0x80);
            length >>= 7;
        }
        outer.push(u8::try_from(length).expect("seven bits"));
        outer.extend_from_slice(&bytes);
        bytes = outer;
    }
    bytes
}

#[test]
fn records_that_are_bad_are_told_with_their_schema() {
    let zero = b"\0".as_slice();
    // Of Avro: an id, a name, a kind, no more, no list.
    let good = b"\x02\x02a\x00\x00\x00";
    let avro = [
        ("no byte", Vec::new()),
        ("another magic byte", b"{\"id\":1}".to_vec()),
        ("an id that is cut off", b"\0\0\0".to_vec()),
        ("no data", framed(b"", b"")),
        ("data that is cut off", framed(b"", &good[..3])),
        (
            "a length of 4 GB",
            framed(b"", &[b"\x02", FOUR_GIGABYTES].concat()),
        ),
        ("a length below 0", framed(b"", b"\x02\x01")),
        ("a number without an end", framed(b"", &[0xff; 20])),
        (
            "a symbol that is none",
            framed(b"", b"\x02\x02a\x08\x00\x00"),
        ),
        (
            "a branch that is none",
            framed(b"", b"\x02\x02a\x00\x08\x00"),
        ),
        (
            "a list of 4 billion",
            framed(b"", &[&good[..5], FOUR_GIGABYTES, b"\x02"].concat()),
        ),
        (
            "records in one another",
            framed(b"", &deep(b"\x02\x00\x00\x02", 100_000)),
        ),
        (
            "bytes behind the data",
            framed(b"", &[good.as_slice(), b"xyz"].concat()),
        ),
        (
            "a text that is no UTF-8",
            framed(b"", b"\x02\x04\xff\xfe\x00\x00\x00"),
        ),
    ];
    let protobuf = [
        ("no index", framed(b"", b"")),
        ("an index that is cut off", framed(b"\x02\x80", b"")),
        ("an index that is none", framed(b"\x02\x08", b"")),
        ("an index below 0", framed(b"\x02\x01", b"")),
        ("an index too many", framed(b"\x06\x02\x00\x00", b"")),
        ("4 billion indexes", framed(b"\xfe\xff\xff\xff\x0f", b"")),
        ("no data", framed(zero, b"")),
        ("data that is cut off", framed(zero, b"\x08\x01\x12\x05ab")),
        (
            "a length of 4 GB",
            framed(zero, &[b"\x12", FOUR_GIGABYTES].concat()),
        ),
        (
            "a number without an end",
            framed(zero, &[b"\x08".as_slice(), &[0xff; 20]].concat()),
        ),
        ("a field numbered 0", framed(zero, b"\x00\x01")),
        ("a wire type that is none", framed(zero, b"\x0f\x01")),
        ("a group without an end", framed(zero, b"\x53\x08\x01")),
        ("an end of no group", framed(zero, b"\x54")),
        (
            "a packed list that is cut off",
            framed(zero, b"\x2a\x0c\0\0\0\0\0\0\0\0\0\0\0\0"),
        ),
        (
            "groups in one another",
            framed(zero, &deep(b"\x53", 100_000)),
        ),
        (
            "messages in one another",
            framed(zero, &nested_messages(5_000)),
        ),
        ("a text that is no UTF-8", framed(zero, b"\x12\x02\xff\xfe")),
        (
            "a nested message by its indexes",
            framed(b"\x04\x02\x00", b"\x08\x05"),
        ),
    ];
    let json = [
        ("no data", framed(b"", b"")),
        ("data that is cut off", framed(b"", b"{\"id\":1,\"na")),
        (
            "bytes behind the data",
            framed(b"", b"{\"id\":1,\"name\":\"a\",\"more\":null} x"),
        ),
        (
            "a text that is no UTF-8",
            framed(b"", b"{\"id\":1,\"name\":\"\xff\xfe\",\"more\":null}"),
        ),
        (
            "objects in one another",
            framed(b"", &deep(b"{\"more\":", 100_000)),
        ),
        ("lists in one another", framed(b"", &deep(b"[", 100_000))),
        ("no object", framed(b"", b"5")),
        ("a property that is not there", framed(b"", b"{\"id\":1}")),
    ];
    let mut all = String::new();
    let mut tell = |format: Format, cases: &[(&str, Vec<u8>)]| {
        writeln!(all, "{format:?}").expect("a string takes it");
        for (name, value) in cases {
            let told = match Reader::new(format, text(format)).row(value) {
                Ok(row) => format!("row {row}"),
                Err(error) => error,
            };
            writeln!(all, "  {name}\n    {told}").expect("a string takes it");
        }
    };
    tell(Format::Avro, &avro);
    tell(Format::Protobuf, &protobuf);
    tell(Format::JsonSchema, &json);
    insta::assert_snapshot!(all);
}

#[test]
fn schemas_that_are_bad_are_told_with_their_id() {
    let avro = [
        ("no JSON", "{\"type\":".to_owned()),
        (
            "no type",
            r#"{"type":"recrod","name":"R","fields":[]}"#.to_owned(),
        ),
        (
            "an unknown name",
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"Nobody"}]}"#.to_owned(),
        ),
        (
            "itself and nothing else",
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"R"}]}"#.to_owned(),
        ),
        (
            "types in one another",
            format!(
                "{}\"long\"{}",
                "{\"type\":\"array\",\"items\":".repeat(10_000),
                "}".repeat(10_000)
            ),
        ),
    ];
    let protobuf = [
        ("no schema", "message {".to_owned()),
        (
            "an unknown type",
            "syntax = \"proto3\"; message M { Nobody a = 1; }".to_owned(),
        ),
        (
            "an import that is not there",
            "syntax = \"proto3\"; import \"nobody.proto\"; message M {}".to_owned(),
        ),
        (
            "an import of a file of the system",
            "syntax = \"proto3\"; import \"/etc/passwd\"; message M {}".to_owned(),
        ),
        (
            "no message",
            "syntax = \"proto3\"; enum E { A = 0; }".to_owned(),
        ),
        (
            "messages in one another",
            format!("{}{}", "message M { ".repeat(10_000), "}".repeat(10_000)),
        ),
    ];
    let json = [
        ("no JSON", "{".to_owned()),
        ("no schema", "5".to_owned()),
        ("an unknown type", r#"{"type":"recrod"}"#.to_owned()),
        (
            "a place that is not there",
            r##"{"$ref":"#/definitions/nobody"}"##.to_owned(),
        ),
        (
            "a place elsewhere",
            r#"{"$ref":"http://127.0.0.1:1/schema.json"}"#.to_owned(),
        ),
        (
            "a file of the system",
            r#"{"$ref":"file:///etc/passwd"}"#.to_owned(),
        ),
        ("itself and nothing else", r##"{"$ref":"#"}"##.to_owned()),
        (
            "schemas in one another",
            format!(
                "{}{}",
                "{\"items\":".repeat(10_000),
                "{}".to_owned() + &"}".repeat(10_000)
            ),
        ),
    ];
    let mut all = String::new();
    let mut tell = |format: Format, value: &[u8], cases: &[(&str, String)]| {
        writeln!(all, "{format:?}").expect("a string takes it");
        for (name, text) in cases {
            let told = match Reader::new(format, text).row(value) {
                Ok(row) => format!("row {row}"),
                Err(error) => error,
            };
            writeln!(all, "  {name}\n    {told}").expect("a string takes it");
        }
    };
    tell(Format::Avro, &framed(b"", b"\0"), &avro);
    tell(Format::Protobuf, &framed(b"\0", b""), &protobuf);
    tell(Format::JsonSchema, &framed(b"", b"{}"), &json);
    insta::assert_snapshot!(all);
}

/// A schema may be long; what it says counts.
#[test]
fn schemas_of_ten_megabytes_are_read() {
    let filler = "x".repeat(10 << 20);
    let check = |format: Format, text: String, value: &[u8], expect: &str| {
        assert_eq!(Reader::new(format, &text).row(value).as_deref(), Ok(expect));
    };
    check(
        Format::Avro,
        format!(
            r#"{{"type":"record","name":"R","doc":"{filler}","fields":[{{"name":"a","type":"int"}}]}}"#
        ),
        &framed(b"", b"\x02"),
        r#"{"a":1}"#,
    );
    check(
        Format::Protobuf,
        format!("syntax = \"proto3\"; /* {filler} */ message M {{ int32 a = 1; }}"),
        &framed(b"\0", b"\x08\x01"),
        r#"{"a":1}"#,
    );
    check(
        Format::JsonSchema,
        format!(
            r#"{{"type":"object","description":"{filler}","properties":{{"a":{{"type":"integer"}}}}}}"#
        ),
        &framed(b"", br#"{"a":1}"#),
        r#"{"a":1}"#,
    );
}
