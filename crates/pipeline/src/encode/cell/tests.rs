//! What fields become for their columns.

use super::*;
use crate::encode::meaning::{BITS, JSON, VARIABLE_SCALE_DECIMAL};
use starrocks_kafka_connect::data::{LogicalType, SchemaType, UnnamedTime};

/// The row of one field of this schema for a column of this type.
fn check(schema: Schema, column_type: &str, value: Value<'_>, expect: &str) {
    let place = Place {
        field: "f",
        schema: &schema,
    };
    let mut out = Vec::new();
    let cell = cell(&schema, &ColumnKind::of(column_type));
    let written = cell.write(&mut out, place, &value, &RowStyle::default());
    let shown = match written {
        Ok(()) => String::from_utf8(out).expect("a text"),
        Err(error) => error.message,
    };
    assert_eq!(shown, expect, "{:?} {column_type}", schema.name());
}

fn named(kind: SchemaType, name: &str) -> Schema {
    Schema::new(kind).optional().named(name)
}

#[test]
fn dates_and_times_are_texts_for_their_columns_and_numbers_for_others() {
    let date = || Schema::of_logical_type(LogicalType::Date);
    let timestamp = || Schema::of_logical_type(LogicalType::Timestamp);
    let at = 1_700_000_000_123;
    check(date(), "DATE", Value::Date(19_723), "\"2024-01-01\"");
    check(
        date(),
        "DATETIME",
        Value::Date(19_723),
        "\"2024-01-01 00:00:00\"",
    );
    check(date(), "INT", Value::Date(19_723), "19723");
    check(date(), "VARCHAR", Value::Date(19_723), "\"2024-01-01\"");
    check(
        timestamp(),
        "VARCHAR",
        Value::Timestamp(at),
        "\"2023-11-14 22:13:20.123000\"",
    );
    check(
        timestamp(),
        "DATETIME",
        Value::Timestamp(at),
        "\"2023-11-14 22:13:20.123000\"",
    );
    check(timestamp(), "DATE", Value::Timestamp(at), "\"2023-11-14\"");
    check(timestamp(), "BIGINT", Value::Timestamp(at), "1700000000123");
    let debezium = |name: &str, kind| named(kind, &format!("io.debezium.time.{name}"));
    let int64 = || SchemaType::Int64;
    check(
        debezium("Date", SchemaType::Int32),
        "DATE",
        Value::Int32(0),
        "\"1970-01-01\"",
    );
    check(
        debezium("Timestamp", int64()),
        "DATETIME",
        Value::Int64(at),
        "\"2023-11-14 22:13:20.123000\"",
    );
    check(
        debezium("MicroTimestamp", int64()),
        "DATETIME",
        Value::Int64(at * 1_000 + 456),
        "\"2023-11-14 22:13:20.123456\"",
    );
    check(
        debezium("NanoTimestamp", int64()),
        "DATETIME",
        Value::Int64(at * 1_000_000 + 456_789),
        "\"2023-11-14 22:13:20.123456\"",
    );
    check(
        debezium("ZonedTimestamp", SchemaType::String),
        "DATETIME",
        Value::String("2018-06-20T13:37:03+02:00".into()),
        "\"2018-06-20 11:37:03\"",
    );
    check(
        debezium("MicroTime", int64()),
        "DATETIME",
        Value::Int64(5),
        "5",
    );
    check(
        debezium("MicroTimestamp", int64()),
        "DATETIME",
        Value::Int64(9_223_372_036_825_200_000),
        "field f is of the year 294247; StarRocks has those from 0 to 9999",
    );
    check(
        debezium("ZonedTimestamp", SchemaType::String),
        "DATE",
        Value::String("infinity".into()),
        "field f has the value 'infinity', which is no io.debezium.time.ZonedTimestamp",
    );
}

