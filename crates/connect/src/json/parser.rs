//! The parser. It keeps its own stack, so that deep nesting costs memory and no thread stack.

use super::{Dialect, Json, JsonError, Number};
use crate::data::Decimal;
use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

/// Jackson's default limits, `StreamReadConstraints`.
const DEPTH_MAX: usize = 1000;
const NUMBER_DIGITS_MAX: usize = 1000;
/// Up to as many members, names are compared one with another.
const FEW_MEMBERS: usize = 16;

type Members<'k> = Vec<(Cow<'k, str>, Json<'k>)>;

/// A container that is being read.
enum Open<'k> {
    /// Values so far.
    Array(Vec<Json<'k>>),
    /// Members so far.
    Object(Members<'k>),
}

/// Where the value goes that is read now: all of it, or the last of the innermost container, which is null until then.
fn place<'o, 'k>(all: &'o mut Json<'k>, open: &'o mut [Open<'k>]) -> &'o mut Json<'k> {
    let last = match open.last_mut() {
        None => None,
        Some(Open::Array(values)) => values.last_mut(),
        Some(Open::Object(members)) => members.last_mut().map(|(_, value)| value),
    };
    last.unwrap_or(all)
}

pub(crate) struct Parser<'k> {
    text: &'k str,
    at: usize,
    dialect: Dialect,
}

impl<'k> Parser<'k> {
    pub(crate) const fn new(text: &'k str, dialect: Dialect) -> Self {
        Self {
            text,
            at: 0,
            dialect,
        }
    }

