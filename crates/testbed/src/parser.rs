//! What reads the words of SQL: statements, and the expressions in a load's headers.

use crate::tokens::{Token, tokens};

/// Tokens, and where reading is.
pub(crate) struct Parser {
    pub(crate) tokens: Vec<Token>,
    pub(crate) at: usize,
    /// The database of tables that are named without one.
    pub(crate) database: Option<String>,
    /// A name stood without a database where none is used.
    pub(crate) needs_database: bool,
}

impl Parser {
    pub(crate) fn over(text: &str) -> Result<Self, String> {
        Ok(Self {
            tokens: tokens(text)?,
            at: 0,
            database: None,
            needs_database: false,
        })
    }

    pub(crate) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    pub(crate) fn word(&mut self) -> Option<String> {
        let Some(Token::Word(word)) = self.tokens.get(self.at) else {
            return None;
        };
        self.at += 1;
        Some(word.clone())
    }

    pub(crate) fn at_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(w)) if w.eq_ignore_ascii_case(word))
    }

    pub(crate) fn take(&mut self, word: &str) -> bool {
        let found = self.at_word(word);
        self.at += usize::from(found);
        found
    }

    pub(crate) fn take_all(&mut self, words: &[&str]) -> bool {
        let start = self.at;
        if words.iter().all(|w| self.take(w)) {
            return true;
        }
        self.at = start;
        false
    }

    pub(crate) fn mark(&mut self, mark: char) -> bool {
        let found = self.peek() == Some(&Token::Mark(mark));
        self.at += usize::from(found);
        found
    }

    pub(crate) fn here(&self) -> String {
        self.peek().map_or_else(
            || "the end of the statement".to_owned(),
            |t| format!("`{}`", t.shown()),
        )
    }

    pub(crate) fn expect_mark(&mut self, mark: char) -> Result<(), String> {
        if self.mark(mark) {
            Ok(())
        } else {
            Err(format!("expected `{mark}` but found {}", self.here()))
        }
    }

    pub(crate) fn name(&mut self, of: &str) -> Result<String, String> {
        match self.peek() {
            Some(Token::Word(name) | Token::Quoted(name)) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(format!(
                "expected the name of {of} but found {}",
                self.here()
            )),
        }
    }

    pub(crate) fn end(&mut self) -> Result<(), String> {
        while self.mark(';') {}
        if self.peek().is_some() {
            return Err(format!("the stand-in does not know {} here", self.here()));
        }
        Ok(())
    }

    /// Skips one group in parentheses.
    pub(crate) fn group(&mut self) -> Result<(), String> {
        self.expect_mark('(')?;
        let mut depth = 1;
        while depth > 0 {
            match self.peek() {
                Some(Token::Mark('(')) => depth += 1,
                Some(Token::Mark(')')) => depth -= 1,
                Some(_) => {}
                None => return Err("a parenthesis is not closed".to_owned()),
            }
            self.at += 1;
        }
        Ok(())
    }
}
