//! The header `where`: which rows of a load are selected.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::column_type::ColumnType;
use crate::dates::Moment;
use crate::decimal;
use crate::parser::Parser;
use crate::rows::{Cell, Rows};
use crate::schema::Table;
use crate::sql::like;
use crate::tokens::Token;

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    /// Equal, NULL being equal to NULL.
    Same,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What is compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    /// A column of the table by its number.
    Column(usize),
    Text(String),
    Number(String),
    Null,
}

/// A predicate over a table's columns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Predicate {
    And(Vec<Predicate>),
    Or(Vec<Predicate>),
    Not(Box<Predicate>),
    /// An operand alone: a number that is not 0.
    True(Operand),
    Compare(Operand, Comparison, Operand),
    IsNull(Operand),
    In(Operand, Vec<Operand>),
    Like(Operand, Vec<char>),
}

fn unknown(what: &str) -> String {
    format!("this StarRocks stand-in does not know {what} in the load header `where`")
}

struct Reader<'t> {
    parser: Parser,
    table: &'t Table,
}

impl Predicate {
    /// Reads the header.
    pub(crate) fn read(header: &str, table: &Table) -> Result<Self, String> {
        let mut reader = Reader {
            parser: Parser::over(header)?,
            table,
        };
        let predicate = reader.or()?;
        match reader.parser.peek() {
            None => Ok(predicate),
            Some(_) => Err(unknown(&format!(
                "what begins with {}",
                reader.parser.here()
            ))),
        }
    }

    /// Whether the row is selected; `None` is unknown, which is not.
    pub(crate) fn holds(&self, table: &Table, rows: &Rows, cells: &[Cell]) -> Option<bool> {
        let value = |operand| Value::of(operand, table, rows, cells);
        match self {
            Self::And(parts) => all(parts.iter().map(|p| p.holds(table, rows, cells)), false),
            Self::Or(parts) => all(parts.iter().map(|p| p.holds(table, rows, cells)), true),
            Self::Not(part) => part.holds(table, rows, cells).map(|holds| !holds),
            Self::True(operand) => match value(operand) {
                Value::Null => None,
                Value::Number(text) | Value::Text(text) | Value::Time(text) => {
                    text.trim().parse::<f64>().ok().map(|number| number != 0.0)
                }
            },
            Self::Compare(one, comparison, other) => comparison.holds(&value(one), &value(other)),
            Self::IsNull(operand) => Some(value(operand) == Value::Null),
            Self::In(one, others) => {
                let one = value(one);
                let equal = |other| Comparison::Equal.holds(&one, &value(other));
                all(others.iter().map(equal), true)
            }
            Self::Like(operand, pattern) => match value(operand) {
                Value::Null => None,
                Value::Number(text) | Value::Text(text) | Value::Time(text) => {
                    Some(like(pattern, &text.chars().collect::<Vec<_>>()))
                }
            },
        }
    }
}

/// AND and OR of three values: `decisive` decides whatever the others are.
fn all(parts: impl Iterator<Item = Option<bool>>, decisive: bool) -> Option<bool> {
    let mut known = Some(!decisive);
    for part in parts {
        match part {
            Some(part) if part == decisive => return Some(decisive),
            Some(_) => {}
            None => known = None,
        }
    }
    known
}

