//! JSON as Jackson reads it for Kafka's `JsonConverter`.
//!
//! It is RFC 8259 with these liberties: leading zeros (`007`), a byte order mark, UTF-16 and UTF-32, and
//! of a name that occurs twice in an object the last member counts. Comments, single quotes, `NaN`,
//! `+1` and `.5` are refused. Jackson's limits hold: 1000 levels of nesting, 1000 digits a number. One
//! thing differs on purpose: text after the value is refused, where Jackson drops it in silence.
//!
//! Confluent's converters have a Jackson that takes other liberties: [`Dialect`].

mod encoding;
mod parser;

pub use encoding::{decode, decode_as};
pub(crate) use parser::Parser;

use std::borrow::Cow;

/// Whose Jackson it is: they differ in version and settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Dialect {
    /// That of Kafka's `JsonConverter`.
    #[default]
    Kafka,
    /// That of Confluent's converter of JSON Schema. It has no leading zeros; UTF-8 is what the standard says;
    /// `NaN`, `Infinity`, `INF` (with signs, but for the first) are numbers; and every number is an exact one, so that one whose
    /// exponent does not fit 32 bits is no JSON.
    Confluent,
}

/// A JSON value that borrows texts and numbers from its source.
#[derive(Clone, Debug, PartialEq)]
pub enum Json<'k> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number.
    Number(Number<'k>),
    /// A text, escapes resolved. One half of a surrogate pair without the other becomes `?`, as
    /// where Java encodes it.
    String(Cow<'k, str>),
    /// An array.
    Array(Vec<Json<'k>>),
    /// Members in order, each name once.
    Object(Vec<(Cow<'k, str>, Json<'k>)>),
}

impl<'k> Json<'k> {
    /// Reads one value, which is all there is but blanks.
    ///
    /// # Errors
    /// Where and why it is no JSON.
    pub fn parse(text: &'k str) -> Result<Self, JsonError> {
        Self::parse_as(text, Dialect::Kafka)
    }

    /// Reads one value as somebody's Jackson does.
    ///
    /// # Errors
    /// Where and why it is no JSON.
    pub fn parse_as(text: &'k str, dialect: Dialect) -> Result<Self, JsonError> {
        let mut parser = Parser::new(text, dialect);
        let value = parser.value(0)?;
        parser.end()?;
        Ok(value)
    }

    /// The value, and null in its place.
    #[must_use]
    pub fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Null)
    }

    /// The member of this name; `None` where it is no object or has none.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text, where it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Jackson's name for its kind, as Connect's messages have it.
    #[must_use]
    pub const fn node_type(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Boolean(_) => "BOOLEAN",
            Self::Number(_) => "NUMBER",
            Self::String(_) => "STRING",
            Self::Array(_) => "ARRAY",
            Self::Object(_) => "OBJECT",
        }
    }
}

/// A number as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number<'k> {
    text: &'k str,
    is_integral: bool,
}

impl<'k> Number<'k> {
    /// The text.
    #[must_use]
    pub const fn text(self) -> &'k str {
        self.text
    }

    /// Whether it is a number at all: neither `NaN` nor an infinity, which only [`Dialect::Confluent`] has.
    #[must_use]
    pub fn is_finite(self) -> bool {
        // Those end in a letter.
        self.text.ends_with(|c: char| c.is_ascii_digit())
    }

    /// Whether it has neither fraction nor exponent.
    #[must_use]
    pub const fn is_integral(self) -> bool {
        self.is_integral
    }

    /// The value of an integral number that fits 64 bits.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        if self.is_integral {
            self.text.parse().ok()
        } else {
            None
        }
    }

    /// The nearest double, infinite where it is too great. Minus zero is zero, as in Java, which goes
    /// by way of `BigDecimal`; what is too small for a double keeps its sign.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        let number = self.text.parse::<f64>().unwrap_or(f64::NAN);
        if number == 0.0 && self.is_zero() {
            0.0
        } else {
            number
        }
    }

    /// The nearest float, infinite where it is too great. Zero has no sign, as that of
    /// [`to_f64`](Self::to_f64).
    #[must_use]
    pub fn to_f32(self) -> f32 {
        let number = self.text.parse::<f32>().unwrap_or(f32::NAN);
        if number == 0.0 && self.is_zero() {
            0.0
        } else {
            number
        }
    }

    fn is_zero(self) -> bool {
        let digits = self.text.split(['e', 'E']).next();
        digits.is_some_and(|digits| !digits.contains(|c| matches!(c, '1'..='9')))
    }
}

/// Why a text is no JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at byte {offset}")]
pub struct JsonError {
    /// How many bytes of the text stand before the fault.
    pub offset: usize,
    /// What is wrong.
    pub message: String,
}

#[cfg(test)]
mod tests;
