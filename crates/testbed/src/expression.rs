//! What may stand behind `name =` in the header `columns`.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::coerce::Source;
use crate::dates::{Format, Moment};
use crate::json_text;
use crate::parser::Parser;
use crate::tokens::Token;

/// An expression over source fields, which `F` names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression<F> {
    Field(F),
    Constant(String),
    Null,
    /// The seconds, and how the moment is written.
    FromUnixtime(Box<Expression<F>>, Format),
    StrToDate(Box<Expression<F>>, Format),
    FromBase64(Box<Expression<F>>),
}

/// A part of the header `columns`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item {
    /// A source field.
    Field(String),
    /// A column that is made of fields.
    Derived {
        column: String,
        value: Expression<String>,
    },
}

impl Item {
    /// Reads the header.
    pub(crate) fn list(header: &str) -> Result<Vec<Self>, String> {
        let mut parser = Parser::over(header)?;
        let mut items = Vec::new();
        loop {
            let name = parser.field_name()?;
            items.push(if parser.mark('=') {
                let value = parser.expression()?;
                Self::Derived {
                    column: name,
                    value,
                }
            } else {
                Self::Field(name)
            });
            if !parser.mark(',') {
                break;
            }
        }
        if parser.peek().is_some() {
            return Err(unknown(&format!("what begins with {}", parser.here())));
        }
        Ok(items)
    }

    /// The name that the item gives a value to.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Field(name) | Self::Derived { column: name, .. } => name,
        }
    }
}

fn unknown(what: &str) -> String {
    format!("this StarRocks stand-in does not know {what} in the load header `columns`")
}

impl Parser {
    /// A field's name may begin with a digit.
    fn field_name(&mut self) -> Result<String, String> {
        if let Some(Token::Number(name)) = self.peek() {
            let name = name.clone();
            self.at += 1;
            return Ok(name);
        }
        self.name("a field in the load header `columns`")
    }

    fn expression(&mut self) -> Result<Expression<String>, String> {
        let value = self.operand()?;
        match self.peek() {
            None | Some(Token::Mark(',' | ')')) => Ok(value),
            Some(_) => Err(unknown(&format!("the operator {}", self.here()))),
        }
    }

    fn operand(&mut self) -> Result<Expression<String>, String> {
        let Some(token) = self.peek().cloned() else {
            return Err("an expression in the load header `columns` has no end".to_owned());
        };
        self.at += 1;
        Ok(match token {
            Token::Text(text) => Expression::Constant(text),
            Token::Number(number) => Expression::Constant(number),
            Token::Mark('-') => match self.peek() {
                Some(Token::Number(number)) => {
                    let negative = format!("-{number}");
                    self.at += 1;
                    Expression::Constant(negative)
                }
                _ => return Err(unknown("the operator `-`")),
            },
            Token::Mark('(') => {
                let value = self.expression()?;
                self.expect_mark(')')?;
                value
            }
            Token::Word(name) if self.mark('(') => {
                let value = self.function(&name)?;
                self.expect_mark(')')?;
                value
            }
            Token::Word(word) if word.eq_ignore_ascii_case("null") => Expression::Null,
            Token::Word(word) if word.eq_ignore_ascii_case("true") => {
                Expression::Constant("1".to_owned())
            }
            Token::Word(word) if word.eq_ignore_ascii_case("false") => {
                Expression::Constant("0".to_owned())
            }
            Token::Word(name) | Token::Quoted(name) => Expression::Field(name),
            Token::Mark(mark) => return Err(unknown(&format!("the operator `{mark}`"))),
        })
    }

    /// The arguments of a function that is known.
    fn function(&mut self, name: &str) -> Result<Expression<String>, String> {
        match name.to_ascii_lowercase().as_str() {
            "from_unixtime" => {
                let seconds = self.expression()?;
                let format = if self.mark(',') {
                    self.format()?
                } else {
                    Format::date_time()
                };
                Ok(Expression::FromUnixtime(Box::new(seconds), format))
            }
            "str_to_date" => {
                let text = self.expression()?;
                self.expect_mark(',')?;
                Ok(Expression::StrToDate(Box::new(text), self.format()?))
            }
            "from_base64" => Ok(Expression::FromBase64(Box::new(self.expression()?))),
            _ => Err(unknown(&format!("the function `{name}`"))),
        }
    }

    fn format(&mut self) -> Result<Format, String> {
        match self.peek() {
            Some(Token::Text(text)) => {
                let format = Format::read(text);
                self.at += 1;
                format
            }
            _ => Err(format!(
                "expected the format of a date as text but found {}",
                self.here()
            )),
        }
    }
}

impl<F> Expression<F> {
    /// The expression over fields by their numbers.
    pub(crate) fn bind<G>(
        &self,
        number: &impl Fn(&F) -> Result<G, String>,
    ) -> Result<Expression<G>, String> {
        let boxed = |inner: &Expression<F>| inner.bind(number).map(Box::new);
        Ok(match self {
            Self::Field(field) => Expression::Field(number(field)?),
            Self::Constant(text) => Expression::Constant(text.clone()),
            Self::Null => Expression::Null,
            Self::FromUnixtime(inner, format) => {
                Expression::FromUnixtime(boxed(inner)?, format.clone())
            }
            Self::StrToDate(inner, format) => Expression::StrToDate(boxed(inner)?, format.clone()),
            Self::FromBase64(inner) => Expression::FromBase64(boxed(inner)?),
        })
    }

    /// Whether the time zone matters.
    pub(crate) fn needs_zone(&self) -> bool {
        match self {
            Self::FromUnixtime(..) => true,
            Self::StrToDate(inner, _) | Self::FromBase64(inner) => inner.needs_zone(),
            Self::Field(_) | Self::Constant(_) | Self::Null => false,
        }
    }
}