impl Reader<'_> {
    fn or(&mut self) -> Result<Predicate, String> {
        let mut parts = vec![self.and()?];
        while self.parser.take("OR") {
            parts.push(self.and()?);
        }
        Ok(one_of(parts, Predicate::Or))
    }

    fn and(&mut self) -> Result<Predicate, String> {
        let mut parts = vec![self.not()?];
        while self.parser.take("AND") {
            parts.push(self.not()?);
        }
        Ok(one_of(parts, Predicate::And))
    }

    fn not(&mut self) -> Result<Predicate, String> {
        if self.parser.take("NOT") {
            return Ok(Predicate::Not(Box::new(self.not()?)));
        }
        if self.parser.mark('(') {
            let inner = self.or()?;
            self.parser.expect_mark(')')?;
            return Ok(inner);
        }
        let operand = self.operand()?;
        if self.parser.take("IS") {
            let not = self.parser.take("NOT");
            if !self.parser.take("NULL") {
                return Err(unknown(&format!("IS {}", self.parser.here())));
            }
            return Ok(negated(Predicate::IsNull(operand), not));
        }
        let not = self.parser.take("NOT");
        if self.parser.take("IN") {
            self.parser.expect_mark('(')?;
            let mut values = vec![self.operand()?];
            while self.parser.mark(',') {
                values.push(self.operand()?);
            }
            self.parser.expect_mark(')')?;
            return Ok(negated(Predicate::In(operand, values), not));
        }
        if self.parser.take("LIKE") {
            let Operand::Text(pattern) = self.operand()? else {
                return Err(unknown("LIKE without a constant text"));
            };
            return Ok(negated(
                Predicate::Like(operand, pattern.chars().collect()),
                not,
            ));
        }
        if self.parser.take("BETWEEN") {
            let low =
                Predicate::Compare(operand.clone(), Comparison::GreaterOrEqual, self.operand()?);
            if !self.parser.take("AND") {
                return Err(format!("expected AND but found {}", self.parser.here()));
            }
            let high = Predicate::Compare(operand, Comparison::LessOrEqual, self.operand()?);
            return Ok(negated(Predicate::And(vec![low, high]), not));
        }
        if not {
            return Err(unknown(&format!("NOT {}", self.parser.here())));
        }
        match self.comparison()? {
            Some(comparison) => Ok(Predicate::Compare(operand, comparison, self.operand()?)),
            None => Ok(Predicate::True(operand)),
        }
    }

    fn comparison(&mut self) -> Result<Option<Comparison>, String> {
        let p = &mut self.parser;
        Ok(Some(if p.mark('=') {
            Comparison::Equal
        } else if p.mark('!') {
            p.expect_mark('=')?;
            Comparison::NotEqual
        } else if p.mark('<') {
            match (p.mark('='), p.mark('>')) {
                (true, true) => Comparison::Same,
                (true, false) => Comparison::LessOrEqual,
                (false, true) => Comparison::NotEqual,
                (false, false) => Comparison::Less,
            }
        } else if p.mark('>') {
            if p.mark('=') {
                Comparison::GreaterOrEqual
            } else {
                Comparison::Greater
            }
        } else {
            return Ok(None);
        }))
    }

    fn operand(&mut self) -> Result<Operand, String> {
        let Some(token) = self.parser.peek().cloned() else {
            return Err("the load header `where` has no end".to_owned());
        };
        self.parser.at += 1;
        let operand = match token {
            Token::Text(text) => Operand::Text(text),
            Token::Number(number) => Operand::Number(number),
            Token::Mark('-') => match self.parser.peek().cloned() {
                Some(Token::Number(number)) => {
                    self.parser.at += 1;
                    Operand::Number(format!("-{number}"))
                }
                _ => return Err(unknown("the operator `-`")),
            },
            Token::Word(word) if self.parser.peek() == Some(&Token::Mark('(')) => {
                return Err(unknown(&format!("the function `{word}`")));
            }
            Token::Word(word) if word.eq_ignore_ascii_case("null") => Operand::Null,
            Token::Word(word) if word.eq_ignore_ascii_case("true") => {
                Operand::Number("1".to_owned())
            }
            Token::Word(word) if word.eq_ignore_ascii_case("false") => {
                Operand::Number("0".to_owned())
            }
            Token::Word(name) | Token::Quoted(name) => {
                let columns = &self.table.columns;
                let at = columns
                    .iter()
                    .position(|c| c.name.eq_ignore_ascii_case(&name));
                Operand::Column(at.ok_or_else(|| {
                    format!("unknown column reference in where statement, reference={name}")
                })?)
            }
            Token::Mark(mark) => return Err(unknown(&format!("the operator `{mark}`"))),
        };
        match self.parser.peek() {
            Some(Token::Mark(mark)) if "+-*/%&|^".contains(*mark) => {
                Err(unknown(&format!("the operator `{mark}`")))
            }
            _ => Ok(operand),
        }
    }
}

fn one_of(mut parts: Vec<Predicate>, many: fn(Vec<Predicate>) -> Predicate) -> Predicate {
    match (parts.len(), parts.pop()) {
        (1, Some(one)) => one,
        (_, last) => {
            parts.extend(last);
            many(parts)
        }
    }
}

fn negated(predicate: Predicate, not: bool) -> Predicate {
    if not {
        Predicate::Not(Box::new(predicate))
    } else {
        predicate
    }
}

