//! Statements that look at what there is, and those that set variables.

use crate::tokens::Token;

use crate::parser::Parser;

/// What is to be shown. `like` is a pattern of LIKE that its names must match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Show {
    Databases {
        like: Option<String>,
    },
    Tables {
        db: String,
        full: bool,
        like: Option<String>,
    },
    TableStatus {
        db: String,
        like: Option<String>,
    },
    /// `DESC`.
    Describe {
        db: String,
        name: String,
    },
    Columns {
        db: String,
        name: String,
        full: bool,
        like: Option<String>,
    },
    CreateTable {
        db: String,
        name: String,
    },
    CreateDatabase {
        name: String,
    },
    Variables {
        like: Option<String>,
    },
    Catalogs,
    Engines,
    CharacterSets,
    Collations,
    Processes,
    /// What the stand-in has none of, with the names of its columns.
    None(&'static [&'static str]),
}

impl Parser {
    pub(super) fn describe(&mut self) -> Result<Show, String> {
        self.take("TABLE");
        let (db, name) = self.table_name()?;
        self.take("ALL");
        Ok(Show::Describe { db, name })
    }

    /// What follows SHOW.
    pub(super) fn show(&mut self) -> Result<Show, String> {
        let full = self.take("FULL");
        let scope = ["GLOBAL", "SESSION", "LOCAL"]
            .into_iter()
            .any(|s| self.take(s));
        let start = self.at;
        let word = self.word().unwrap_or_default().to_ascii_uppercase();
        let show = match word.as_str() {
            "DATABASES" | "SCHEMAS" if !scope => Show::Databases { like: self.like()? },
            "TABLES" if !scope => Show::Tables {
                db: self.in_database()?,
                full,
                like: self.like()?,
            },
            "TABLE" if self.take("STATUS") => Show::TableStatus {
                db: self.in_database()?,
                like: self.like()?,
            },
            "COLUMNS" | "FIELDS" => {
                if !(self.take("FROM") || self.take("IN")) {
                    return Err(format!("expected FROM but found {}", self.here()));
                }
                let (db, name) = self.table_in_database()?;
                Show::Columns {
                    db,
                    name,
                    full,
                    like: self.like()?,
                }
            }
            "CREATE" if self.take("TABLE") => {
                let (db, name) = self.table_name()?;
                Show::CreateTable { db, name }
            }
            "CREATE" if self.take("DATABASE") || self.take("SCHEMA") => Show::CreateDatabase {
                name: self.database_name()?,
            },
            "VARIABLES" => Show::Variables { like: self.like()? },
            "CATALOGS" => Show::Catalogs,
            "ENGINES" => Show::Engines,
            "CHARSET" => Show::CharacterSets,
            "CHARACTER" if self.take("SET") => Show::CharacterSets,
            "COLLATION" => Show::Collations,
            "PROCESSLIST" => Show::Processes,
            "STATUS" => {
                self.like()?;
                Show::None(&["Variable_name", "Value"])
            }
            "WARNINGS" | "ERRORS" => {
                self.at = self.tokens.len();
                Show::None(&["Level", "Code", "Message"])
            }
            "INDEX" | "INDEXES" | "KEYS" => {
                self.at = self.tokens.len();
                Show::None(&[
                    "Table",
                    "Non_unique",
                    "Key_name",
                    "Seq_in_index",
                    "Column_name",
                    "Index_type",
                    "Comment",
                ])
            }
            _ => {
                self.at = start;
                return Err(format!(
                    "the stand-in does not know SHOW {}",
                    self.here().trim_matches('`')
                ));
            }
        };
        // JDBC and Python drivers narrow some of these down; a list that is too long does no harm.
        if matches!(show, Show::CharacterSets | Show::Collations | Show::Engines) {
            self.at = self.tokens.len();
        }
        self.end()?;
        Ok(show)
    }

    fn in_database(&mut self) -> Result<String, String> {
        if self.take("FROM") || self.take("IN") {
            self.database_name()
        } else {
            self.used()
        }
    }

