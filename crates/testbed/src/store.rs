//! Tables, rows and the transactions' memory, in SQLite.
//!
//! One file for the stand-in's own memory and one per database, attached under the database's name, so that
//! `SELECT … FROM db.table` is SQLite's own. A commit writes rows and state in one SQLite transaction over both files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::ddl::{self, Statement};
use crate::headers::LoadHeaders;
use crate::plan::LoadPlan;
use crate::rows::{Cell, Rows};
use crate::schema::{ColumnDefault, Model, Table, quoted};
use crate::spec::LoadSpec;
use crate::sql::{InformationSchema, add_functions};
use crate::txns::Txn;

/// The memory could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("{path}: {source}")]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the stand-in's memory in {0} does not make sense: {1}")]
    Damaged(PathBuf, String),
}

mod alter;

pub(crate) type Databases = BTreeMap<String, BTreeMap<String, Arc<Table>>>;

#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) connection: Connection,
    dir: PathBuf,
    databases: Databases,
}

/// A prepared load that is kept: the headers it was planned by and its bodies.
pub(crate) struct Staged {
    pub(crate) headers: LoadHeaders,
    pub(crate) units: Vec<Vec<u8>>,
}

/// How rows are put into their table.
pub(crate) struct Applied<'a> {
    pub(crate) table: &'a Table,
    pub(crate) rows: &'a Rows,
    /// Columns that an upsert sets; `None` is all.
    pub(crate) set: Option<Vec<&'a str>>,
    pub(crate) merge_condition: Option<&'a str>,
}

impl<'a> Applied<'a> {
    pub(crate) fn new(
        table: &'a Table,
        rows: &'a Rows,
        spec: &'a LoadSpec,
        plan: &'a LoadPlan,
    ) -> Self {
        Self {
            table,
            rows,
            set: spec.partial_update.then(|| plan.loaded(table)),
            merge_condition: spec.merge_condition.as_deref(),
        }
    }
}

const OWN_TABLES: &str = "
    CREATE TABLE IF NOT EXISTS main.stand_in_databases (name TEXT PRIMARY KEY);
    CREATE TABLE IF NOT EXISTS main.stand_in_tables (db TEXT, name TEXT, ddl TEXT, PRIMARY KEY (db, name));
    CREATE TABLE IF NOT EXISTS main.stand_in_alters (db TEXT, name TEXT, ddl TEXT, PRIMARY KEY (db, name));
    CREATE TABLE IF NOT EXISTS main.stand_in_txns (id INTEGER PRIMARY KEY, txn TEXT);
    CREATE TABLE IF NOT EXISTS main.stand_in_staged (txn INTEGER, seq INTEGER, body BLOB, PRIMARY KEY (txn, seq));
    CREATE TABLE IF NOT EXISTS main.stand_in_headers (txn INTEGER PRIMARY KEY, headers TEXT);";

impl Store {
    /// Opens or makes the memory in `dir`; another stand-in on the same directory is an error.
    pub(crate) fn open(dir: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(dir).map_err(|source| StoreError::File {
            path: dir.to_owned(),
            source,
        })?;
        let connection = Connection::open(dir.join("stand-in.sqlite"))?;
        // Only a process that is ending lets go of the lock soon; one that runs keeps it.
        connection.busy_timeout(std::time::Duration::from_millis(500))?;
        tune(&connection, "main")?;
        connection.execute_batch(&format!("BEGIN EXCLUSIVE; {OWN_TABLES} COMMIT;"))?;
        let mut store = Self {
            connection,
            dir: dir.to_owned(),
            databases: Databases::new(),
        };
        store.read_catalogue()?;
        Ok(store)
    }

    fn read_catalogue(&mut self) -> Result<(), StoreError> {
        for name in self.strings("SELECT name FROM main.stand_in_databases")? {
            self.attach(&name)?;
            self.databases.insert(name, BTreeMap::new());
        }
        for (db, sql) in self.declarations("stand_in_tables")? {
            let table = match ddl::parse(&sql, Some(&db)) {
                Ok(Statement::CreateTable { table, .. }) => table,
                other => return Err(StoreError::Damaged(self.dir.clone(), format!("{other:?}"))),
            };
            self.databases
                .entry(table.db.clone())
                .or_default()
                .insert(table.name.clone(), Arc::new(table));
        }
        InformationSchema::attach(&self.connection)?;
        add_functions(&self.connection)?;
        self.tell_catalogue(|_, _| true)
    }