#[test]
fn debeziums_other_types_are_what_their_columns_take() {
    let field = |name: &str, kind| Field {
        name: name.into(),
        schema: Schema::of(kind),
    };
    let fields = vec![
        field("scale", SchemaType::Int32),
        field("value", SchemaType::Bytes),
    ];
    let decimal = Schema::structure(fields)
        .expect("two names")
        .named(VARIABLE_SCALE_DECIMAL);
    let value = || {
        let values = vec![Value::Int32(2), Value::Bytes(vec![0x30, 0x39].into())];
        Value::Struct(Struct::new(Arc::new(decimal.clone()), values))
    };
    check(decimal.clone(), "DECIMAL128", value(), "123.45");
    check(
        decimal.clone(),
        "JSON",
        value(),
        r#"{"scale":2,"value":"MDk="}"#,
    );
    let json = || named(SchemaType::String, JSON);
    check(
        json(),
        "JSON",
        Value::String(r#"{"a": 1}"#.into()),
        r#"{"a": 1}"#,
    );
    check(json(), "JSON", Value::String("{".into()), r#""{""#);
    check(json(), "VARCHAR", Value::String("{}".into()), r#""{}""#);
    let bits = || named(SchemaType::Bytes, BITS);
    check(
        bits(),
        "BIGINT",
        Value::Bytes(vec![0x01, 0x02, 0].into()),
        "513",
    );
    check(bits(), "INT", Value::Bytes(Vec::new().into()), "0");
    check(
        bits(),
        "BIGINT",
        Value::Bytes(vec![1; 9].into()),
        "\"AQEBAQEBAQEB\"",
    );
    check(
        bits(),
        "VARBINARY",
        Value::Bytes(vec![1].into()),
        "\"AQ==\"",
    );
}

#[test]
fn columns_are_asked_for_only_where_they_matter() {
    let fields = |schema: Schema| {
        let field = Field {
            name: "f".into(),
            schema: Arc::new(schema),
        };
        Schema::structure(vec![field]).expect("one name")
    };
    let plain = fields(Schema::new(SchemaType::Int64));
    let date = fields(Schema::of_logical_type(LogicalType::Date));
    assert!(!wants_columns(&plain));
    assert!(wants_columns(&date));
    let column = |name: &str, kind| ColumnKinds::from([(name.to_owned(), kind)]);
    assert_eq!(cells(&date, &column("f", ColumnKind::Number)), None);
    assert_eq!(cells(&date, &column("g", ColumnKind::Date)), None);
    assert!(cells(&date, &column("f", ColumnKind::Date)).is_some());
}

#[test]
fn moments_are_told_by_the_clocks_of_the_zone_and_local_times_stay() {
    let zone = jiff::tz::TimeZone::get("Europe/Berlin").expect("a zone");
    let style = RowStyle {
        time_zone: zone,
        ..RowStyle::default()
    };
    let check = |schema: Schema, value: Value<'_>, expect: &str| {
        let place = Place {
            field: "f",
            schema: &schema,
        };
        let mut out = Vec::new();
        let written = cell(&schema, &ColumnKind::DateTime).write(&mut out, place, &value, &style);
        assert_eq!(written, Ok(()));
        assert_eq!(String::from_utf8_lossy(&out), expect, "{value:?}");
    };
    let (winter, summer) = (1_700_000_000_000, 1_690_000_000_000);
    let timestamp = || Schema::of_logical_type(LogicalType::Timestamp);
    check(
        timestamp(),
        Value::Timestamp(winter),
        "\"2023-11-14 23:13:20\"",
    );
    check(
        timestamp(),
        Value::Timestamp(summer),
        "\"2023-07-22 06:26:40\"",
    );
    let debezium = |name: &str, kind| named(kind, &format!("io.debezium.time.{name}"));
    check(
        debezium("ZonedTimestamp", SchemaType::String),
        Value::String("2023-11-14T22:13:20Z".into()),
        "\"2023-11-14 23:13:20\"",
    );
    check(
        debezium("Timestamp", SchemaType::Int64),
        Value::Int64(winter),
        "\"2023-11-14 22:13:20\"",
    );
    check(
        debezium("Date", SchemaType::Int32),
        Value::Int32(0),
        "\"1970-01-01 00:00:00\"",
    );
}

#[test]
fn times_of_day_are_texts_for_texts_and_numbers_for_others() {
    let debezium = |name: &str, kind| named(kind, &format!("io.debezium.time.{name}"));
    let micro = || debezium("MicroTime", SchemaType::Int64);
    let kafka = Schema::of_logical_type(LogicalType::Time);
    check(
        kafka,
        "VARCHAR",
        Value::Time(36_930_120),
        "\"10:15:30.120000\"",
    );
    check(
        micro(),
        "VARCHAR",
        Value::Int64(36_930_000_000),
        "\"10:15:30\"",
    );
    check(
        micro(),
        "VARCHAR",
        Value::Int64(-3_020_399_000_000),
        "\"-838:59:59\"",
    );
    check(
        micro(),
        "BIGINT",
        Value::Int64(36_930_000_000),
        "36930000000",
    );
    check(
        debezium("NanoTime", SchemaType::Int64),
        "CHAR",
        Value::Int64(1_999),
        "\"00:00:00.000001\"",
    );
    check(
        debezium("Time", SchemaType::Int32),
        "VARCHAR",
        Value::Int32(0),
        "\"00:00:00\"",
    );
}

#[test]
fn maps_whose_keys_are_no_texts_are_objects_for_maps() {
    let of = |kind| Some(Arc::new(Schema::new(kind)));
    let map = || {
        Schema::new(SchemaType::Map(
            of(SchemaType::Int32),
            of(SchemaType::String),
        ))
    };
    let value = || {
        Value::Map(vec![
            (Value::Int32(1), Value::String("a".into())),
            (Value::Int32(-2), Value::String("\"".into())),
        ])
    };
    check(map(), "INVALID_TYPE", value(), r#"{"1":"a","-2":"\""}"#);
    check(map(), "VARCHAR", value(), r#"[[1,"a"],[-2,"\""]]"#);
}

#[test]
fn avros_times_that_connect_takes_for_numbers_are_times() {
    let long = |time| Schema::new(SchemaType::Int64).of_unnamed_time(time);
    let micros = 1_700_000_000_123_456;
    let instant = long(UnnamedTime::Instant(1_000_000));
    check(
        instant.clone(),
        "DATETIME",
        Value::Int64(micros),
        "\"2023-11-14 22:13:20.123456\"",
    );
    check(instant, "BIGINT", Value::Int64(micros), "1700000000123456");
    check(
        long(UnnamedTime::Local(1_000)),
        "DATE",
        Value::Int64(micros / 1_000),
        "\"2023-11-14\"",
    );
    check(
        long(UnnamedTime::SinceMidnight(1_000_000)),
        "VARCHAR",
        Value::Int64(1),
        "\"00:00:00.000001\"",
    );
}

#[test]
fn parts_of_columns_are_written_for_their_types() {
    let of = |schema: Schema| Some(Arc::new(schema));
    let date = || Schema::of_logical_type(LogicalType::Date).optional();
    let dates = || Schema::new(SchemaType::Array(of(date())));
    let two = || Value::Array(vec![Value::Date(19_723), Value::Null]);
    check(dates(), "array<date>", two(), r#"["2024-01-01",null]"#);
    check(
        dates(),
        "ARRAY<DATETIME>",
        two(),
        r#"["2024-01-01 00:00:00",null]"#,
    );
    check(dates(), "array<int(11)>", two(), "[19723,null]");
    check(dates(), "INVALID_TYPE", two(), "[19723,null]");
    check(dates(), "json", two(), "[19723,null]");
    let mut or_epoch = date();
    or_epoch.default = Some(Value::Date(0));
    check(
        Schema::new(SchemaType::Array(of(or_epoch))),
        "array<date>",
        two(),
        r#"["2024-01-01","1970-01-01"]"#,
    );
    check(
        Schema::new(SchemaType::Array(of(dates()))),
        "array<array<date>>",
        Value::Array(vec![two(), Value::Array(Vec::new())]),
        r#"[["2024-01-01",null],[]]"#,
    );
    let map = Schema::new(SchemaType::Map(
        of(Schema::new(SchemaType::Int32)),
        of(date()),
    ));
    let entries = || Value::Map(vec![(Value::Int32(1), Value::Date(0))]);
    check(
        map.clone(),
        "map<int(11),date>",
        entries(),
        r#"{"1":"1970-01-01"}"#,
    );
    check(map.clone(), "map<int(11),int(11)>", entries(), r#"{"1":0}"#);
    check(map, "varchar(10)", entries(), "[[1,0]]");
    let by_day = Schema::new(SchemaType::Map(
        of(date()),
        of(Schema::new(SchemaType::Int32)),
    ));
    check(
        by_day,
        "map<date,int(11)>",
        Value::Map(vec![(Value::Date(0), Value::Int32(1))]),
        r#"{"1970-01-01":1}"#,
    );
    let field = |name: &str, schema| Field {
        name: name.into(),
        schema: Arc::new(schema),
    };
    let fields = vec![
        field("Day", date()),
        field("days", dates()),
        field("n", date()),
    ];
    let structure = Schema::structure(fields).expect("names of their own");
    let values = vec![Value::Date(1), two(), Value::Date(2)];
    let value = || Value::Struct(Struct::new(Arc::new(structure.clone()), values.clone()));
    check(
        structure.clone(),
        "struct<day date, days array<date>, n int(11)>",
        value(),
        r#"{"Day":"1970-01-02","days":["2024-01-01",null],"n":2}"#,
    );
    check(
        structure.clone(),
        "struct<other date>",
        value(),
        r#"{"Day":1,"days":[19723,null],"n":2}"#,
    );
    check(
        Schema::new(SchemaType::Array(of(Schema::of_logical_type(
            LogicalType::Date,
        )))),
        "array<date>",
        Value::Array(vec![Value::Null]),
        "Conversion error: null value where one is required that has no default",
    );
    check(
        dates(),
        "array<date>",
        Value::Array(vec![Value::Date(2_932_897)]),
        "field f is of the year 10000; StarRocks has those from 0 to 9999",
    );
}
