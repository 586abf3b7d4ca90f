//! Rows of change events, and of records whose rows have columns of metadata.

mod columns;
mod laws;

use starrocks_kafka_connect::converter::ConverterConfig;
use starrocks_kafka_connect::transform::TransformChain;
use starrocks_kafka_starrocks::{Column, TableDescription, TableModel};

use super::super::{
    BinaryFormat, CdcSettings, EncoderSettings, LoadColumns, MetadataColumns, NullDefault,
    RowSettings, RowStyle, SchemaEvolution, Tombstones, Truncate, Unavailable,
};
use super::*;
use crate::kafka::NoHeaders;
use crate::routing::TopicMap;

#[derive(Default)]
struct Collected(Vec<String>);

impl Rows for Collected {
    fn append<E>(
        &mut self,
        _: TableId,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut row = Vec::new();
        write(&mut row)?;
        self.0.push(String::from_utf8(row).expect("a text"));
        Ok(())
    }
}

fn debezium() -> CdcSettings {
    CdcSettings {
        tombstones: Tombstones::Skip,
        truncate: Truncate::Fail,
        unavailable: Unavailable::Partial,
        placeholder: "__debezium_unavailable_value".to_owned(),
        without_primary_key: WithoutPrimaryKey::Fail,
    }
}

fn cdc(settings: CdcSettings) -> RowSettings {
    RowSettings {
        cdc: Some(settings),
        ..RowSettings::default()
    }
}

/// An encoder of JSON, keys and values, for a table `t` with these columns.
struct Rig {
    encoder: Encoder,
    model: Option<TableModel>,
    columns: Vec<Column>,
}

impl Rig {
    fn new(rows: RowSettings, has_schemas: bool) -> Self {
        Self::with_transforms(rows, has_schemas, TransformChain::default())
    }

    fn with_transforms(rows: RowSettings, has_schemas: bool, transforms: TransformChain) -> Self {
        let json = |property: &str| ConverterConfig {
            property: property.to_owned(),
            class: "JsonConverter".to_owned(),
            settings: [
                ("schemas.enable".to_owned(), has_schemas.to_string()),
                ("replace.null.with.default".to_owned(), "false".to_owned()),
            ]
            .into(),
        };
        let mut header = json("header.converter");
        header.class = "SimpleHeaderConverter".to_owned();
        header.settings.clear();
        let settings = EncoderSettings {
            key: json("key.converter"),
            value: json("value.converter"),
            header,
            transforms,
            topics: TopicMap::default(),
            rows,
        };
        Self {
            encoder: Encoder::new(&settings).expect("valid settings"),
            model: Some(TableModel::PrimaryKey),
            columns: Vec::new(),
        }
    }

    fn column(mut self, name: &str, primitive_type: &str) -> Self {
        self.columns.push(Column::new(name, primitive_type));
        self
    }

    /// The rows of a record, a line each; what it is instead, or why it fails.
    fn rows(&mut self, key: Option<&str>, value: Option<&str>) -> String {
        let record = RawRecord {
            topic: "t",
            partition: 3,
            offset: 42,
            timestamp_ms: Some(1_700_000_000_123),
            key: key.map(str::as_bytes),
            value: value.map(str::as_bytes),
            headers: &NoHeaders,
        };
        loop {
            let mut rows = Collected::default();
            match self.encoder.encode(&record, &mut rows) {
                Ok(Encoded::NeedsColumns(table)) => {
                    let description = TableDescription {
                        model: self.model,
                        columns: self.columns.clone(),
                    };
                    self.encoder.set_columns(table, Ok(description));
                }
                Ok(Encoded::Row(_)) => return rows.0.join("\n"),
                Ok(other) => {
                    assert_eq!(rows.0, Vec::<String>::new(), "nothing is written");
                    return format!("{other:?}");
                }
                Err(error) => {
                    assert_eq!(rows.0, Vec::<String>::new(), "nothing is written");
                    return error.message;
                }
            }
        }
    }
}

