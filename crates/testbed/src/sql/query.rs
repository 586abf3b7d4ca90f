//! Statements that SQLite carries out, put into its words first.

use rusqlite::types::{Value, ValueRef};

use crate::column_type::ColumnType;
use crate::schema::quoted;
use crate::store::Store;
use crate::tokens::{Token, spanned};

use super::session::{CURRENT_VERSION, VERSION};
use super::{Ran, SCHEMA, Session, SqlError, SqlResult, SqlValue};

/// A statement in SQLite's words. What only the session knows is bound to `@v0`, `@v1`…
struct Translated {
    sql: String,
    /// The bound values, with what stood there: the names of columns are made of it.
    bound: Vec<(Value, String)>,
    /// The tables that are named, with their databases.
    tables: Vec<(String, String)>,
}

/// Words behind which a table's name stands.
const BEFORE_TABLES: [&str; 4] = ["FROM", "JOIN", "INTO", "UPDATE"];

struct Translator<'a> {
    store: &'a Store,
    session: &'a Session,
    sql: &'a str,
    tokens: Vec<(Token, std::ops::Range<usize>)>,
    at: usize,
    out: Translated,
    /// Names that `WITH` gives.
    given: Vec<String>,
}

impl Translator<'_> {
    fn token(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead).map(|(token, _)| token)
    }

    fn mark(&self, ahead: usize, mark: char) -> bool {
        self.token(ahead) == Some(&Token::Mark(mark))
    }

    fn name(&self, ahead: usize) -> Option<String> {
        match self.token(ahead)? {
            Token::Word(name) | Token::Quoted(name) => Some(name.clone()),
            _ => None,
        }
    }

    /// The text of the next `count` tokens as it was sent.
    fn sent(&self, count: usize) -> String {
        let range = self.tokens[self.at].1.start..self.tokens[self.at + count - 1].1.end;
        self.sql[range].to_owned()
    }

    fn bind(&mut self, value: Value, count: usize) {
        let name = format!("@v{}", self.out.bound.len());
        let sent = self.sent(count);
        self.out.sql.push_str(&name);
        self.out.bound.push((value, sent));
        self.at += count;
    }

    fn run(mut self) -> Result<Translated, SqlError> {
        // For each open parenthesis, whether names of tables follow.
        let mut lists = vec![false];
        let mut ended = 0;
        while let Some((token, range)) = self.tokens.get(self.at).cloned() {
            if range.start > ended {
                self.out.sql.push(' ');
            }
            let table_here = lists.last().copied().unwrap_or(false);
            match &token {
                Token::Mark('(') => {
                    if let Some(list) = lists.last_mut() {
                        *list = false;
                    }
                    lists.push(table_here);
                }
                Token::Mark(')') if lists.len() > 1 => drop(lists.pop()),
                Token::Word(_) | Token::Quoted(_)
                    if table_here && (self.behind("INTO") || !self.mark(1, '(')) =>
                {
                    self.table()?;
                    if let Some(list) = lists.last_mut() {
                        *list = false;
                    }
                    ended = self.tokens[self.at - 1].1.end;
                    continue;
                }
                _ => {}
            }
            if let Some(list) = lists.last_mut() {
                *list = self.opens_tables(&token, *list);
            }
            self.plain(&token)?;
            ended = self.tokens[self.at - 1].1.end;
        }
        Ok(self.out)
    }

    /// Whether the token before is this word.
    fn behind(&self, word: &str) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        matches!(before, Some((Token::Word(w), _)) if w.eq_ignore_ascii_case(word))
    }

    /// Whether the name of a table may follow this token.
    fn opens_tables(&self, token: &Token, before: bool) -> bool {
        match token {
            Token::Word(word) => {
                BEFORE_TABLES.iter().any(|w| word.eq_ignore_ascii_case(w))
                    && !self.behind("DISTINCT")
            }
            Token::Mark(',') => self.in_from(),
            Token::Mark('(') => before,
            _ => false,
        }
    }

    /// Whether a comma here separates tables: the last clause that began in this parenthesis is FROM or JOIN.
    fn in_from(&self) -> bool {
        let mut depth = 0_usize;
        for (token, _) in self.tokens[..self.at].iter().rev() {
            match token {
                Token::Mark(')') => depth += 1,
                Token::Mark('(') if depth == 0 => return false,
                Token::Mark('(') => depth -= 1,
                Token::Word(word) if depth == 0 => {
                    let word = word.to_ascii_uppercase();
                    if matches!(word.as_str(), "FROM" | "JOIN") {
                        return true;
                    }
                    if matches!(
                        word.as_str(),
                        "SELECT"
                            | "WHERE"
                            | "GROUP"
                            | "ORDER"
                            | "HAVING"
                            | "LIMIT"
                            | "ON"
                            | "SET"
                            | "VALUES"
                            | "WITH"
                            | "BY"
                    ) {
                        return false;
                    }
                }
                _ => {}
            }
        }
        false
    }

    /// The name of a table, its database put before it.
    fn table(&mut self) -> Result<(), SqlError> {
        if self
            .name(0)
            .is_some_and(|n| n.eq_ignore_ascii_case("default_catalog"))
            && self.mark(1, '.')
        {
            self.at += 2;
        }
        let Some(first) = self.name(0) else {
            return Ok(());
        };
        if first.eq_ignore_ascii_case("SELECT") || first.eq_ignore_ascii_case("TABLE") {
            let token = Token::Word(first);
            return self.plain(&token);
        }
        let (db, name, count) = match (self.mark(1, '.'), self.name(2)) {
            (true, Some(name)) => (first, name, 3),
            _ if self.given.iter().any(|g| g.eq_ignore_ascii_case(&first)) => {
                self.out.sql.push_str(&quoted(&first));
                self.at += 1;
                return Ok(());
            }
            _ => {
                let db = self
                    .session
                    .database
                    .clone()
                    .ok_or_else(SqlError::no_database)?;
                (db, first, 1)
            }
        };
        if !db.eq_ignore_ascii_case(SCHEMA) {
            if self.store.database(&db).is_none() {
                return Err(SqlError::unknown_database(&db));
            }
            if self.store.table(&db, &name).is_none() {
                return Err(SqlError::unknown_table(&db, &name));
            }
        }
        self.session.may_select(&db, &name)?;
        self.out
            .sql
            .push_str(&format!("{}.{}", quoted(&db), quoted(&name)));
        self.out.tables.push((db, name));
        self.at += count;
        Ok(())
    }

    /// Any other token.
    fn plain(&mut self, token: &Token) -> Result<(), SqlError> {
        match token {
            Token::Mark('@') => return self.variable(),
            Token::Text(text) => self
                .out
                .sql
                .push_str(&format!("'{}'", text.replace('\'', "''"))),
            Token::Quoted(name) => self.out.sql.push_str(&quoted(name)),
            Token::Word(word) => {
                let called = self.mark(1, '(') && self.mark(2, ')');
                if let Some(value) = self.function(word, called) {
                    self.bind(value, if called { 3 } else { 1 });
                    return Ok(());
                }
                self.out.sql.push_str(word);
            }
            Token::Number(_) | Token::Mark(_) => {
                let sent = self.sent(1);
                self.out.sql.push_str(&sent);
            }
        }
        self.at += 1;
        Ok(())
    }

    /// `@@name`, `@@session.name`, `@name`.
    fn variable(&mut self) -> Result<(), SqlError> {
        if !self.mark(1, '@') {
            let name = self
                .name(1)
                .ok_or_else(|| SqlError::new("expected a name behind @"))?;
            let value = self.session.user_variable(&name);
            self.bind(value, 2);
            return Ok(());
        }
        let expected = || SqlError::new("expected the name of a variable behind @@");
        let first = self.name(2).ok_or_else(expected)?;
        let scoped = ["GLOBAL", "SESSION", "LOCAL"]
            .iter()
            .any(|s| first.eq_ignore_ascii_case(s));
        let (name, count) = if scoped && self.mark(3, '.') {
            (self.name(4).ok_or_else(expected)?, 5)
        } else {
            (first, 3)
        };
        let value = self.session.variable(&name)?;
        self.bind(value, count);
        Ok(())
    }

    /// Functions whose answers the session knows.
    fn function(&self, word: &str, called: bool) -> Option<Value> {
        let session = self.session;
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        match word.to_ascii_uppercase().as_str() {
            "DATABASE" | "SCHEMA" if called => {
                Some(session.database.clone().map_or(Value::Null, Value::Text))
            }
            "USER" | "SESSION_USER" | "SYSTEM_USER" if called => text(&session.user),
            "CURRENT_USER" => text(&session.user),
            "VERSION" if called => text(VERSION),
            "CURRENT_VERSION" if called => text(CURRENT_VERSION),
            "CONNECTION_ID" if called => Some(Value::Integer(i64::from(session.id))),
            "NOW" | "CURRENT_TIMESTAMP" | "LOCALTIME" if called => text(&session.now),
            _ => None,
        }
    }
}

