//! In which encoding bytes hold JSON, as Jackson finds out (RFC 4627, section 3).

use super::JsonError;
use std::borrow::Cow;

/// The text of a payload, without a byte order mark. UTF-8 is borrowed; UTF-16 and UTF-32, known by
/// their mark or by where the zeros of the first characters stand, are transcoded.
///
/// # Errors
/// Bytes that are not what their beginning says.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, JsonError> {
    match *bytes {
        [0xEF, 0xBB, 0xBF, ref rest @ ..] => utf8(rest),
        [0, 0, 0xFE, 0xFF, ref rest @ ..] => utf32(rest, u32::from_be_bytes),
        [0xFF, 0xFE, 0, 0, ref rest @ ..] => utf32(rest, u32::from_le_bytes),
        [0xFE, 0xFF, ref rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xFF, 0xFE, ref rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0, 0, 0, _, ..] => utf32(bytes, u32::from_be_bytes),
        [_, 0, 0, 0, ..] => utf32(bytes, u32::from_le_bytes),
        [0, _, ..] => utf16(bytes, u16::from_be_bytes),
        [_, 0, ..] => utf16(bytes, u16::from_le_bytes),
        _ => utf8(bytes),
    }
}

fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>, JsonError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(fault) => Err(JsonError {
            offset: fault.valid_up_to(),
            message: "the text is not valid UTF-8".to_owned(),
        }),
    }
}

fn malformed<'k>(bytes: &[u8], encoding: &str) -> Result<Cow<'k, str>, JsonError> {
    Err(JsonError {
        offset: bytes.len(),
        message: format!("the text is not valid {encoding}"),
    })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Cow<'_, str>, JsonError> {
    let (units, odd) = bytes.as_chunks::<2>();
    let text: Result<String, _> = char::decode_utf16(units.iter().map(|&u| unit(u))).collect();
    match text {
        Ok(text) if odd.is_empty() => Ok(Cow::Owned(text)),
        _ => malformed(bytes, "UTF-16"),
    }
}

fn utf32(bytes: &[u8], unit: fn([u8; 4]) -> u32) -> Result<Cow<'_, str>, JsonError> {
    let (units, odd) = bytes.as_chunks::<4>();
    let text: Option<String> = units.iter().map(|&u| char::from_u32(unit(u))).collect();
    match text {
        Some(text) if odd.is_empty() => Ok(Cow::Owned(text)),
        _ => malformed(bytes, "UTF-32"),
    }
}
