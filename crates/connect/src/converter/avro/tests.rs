use super::*;
use proptest::prelude::*;
use serde_json::json;

const PLAIN: Options = Options {
    enhanced_support: false,
    generalized_sum_types: false,
    flatten_singleton_unions: true,
    connect_metadata: true,
    discard_docs: false,
    fail_on_trailing: false,
    logical_type_converters: false,
    java_classes: false,
};

fn registered(text: &str) -> RegisteredSchema {
    RegisteredSchema {
        format: SchemaFormat::Avro,
        text: text.to_owned(),
        references: Vec::new(),
        reference_problem: None,
        read_rules: Vec::new(),
        registrations: None,
    }
}

fn plan_of(options: Options, writer: &str, reader: Option<&str>) -> Result<Plan, DataError> {
    let (writer, reader) = (registered(writer), reader.map(registered));
    let schemas = Schemas {
        writer: &writer,
        reader: reader.as_ref(),
        version: None,
    };
    Avro(options).plan(&schemas, &MessageIndexes::new())
}

fn decode<'k>(writer: &str, reader: Option<&str>, bytes: &'k [u8]) -> Result<Value<'k>, DataError> {
    let plan = plan_of(PLAIN, writer, reader)?;
    Avro::decode(&plan, bytes).map(|decoded| decoded.value)
}

