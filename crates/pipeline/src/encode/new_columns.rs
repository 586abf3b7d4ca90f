//! The columns that a table gets for fields it has none for: `starrocks.schema.evolution=add-columns`.

use starrocks_kafka_connect::data::{LogicalType, Schema, SchemaType};

use super::meaning::{ISO_DATE, Meaning, TimeOf};

/// Most digits of StarRocks' DECIMAL.
const DECIMAL_DIGITS_MAX: u32 = 38;
/// The parameter by which Debezium and Confluent's converters say how many digits a decimal has.
const PRECISION: &str = "connect.decimal.precision";
const TEXT: &str = "STRING";

/// A column to add. It takes NULL, for the rows that are there have no value for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewColumn {
    /// Its name, which is the field's.
    pub name: String,
    /// Its type, in StarRocks' SQL.
    pub column_type: String,
}

/// The columns for fields of a schema.
pub(super) fn of_fields(schema: &Schema, names: &[&str]) -> Box<[NewColumn]> {
    let fields = schema.fields().iter();
    let of_names = fields.filter(|field| names.contains(&&*field.name));
    of_names
        .map(|field| NewColumn {
            name: field.name.to_string(),
            column_type: column_type(&field.schema),
        })
        .collect()
}

/// The type of column that takes every value of a schema. What has parts is JSON, which takes those of tomorrow, too, but for
/// arrays of what has none.
pub(super) fn column_type(schema: &Schema) -> String {
    if schema.logical() == Some(LogicalType::Decimal) {
        return decimal(schema);
    }
    if let Some(meaning) = Meaning::of(schema) {
        return of_meaning(meaning, schema).to_owned();
    }
    let plain = match schema.kind() {
        SchemaType::Boolean => "BOOLEAN",
        SchemaType::Int8 => "TINYINT",
        SchemaType::Int16 => "SMALLINT",
        SchemaType::Int32 => "INT",
        SchemaType::Int64 => "BIGINT",
        SchemaType::Float32 => "FLOAT",
        SchemaType::Float64 => "DOUBLE",
        // As Base64, hexadecimal digits or text.
        SchemaType::String | SchemaType::Bytes => TEXT,
        SchemaType::Array(Some(element)) => match column_type(element).as_str() {
            "JSON" => "JSON",
            element => return format!("ARRAY<{element}>"),
        },
        SchemaType::Array(None) | SchemaType::Map(..) | SchemaType::Struct(_) => "JSON",
    };
    plain.to_owned()
}

fn of_meaning(meaning: Meaning, schema: &Schema) -> &'static str {
    match meaning {
        Meaning::Time(TimeOf::Days) => "DATE",
        Meaning::Time(TimeOf::IsoLocal) if schema.name() == Some(ISO_DATE) => "DATE",
        Meaning::Time(_) => "DATETIME",
        // Its scale differs from value to value, and StarRocks' DECIMAL has one.
        Meaning::VariableScaleDecimal | Meaning::SinceMidnight(_) => TEXT,
        Meaning::Json | Meaning::Map => "JSON",
        // Those of more than 64 bits go out as bytes do.
        Meaning::Bits => match parameter(schema, "length") {
            Some(..64) => "BIGINT",
            _ => TEXT,
        },
    }
}

/// A number that stands beside a schema.
fn parameter(schema: &Schema, name: &str) -> Option<u32> {
    schema.parameters.get(name)?.parse().ok()
}

