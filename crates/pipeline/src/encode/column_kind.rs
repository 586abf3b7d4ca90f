//! What a column takes, by how StarRocks calls its type.

use std::collections::HashMap;

use starrocks_kafka_starrocks::Column;

/// What a column takes, as far as it matters to how a field is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ColumnKind {
    Boolean,
    Date,
    DateTime,
    /// Integers, decimals and floating point.
    Number,
    Text,
    Json,
    Array(Box<ColumnKind>),
    /// Its keys and its values.
    Map(Box<ColumnKind>, Box<ColumnKind>),
    /// Its fields by their names.
    Struct(Vec<(String, ColumnKind)>),
    /// An array, a map or a struct, of what is not told.
    Nested,
    Other,
}

/// The columns of a table by their names.
pub(super) type ColumnKinds = HashMap<String, ColumnKind>;

/// The kinds of a table's columns.
pub(super) fn kinds(columns: &[Column]) -> ColumnKinds {
    let kinds = columns.iter();
    kinds
        .map(|column| (column.name.clone(), ColumnKind::of(&column.column_type)))
        .collect()
}

impl ColumnKind {
    /// By a primitive type's name (`DATETIME`, `DECIMAL64`), as the schema API tells it, or a whole type
    /// (`decimal(10,2)`, `array<struct<a int(11)>>`), as SQL does.
    pub(super) fn of(column_type: &str) -> Self {
        let mut rest = column_type;
        let kind = Self::parse(&mut rest);
        match kind {
            // A type that StarRocks writes otherwise than is known here.
            Some(kind) if rest.trim().is_empty() => kind,
            _ if is_nested(column_type) => Self::Nested,
            _ => Self::Other,
        }
    }

    /// The type at the beginning of a text, which is taken off.
    fn parse(rest: &mut &str) -> Option<Self> {
        let name = word(rest)?.to_ascii_uppercase();
        let kind = match name.as_str() {
            "ARRAY" if eat(rest, '<') => {
                let element = Self::parse(rest)?;
                eat(rest, '>').then(|| Self::Array(element.into()))?
            }
            "MAP" if eat(rest, '<') => {
                let key = Self::parse(rest)?;
                let value = eat(rest, ',').then(|| Self::parse(rest))??;
                eat(rest, '>').then(|| Self::Map(key.into(), value.into()))?
            }
            "STRUCT" if eat(rest, '<') => Self::Struct(fields(rest)?),
            // What HTTP, and an old StarRocks by SQL, say of types that are not primitive.
            "ARRAY" | "MAP" | "STRUCT" | "INVALID_TYPE" | "UNKNOWN" => Self::Nested,
            "BOOLEAN" => Self::Boolean,
            "DATE" => Self::Date,
            "DATETIME" => Self::DateTime,
            "JSON" => Self::Json,
            "CHAR" | "VARCHAR" | "STRING" => Self::Text,
            "TINYINT" | "SMALLINT" | "INT" | "BIGINT" | "LARGEINT" | "FLOAT" | "DOUBLE" => {
                Self::Number
            }
            decimal if decimal.starts_with("DECIMAL") => Self::Number,
            _ => Self::Other,
        };
        size(rest)?;
        // `bigint(20) unsigned` is what SQL calls LARGEINT.
        if let Some(behind) = rest.trim_start().strip_prefix("unsigned") {
            *rest = behind;
        }
        Some(kind)
    }

    /// As JSON, what stands for nothing in a column that does not take NULL, and is never read.
    pub(super) const fn zero(&self) -> &'static str {
        match self {
            Self::Boolean => "false",
            Self::Date => "\"1970-01-01\"",
            Self::DateTime => "\"1970-01-01 00:00:00\"",
            Self::Number => "0",
            Self::Text | Self::Other => "\"\"",
            Self::Array(_) => "[]",
            Self::Json | Self::Map(..) | Self::Struct(_) | Self::Nested => "{}",
        }
    }
}

fn is_nested(column_type: &str) -> bool {
    let lower = column_type.trim().to_ascii_lowercase();
    ["array<", "map<", "struct<"]
        .iter()
        .any(|start| lower.starts_with(start))
}

/// A name at the beginning of a text, in backquotes or without.
fn word<'t>(rest: &mut &'t str) -> Option<&'t str> {
    let text = rest.trim_start();
    if let Some(quoted) = text.strip_prefix('`') {
        let (name, behind) = quoted.split_once('`')?;
        *rest = behind;
        return Some(name);
    }
    let is_end = |c: char| c.is_whitespace() || "<>(),:".contains(c);
    let (name, behind) = text.split_at(text.find(is_end).unwrap_or(text.len()));
    *rest = behind;
    (!name.is_empty()).then_some(name)
}

fn eat(rest: &mut &str, sign: char) -> bool {
    let behind = rest.trim_start().strip_prefix(sign);
    if let Some(behind) = behind {
        *rest = behind;
    }
    behind.is_some()
}

/// `(10)` or `(10, 2)` behind a type, if it is there.
fn size(rest: &mut &str) -> Option<()> {
    if eat(rest, '(') {
        *rest = rest.split_once(')')?.1;
    }
    Some(())
}

/// The fields of a struct, up to the end of its type.
fn fields(rest: &mut &str) -> Option<Vec<(String, ColumnKind)>> {
    let mut fields = Vec::new();
    loop {
        let name = word(rest)?.to_owned();
        eat(rest, ':');
        fields.push((name, ColumnKind::parse(rest)?));
        if eat(rest, '>') {
            return Some(fields);
        }
        if !eat(rest, ',') {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_known_by_either_of_their_names() {
        use ColumnKind::{
            Array, Boolean, Date, DateTime, Json, Map, Nested, Number, Other, Struct, Text,
        };
        fn check(column_type: &str, expect: ColumnKind) {
            assert_eq!(ColumnKind::of(column_type), expect, "{column_type}");
        }
        check("DECIMAL64", Number);
        check("decimal(10, 2)", Number);
        check("bigint(20)", Number);
        check("bigint(20) unsigned", Number);
        check("array<bigint(20) unsigned>", Array(Number.into()));
        check("unknown", Nested);
        check("tinyint(1)", Number);
        check("boolean", Boolean);
        check("varchar(65533)", Text);
        check("DATETIME", DateTime);
        check("json", Json);
        check("varbinary", Other);
        check("bitmap", Other);
        check("INVALID_TYPE", Nested);
        check("ARRAY", Nested);
        check("array<date>", Array(Date.into()));
        check(
            "ARRAY<ARRAY<DECIMAL(10,2)>>",
            Array(Box::new(Array(Number.into()))),
        );
        check(
            "map<varchar(10),datetime>",
            Map(Text.into(), DateTime.into()),
        );
        let inner = vec![
            ("a".to_owned(), Number),
            ("b c".to_owned(), Array(Date.into())),
        ];
        check(
            "struct<a int(11), `b c` array<date>>",
            Struct(inner.clone()),
        );
        check("struct<a:int,`b c`:array<date>>", Struct(inner));
        check("array<", Nested);
        check("map<int>", Nested);
        check("struct<a int", Nested);
        check("array<int> of", Nested);
        check("", Other);
        check("decimal(1", Other);
    }
}
