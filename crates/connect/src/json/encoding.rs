//! In which encoding bytes hold JSON, as Jackson finds out (RFC 4627, section 3).

use super::{Dialect, JsonError};
use crate::charset::utf16;
use std::borrow::Cow;

/// The text of a payload, without a byte order mark. UTF-8 is borrowed; UTF-16 and UTF-32, known by
/// their mark or by where the zeros of the first characters stand, are transcoded. Marks and UTF-32 are only
/// looked for in four bytes and more, UTF-16 in two and more.
///
/// # Errors
/// Bytes that are not what their beginning says.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, JsonError> {
    decode_as(bytes, Dialect::Kafka)
}

/// The same as somebody's Jackson does it.
///
/// # Errors
/// Bytes that are not what their beginning says.
pub fn decode_as(bytes: &[u8], dialect: Dialect) -> Result<Cow<'_, str>, JsonError> {
    match *bytes {
        [0, 0, 0xFE, 0xFF, ref rest @ ..] => utf32(rest, u32::from_be_bytes),
        [0xFF, 0xFE, 0, 0, ref rest @ ..] => utf32(rest, u32::from_le_bytes),
        [0xFE, 0xFF, ref rest @ ..] if bytes.len() >= 4 => Ok(utf16(rest, u16::from_be_bytes)),
        [0xFF, 0xFE, ref rest @ ..] if bytes.len() >= 4 => Ok(utf16(rest, u16::from_le_bytes)),
        [0xEF, 0xBB, 0xBF, ref rest @ ..] if bytes.len() >= 4 => utf8(rest, dialect),
        [0, 0, 0, _, ..] => utf32(bytes, u32::from_be_bytes),
        [_, 0, 0, 0, ..] => utf32(bytes, u32::from_le_bytes),
        [0, _, ..] => Ok(utf16(bytes, u16::from_be_bytes)),
        [_, 0, ..] => Ok(utf16(bytes, u16::from_le_bytes)),
        _ => utf8(bytes, dialect),
    }
}

fn malformed<T>(offset: usize, encoding: &str) -> Result<T, JsonError> {
    Err(JsonError {
        offset,
        message: format!("the text is not valid {encoding}"),
    })
}

fn utf8(bytes: &[u8], dialect: Dialect) -> Result<Cow<'_, str>, JsonError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(fault) if dialect == Dialect::Confluent => malformed(fault.valid_up_to(), "UTF-8"),
        Err(fault) => lenient_utf8(bytes, fault.valid_up_to()).map(Cow::Owned),
    }
}

/// As Jackson, which looks at the number of bytes of a character and at nothing else. So it reads what is
/// longer than need be, as Java's own "modified UTF-8" has it, and halves of surrogate pairs, which some
/// databases write and which are whole characters where both halves are there.
fn lenient_utf8(bytes: &[u8], valid_up_to: usize) -> Result<String, JsonError> {
    let mut text = Unescaped::default();
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        let (high_bits, more) = match first {
            0x00..0x80 => (*first, 0),
            0xC0..0xE0 => (first & 0x1F, 1),
            0xE0..0xF0 => (first & 0x0F, 2),
            0xF0..0xF8 => (first & 0x07, 3),
            _ => return malformed(valid_up_to, "UTF-8"),
        };
        let mut code = u32::from(high_bits);
        for index in 0..more {
            match after.get(index) {
                Some(byte @ 0x80..0xC0) => code = code << 6 | u32::from(byte & 0x3F),
                _ => return malformed(valid_up_to, "UTF-8"),
            }
        }
        let is_valid = match more {
            0 => true,
            1 => code >= 0x80,
            2 => code >= 0x800,
            _ => code >= 0x1_0000,
        };
        let pushed = match char::from_u32(code).filter(|_| is_valid) {
            Some(c) => {
                text.push(c);
                Some(())
            }
            None if more < 3 => text.push_unit(code),
            // Java makes a pair of it whether it is one or not.
            None => {
                let offset = code.wrapping_sub(0x1_0000);
                let high = 0xD800 | (offset.cast_signed() >> 10).cast_unsigned() & 0xFFFF;
                text.push_unit(high)
                    .and_then(|()| text.push_unit(0xDC00 | offset & 0x3FF))
            }
        };
        if pushed.is_none() {
            return malformed(valid_up_to, "UTF-8");
        }
        rest = &after[more..];
    }
    Ok(text.json)
}

/// JSON in the making, where characters that have no other form are written as escapes. That is what they
/// are to a reader: part of a text, and nothing outside of one.
#[derive(Default)]
struct Unescaped {
    json: String,
    /// Whether the last character is a backslash that escapes the next one.
    escapes: bool,
}

impl Unescaped {
    fn push(&mut self, c: char) {
        self.escapes = c == '\\' && !self.escapes;
        self.json.push(c);
    }

    /// A unit of UTF-16; `None` where a backslash stands before it, which escapes nothing.
    fn push_unit(&mut self, unit: u32) -> Option<()> {
        if self.escapes {
            return None;
        }
        self.json.push_str(&format!("\\u{unit:04x}"));
        Some(())
    }
}

/// As Jackson, which lets halves of surrogate pairs pass.
fn utf32(bytes: &[u8], unit: fn([u8; 4]) -> u32) -> Result<Cow<'_, str>, JsonError> {
    let mut text = Unescaped::default();
    let (codes, odd) = bytes.as_chunks::<4>();
    for &code in codes {
        let code = unit(code);
        let pushed = match char::from_u32(code) {
            Some(c) => {
                text.push(c);
                Some(())
            }
            None if code < 0x1_0000 => text.push_unit(code),
            None => None,
        };
        if pushed.is_none() {
            return malformed(bytes.len(), "UTF-32");
        }
    }
    if odd.is_empty() {
        Ok(Cow::Owned(text.json))
    } else {
        malformed(bytes.len(), "UTF-32")
    }
}
