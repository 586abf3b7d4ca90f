use super::*;
use crate::kafka::NoHeaders;
use crate::routing::TopicMap;
use proptest::prelude::*;
use starrocks_kafka_connect::converter::ConverterConfig;
use starrocks_kafka_connect::data::Decimal;
use starrocks_kafka_connect::json::Json;
use starrocks_kafka_connect::transform::TransformChain;
use starrocks_kafka_starrocks::Column;
use std::collections::HashMap;

#[derive(Default)]
struct Collected(Vec<(TableId, Vec<u8>)>);

impl Rows for Collected {
    fn append<E>(
        &mut self,
        table: TableId,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut row = Vec::new();
        write(&mut row)?;
        self.0.push((table, row));
        Ok(())
    }
}

fn converter(property: &str, class: &str, settings: &[(&str, &str)]) -> ConverterConfig {
    ConverterConfig {
        property: property.to_owned(),
        class: class.to_owned(),
        settings: settings
            .iter()
            .map(|&(a, b)| (a.to_owned(), b.to_owned()))
            .collect(),
    }
}

fn encoder(key: &str, value: &str, topics: &str) -> Encoder {
    let topics = TopicMap::parse(topics).expect("a map");
    let schemaless = [("schemas.enable", "false")];
    let settings = |class| {
        if class == "JsonConverter" {
            &schemaless[..]
        } else {
            &[]
        }
    };
    Encoder::new(&EncoderSettings {
        key: converter("key.converter", key, settings(key)),
        value: converter("value.converter", value, settings(value)),
        header: converter("header.converter", "SimpleHeaderConverter", &[]),
        transforms: TransformChain::default(),
        topics,
        rows: RowSettings::default(),
    })
    .expect("valid settings")
}

fn record<'k>(topic: &'k str, key: Option<&'k [u8]>, value: Option<&'k [u8]>) -> RawRecord<'k> {
    RawRecord {
        topic,
        partition: 0,
        offset: 0,
        timestamp_ms: None,
        key,
        value,
        headers: &NoHeaders,
    }
}

type Outcome = Result<(Encoded, Vec<(TableId, Vec<u8>)>), RecordError>;

fn encode(encoder: &mut Encoder, record: &RawRecord<'_>) -> Outcome {
    let mut rows = Collected::default();
    let encoded = encoder.encode(record, &mut rows);
    if encoded.is_err() {
        assert!(rows.0.is_empty(), "a record that fails leaves no row");
    }
    encoded.map(|encoded| (encoded, rows.0))
}

#[test]
fn a_record_becomes_a_row_of_its_table_or_nothing() {
    let mut encoder = encoder("StringConverter", "JsonConverter", "a:t1,b:t1");
    let mut check = |topic: &str, value: Option<&str>, expect: Option<(&str, &str)>| {
        let (encoded, rows) =
            encode(&mut encoder, &record(topic, None, value.map(str::as_bytes))).expect("valid");
        let found = rows.first().map(|(table, row)| {
            assert_eq!(encoded, Encoded::Row(*table));
            (
                encoder.table_name(*table).to_string(),
                String::from_utf8_lossy(row).into_owned(),
            )
        });
        assert_eq!(
            found,
            expect.map(|(table, row)| (table.to_owned(), row.to_owned()))
        );
        assert_eq!(encoded == Encoded::Skipped, expect.is_none());
    };
    check("a", Some(" {\"v\": 1} "), Some(("t1", "{\"v\": 1}")));
    check("b", Some("{\"v\":1,\"v\":2}"), Some(("t1", "{\"v\":2}")));
    check("c", Some("[1.50]"), Some(("c", "[1.5]")));
    check("a", None, None);
    check("a", Some(""), None);
    check("a", Some("null"), None);
    let tables = ["a", "new"].map(|topic| encoder.table_of(topic));
    assert_eq!(tables, [TableId(0), TableId(2)]);
    assert_eq!(encoder.table_name(TableId(2)).as_ref(), "new");
}

