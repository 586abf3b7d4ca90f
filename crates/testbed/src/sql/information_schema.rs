//! `information_schema`: what there is, as tables that every query can read.

use rusqlite::{Connection, params};

use crate::column_type::ColumnType;
use crate::schema::{Column, ColumnDefault, Model, Table};
use crate::store::Databases;

/// The name of the database.
pub(crate) const SCHEMA: &str = "information_schema";

const TABLES: &str = "
    ATTACH ':memory:' AS information_schema;
    CREATE TABLE information_schema.schemata (
        CATALOG_NAME TEXT, SCHEMA_NAME TEXT, DEFAULT_CHARACTER_SET_NAME TEXT, DEFAULT_COLLATION_NAME TEXT, SQL_PATH TEXT);
    CREATE TABLE information_schema.tables (
        TABLE_CATALOG TEXT, TABLE_SCHEMA TEXT, TABLE_NAME TEXT, TABLE_TYPE TEXT, ENGINE TEXT, VERSION INTEGER,
        ROW_FORMAT TEXT, TABLE_ROWS INTEGER, AVG_ROW_LENGTH INTEGER, DATA_LENGTH INTEGER, MAX_DATA_LENGTH INTEGER,
        INDEX_LENGTH INTEGER, DATA_FREE INTEGER, AUTO_INCREMENT INTEGER, CREATE_TIME TEXT, UPDATE_TIME TEXT,
        CHECK_TIME TEXT, TABLE_COLLATION TEXT, CHECKSUM INTEGER, CREATE_OPTIONS TEXT, TABLE_COMMENT TEXT);
    CREATE TABLE information_schema.tables_config (
        TABLE_SCHEMA TEXT, TABLE_NAME TEXT, TABLE_ENGINE TEXT, TABLE_MODEL TEXT, PRIMARY_KEY TEXT, PARTITION_KEY TEXT,
        DISTRIBUTE_KEY TEXT, DISTRIBUTE_TYPE TEXT, DISTRIBUTE_BUCKET INTEGER, SORT_KEY TEXT, PROPERTIES TEXT);
    CREATE TABLE information_schema.columns (
        TABLE_CATALOG TEXT, TABLE_SCHEMA TEXT, TABLE_NAME TEXT, COLUMN_NAME TEXT, ORDINAL_POSITION INTEGER,
        COLUMN_DEFAULT TEXT, IS_NULLABLE TEXT, DATA_TYPE TEXT, CHARACTER_MAXIMUM_LENGTH INTEGER,
        CHARACTER_OCTET_LENGTH INTEGER, NUMERIC_PRECISION INTEGER, NUMERIC_SCALE INTEGER, DATETIME_PRECISION INTEGER,
        CHARACTER_SET_NAME TEXT, COLLATION_NAME TEXT, COLUMN_TYPE TEXT, COLUMN_KEY TEXT, EXTRA TEXT, PRIVILEGES TEXT,
        COLUMN_COMMENT TEXT, COLUMN_SIZE INTEGER, DECIMAL_DIGITS INTEGER, GENERATION_EXPRESSION TEXT, SRS_ID INTEGER);
    CREATE TABLE information_schema.views (
        TABLE_CATALOG TEXT, TABLE_SCHEMA TEXT, TABLE_NAME TEXT, VIEW_DEFINITION TEXT);
    CREATE TABLE information_schema.key_column_usage (
        CONSTRAINT_CATALOG TEXT, CONSTRAINT_SCHEMA TEXT, CONSTRAINT_NAME TEXT, TABLE_CATALOG TEXT, TABLE_SCHEMA TEXT,
        TABLE_NAME TEXT, COLUMN_NAME TEXT, ORDINAL_POSITION INTEGER, POSITION_IN_UNIQUE_CONSTRAINT INTEGER,
        REFERENCED_TABLE_SCHEMA TEXT, REFERENCED_TABLE_NAME TEXT, REFERENCED_COLUMN_NAME TEXT);";

/// The tables of `information_schema`, kept as the catalogue is.
pub(crate) struct InformationSchema;

impl InformationSchema {
    pub(crate) fn attach(connection: &Connection) -> rusqlite::Result<()> {
        connection.execute_batch(TABLES)
    }