    /// Each table's database and declaration.
    fn declarations(&self, kept_in: &str) -> Result<Vec<(String, String)>, StoreError> {
        let mut statement = self
            .connection
            .prepare(&format!("SELECT db, ddl FROM main.{kept_in}"))?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Writes the tables that are `known`, by database and name, into `information_schema`.
    pub(crate) fn tell_catalogue(
        &self,
        known: impl Fn(&str, &str) -> bool,
    ) -> Result<(), StoreError> {
        Ok(InformationSchema::fill(
            &self.connection,
            &self.databases,
            known,
        )?)
    }

    fn strings(&self, sql: &str) -> Result<Vec<String>, StoreError> {
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(crate) fn catalogue(&self) -> &Databases {
        &self.databases
    }

    pub(crate) fn database_names(&self) -> impl Iterator<Item = &str> {
        self.databases.keys().map(String::as_str)
    }

    pub(crate) fn database(&self, name: &str) -> Option<&BTreeMap<String, Arc<Table>>> {
        self.databases.get(name)
    }

    pub(crate) fn table(&self, db: &str, name: &str) -> Option<Arc<Table>> {
        self.databases.get(db)?.get(name).cloned()
    }

    fn file_of(&self, db: &str) -> PathBuf {
        self.dir.join(format!("db-{db}.sqlite"))
    }

    fn attach(&self, db: &str) -> Result<(), StoreError> {
        let path = self.file_of(db);
        self.connection.execute(
            &format!("ATTACH ?1 AS {}", quoted(db)),
            [path.to_string_lossy()],
        )?;
        tune(&self.connection, &quoted(db))
    }

    pub(crate) fn create_database(&mut self, name: &str) -> Result<(), StoreError> {
        self.attach(name)?;
        self.connection
            .execute("INSERT INTO main.stand_in_databases VALUES (?1)", [name])?;
        self.databases.insert(name.to_owned(), BTreeMap::new());
        self.tell_catalogue(|_, _| true)
    }

    pub(crate) fn drop_database(&mut self, name: &str) -> Result<(), StoreError> {
        for of_tables in ["stand_in_tables", "stand_in_alters"] {
            let sql = format!("DELETE FROM main.{of_tables} WHERE db = ?1");
            self.connection.execute(&sql, [name])?;
        }
        self.connection.execute(
            "DELETE FROM main.stand_in_databases WHERE name = ?1",
            [name],
        )?;
        self.connection
            .execute_batch(&format!("DETACH {}", quoted(name)))?;
        self.databases.remove(name);
        self.tell_catalogue(|_, _| true)?;
        let path = self.file_of(name);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(StoreError::File { path, source })
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn create_table(&mut self, table: Table) -> Result<(), StoreError> {
        let transaction = self.connection.unchecked_transaction()?;
        transaction.execute_batch(&sqlite_ddl(&table))?;
        transaction.execute(
            "INSERT INTO main.stand_in_tables VALUES (?1, ?2, ?3)",
            [&table.db, &table.name, &table.ddl],
        )?;
        transaction.commit()?;
        self.databases
            .entry(table.db.clone())
            .or_default()
            .insert(table.name.clone(), Arc::new(table));
        self.tell_catalogue(|_, _| true)
    }

    pub(crate) fn drop_table(&mut self, db: &str, name: &str) -> Result<(), StoreError> {
        let transaction = self.connection.unchecked_transaction()?;
        transaction.execute_batch(&format!("DROP TABLE {}.{}", quoted(db), quoted(name)))?;
        for of_tables in ["stand_in_tables", "stand_in_alters"] {
            let sql = format!("DELETE FROM main.{of_tables} WHERE db = ?1 AND name = ?2");
            transaction.execute(&sql, [db, name])?;
        }
        transaction.commit()?;
        if let Some(tables) = self.databases.get_mut(db) {
            tables.remove(name);
        }
        self.tell_catalogue(|_, _| true)
    }

    // Transactions.

    pub(crate) fn txns(&self) -> Result<Vec<Txn>, StoreError> {
        let damaged = |e: serde_json::Error| StoreError::Damaged(self.dir.clone(), e.to_string());
        self.strings("SELECT txn FROM main.stand_in_txns")?
            .iter()
            .map(|t| serde_json::from_str(t).map_err(damaged))
            .collect()
    }

    pub(crate) fn save_txn(&self, txn: &Txn) -> Result<(), StoreError> {
        let shown = serde_json::to_string(txn)
            .map_err(|e| StoreError::Damaged(self.dir.clone(), e.to_string()))?;
        self.connection
            .prepare("INSERT OR REPLACE INTO main.stand_in_txns VALUES (?1, ?2)")?
            .execute(params![txn.id, shown])?;
        Ok(())
    }

    pub(crate) fn forget_txn(&self, id: i64) -> Result<(), StoreError> {
        self.connection
            .execute("DELETE FROM main.stand_in_txns WHERE id = ?1", [id])?;
        Ok(())
    }

    /// Keeps a prepared load, with its transaction's new state, in one step.
    pub(crate) fn stage(&self, txn: &Txn, staged: &Staged) -> Result<(), StoreError> {
        let transaction = self.connection.unchecked_transaction()?;
        let headers = serde_json::to_string(&staged.headers)
            .map_err(|e| StoreError::Damaged(self.dir.clone(), e.to_string()))?;
        transaction.execute(
            "INSERT OR REPLACE INTO main.stand_in_headers VALUES (?1, ?2)",
            params![txn.id, headers],
        )?;
        for (seq, body) in staged.units.iter().enumerate() {
            transaction.execute(
                "INSERT OR REPLACE INTO main.stand_in_staged VALUES (?1, ?2, ?3)",
                params![txn.id, seq as i64, body],
            )?;
        }
        self.save_txn(txn)?;
        Ok(transaction.commit()?)
    }

    pub(crate) fn staged(&self, txn: i64) -> Result<Option<Staged>, StoreError> {
        let headers: Option<String> = self
            .connection
            .query_row(
                "SELECT headers FROM main.stand_in_headers WHERE txn = ?1",
                [txn],
                |row| row.get(0),
            )
            .optional()?;
        let Some(headers) = headers else {
            return Ok(None);
        };
        let headers = serde_json::from_str(&headers)
            .map_err(|e| StoreError::Damaged(self.dir.clone(), e.to_string()))?;
        let mut statement = self
            .connection
            .prepare("SELECT body FROM main.stand_in_staged WHERE txn = ?1 ORDER BY seq")?;
        let units = statement
            .query_map([txn], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Ok(Some(Staged { headers, units }))
    }

    /// Writes the transaction's new state and drops what was kept for it; `rows`, if any, go into their table, all in one step.
    pub(crate) fn finish(&self, txn: &Txn, rows: Option<&Applied<'_>>) -> Result<(), StoreError> {
        let transaction = self.connection.unchecked_transaction()?;
        if let Some(rows) = rows {
            apply(&transaction, rows)?;
        }
        transaction.execute("DELETE FROM main.stand_in_staged WHERE txn = ?1", [txn.id])?;
        transaction.execute("DELETE FROM main.stand_in_headers WHERE txn = ?1", [txn.id])?;
        self.save_txn(txn)?;
        Ok(transaction.commit()?)
    }
}

/// Rows must survive the end of the process, not of the machine.
fn tune(connection: &Connection, schema: &str) -> Result<(), StoreError> {
    for (pragma, value) in [
        ("locking_mode", "EXCLUSIVE"),
        ("journal_mode", "TRUNCATE"),
        ("synchronous", "OFF"),
    ] {
        connection
            .query_row(&format!("PRAGMA {schema}.{pragma} = {value}"), [], |_| {
                Ok(())
            })
            .optional()?;
    }
    Ok(())
}

fn sqlite_ddl(table: &Table) -> String {
    let mut parts: Vec<String> = table
        .columns
        .iter()
        .map(|c| {
            let null = if c.nullable { "" } else { " NOT NULL" };
            let default = match &c.default {
                Some(ColumnDefault::Text(text)) => {
                    format!(" DEFAULT '{}'", text.replace('\'', "''"))
                }
                Some(ColumnDefault::CurrentTimestamp) => " DEFAULT CURRENT_TIMESTAMP".to_owned(),
                None => String::new(),
            };
            format!("{} {}{null}{default}", quoted(&c.name), c.ty.storage())
        })
        .collect();
    if table.model == Model::Primary {
        let keys: Vec<_> = table.keys.iter().map(|k| quoted(k)).collect();
        parts.push(format!("PRIMARY KEY ({})", keys.join(", ")));
    }
    format!(
        "CREATE TABLE {}.{} ({}) STRICT",
        quoted(&table.db),
        quoted(&table.name),
        parts.join(", ")
    )
}

fn upsert_sql(applied: &Applied<'_>) -> String {
    let table = applied.table;
    let names: Vec<_> = table.columns.iter().map(|c| quoted(&c.name)).collect();
    let marks = vec!["?"; names.len()].join(", ");
    let mut sql = format!(
        "INSERT INTO {}.{} ({}) VALUES ({marks})",
        quoted(&table.db),
        quoted(&table.name),
        names.join(", ")
    );
    if table.model == Model::Primary {
        let set: Vec<String> = table
            .columns
            .iter()
            .enumerate()
            .filter(|(at, c)| {
                !table.is_key(*at)
                    && applied
                        .set
                        .as_ref()
                        .is_none_or(|s| s.contains(&c.name.as_str()))
            })
            .map(|(_, c)| format!("{0} = excluded.{0}", quoted(&c.name)))
            .collect();
        let keys: Vec<_> = table.keys.iter().map(|k| quoted(k)).collect();
        sql.push_str(&format!(" ON CONFLICT ({}) DO ", keys.join(", ")));
        if set.is_empty() {
            sql.push_str("NOTHING");
        } else {
            sql.push_str(&format!("UPDATE SET {}", set.join(", ")));
            if let Some(column) = applied.merge_condition {
                sql.push_str(&format!(
                    " WHERE excluded.{0} >= {1}.{0}",
                    quoted(column),
                    quoted(&table.name)
                ));
            }
        }
    }
    sql
}

fn apply(connection: &Connection, applied: &Applied<'_>) -> Result<(), StoreError> {
    let table = applied.table;
    let mut upsert = connection.prepare(&upsert_sql(applied))?;
    let keys: Vec<_> = table
        .keys
        .iter()
        .map(|k| format!("{} = ?", quoted(k)))
        .collect();
    let mut delete = if table.model == Model::Primary {
        let sql = format!(
            "DELETE FROM {}.{} WHERE {}",
            quoted(&table.db),
            quoted(&table.name),
            keys.join(" AND ")
        );
        Some(connection.prepare(&sql)?)
    } else {
        None
    };
    for (is_delete, cells) in applied.rows.iter() {
        let (statement, cells) = match (&mut delete, is_delete) {
            (Some(delete), true) => (delete, &cells[..table.keys.len()]),
            _ => (&mut upsert, cells),
        };
        for (at, cell) in cells.iter().enumerate() {
            statement.raw_bind_parameter(at + 1, value(applied.rows, *cell))?;
        }
        statement.raw_execute()?;
    }
    Ok(())
}

fn value(rows: &Rows, cell: Cell) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(match cell {
        Cell::Null => ValueRef::Null,
        Cell::Int(v) => ValueRef::Integer(v),
        Cell::Real(v) => ValueRef::Real(v),
        Cell::Text { start, len } => ValueRef::Text(rows.bytes(start, len)),
        Cell::Blob { start, len } => ValueRef::Blob(rows.bytes(start, len)),
    })
}
