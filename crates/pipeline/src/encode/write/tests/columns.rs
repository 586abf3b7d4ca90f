//! Rows for the columns that StarRocks tells.

use super::super::super::{CsvFormat, RowFormat, RowFormats};
use super::*;

#[test]
fn deletions_fill_what_takes_no_null() {
    let told = |name: &str, column_type: &str, is_nullable, is_key| Column {
        is_nullable: Some(is_nullable),
        is_key: Some(is_key),
        ..Column::new(name, column_type)
    };
    let mut settings = debezium();
    settings.tombstones = Tombstones::Delete;
    let mut rig = Rig::new(cdc(settings), false);
    rig.columns = vec![
        told("id", "BIGINT", false, true),
        told("name", "VARCHAR", false, false),
        told("day", "DATE", false, false),
        told("note", "VARCHAR", true, false),
        told("tags", "array<int(11)>", false, false),
        // Of which no more is known.
        Column::new("more", "INT"),
    ];
    let mut check = |key: Option<&str>, value: Option<&str>, expect: &str| {
        assert_eq!(rig.rows(key, value), expect, "{value:?}");
    };
    check(
        None,
        Some(r#"{"before":{"id":1,"name":null,"note":null},"after":null,"op":"d"}"#),
        r#"{"__op":1,"name":"","day":"1970-01-01","tags":[],"id":1,"name":null,"note":null}"#,
    );
    check(
        None,
        Some(
            r#"{"before":{"id":1,"name":"a","day":"2024-01-01","tags":[1]},"after":null,"op":"d"}"#,
        ),
        r#"{"__op":1,"id":1,"name":"a","day":"2024-01-01","tags":[1]}"#,
    );
    check(
        Some(r#"{"id":2}"#),
        None,
        r#"{"__op":1,"name":"","day":"1970-01-01","tags":[],"id":2}"#,
    );
    // A row that is to be there is not made up.
    check(
        None,
        Some(r#"{"before":null,"after":{"id":1,"name":null},"op":"c"}"#),
        r#"{"__op":0,"id":1,"name":null}"#,
    );
}

#[test]
fn fields_in_csv_are_written_for_their_columns() {
    let csv = |columns: Option<&str>| RowSettings {
        formats: RowFormats {
            default: RowFormat::Csv(CsvFormat {
                column_separator: b",".to_vec(),
                row_delimiter: b"\n".to_vec(),
                quotes: Vec::new(),
                columns: columns.map(|names| names.split(',').map(str::to_owned).collect()),
            }),
            ..RowFormats::default()
        },
        ..RowSettings::default()
    };
    let value = r#"{"schema":{"type":"struct","fields":[
        {"type":"int32","name":"io.debezium.time.Date","optional":true,"field":"day"},
        {"type":"int64","name":"org.apache.kafka.connect.data.Timestamp","optional":true,"field":"at"},
        {"type":"string","name":"io.debezium.data.Json","optional":true,"field":"doc"},
        {"type":"array","items":{"type":"int32","name":"io.debezium.time.Date"},"field":"days"},
        {"type":"int32","field":"n"}]},
        "payload":{"day":19723,"at":1700000000123,"doc":"\"a\"","days":[0],"n":1}}"#;
    let check = |columns: Option<&str>, expect: &str| {
        let mut rig = Rig::new(csv(columns), true)
            .column("n", "INT")
            .column("at", "DATETIME")
            .column("day", "DATE")
            .column("doc", "JSON")
            .column("days", "array<date>");
        assert_eq!(rig.rows(None, Some(value)), expect);
    };
    check(
        None,
        r#"1,2023-11-14 22:13:20.123000,2024-01-01,"a",["1970-01-01"]"#,
    );
    // What the fields are for, the load's expressions may say: they are as in Java.
    check(Some("day,at,n"), "19723,1700000000123,1");
}
