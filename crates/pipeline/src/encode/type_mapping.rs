//! The table of `docs/reference/type-mapping.md`: what the writer of rows makes of one value of each type.

use std::fmt::Write as _;
use std::sync::Arc;

use starrocks_kafka_connect::data::{
    Decimal, Field, LogicalType, Schema, SchemaType, Struct, UnnamedTime, Value,
};
use starrocks_kafka_starrocks::Column;

use super::cell;
use super::column_kind;
use super::json_row;
use super::meaning::{BITS, JSON, VARIABLE_SCALE_DECIMAL};
use super::settings::RowStyle;

/// The kinds of columns: how the page calls them, and a primitive type of that kind.
const COLUMNS: &[(&str, &str)] = &[
    ("DATE", "DATE"),
    ("DATETIME", "DATETIME"),
    ("numbers, DECIMAL", "BIGINT"),
    ("CHAR, VARCHAR", "VARCHAR"),
    ("JSON", "JSON"),
    ("ARRAY, MAP, STRUCT", "INVALID_TYPE"),
];

/// A value of one type.
struct Sample {
    /// What the type is called.
    name: String,
    schema: Arc<Schema>,
    value: Value<'static>,
}

impl Sample {
    fn new(name: &str, schema: Schema, value: Value<'static>) -> Self {
        Self {
            name: name.to_owned(),
            schema: Arc::new(schema),
            value,
        }
    }

    /// A type of Debezium's, by the name of its schema.
    fn named(name: &str, kind: SchemaType, value: Value<'static>) -> Self {
        Self::new(&format!("`{name}`"), Schema::new(kind).named(name), value)
    }

    /// What is written for a column of this primitive type; `None` where nothing is known of it.
    fn written(&self, primitive_type: Option<&str>) -> String {
        let field = Field {
            name: "f".into(),
            schema: Arc::clone(&self.schema),
        };
        let structure = Schema::structure(vec![field]).expect("one name");
        let column = primitive_type.map(|primitive_type| Column::new("f", primitive_type));
        let kinds = column_kind::kinds(column.as_slice());
        let cells = cell::cells(&structure, &kinds);
        let row = Struct::new(Arc::new(structure), vec![self.value.clone()]);
        let parts = json_row::Parts {
            cells: cells.as_deref().unwrap_or_default(),
            left_out: &[],
        };
        let mut out = Vec::new();
        let style = RowStyle::default();
        let written = json_row::write_parts(&mut out, None, &Value::Struct(row), parts, &style);
        written.expect("the samples can be written");
        let text = String::from_utf8(out).expect("JSON is text");
        let value = text
            .strip_prefix("{\"f\":")
            .and_then(|rest| rest.strip_suffix('}'));
        value.expect("an object of one member").to_owned()
    }
}

fn plain() -> Vec<Sample> {
    let of = |name: &str, kind, value| Sample::new(name, Schema::new(kind), value);
    let element = |kind| Some(Schema::of(kind));
    let text = |text: &'static str| Value::String(text.into());
    let number = Schema::structure(vec![Field {
        name: "a".into(),
        schema: Schema::of(SchemaType::Int32),
    }])
    .expect("one name");
    let structure = Struct::new(Arc::new(number.clone()), vec![Value::Int32(1)]);
    vec![
        of("`boolean`", SchemaType::Boolean, Value::Boolean(true)),
        of(
            "`int8`, `int16`, `int32`, `int64`",
            SchemaType::Int64,
            Value::Int64(42),
        ),
        of(
            "`float`, `double`",
            SchemaType::Float64,
            Value::Float64(1.5),
        ),
        of(
            "`string`; UUIDs, enums, XML",
            SchemaType::String,
            text("text"),
        ),
        of(
            "`bytes`",
            SchemaType::Bytes,
            Value::Bytes(vec![1, 2].into()),
        ),
        of(
            "array",
            SchemaType::Array(element(SchemaType::Int32)),
            Value::Array(vec![Value::Int32(1)]),
        ),
        of(
            "map, its keys texts",
            SchemaType::Map(element(SchemaType::String), element(SchemaType::Int32)),
            Value::Map(vec![(text("a"), Value::Int32(1))]),
        ),
        of(
            "map, its keys others",
            SchemaType::Map(element(SchemaType::Int32), element(SchemaType::Int32)),
            Value::Map(vec![(Value::Int32(7), Value::Int32(1))]),
        ),
        Sample::new("struct", number, Value::Struct(structure)),
    ]
}

