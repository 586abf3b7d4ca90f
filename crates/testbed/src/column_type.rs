//! StarRocks' column types, and the words that StarRocks has for them.

use std::fmt;

/// A StarRocks column type that the stand-in stores.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    Array(Box<ColumnType>),
    Map(Box<ColumnType>, Box<ColumnType>),
    Struct(Vec<(String, ColumnType)>),
}

impl ColumnType {
    pub(crate) fn is_nested(&self) -> bool {
        matches!(self, Self::Array(_) | Self::Map(..) | Self::Struct(_))
    }

    /// The type of the SQLite column. `LARGEINT` and `DECIMAL` are text, for only text keeps every digit.
    pub(crate) fn storage(&self) -> &'static str {
        match self {
            Self::Boolean | Self::TinyInt | Self::SmallInt | Self::Int | Self::BigInt => "INTEGER",
            Self::Float | Self::Double => "REAL",
            Self::Varbinary(_) => "BLOB",
            _ => "TEXT",
        }
    }

    /// The word that `_schema` answers for the type ("primitive type").
    pub(crate) fn primitive_name(&self) -> &'static str {
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
            // `PrimitiveType.INVALID_TYPE`: what is nested has no primitive type.
            Self::Array(_) | Self::Map(..) | Self::Struct(_) => "INVALID_TYPE",
        }
    }

    /// Bytes of the primitive type, as the schema API tells them (`PrimitiveType`).
    pub(crate) fn primitive_size(&self) -> u8 {
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
            Self::Array(_) | Self::Map(..) | Self::Struct(_) => 0,
            _ => 16,
        }
    }

    /// Inclusive range of the integer types that fit in 64 bits.
    pub(crate) fn integer_range(&self) -> Option<(i64, i64)> {
        Some(match self {
            Self::TinyInt => (i64::from(i8::MIN), i64::from(i8::MAX)),
            Self::SmallInt => (i64::from(i16::MIN), i64::from(i16::MAX)),
            Self::Int => (i64::from(i32::MIN), i64::from(i32::MAX)),
            Self::BigInt => (i64::MIN, i64::MAX),
            _ => return None,
        })
    }

    /// `DATA_TYPE` of `information_schema.columns` (`ScalarType.toMysqlDataTypeString`).
    pub(crate) fn data_type(&self) -> String {
        match self {
            Self::Boolean => "tinyint".to_owned(),
            Self::LargeInt => "bigint unsigned".to_owned(),
            Self::Decimal { .. } => "decimal".to_owned(),
            Self::Array(_) => "array".to_owned(),
            Self::Map(..) => "map".to_owned(),
            Self::Struct(_) => "struct".to_owned(),
            other => other.primitive_name().to_ascii_lowercase(),
        }
    }

    /// `COLUMN_TYPE` of `information_schema.columns` (`ScalarType.toMysqlColumnTypeString`).
    pub(crate) fn mysql_type(&self) -> String {
        match self {
            Self::Boolean => "tinyint(1)".to_owned(),
            Self::LargeInt => "bigint(20) unsigned".to_owned(),
            other => other.sql_type(),
        }
    }

    /// The type with the display widths that StarRocks gives (`ScalarType.toSql`).
    fn sql_type(&self) -> String {
        match self {
            Self::TinyInt => "tinyint(4)".to_owned(),
            Self::SmallInt => "smallint(6)".to_owned(),
            Self::Int => "int(11)".to_owned(),
            Self::BigInt => "bigint(20)".to_owned(),
            Self::LargeInt => "largeint(40)".to_owned(),
            Self::Decimal { precision, scale } => format!("decimal({precision}, {scale})"),
            Self::Array(item) => format!("array<{}>", item.sql_type()),
            Self::Map(key, value) => format!("map<{},{}>", key.sql_type(), value.sql_type()),
            Self::Struct(fields) => {
                let shown = fields
                    .iter()
                    .map(|(name, ty)| format!("{name} {}", ty.sql_type()));
                format!("struct<{}>", shown.collect::<Vec<_>>().join(", "))
            }
            other => other.to_string(),
        }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            Self::Char(n) => write!(f, "char({n})"),
            Self::Varchar(n) => write!(f, "varchar({n})"),
            Self::Varbinary(n) => write!(f, "varbinary({n})"),
            Self::Array(item) => write!(f, "array<{item}>"),
            Self::Map(key, value) => write!(f, "map<{key},{value}>"),
            Self::Struct(fields) => {
                f.write_str("struct<")?;
                for (at, (name, ty)) in fields.iter().enumerate() {
                    write!(f, "{}{name} {ty}", if at > 0 { ", " } else { "" })?;
                }
                f.write_str(">")
            }
            other => f.write_str(&other.primitive_name().to_ascii_lowercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ColumnType as T;

    #[test]
    fn types_have_the_words_of_information_schema() {
        let map = T::Map(Box::new(T::Int), Box::new(T::Varchar(9)));
        let nested = T::Struct(vec![("a".to_owned(), T::Array(Box::new(map)))]);
        let decimal = T::Decimal {
            precision: 18,
            scale: 4,
        };
        let rows = [
            (T::Boolean, "boolean", "tinyint", "tinyint(1)"),
            (
                T::LargeInt,
                "largeint",
                "bigint unsigned",
                "bigint(20) unsigned",
            ),
            (decimal, "decimal(18,4)", "decimal", "decimal(18, 4)"),
            (T::Int, "int", "int", "int(11)"),
            (T::DateTime, "datetime", "datetime", "datetime"),
            (T::Varchar(3), "varchar(3)", "varchar", "varchar(3)"),
            (
                nested,
                "struct<a array<map<int,varchar(9)>>>",
                "struct",
                "struct<a array<map<int(11),varchar(9)>>>",
            ),
        ];
        for (ty, shown, data, column) in rows {
            assert_eq!(ty.to_string(), shown);
            assert_eq!(ty.data_type(), data, "{shown}");
            assert_eq!(ty.mysql_type(), column, "{shown}");
        }
    }
}