#[test]
fn each_event_without_a_schema_is_what_it_does_to_its_row() {
    let mut rig = Rig::new(cdc(debezium()), false);
    let mut check = |key: Option<&str>, value: Option<&str>, expect: &str| {
        let rows = rig.rows(key, value);
        let is_expected = match expect.strip_suffix('…') {
            Some(beginning) => rows.starts_with(beginning),
            None => rows == expect,
        };
        assert!(is_expected, "{value:?}: {rows}");
    };
    let key = Some(r#"{"id":1}"#);
    for op in ["c", "r", "u"] {
        let value = format!(r#"{{"before":null,"after":{{"id":1}},"op":"{op}"}}"#);
        check(key, Some(&value), r#"{"__op":0,"id":1}"#);
    }
    let delete = r#"{"before":{"id":1},"after":null,"op":"d"}"#;
    check(key, Some(delete), r#"{"__op":1,"id":1}"#);
    let without_before = r#"{"before":null,"after":null,"op":"d"}"#;
    check(key, Some(without_before), r#"{"__op":1,"id":1}"#);
    check(
        None,
        Some(without_before),
        "a deletion without its old row needs a key with the columns of the primary key, and the key is null; set key.converter to the \
         converter that the keys were written with",
    );
    check(key, None, "Skipped");
    // The key is changed: the old row goes, the new one comes.
    let moved = r#"{"before":{"id":1},"after":{"id":2},"op":"u"}"#;
    check(
        Some(r#"{"id":2}"#),
        Some(moved),
        "{\"__op\":1,\"id\":1}\n{\"__op\":0,\"id\":2}",
    );
    let same = r#"{"before":{"id":1,"n":"a"},"after":{"id":1},"op":"u"}"#;
    check(key, Some(same), r#"{"__op":0,"id":1}"#);
    check(
        None,
        Some(r#"{"before":null,"after":null,"op":"t"}"#),
        "the source table was emptied (op t)…",
    );
    for bookkeeping in [
        r#"{"op":"m","message":{}}"#,
        r#"{"ts_ms":1}"#,
        r#"{"status":"BEGIN","id":"1","event_count":null,"data_collections":null,"ts_ms":1}"#,
        r#"{"source":{},"ts_ms":1,"databaseName":"d","schemaName":null,"ddl":"x","tableChanges":[]}"#,
    ] {
        check(None, Some(bookkeeping), "Skipped");
    }
    check(
        None,
        Some(r#"{"id":1}"#),
        "the value is no change event of Debezium…",
    );
    check(
        None,
        Some(r#"{"after":{"id":1},"op":"x"}"#),
        "the change event has the unknown op 'x'…",
    );
    check(
        None,
        Some(r#"{"after":null,"op":"c"}"#),
        "the change event of op c has no new row (after)",
    );
    check(
        None,
        Some(r#"{"after":1,"op":"c"}"#),
        "after of the change event is a java.lang.Long, no row",
    );
}

#[test]
fn tombstones_and_truncations_are_what_they_are_set_to() {
    let mut rig = Rig::new(
        cdc(CdcSettings {
            tombstones: Tombstones::Delete,
            truncate: Truncate::Skip,
            ..debezium()
        }),
        false,
    );
    assert_eq!(rig.rows(Some(r#"{"id":1}"#), None), r#"{"__op":1,"id":1}"#);
    assert_eq!(rig.rows(None, None), "Skipped");
    assert_eq!(rig.rows(None, Some(r#"{"op":"t"}"#)), "Skipped");
}

#[test]
fn tables_without_a_primary_key_are_refused_or_given_no_deletions() {
    let check = |policy, value: &str, expect: &str| {
        let settings = CdcSettings {
            without_primary_key: policy,
            ..debezium()
        };
        let mut rig = Rig::new(cdc(settings), false);
        rig.model = Some(TableModel::DuplicateKey);
        let rows = rig.rows(Some(r#"{"id":2}"#), Some(value));
        assert!(rows.starts_with(expect), "{value}: {rows}");
    };
    let create = r#"{"after":{"id":1},"op":"c"}"#;
    let delete = r#"{"before":{"id":1},"op":"d"}"#;
    let moved = r#"{"before":{"id":1},"after":{"id":2},"op":"u"}"#;
    let refused = "the table is no Primary Key table";
    check(WithoutPrimaryKey::Fail, create, refused);
    check(WithoutPrimaryKey::Fail, delete, refused);
    check(WithoutPrimaryKey::DropDeletes, create, r#"{"id":1}"#);
    check(WithoutPrimaryKey::DropDeletes, delete, "Skipped");
    check(WithoutPrimaryKey::DropDeletes, moved, r#"{"id":2}"#);
}

#[test]
fn a_value_that_is_not_told_stays_as_it_is() {
    let part = |rig: &Rig| match rig.encoder.load_columns(TableId(0)) {
        LoadColumns::Part(columns) => columns.join(","),
        other => format!("{other:?}"),
    };
    let mut rig = Rig::new(cdc(debezium()), false)
        .column("id", "INT")
        .column("text", "VARCHAR");
    let update =
        r#"{"before":null,"after":{"id":1,"text":"__debezium_unavailable_value"},"op":"u"}"#;
    let create = r#"{"before":null,"after":{"id":1},"op":"c"}"#;
    assert_eq!(rig.rows(None, Some(update)), r#"{"id":1}"#);
    assert_eq!(part(&rig), "id");
    // All rows of a load have the same columns.
    assert_eq!(rig.rows(None, Some(update)), r#"{"id":1}"#);
    assert_eq!(rig.rows(None, Some(create)), "NeedsRound(TableId(0))");
    rig.encoder.begin_round();
    assert_eq!(part(&rig), "AsConfigured");
    assert_eq!(rig.rows(None, Some(create)), r#"{"__op":0,"id":1}"#);
    assert_eq!(rig.rows(None, Some(update)), "NeedsRound(TableId(0))");
    assert_eq!(part(&rig), "AsConfigured");
    let settings = CdcSettings {
        unavailable: Unavailable::Fail,
        ..debezium()
    };
    let reason = Rig::new(cdc(settings), false).rows(None, Some(update));
    assert!(
        reason.starts_with("the change event does not tell the value of column text"),
        "{reason}"
    );
}

#[test]
fn placeholders_are_known_in_each_type() {
    let check = |value: &str, is_left_out: bool| {
        let mut rig = Rig::new(cdc(debezium()), false);
        let event = format!(r#"{{"after":{{"id":1,"v":{value}}},"op":"u"}}"#);
        let rows = rig.rows(None, Some(&event));
        assert_eq!(rows == r#"{"id":1}"#, is_left_out, "{value}: {rows}");
    };
    let bytes = "__debezium_unavailable_value".bytes();
    let bytes = bytes.map(|byte| byte.to_string()).collect::<Vec<_>>();
    for value in [
        r#""__debezium_unavailable_value""#,
        r#""X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==""#,
        r#"["__debezium_unavailable_value"]"#,
        r#"["b68a35a7-17ad-35b3-af2a-ae46edb4545a"]"#,
        r#"{"__debezium_unavailable_value":"__debezium_unavailable_value"}"#,
        r#""{\"__debezium_unavailable_value\":\"__debezium_unavailable_value\"}""#,
        &format!("[{}]", bytes.join(",")),
    ] {
        check(value, true);
    }
    for value in [
        r#""debezium_unavailable_value""#,
        r#""see __debezium_unavailable_value""#,
        r#"["__debezium_unavailable_value","x"]"#,
        r#"{"__debezium_unavailable_value":"x"}"#,
        r#"{"x":"__debezium_unavailable_value"}"#,
        "[1,2]",
        "null",
    ] {
        check(value, false);
    }
}

/// An event with its schema, of a row with these fields and values.
fn with_schema(op: &str, fields: &str, row: &str) -> String {
    let image = |name: &str| {
        format!(
            r#"{{"type":"struct","optional":true,"name":"s.t.Value","field":"{name}","fields":[{fields}]}}"#
        )
    };
    let (before, after) = match op {
        "d" => (row, "null"),
        _ => ("null", row),
    };
    let (of_before, of_after) = (image("before"), image("after"));
    let of_op = r#"{"type":"string","optional":false,"field":"op"}"#;
    format!(
        r#"{{"schema":{{"type":"struct","optional":false,"name":"any.name","fields":[{of_before},{of_after},{of_op}]}},
            "payload":{{"before":{before},"after":{after},"op":"{op}"}}}}"#
    )
}

#[test]
fn events_with_a_schema_are_rows_for_their_columns() {
    let fields = r#"{"type":"int32","optional":false,"field":"id"},
        {"type":"int32","optional":true,"name":"io.debezium.time.Date","field":"day"},
        {"type":"string","optional":true,"default":"none","field":"note"},
        {"type":"array","items":{"type":"int32","optional":true,"default":7},"field":"l"},
        {"type":"bytes","optional":true,"field":"raw"}"#;
    let row = r#"{"id":1,"day":19723,"note":null,"l":[0,null],"raw":"/wA="}"#;
    let check = |style: RowStyle, op: &str, expect: &str| {
        let rows = RowSettings {
            style,
            ..cdc(debezium())
        };
        let mut rig = Rig::new(rows, true)
            .column("id", "INT")
            .column("day", "DATE");
        assert_eq!(rig.rows(None, Some(&with_schema(op, fields, row))), expect);
    };
    let keep = RowStyle {
        null_default: NullDefault::Keep,
        ..RowStyle::default()
    };
    let of_bytes = |binary| RowStyle {
        binary,
        ..keep.clone()
    };
    check(
        RowStyle::default(),
        "c",
        r#"{"__op":0,"id":1,"day":"2024-01-01","note":"none","l":[0,7],"raw":"/wA="}"#,
    );
    check(
        keep.clone(),
        "d",
        r#"{"__op":1,"id":1,"day":"2024-01-01","note":null,"l":[0,null],"raw":"/wA="}"#,
    );
    check(
        of_bytes(BinaryFormat::Hex),
        "c",
        r#"{"__op":0,"id":1,"day":"2024-01-01","note":null,"l":[0,null],"raw":"FF00"}"#,
    );
    check(
        of_bytes(BinaryFormat::Utf8),
        "c",
        "bytes are no text (invalid utf-8 sequence of 1 bytes from index 0), which starrocks.binary.format=utf8 takes them for",
    );
}

#[test]
fn rows_have_the_columns_of_metadata_before_their_own() {
    let settings = |text: &str| RowSettings {
        metadata: MetadataColumns::parse(text).expect("valid"),
        ..RowSettings::default()
    };
    let check = |text: &str, value: &str, expect: &str| {
        let mut rig = Rig::new(settings(text), false)
            .column("at", "DATETIME")
            .column("ms", "BIGINT");
        assert_eq!(rig.rows(None, Some(value)), expect, "{text} {value}");
    };
    let all = "topic:t,partition:p,offset:o";
    check(all, r#" {"a": 1} "#, r#"{"t":"t","p":3,"o":42,"a": 1}"#);
    // A name that occurs twice takes the general way.
    check(all, r#"{"a":0,"a":1}"#, r#"{"t":"t","p":3,"o":42,"a":1}"#);
    check(all, "{ }", r#"{"t":"t","p":3,"o":42 }"#);
    check(
        "timestamp:at",
        "{}",
        r#"{"at":"2023-11-14 22:13:20.123000"}"#,
    );
    check("timestamp:ms", "{}", r#"{"ms":1700000000123}"#);
    check("headers:h,header.x:x", "{}", r#"{"h":{},"x":null}"#);
    check(
        all,
        "[1]",
        "the value is no struct or map: starrocks.metadata.columns have no place in its row",
    );
    let both = RowSettings {
        cdc: Some(debezium()),
        ..settings("offset:o")
    };
    let mut rig = Rig::new(both, false);
    let rows = rig.rows(None, Some(r#"{"after":{"id":1},"op":"c"}"#));
    assert_eq!(rows, r#"{"o":42,"__op":0,"id":1}"#);
}

#[test]
fn an_event_that_passes_the_recipe_whole_is_told_once() {
    let given = [
        (
            "transforms.unwrap.type",
            "io.debezium.transforms.ExtractNewRecordState",
        ),
        ("transforms", "unwrap"),
    ];
    let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let transforms = TransformChain::new(&["unwrap".to_owned()], &[], &given.into());
    let transforms = transforms.expect("a chain");
    let mut rig = Rig::with_transforms(RowSettings::default(), false, transforms);
    let event = r#"{"before":null,"after":{"id":1},"op":"c"}"#;
    assert!(rig.rows(None, Some(r#"{"op":"c"}"#)).contains("op"));
    assert!(rig.encoder.take_observations().is_empty());
    assert!(rig.rows(None, Some(event)).contains(r#""after":{"id":1}"#));
    let told = rig.encoder.take_observations();
    assert!(
        told.len() == 1 && told[0].contains("set starrocks.cdc.format=debezium"),
        "{told:?}"
    );
    rig.rows(None, Some(event));
    assert!(rig.encoder.take_observations().is_empty());
}
