//! Prepared statements: a text with question marks, values as MySQL's binary protocol writes them.
//!
//! The values are put into the text, which is then run as any other.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::sql::SqlError;
use crate::tokens::{Token, spanned};

// Types of values (`MYSQL_TYPE_…`).
pub(super) const TINY: u8 = 1;
pub(super) const SHORT: u8 = 2;
pub(super) const LONG: u8 = 3;
pub(super) const FLOAT: u8 = 4;
pub(super) const DOUBLE: u8 = 5;
const NULL: u8 = 6;
const TIMESTAMP: u8 = 7;
pub(super) const LONG_LONG: u8 = 8;
pub(super) const DATE: u8 = 10;
const TIME: u8 = 11;
pub(super) const DATE_TIME: u8 = 12;

/// The statements that a connection has prepared.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    statements: BTreeMap<u32, Statement>,
    last: u32,
}

#[derive(Debug)]
struct Statement {
    sql: String,
    /// Where the question marks stand.
    marks: Vec<usize>,
    /// Types of the values, from the last execution that told them.
    types: Vec<(u8, bool)>,
    /// Values that came in packets of their own.
    long: BTreeMap<usize, Vec<u8>>,
}

impl Prepared {
    /// Keeps a statement; answers its number and how many values it takes.
    pub(super) fn prepare(&mut self, sql: String) -> Result<(u32, usize), SqlError> {
        let tokens = spanned(&sql).map_err(SqlError::new)?;
        let marks: Vec<usize> = tokens
            .into_iter()
            .filter(|(token, _)| *token == Token::Mark('?'))
            .map(|(_, range)| range.start)
            .collect();
        let count = marks.len();
        self.last += 1;
        let statement = Statement {
            sql,
            marks,
            types: Vec::new(),
            long: BTreeMap::new(),
        };
        self.statements.insert(self.last, statement);
        Ok((self.last, count))
    }

    /// `COM_STMT_SEND_LONG_DATA`: number, parameter, bytes. What makes no sense is told by the execution.
    pub(super) fn add_long(&mut self, mut rest: &[u8]) {
        let Some((number, parameter)) = take(&mut rest).zip(take(&mut rest)) else {
            return;
        };
        if let Some(statement) = self.statements.get_mut(&u32::from_le_bytes(number)) {
            let parameter = usize::from(u16::from_le_bytes(parameter));
            statement
                .long
                .entry(parameter)
                .or_default()
                .extend_from_slice(rest);
        }
    }

    /// Forgets a statement.
    pub(super) fn close(&mut self, mut rest: &[u8]) {
        if let Some(number) = take(&mut rest) {
            self.statements.remove(&u32::from_le_bytes(number));
        }
    }

    /// Forgets what came for the next execution.
    pub(super) fn reset(&mut self, mut rest: &[u8]) {
        let number = take(&mut rest).map(u32::from_le_bytes);
        if let Some(statement) = number.and_then(|n| self.statements.get_mut(&n)) {
            statement.long.clear();
        }
    }

    /// The text of `COM_STMT_EXECUTE` with its values.
    pub(super) fn text(&mut self, mut rest: &[u8]) -> Result<String, SqlError> {
        let number = take(&mut rest).map(u32::from_le_bytes);
        let statement = number
            .and_then(|number| self.statements.get_mut(&number))
            .ok_or_else(|| {
                SqlError::coded(1243, "Unknown prepared statement handler given to EXECUTE")
            })?;
        statement.text(rest).ok_or_else(|| {
            SqlError::coded(
                1835,
                "Malformed communication packet: the values of a prepared statement",
            )
        })
    }
}

impl Statement {
    /// What follows the number: flags, a count that is always 1, which values are NULL, their types, they themselves.
    fn text(&mut self, mut rest: &[u8]) -> Option<String> {
        let count = self.marks.len();
        let long = std::mem::take(&mut self.long);
        if count == 0 {
            return Some(self.sql.clone());
        }
        let _flags_and_count: [u8; 5] = take(&mut rest)?;
        let (nulls, after) = rest.split_at_checked(count.div_ceil(8))?;
        let (told, after) = after.split_first()?;
        rest = after;
        if *told == 1 {
            self.types.clear();
            for _ in 0..count {
                let [code, flags] = take(&mut rest)?;
                self.types.push((code, flags & 0x80 != 0));
            }
        }
        let mut out = String::with_capacity(self.sql.len());
        let mut copied = 0;
        for (at, mark) in self.marks.iter().enumerate() {
            out.push_str(&self.sql[copied..*mark]);
            copied = mark + 1;
            let (code, unsigned) = *self.types.get(at)?;
            if let Some(bytes) = long.get(&at) {
                push_bytes(bytes, &mut out);
            } else if nulls[at / 8] & 1 << (at % 8) != 0 {
                out.push_str("NULL");
            } else {
                push_value(code, unsigned, &mut rest, &mut out)?;
            }
        }
        out.push_str(&self.sql[copied..]);
        Some(out)
    }
}

/// The next bytes.
fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*taken)
}

