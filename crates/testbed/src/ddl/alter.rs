//! `ALTER TABLE … ADD COLUMN`: what it says, and the table that it makes of another.
//!
//! Refusals are worded as StarRocks does (`SchemaChangeHandler.addColumnInternal`, `checkAndAddColumn`, `finalAnalyze`,
//! `AlterTableClauseAnalyzer.visitAddColumnClause`).

use std::borrow::Cow;
use std::ops::Range;

use crate::coerce::{self, Source};
use crate::parser::Parser;
use crate::rows::Rows;
use crate::schema::{Column, ColumnDefault, Table, quoted_for_starrocks};
use crate::sql::SqlError;
use crate::tokens::{Token, spanned};

use super::{Statement, parse};

/// A column that is added, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AddColumn {
    pub(crate) column: Column,
    pub(crate) position: Position,
}

/// Where a column is put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Position {
    Last,
    First,
    After(String),
}

impl Parser {
    /// What follows `ALTER TABLE`: a table, and what is added to it.
    pub(super) fn alter_table(&mut self) -> Result<Statement, String> {
        let (db, name) = self.table_name()?;
        let mut adds = Vec::new();
        loop {
            if !self.take("ADD") {
                return Err(format!(
                    "the stand-in does not know ALTER TABLE … {}",
                    self.here()
                ));
            }
            if !self.take("COLUMN") && self.peek() != Some(&Token::Mark('(')) {
                return Err(format!(
                    "the stand-in does not know ALTER TABLE … ADD {}",
                    self.here()
                ));
            }
            self.added(&mut adds)?;
            if !self.mark(',') {
                return Ok(Statement::AlterTable { db, name, adds });
            }
        }
    }

    /// One column with its position, or several in parentheses, which StarRocks' grammar gives none.
    fn added(&mut self, adds: &mut Vec<AddColumn>) -> Result<(), String> {
        if !self.mark('(') {
            let column = self.column()?;
            let position = if self.take("FIRST") {
                Position::First
            } else if self.take("AFTER") {
                Position::After(self.name("a column")?)
            } else {
                Position::Last
            };
            adds.push(AddColumn { column, position });
            return Ok(());
        }
        loop {
            let (column, position) = (self.column()?, Position::Last);
            adds.push(AddColumn { column, position });
            if !self.mark(',') {
                return self.expect_mark(')');
            }
        }
    }
}

impl AddColumn {
    /// What is wrong with the column whatever the table is.
    pub(crate) fn check(&self) -> Result<(), SqlError> {
        let column = &self.column;
        if !column.nullable && column.default.is_none() {
            return Err(SqlError::coded(
                1364,
                format!(
                    "Field '{}' is not null but doesn't have a default value",
                    column.name
                ),
            ));
        }
        let Some(ColumnDefault::Text(text)) = &column.default else {
            return Ok(());
        };
        let invalid = |why: String| {
            SqlError::new(format!(
                "Invalid default value for '{}': {why}",
                column.name
            ))
        };
        if column.ty.is_nested() {
            return Err(invalid(format!("the type {} takes none", column.ty)));
        }
        let source = Source::Text(Cow::Borrowed(text));
        coerce::cell(column, &source, true, &mut Rows::default()).map_err(invalid)?;
        Ok(())
    }
}