fn translated(store: &Store, session: &Session, sql: &str) -> Result<Translated, SqlError> {
    let tokens = spanned(sql).map_err(SqlError::new)?;
    let word = |at: usize, word: &str| matches!(tokens.get(at), Some((Token::Word(w), _)) if w.eq_ignore_ascii_case(word));
    let mut given = Vec::new();
    if word(0, "WITH") {
        for (at, (token, _)) in tokens.iter().enumerate() {
            if let Token::Word(name) | Token::Quoted(name) = token
                && (word(at + 1, "AS") || matches!(tokens.get(at + 1), Some((Token::Mark('('), _))))
            {
                given.push(name.clone());
            }
        }
    }
    let translator = Translator {
        store,
        session,
        sql,
        tokens,
        at: 0,
        out: Translated {
            sql: String::with_capacity(sql.len()),
            bound: Vec::new(),
            tables: Vec::new(),
        },
        given,
    };
    let mut out = translator.run()?;
    while out.sql.trim_end().ends_with(';') {
        out.sql.truncate(out.sql.trim_end().len() - 1);
    }
    Ok(out)
}

impl Translated {
    fn bind(&self, statement: &mut rusqlite::Statement<'_>) -> Result<(), SqlError> {
        for (at, (value, _)) in self.bound.iter().enumerate() {
            if let Some(index) = statement.parameter_index(&format!("@v{at}"))? {
                statement.raw_bind_parameter(index, value)?;
            }
        }
        Ok(())
    }

