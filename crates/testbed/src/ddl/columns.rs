//! Columns of `CREATE TABLE` and `ALTER TABLE`: types, nullability, defaults.

use crate::column_type::ColumnType;
use crate::schema::{Column, ColumnDefault};
use crate::tokens::Token;

use crate::parser::Parser;

impl Parser {
    pub(super) fn column(&mut self) -> Result<Column, String> {
        let name = self.name("a column")?;
        let ty = self.column_type(&name)?;
        let mut column = Column {
            name,
            ty,
            nullable: true,
            default: None,
            comment: String::new(),
        };
        loop {
            if self.take_all(&["NOT", "NULL"]) {
                column.nullable = false;
            } else if self.take("NULL") {
                column.nullable = true;
            } else if self.take("DEFAULT") {
                column.default = self.default(&column.name)?;
            } else if self.take("COMMENT") {
                let Some(Token::Text(text)) = self.peek() else {
                    return Err(format!(
                        "expected the comment of column `{}` but found {}",
                        column.name,
                        self.here()
                    ));
                };
                column.comment = text.clone();
                self.at += 1;
            } else if matches!(self.peek(), None | Some(Token::Mark(',' | ')' | ';')))
                || self.at_word("FIRST")
                || self.at_word("AFTER")
            {
                return Ok(column);
            } else {
                return Err(format!(
                    "the stand-in does not know {} on column `{}`",
                    self.here(),
                    column.name
                ));
            }
        }
    }

    fn default(&mut self, column: &str) -> Result<Option<ColumnDefault>, String> {
        let sign = if self.mark('-') { "-" } else { "" };
        let default = match self.peek() {
            Some(Token::Text(text)) => Some(ColumnDefault::Text(text.clone())),
            Some(Token::Number(number)) => Some(ColumnDefault::Text(format!("{sign}{number}"))),
            Some(Token::Word(w)) if w.eq_ignore_ascii_case("null") => None,
            Some(Token::Word(w))
                if w.eq_ignore_ascii_case("true") || w.eq_ignore_ascii_case("false") =>
            {
                Some(ColumnDefault::Text(w.clone()))
            }
            Some(Token::Word(w)) if w.eq_ignore_ascii_case("current_timestamp") => {
                Some(ColumnDefault::CurrentTimestamp)
            }
            _ => {
                return Err(format!(
                    "the stand-in does not know DEFAULT {} of column `{column}`",
                    self.here()
                ));
            }
        };
        self.at += 1;
        if default == Some(ColumnDefault::CurrentTimestamp)
            && self.peek() == Some(&Token::Mark('('))
        {
            self.group()?;
        }
        Ok(default)
    }

    fn column_type(&mut self, column: &str) -> Result<ColumnType, String> {
        let unknown = |shown: String| {
            format!("the stand-in does not know the type {shown} of column `{column}`")
        };
        let Some(word) = self.word() else {
            return Err(unknown(self.here()));
        };
        if self.peek() == Some(&Token::Mark('<')) {
            return self.nested_type(&word, column);
        }
        let arguments = self.type_arguments(column)?;
        let number = |at: usize| arguments.get(at).copied();
        let ty = match word.to_ascii_uppercase().as_str() {
            "BOOLEAN" | "BOOL" => ColumnType::Boolean,
            "TINYINT" => ColumnType::TinyInt,
            "SMALLINT" => ColumnType::SmallInt,
            "INT" | "INTEGER" => ColumnType::Int,
            "BIGINT" => ColumnType::BigInt,
            "LARGEINT" => ColumnType::LargeInt,
            "FLOAT" => ColumnType::Float,
            "DOUBLE" => ColumnType::Double,
            "DATE" => ColumnType::Date,
            "DATETIME" => ColumnType::DateTime,
            "JSON" => ColumnType::Json,
            "STRING" | "TEXT" => ColumnType::Varchar(65_533),
            "CHAR" => ColumnType::Char(number(0).unwrap_or(1)),
            "VARCHAR" => ColumnType::Varchar(number(0).unwrap_or(1)),
            "VARBINARY" | "BINARY" => ColumnType::Varbinary(number(0).unwrap_or(1_048_576)),
            "DECIMAL" | "DECIMALV3" | "DECIMAL32" | "DECIMAL64" | "DECIMAL128" | "NUMERIC" => {
                decimal(number(0).unwrap_or(10), number(1).unwrap_or(0), column)?
            }
            _ => return Err(unknown(word)),
        };
        let longest = match ty {
            ColumnType::Char(_) => 255,
            ColumnType::Varchar(_) | ColumnType::Varbinary(_) => 1_048_576,
            _ => return Ok(ty),
        };
        match ty {
            ColumnType::Char(n) | ColumnType::Varchar(n) | ColumnType::Varbinary(n)
                if n == 0 || n > longest =>
            {
                Err(format!(
                    "the length {n} of column `{column}` is not from 1 to {longest}"
                ))
            }
            _ => Ok(ty),
        }
    }

