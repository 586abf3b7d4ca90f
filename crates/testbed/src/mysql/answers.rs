//! Answers: OK, error, end, and rows as text or in binary.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::column_type::ColumnType;
use crate::dates::Moment;
use crate::sql::{Ran, SqlError, SqlValue};

use super::packets::{Packets, put_bytes, put_number};
use super::prepared;

/// Number of the collation `utf8mb4_general_ci`.
pub(super) const UTF8MB4: u8 = 45;

const BINARY: u8 = 63;
const AUTOCOMMIT: u16 = 2;
const MORE_RESULTS: u16 = 8;

/// What is told of a command.
#[derive(Debug)]
pub(super) enum Answer {
    Ok {
        changed: usize,
    },
    End,
    Text(String),
    Rows(Ran, Rows),
    /// A prepared statement's number, and how many values it takes.
    Prepared {
        number: u32,
        parameters: usize,
    },
    Error(SqlError),
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    Text,
    /// For statements that were prepared.
    Binary,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Packets<S> {
    /// Sends an answer; `more` says that another follows.
    pub(super) async fn answer(&mut self, answer: &Answer, more: bool) -> io::Result<()> {
        let status = AUTOCOMMIT | if more { MORE_RESULTS } else { 0 };
        match answer {
            Answer::Ok { changed } => {
                let mut out = vec![0];
                put_number(&mut out, *changed as u64);
                out.push(0);
                out.extend_from_slice(&status.to_le_bytes());
                out.extend_from_slice(&[0, 0]);
                self.write(&out);
            }
            Answer::End => self.end(status),
            Answer::Text(text) => self.write(text.as_bytes()),
            Answer::Rows(ran, rows) => self.rows(ran, *rows, status).await?,
            Answer::Prepared { number, parameters } => {
                let count = u16::try_from(*parameters).unwrap_or(u16::MAX);
                let mut out = vec![0];
                out.extend_from_slice(&number.to_le_bytes());
                // The columns are told by each execution.
                out.extend_from_slice(&[0, 0]);
                out.extend_from_slice(&count.to_le_bytes());
                out.extend_from_slice(&[0, 0, 0]);
                self.write(&out);
                for _ in 0..count {
                    self.write(&TEXT.definition("?"));
                }
                if count > 0 {
                    self.end(status);
                }
            }
            Answer::Error(error) => {
                let mut out = vec![0xff];
                out.extend_from_slice(&error.code.to_le_bytes());
                out.push(b'#');
                out.extend_from_slice(state(error.code));
                out.extend_from_slice(error.to_string().as_bytes());
                self.write(&out);
            }
        }
        self.flush().await
    }

    fn end(&mut self, status: u16) {
        let [a, b] = status.to_le_bytes();
        self.write(&[0xfe, 0, 0, a, b]);
    }

    async fn rows(&mut self, ran: &Ran, rows: Rows, status: u16) -> io::Result<()> {
        let result = &ran.result;
        let mut out = Vec::new();
        put_number(&mut out, result.columns.len() as u64);
        self.write(&out);
        let mut shown = Vec::new();
        for (at, name) in result.columns.iter().enumerate() {
            let ty = ran.types.get(at).and_then(Option::as_ref);
            let column = ty.map_or_else(
                || Shown::of_values(result.rows.iter().filter_map(|row| row.get(at))),
                Shown::of_type,
            );
            self.write(&column.definition(name));
            shown.push(column);
        }
        self.end(status);
        for row in &result.rows {
            out.clear();
            match rows {
                Rows::Text => row.iter().for_each(|value| match value {
                    SqlValue::Null => out.push(0xfb),
                    value => put_text(&mut out, value),
                }),
                Rows::Binary => put_binary_row(&mut out, row, &shown),
            }
            self.write(&out);
            self.flush_when_full().await?;
        }
        self.end(status);
        Ok(())
    }
}

fn put_text(out: &mut Vec<u8>, value: &SqlValue) {
    match value {
        SqlValue::Blob(bytes) => put_bytes(out, bytes),
        SqlValue::Text(text) => put_bytes(out, text.as_bytes()),
        other => put_bytes(out, other.to_string().as_bytes()),
    }
}

/// `ProtocolBinary::ResultsetRow`: which values are NULL, then the others by the types of their columns.
fn put_binary_row(out: &mut Vec<u8>, row: &[SqlValue], shown: &[Shown]) {
    out.push(0);
    // The first two bits mean nothing.
    let nulls = out.len();
    out.resize(nulls + (row.len() + 2).div_ceil(8), 0);
    for (at, (value, column)) in row.iter().zip(shown).enumerate() {
        match value {
            SqlValue::Null => out[nulls + (at + 2) / 8] |= 1 << ((at + 2) % 8),
            value => put_binary(out, value, *column),
        }
    }
}

fn put_binary(out: &mut Vec<u8>, value: &SqlValue, column: Shown) {
    let integer = match value {
        SqlValue::Integer(value) => *value,
        _ => 0,
    };
    let real = match value {
        SqlValue::Integer(value) => *value as f64,
        SqlValue::Real(value) => *value,
        _ => 0.0,
    };
    match column.code {
        prepared::TINY => out.extend_from_slice(&integer.to_le_bytes()[..1]),
        prepared::SHORT => out.extend_from_slice(&integer.to_le_bytes()[..2]),
        prepared::LONG => out.extend_from_slice(&integer.to_le_bytes()[..4]),
        prepared::LONG_LONG => out.extend_from_slice(&integer.to_le_bytes()),
        prepared::FLOAT => out.extend_from_slice(&(real as f32).to_le_bytes()),
        prepared::DOUBLE => out.extend_from_slice(&real.to_le_bytes()),
        prepared::DATE | prepared::DATE_TIME => {
            let moment = Moment::parse(&value.to_string()).map(Moment::parts);
            let Some((year, [month, day, hour, minute, second], micros)) = moment else {
                return out.push(0);
            };
            out.push(11);
            out.extend_from_slice(&year.to_le_bytes());
            out.extend_from_slice(&[month, day, hour, minute, second]);
            out.extend_from_slice(&micros.to_le_bytes());
        }
        _ => put_text(out, value),
    }
}

/// The class of an error (`SQLSTATE`).
fn state(code: u16) -> &'static [u8] {
    match code {
        1045 => b"28000",
        1043 | 1047 => b"08S01",
        1046 => b"3D000",
        1049 | 1064 => b"42000",
        1146 => b"42S02",
        _ => b"HY000",
    }
}