/// Writes one value as SQL has it.
fn push_value(code: u8, unsigned: bool, rest: &mut &[u8], out: &mut String) -> Option<()> {
    let integer = match code {
        NULL => {
            out.push_str("NULL");
            return Some(());
        }
        TINY => {
            let [byte] = take(rest)?;
            if unsigned {
                i128::from(byte)
            } else {
                i128::from(byte.cast_signed())
            }
        }
        SHORT => {
            let bytes = take(rest)?;
            if unsigned {
                i128::from(u16::from_le_bytes(bytes))
            } else {
                i128::from(i16::from_le_bytes(bytes))
            }
        }
        LONG => {
            let bytes = take(rest)?;
            if unsigned {
                i128::from(u32::from_le_bytes(bytes))
            } else {
                i128::from(i32::from_le_bytes(bytes))
            }
        }
        LONG_LONG => {
            let bytes = take(rest)?;
            if unsigned {
                i128::from(u64::from_le_bytes(bytes))
            } else {
                i128::from(i64::from_le_bytes(bytes))
            }
        }
        FLOAT => {
            // `?` keeps a point or an exponent, so that it stays a double.
            let _ = write!(out, "{:?}", f32::from_le_bytes(take(rest)?));
            return Some(());
        }
        DOUBLE => {
            let _ = write!(out, "{:?}", f64::from_le_bytes(take(rest)?));
            return Some(());
        }
        DATE | DATE_TIME | TIMESTAMP => return push_moment(code, rest, out),
        TIME => return None,
        _ => {
            let len = number(rest)?;
            let (bytes, after) = rest.split_at_checked(len)?;
            *rest = after;
            push_bytes(bytes, out);
            return Some(());
        }
    };
    out.push_str(&integer.to_string());
    Some(())
}

/// Length, year, month, day, hour, minute, second, microseconds; zeros at the end are left out.
fn push_moment(code: u8, rest: &mut &[u8], out: &mut String) -> Option<()> {
    let [len] = take(rest)?;
    let (given, after) = rest.split_at_checked(usize::from(len))?;
    *rest = after;
    let mut bytes = [0; 11];
    bytes.get_mut(..given.len())?.copy_from_slice(given);
    let [a, b, month, day, hour, minute, second, micros @ ..] = bytes;
    let year = u16::from_le_bytes([a, b]);
    let _ = write!(out, "'{year:04}-{month:02}-{day:02}");
    if code != DATE {
        let _ = write!(out, " {hour:02}:{minute:02}:{second:02}");
        let micros = u32::from_le_bytes(micros);
        if micros > 0 {
            let _ = write!(out, ".{micros:06}");
        }
    }
    out.push('\'');
    Some(())
}

/// A length of as many bytes as it needs.
fn number(rest: &mut &[u8]) -> Option<usize> {
    let [first] = take(rest)?;
    let number = match first {
        0..=250 => u64::from(first),
        0xfc => u64::from(u16::from_le_bytes(take(rest)?)),
        0xfd => {
            let [a, b, c] = take(rest)?;
            u64::from(u32::from_le_bytes([a, b, c, 0]))
        }
        0xfe => u64::from_le_bytes(take(rest)?),
        _ => return None,
    };
    usize::try_from(number).ok()
}

/// Text as a text, other bytes in hexadecimal.
fn push_bytes(bytes: &[u8], out: &mut String) {
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            out.push('\'');
            out.push_str(&text.replace('\\', "\\\\").replace('\'', "''"));
            out.push('\'');
        }
        Err(_) => {
            out.push_str("x'");
            for byte in bytes {
                let _ = write!(out, "{byte:02x}");
            }
            out.push('\'');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Prepared;

    #[test]
    fn values_are_put_in_the_place_of_question_marks() {
        let mut prepared = Prepared::default();
        let sql = "SELECT ?, '?', ? /* ? */, ?, ?, ?, ?, ?, ? FROM t";
        let (number, count) = prepared.prepare(sql.to_owned()).expect("the text is one");
        assert_eq!((number, count), (1, 8));
        let mut values = vec![1, 0, 0, 0, 0, 1, 0, 0, 0];
        // The third is NULL.
        values.extend_from_slice(&[0b100, 1]);
        values.extend_from_slice(&[3, 0, 8, 0x80, 6, 0, 5, 0, 253, 0, 252, 0, 12, 0, 10, 0]);
        values.extend_from_slice(&(-7_i32).to_le_bytes());
        values.extend_from_slice(&u64::MAX.to_le_bytes());
        values.extend_from_slice(&1.5_f64.to_le_bytes());
        values.extend_from_slice(b"\x06it's \\");
        values.extend_from_slice(b"\x02\x00\xff");
        values.extend_from_slice(&[11, 0xe8, 7, 1, 2, 3, 4, 5, 64, 0, 0, 0]);
        values.extend_from_slice(&[4, 0xe8, 7, 1, 2]);
        let text = prepared.text(&values).expect("the values are whole");
        assert_eq!(
            text,
            "SELECT -7, '?', 18446744073709551615 /* ? */, NULL, 1.5, 'it''s \\\\', x'00ff', \
             '2024-01-02 03:04:05.000064', '2024-01-02' FROM t"
        );
        for len in 0..values.len() {
            assert!(prepared.text(&values[..len]).is_err(), "{len}");
        }
        prepared.close(&[1, 0, 0, 0]);
        let gone = prepared
            .text(&values)
            .expect_err("it is closed")
            .to_string();
        assert!(gone.contains("Unknown prepared statement"), "{gone}");
    }

    #[test]
    fn types_are_told_once_and_long_values_beforehand() {
        let mut prepared = Prepared::default();
        prepared.prepare("? ?".to_owned()).expect("the text is one");
        let first = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 254, 0, 5, 1, b'a'];
        assert_eq!(prepared.text(&first).ok().as_deref(), Some("5 'a'"));
        prepared.add_long(&[1, 0, 0, 0, 1, 0, b'b']);
        prepared.add_long(&[1, 0, 0, 0, 1, 0, b'c']);
        let again = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 6];
        assert_eq!(prepared.text(&again).ok().as_deref(), Some("6 'bc'"));
        prepared.add_long(&[1, 0, 0, 0, 1, 0, b'b']);
        prepared.reset(&[1, 0, 0, 0]);
        assert_eq!(prepared.text(&first).ok().as_deref(), Some("5 'a'"));
    }
}
