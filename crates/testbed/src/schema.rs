//! What a declared table is: columns, keys and defaults.

use crate::column_type::ColumnType;

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

impl Model {
    /// StarRocks' word for tables of this model.
    pub(crate) fn keys_type(self) -> &'static str {
        match self {
            Self::Duplicate => "DUP_KEYS",
            Self::Primary => "PRIMARY_KEYS",
        }
    }
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

/// `name` as StarRocks takes it.
pub(crate) fn quoted_for_starrocks(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// `name` as an SQLite identifier.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