impl Expression<usize> {
    /// The value for one row, of which `field` has the fields. What cannot be computed is NULL, as in StarRocks.
    pub(crate) fn value<'v>(
        &self,
        field: &impl Fn(usize) -> Result<Source<'v>, String>,
        zone_seconds: i64,
    ) -> Result<Source<'v>, String> {
        let text = |inner: &Self| -> Result<Option<String>, String> {
            Ok(match inner.value(field, zone_seconds)? {
                Source::Text(text) => Some(text.into_owned()),
                Source::Bytes(bytes) => String::from_utf8(bytes).ok(),
                Source::Number(text) => Some(text.to_owned()),
                _ => None,
            })
        };
        let made =
            |text: Option<String>| text.map_or(Source::Null, |t| Source::Text(Cow::Owned(t)));
        Ok(match self {
            // A field that is no column of the same name is a VARCHAR.
            Self::Field(at) => match field(*at)? {
                Source::Bool(value) => Source::Text(Cow::Borrowed(if value { "1" } else { "0" })),
                Source::Nested(json) => Source::Text(Cow::Owned(json_text::minified(json))),
                other => other,
            },
            Self::Constant(text) => made(Some(text.clone())),
            Self::Null => Source::Null,
            Self::FromUnixtime(inner, format) => {
                let seconds = text(inner)?.and_then(|t| t.trim().parse::<i64>().ok());
                let local = seconds
                    .filter(|s| *s >= 0)
                    .and_then(|s| s.checked_add(zone_seconds));
                let millis = local.and_then(|s| u64::try_from(s).ok()?.checked_mul(1000));
                made(millis.and_then(|millis| format.write(Moment::in_range(millis)?)))
            }
            Self::StrToDate(inner, format) => made(
                text(inner)?
                    .and_then(|t| format.parse(&t))
                    .map(Moment::date_time),
            ),
            Self::FromBase64(inner) => {
                let bytes = text(inner)?.and_then(|t| STANDARD.decode(t.trim()).ok());
                bytes.map_or(Source::Null, Source::Bytes)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Item;
    use crate::coerce::Source;

    /// The value of `x = expression` where the fields are a = "1700000000", b = "2024/05/06", c = "AP8=", d = null.
    fn check(expression: &str, expect: &str) {
        let fields = ["1700000000", "2024/05/06", "AP8=", ""];
        let got = Item::list(&format!("a, x = {expression}")).and_then(|items| {
            let Item::Derived { value, .. } = &items[1] else {
                panic!("{expression} is no derived column: {items:?}");
            };
            let number = |name: &String| {
                let names = ["a", "b", "c", "d"];
                names
                    .iter()
                    .position(|n| n == name)
                    .ok_or_else(|| format!("no field {name}"))
            };
            let field = |at: usize| {
                Ok(match fields[at] {
                    "" => Source::Null,
                    text => Source::Text(text.into()),
                })
            };
            value.bind(&number)?.value(&field, 3600)
        });
        let shown = match got {
            Ok(Source::Null) => "NULL".to_owned(),
            Ok(Source::Text(text)) => text.into_owned(),
            Ok(Source::Bytes(bytes)) => format!("{bytes:02x?}"),
            Ok(other) => format!("{other:?}"),
            Err(message) => format!("! {message}"),
        };
        assert_eq!(shown, expect, "{expression}");
    }

    #[test]
    fn expressions_have_values_or_are_refused_by_name() {
        let unknown = |what: &str| {
            format!("! this StarRocks stand-in does not know {what} in the load header `columns`")
        };
        let rows = [
            ("a", "1700000000".to_owned()),
            ("(`b`)", "2024/05/06".to_owned()),
            ("'it''s'", "it's".to_owned()),
            ("-1.5", "-1.5".to_owned()),
            ("NULL", "NULL".to_owned()),
            ("from_unixtime(a)", "2023-11-14 23:13:20".to_owned()),
            ("FROM_UNIXTIME(a, '%d.%m.%y %H')", "14.11.23 23".to_owned()),
            ("from_unixtime(a, 'yyyy-MM-dd')", "2023-11-14".to_owned()),
            ("from_unixtime(b)", "NULL".to_owned()),
            ("from_unixtime('-1')", "NULL".to_owned()),
            ("from_unixtime(99999999999999)", "NULL".to_owned()),
            (
                "str_to_date(b, '%Y/%m/%d')",
                "2024-05-06 00:00:00".to_owned(),
            ),
            ("str_to_date(b, '%d/%m/%Y')", "NULL".to_owned()),
            ("str_to_date(d, '%Y')", "NULL".to_owned()),
            ("from_base64(c)", "[00, ff]".to_owned()),
            ("from_base64('*')", "NULL".to_owned()),
            ("a + 1", unknown("the operator `+`")),
            ("concat(a, b)", unknown("the function `concat`")),
            ("from_unixtime(upper(a))", unknown("the function `upper`")),
            ("* 2", unknown("the operator `*`")),
            (
                "from_unixtime(a, '%W')",
                "! this StarRocks stand-in does not know `%W` in the format of a date".to_owned(),
            ),
            ("e", "! no field e".to_owned()),
            ("str_to_date(b)", "! expected `,` but found `)`".to_owned()),
        ];
        for (expression, expect) in rows {
            check(expression, &expect);
        }
        let names = Item::list("1a, `b c`, d").expect("names are names");
        let names: Vec<_> = names.iter().map(Item::name).collect();
        assert_eq!(names, ["1a", "b c", "d"]);
        assert!(Item::list("a b").is_err_and(|m| m.contains("what begins with `b`")));
    }
}