/// Threads of tests have the stack that threads of tasks have, and frames that are not optimized.
#[test]
fn values_nest_as_deep_as_json_does() {
    let check = |encoder: &mut Encoder, value: &str, row: &str| {
        let (_, rows) = encode(encoder, &record("a", None, Some(value.as_bytes()))).expect("valid");
        assert!(rows[0].1 == row.as_bytes(), "{} bytes", rows[0].1.len());
    };
    let nested = |depth| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    let mut schemaless = encoder("StringConverter", "JsonConverter", "a:t");
    // A name that occurs twice takes the general way.
    let value = format!("{{\"a\":0,\"a\":{}}}", nested(999));
    check(&mut schemaless, &value, &nested(1000));
    let settings = EncoderSettings {
        key: converter("key.converter", "StringConverter", &[]),
        value: converter("value.converter", "JsonConverter", &[]),
        header: converter("header.converter", "SimpleHeaderConverter", &[]),
        transforms: TransformChain::default(),
        topics: TopicMap::parse("a:t").expect("a map"),
        rows: RowSettings::default(),
    };
    let mut with_schemas = Encoder::new(&settings).expect("valid settings");
    let map = "{\"type\":\"map\",\"keys\":{\"type\":\"string\"},\"values\":";
    let schema = format!(
        "{}{{\"type\":\"int8\"}}{}",
        map.repeat(500),
        "}".repeat(500)
    );
    let value = format!("{{\"schema\":{schema},\"payload\":{}}}", nested(500));
    check(&mut with_schemas, &value, &nested(500));
}

#[test]
fn a_broken_key_fails_before_a_broken_value() {
    let check = |key: &str, bytes: &[u8], value: &[u8], expect: Option<Stage>| {
        let mut encoder = encoder(key, "JsonConverter", "a:t");
        let stage = encode(&mut encoder, &record("a", Some(bytes), Some(value)))
            .err()
            .map(|error| {
                assert_eq!(error.class, "org.apache.kafka.connect.errors.DataException");
                error.stage
            });
        assert_eq!(stage, expect, "{key} {bytes:?}");
    };
    check("JsonConverter", b"{", b"{", Some(Stage::KeyConverter));
    check(
        "JsonConverter",
        b"{\"a\":1}",
        b"{",
        Some(Stage::ValueConverter),
    );
    check("JsonConverter", b"{\"a\":1,\"a\":1}", b"{}", None);
    check("JsonConverter", b"{}", b"{}", None);
    check(
        "StringConverter",
        b"\xff",
        b"{",
        Some(Stage::ValueConverter),
    );
    check("ByteArrayConverter", b"\xff", b"{}", None);
    check("LongConverter", b"\xff", b"{}", Some(Stage::KeyConverter));
}

#[test]
fn what_is_no_row_fails_in_the_sink() {
    let settings = EncoderSettings {
        key: converter("key.converter", "StringConverter", &[]),
        value: converter("value.converter", "JsonConverter", &[]),
        header: converter("header.converter", "SimpleHeaderConverter", &[]),
        transforms: TransformChain::default(),
        topics: TopicMap::default(),
        rows: RowSettings::default(),
    };
    let mut encoder = Encoder::new(&settings).expect("valid settings");
    let value = br#"{"schema":{"type":"array","items":{"type":"string"}},"payload":["a",1]}"#;
    let error = encode(&mut encoder, &record("a", None, Some(value))).expect_err("null inside");
    assert_eq!(error.stage, Stage::TaskPut);
    assert!(
        error
            .to_string()
            .starts_with("TASK_PUT: Conversion error: null value"),
        "{error}"
    );
}

