//! Dates, times and timestamps in ISO 8601's form, read as leniently as Java's `SimpleDateFormat` reads them.
//!
//! Only the length of a text is strict. Fields may run over (month 13 is next January), be negative, begin
//! with blanks, have an exponent; what follows the last field does not count.

use crate::data::{LogicalType, Schema, Value};
use crate::java_calendar::Fields;
use crate::java_number::digit;
use std::sync::Arc;

/// Milliseconds.
const DAY_MS: i64 = 86_400_000;
/// The greatest exact integer of `DecimalFormat` has so many digits.
const LONG_DIGITS: i32 = 19;

/// What the text of a certain length is, if it is anything.
pub(super) fn parse<'t>(text: &str) -> Option<(Arc<Schema>, Value<'t>)> {
    // Colons may have been escaped so that they are no tokens.
    let text = text.replace("\\:", ":");
    let (logical, pattern) = match text.encode_utf16().count() {
        10 => (LogicalType::Date, DATE),
        13 => (LogicalType::Time, TIME),
        24 => (LogicalType::Timestamp, TIMESTAMP),
        _ => return None,
    };
    let millis = read(pattern, &text)?.millis();
    let value = match logical {
        // Years in the hundreds of millions wrap, and may wrap to another time than midnight.
        LogicalType::Date if millis % DAY_MS != 0 => Value::Timestamp(millis),
        LogicalType::Date => Value::Date(days(millis)),
        LogicalType::Time => i32::try_from(millis)
            .ok()
            .filter(|&millis| (0..=DAY_MS).contains(&i64::from(millis)))
            .map_or(Value::Timestamp(millis), Value::Time),
        _ => Value::Timestamp(millis),
    };
    Some((Arc::new(Schema::of_logical_type(logical)), value))
}

/// As Java's `Date.fromLogical`, which wraps years in the millions.
#[expect(clippy::cast_possible_truncation, reason = "Java keeps the low bits")]
const fn days(millis: i64) -> i32 {
    (millis / DAY_MS) as i32
}

#[derive(Clone, Copy)]
enum Part {
    Literal(char),
    Field(fn(&mut Fields, i32)),
}

const DATE: &[Part] = &[
    Part::Field(|fields, value| fields.year = value),
    Part::Literal('-'),
    Part::Field(|fields, value| fields.month = value.wrapping_sub(1)),
    Part::Literal('-'),
    Part::Field(|fields, value| fields.day = value),
];

const TIME: &[Part] = &[
    Part::Field(|fields, value| fields.hour = value),
    Part::Literal(':'),
    Part::Field(|fields, value| fields.minute = value),
    Part::Literal(':'),
    Part::Field(|fields, value| fields.second = value),
    Part::Literal('.'),
    Part::Field(|fields, value| fields.millisecond = value),
    Part::Literal('Z'),
];

const TIMESTAMP: &[Part] = &[
    DATE[0],
    DATE[1],
    DATE[2],
    DATE[3],
    DATE[4],
    Part::Literal('T'),
    TIME[0],
    TIME[1],
    TIME[2],
    TIME[3],
    TIME[4],
    TIME[5],
    TIME[6],
    TIME[7],
];

fn read(pattern: &[Part], text: &str) -> Option<Fields> {
    let mut fields = Fields::default();
    let mut rest = text;
    for part in pattern {
        match part {
            Part::Literal(c) => rest = rest.strip_prefix(*c)?,
            Part::Field(set) => {
                let (value, after) = number(rest.trim_start_matches([' ', '\t']))?;
                set(&mut fields, value);
                rest = after;
            }
        }
    }
    Some(fields)
}

/// A number as `DecimalFormat` reads whole numbers in English: `-12`, `1E3`, `NaN`, `∞`; and what follows.
/// As an `int`: the low bits of what fits 64 bits, of all others the nearest one.
#[expect(clippy::cast_possible_truncation, reason = "Java keeps the low bits")]
pub(crate) fn number(text: &str) -> Option<(i32, &str)> {
    if let Some(rest) = text.strip_prefix("NaN") {
        return Some((0, rest));
    }
    let (is_negative, unsigned) = sign(text);
    if let Some(rest) = unsigned.strip_prefix('∞') {
        return Some((if is_negative { i32::MIN } else { i32::MAX }, rest));
    }
    let (digits, mut rest) = digits(unsigned);
    if digits.is_empty() {
        return None;
    }
    let significant = digits.trim_start_matches('0');
    let mut point = i32::try_from(significant.len()).ok()?;
    if let Some((exponent, after)) = rest.strip_prefix('E').and_then(exponent) {
        point = point.wrapping_add(exponent);
        rest = after;
    }
    let significant = significant.trim_end_matches('0');
    let value = match integer(significant, point) {
        Some(magnitude) if is_negative => magnitude.wrapping_neg() as i32,
        Some(magnitude) => magnitude as i32,
        None => {
            let magnitude: f64 = format!("0.{significant}E{point}").parse().ok()?;
            (if is_negative { -magnitude } else { magnitude }) as i32
        }
    };
    Some((value, rest))
}

/// The value of `0.digits × 10^point` where it is whole and fits 64 bits.
fn integer(digits: &str, point: i32) -> Option<i64> {
    if digits.is_empty() {
        return Some(0);
    }
    let count = i32::try_from(digits.len()).ok()?;
    if point < count || point > LONG_DIGITS {
        return None;
    }
    let zeros = usize::try_from(point - count).ok()?;
    format!("{digits}{}", "0".repeat(zeros)).parse().ok()
}

/// The low bits of an exponent that has digits and fits 64 bits.
#[expect(clippy::cast_possible_truncation, reason = "Java keeps the low bits")]
fn exponent(text: &str) -> Option<(i32, &str)> {
    let (is_negative, unsigned) = sign(text);
    let (digits, rest) = digits(unsigned);
    let magnitude = digits.parse::<i64>().ok()? as i32;
    let exponent = if is_negative {
        magnitude.wrapping_neg()
    } else {
        magnitude
    };
    Some((exponent, rest))
}

fn sign(text: &str) -> (bool, &str) {
    text.strip_prefix('-')
        .map_or((false, text), |rest| (true, rest))
}

/// Digits of any script, in ASCII, and what follows them.
fn digits(text: &str) -> (String, &str) {
    let end = text.find(|c| digit(c).is_none()).unwrap_or(text.len());
    let digits = text[..end]
        .chars()
        .filter_map(digit)
        .map(|digit| char::from(b'0' + digit))
        .collect();
    (digits, &text[end..])
}