/// The table with the columns added.
pub(crate) fn altered(table: &Table, adds: &[AddColumn]) -> Result<Table, SqlError> {
    let damaged = || SqlError::new(format!("the stand-in cannot read back: {}", table.ddl));
    let (parts, whole) = column_parts(&table.ddl).ok_or_else(damaged)?;
    let mut columns: Vec<(&str, Cow<'_, str>)> = table
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .zip(
            parts
                .into_iter()
                .map(|part| Cow::Borrowed(&table.ddl[part])),
        )
        .collect();
    for (at, add) in adds.iter().enumerate() {
        let name = add.column.name.as_str();
        let same = |column: &Column| column.name.eq_ignore_ascii_case(name);
        if table.columns.iter().any(same) {
            return Err(SqlError::new(format!(
                "Can not add column which already exists in base table: {name}"
            )));
        }
        match adds[..at].iter().find(|other| same(&other.column)) {
            Some(other) if other.column == add.column => continue,
            Some(_) => {
                return Err(SqlError::new(format!(
                    "Repeatedly add same column with different definition: {name}"
                )));
            }
            None => {}
        }
        let to = match &add.position {
            Position::Last => columns.len(),
            Position::First => 0,
            Position::After(other) => {
                let found = columns
                    .iter()
                    .position(|(name, _)| name.eq_ignore_ascii_case(other));
                let missing = || SqlError::new(format!("Column[{other}] does not found"));
                found.ok_or_else(missing)? + 1
            }
        };
        // StarRocks makes keys of leading columns where none are declared: no value is ever the first.
        if to < table.keys.len().max(1) {
            return Err(SqlError::new(format!(
                "Invalid column order. value should be after key. index[{}]",
                table.name
            )));
        }
        columns.insert(to, (name, Cow::Owned(declared(&add.column))));
    }
    let shown: Vec<_> = columns.iter().map(|(_, text)| text.trim()).collect();
    let ddl = format!(
        "{}{}{}",
        &table.ddl[..whole.start],
        shown.join(",\n  "),
        &table.ddl[whole.end..]
    );
    match parse(&ddl, Some(&table.db))? {
        Statement::CreateTable { table, .. } => Ok(table),
        _ => Err(damaged()),
    }
}

/// Where each column stands in the text of a CREATE TABLE, and where all of them do.
fn column_parts(ddl: &str) -> Option<(Vec<Range<usize>>, Range<usize>)> {
    let tokens = spanned(ddl).ok()?;
    let mut tokens = tokens
        .into_iter()
        .skip_while(|(token, _)| *token != Token::Mark('('));
    let start = tokens.next()?.1.end;
    let (mut parts, mut from, mut depth) = (Vec::new(), start, 0_usize);
    for (token, range) in tokens {
        match token {
            Token::Mark('(' | '<') => depth += 1,
            Token::Mark(')') if depth == 0 => {
                parts.push(from..range.start);
                return Some((parts, start..range.start));
            }
            Token::Mark(')' | '>') => depth = depth.saturating_sub(1),
            Token::Mark(',') if depth == 0 => {
                parts.push(from..range.start);
                from = range.end;
            }
            _ => {}
        }
    }
    None
}

/// The column as a CREATE TABLE has it.
fn declared(column: &Column) -> String {
    let text = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let null = if column.nullable { "NULL" } else { "NOT NULL" };
    let default = match &column.default {
        Some(ColumnDefault::Text(default)) => format!(" DEFAULT {}", text(default)),
        Some(ColumnDefault::CurrentTimestamp) => " DEFAULT CURRENT_TIMESTAMP".to_owned(),
        None => String::new(),
    };
    format!(
        "{} {} {null}{default} COMMENT {}",
        quoted_for_starrocks(&column.name),
        column.ty,
        text(&column.comment)
    )
}

#[cfg(test)]
mod tests {
    use super::{Statement, altered, parse};
    use crate::schema::Table;

    fn table(ddl: &str) -> Table {
        match parse(ddl, None) {
            Ok(Statement::CreateTable { table, .. }) => table,
            other => panic!("not read as CREATE TABLE: {other:?}"),
        }
    }

    fn columns(table: &Table) -> String {
        let shown = table.columns.iter().map(|c| {
            let null = if c.nullable { "" } else { " not null" };
            format!("{} {}{null}", c.name, c.ty)
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    /// The columns of `d.t` after the clause, or what it is refused with.
    fn check(clause: &str, expect: &str) {
        let before = table(
            "CREATE TABLE d.t (a INT NOT NULL, b MAP<INT,DECIMAL(9,2)>, -- , )
             c STRING COMMENT 'x)') PRIMARY KEY (a) DISTRIBUTED BY HASH(a) PROPERTIES ('x' = 'y')",
        );
        let done = parse(&format!("ALTER TABLE d.t {clause}"), None).and_then(|statement| {
            let Statement::AlterTable { adds, .. } = statement else {
                panic!("not read as ALTER TABLE: {statement:?}");
            };
            adds.iter().try_for_each(super::AddColumn::check)?;
            altered(&before, &adds)
        });
        let got = match done {
            Ok(after) => {
                assert_eq!(table(&after.ddl), after, "{clause}: it is read back");
                assert!(after.ddl.contains("PROPERTIES ('x' = 'y')"), "{clause}");
                columns(&after)
            }
            Err(error) => format!("! {} {error}", error.code),
        };
        let old = "a int not null, b map<int,decimal(9,2)>, c varchar(65533)";
        assert_eq!(got, expect.replace("OLD", old), "{clause}");
    }

    #[test]
    fn columns_are_added() {
        check("ADD COLUMN x INT", "OLD, x int");
        check("ADD COLUMN x INT;", "OLD, x int");
        check("ADD (x INT)", "OLD, x int");
        check(
            "ADD COLUMN (x INT NULL, `y z` ARRAY<DATETIME> COMMENT 'a\\\\b\"c')",
            "OLD, x int, y z array<datetime>",
        );
        check(
            "ADD COLUMN x INT NOT NULL DEFAULT \"7\" COMMENT 'x' AFTER B, ADD COLUMN y BOOLEAN",
            "a int not null, b map<int,decimal(9,2)>, x int not null, c varchar(65533), y boolean",
        );
        check(
            "ADD COLUMN x STRUCT<a INT, b ARRAY<STRING>>, ADD COLUMN y INT AFTER x",
            "OLD, x struct<a int, b array<varchar(65533)>>, y int",
        );
        check("ADD COLUMN x INT, ADD COLUMN x INT", "OLD, x int");
        check(
            "ADD COLUMN x DATETIME DEFAULT CURRENT_TIMESTAMP",
            "OLD, x datetime",
        );
        check(
            "ADD COLUMN x INT AFTER a",
            "a int not null, x int, b map<int,decimal(9,2)>, c varchar(65533)",
        );
    }

    #[test]
    fn what_starrocks_refuses_is_refused_with_its_words() {
        let rows = [
            (
                "ADD COLUMN C INT",
                "1064 Can not add column which already exists in base table: C",
            ),
            (
                "ADD COLUMN x INT NOT NULL",
                "1364 Field 'x' is not null but doesn't have a default value",
            ),
            (
                "ADD COLUMN (y INT, x INT NOT NULL DEFAULT NULL)",
                "1364 Field 'x' is not null but doesn't have a default value",
            ),
            (
                "ADD COLUMN x INT FIRST",
                "1064 Invalid column order. value should be after key. index[t]",
            ),
            (
                "ADD COLUMN x INT AFTER none",
                "1064 Column[none] does not found",
            ),
            (
                "ADD COLUMN x INT, ADD COLUMN X BIGINT",
                "1064 Repeatedly add same column with different definition: X",
            ),
            (
                "ADD COLUMN x ARRAY<INT> DEFAULT '[]'",
                "1064 Invalid default value for 'x': the type array<int> takes none",
            ),
            (
                "ADD COLUMN __op INT",
                "1064 __op is reserved and cannot be a column",
            ),
            (
                "ADD COLUMN x INT KEY",
                "1064 the stand-in does not know `KEY` on column `x`",
            ),
            (
                "ADD COLUMN x INT TO r",
                "1064 the stand-in does not know `TO` on column `x`",
            ),
            (
                "ADD PARTITION p1",
                "1064 the stand-in does not know ALTER TABLE … ADD `PARTITION`",
            ),
            (
                "DROP COLUMN a",
                "1064 the stand-in does not know ALTER TABLE … `DROP`",
            ),
        ];
        for (clause, expect) in rows {
            check(clause, &format!("! {expect}"));
        }
        let wrong = parse("ALTER TABLE d.t ADD COLUMN x INT DEFAULT 'y'", None);
        let Ok(Statement::AlterTable { adds, .. }) = wrong else {
            panic!("not read as ALTER TABLE: {wrong:?}");
        };
        let message = adds[0].check().expect_err("y is no number").to_string();
        assert!(
            message.starts_with("Invalid default value for 'x'"),
            "{message}"
        );
    }
}
