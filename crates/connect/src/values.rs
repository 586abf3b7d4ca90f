//! What a text says by itself: Java's `Values.parseString`, which reads headers.
//!
//! `null`, truths, numbers of the smallest type that holds them, dates, times, timestamps, arrays and maps;
//! everything else is the text itself. Facts of Kafka 3.9.1's class `org.apache.kafka.connect.data.Values`,
//! which holds some surprises: text after an array or a map is dropped, `12:30` is the number 12, `1.0` is
//! the 8-bit integer 1. Times are UTC, where Java takes the JVM's zone.

mod containers;
mod merge;
mod number;
pub(crate) mod temporal;
mod tokens;

use crate::data::{Schema, SchemaAndValue, SchemaType, Value};
use crate::java_number;
use containers::Open;
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use tokens::Tokens;

/// Arrays and maps may stand this deep in one another, as in JSON. Java's limit is its stack.
const DEPTH_MAX: usize = 1000;

/// What was read: `None` is null, which has no schema.
type Read<'t> = Option<(Arc<Schema>, Value<'t>)>;

/// Arrays and maps stand deeper in one another than anybody means.
#[derive(Debug, PartialEq, Eq)]
pub struct TooDeep;

/// Reads the text.
///
/// # Errors
/// Arrays and maps in one another, more than 1000 of them, where Java's stack overflows sooner or later.
pub fn parse(text: &str) -> Result<SchemaAndValue<'_>, TooDeep> {
    if text.is_empty() {
        return Ok(string(text));
    }
    let read = Reader {
        text,
        tokens: Tokens::new(text),
        open: Vec::new(),
        failed: HashSet::new(),
    }
    .read()?;
    Ok(read.map_or(
        SchemaAndValue::schemaless(Value::Null),
        |(schema, value)| SchemaAndValue::new(schema, value),
    ))
}

fn string(text: &str) -> SchemaAndValue<'_> {
    SchemaAndValue::new(Schema::of(SchemaType::String), Value::String(text.into()))
}

/// Why there is no value.
enum Failure {
    /// It is no array or no map: what it stands in fails with it.
    Malformed,
    TooDeep,
}

/// One step.
enum Step<'t> {
    /// A value is complete.
    Done(Read<'t>),
    /// An array or a map was opened, or one that is open needs its next value.
    Next,
}

struct Reader<'t> {
    text: &'t str,
    tokens: Tokens<'t>,
    /// Arrays and maps that are being read, the outermost first.
    open: Vec<Open<'t>>,
    /// Where arrays and maps begin that are malformed. Java reads some of them again, and what is in these
    /// again for each time, which takes it a time that doubles with each level.
    failed: HashSet<usize>,
}

impl<'t> Reader<'t> {
    fn read(mut self) -> Result<Read<'t>, TooDeep> {
        loop {
            let mut step = self.value();
            loop {
                step = match step {
                    Ok(Step::Next) => break,
                    Ok(Step::Done(read)) => match self.open.last_mut() {
                        None => return Ok(read),
                        Some(open) => {
                            let goes_on = open.take(read, &mut self.tokens);
                            self.go_on(goes_on)
                        }
                    },
                    Err(Failure::TooDeep) => return Err(TooDeep),
                    Err(Failure::Malformed) => match self.open.pop() {
                        None => return Ok(Some(self.whole())),
                        Some(open) => {
                            self.failed.insert(open.bracket);
                            self.instead_of_container(open.start)
                        }
                    },
                };
            }
        }
    }

    /// The innermost container with what came last taken: it needs another value, is complete or malformed.
    fn go_on(&mut self, goes_on: Result<(), Failure>) -> Result<Step<'t>, Failure> {
        goes_on?;
        let Some(open) = self.open.last_mut() else {
            return Ok(Step::Next);
        };
        if open.needs_more(&mut self.tokens)? {
            return Ok(Step::Next);
        }
        let read = open.complete()?;
        self.open.pop();
        Ok(Step::Done(Some(read)))
    }

    /// The value that begins here.
    fn value(&mut self) -> Result<Step<'t>, Failure> {
        let is_embedded = !self.open.is_empty();
        if !self.tokens.has_next() {
            return Ok(Step::Done(None));
        }
        if is_embedded && self.tokens.eat("\"") {
            return Ok(Step::Done(Some(self.quoted())));
        }
        if self.eat_literal("null") {
            return Ok(Step::Done(None));
        }
        for (literal, truth) in [("true", true), ("false", false)] {
            if self.eat_literal(literal) {
                let schema = Schema::of(SchemaType::Boolean);
                return Ok(Step::Done(Some((schema, Value::Boolean(truth)))));
            }
        }
        let start = self.tokens.mark();
        let open: fn(usize, usize) -> Open<'t> = if self.tokens.eat("[") {
            Open::array
        } else if self.tokens.eat("{") {
            Open::map
        } else {
            return self.token();
        };
        let bracket = self.tokens.position() - 1;
        if self.failed.contains(&bracket) {
            return self.instead_of_container(start);
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(Failure::TooDeep);
        }
        self.open.push(open(start, bracket));
        self.go_on(Ok(()))
    }

    /// A word that is all there is, or an element of a container.
    fn eat_literal(&mut self, literal: &str) -> bool {
        let start = self.tokens.mark();
        if self.tokens.eat(literal) && (!self.open.is_empty() || !self.tokens.has_next()) {
            return true;
        }
        self.tokens.rewind(start);
        false
    }

    /// What stands where a container was malformed: the blanks before it, if there are any.
    fn instead_of_container(&mut self, start: usize) -> Result<Step<'t>, Failure> {
        self.tokens.rewind(start);
        self.token()
    }

    /// One token, or five where they are a time.
    fn token(&mut self) -> Result<Step<'t>, Failure> {
        let token = self.tokens.next();
        let trimmed = tokens::trim(token);
        let Some(first) = trimmed.chars().next() else {
            let schema = Schema::of(SchemaType::String);
            return Ok(Step::Done(Some((schema, Value::String(token.into())))));
        };
        let is_digit = java_number::digit(first).is_some();
        if is_digit && let Some(read) = self.temporal(trimmed) {
            return Ok(Step::Done(Some(read)));
        }
        if (is_digit || first == '+' || first == '-')
            && let Some(read) = number::parse(trimmed)
        {
            return Ok(Step::Done(Some(read)));
        }
        if self.open.is_empty() {
            return Ok(Step::Done(Some(self.whole())));
        }
        Err(Failure::Malformed)
    }

    /// Colons are tokens of their own, so that a time is five of them.
    fn temporal(&mut self, token: &str) -> Read<'t> {
        let start = self.tokens.mark();
        if let Some(rest) = self.tokens.next_of(4)
            && let Some(read) = temporal::parse(&format!("{token}{rest}"))
        {
            return Some(read);
        }
        self.tokens.rewind(start);
        temporal::parse(token)
    }

    /// What stands up to the closing quote, escapes and all. Only dates and times are something else than text.
    fn quoted(&mut self) -> (Arc<Schema>, Value<'t>) {
        let mut text = String::new();
        while self.tokens.has_next() {
            if self.tokens.eat("\"") {
                break;
            }
            text.push_str(self.tokens.next());
        }
        temporal::parse(&text).unwrap_or_else(|| {
            (
                Schema::of(SchemaType::String),
                Value::String(Cow::Owned(text)),
            )
        })
    }

    fn whole(&self) -> (Arc<Schema>, Value<'t>) {
        (
            Schema::of(SchemaType::String),
            Value::String(Cow::Borrowed(self.text)),
        )
    }
}

#[cfg(test)]
mod tests;