#[test]
fn rows_in_csv_wait_for_the_columns_of_their_table() {
    let csv = |columns: Option<&str>| {
        RowFormat::Csv(CsvFormat {
            column_separator: b"\t".to_vec(),
            row_delimiter: b"\n".to_vec(),
            quotes: Vec::new(),
            columns: columns.map(|columns| vec![columns.to_owned()]),
        })
    };
    let settings = EncoderSettings {
        key: converter("key.converter", "StringConverter", &[]),
        value: converter(
            "value.converter",
            "JsonConverter",
            &[("schemas.enable", "false")],
        ),
        header: converter("header.converter", "SimpleHeaderConverter", &[]),
        transforms: TransformChain::default(),
        topics: TopicMap::default(),
        rows: RowSettings {
            formats: RowFormats {
                default: csv(None),
                tables: [
                    ("json".to_owned(), RowFormat::Json),
                    ("named".to_owned(), csv(Some("b"))),
                ]
                .into(),
            },
            ..RowSettings::default()
        },
    };
    let mut encoder = Encoder::new(&settings).expect("valid settings");
    let check = |encoder: &mut Encoder, topic: &str, value: &str, expect: Result<&str, &str>| {
        let encoded = encode(encoder, &record(topic, None, Some(value.as_bytes())));
        let found = match &encoded {
            Ok((Encoded::Row(_), rows)) => Ok(String::from_utf8_lossy(&rows[0].1).into_owned()),
            Ok((Encoded::NeedsColumns(_), rows)) => {
                assert!(rows.is_empty());
                Err("needs columns".to_owned())
            }
            other => Err(format!("{other:?}")),
        };
        let expect = expect.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(found, expect, "{topic} {value}");
    };
    let row = r#"{"a":1,"b":2}"#;
    check(&mut encoder, "t", "\"1\\t2\"", Ok("1\t2"));
    check(&mut encoder, "t", row, Err("needs columns"));
    check(&mut encoder, "json", row, Ok(row));
    check(&mut encoder, "named", row, Ok("2"));
    let columns = ["b", "a"].map(|name| Column::new(name, "INT"));
    let description = TableDescription {
        model: None,
        columns: columns.into(),
    };
    encoder.set_columns(TableId(0), Ok(description));
    check(&mut encoder, "t", row, Ok("2\t1"));
    encoder.begin_round();
    check(&mut encoder, "t", row, Err("needs columns"));
    check(&mut encoder, "named", row, Ok("2"));
    let blank = encode(&mut encoder, &record("t", None, Some(b"\"\"")));
    assert_eq!(blank, Ok((Encoded::Blank(TableId(0)), Vec::new())));
}

#[test]
fn problems_of_both_converters_come_at_once() {
    let problems = Encoder::new(&EncoderSettings {
        key: converter("key.converter", "NoConverter", &[]),
        value: converter(
            "value.converter",
            "JsonConverter",
            &[("schemas.enable", "x"), ("decimal.format", "y")],
        ),
        header: converter("header.converter", "SimpleHeaderConverter", &[]),
        transforms: TransformChain::default(),
        topics: TopicMap::default(),
        rows: RowSettings::default(),
    })
    .expect_err("three problems");
    let names: Vec<&str> = problems
        .iter()
        .map(|problem| problem.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "key.converter",
            "value.converter.schemas.enable",
            "value.converter.decimal.format"
        ]
    );
}

