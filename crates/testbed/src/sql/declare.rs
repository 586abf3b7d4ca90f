//! Statements that make, empty and drop databases and tables.

use crate::ddl::Statement;
use crate::schema::{Table, quoted};
use crate::store::Store;

use super::{SCHEMA, SqlError, SqlResult};

pub(super) fn run(store: &mut Store, statement: Statement) -> Result<SqlResult, SqlError> {
    match statement {
        Statement::CreateDatabase {
            name,
            if_not_exists,
        } => create_database(store, &name, if_not_exists),
        Statement::DropDatabase { name, if_exists } => {
            if store.database(&name).is_some() {
                store.drop_database(&name)?;
            } else if !if_exists {
                return Err(SqlError::unknown_database(&name));
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
                return Err(SqlError::unknown_table(&db, &name));
            }
            Ok(SqlResult::default())
        }
        Statement::Truncate { db, name } => {
            store
                .table(&db, &name)
                .ok_or_else(|| SqlError::unknown_table(&db, &name))?;
            let changed = store.connection.execute(
                &format!("DELETE FROM {}.{}", quoted(&db), quoted(&name)),
                [],
            )?;
            Ok(SqlResult {
                changed,
                ..SqlResult::default()
            })
        }
        other => Err(SqlError::new(format!("this is no declaration: {other:?}"))),
    }
}

/// SQLite attaches at most ten, and one of them is `information_schema`.
const MAX_DATABASES: usize = 9;

fn create_database(
    store: &mut Store,
    name: &str,
    if_not_exists: bool,
) -> Result<SqlResult, SqlError> {
    if store.database(name).is_some() {
        return if if_not_exists {
            Ok(SqlResult::default())
        } else {
            Err(SqlError::coded(
                1007,
                format!("Can't create database '{name}'; database exists"),
            ))
        };
    }
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && name.len() <= 128;
    if !plain
        || ["main", "temp", SCHEMA]
            .iter()
            .any(|own| name.eq_ignore_ascii_case(own))
    {
        return Err(SqlError::new(format!(
            "this stand-in cannot have a database named '{name}'"
        )));
    }
    if store
        .database_names()
        .any(|other| other.eq_ignore_ascii_case(name))
    {
        return Err(SqlError::new(format!(
            "this stand-in cannot have two databases whose names differ in case only: '{name}'"
        )));
    }
    if store.database_names().count() >= MAX_DATABASES {
        return Err(SqlError::new(format!(
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
        .ok_or_else(|| SqlError::unknown_database(&table.db))?;
    if tables.contains_key(&table.name) {
        return if if_not_exists {
            Ok(SqlResult::default())
        } else {
            Err(SqlError::coded(
                1050,
                format!("Table '{}' already exists", table.name),
            ))
        };
    }
    if tables
        .keys()
        .any(|other| other.eq_ignore_ascii_case(&table.name))
    {
        return Err(SqlError::new(format!(
            "this stand-in cannot have two tables whose names differ in case only: '{}'",
            table.name
        )));
    }
    store.create_table(table)?;
    Ok(SqlResult::default())
}