    /// What stands between `<` and `>` of ARRAY, MAP and STRUCT.
    fn nested_type(&mut self, word: &str, column: &str) -> Result<ColumnType, String> {
        self.expect_mark('<')?;
        let ty = match word.to_ascii_uppercase().as_str() {
            "ARRAY" => ColumnType::Array(Box::new(self.column_type(column)?)),
            "MAP" => {
                let key = self.column_type(column)?;
                if key.is_nested() || matches!(key, ColumnType::Json | ColumnType::Varbinary(_)) {
                    return Err(format!(
                        "the type {key} cannot be the key of a map, in column `{column}`"
                    ));
                }
                self.expect_mark(',')?;
                ColumnType::Map(Box::new(key), Box::new(self.column_type(column)?))
            }
            "STRUCT" => {
                let mut fields: Vec<(String, ColumnType)> = Vec::new();
                loop {
                    let name = self.name("a field")?;
                    // A colon between name and type is read as well as none.
                    self.mark(':');
                    let ty = self.column_type(column)?;
                    if fields
                        .iter()
                        .any(|(other, _)| other.eq_ignore_ascii_case(&name))
                    {
                        return Err(format!(
                            "the struct of column `{column}` has two fields `{name}`"
                        ));
                    }
                    fields.push((name, ty));
                    if !self.mark(',') {
                        break;
                    }
                }
                ColumnType::Struct(fields)
            }
            _ => {
                return Err(format!(
                    "the stand-in does not know the type {word}<…> of column `{column}`"
                ));
            }
        };
        self.expect_mark('>')?;
        Ok(ty)
    }

    fn type_arguments(&mut self, column: &str) -> Result<Vec<u32>, String> {
        let mut arguments = Vec::new();
        if !self.mark('(') {
            return Ok(arguments);
        }
        loop {
            match self.peek() {
                Some(Token::Number(n)) => {
                    arguments.push(n.parse().map_err(|_| {
                        format!("{n} is not a length, in the type of column `{column}`")
                    })?);
                }
                _ => {
                    return Err(format!(
                        "expected a number in the type of column `{column}` but found {}",
                        self.here()
                    ));
                }
            }
            self.at += 1;
            if !self.mark(',') {
                break;
            }
        }
        self.expect_mark(')')?;
        Ok(arguments)
    }
}

fn decimal(precision: u32, scale: u32, column: &str) -> Result<ColumnType, String> {
    match (u8::try_from(precision), u8::try_from(scale)) {
        (Ok(precision @ 1..=38), Ok(scale)) if scale <= precision => {
            Ok(ColumnType::Decimal { precision, scale })
        }
        _ => Err(format!(
            "the stand-in does not know DECIMAL({precision},{scale}) of column `{column}`: precision is 1 to 38, scale at most the precision"
        )),
    }
}
