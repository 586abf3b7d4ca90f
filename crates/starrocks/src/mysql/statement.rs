//! The statements that are sent. Pure.
//!
//! StarRocks takes texts in quotes with MySQL's backslashes, and names in backticks, a backtick in them being doubled
//! (`StarRocksLex.g4`, `SINGLE_QUOTED_TEXT` and `BACKQUOTED_IDENTIFIER`).

/// `name` as an identifier.
fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn table_name(database: &str, table: &str) -> String {
    format!("{}.{}", identifier(database), identifier(table))
}

/// `value` as a text.
fn text(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('\'');
    for c in value.chars() {
        if matches!(c, '\'' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('\'');
    out
}

fn of_table(what: &str, from: &str, database: &str, table: &str) -> String {
    format!(
        "SELECT {what} FROM information_schema.{from} WHERE TABLE_SCHEMA = {} AND TABLE_NAME = {}",
        text(database),
        text(table)
    )
}

/// The columns of a table: name, type, `YES` where it may be NULL, key.
pub(super) fn columns(database: &str, table: &str) -> String {
    let what = "COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_KEY";
    let ask = of_table(what, "columns", database, table);
    format!("{ask} ORDER BY ORDINAL_POSITION")
}

/// The model of a table.
pub(super) fn model(database: &str, table: &str) -> String {
    of_table("TABLE_MODEL", "tables_config", database, table)
}

/// Looks at a table, and is refused where it is missing or the user has no right on it.
pub(super) fn describe(database: &str, table: &str) -> String {
    format!("DESC {}", table_name(database, table))
}

/// Adds columns, given by name and type, behind the others. They may be NULL, as StarRocks has it where nothing is said.
pub(super) fn add_columns(database: &str, table: &str, columns: &[(&str, &str)]) -> String {
    let columns = columns
        .iter()
        .map(|(name, column_type)| format!("{} {column_type} NULL", identifier(name)));
    let columns: Vec<_> = columns.collect();
    format!(
        "ALTER TABLE {} ADD COLUMN ({})",
        table_name(database, table),
        columns.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_stay_what_they_are() {
        let columns = [("a`b", "ARRAY<DATETIME>"), ("c", "DECIMAL(9,2)")];
        let rows = [
            (
                model("d'; DROP", "t\\"),
                "SELECT TABLE_MODEL FROM information_schema.tables_config WHERE TABLE_SCHEMA = 'd\\'; DROP' AND TABLE_NAME = 't\\\\'",
            ),
            (
                super::columns("d", "t"),
                "SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_KEY FROM information_schema.columns \
                 WHERE TABLE_SCHEMA = 'd' AND TABLE_NAME = 't' ORDER BY ORDINAL_POSITION",
            ),
            (describe("d", "`"), "DESC `d`.````"),
            (
                add_columns("d", "t", &columns),
                "ALTER TABLE `d`.`t` ADD COLUMN (`a``b` ARRAY<DATETIME> NULL, `c` DECIMAL(9,2) NULL)",
            ),
        ];
        for (sql, expect) in rows {
            assert_eq!(sql, expect);
        }
    }
}