    /// `table FROM database` as well as `database.table`.
    fn table_in_database(&mut self) -> Result<(String, String), String> {
        let dotted = self.tokens.get(self.at + 1) == Some(&Token::Mark('.'));
        if dotted {
            return self.table_name();
        }
        let name = self.name("a table")?;
        Ok((self.in_database()?, name))
    }

    /// `LIKE 'pattern'`, or the only WHERE that clients use: `WHERE variable_name = 'x' [OR …]`.
    fn like(&mut self) -> Result<Option<String>, String> {
        let pattern = if self.take("LIKE") {
            true
        } else if self.take("WHERE") {
            self.name("a column")?;
            self.take("LIKE") || self.mark('=')
        } else {
            return Ok(None);
        };
        match self.peek() {
            Some(Token::Text(text)) if pattern => {
                let text = text.clone();
                self.at += 1;
                if self.at_word("OR") || self.at_word("AND") {
                    // More than one name: all of them are shown.
                    self.at = self.tokens.len();
                    return Ok(None);
                }
                Ok(Some(text))
            }
            _ => Err(format!(
                "expected a text to compare names with but found {}",
                self.here()
            )),
        }
    }

    /// What follows SET: `NAMES x`, `[SESSION] name = value, …`, `@name = value`, `TRANSACTION …`.
    pub(super) fn set(&mut self) -> Result<Vec<(String, String)>, String> {
        for refused in ["PASSWORD", "ROLE", "DEFAULT", "CATALOG", "PROPERTY"] {
            if self.at_word(refused) {
                return Err(format!("the stand-in does not know SET {refused}"));
            }
        }
        let mut values = Vec::new();
        loop {
            if self.take("NAMES") || self.take_all(&["CHARACTER", "SET"]) {
                let charset = self.value()?;
                let names = [
                    "character_set_client",
                    "character_set_connection",
                    "character_set_results",
                ];
                values.extend(names.map(|name| (name.to_owned(), charset.clone())));
                if !self.mark(',') {
                    self.end()?;
                    return Ok(values);
                }
                continue;
            }
            let user = self.mark('@') && !self.mark('@');
            let scoped = ["GLOBAL", "SESSION", "LOCAL"]
                .into_iter()
                .any(|s| self.take(s));
            if scoped {
                self.mark('.');
            }
            if self.take("TRANSACTION") {
                return Ok(values);
            }
            let name = self.name("a variable")?.to_ascii_lowercase();
            self.mark(':');
            if !self.mark('=') {
                return Err(format!("expected `=` but found {}", self.here()));
            }
            let value = self.value()?;
            values.push((if user { format!("@{name}") } else { name }, value));
            if !self.mark(',') {
                self.end()?;
                return Ok(values);
            }
        }
    }

    /// A constant; of an expression, which has no effect, its text.
    fn value(&mut self) -> Result<String, String> {
        let mut parts = Vec::new();
        let mut depth = 0_usize;
        while let Some(token) = self.peek() {
            match token {
                Token::Mark(',' | ';') if depth == 0 => break,
                Token::Mark('(') => depth += 1,
                Token::Mark(')') => depth = depth.saturating_sub(1),
                _ => {}
            }
            parts.push(match token {
                Token::Text(text) => text.clone(),
                Token::Word(w)
                    if w.eq_ignore_ascii_case("ON") || w.eq_ignore_ascii_case("TRUE") =>
                {
                    "1".to_owned()
                }
                Token::Word(w)
                    if w.eq_ignore_ascii_case("OFF") || w.eq_ignore_ascii_case("FALSE") =>
                {
                    "0".to_owned()
                }
                other => other.shown(),
            });
            self.at += 1;
        }
        // `utf8mb4 COLLATE utf8mb4_general_ci` is the first of its words.
        let first = parts.first().cloned();
        first.ok_or_else(|| format!("expected a value but found {}", self.here()))
    }
}
