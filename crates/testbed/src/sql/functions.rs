//! Functions of StarRocks that SQLite has by another name, where clients ask for them by themselves.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

/// Adds them to a connection.
pub(crate) fn add_functions(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    // Where a text begins in another, from 1; JDBC looks into types of columns by it.
    connection.create_scalar_function("locate", 2, flags, |context| {
        let (part, text): (Option<String>, Option<String>) = (context.get(0)?, context.get(1)?);
        Ok(part.zip(text).map(|(part, text)| {
            let at = text.find(&part).map(|at| text[..at].chars().count() + 1);
            i64::try_from(at.unwrap_or(0)).unwrap_or(i64::MAX)
        }))
    })
}