fn decimal(schema: &Schema) -> String {
    let scale = schema.scale().and_then(|scale| u32::try_from(scale).ok());
    let Some(scale) = scale.filter(|scale| *scale <= DECIMAL_DIGITS_MAX) else {
        return TEXT.to_owned();
    };
    match parameter(schema, PRECISION) {
        Some(digits) if digits > DECIMAL_DIGITS_MAX => TEXT.to_owned(),
        Some(digits) => format!("DECIMAL({},{scale})", digits.max(scale).max(1)),
        None => format!("DECIMAL({DECIMAL_DIGITS_MAX},{scale})"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use starrocks_kafka_connect::data::{Field, UnnamedTime};

    use super::super::meaning::{BITS, JSON, VARIABLE_SCALE_DECIMAL};
    use super::*;

    fn named(kind: SchemaType, name: &str) -> Schema {
        Schema::new(kind).named(name)
    }

    fn with(mut schema: Schema, parameter: &str, value: &str) -> Schema {
        schema
            .parameters
            .insert(parameter.to_owned(), value.to_owned());
        schema
    }

    #[test]
    fn a_column_takes_every_value_of_its_schema() {
        fn check(schema: Schema, expect: &str) {
            assert_eq!(column_type(&schema), expect, "{schema:?}");
        }
        let plain = Schema::new;
        let list = |schema| plain(SchemaType::Array(Some(Arc::new(schema))));
        let of_debezium = |kind, name: &str| named(kind, &format!("io.debezium.time.{name}"));
        check(plain(SchemaType::Boolean), "BOOLEAN");
        check(plain(SchemaType::Int8), "TINYINT");
        check(plain(SchemaType::Int64).optional(), "BIGINT");
        check(plain(SchemaType::Float32), "FLOAT");
        check(plain(SchemaType::String), "STRING");
        check(named(SchemaType::String, "io.debezium.data.Uuid"), "STRING");
        check(plain(SchemaType::Bytes), "STRING");
        check(Schema::decimal(2), "DECIMAL(38,2)");
        check(with(Schema::decimal(2), PRECISION, "10"), "DECIMAL(10,2)");
        check(with(Schema::decimal(4), PRECISION, "2"), "DECIMAL(4,4)");
        check(with(Schema::decimal(0), PRECISION, "0"), "DECIMAL(1,0)");
        check(with(Schema::decimal(2), PRECISION, "65"), "STRING");
        check(Schema::decimal(-2), "STRING");
        check(Schema::decimal(39), "STRING");
        check(Schema::of_logical_type(LogicalType::Date), "DATE");
        check(Schema::of_logical_type(LogicalType::Timestamp), "DATETIME");
        check(Schema::of_logical_type(LogicalType::Time), "STRING");
        check(of_debezium(SchemaType::Int32, "Date"), "DATE");
        check(of_debezium(SchemaType::String, "IsoDate"), "DATE");
        check(of_debezium(SchemaType::Int64, "MicroTimestamp"), "DATETIME");
        check(
            of_debezium(SchemaType::String, "ZonedTimestamp"),
            "DATETIME",
        );
        check(of_debezium(SchemaType::String, "ZonedTime"), "STRING");
        check(of_debezium(SchemaType::Int64, "MicroTime"), "STRING");
        check(of_debezium(SchemaType::Int32, "Year"), "INT");
        let instant = UnnamedTime::Instant(1_000_000);
        check(
            plain(SchemaType::Int64).of_unnamed_time(instant),
            "DATETIME",
        );
        check(named(SchemaType::String, JSON), "JSON");
        check(
            with(named(SchemaType::Bytes, BITS), "length", "8"),
            "BIGINT",
        );
        check(
            with(named(SchemaType::Bytes, BITS), "length", "64"),
            "STRING",
        );
        let structure = Schema::structure(vec![Field {
            name: "a".into(),
            schema: Arc::new(plain(SchemaType::Int32)),
        }])
        .expect("one name");
        check(structure.clone(), "JSON");
        check(structure.clone().named(VARIABLE_SCALE_DECIMAL), "STRING");
        check(list(plain(SchemaType::Int32)), "ARRAY<INT>");
        check(
            list(list(Schema::decimal(2))),
            "ARRAY<ARRAY<DECIMAL(38,2)>>",
        );
        check(list(structure), "JSON");
        let map = SchemaType::Map(
            Some(Schema::of(SchemaType::String)),
            Some(Schema::of(SchemaType::Int32)),
        );
        check(plain(map), "JSON");
    }
}
