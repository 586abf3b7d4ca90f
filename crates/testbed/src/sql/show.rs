//! What SHOW and DESC answer.

use std::sync::Arc;

use crate::ddl::Show;
use crate::schema::{ColumnDefault, Table};
use crate::store::Store;

use super::{SCHEMA, Session, SqlError, SqlResult};

/// Whether a name matches a pattern of LIKE, letters of both cases being equal.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let name: Vec<char> = name.to_lowercase().chars().collect();
    like(&pattern, &name)
}

/// LIKE over characters: `%` is any text, `_` any character, a backslash takes the next as it is.
pub(crate) fn like(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('%', rest)) => (0..=text.len()).any(|skip| like(rest, &text[skip..])),
        Some(('\\', rest)) if !rest.is_empty() => {
            text.first() == rest.first() && like(&rest[1..], &text[1..])
        }
        Some((one, rest)) => text
            .split_first()
            .is_some_and(|(c, more)| (*one == '_' || one == c) && like(rest, more)),
    }
}

/// The names that `like` leaves.
fn kept(name: &str, pattern: Option<&String>) -> bool {
    pattern.is_none_or(|pattern| matches(pattern, name))
}

pub(super) fn run(store: &Store, session: &Session, show: &Show) -> Result<SqlResult, SqlError> {
    let texts = |columns: &[&str], rows: Vec<Vec<&str>>| {
        let owned = rows
            .into_iter()
            .map(|row| row.into_iter().map(str::to_owned).collect());
        SqlResult::of_texts(columns, owned.collect())
    };
    Ok(match show {
        Show::Databases { like } => {
            let mut names: Vec<&str> = store.database_names().chain([SCHEMA]).collect();
            names.sort_unstable();
            names.retain(|name| kept(name, like.as_ref()));
            texts(&["Database"], names.into_iter().map(|n| vec![n]).collect())
        }
        Show::Tables { db, full, like } => tables(store, db, *full, like.as_ref())?,
        Show::TableStatus { db, like } => {
            let names = table_names(store, db)?;
            let kept = names.iter().filter(|name| kept(name, like.as_ref()));
            let rows = kept
                .map(|n| vec![n.as_str(), "StarRocks", "utf8_general_ci", ""])
                .collect();
            texts(&["Name", "Engine", "Collation", "Comment"], rows)
        }
        Show::Describe { db, name } => columns(&*shown(store, session, db, name)?, false, None),
        Show::Columns {
            db,
            name,
            full,
            like,
        } => columns(&*shown(store, session, db, name)?, *full, like.as_ref()),
        Show::CreateTable { db, name } => {
            let table = shown(store, session, db, name)?;
            texts(&["Table", "Create Table"], vec![vec![name, &table.ddl]])
        }
        Show::CreateDatabase { name } => {
            store
                .database(name)
                .ok_or_else(|| SqlError::unknown_database(name))?;
            let ddl = format!("CREATE DATABASE `{name}`");
            texts(&["Database", "Create Database"], vec![vec![name, &ddl]])
        }
        Show::Variables { like } => {
            let variables = session.variables();
            let kept = variables
                .iter()
                .filter(|(name, _)| kept(name, like.as_ref()));
            texts(
                &["Variable_name", "Value"],
                kept.map(|(name, value)| vec![*name, *value]).collect(),
            )
        }
        Show::Catalogs => {
            let row = vec![
                "default_catalog",
                "Internal",
                "An internal catalog contains this cluster's self-managed tables.",
            ];
            texts(&["Catalog", "Type", "Comment"], vec![row])
        }
        Show::Engines => {
            let row = vec![
                "OLAP",
                "YES",
                "Default storage engine of StarRocks",
                "NO",
                "NO",
                "NO",
            ];
            texts(
                &[
                    "Engine",
                    "Support",
                    "Comment",
                    "Transactions",
                    "XA",
                    "Savepoints",
                ],
                vec![row],
            )
        }
        Show::CharacterSets => {
            let row = vec!["utf8mb4", "UTF-8 Unicode", "utf8mb4_general_ci", "4"];
            texts(
                &["Charset", "Description", "Default collation", "Maxlen"],
                vec![row],
            )
        }
        Show::Collations => {
            let row = vec!["utf8mb4_general_ci", "utf8mb4", "45", "Yes", "Yes", "1"];
            texts(
                &[
                    "Collation",
                    "Charset",
                    "Id",
                    "Default",
                    "Compiled",
                    "Sortlen",
                ],
                vec![row],
            )
        }
        Show::Processes => {
            let id = session.id.to_string();
            let db = session.database.as_deref().unwrap_or_default();
            let row = vec![
                id.as_str(),
                &session.user,
                "",
                db,
                "Query",
                "0",
                "OK",
                "SHOW PROCESSLIST",
            ];
            texts(
                &[
                    "Id", "User", "Host", "Db", "Command", "Time", "State", "Info",
                ],
                vec![row],
            )
        }
        Show::None(columns) => texts(columns, Vec::new()),
    })
}