fn logical() -> Vec<Sample> {
    let of = |logical, value| {
        let schema = Schema::of_logical_type(logical);
        let name = format!("`{}`", schema.name().unwrap_or_default());
        Sample::new(&name, schema, value)
    };
    let decimal = Decimal::from_bytes(&[0x30, 0x39], 2).expect("a scale that can be");
    let unnamed = |name: &str, time, value| {
        let schema = Schema::new(SchemaType::Int64).of_unnamed_time(time);
        Sample::new(&format!("Avro's `{name}`"), schema, Value::Int64(value))
    };
    vec![
        Sample::new(
            "`org.apache.kafka.connect.data.Decimal`",
            Schema::decimal(2),
            Value::Decimal(decimal),
        ),
        of(LogicalType::Date, Value::Date(19_723)),
        of(LogicalType::Time, Value::Time(36_930_120)),
        of(LogicalType::Timestamp, Value::Timestamp(1_700_000_000_123)),
        unnamed(
            "timestamp-micros",
            UnnamedTime::Instant(1_000_000),
            1_700_000_000_123_456,
        ),
        unnamed(
            "timestamp-nanos",
            UnnamedTime::Instant(1_000_000_000),
            1_700_000_000_123_456_789,
        ),
        unnamed(
            "local-timestamp-millis",
            UnnamedTime::Local(1_000),
            1_700_000_000_123,
        ),
        unnamed(
            "local-timestamp-micros",
            UnnamedTime::Local(1_000_000),
            1_700_000_000_123_456,
        ),
        unnamed(
            "time-micros",
            UnnamedTime::SinceMidnight(1_000_000),
            36_930_120_000,
        ),
    ]
}

fn debezium() -> Vec<Sample> {
    let text = |text: &'static str| Value::String(text.into());
    let time =
        |name: &str, kind, value| Sample::named(&format!("io.debezium.time.{name}"), kind, value);
    let int64 = |name: &str, value| time(name, SchemaType::Int64, Value::Int64(value));
    let string = |name: &str, value| time(name, SchemaType::String, text(value));
    let decimal = Schema::structure(vec![
        Field {
            name: "scale".into(),
            schema: Schema::of(SchemaType::Int32),
        },
        Field {
            name: "value".into(),
            schema: Schema::of(SchemaType::Bytes),
        },
    ])
    .expect("two names")
    .named(VARIABLE_SCALE_DECIMAL);
    let values = vec![Value::Int32(2), Value::Bytes(vec![0x30, 0x39].into())];
    let of_decimal = Struct::new(Arc::new(decimal.clone()), values);
    vec![
        time("Date", SchemaType::Int32, Value::Int32(19_723)),
        string("IsoDate", "2024-01-01Z"),
        int64("Timestamp", 1_700_000_000_123),
        int64("MicroTimestamp", 1_700_000_000_123_456),
        int64("NanoTimestamp", 1_700_000_000_123_456_789),
        string("IsoTimestamp", "2023-11-14T22:13:20.123Z"),
        string("ZonedTimestamp", "2023-11-14T23:13:20.123+01:00"),
        time("Time", SchemaType::Int32, Value::Int32(36_930_120)),
        int64("MicroTime", -36_930_000_000),
        int64("NanoTime", 36_930_120_000_000),
        string("ZonedTime", "10:15:30.12Z"),
        string("Interval", "P1Y2M3DT4H5M6.78S"),
        time("Year", SchemaType::Int32, Value::Int32(2024)),
        int64("MicroDuration", 1_000_000),
        Sample::new(
            &format!("`{VARIABLE_SCALE_DECIMAL}`"),
            decimal,
            Value::Struct(of_decimal),
        ),
        Sample::named(JSON, SchemaType::String, text("{\"a\":1}")),
        Sample::named(BITS, SchemaType::Bytes, Value::Bytes(vec![5].into())),
    ]
}

/// The table, as Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut page = String::from("| type | as Java's connector |");
    for (title, _) in COLUMNS {
        let _ = write!(page, " {title} |");
    }
    page.push_str(&format!("\n|---|---|{}\n", "---|".repeat(COLUMNS.len())));
    for sample in plain().into_iter().chain(logical()).chain(debezium()) {
        let as_java = sample.written(None);
        let _ = write!(page, "| {} | `{as_java}` |", sample.name);
        for (_, primitive_type) in COLUMNS {
            let written = sample.written(Some(primitive_type));
            if written == as_java {
                page.push_str(" same |");
            } else {
                let _ = write!(page, " `{written}` |");
            }
        }
        page.push('\n');
    }
    page
}
