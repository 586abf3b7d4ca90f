//! Rows for the columns that StarRocks tells.

use super::super::super::{CsvFormat, RowFormat, RowFormats};
use super::*;

fn told(name: &str, column_type: &str, is_nullable: bool, is_key: bool) -> Column {
    Column {
        is_nullable: Some(is_nullable),
        is_key: Some(is_key),
        ..Column::new(name, column_type)
    }
}

/// A table that is partitioned has the column of its partitions in its key.
#[test]
fn a_row_moves_where_the_key_of_its_table_changes() {
    let mut rig = Rig::new(cdc(debezium()), false);
    rig.columns = vec![
        told("id", "BIGINT", false, true),
        told("day", "DATE", false, true),
        told("n", "INT", true, false),
    ];
    let mut check = |old: &str, new: &str, expect: &str| {
        let event = format!(r#"{{"before":{old},"after":{new},"op":"u"}}"#);
        assert_eq!(rig.rows(Some(r#"{"id":1}"#), Some(&event)), expect);
    };
    let (old, same, other) = (
        r#"{"id":1,"day":"2024-01-01","n":1}"#,
        r#"{"id":1,"day":"2024-01-01","n":2}"#,
        r#"{"id":1,"day":"2024-01-02","n":2}"#,
    );
    check(old, same, r#"{"__op":0,"id":1,"day":"2024-01-01","n":2}"#);
    check(
        old,
        other,
        "{\"__op\":1,\"id\":1,\"day\":\"2024-01-01\",\"n\":1}\n\
         {\"__op\":0,\"id\":1,\"day\":\"2024-01-02\",\"n\":2}",
    );
    check(
        "null",
        other,
        r#"{"__op":0,"id":1,"day":"2024-01-02","n":2}"#,
    );
}

#[test]
fn deletions_fill_what_takes_no_null() {
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

/// A record with a schema whose fields are numbers, each 1.
fn numbers(names: &[&str]) -> String {
    let fields = names
        .iter()
        .map(|name| format!(r#"{{"type":"int32","optional":true,"field":"{name}"}}"#));
    let fields = fields.collect::<Vec<_>>().join(",");
    let values = names.iter().map(|name| format!(r#""{name}":1"#));
    let values = values.collect::<Vec<_>>().join(",");
    format!(
        r#"{{"schema":{{"type":"struct","optional":false,"fields":[{fields}]}},"payload":{{{values}}}}}"#
    )
}

#[test]
fn fields_without_a_column_are_told_once_or_fail() {
    let mut rig = Rig::new(RowSettings::default(), true)
        .column("id", "INT")
        .column("Name", "INT");
    let check = |rig: &mut Rig, names: &[&str], expect: &[&str]| {
        rig.rows(None, Some(&numbers(names)));
        assert_eq!(rig.encoder.take_observations(), expect, "{names:?}");
    };
    check(&mut rig, &["id", "__op", "__deleted"], &[]);
    let told = "table t has no column for x, name (its column is Name: upper and lower case are different), so that StarRocks \
                leaves it out; starrocks.schema.evolution=fail stops at such records, and add-columns adds the column";
    check(&mut rig, &["id", "x", "name"], &[told]);
    rig.encoder.begin_round();
    check(&mut rig, &["id", "x", "name"], &[]);
    check(
        &mut rig,
        &["id", "x", "y"],
        &[
            "table t has no column for y, so that StarRocks leaves it out; starrocks.schema.evolution=fail stops at such records, and add-columns adds the column",
        ],
    );
    let fails = || RowSettings {
        evolution: SchemaEvolution::Fail,
        ..RowSettings::default()
    };
    let refused = "the table has no column for x (starrocks.schema.evolution=fail); add it with ALTER TABLE … ADD COLUMN";
    let mut rig = Rig::new(fails(), true).column("id", "INT");
    assert_eq!(rig.rows(None, Some(&numbers(&["id", "x"]))), refused);
    assert_eq!(rig.rows(None, Some(&numbers(&["id"]))), r#"{"id":1}"#);
    let mut schemaless = Rig::new(fails(), false).column("id", "INT");
    assert_eq!(schemaless.rows(None, Some(r#"{"id":1,"x":2}"#)), refused);
    assert_eq!(schemaless.rows(None, Some(r#"{"id":1}"#)), r#"{"id":1}"#);
}

#[test]
fn columns_are_asked_for_before_the_rows_that_need_them() {
    let rows = || RowSettings {
        evolution: SchemaEvolution::AddColumns,
        ..RowSettings::default()
    };
    let with_x = numbers(&["id", "x"]);
    let needs = r#"NeedsNewColumns(TableId(0), [NewColumn { name: "x", column_type: "INT" }])"#;
    let mut rig = Rig::new(rows(), true).column("id", "INT");
    assert_eq!(rig.rows(None, Some(&numbers(&["id"]))), r#"{"id":1}"#);
    // A round that has rows of the table ends first: StarRocks changes it when its transaction has.
    assert_eq!(rig.rows(None, Some(&with_x)), "NeedsRound(TableId(0))");
    rig.encoder.begin_round();
    assert_eq!(rig.rows(None, Some(&with_x)), needs);
    assert_eq!(rig.rows(None, Some(&with_x)), needs, "until it is told");

    rig = rig.column("x", "INT");
    let description = TableDescription {
        model: None,
        columns: rig.columns.clone(),
    };
    rig.encoder.set_columns(TableId(0), Ok(description));
    assert_eq!(rig.rows(None, Some(&with_x)), r#"{"id":1,"x":1}"#);

    let mut rig = Rig::new(rows(), true).column("id", "INT");
    assert_eq!(rig.rows(None, Some(&with_x)), needs);
    rig.encoder
        .deny_columns(TableId(0), "GRANT ALTER".to_owned());
    assert_eq!(
        rig.rows(None, Some(&with_x)),
        "the table has no column for x, and it cannot be added (starrocks.schema.evolution=add-columns): GRANT ALTER"
    );
    assert_eq!(rig.rows(None, Some(&numbers(&["id"]))), r#"{"id":1}"#);
    rig.encoder.begin_round();
    assert_eq!(rig.rows(None, Some(&with_x)), needs, "a round later");

    let mut schemaless = Rig::new(rows(), false).column("id", "INT");
    assert_eq!(
        schemaless.rows(None, Some(r#"{"id":1,"x":2}"#)),
        "the table has no column for x, and it cannot be added (starrocks.schema.evolution=add-columns): the record has no schema \
         that would say of which type it is; add it yourself"
    );
}

#[test]
fn columns_that_cannot_be_read_are_told_where_they_matter() {
    let check = |evolution, value: &str, expect: bool| {
        let rows = RowSettings {
            evolution,
            ..RowSettings::default()
        };
        let has_schema = value.starts_with(r#"{"schema""#);
        let mut rig = Rig::new(rows, has_schema);
        rig.rows(None, Some(value));
        assert_eq!(
            rig.encoder.lacks_types(TableId(0)),
            expect,
            "{evolution:?} {value}"
        );
    };
    let date = r#"{"schema":{"type":"struct","fields":[
        {"type":"int32","name":"io.debezium.time.Date","field":"day"}]},"payload":{"day":1}}"#;
    let plain = r#"{"id":1}"#;
    check(SchemaEvolution::None, date, true);
    check(SchemaEvolution::None, &numbers(&["id"]), false);
    check(SchemaEvolution::None, plain, false);
    check(SchemaEvolution::Fail, &numbers(&["id"]), true);
    check(SchemaEvolution::AddColumns, plain, true);
}
