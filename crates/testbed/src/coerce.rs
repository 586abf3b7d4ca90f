//! One source value becomes one column value, or a reason why not.
//!
//! The rules are those of StarRocks' JSON scanner (`json_scanner.cpp`, `formats/json/*`), of the casts behind it and of the
//! table sink.

use std::borrow::Cow;

use crate::column_type::ColumnType;
use crate::dates::Moment;
use crate::decimal;
use crate::json_text;
use crate::nested;
use crate::rows::{Cell, Rows};
use crate::schema::Column;

/// A value as the body of a load writes it. Numbers stay the text that was sent.
#[derive(Debug, Clone)]
pub(crate) enum Source<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    Text(Cow<'a, str>),
    /// An array or object, as its JSON text.
    Nested(&'a str),
    /// What an expression made, and is no text.
    Bytes(Vec<u8>),
}

/// The value for `column`, its text put into `rows`. An error is the reason for the error log.
pub(crate) fn cell(
    column: &Column,
    source: &Source<'_>,
    strict: bool,
    rows: &mut Rows,
) -> Result<Cell, String> {
    match convert(&column.name, &column.ty, source, rows) {
        Ok(cell) => Ok(cell),
        Err(reason) if strict => Err(reason),
        // Without strict mode a value that does not fit is NULL, in silence.
        Err(_) => Ok(Cell::Null),
    }
}

/// Why the cell cannot be in its column, if so: what the table sink looks at, in both modes.
pub(crate) fn sink_refusal(column: &Column, cell: Cell) -> Option<String> {
    let null = cell == Cell::Null && !column.nullable;
    null.then(|| format!("NULL value in non-nullable column '{}'", column.name))
}

/// The value for a column or for a part of a nested one, whatever strict mode says.
pub(crate) fn convert(
    name: &str,
    ty: &ColumnType,
    source: &Source<'_>,
    rows: &mut Rows,
) -> Result<Cell, String> {
    if matches!(source, Source::Null) {
        return Ok(Cell::Null);
    }
    match ty {
        ColumnType::TinyInt | ColumnType::SmallInt | ColumnType::Int | ColumnType::BigInt => {
            integer(name, ty, source)
        }
        ColumnType::Float | ColumnType::Double => real(name, ty, source),
        ColumnType::Boolean => boolean(name, source),
        ColumnType::Char(n) | ColumnType::Varchar(n) => {
            let text = as_text(source);
            fits(name, text.len(), *n)?;
            Ok(rows.text(&text))
        }
        ColumnType::Varbinary(n) => {
            if let Source::Bytes(bytes) = source {
                fits(name, bytes.len(), *n)?;
                return Ok(rows.blob(bytes));
            }
            let text = as_text(source);
            fits(name, text.len(), *n)?;
            Ok(rows.blob(text.as_bytes()))
        }
        ColumnType::Json => Ok(rows.text(&as_json(source))),
        ColumnType::Array(_) | ColumnType::Map(..) | ColumnType::Struct(_) => {
            Ok(rows.text(&nested::text(name, ty, source)?))
        }
        ColumnType::LargeInt => match decimal::large_int(&as_text(source)) {
            Some(Some(value)) => Ok(rows.text(&value.to_string())),
            _ => Err(out_of_range(name, ty, source)),
        },
        ColumnType::Decimal { precision, scale } => {
            match decimal::rescaled(&as_text(source), *precision, *scale) {
                Some(Some(value)) => Ok(rows.text(&value)),
                _ => Err(out_of_range(name, ty, source)),
            }
        }
        ColumnType::Date | ColumnType::DateTime => match Moment::parse(&as_text(source)) {
            Some(moment) if *ty == ColumnType::Date => Ok(rows.text(&moment.date())),
            Some(moment) => Ok(rows.text(&moment.date_time())),
            None => Err(format!(
                "Value '{}' is out of range. The type of '{}' is {}",
                as_text(source),
                name,
                shown_type(ty)
            )),
        },
    }
}

fn shown_type(ty: &ColumnType) -> String {
    ty.to_string().to_ascii_uppercase()
}

fn out_of_range(name: &str, ty: &ColumnType, source: &Source<'_>) -> String {
    format!(
        "Decimal '{}' is out of range. The type of '{}' is {}",
        as_text(source),
        name,
        shown_type(ty)
    )
}

fn overflow(name: &str, value: &str) -> String {
    format!("Value is overflow. column={}, value={value}", name)
}

/// Text as StarRocks' JSON scanner hands it to a CHAR or to a cast: a boolean is "1" or "0".
fn as_text<'a>(source: &'a Source<'_>) -> Cow<'a, str> {
    match source {
        Source::Null => Cow::Borrowed(""),
        Source::Bool(value) => Cow::Borrowed(if *value { "1" } else { "0" }),
        Source::Number(text) => Cow::Borrowed(text),
        Source::Text(text) => Cow::Borrowed(text),
        Source::Nested(json) => Cow::Owned(json_text::minified(json)),
        Source::Bytes(bytes) => String::from_utf8_lossy(bytes),
    }
}

fn as_json(source: &Source<'_>) -> String {
    match source {
        Source::Null => "null".to_owned(),
        Source::Bool(value) => value.to_string(),
        Source::Text(text) => json_text::quoted(text),
        Source::Number(json) | Source::Nested(json) => json_text::printed(json),
        Source::Bytes(_) => json_text::quoted(&as_text(source)),
    }
}

fn fits(name: &str, len: usize, capacity: u32) -> Result<(), String> {
    if len <= usize::try_from(capacity).unwrap_or(usize::MAX) {
        return Ok(());
    }
    Err(format!(
        "Value length is beyond the capacity. column={}, capacity={capacity}",
        name
    ))
}

fn integer(name: &str, ty: &ColumnType, source: &Source<'_>) -> Result<Cell, String> {
    let (low, high) = ty.integer_range().unwrap_or((i64::MIN, i64::MAX));
    let text = match source {
        Source::Number(text) => text,
        Source::Text(text) => text.trim(),
        _ => {
            return Err(format!(
                "Unsupported value type. Numeric type is required. column={}",
                name
            ));
        }
    };
    let value = match text.parse::<i64>() {
        Ok(value) => value,
        Err(_) => {
            let value: f64 = text.parse().map_err(|_| {
                format!(
                    "Failed to parse string value as integer. column={}, value={text}",
                    name
                )
            })?;
            // The bounds of i64 as doubles: the upper one is not in the range.
            if !(value > -9_223_372_036_854_777_856.0 && value < 9_223_372_036_854_775_808.0) {
                return Err(overflow(name, text));
            }
            value.trunc() as i64
        }
    };
    if value < low || value > high {
        return Err(overflow(name, text));
    }
    Ok(Cell::Int(value))
}

fn real(name: &str, ty: &ColumnType, source: &Source<'_>) -> Result<Cell, String> {
    let text = match source {
        Source::Number(text) => text,
        Source::Text(text) => text.trim(),
        _ => {
            return Err(format!(
                "Unsupported value type. Numeric type is required. column={}",
                name
            ));
        }
    };
    let value: f64 = text.parse().map_err(|_| {
        format!(
            "Failed to parse string value as numeric. column={}, value={text}",
            name
        )
    })?;
    if *ty == ColumnType::Double {
        return if value.is_finite() {
            Ok(Cell::Real(value))
        } else {
            Err(overflow(name, text))
        };
    }
    let single = value as f32;
    if !single.is_finite() {
        return Err(overflow(name, text));
    }
    // By way of its text, so that 0.1 stays 0.1 and does not become 0.10000000149.
    Ok(Cell::Real(
        single
            .to_string()
            .parse()
            .unwrap_or_else(|_| f64::from(single)),
    ))
}

fn boolean(name: &str, source: &Source<'_>) -> Result<Cell, String> {
    let refused = || format!("Failed to parse string value as boolean. column={}", name);
    let value = match source {
        Source::Bool(value) => *value,
        Source::Number(text) => text.parse::<f64>().is_ok_and(|v| v != 0.0),
        Source::Text(text) => match text.trim() {
            t if t.eq_ignore_ascii_case("true") => true,
            t if t.eq_ignore_ascii_case("false") => false,
            t => t.parse::<i64>().map_err(|_| refused())? != 0,
        },
        Source::Null | Source::Nested(_) | Source::Bytes(_) => return Err(refused()),
    };
    Ok(Cell::Int(i64::from(value)))
}

#[cfg(test)]
mod tests {
    use super::{Source, cell, sink_refusal};
    use crate::column_type::ColumnType;
    use crate::rows::{Cell, Rows};
    use crate::schema::Column;

    fn source(text: &str) -> Source<'_> {
        match text.as_bytes()[0] {
            b'n' => Source::Null,
            b't' | b'f' => Source::Bool(text == "true"),
            b'"' => Source::Text(text.trim_matches('"').into()),
            b'[' | b'{' => Source::Nested(text),
            _ => Source::Number(text),
        }
    }

    /// What the value becomes in strict mode, and in the other.
    fn check(ty: &ColumnType, json: &str, strict: Result<&str, &str>) {
        let column = Column {
            name: "c".to_owned(),
            ty: ty.clone(),
            nullable: true,
            default: None,
            comment: String::new(),
        };
        let mut rows = Rows::new(1);
        let shown = |cell: Cell, rows: &Rows| match cell {
            Cell::Null => "NULL".to_owned(),
            Cell::Int(v) => v.to_string(),
            Cell::Real(v) => v.to_string(),
            Cell::Text { start, len } | Cell::Blob { start, len } => {
                String::from_utf8_lossy(rows.bytes(start, len)).into_owned()
            }
        };
        let got = cell(&column, &source(json), true, &mut rows).map(|c| shown(c, &rows));
        match (&got, strict) {
            (Ok(got), Ok(expect)) => assert_eq!(got, expect, "{json} as {ty}"),
            (Err(got), Err(expect)) => assert!(got.contains(expect), "{json} as {ty}: {got}"),
            _ => panic!("{json} as {ty}: {got:?} but {strict:?} was expected"),
        }
        let lax = cell(&column, &source(json), false, &mut rows).map(|c| shown(c, &rows));
        assert_eq!(
            lax.as_deref(),
            Ok(strict.unwrap_or("NULL")),
            "{json} as {ty} without strict mode"
        );
    }

    #[test]
    fn values_are_coerced_as_starrocks_does() {
        use ColumnType as T;
        let decimal = T::Decimal {
            precision: 5,
            scale: 2,
        };
        let rows = [
            (T::TinyInt, "127", Ok("127")),
            (
                T::TinyInt,
                "128",
                Err("Value is overflow. column=c, value=128"),
            ),
            (T::Int, "1.9", Ok("1")),
            (T::Int, "-1.9", Ok("-1")),
            (T::Int, "\"12\"", Ok("12")),
            (T::Int, "\"1.9\"", Ok("1")),
            (T::Int, "\"x\"", Err("Failed to parse string")),
            (
                T::Int,
                "true",
                Err("Unsupported value type. Numeric type is required. column=c"),
            ),
            (T::Int, "[1]", Err("Numeric type is required")),
            (T::BigInt, "9223372036854775807", Ok("9223372036854775807")),
            (T::BigInt, "9223372036854775808", Err("overflow")),
            (T::Double, "\"1.5\"", Ok("1.5")),
            (T::Double, "1e400", Err("overflow")),
            (T::Float, "0.1", Ok("0.1")),
            (T::Boolean, "true", Ok("1")),
            (T::Boolean, "0.0", Ok("0")),
            (T::Boolean, "\"False\"", Ok("0")),
            (T::Boolean, "\"7\"", Ok("1")),
            (
                T::Boolean,
                "\"yes\"",
                Err("Failed to parse string value as boolean"),
            ),
            (decimal.clone(), "1.005", Ok("1.01")),
            (decimal.clone(), "\"12.3\"", Ok("12.30")),
            (
                decimal,
                "1000",
                Err("Decimal '1000' is out of range. The type of 'c' is DECIMAL(5,2)"),
            ),
            (
                T::LargeInt,
                "170141183460469231731687303715884105727",
                Ok("170141183460469231731687303715884105727"),
            ),
            (
                T::LargeInt,
                "170141183460469231731687303715884105728",
                Err("out of range"),
            ),
            (T::Varchar(3), "\"abc\"", Ok("abc")),
            (
                T::Varchar(3),
                "\"äöü\"",
                Err("Value length is beyond the capacity. column=c, capacity=3"),
            ),
            (T::Varchar(9), "1.50", Ok("1.50")),
            (T::Varchar(9), "true", Ok("1")),
            (
                T::Varchar(19),
                "{\"a\": [1, \"x y\"]}",
                Ok("{\"a\":[1,\"x y\"]}"),
            ),
            (T::Date, "\"2024-01-02 03:04:05\"", Ok("2024-01-02")),
            (T::DateTime, "20240102", Ok("2024-01-02 00:00:00")),
            (
                T::DateTime,
                "1700000000",
                Err("Value '1700000000' is out of range. The type of 'c' is DATETIME"),
            ),
            (T::Json, "\"a\"", Ok("\"a\"")),
            (T::Json, "[ 1 ]", Ok("[1]")),
            (T::Json, "{\"a\":[1,2.50]}", Ok("{\"a\": [1, 2.5]}")),
            (T::Json, "null", Ok("NULL")),
            (T::Array(Box::new(T::Int)), "[1,\"x\"]", Ok("[1,null]")),
            (
                T::Array(Box::new(T::Int)),
                "1",
                Err("Failed to parse value as array, column=c"),
            ),
            (T::Varbinary(4), "\"abcd\"", Ok("abcd")),
        ];
        for (ty, json, strict) in rows {
            check(&ty, json, strict);
        }
    }

    #[test]
    fn null_in_a_not_null_column_is_refused_in_both_modes() {
        let column = Column {
            name: "c".to_owned(),
            ty: ColumnType::Int,
            nullable: false,
            default: None,
            comment: String::new(),
        };
        for (json, strict) in [("null", true), ("null", false), ("true", false)] {
            let cell = cell(&column, &source(json), strict, &mut Rows::new(1));
            let refused = cell.map(|cell| sink_refusal(&column, cell));
            let expect = "NULL value in non-nullable column 'c'".to_owned();
            assert_eq!(refused, Ok(Some(expect)));
        }
    }
}