/// A value as comparisons see it.
#[derive(Debug, PartialEq)]
enum Value<'a> {
    Null,
    Number(Cow<'a, str>),
    Text(Cow<'a, str>),
    /// A DATE or DATETIME.
    Time(Cow<'a, str>),
}

impl<'a> Value<'a> {
    fn of(operand: &'a Operand, table: &Table, rows: &'a Rows, cells: &[Cell]) -> Self {
        let at = match operand {
            Operand::Null => return Self::Null,
            Operand::Text(text) => return Self::Text(Cow::Borrowed(text)),
            Operand::Number(text) => return Self::Number(Cow::Borrowed(text)),
            Operand::Column(at) => *at,
        };
        match cells[at] {
            Cell::Null => Self::Null,
            Cell::Int(value) => Self::Number(Cow::Owned(value.to_string())),
            Cell::Real(value) => Self::Number(Cow::Owned(value.to_string())),
            Cell::Text { start, len } | Cell::Blob { start, len } => {
                let text = String::from_utf8_lossy(rows.bytes(start, len));
                match table.columns[at].ty {
                    ColumnType::LargeInt | ColumnType::Decimal { .. } => Self::Number(text),
                    ColumnType::Date | ColumnType::DateTime => Self::Time(text),
                    _ => Self::Text(text),
                }
            }
        }
    }

    /// `None` where one of them is NULL or cannot be cast.
    fn compare(&self, other: &Self) -> Option<Ordering> {
        let moment = |text: &str| Moment::parse(text).map(Moment::date_time);
        match (self, other) {
            (Self::Null, _) | (_, Self::Null) => None,
            (Self::Time(one), Self::Time(other) | Self::Text(other) | Self::Number(other))
            | (Self::Text(one) | Self::Number(one), Self::Time(other)) => {
                Some(moment(one)?.cmp(&moment(other)?))
            }
            (Self::Text(one), Self::Text(other)) => Some(one.as_bytes().cmp(other.as_bytes())),
            (Self::Number(one) | Self::Text(one), Self::Number(other) | Self::Text(other)) => {
                decimal::compare(one, other)
            }
        }
    }
}

impl Comparison {
    fn holds(self, one: &Value<'_>, other: &Value<'_>) -> Option<bool> {
        if self == Self::Same && (*one == Value::Null || *other == Value::Null) {
            return Some(one == other);
        }
        let order = one.compare(other)?;
        Some(match self {
            Self::Equal | Self::Same => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Predicate;
    use crate::ddl::{Statement, parse};
    use crate::rows::{Cell, Rows};

    const TABLE: &str = "CREATE TABLE d.t (i INT, v VARCHAR(9), n DECIMAL(20,2), t DATETIME, b BOOLEAN, z INT, r DOUBLE)";

    /// Over the row 7, 'ab_c', 100000000000000000.50, 2024-01-02 00:00:00, true, NULL, 0.5: `T`, `F`, `N` or the refusal.
    fn check(header: &str, expect: &str) {
        let Ok(Statement::CreateTable { table, .. }) = parse(TABLE, None) else {
            panic!("the table is one");
        };
        let mut rows = Rows::new(7);
        let cells = [
            Cell::Int(7),
            rows.text("ab_c"),
            rows.text("100000000000000000.50"),
            rows.text("2024-01-02 00:00:00"),
            Cell::Int(1),
            Cell::Null,
            Cell::Real(0.5),
        ];
        let got = match Predicate::read(header, &table) {
            Ok(predicate) => match predicate.holds(&table, &rows, &cells) {
                Some(true) => "T".to_owned(),
                Some(false) => "F".to_owned(),
                None => "N".to_owned(),
            },
            Err(message) => message,
        };
        let refused = got.len() > 1 && got.contains(expect);
        assert!(got == expect || refused, "{header}: {got}");
    }

    #[test]
    fn predicates_hold_do_not_or_are_unknown() {
        let rows = [
            ("i = 7", "T"),
            ("i <> 7 OR i != 8", "T"),
            ("i > 7", "F"),
            ("i >= 7 AND 7 <= i", "T"),
            ("I = '7.0'", "T"),
            ("v = 'ab_c'", "T"),
            ("v < 'b'", "T"),
            ("v = 7", "N"),
            ("n = 100000000000000000.5", "T"),
            ("n > 100000000000000000.49", "T"),
            ("r < 0.51", "T"),
            ("t = '2024-01-02'", "T"),
            ("t > 20240101", "T"),
            ("t < 'never'", "N"),
            ("b", "T"),
            ("b = false", "F"),
            ("NOT b", "F"),
            ("z = 1", "N"),
            ("NOT z = 1", "N"),
            ("z = 1 AND i = 8", "F"),
            ("z = 1 OR i = 7", "T"),
            ("z IS NULL AND i IS NOT NULL", "T"),
            ("z <=> NULL", "T"),
            ("i <=> NULL", "F"),
            ("z = NULL", "N"),
            ("i IN (1, 7)", "T"),
            ("i NOT IN (1, 2)", "T"),
            ("i IN (1, NULL)", "N"),
            ("v LIKE 'a%'", "T"),
            ("v LIKE 'ab\\\\_c'", "T"),
            ("v NOT LIKE '__'", "T"),
            ("i BETWEEN 1 AND 7 AND b", "T"),
            ("i NOT BETWEEN 1 AND 7", "F"),
            ("(i = 1 OR i = 7) AND NOT (v = 'x')", "T"),
            ("i = 1 OR i = 7 AND z = 1", "N"),
            (
                "x = 1",
                "unknown column reference in where statement, reference=x",
            ),
            ("i + 1 = 8", "does not know the operator `+`"),
            ("upper(v) = 'A'", "does not know the function `upper`"),
            ("v REGEXP 'a'", "does not know what begins with `REGEXP`"),
            ("v LIKE i", "LIKE without a constant text"),
            ("i IS TRUE", "IS `TRUE`"),
            ("i =", "has no end"),
            ("(i = 1", "expected `)`"),
        ];
        for (header, expect) in rows {
            check(header, expect);
        }
    }
}
