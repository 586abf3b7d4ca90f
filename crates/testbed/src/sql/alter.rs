//! `ALTER TABLE … ADD COLUMN`.

use crate::ddl::{AddColumn, altered};
use crate::store::Store;

use super::{Session, SqlError, SqlResult};

/// As StarRocks does it: first what stands in the statement is looked at, then the right to it, then the table's state.
pub(super) fn run(
    store: &mut Store,
    session: &Session,
    db: &str,
    name: &str,
    adds: &[AddColumn],
) -> Result<SqlResult, SqlError> {
    let tables = store
        .database(db)
        .ok_or_else(|| SqlError::unknown_database(db))?;
    let table = tables
        .get(name)
        .cloned()
        .ok_or_else(|| SqlError::unknown_table(db, name))?;
    adds.iter().try_for_each(AddColumn::check)?;
    session.may_alter(db, name)?;
    if store.is_altering(db, name)? {
        return Err(SqlError::new(in_progress(name)));
    }
    let altered = altered(&table, adds)?;
    if session.alters_slowly {
        store.begin_alter(&altered)?;
    } else {
        store.alter_table(altered, &session.now)?;
    }
    Ok(SqlResult::default())
}

/// `InvalidOlapTableStateException` of a table whose state is SCHEMA_CHANGE.
fn in_progress(table: &str) -> String {
    format!(
        "A schema change operation is in progress on the table \"{table}\". Please wait until the current operation completes.\n\
         To check the status of the operation, see \
         https://docs.starrocks.io/docs/sql-reference/sql-statements/data-definition/SHOW_ALTER"
    )
}