/// Equal as JSON values: integers and decimals by their digits, floating point by the double.
fn same(a: &Json<'_>, b: &Json<'_>) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) if a.is_integral() && b.is_integral() => {
            Decimal::parse(a.text()) == Decimal::parse(b.text())
        }
        (Json::Number(a), Json::Number(b)) => {
            a.is_integral() == b.is_integral() && a.to_f64() == b.to_f64()
        }
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Json::Object(a), Json::Object(b)) => {
            let b: HashMap<&str, &Json<'_>> =
                b.iter().map(|(name, b)| (name.as_ref(), b)).collect();
            a.len() == b.len()
                && a.iter()
                    .all(|(name, a)| b.get(name.as_ref()).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

/// Encodes a payload both ways, as value and as key, and compares.
fn both_ways_agree(payload: &[u8]) -> Result<(), TestCaseError> {
    let mut encoder = encoder("JsonConverter", "JsonConverter", "a:t");
    let record = record("a", None, Some(payload));
    let mut general_rows = Collected::default();
    let table = encoder.routing.table_of("a");
    let general = encoder.encode_generally(table, &record, &mut general_rows);
    let passed = encode(&mut encoder, &record);
    let as_key = encoder.check_key(&RawRecord {
        key: Some(payload),
        ..record
    });
    prop_assert_eq!(as_key.is_ok(), general.is_ok());
    match (general, passed) {
        (Err(general), Err(passed)) => prop_assert_eq!(general, Obstacle::Record(passed)),
        (Ok(general), Ok((passed, rows))) => {
            prop_assert_eq!(general, passed);
            prop_assert_eq!(rows.len(), general_rows.0.len());
            for ((_, passed), (_, general)) in rows.iter().zip(&general_rows.0) {
                let text = |row| String::from_utf8(row).expect("rows are UTF-8");
                let (passed, general) = (text(passed.clone()), text(general.clone()));
                let parse = |row| Json::parse(row).map_err(|e| TestCaseError::fail(e.to_string()));
                prop_assert!(
                    same(&parse(&passed)?, &parse(&general)?),
                    "{passed} {general}"
                );
            }
        }
        (general, passed) => prop_assert!(false, "{general:?} {passed:?}"),
    }
    Ok(())
}

#[test]
fn both_ways_agree_where_they_are_near_to_differ() {
    for payload in [
        "{\"a\":-0}",
        "{\"a\":-0.0}",
        "{\"a\":0e0}",
        "{\"a\":1e309}",
        "{\"a\":1e-400}",
        "{\"a\":4.9e-324}",
        "{\"a\":9223372036854775807}",
        "{\"a\":9223372036854775808}",
        "{\"a\":-9223372036854775809}",
        "{\"a\":123456789012345678901234567890.5}",
        "{\"a\":0.1234567890123456789}",
        "{\"a\":007}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
        "{\"a\":\"\\ud83d\"}",
        "{\"a\":1}x",
        "{\"a\":1} ",
        "{\"a\":\"\u{0}\"}",
        "{\"a\":\"\\u0000\"}",
        "\u{feff}{\"a\":1}",
        "{\"a\":{\"b\":1,\"b\":[]}}",
    ] {
        both_ways_agree(payload.as_bytes()).expect(payload);
    }
}

/// JSON as producers write it: any value, blanks here and there, odd numbers, escapes.
fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        prop::sample::select(vec![
            "null", "true", "false", "-0", "-0.0", "1e2", "1.50", "0", "1E+5", "2e-7"
        ])
        .prop_map(str::to_owned),
        any::<i64>().prop_map(|number| number.to_string()),
        "-?[1-9][0-9]{0,25}(\\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?",
        any::<f64>()
            .prop_filter("finite", |n| n.is_finite())
            .prop_map(|n| format!("{n:?}")),
        "\"([a-z ä€😀]|\\\\[\"\\\\/bfnrt]|\\\\u00[0-9a-f]{2}|\\\\ud83d\\\\ude0[0-9]){0,12}\"",
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let blank = "[ \\n]?";
        let member = (blank, "\"[a-d]{0,2}\"", blank, inner.clone())
            .prop_map(|(before, name, after, value)| format!("{before}{name}{after}:{value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..4)
                .prop_map(|values| format!("[{}]", values.join(", "))),
            prop::collection::vec(member, 0..6)
                .prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_ways_agree_on_json(member in json_text(), name in "[a-z]{0,9}") {
        both_ways_agree(format!("{{\"{name}\":{member}}}").as_bytes())?;
        both_ways_agree(member.as_bytes())?;
    }

    /// Some bytes put in, taken out, or changed.
    #[test]
    fn both_ways_agree_on_what_is_nearly_json(
        member in json_text(),
        edits in prop::collection::vec(
            (any::<prop::sample::Index>(), 0..3, prop_oneof![any::<u8>(), prop::sample::select(b"[]{}:,\"\\0123.eE+- u".to_vec())]),
            1..4,
        ),
    ) {
        let mut bytes = format!("{{\"a\":{member},\"b\":1}}").into_bytes();
        for (index, kind, byte) in edits {
            let at = index.index(bytes.len() + 1);
            match kind {
                0 => bytes.insert(at, byte),
                _ if at == bytes.len() => {}
                1 => bytes[at] = byte,
                _ => drop(bytes.remove(at)),
            }
        }
        both_ways_agree(&bytes)?;
    }
}