    /// What has not been read.
    pub(crate) fn rest(&self) -> &'k str {
        &self.text[self.at..]
    }

    /// How many bytes were read.
    pub(crate) const fn position(&self) -> usize {
        self.at
    }

    /// What was read since `start`.
    pub(crate) fn since(&self, start: usize) -> &'k str {
        &self.text[start..self.at]
    }

    /// Goes over `bytes` bytes that are known.
    pub(crate) fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Goes over blanks; gives the byte after them.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    /// Goes over blanks and over `expected`, if it is what comes.
    pub(crate) fn eat(&mut self, expected: u8) -> bool {
        let eats = self.peek() == Some(expected);
        self.at += usize::from(eats);
        eats
    }

    fn error<T>(&self, message: impl Into<String>) -> Result<T, JsonError> {
        Err(JsonError {
            offset: self.at,
            message: message.into(),
        })
    }

    pub(crate) fn expected<T>(&mut self, what: &str) -> Result<T, JsonError> {
        match self.peek() {
            None => self.error(format!("the text ends where {what} is expected")),
            Some(_) => self.error(format!("{what} is expected")),
        }
    }

    /// Nothing but blanks may follow.
    pub(crate) fn end(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => self.error("there is text after the JSON value"),
        }
    }

    /// A member's name and the colon after it.
    pub(crate) fn name(&mut self) -> Result<Cow<'k, str>, JsonError> {
        if self.peek() != Some(b'"') {
            return self.expected("a member's name in double quotes");
        }
        let name = self.string()?;
        if self.eat(b':') {
            Ok(name)
        } else {
            self.expected("':'")
        }
    }

    /// A value inside `depth` containers.
    pub(crate) fn value(&mut self, depth: usize) -> Result<Json<'k>, JsonError> {
        let mut all = Json::Null;
        let mut open: Vec<Open<'k>> = Vec::new();
        loop {
            let level = depth + open.len();
            if let Some(container) = self.begin(place(&mut all, &mut open), level)? {
                open.push(container);
                continue;
            }
            // A value is complete, and the container that it is in may be complete by it.
            loop {
                match open.last_mut() {
                    None => return Ok(all),
                    Some(Open::Array(values)) => {
                        if self.eat(b',') {
                            values.push(Json::Null);
                            break;
                        }
                        if !self.eat(b']') {
                            return self.expected("',' or ']'");
                        }
                    }
                    Some(Open::Object(members)) => {
                        if self.eat(b',') {
                            members.push((self.name()?, Json::Null));
                            break;
                        }
                        if !self.eat(b'}') {
                            return self.expected("',' or '}'");
                        }
                    }
                }
                let done = match open.pop() {
                    Some(Open::Array(values)) => Json::Array(values),
                    Some(Open::Object(members)) => Json::Object(last_of_each_name(members)),
                    None => unreachable!("it was the last one"),
                };
                *place(&mut all, &mut open) = done;
            }
        }
    }

    /// Reads a value that is complete at once to where it belongs, or gives the container that it begins. Values are read where
    /// they stand, for a `Result` of one is written in parts and copied as a whole at each step, which costs more than reading it.
    fn begin(&mut self, place: &mut Json<'k>, level: usize) -> Result<Option<Open<'k>>, JsonError> {
        *place = match self.peek() {
            Some(b'{' | b'[') if level >= DEPTH_MAX => {
                return self.error(format!("nesting is deeper than {DEPTH_MAX}"));
            }
            Some(b'{') => {
                self.at += 1;
                if self.eat(b'}') {
                    Json::Object(Vec::new())
                } else {
                    let mut members = Vec::with_capacity(FEW_MEMBERS);
                    members.push((self.name()?, Json::Null));
                    return Ok(Some(Open::Object(members)));
                }
            }
            Some(b'[') => {
                self.at += 1;
                if self.eat(b']') {
                    Json::Array(Vec::new())
                } else {
                    return Ok(Some(Open::Array(vec![Json::Null])));
                }
            }
            Some(b'"') => Json::String(self.string()?),
            Some(b'-' | b'+' | b'N' | b'I') if self.is_not_finite() => {
                Json::Number(self.not_finite())
            }
            Some(b'-' | b'0'..=b'9') => Json::Number(self.number()?),
            Some(b't') => self.word("true", Json::Boolean(true))?,
            Some(b'f') => self.word("false", Json::Boolean(false))?,
            Some(b'n') => self.word("null", Json::Null)?,
            _ => return self.expected("a value"),
        };
        Ok(None)
    }

    /// Whether what comes is a number by its name alone, and the dialect knows such.
    fn is_not_finite(&self) -> bool {
        const WORDS: [&str; 6] = ["NaN", "Infinity", "+Infinity", "-Infinity", "+INF", "-INF"];
        self.dialect == Dialect::Confluent && WORDS.contains(&self.name_of_number())
    }

    /// A sign and the letters after it, as far as they go.
    fn name_of_number(&self) -> &'k str {
        let rest = self.rest();
        let signs = usize::from(rest.starts_with(['+', '-']));
        let letters = rest.as_bytes()[signs..]
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
            .count();
        &rest[..signs + letters]
    }

    fn not_finite(&mut self) -> Number<'k> {
        let text = self.name_of_number();
        self.at += text.len();
        Number {
            text,
            is_integral: false,
        }
    }

    fn word(&mut self, word: &str, value: Json<'k>) -> Result<Json<'k>, JsonError> {
        if !self.rest().starts_with(word) {
            return self.expected("a value");
        }
        self.at += word.len();
        Ok(value)
    }

    fn digits(&mut self) -> Result<usize, JsonError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
        if self.at == start {
            self.error("a digit is expected")
        } else {
            Ok(self.at - start)
        }
    }

    fn number(&mut self) -> Result<Number<'k>, JsonError> {
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        let zeros = self.rest().bytes().take_while(|&byte| byte == b'0').count();
        let whole = self.digits()?;
        if self.dialect == Dialect::Confluent && zeros > 0 && whole > 1 {
            return self.error("a number has leading zeros");
        }
        // Leading zeros do not count, but for the last one of `000`.
        let mut digits = (whole - zeros).max(1);
        let mut is_integral = true;
        if self.byte() == Some(b'.') {
            self.at += 1;
            is_integral = false;
            digits += self.digits()?;
        }
        let has_exponent = matches!(self.byte(), Some(b'e' | b'E'));
        if has_exponent {
            self.at += 1;
            is_integral = false;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            digits += self.digits()?;
        }
        if digits > NUMBER_DIGITS_MAX {
            return self.error(format!("a number has more than {NUMBER_DIGITS_MAX} digits"));
        }
        let text = self.since(start);
        if has_exponent && self.dialect == Dialect::Confluent && Decimal::parse(text).is_none() {
            return self.error("the exponent of a number is too great");
        }
        Ok(Number { text, is_integral })
    }

    /// A text, from its opening quote.
    fn string(&mut self) -> Result<Cow<'k, str>, JsonError> {
        self.at += 1;
        let start = self.at;
        let mut owned: Option<String> = None;
        let mut plain = start;
        loop {
            match self.byte() {
                Some(b'"') => {
                    let last = self.since(plain);
                    self.at += 1;
                    return Ok(match owned {
                        None => Cow::Borrowed(last),
                        Some(text) => Cow::Owned(text + last),
                    });
                }
                Some(b'\\') => {
                    let text = owned.get_or_insert_default();
                    text.push_str(&self.text[plain..self.at]);
                    let c = self.escape()?;
                    owned.get_or_insert_default().push(c);
                    plain = self.at;
                }
                Some(0..0x20) => return self.error("a control character stands in a text"),
                Some(_) => self.at += 1,
                None => return self.error("the text ends inside a string"),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        self.at += 1;
        let c = match self.byte() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return self.error("an escape is malformed"),
        };
        self.at += 1;
        Ok(c)
    }

    /// A `\u` escape from its `u`, two of them where it is a surrogate pair.
    fn unicode(&mut self) -> Result<char, JsonError> {
        let first = self.hex4()?;
        if (0xD800..0xDC00).contains(&first) && self.rest().starts_with("\\u") {
            let back = self.at;
            self.at += 1;
            let second = self.hex4()?;
            if (0xDC00..0xE000).contains(&second) {
                let pair = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                return Ok(char::from_u32(pair).unwrap_or('?'));
            }
            self.at = back;
        }
        Ok(char::from_u32(first).unwrap_or('?'))
    }

    fn hex4(&mut self) -> Result<u32, JsonError> {
        self.at += 1;
        let mut number = 0;
        for _ in 0..4 {
            match self.byte().and_then(|b| char::from(b).to_digit(16)) {
                Some(digit) => number = number * 16 + digit,
                None => return self.error("a \\u escape is malformed"),
            }
            self.at += 1;
        }
        Ok(number)
    }
}

/// Each name once, at its first place with its last value.
fn last_of_each_name(members: Members<'_>) -> Members<'_> {
    let is_repeated = if members.len() > FEW_MEMBERS {
        let mut seen = HashSet::with_capacity(members.len());
        members.iter().any(|(name, _)| !seen.insert(name))
    } else {
        let repeats = |at: usize| members[..at].iter().any(|(name, _)| *name == members[at].0);
        (1..members.len()).any(repeats)
    };
    if !is_repeated {
        return members;
    }
    let mut places: HashMap<Cow<'_, str>, usize> = HashMap::with_capacity(members.len());
    let mut kept: Members<'_> = Vec::with_capacity(members.len());
    for (name, value) in members {
        match places.entry(name) {
            Entry::Occupied(place) => kept[*place.get()].1 = value,
            Entry::Vacant(place) => {
                kept.push((place.key().clone(), value));
                place.insert(kept.len() - 1);
            }
        }
    }
    kept
}