    /// The name of a column, with what was sent instead of what was bound.
    fn column_name(&self, name: &str) -> String {
        let bound = self.bound.iter().enumerate().rev();
        bound.fold(name.to_owned(), |name, (at, (_, sent))| {
            name.replace(&format!("@v{at}"), sent)
        })
    }
}

pub(super) fn query(store: &Store, session: &Session, sql: &str) -> Result<Ran, SqlError> {
    let translated = translated(store, session, sql)?;
    let of_schema = |(db, _): &(String, String)| db.eq_ignore_ascii_case(SCHEMA);
    if !translated.tables.iter().any(of_schema) {
        return selected(store, &translated);
    }
    // What a user has no right on is not there for him.
    store.tell_catalogue(|db, table| session.may_know(db, table))?;
    let ran = selected(store, &translated);
    store.tell_catalogue(|_, _| true)?;
    ran
}

fn selected(store: &Store, translated: &Translated) -> Result<Ran, SqlError> {
    let mut statement = store.connection.prepare(&translated.sql)?;
    if !statement.readonly() {
        return Err(SqlError::new("a query must not change anything"));
    }
    let mut types: Vec<Option<ColumnType>> = Vec::new();
    let mut columns: Vec<String> = Vec::new();
    for column in statement.columns_with_metadata() {
        columns.push(translated.column_name(column.name()));
        let table = column.database_name().zip(column.table_name());
        let table = table.and_then(|(db, table)| store.table(db, table));
        let known = column.origin_name().zip(table.as_ref());
        types.push(known.and_then(|(name, t)| Some(t.columns[t.column_index(name)?].ty.clone())));
    }
    translated.bind(&mut statement)?;
    let mut rows = Vec::new();
    let mut found = statement.raw_query();
    while let Some(row) = found.next()? {
        let value = |at: usize| -> Result<SqlValue, SqlError> {
            Ok(match row.get_ref(at)? {
                ValueRef::Null => SqlValue::Null,
                ValueRef::Integer(v) => SqlValue::Integer(v),
                ValueRef::Real(v) => SqlValue::Real(v),
                ValueRef::Text(v) => SqlValue::Text(String::from_utf8_lossy(v).into_owned()),
                ValueRef::Blob(v) => SqlValue::Blob(v.to_vec()),
            })
        };
        rows.push(
            (0..columns.len())
                .map(value)
                .collect::<Result<Vec<_>, _>>()?,
        );
    }
    let result = SqlResult {
        columns,
        rows,
        changed: 0,
    };
    Ok(Ran { result, types })
}

/// INSERT, UPDATE, DELETE.
pub(super) fn change(store: &Store, session: &Session, sql: &str) -> Result<SqlResult, SqlError> {
    let translated = translated(store, session, sql)?;
    // The first table is the one that is changed.
    if translated
        .tables
        .first()
        .is_some_and(|(db, _)| db.eq_ignore_ascii_case(SCHEMA))
    {
        return Err(SqlError::coded(1044, format!("{SCHEMA} can only be read")));
    }
    let mut statement = store.connection.prepare(&translated.sql)?;
    translated.bind(&mut statement)?;
    let changed = statement.raw_execute()?;
    Ok(SqlResult {
        changed,
        ..SqlResult::default()
    })
}