/// A column as MySQL describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shown {
    /// `MYSQL_TYPE_…`.
    code: u8,
    length: u32,
    decimals: u8,
}

const DOUBLE: Shown = Shown::new(prepared::DOUBLE, 22, 31);
const LONG_LONG: Shown = Shown::new(prepared::LONG_LONG, 20, 0);
const BLOB: Shown = Shown::new(252, 1_048_576, 0);
const TEXT: Shown = Shown::new(253, 1_048_576, 0);

impl Shown {
    const fn new(code: u8, length: u32, decimals: u8) -> Self {
        Self {
            code,
            length,
            decimals,
        }
    }

    /// As a column of a table (`PrimitiveType.toMysqlType`).
    fn of_type(ty: &ColumnType) -> Self {
        match ty {
            ColumnType::Boolean => Self::new(prepared::TINY, 1, 0),
            ColumnType::TinyInt => Self::new(prepared::TINY, 4, 0),
            ColumnType::SmallInt => Self::new(prepared::SHORT, 6, 0),
            ColumnType::Int => Self::new(prepared::LONG, 11, 0),
            ColumnType::BigInt => LONG_LONG,
            ColumnType::Float => Self::new(prepared::FLOAT, 12, 31),
            ColumnType::Double => DOUBLE,
            ColumnType::Decimal { precision, scale } => {
                Self::new(246, u32::from(*precision) + 2, *scale)
            }
            ColumnType::Date => Self::new(prepared::DATE, 10, 0),
            ColumnType::DateTime => Self::new(prepared::DATE_TIME, 26, 0),
            ColumnType::Char(n) => Self::new(254, n * 4, 0),
            ColumnType::Varchar(n) => Self::new(253, n * 4, 0),
            ColumnType::Varbinary(n) => Self::new(252, *n, 0),
            ColumnType::LargeInt => Self::new(254, 40, 0),
            ColumnType::Json
            | ColumnType::Array(_)
            | ColumnType::Map(..)
            | ColumnType::Struct(_) => TEXT,
        }
    }

    /// As what the values are, where they come of an expression.
    fn of_values<'v>(values: impl Iterator<Item = &'v SqlValue>) -> Self {
        let mut shown = None;
        for value in values {
            let own = match value {
                SqlValue::Null => continue,
                SqlValue::Integer(_) => LONG_LONG,
                SqlValue::Real(_) => DOUBLE,
                SqlValue::Text(_) => TEXT,
                SqlValue::Blob(_) => BLOB,
            };
            shown = Some(match shown {
                None => own,
                Some(other) if other == own => own,
                Some(LONG_LONG | DOUBLE) if own == LONG_LONG || own == DOUBLE => DOUBLE,
                Some(_) => TEXT,
            });
        }
        shown.unwrap_or(TEXT)
    }

    /// `ColumnDefinition41`.
    fn definition(self, name: &str) -> Vec<u8> {
        let mut out = Vec::new();
        put_bytes(&mut out, b"def");
        // Database, table and the table's own name.
        out.extend_from_slice(&[0, 0, 0]);
        put_bytes(&mut out, name.as_bytes());
        put_bytes(&mut out, name.as_bytes());
        let text = matches!(self.code, 253 | 254);
        let collation = if text { UTF8MB4 } else { BINARY };
        out.extend_from_slice(&[12, collation, 0]);
        out.extend_from_slice(&self.length.to_le_bytes());
        // Flags of binary values and of numbers.
        let flags: u16 = match self.code {
            252 => 0x90,
            1..=8 | 246 => 0x8000,
            _ => 0,
        };
        out.push(self.code);
        out.extend_from_slice(&flags.to_le_bytes());
        out.extend_from_slice(&[self.decimals, 0, 0]);
        out
    }
}
