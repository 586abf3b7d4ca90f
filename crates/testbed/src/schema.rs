//! What a declared table is: columns, their StarRocks types, keys and defaults.

use std::fmt;

/// A StarRocks column type that the stand-in stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColumnType {
    Boolean,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    LargeInt,
    Float,
    Double,
    Decimal { precision: u8, scale: u8 },
    Date,
    DateTime,
    Char(u32),
    Varchar(u32),
    Json,
    Varbinary(u32),
}

impl ColumnType {
    /// The type of the SQLite column. `LARGEINT` and `DECIMAL` are text, for only text keeps every digit.
    pub(crate) fn storage(self) -> &'static str {
        match self {
            Self::Boolean | Self::TinyInt | Self::SmallInt | Self::Int | Self::BigInt => "INTEGER",
            Self::Float | Self::Double => "REAL",
            Self::Varbinary(_) => "BLOB",
            Self::LargeInt
            | Self::Decimal { .. }
            | Self::Date
            | Self::DateTime
            | Self::Char(_)
            | Self::Varchar(_)
            | Self::Json => "TEXT",
        }
    }

    /// The word that `_schema` answers for the type ("primitive type").
    pub(crate) fn primitive_name(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::TinyInt => "TINYINT",
            Self::SmallInt => "SMALLINT",
            Self::Int => "INT",
            Self::BigInt => "BIGINT",
            Self::LargeInt => "LARGEINT",
            Self::Float => "FLOAT",
            Self::Double => "DOUBLE",
            Self::Decimal {
                precision: 0..=9, ..
            } => "DECIMAL32",
            Self::Decimal {
                precision: 10..=18, ..
            } => "DECIMAL64",
            Self::Decimal { .. } => "DECIMAL128",
            Self::Date => "DATE",
            Self::DateTime => "DATETIME",
            Self::Char(_) => "CHAR",
            Self::Varchar(_) => "VARCHAR",
            Self::Json => "JSON",
            Self::Varbinary(_) => "VARBINARY",
        }
    }

    /// Bytes of the primitive type, as the schema API tells them (`PrimitiveType`).
    pub(crate) fn primitive_size(self) -> u8 {
        match self {
            Self::Boolean | Self::TinyInt => 1,
            Self::SmallInt => 2,
            Self::Int
            | Self::Float
            | Self::Decimal {
                precision: 0..=9, ..
            } => 4,
            Self::BigInt
            | Self::Double
            | Self::Decimal {
                precision: 10..=18, ..
            } => 8,
            _ => 16,
        }
    }

    /// Inclusive range of the integer types that fit in 64 bits.
    pub(crate) fn integer_range(self) -> Option<(i64, i64)> {
        Some(match self {
            Self::TinyInt => (i64::from(i8::MIN), i64::from(i8::MAX)),
            Self::SmallInt => (i64::from(i16::MIN), i64::from(i16::MAX)),
            Self::Int => (i64::from(i32::MIN), i64::from(i32::MAX)),
            Self::BigInt => (i64::MIN, i64::MAX),
            _ => return None,
        })
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            Self::Char(n) => write!(f, "char({n})"),
            Self::Varchar(n) => write!(f, "varchar({n})"),
            Self::Varbinary(n) => write!(f, "varbinary({n})"),
            other => f.write_str(&other.primitive_name().to_ascii_lowercase()),
        }
    }
}

/// What a column takes when a load leaves it out of its `columns`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ColumnDefault {
    Text(String),
    CurrentTimestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) ty: ColumnType,
    pub(crate) nullable: bool,
    pub(crate) default: Option<ColumnDefault>,
    pub(crate) comment: String,
}

/// StarRocks' table models that the stand-in stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Model {
    Duplicate,
    Primary,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) db: String,
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) model: Model,
    /// Names of the key columns; they are the leading columns.
    pub(crate) keys: Vec<String>,
    /// The statement that made the table, for `SHOW CREATE TABLE` and for reading the catalogue again.
    pub(crate) ddl: String,
}

impl Table {
    pub(crate) fn column_index(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }

    pub(crate) fn is_key(&self, index: usize) -> bool {
        index < self.keys.len()
    }
}

/// `name` as an SQLite identifier.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
