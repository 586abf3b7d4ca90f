//! Answers: OK, error, end, and rows as text.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::column_type::ColumnType;
use crate::sql::{Ran, SqlError, SqlValue};

use super::packets::{Packets, put_bytes, put_number};

/// Number of the collation `utf8mb4_general_ci`.
pub(super) const UTF8MB4: u8 = 45;

const BINARY: u8 = 63;
const AUTOCOMMIT: u16 = 2;
const MORE_RESULTS: u16 = 8;

/// What is told of a command.
#[derive(Debug)]
pub(super) enum Answer {
    Ok { changed: usize },
    End,
    Text(String),
    Rows(Ran),
    Error(SqlError),
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
            Answer::Rows(ran) => self.rows(ran, status).await?,
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

    async fn rows(&mut self, ran: &Ran, status: u16) -> io::Result<()> {
        let result = &ran.result;
        let mut out = Vec::new();
        put_number(&mut out, result.columns.len() as u64);
        self.write(&out);
        for (at, name) in result.columns.iter().enumerate() {
            let ty = ran.types.get(at).and_then(Option::as_ref);
            let shown = ty.map_or_else(
                || Shown::of_values(result.rows.iter().filter_map(|row| row.get(at))),
                Shown::of_type,
            );
            self.write(&shown.definition(name));
        }
        self.end(status);
        for row in &result.rows {
            out.clear();
            for value in row {
                match value {
                    SqlValue::Null => out.push(0xfb),
                    SqlValue::Blob(bytes) => put_bytes(&mut out, bytes),
                    SqlValue::Text(text) => put_bytes(&mut out, text.as_bytes()),
                    other => put_bytes(&mut out, other.to_string().as_bytes()),
                }
            }
            self.write(&out);
            self.flush_when_full().await?;
        }
        self.end(status);
        Ok(())
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

const DOUBLE: Shown = Shown::new(5, 22, 31);
const LONG_LONG: Shown = Shown::new(8, 20, 0);
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
            ColumnType::Boolean => Self::new(1, 1, 0),
            ColumnType::TinyInt => Self::new(1, 4, 0),
            ColumnType::SmallInt => Self::new(2, 6, 0),
            ColumnType::Int => Self::new(3, 11, 0),
            ColumnType::BigInt => LONG_LONG,
            ColumnType::Float => Self::new(4, 12, 31),
            ColumnType::Double => DOUBLE,
            ColumnType::Decimal { precision, scale } => {
                Self::new(246, u32::from(*precision) + 2, *scale)
            }
            ColumnType::Date => Self::new(10, 10, 0),
            ColumnType::DateTime => Self::new(12, 26, 0),
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
