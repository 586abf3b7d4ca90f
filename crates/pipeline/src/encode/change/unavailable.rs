//! Values that a source did not log, for they were not changed: PostgreSQL's large values (TOAST).
//!
//! Debezium puts a placeholder in their place, in the form that the column's type allows (`notes/converters-and-cdc.md`,
//! section 6.6).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use starrocks_kafka_connect::data::Value;

use super::text;

/// What stands in an array of UUIDs, whatever the placeholder is: the UUID of its own name by default.
const UUID: &str = "b68a35a7-17ad-35b3-af2a-ae46edb4545a";

/// The places of the fields or entries that have the placeholder.
pub(super) fn fields(row: &Value<'_>, placeholder: &str) -> Vec<usize> {
    let is_it = |(at, value): (usize, &Value<'_>)| is_placeholder(value, placeholder).then_some(at);
    match row {
        Value::Struct(structure) => structure
            .values()
            .iter()
            .enumerate()
            .filter_map(is_it)
            .collect(),
        Value::Map(entries) => {
            let values = entries.iter().map(|(_, value)| value);
            values.enumerate().filter_map(is_it).collect()
        }
        _ => Vec::new(),
    }
}

fn is_placeholder(value: &Value<'_>, placeholder: &str) -> bool {
    match value {
        Value::String(text) => is_text(text, placeholder),
        Value::Bytes(bytes) => **bytes == *placeholder.as_bytes(),
        Value::Array(values) => match &values[..] {
            [Value::String(text)] => {
                text == placeholder || text == UUID || is_base64(text, placeholder)
            }
            [Value::Bytes(bytes)] => **bytes == *placeholder.as_bytes(),
            numbers => are_bytes(numbers, placeholder.as_bytes()),
        },
        Value::Map(entries) => matches!(
            &entries[..],
            [(key, value)] if [key, value].iter().all(|one| text(one) == Some(placeholder))
        ),
        _ => false,
    }
}

/// The placeholder, its bytes as Base64, or the text of a map (hstore) that has it as its only entry.
fn is_text(text: &str, placeholder: &str) -> bool {
    // Whatever it is, it is no shorter: most texts are done with here, or at their first byte.
    if text.len() < placeholder.len() {
        return false;
    }
    text == placeholder
        || is_base64(text, placeholder)
        || text
            .strip_prefix("{\"")
            .and_then(|rest| rest.strip_suffix("\"}"))
            .is_some_and(|inside| {
                let mut parts = inside
                    .splitn(2, ':')
                    .map(|part| part.trim().trim_matches('"'));
                parts.next() == Some(placeholder) && parts.next() == Some(placeholder)
            })
}

fn is_base64(text: &str, placeholder: &str) -> bool {
    text.len() == placeholder.len().div_ceil(3) * 4
        && STANDARD
            .decode(text)
            .is_ok_and(|bytes| bytes == placeholder.as_bytes())
}

/// An array of numbers, of which each is one of the placeholder's bytes.
fn are_bytes(numbers: &[Value<'_>], bytes: &[u8]) -> bool {
    let is_byte = |(number, byte): (&Value<'_>, &u8)| match number {
        Value::Int32(number) => *number == i32::from(*byte),
        Value::Int64(number) => *number == i64::from(*byte),
        _ => false,
    };
    numbers.len() == bytes.len() && numbers.iter().zip(bytes).all(is_byte)
}