/// A record of one field.
fn record(of: &str) -> String {
    format!(r#"{{"type":"record","name":"R","fields":[{{"name":"f","type":{of}}}]}}"#)
}

/// Records that contain one another: each level has the next one twice, the last has nothing.
fn doubling(levels: usize, field: &str) -> String {
    let mut inner = r#"{"type":"record","name":"L0","fields":[]}"#.to_owned();
    for level in 1..=levels {
        let below = level - 1;
        inner = format!(
            r#"{{"type":"record","name":"L{level}","fields":[{{"name":"a","type":{inner}}},{{"name":"b","type":"L{below}"}}]}}"#
        );
    }
    format!(
        r#"{{"type":"record","name":"R","fields":[{{"name":"x","type":"int"}},{{"name":"{field}","type":{inner}}}]}}"#
    )
}

const LIST: &str =
    r#"{"type":"record","name":"List","fields":[{"name":"next","type":["null","List"]}]}"#;

#[test]
fn bytes_that_were_not_written_with_the_schema_say_why() {
    let check = |of: &str, bytes: &[u8], expect: &str| {
        let error = decode(&record(of), None, bytes).expect_err(of);
        assert!(error.to_string().contains(expect), "{of}: {error}");
    };
    let most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    let greatest = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    let empties = r#"{"type":"array","items":{"type":"record","name":"E","fields":[]}}"#;
    let no_bytes = r#"{"type":"array","items":{"type":"fixed","name":"F","size":0}}"#;
    check("\"int\"", &[], "end in the middle");
    check("\"int\"", &[0x80; 6], "more than 5 bytes");
    check("\"long\"", &[0x80; 11], "more than 10 bytes");
    check("\"double\"", &[0; 7], "end in the middle");
    check("\"string\"", &[1], "A length is -1");
    check(
        "\"string\"",
        &[8, b'a'],
        "4 bytes are announced, and 1 are there",
    );
    // 4 GB and more.
    check(
        "\"bytes\"",
        &[0x80, 0x80, 0x80, 0x80, 0x20],
        "are announced",
    );
    check("\"string\"", &greatest, "are announced");
    check(r#"["null","int"]"#, &[4], "Branch 2 of a union of 2");
    check(r#"["null","int"]"#, &[1], "Branch -1 of a union of 2");
    check(
        r#"{"type":"enum","name":"E","symbols":["A"]}"#,
        &[2],
        "Symbol 1 of an enum of 1",
    );
    check(
        r#"{"type":"array","items":"int"}"#,
        &[&most[..], &[0]].concat(),
        "A length is",
    );
    check(
        r#"{"type":"array","items":"int"}"#,
        &greatest,
        "end in the middle",
    );
    check(
        r#"{"type":"map","values":"int"}"#,
        &greatest,
        "end in the middle",
    );
    check(empties, &greatest, "too many values that take no bytes");
    check(no_bytes, &greatest, "too many values that take no bytes");
}

#[test]
fn what_takes_no_bytes_takes_no_time_either() {
    let same = doubling(20, "y");
    let other = r#"{"type":"record","name":"R","fields":[{"name":"x","type":"int"}]}"#;
    let error = decode(&same, None, &[2]).expect_err("it is far too large");
    assert!(error.to_string().contains("Written out"), "{error}");
    let error = decode(&same, Some(other), &[2]).expect_err("it is far too large to skip");
    assert!(error.to_string().contains("take no bytes"), "{error}");
    let skipped = decode(&doubling(5, "y"), Some(other), &[2]).expect("it is small");
    assert!(matches!(skipped, Value::Struct(record) if record.values() == [Value::Int32(1)]));
}

#[test]
fn depth_ends_with_an_error() {
    let deep = vec![2_u8; 1_000_000];
    let error = decode(LIST, None, &deep).expect_err("it is deep");
    assert!(error.to_string().contains("deep"), "{error}");
    let mut flat = vec![2_u8; 250];
    flat.push(0);
    assert!(decode(LIST, None, &flat).is_ok());
    // No byte is ever read.
    let endless = r#"{"type":"record","name":"A","fields":[{"name":"a","type":"A"},{"name":"b","type":"A"}]}"#;
    assert!(decode(endless, None, &[]).is_err());
}

/// Records of which each contains the one before it, by its name: the text is flat, and the types are deep.
fn chain(length: usize) -> String {
    let mut branches = vec![json!({"type": "record", "name": "C0", "fields": []})];
    for number in 1..length {
        let below = format!("C{}", number - 1);
        branches.push(json!({"type": "record", "name": format!("C{number}"),
            "fields": [{"name": "f", "type": below}]}));
    }
    serde_json::Value::Array(branches).to_string()
}

#[test]
fn deep_types_end_with_an_error() {
    let error = decode(&chain(300), None, &[0]).expect_err("it is deep");
    assert!(error.to_string().contains("200 deep"), "{error}");
    // Branch 149, which takes no byte more.
    let value = decode(&chain(150), None, &[0xaa, 0x02]).expect("it is less deep");
    assert!(matches!(value, Value::Struct(_)), "{value:?}");
}

#[test]
fn a_record_is_read_as_its_reader_wants_it() {
    let check = |writer: &str, reader: &str, bytes: &[u8], expect: &Value<'_>| {
        let value = decode(&record(writer), Some(&record(reader)), bytes).expect(reader);
        let Value::Struct(value) = value else {
            panic!("no record: {value:?}")
        };
        assert_eq!(&value.values()[0], expect, "{writer} as {reader}");
    };
    check("\"int\"", "\"long\"", &[3], &Value::Int64(-2));
    check("\"int\"", "\"float\"", &[4], &Value::Float32(2.0));
    check("\"int\"", "\"double\"", &[4], &Value::Float64(2.0));
    check("\"long\"", "\"float\"", &[4], &Value::Float32(2.0));
    check(
        "\"float\"",
        "\"double\"",
        &[0, 0, 0, 0x3f],
        &Value::Float64(0.5),
    );
    check(
        "\"bytes\"",
        "\"string\"",
        &[2, b'a'],
        &Value::String("a".into()),
    );
    check(
        "\"string\"",
        "\"bytes\"",
        &[2, b'a'],
        &Value::Bytes(b"a"[..].into()),
    );
    check("\"int\"", r#"["null","long"]"#, &[4], &Value::Int64(2));
    check(r#"["null","int"]"#, "\"int\"", &[2, 4], &Value::Int32(2));
    check(
        r#"{"type":"enum","name":"E","symbols":["A","B"]}"#,
        r#"{"type":"enum","name":"E","symbols":["A"],"default":"A"}"#,
        &[2],
        &Value::String("A".into()),
    );
    let wrong = |writer: &str, reader: &str, bytes: &[u8], expect: &str| {
        let error = decode(&record(writer), Some(&record(reader)), bytes).expect_err(reader);
        assert!(
            error.to_string().contains(expect),
            "{writer} as {reader}: {error}"
        );
    };
    wrong("\"long\"", "\"int\"", &[4], "cannot be read as int");
    wrong(
        r#"["null","int"]"#,
        "\"int\"",
        &[0],
        "cannot be read as int",
    );
}

#[test]
fn bytes_behind_the_record_count_only_where_asked() {
    let check = |fail_on_trailing, expect: bool| {
        let options = Options {
            fail_on_trailing,
            ..PLAIN
        };
        let plan = plan_of(options, "\"int\"", None).expect("int is a schema");
        assert_eq!(Avro::decode(&plan, &[2, 0]).is_ok(), expect);
        assert!(Avro::decode(&plan, &[2]).is_ok());
    };
    check(false, true);
    check(true, false);
}

#[test]
fn bytes_alone_stand_without_their_length() {
    let check = |schema: &str, reader: Option<&str>, expect: Option<Value<'_>>| {
        let value = decode(schema, reader, &[1, 2]).ok();
        assert_eq!(value, expect, "{schema}");
    };
    let bytes = || Value::Bytes([1, 2][..].into());
    check("\"bytes\"", None, Some(bytes()));
    check("\"bytes\"", Some(r#"["null","bytes"]"#), Some(bytes()));
    check("\"bytes\"", Some("\"string\""), None);
    let date = "org.apache.kafka.connect.data.Date";
    check(
        &format!(r#"{{"type":"bytes","connect.name":"{date}"}}"#),
        None,
        None,
    );
    let options = Options {
        logical_type_converters: true,
        ..PLAIN
    };
    let decimal = r#"{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}"#;
    let plan = plan_of(options, decimal, None).expect("a decimal");
    let decoded = Avro::decode(&plan, &[1, 2]).expect("its bytes");
    assert!(matches!(decoded.value, Value::Decimal(_)), "{decoded:?}");
}

/// A value that knows its schema and its bytes.
#[derive(Clone, Debug)]
enum Sample {
    Boolean(bool),
    Int(i32),
    Long(i64),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
    /// The same item several times, and whether its block tells its size.
    Array(Box<Sample>, u8, bool),
    Map(Box<Sample>, Option<String>),
    Optional(Box<Sample>, bool),
    Record(Vec<Sample>),
}

fn put_long(number: i64, out: &mut Vec<u8>) {
    let mut rest = ((number << 1) ^ (number >> 63)).cast_unsigned();
    while rest >= 0x80 {
        out.push(u8::try_from(rest & 0x7f).expect("seven bits") | 0x80);
        rest >>= 7;
    }
    out.push(u8::try_from(rest).expect("seven bits"));
}

fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_long(i64::try_from(bytes.len()).expect("it is short"), out);
    out.extend_from_slice(bytes);
}

impl Sample {
    fn schema(&self, records: &mut usize) -> serde_json::Value {
        match self {
            Self::Boolean(_) => json!("boolean"),
            Self::Int(_) => json!("int"),
            Self::Long(_) => json!("long"),
            Self::Double(_) => json!("double"),
            Self::Text(_) => json!("string"),
            Self::Bytes(_) => json!("bytes"),
            Self::Array(item, ..) => json!({"type": "array", "items": item.schema(records)}),
            Self::Map(value, _) => json!({"type": "map", "values": value.schema(records)}),
            Self::Optional(inner, _) => json!(["null", inner.schema(records)]),
            Self::Record(fields) => {
                *records += 1;
                let name = format!("R{records}");
                let fields = fields.iter().enumerate();
                let fields: Vec<_> = fields
                    .map(|(at, of)| json!({"name": format!("f{at}"), "type": of.schema(records)}))
                    .collect();
                json!({"type": "record", "name": name, "fields": fields})
            }
        }
    }

    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Boolean(truth) => out.push((*truth).into()),
            Self::Int(number) => put_long((*number).into(), out),
            Self::Long(number) => put_long(*number, out),
            Self::Double(number) => out.extend(number.to_le_bytes()),
            Self::Text(text) => put_bytes(text.as_bytes(), out),
            Self::Bytes(bytes) => put_bytes(bytes, out),
            Self::Array(item, count, is_sized) => {
                let mut block = Vec::new();
                (0..*count).for_each(|_| item.put(&mut block));
                if *count > 0 && *is_sized {
                    put_long(-i64::from(*count), out);
                    put_long(i64::try_from(block.len()).expect("it is short"), out);
                } else if *count > 0 {
                    put_long((*count).into(), out);
                }
                out.extend(block);
                out.push(0);
            }
            Self::Map(value, key) => {
                if let Some(key) = key {
                    put_long(1, out);
                    put_bytes(key.as_bytes(), out);
                    value.put(out);
                }
                out.push(0);
            }
            Self::Optional(inner, is_there) => {
                put_long((*is_there).into(), out);
                if *is_there {
                    inner.put(out);
                }
            }
            Self::Record(fields) => fields.iter().for_each(|field| field.put(out)),
        }
    }

    fn is(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::Boolean(own), Value::Boolean(other)) => own == other,
            (Self::Int(own), Value::Int32(other)) => own == other,
            (Self::Long(own), Value::Int64(other)) => own == other,
            (Self::Double(own), Value::Float64(other)) => own.to_bits() == other.to_bits(),
            (Self::Text(own), Value::String(other)) => own == other,
            (Self::Bytes(own), Value::Bytes(other)) => own[..] == other[..],
            (Self::Array(item, count, _), Value::Array(items)) => {
                items.len() == usize::from(*count) && items.iter().all(|other| item.is(other))
            }
            (Self::Map(of, Some(key)), Value::Map(entries)) => matches!(
                entries.as_slice(),
                [(Value::String(name), value)] if name == key && of.is(value)
            ),
            (Self::Map(_, None), Value::Map(entries)) => entries.is_empty(),
            (Self::Optional(_, false), Value::Null) => true,
            (Self::Optional(inner, true), value) => inner.is(value),
            (Self::Record(fields), Value::Struct(record)) => {
                let values = record.values();
                fields.len() == values.len()
                    && fields.iter().zip(values).all(|(own, other)| own.is(other))
            }
            _ => false,
        }
    }
}

fn sample() -> impl Strategy<Value = Sample> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Sample::Boolean),
        any::<i32>().prop_map(Sample::Int),
        any::<i64>().prop_map(Sample::Long),
        any::<f64>().prop_map(Sample::Double),
        any::<String>().prop_map(Sample::Text),
        proptest::collection::vec(any::<u8>(), 0..9).prop_map(Sample::Bytes),
    ];
    let any_of = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            (inner.clone(), 0..4_u8, any::<bool>())
                .prop_map(|(item, count, is_sized)| Sample::Array(item.into(), count, is_sized)),
            (inner.clone(), any::<Option<String>>())
                .prop_map(|(value, key)| Sample::Map(value.into(), key)),
            (inner.clone(), any::<bool>()).prop_map(|(of, is_there)| match of {
                Sample::Optional(..) => of,
                of => Sample::Optional(of.into(), is_there),
            }),
            proptest::collection::vec(inner, 0..4).prop_map(Sample::Record),
        ]
    });
    proptest::collection::vec(any_of, 0..5).prop_map(Sample::Record)
}

proptest! {
    #[test]
    fn what_was_written_is_read(sample in sample()) {
        let schema = sample.schema(&mut 0).to_string();
        let mut bytes = Vec::new();
        sample.put(&mut bytes);
        let value = decode(&schema, None, &bytes).expect("it was written with the schema");
        prop_assert!(sample.is(&value), "{schema}: {value:?}");
        // Each beginning of it is too short.
        if let Some((_, cut)) = bytes.split_last() {
            prop_assert!(decode(&schema, None, cut).is_err());
        }
    }

    #[test]
    fn no_bytes_make_it_panic(
        sample in sample(),
        other in sample(),
        bytes in proptest::collection::vec(prop_oneof![0..8_u8, any::<u8>()], 0..64),
    ) {
        let (writer, reader) = (sample.schema(&mut 0).to_string(), other.schema(&mut 0).to_string());
        let alone = decode(&writer, None, &bytes);
        let same = decode(&writer, Some(&writer), &bytes);
        prop_assert_eq!(alone.is_ok(), same.is_ok());
        let _ = decode(&writer, Some(&reader), &bytes);
        let _ = decode(LIST, None, &bytes);
    }
}
