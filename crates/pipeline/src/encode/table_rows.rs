//! How one table's rows are written.

use super::RowFormat;
use super::cell::{self, Cell, ColumnKinds};
use super::csv_row::{CsvFormat, Order};
use starrocks_kafka_connect::data::Schema;
use starrocks_kafka_starrocks::Column;
use std::sync::Arc;

/// How one table's rows are written.
#[derive(Debug)]
pub(super) enum TableRows {
    /// As JSON, each field for the column of its name.
    Json(JsonRows),
    /// As JSON whose fields StarRocks is told to map.
    MappedJson,
    /// As CSV.
    Csv(CsvFormat, Order),
}

/// Rows in JSON, and what is known of their columns.
#[derive(Debug, Default)]
pub(super) struct JsonRows {
    columns: Columns,
    /// Records of one schema mostly come one after the other.
    last: Option<LastSchema>,
}

/// The schema of the last record, and how its fields are written; `None`: all as in Java.
type LastSchema = (Arc<Schema>, Option<Arc<[Cell]>>);

#[derive(Debug, Default)]
enum Columns {
    #[default]
    NotAsked,
    Known(ColumnKinds),
    /// Nobody can tell.
    Unknown,
}

/// How a row of JSON is written.
pub(super) enum JsonRow {
    /// As Java's connector writes it.
    AsJava,
    /// Each field by its cell.
    Cells(Arc<[Cell]>),
    /// The columns are to be told first.
    NeedsColumns,
}

impl TableRows {
    pub(super) fn new(format: &RowFormat) -> Self {
        match format {
            RowFormat::Json => Self::Json(JsonRows::default()),
            RowFormat::MappedJson => Self::MappedJson,
            RowFormat::Csv(csv) => {
                let columns = csv.columns.as_deref();
                let order = columns.map_or(Order::NotAsked, |names| Order::Known(names.into()));
                Self::Csv(csv.clone(), order)
            }
        }
    }

    /// Whether values without a schema may be passed through.
    pub(super) const fn are_json(&self) -> bool {
        matches!(self, Self::Json(_) | Self::MappedJson)
    }

    /// Tells the table's columns in their order, or why nobody can tell them.
    pub(super) fn set_columns(&mut self, columns: Result<Vec<Column>, String>) {
        match self {
            Self::Csv(_, order) => {
                let names = columns.map(|columns| columns.into_iter().map(|column| column.name));
                *order = names.map_or_else(Order::Unknown, |names| Order::Known(names.collect()));
            }
            Self::Json(rows) => {
                rows.last = None;
                rows.columns = columns.map_or(Columns::Unknown, |columns| {
                    Columns::Known(cell::kinds(&columns))
                });
            }
            Self::MappedJson => {}
        }
    }

    /// Forgets the columns: they may have changed.
    pub(super) fn forget_columns(&mut self) {
        match self {
            Self::Csv(format, order) if format.columns.is_none() => *order = Order::NotAsked,
            Self::Json(rows) if !matches!(rows.columns, Columns::NotAsked) => {
                *rows = JsonRows::default();
            }
            _ => {}
        }
    }

    /// The order in which fields are written, where it is the table's own and was told.
    pub(super) fn columns(&self) -> Option<Arc<[String]>> {
        match self {
            Self::Csv(format, Order::Known(columns)) if format.columns.is_none() => {
                Some(Arc::clone(columns))
            }
            _ => None,
        }
    }
}

impl JsonRows {
    /// How a row of this schema is written.
    pub(super) fn row(&mut self, schema: Option<&Arc<Schema>>) -> JsonRow {
        let Some(schema) = schema else {
            return JsonRow::AsJava;
        };
        let cells = match &self.last {
            Some((last, cells)) if Arc::ptr_eq(last, schema) => cells.clone(),
            _ => {
                let cells = if cell::wants_columns(schema) {
                    match &self.columns {
                        Columns::NotAsked => return JsonRow::NeedsColumns,
                        Columns::Known(kinds) => cell::cells(schema, kinds),
                        Columns::Unknown => None,
                    }
                } else {
                    None
                };
                self.last = Some((Arc::clone(schema), cells.clone()));
                cells
            }
        };
        cells.map_or(JsonRow::AsJava, JsonRow::Cells)
    }
}
