//! Texts as Java's `toString` writes them, where they end up in data.

use crate::data::Value;
use crate::java_date_format::JavaDateFormat;
use crate::java_digits::Parts;
use crate::java_hash;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// `Float.toString`, with the digits of Java up to 18: they denote the number, but are not always the fewest that do.
#[must_use]
pub(crate) fn float(number: f32) -> String {
    let bits = number.to_bits();
    let parts = Parts::new(u64::from(bits & 0x7F_FFFF), (bits >> 23) & 0xFF, 23);
    java(f64::from(number), parts)
}

/// `Double.toString`: plain between a thousandth and ten million, else with an exponent.
#[must_use]
pub(crate) fn double(number: f64) -> String {
    let bits = number.to_bits();
    let exponent = u32::try_from((bits >> 52) & 0x7FF).unwrap_or(0);
    let parts = Parts::new(bits & 0xF_FFFF_FFFF_FFFF, exponent, 52);
    java(number, parts)
}

/// What `toString` gives of a value.
#[must_use]
pub(crate) fn of(value: &Value<'_>) -> String {
    let joined = |parts: Vec<String>, separator: &str| parts.join(separator);
    let date = |millis: i64| {
        JavaDateFormat::new("EEE MMM dd HH:mm:ss z yyyy")
            .map_or_else(|_| String::new(), |format| format.format(millis))
    };
    match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Int8(number) => number.to_string(),
        Value::Int16(number) => number.to_string(),
        Value::Int32(number) => number.to_string(),
        Value::Int64(number) => number.to_string(),
        Value::Float32(number) => float(*number),
        Value::Float64(number) => double(*number),
        Value::Decimal(number) => number.to_string(),
        Value::String(text) => text.to_string(),
        // Java would write where they are in memory.
        Value::Bytes(bytes) => STANDARD.encode(bytes),
        Value::Date(days) => date(i64::from(*days) * 86_400_000),
        Value::Time(millis) => date(i64::from(*millis)),
        Value::Timestamp(millis) => date(*millis),
        Value::Array(values) => {
            let parts = values.iter().map(of).collect();
            format!("[{}]", joined(parts, ", "))
        }
        Value::Map(entries) => {
            let buckets = java_hash::buckets(entries.len());
            let mut sorted: Vec<_> = entries.iter().collect();
            sorted.sort_by_key(|(key, _)| java_hash::bucket_of(key, buckets));
            let parts = sorted.iter();
            let parts = parts.map(|(key, value)| format!("{}={}", of(key), of(value)));
            format!("{{{}}}", joined(parts.collect(), ", "))
        }
        Value::Struct(structure) => {
            let fields = structure.schema().fields().iter();
            let parts = fields.zip(structure.values());
            let parts = parts.filter(|(_, value)| !value.is_null());
            let parts = parts.map(|(field, value)| format!("{}={}", field.name, of(value)));
            format!("Struct{{{}}}", joined(parts.collect(), ","))
        }
    }
}

fn java(number: f64, parts: Parts) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    let sign = if number.is_sign_negative() { "-" } else { "" };
    if number.is_infinite() {
        return format!("{sign}Infinity");
    }
    if number == 0.0 {
        return format!("{sign}0.0");
    }
    let (digits, point) = parts.digits();
    if (-2..=7).contains(&point) {
        return format!("{sign}{}", plain(&digits, point));
    }
    let (first, rest) = digits.split_at(1);
    let rest = if rest.is_empty() { "0" } else { rest };
    format!("{sign}{first}.{rest}E{}", point - 1)
}

fn plain(digits: &str, point: i32) -> String {
    let Ok(point) = usize::try_from(point) else {
        let zeros = "0".repeat(point.unsigned_abs() as usize);
        return format!("0.{zeros}{digits}");
    };
    if point == 0 {
        return format!("0.{digits}");
    }
    if point >= digits.len() {
        return format!("{digits}{}.0", "0".repeat(point - digits.len()));
    }
    let (whole, fraction) = digits.split_at(point);
    format!("{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_in_java() {
        let check = |number: f64, expect: &str| assert_eq!(double(number), expect);
        check(0.0, "0.0");
        check(-0.0, "-0.0");
        check(1.0, "1.0");
        check(100.0, "100.0");
        check(300.7, "300.7");
        check(0.5, "0.5");
        check(0.001, "0.001");
        check(0.000_999, "9.99E-4");
        check(1e7, "1.0E7");
        check(9_999_999.0, "9999999.0");
        check(12_345_678.0, "1.2345678E7");
        check(1e20, "1.0E20");
        check(-1.5e-10, "-1.5E-10");
        check(9.223_372_036_854_776e18, "9.223372036854776E18");
        check(2.0e-3, "0.002");
        check(2.2e-322, "2.2E-322");
        check(2e23, "1.9999999999999998E23");
        check(f64::MAX, "1.7976931348623157E308");
        check(f64::NAN, "NaN");
        check(f64::NEG_INFINITY, "-Infinity");
        let check = |number: f32, expect: &str| assert_eq!(float(number), expect);
        check(1.9, "1.9");
        check(0.1, "0.1");
        check(16_777_216.0, "1.6777216E7");
        check(9.223_372e18, "9.223372E18");
        // More digits than it takes.
        check(-2_147_483_600.0, "-2.14748365E9");
        check(1.7e12, "1.70000004E12");
        check(1e-45, "1.4E-45");
        check(f32::MIN_POSITIVE, "1.17549435E-38");
    }
}