fn table_names(store: &Store, db: &str) -> Result<Vec<String>, SqlError> {
    if db.eq_ignore_ascii_case(SCHEMA) {
        let names = [
            "columns",
            "key_column_usage",
            "schemata",
            "tables",
            "tables_config",
            "views",
        ];
        return Ok(names.map(str::to_owned).to_vec());
    }
    let tables = store
        .database(db)
        .ok_or_else(|| SqlError::unknown_database(db))?;
    Ok(tables.keys().cloned().collect())
}

fn tables(
    store: &Store,
    db: &str,
    full: bool,
    like: Option<&String>,
) -> Result<SqlResult, SqlError> {
    let names = table_names(store, db)?;
    let kept = names.into_iter().filter(|name| kept(name, like));
    let title = format!("Tables_in_{db}");
    Ok(if full {
        let rows = kept
            .map(|name| vec![name, "BASE TABLE".to_owned()])
            .collect();
        SqlResult::of_texts(&[&title, "Table_type"], rows)
    } else {
        SqlResult::of_texts(&[&title], kept.map(|name| vec![name]).collect())
    })
}

/// A table that is asked for by its name, where the user may know of it.
fn shown(store: &Store, session: &Session, db: &str, name: &str) -> Result<Arc<Table>, SqlError> {
    if store.database(db).is_none() && !db.eq_ignore_ascii_case(SCHEMA) {
        return Err(SqlError::unknown_database(db));
    }
    let table = store
        .table(db, name)
        .ok_or_else(|| SqlError::unknown_table(db, name))?;
    session.check_known(db, name)?;
    Ok(table)
}

fn columns(table: &Table, full: bool, like: Option<&String>) -> SqlResult {
    let rows: Vec<_> = (0..table.columns.len())
        .filter(|at| kept(&table.columns[*at].name, like))
        .map(|at| column(table, at, full))
        .collect();
    if full {
        let names = [
            "Field",
            "Type",
            "Collation",
            "Null",
            "Key",
            "Default",
            "Extra",
            "Privileges",
            "Comment",
        ];
        SqlResult::of_texts(&names, rows)
    } else {
        SqlResult::of_texts(&["Field", "Type", "Null", "Key", "Default", "Extra"], rows)
    }
}

fn column(table: &Table, at: usize, full: bool) -> Vec<String> {
    let c = &table.columns[at];
    let default = match &c.default {
        Some(ColumnDefault::Text(text)) => text.clone(),
        Some(ColumnDefault::CurrentTimestamp) => "CURRENT_TIMESTAMP".to_owned(),
        None => "NULL".to_owned(),
    };
    let null = if c.nullable { "YES" } else { "NO" }.to_owned();
    let key = if table.is_key(at) { "true" } else { "false" }.to_owned();
    let (name, ty) = (c.name.clone(), c.ty.to_string());
    if full {
        let none = String::new;
        return vec![
            name,
            ty,
            none(),
            null,
            key,
            default,
            none(),
            none(),
            c.comment.clone(),
        ];
    }
    vec![name, ty, null, key, default, String::new()]
}
