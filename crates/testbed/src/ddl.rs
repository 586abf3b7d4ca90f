//! Reads the StarRocks statements that declare and look at tables.
//!
//! What is not known is refused by its name: a stand-in that skips a clause would accept a table that StarRocks builds differently.

use crate::column_type::ColumnType;
use crate::parser::Parser;
use crate::schema::{Model, Table};
use crate::sql::SqlError;
use crate::tokens::Token;

mod alter;
mod columns;
mod show;

pub(crate) use alter::{AddColumn, altered};
pub(crate) use show::Show;

/// A statement that the stand-in carries out itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Statement {
    CreateDatabase {
        name: String,
        if_not_exists: bool,
    },
    DropDatabase {
        name: String,
        if_exists: bool,
    },
    CreateTable {
        table: Table,
        if_not_exists: bool,
    },
    DropTable {
        db: String,
        name: String,
        if_exists: bool,
    },
    AlterTable {
        db: String,
        name: String,
        adds: Vec<AddColumn>,
    },
    Truncate {
        db: String,
        name: String,
    },
    Use {
        db: String,
    },
    /// Names and values of variables; those of a user begin with `@`.
    Set(Vec<(String, String)>),
    Show(Show),
    /// What StarRocks takes without any effect.
    Nothing,
    /// SQLite's to answer.
    Query,
    /// SQLite's to carry out.
    Change,
}

/// Reads one statement, which may end with a semicolon. A table without a database is looked for in `database`.
pub(crate) fn parse(sql: &str, database: Option<&str>) -> Result<Statement, SqlError> {
    let mut p = Parser::over(sql).map_err(SqlError::new)?;
    p.database = database.map(str::to_owned);
    p.statement(sql).map_err(|message| {
        if p.needs_database {
            SqlError::no_database()
        } else {
            SqlError::new(message)
        }
    })
}

impl Parser {
    fn statement(&mut self, sql: &str) -> Result<Statement, String> {
        let p = self;
        while p.mark(';') {}
        if p.peek().is_none() {
            return Ok(Statement::Nothing);
        }
        let first = p.word().unwrap_or_default().to_ascii_uppercase();
        let statement = match first.as_str() {
            "SELECT" | "WITH" | "VALUES" | "EXPLAIN" => return Ok(Statement::Query),
            "" if p.peek() == Some(&Token::Mark('(')) => return Ok(Statement::Query),
            "INSERT" | "UPDATE" | "DELETE" => return Ok(Statement::Change),
            "CREATE" if p.take("DATABASE") || p.take("SCHEMA") => {
                let if_not_exists = p.take_all(&["IF", "NOT", "EXISTS"]);
                let name = p.name("a database")?;
                if p.take("PROPERTIES") {
                    p.group()?;
                }
                Statement::CreateDatabase {
                    name,
                    if_not_exists,
                }
            }
            "CREATE" if p.take("TABLE") => p.create_table(sql)?,
            "DROP" if p.take("DATABASE") || p.take("SCHEMA") => {
                let if_exists = p.take_all(&["IF", "EXISTS"]);
                let name = p.name("a database")?;
                p.take("FORCE");
                Statement::DropDatabase { name, if_exists }
            }
            "DROP" if p.take("TABLE") => {
                let if_exists = p.take_all(&["IF", "EXISTS"]);
                let (db, name) = p.table_name()?;
                p.take("FORCE");
                Statement::DropTable {
                    db,
                    name,
                    if_exists,
                }
            }
            "ALTER" if p.take("TABLE") => p.alter_table()?,
            "TRUNCATE" => {
                p.take("TABLE");
                let (db, name) = p.table_name()?;
                Statement::Truncate { db, name }
            }
            "USE" => Statement::Use {
                db: p.database_name()?,
            },
            "SET" => return p.set().map(Statement::Set),
            // Every statement is a transaction of its own.
            "BEGIN" | "START" | "COMMIT" | "ROLLBACK" => return Ok(Statement::Nothing),
            "SHOW" => return p.show().map(Statement::Show),
            "DESC" | "DESCRIBE" => Statement::Show(p.describe()?),
            _ => {
                let second = p
                    .peek()
                    .map(|t| format!(" {}", t.shown()))
                    .unwrap_or_default();
                return Err(format!(
                    "the stand-in does not know the statement `{first}{second}`"
                ));
            }
        };
        p.end()?;
        Ok(statement)
    }
}

/// Words that begin a clause after a table's columns; a skipped clause ends where one of them stands.
const CLAUSES: [&str; 9] = [
    "ENGINE",
    "DUPLICATE",
    "PRIMARY",
    "UNIQUE",
    "AGGREGATE",
    "COMMENT",
    "DISTRIBUTED",
    "ORDER",
    "PROPERTIES",
];