    /// Writes anew what the catalogue holds, of tables those that are `known` by database and name.
    pub(crate) fn fill(
        connection: &Connection,
        databases: &Databases,
        known: impl Fn(&str, &str) -> bool,
    ) -> rusqlite::Result<()> {
        connection.execute_batch(
            "DELETE FROM information_schema.schemata; DELETE FROM information_schema.tables;
             DELETE FROM information_schema.tables_config; DELETE FROM information_schema.columns;",
        )?;
        for name in databases.keys().map(String::as_str).chain([SCHEMA]) {
            connection.execute(
                "INSERT INTO information_schema.schemata VALUES ('def', ?1, 'utf8', 'utf8_general_ci', NULL)",
                [name],
            )?;
        }
        let tables = databases.values().flat_map(|tables| tables.values());
        for table in tables.filter(|table| known(&table.db, &table.name)) {
            add_table(connection, table)?;
            for (at, column) in table.columns.iter().enumerate() {
                add_column(connection, table, at, column)?;
            }
        }
        Ok(())
    }
}

fn add_table(connection: &Connection, table: &Table) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO information_schema.tables (TABLE_CATALOG, TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, ENGINE,
         TABLE_COLLATION, TABLE_COMMENT) VALUES ('def', ?1, ?2, 'BASE TABLE', 'StarRocks', 'utf8_general_ci', '')",
        params![table.db, table.name],
    )?;
    let keys: Vec<_> = table.keys.iter().map(|k| format!("`{k}`")).collect();
    let keys = keys.join(", ");
    let primary = if table.model == Model::Primary {
        keys.as_str()
    } else {
        ""
    };
    connection.execute(
        "INSERT INTO information_schema.tables_config (TABLE_SCHEMA, TABLE_NAME, TABLE_ENGINE, TABLE_MODEL, PRIMARY_KEY,
         SORT_KEY, PROPERTIES) VALUES (?1, ?2, 'OLAP', ?3, ?4, ?5, '{}')",
        params![table.db, table.name, table.model.keys_type(), primary, keys],
    )?;
    Ok(())
}

/// Digits of a number: those in all, and those behind the point.
fn digits(ty: &ColumnType) -> Option<(u8, u8)> {
    Some(match ty {
        ColumnType::Boolean => (1, 0),
        ColumnType::TinyInt => (3, 0),
        ColumnType::SmallInt => (5, 0),
        ColumnType::Int => (10, 0),
        ColumnType::BigInt => (19, 0),
        ColumnType::LargeInt => (38, 0),
        ColumnType::Float => (7, 7),
        ColumnType::Double => (15, 15),
        ColumnType::Decimal { precision, scale } => (*precision, *scale),
        _ => return None,
    })
}

fn add_column(
    connection: &Connection,
    table: &Table,
    at: usize,
    column: &Column,
) -> rusqlite::Result<()> {
    let length = match column.ty {
        ColumnType::Char(n) | ColumnType::Varchar(n) | ColumnType::Varbinary(n) => Some(n),
        _ => None,
    };
    let (precision, scale) = digits(&column.ty).unzip();
    let key = match (table.is_key(at), table.model) {
        (false, _) => "",
        (true, Model::Primary) => "PRI",
        (true, Model::Duplicate) => "DUP",
    };
    let default = column.default.as_ref().map(|default| match default {
        ColumnDefault::Text(text) => text.as_str(),
        ColumnDefault::CurrentTimestamp => "CURRENT_TIMESTAMP",
    });
    connection.execute(
        "INSERT INTO information_schema.columns (TABLE_CATALOG, TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, ORDINAL_POSITION,
         COLUMN_DEFAULT, IS_NULLABLE, DATA_TYPE, CHARACTER_MAXIMUM_LENGTH, CHARACTER_OCTET_LENGTH, NUMERIC_PRECISION,
         NUMERIC_SCALE, COLUMN_TYPE, COLUMN_KEY, EXTRA, PRIVILEGES, COLUMN_COMMENT, COLUMN_SIZE, DECIMAL_DIGITS,
         GENERATION_EXPRESSION)
         VALUES ('def', ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?10, ?11, ?12, '', '', ?13, ?14, ?10, NULL)",
        params![
            table.db,
            table.name,
            column.name,
            i64::try_from(at + 1).unwrap_or(i64::MAX),
            default,
            if column.nullable { "YES" } else { "NO" },
            column.ty.data_type(),
            length,
            precision,
            scale,
            column.ty.mysql_type(),
            key,
            column.comment,
            length.or(precision.map(u32::from)),
        ],
    )?;
    Ok(())
}
