//! SQL over the stand-in's tables: declarations are ours, the rest is SQLite's.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::column_type::ColumnType;
use crate::ddl::{self, Statement};
use crate::decimal::double;
use crate::store::{Store, StoreError};
use crate::tokens::{Token, spanned};

mod alter;
mod declare;
mod functions;
mod information_schema;
mod query;
mod session;
mod show;

pub(crate) use functions::add_functions;
pub(crate) use information_schema::{InformationSchema, SCHEMA};
pub(crate) use session::{Session, VERSION};
pub(crate) use show::like;

/// A value in a result. BOOLEAN is 0 or 1; LARGEINT, DECIMAL, DATE and DATETIME are text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SqlValue {
    /// SQL NULL.
    Null,
    /// A whole number.
    Integer(i64),
    /// A floating point number.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes of a VARBINARY.
    Blob(Vec<u8>),
}

impl fmt::Display for SqlValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Integer(v) => v.fmt(f),
            Self::Real(v) => f.write_str(&double(*v)),
            Self::Text(v) => f.write_str(v),
            Self::Blob(v) => v.iter().try_for_each(|b| write!(f, "{b:02x}")),
        }
    }
}

/// What a statement answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SqlResult {
    /// Names of the columns; empty for a statement that answers no rows.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<SqlValue>>,
    /// Rows that the statement changed.
    pub changed: usize,
}

impl SqlResult {
    /// The rows as text, values of a row joined by tabs: what tests compare.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let line = |row: &Vec<SqlValue>| {
            row.iter()
                .map(SqlValue::to_string)
                .collect::<Vec<_>>()
                .join("\t")
        };
        self.rows.iter().map(line).collect()
    }

    /// The one whole number of a result of one row and one column.
    #[must_use]
    pub fn number(&self) -> Option<i64> {
        match self.rows.as_slice() {
            [row] => match row.as_slice() {
                [SqlValue::Integer(n)] => Some(*n),
                _ => None,
            },
            _ => None,
        }
    }

    fn of_texts(columns: &[&str], rows: Vec<Vec<String>>) -> Self {
        let rows = rows
            .into_iter()
            .map(|row| row.into_iter().map(SqlValue::Text).collect())
            .collect();
        Self {
            columns: columns.iter().map(|c| (*c).to_owned()).collect(),
            rows,
            changed: 0,
        }
    }
}

impl fmt::Display for SqlResult {
    /// A table with aligned columns.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.columns.is_empty() {
            return write!(f, "{} rows changed", self.changed);
        }
        let rows: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|r| r.iter().map(SqlValue::to_string).collect())
            .collect();
        let width = |at: usize| {
            let longest = rows
                .iter()
                .filter_map(|r| r.get(at))
                .map(|v| v.chars().count())
                .max()
                .unwrap_or(0);
            longest.max(self.columns[at].chars().count())
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let line = |f: &mut fmt::Formatter<'_>, row: &[String]| {
            let shown: Vec<_> = row
                .iter()
                .zip(&widths)
                .map(|(value, width)| format!("{value:width$}"))
                .collect();
            writeln!(f, "{}", shown.join(" | ").trim_end())
        };
        line(f, &self.columns)?;
        let rules: Vec<_> = widths.iter().map(|w| "-".repeat(*w)).collect();
        writeln!(f, "{}", rules.join("-+-"))?;
        rows.iter().try_for_each(|row| line(f, row))?;
        write!(f, "{} rows", rows.len())
    }
}

/// A statement that was refused or failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SqlError {
    /// MySQL's number of the error.
    pub(crate) code: u16,
    message: String,
}

impl SqlError {
    /// A statement that is wrong or not known (`ER_PARSE_ERROR`).
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::coded(1064, message)
    }

    pub(crate) fn coded(code: u16, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    pub(crate) fn unknown_database(name: &str) -> Self {
        Self::coded(1049, format!("Unknown database '{name}'"))
    }

    pub(crate) fn unknown_table(db: &str, name: &str) -> Self {
        Self::coded(1146, format!("Unknown table '{db}.{name}'"))
    }

    pub(crate) fn no_database() -> Self {
        Self::coded(1046, "No database selected")
    }
}

impl From<StoreError> for SqlError {
    fn from(error: StoreError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<rusqlite::Error> for SqlError {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            // Its own text shows the whole statement, in SQLite's words.
            rusqlite::Error::SqlInputError { msg, .. } => Self::new(msg),
            other => Self::new(other.to_string()),
        }
    }
}

/// A result with the types of its columns, where they are a table's; others have the types of their values.
#[derive(Debug, Default)]
pub(crate) struct Ran {
    pub(crate) result: SqlResult,
    pub(crate) types: Vec<Option<ColumnType>>,
}

impl From<SqlResult> for Ran {
    fn from(result: SqlResult) -> Self {
        let types = vec![None; result.columns.len()];
        Self { result, types }
    }
}

/// Runs the statements of `sql`, separated by semicolons, and answers what the last one does.
pub(crate) fn run(
    store: &mut Store,
    session: &mut Session,
    sql: &str,
) -> Result<SqlResult, SqlError> {
    let mut last = SqlResult::default();
    for statement in statements(sql) {
        last = run_one(store, session, statement)?.result;
    }
    Ok(last)
}

/// The statements of a text: what stands between semicolons and is more than blanks and comments.
pub(crate) fn statements(sql: &str) -> Vec<&str> {
    let Ok(tokens) = spanned(sql) else {
        // Read as one statement it is refused with the reason.
        return vec![sql];
    };
    let separators = tokens.split(|(token, _)| *token == Token::Mark(';'));
    let range = |tokens: &[(Token, Range<usize>)]| {
        let (first, last) = tokens.first().zip(tokens.last())?;
        Some(&sql[first.1.start..last.1.end])
    };
    separators.filter_map(range).collect()
}

/// Runs one statement.
pub(crate) fn run_one(
    store: &mut Store,
    session: &mut Session,
    sql: &str,
) -> Result<Ran, SqlError> {
    let statement = ddl::parse(sql, session.database.as_deref())?;
    session.may(&statement)?;
    let done = match statement {
        Statement::Nothing => SqlResult::default(),
        Statement::Use { db } => {
            session.enter(store, &db)?;
            SqlResult::default()
        }
        Statement::Set(values) => {
            session.set(values);
            SqlResult::default()
        }
        Statement::Show(show) => show::run(store, session, &show)?,
        Statement::Query => return query::query(store, session, sql),
        Statement::Change => query::change(store, session, sql)?,
        Statement::AlterTable { db, name, adds } => alter::run(store, session, &db, &name, &adds)?,
        declaration => declare::run(store, declaration)?,
    };
    Ok(done.into())
}