impl Parser {
    fn table_name(&mut self) -> Result<(String, String), String> {
        let first = self.name("a table as <database>.<table>")?;
        if self.mark('.') {
            let second = self.name("a table")?;
            if first.eq_ignore_ascii_case("default_catalog") && self.mark('.') {
                return Ok((second, self.name("a table")?));
            }
            return Ok((first, second));
        }
        Ok((self.used()?, first))
    }

    /// The database that is used.
    fn used(&mut self) -> Result<String, String> {
        self.needs_database = self.database.is_none();
        self.database.clone().ok_or_else(String::new)
    }

    fn database_name(&mut self) -> Result<String, String> {
        let first = self.name("a database")?;
        if first.eq_ignore_ascii_case("default_catalog") && self.mark('.') {
            return self.name("a database");
        }
        Ok(first)
    }

    fn names(&mut self) -> Result<Vec<String>, String> {
        self.expect_mark('(')?;
        let mut names = vec![self.name("a column")?];
        while self.mark(',') {
            names.push(self.name("a column")?);
        }
        self.expect_mark(')')?;
        Ok(names)
    }

    fn create_table(&mut self, sql: &str) -> Result<Statement, String> {
        let if_not_exists = self.take_all(&["IF", "NOT", "EXISTS"]);
        let (db, name) = self.table_name()?;
        self.expect_mark('(')?;
        let mut columns = Vec::new();
        loop {
            if self.at_word("INDEX") {
                return Err("the stand-in does not know INDEX in a table".to_owned());
            }
            columns.push(self.column()?);
            if !self.mark(',') {
                break;
            }
        }
        self.expect_mark(')')?;
        let (model, keys) = self.clauses()?;
        let ddl = sql.trim().trim_end_matches(';').trim().to_owned();
        let table = checked(Table {
            db,
            name,
            columns,
            model,
            keys,
            ddl,
        })?;
        Ok(Statement::CreateTable {
            table,
            if_not_exists,
        })
    }

    fn clauses(&mut self) -> Result<(Model, Vec<String>), String> {
        let mut keys = (Model::Duplicate, Vec::new());
        loop {
            if self.take("ENGINE") {
                self.expect_mark('=')?;
                let engine = self.name("an engine")?;
                if !engine.eq_ignore_ascii_case("olap") {
                    return Err(format!("the stand-in does not know ENGINE={engine}"));
                }
            } else if self.take_all(&["DUPLICATE", "KEY"]) {
                keys = (Model::Duplicate, self.names()?);
            } else if self.take_all(&["PRIMARY", "KEY"]) {
                keys = (Model::Primary, self.names()?);
            } else if self.at_word("UNIQUE") || self.at_word("AGGREGATE") {
                return Err(format!(
                    "the stand-in does not know {} KEY tables",
                    self.word().unwrap_or_default()
                ));
            } else if self.take("COMMENT") {
                self.at += usize::from(matches!(self.peek(), Some(Token::Text(_))));
            } else if self.take_all(&["PARTITION", "BY"]) || self.take_all(&["DISTRIBUTED", "BY"]) {
                self.skip_clause()?;
            } else if self.take_all(&["ORDER", "BY"]) || self.take("PROPERTIES") {
                self.group()?;
            } else {
                return Ok(keys);
            }
        }
    }

    /// Skips to the next clause: where rows lie does not matter here.
    fn skip_clause(&mut self) -> Result<(), String> {
        loop {
            match self.peek() {
                None | Some(Token::Mark(';')) => return Ok(()),
                Some(Token::Word(w)) if CLAUSES.iter().any(|c| c.eq_ignore_ascii_case(w)) => {
                    return Ok(());
                }
                Some(Token::Mark('(')) => self.group()?,
                Some(_) => self.at += 1,
            }
        }
    }
}

/// The rules that hold over the whole table.
fn checked(mut table: Table) -> Result<Table, String> {
    for (at, column) in table.columns.iter().enumerate() {
        if table.columns[..at]
            .iter()
            .any(|c| c.name.eq_ignore_ascii_case(&column.name))
        {
            return Err(format!("Duplicate column name '{}'", column.name));
        }
        if column.name.eq_ignore_ascii_case("__op") {
            return Err("__op is reserved and cannot be a column".to_owned());
        }
    }
    for (at, key) in table.keys.iter_mut().enumerate() {
        let column = table
            .columns
            .get_mut(at)
            .filter(|c| c.name.eq_ignore_ascii_case(key));
        let Some(column) = column else {
            return Err(format!(
                "Key columns must be the first few columns of the schema; `{key}` is not column {}",
                at + 1
            ));
        };
        key.clone_from(&column.name);
        if table.model == Model::Primary {
            if matches!(
                column.ty,
                ColumnType::Float | ColumnType::Double | ColumnType::Json
            ) || column.ty.is_nested()
            {
                return Err(format!(
                    "the type {} of `{}` cannot be in a primary key",
                    column.ty, column.name
                ));
            }
            column.nullable = false;
        }
    }
    Ok(table)
}

#[cfg(test)]
mod tests;
