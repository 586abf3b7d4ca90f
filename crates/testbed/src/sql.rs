//! SQL over the stand-in's tables: declarations are ours, the rest is SQLite's.

use std::fmt;

use rusqlite::types::ValueRef;
use serde::{Deserialize, Serialize};

use crate::ddl::{self, Statement};
use crate::schema::{ColumnDefault, Model, Table, quoted};
use crate::store::{Store, StoreError};

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
            Self::Real(v) => v.fmt(f),
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
#[error("{0}")]
pub struct SqlError(pub(crate) String);

impl From<StoreError> for SqlError {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

impl From<rusqlite::Error> for SqlError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

/// Runs the statements of `sql`, separated by semicolons, and answers what the last one does.
pub(crate) fn run(store: &mut Store, sql: &str) -> Result<SqlResult, SqlError> {
    let mut last = SqlResult::default();
    for statement in statements(sql) {
        last = run_one(store, statement)?;
    }
    Ok(last)
}

/// Splits at semicolons outside of quotes and comments.
fn statements(sql: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut quote) = (0, None);
    let bytes = sql.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (None, b'\'' | b'"' | b'`') => quote = Some(bytes[at]),
            (Some(q), b) if b == q => quote = None,
            (Some(_), b'\\') => at += 1,
            (None, b'-') if bytes.get(at + 1) == Some(&b'-') => {
                at += bytes[at..]
                    .iter()
                    .position(|b| *b == b'\n')
                    .unwrap_or(bytes.len() - at - 1);
            }
            (None, b';') => {
                parts.push(&sql[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    parts.push(&sql[start..]);
    parts.retain(|p| !p.trim().is_empty());
    parts
}

fn run_one(store: &mut Store, sql: &str) -> Result<SqlResult, SqlError> {
    match ddl::parse(sql).map_err(SqlError)? {
        Statement::CreateDatabase {
            name,
            if_not_exists,
        } => create_database(store, &name, if_not_exists),
        Statement::DropDatabase { name, if_exists } => {
            if store.database(&name).is_some() {
                store.drop_database(&name)?;
            } else if !if_exists {
                return Err(unknown_database(&name));
            }
            Ok(SqlResult::default())
        }
        Statement::CreateTable {
            table,
            if_not_exists,
        } => create_table(store, table, if_not_exists),
        Statement::DropTable {
            db,
            name,
            if_exists,
        } => {
            if store.table(&db, &name).is_some() {
                store.drop_table(&db, &name)?;
            } else if !if_exists {
                return Err(unknown_table(&db, &name));
            }
            Ok(SqlResult::default())
        }
        Statement::Truncate { db, name } => {
            store
                .table(&db, &name)
                .ok_or_else(|| unknown_table(&db, &name))?;
            let changed = store.connection.execute(
                &format!("DELETE FROM {}.{}", quoted(&db), quoted(&name)),
                [],
            )?;
            Ok(SqlResult {
                changed,
                ..SqlResult::default()
            })
        }
        Statement::ShowDatabases => {
            let rows = store.database_names().map(|n| vec![n.to_owned()]).collect();
            Ok(SqlResult::of_texts(&["Database"], rows))
        }
        Statement::ShowTables { db } => {
            let tables = store.database(&db).ok_or_else(|| unknown_database(&db))?;
            let rows = tables.keys().map(|n| vec![n.clone()]).collect();
            Ok(SqlResult::of_texts(&[&format!("Tables_in_{db}")], rows))
        }
        Statement::ShowCreateTable { db, name } => {
            let table = store
                .table(&db, &name)
                .ok_or_else(|| unknown_table(&db, &name))?;
            Ok(SqlResult::of_texts(
                &["Table", "Create Table"],
                vec![vec![name, table.ddl.clone()]],
            ))
        }
        Statement::Describe { db, name } => {
            let table = store
                .table(&db, &name)
                .ok_or_else(|| unknown_table(&db, &name))?;
            Ok(describe(&table))
        }
        Statement::Query => query(store, sql),
        Statement::Change => {
            let changed = store.connection.execute(sql, [])?;
            Ok(SqlResult {
                changed,
                ..SqlResult::default()
            })
        }
    }
}

fn unknown_database(name: &str) -> SqlError {
    SqlError(format!("Unknown database '{name}'"))
}

fn unknown_table(db: &str, name: &str) -> SqlError {
    SqlError(format!("Unknown table '{db}.{name}'"))
}

/// SQLite attaches at most ten files.
const MAX_DATABASES: usize = 10;

fn create_database(
    store: &mut Store,
    name: &str,
    if_not_exists: bool,
) -> Result<SqlResult, SqlError> {
    if store.database(name).is_some() {
        return if if_not_exists {
            Ok(SqlResult::default())
        } else {
            Err(SqlError(format!(
                "Can't create database '{name}'; database exists"
            )))
        };
    }
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && name.len() <= 128;
    if !plain
        || ["main", "temp"]
            .iter()
            .any(|own| name.eq_ignore_ascii_case(own))
    {
        return Err(SqlError(format!(
            "this stand-in cannot have a database named '{name}'"
        )));
    }
    if store
        .database_names()
        .any(|other| other.eq_ignore_ascii_case(name))
    {
        return Err(SqlError(format!(
            "this stand-in cannot have two databases whose names differ in case only: '{name}'"
        )));
    }
    if store.database_names().count() >= MAX_DATABASES {
        return Err(SqlError(format!(
            "this stand-in cannot have more than {MAX_DATABASES} databases"
        )));
    }
    store.create_database(name)?;
    Ok(SqlResult::default())
}

fn create_table(
    store: &mut Store,
    table: Table,
    if_not_exists: bool,
) -> Result<SqlResult, SqlError> {
    let tables = store
        .database(&table.db)
        .ok_or_else(|| unknown_database(&table.db))?;
    if tables.contains_key(&table.name) {
        return if if_not_exists {
            Ok(SqlResult::default())
        } else {
            Err(SqlError(format!("Table '{}' already exists", table.name)))
        };
    }
    if tables
        .keys()
        .any(|other| other.eq_ignore_ascii_case(&table.name))
    {
        return Err(SqlError(format!(
            "this stand-in cannot have two tables whose names differ in case only: '{}'",
            table.name
        )));
    }
    store.create_table(table)?;
    Ok(SqlResult::default())
}

fn describe(table: &Table) -> SqlResult {
    let rows = table
        .columns
        .iter()
        .enumerate()
        .map(|(at, c)| {
            let key = table.is_key(at) && (table.model == Model::Primary || !table.keys.is_empty());
            let default = match &c.default {
                Some(ColumnDefault::Text(text)) => text.clone(),
                Some(ColumnDefault::CurrentTimestamp) => "CURRENT_TIMESTAMP".to_owned(),
                None => "NULL".to_owned(),
            };
            let word = |yes: bool, one: &str, other: &str| if yes { one } else { other }.to_owned();
            vec![
                c.name.clone(),
                c.ty.to_string(),
                word(c.nullable, "YES", "NO"),
                word(key, "true", "false"),
                default,
                String::new(),
            ]
        })
        .collect();
    SqlResult::of_texts(&["Field", "Type", "Null", "Key", "Default", "Extra"], rows)
}

fn query(store: &Store, sql: &str) -> Result<SqlResult, SqlError> {
    let mut statement = store.connection.prepare(sql)?;
    if !statement.readonly() {
        return Err(SqlError("a query must not change anything".to_owned()));
    }
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = Vec::new();
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        let value = |at: usize| -> Result<SqlValue, SqlError> {
            Ok(match row.get_ref(at)? {
                ValueRef::Null => SqlValue::Null,
                ValueRef::Integer(v) => SqlValue::Integer(v),
                ValueRef::Real(v) => SqlValue::Real(v),
                ValueRef::Text(v) => SqlValue::Text(String::from_utf8_lossy(v).into_owned()),
                ValueRef::Blob(v) => SqlValue::Blob(v.to_vec()),
            })
        };
        rows.push(
            (0..columns.len())
                .map(value)
                .collect::<Result<Vec<_>, _>>()?,
        );
    }
    Ok(SqlResult {
        columns,
        rows,
        changed: 0,
    })
}
