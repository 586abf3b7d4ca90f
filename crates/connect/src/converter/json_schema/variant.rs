//! `org.apache.kafka.connect.data.Variant`: any value in Parquet's Variant encoding, which stands for a schema that
//! says nothing.

use crate::data::{Decimal, Field, Schema, SchemaType};
use crate::error::DataError;
use crate::json::{Json, Number};
use std::collections::BTreeSet;

/// Texts of fewer bytes have their length in the header.
const SHORT_TEXT_BYTES: usize = 64;

/// The schema of a variant.
pub(super) fn schema() -> Schema {
    let field = |name: &str| Field {
        name: name.into(),
        schema: Schema::of(SchemaType::Bytes),
    };
    let fields = vec![field("metadata"), field("value")];
    Schema::new(SchemaType::Struct(fields)).named("org.apache.kafka.connect.data.Variant")
}

/// Metadata (the names of all members) and value.
///
/// # Errors
/// A number of more than 38 digits.
pub(super) fn encode(json: &Json<'_>) -> Result<(Vec<u8>, Vec<u8>), DataError> {
    let mut names = BTreeSet::new();
    collect(json, &mut names);
    let names: Vec<&str> = names.into_iter().collect();
    let mut value = Vec::new();
    write(json, &names, &mut value)?;
    Ok((metadata(&names), value))
}

fn collect<'j>(json: &'j Json<'_>, names: &mut BTreeSet<&'j str>) {
    match json {
        Json::Array(values) => values.iter().for_each(|value| collect(value, names)),
        Json::Object(members) => members.iter().for_each(|(name, value)| {
            names.insert(name);
            collect(value, names);
        }),
        _ => {}
    }
}

/// Version 1, how many names, where each begins, and the names.
fn metadata(names: &[&str]) -> Vec<u8> {
    let total: usize = names.iter().map(|name| name.len()).sum();
    let width = width(total.max(names.len()));
    let mut out = vec![1 | low_byte(width - 1) << 6];
    number(names.len(), width, &mut out);
    let mut at = 0;
    number(at, width, &mut out);
    for name in names {
        at += name.len();
        number(at, width, &mut out);
    }
    names
        .iter()
        .for_each(|name| out.extend_from_slice(name.as_bytes()));
    out
}

fn write(json: &Json<'_>, names: &[&str], out: &mut Vec<u8>) -> Result<(), DataError> {
    match json {
        Json::Null => out.push(primitive(0)),
        Json::Boolean(true) => out.push(primitive(1)),
        Json::Boolean(false) => out.push(primitive(2)),
        Json::Number(number) => write_number(*number, out)?,
        Json::String(text) if text.len() < SHORT_TEXT_BYTES => {
            out.push(low_byte(text.len()) << 2 | 1);
            out.extend_from_slice(text.as_bytes());
        }
        Json::String(text) => {
            out.push(primitive(16));
            number(text.len(), 4, out);
            out.extend_from_slice(text.as_bytes());
        }
        Json::Array(values) => {
            let mut body = Vec::new();
            let mut ends = vec![0];
            for value in values {
                write(value, names, &mut body)?;
                ends.push(body.len());
            }
            let width = width(body.len());
            let is_large = values.len() > 255;
            out.push(low_byte(width - 1) << 2 | u8::from(is_large) << 4 | 3);
            number(values.len(), if is_large { 4 } else { 1 }, out);
            ends.iter().for_each(|end| number(*end, width, out));
            out.extend_from_slice(&body);
        }
        Json::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
            let mut body = Vec::new();
            let mut ends = vec![0];
            for (_, value) in &members {
                write(value, names, &mut body)?;
                ends.push(body.len());
            }
            let (width, id_width) = (width(body.len()), width(names.len()));
            let is_large = members.len() > 255;
            out.push(
                low_byte(width - 1) << 2
                    | low_byte(id_width - 1) << 4
                    | u8::from(is_large) << 6
                    | 2,
            );
            number(members.len(), if is_large { 4 } else { 1 }, out);
            for (name, _) in &members {
                let id = names.binary_search(&name.as_ref()).unwrap_or_default();
                number(id, id_width, out);
            }
            ends.iter().for_each(|end| number(*end, width, out));
            out.extend_from_slice(&body);
        }
    }
    Ok(())
}

fn write_number(number: Number<'_>, out: &mut Vec<u8>) -> Result<(), DataError> {
    if let Some(whole) = number.as_i64() {
        match i32::try_from(whole) {
            Ok(whole) => {
                out.push(primitive(5));
                out.extend_from_slice(&whole.to_le_bytes());
            }
            Err(_) => {
                out.push(primitive(6));
                out.extend_from_slice(&whole.to_le_bytes());
            }
        }
        return Ok(());
    }
    let too_long = || {
        DataError::data(format!(
            "The number {} has too many digits for a variant",
            super::super::payload::shortened(number.text())
        ))
    };
    let decimal = Decimal::parse(number.text()).ok_or_else(too_long)?;
    let scale = u8::try_from(decimal.scale)
        .ok()
        .filter(|scale| *scale <= 38)
        .ok_or_else(too_long)?;
    let bytes = decimal.unscaled.to_signed_bytes_le();
    let size = [4, 8, 16]
        .into_iter()
        .zip([8, 9, 10])
        .find(|(size, _)| bytes.len() <= *size);
    let (size, kind) = size.ok_or_else(too_long)?;
    out.push(primitive(kind));
    out.push(scale);
    let filler = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) {
        0xFF
    } else {
        0
    };
    out.extend_from_slice(&bytes);
    out.extend(std::iter::repeat_n(filler, size - bytes.len()));
    Ok(())
}

const fn primitive(kind: u8) -> u8 {
    kind << 2
}

/// How many bytes a number takes.
const fn width(number: usize) -> usize {
    match number {
        0..=0xFF => 1,
        0x100..=0xFFFF => 2,
        0x1_0000..=0xFF_FFFF => 3,
        _ => 4,
    }
}

fn low_byte(number: usize) -> u8 {
    number.to_le_bytes()[0]
}

fn number(number: usize, width: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&number.to_le_bytes()[..width]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded_as_confluents_converter_does() {
        let check = |text: &str, metadata: &[u8], value: &[u8]| {
            let json = Json::parse(text).expect(text);
            let encoded = encode(&json).expect(text);
            assert_eq!(
                (encoded.0.as_slice(), encoded.1.as_slice()),
                (metadata, value),
                "{text}"
            );
        };
        check("5", &[1, 0, 0], &[0x14, 5, 0, 0, 0]);
        check(r#""x""#, &[1, 0, 0], &[5, b'x']);
        check(
            "5000000000",
            &[1, 0, 0],
            &[0x18, 0, 0xF2, 5, 0x2A, 1, 0, 0, 0],
        );
        check("-1.5", &[1, 0, 0], &[0x20, 1, 0xF1, 0xFF, 0xFF, 0xFF]);
        check(
            r#"{"b":[1,1.5,true,null]}"#,
            &[1, 1, 0, 1, b'b'],
            &[
                2, 1, 0, 0, 20, 3, 4, 0, 5, 11, 12, 13, 0x14, 1, 0, 0, 0, 0x20, 1, 15, 0, 0, 0, 4,
                0,
            ],
        );
    }
}
