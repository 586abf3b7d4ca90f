//! Tables that get other columns.

use std::borrow::Cow;
use std::sync::Arc;

use crate::coerce::{self, Source};
use crate::ddl::{self, Statement};
use crate::rows::{Cell, Rows};
use crate::schema::{Column, ColumnDefault, Table, quoted};

use super::{Store, StoreError, sqlite_ddl, value};

/// What a table is called while its rows are copied.
const COPY: &str = "stand-in altering";

/// The value that rows get in a column that is added.
fn default_cell(column: &Column, now: &str, rows: &mut Rows) -> Cell {
    let text = match &column.default {
        None => return Cell::Null,
        Some(ColumnDefault::Text(text)) => text,
        Some(ColumnDefault::CurrentTimestamp) => now,
    };
    // A default that does not fit was refused with the statement.
    let source = Source::Text(Cow::Borrowed(text));
    coerce::cell(column, &source, false, rows).unwrap_or(Cell::Null)
}

impl Store {
    /// Gives a table more columns. Its rows have their defaults in them, that of CURRENT_TIMESTAMP being `now`.
    pub(crate) fn alter_table(&mut self, table: Table, now: &str) -> Result<(), StoreError> {
        let old = self.table(&table.db, &table.name);
        let is_old = |name: &str| old.as_ref().is_some_and(|t| t.column_index(name).is_some());
        let (kept, new): (Vec<_>, Vec<_>) = table.columns.iter().partition(|c| is_old(&c.name));
        let names = |columns: &[&Column]| columns.iter().map(|c| quoted(&c.name)).collect();
        let (mut into, mut from): (Vec<String>, Vec<String>) = (names(&kept), names(&kept));
        into.extend(new.iter().map(|c| quoted(&c.name)));
        from.extend(new.iter().map(|_| "?".to_owned()));
        let (db, copy, name) = (quoted(&table.db), quoted(COPY), quoted(&table.name));
        let transaction = self.connection.unchecked_transaction()?;
        transaction.execute_batch(&sqlite_ddl(&Table {
            name: COPY.to_owned(),
            ..table.clone()
        }))?;
        {
            let mut copying = transaction.prepare(&format!(
                "INSERT INTO {db}.{copy} ({}) SELECT {} FROM {db}.{name}",
                into.join(", "),
                from.join(", ")
            ))?;
            let mut rows = Rows::default();
            for (at, column) in new.iter().enumerate() {
                let cell = default_cell(column, now, &mut rows);
                copying.raw_bind_parameter(at + 1, value(&rows, cell))?;
            }
            copying.raw_execute()?;
        }
        transaction.execute_batch(&format!(
            "DROP TABLE {db}.{name}; ALTER TABLE {db}.{copy} RENAME TO {name}"
        ))?;
        transaction.execute(
            "UPDATE main.stand_in_tables SET ddl = ?3 WHERE db = ?1 AND name = ?2",
            [&table.db, &table.name, &table.ddl],
        )?;
        transaction.execute(
            "DELETE FROM main.stand_in_alters WHERE db = ?1 AND name = ?2",
            [&table.db, &table.name],
        )?;
        transaction.commit()?;
        if let Some(tables) = self.databases.get_mut(&table.db) {
            tables.insert(table.name.clone(), Arc::new(table));
        }
        self.tell_catalogue(|_, _| true)
    }

    /// Keeps what a table is to become.
    pub(crate) fn begin_alter(&self, table: &Table) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO main.stand_in_alters VALUES (?1, ?2, ?3)",
            [&table.db, &table.name, &table.ddl],
        )?;
        Ok(())
    }

    /// Whether the table is to become another.
    pub(crate) fn is_altering(&self, db: &str, name: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM main.stand_in_alters WHERE db = ?1 AND name = ?2";
        Ok(self.connection.prepare(sql)?.exists([db, name])?)
    }

    /// Makes the tables what they are to become; answers how many there were.
    pub(crate) fn finish_alters(&mut self, now: &str) -> Result<usize, StoreError> {
        let begun = self.declarations("stand_in_alters")?;
        for (db, ddl) in &begun {
            match ddl::parse(ddl, Some(db)) {
                Ok(Statement::CreateTable { table, .. }) => self.alter_table(table, now)?,
                other => return Err(StoreError::Damaged(self.dir.clone(), format!("{other:?}"))),
            }
        }
        Ok(begun.len())
    }
}
