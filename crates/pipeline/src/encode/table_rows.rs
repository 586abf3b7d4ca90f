//! How one table's rows are written.

use super::RowFormat;
use super::cell::{self, Cell};
use super::column_kind::{self, ColumnKind, ColumnKinds};
use super::csv_row::{CsvFormat, Order};
use super::new_columns::{self, NewColumn};
use super::unknown_fields::{self, SchemaEvolution};
use starrocks_kafka_connect::data::{Schema, Value};
use starrocks_kafka_connect::error::DataError;
use starrocks_kafka_starrocks::{TableDescription, TableModel};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What StarRocks is to be told of the columns of a round's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadColumns {
    /// No more than the load properties say.
    AsConfigured,
    /// The order in which their fields stand, which is the table's own: so that a column that is added or dropped meanwhile
    /// shifts nothing.
    Order(Arc<[String]>),
    /// The columns that they have: the load is a partial update.
    Part(Arc<[String]>),
}

/// How one table's rows are written.
#[derive(Debug)]
pub(super) enum TableRows {
    /// As JSON, each field for the column of its name.
    Json(JsonRows),
    /// As JSON whose fields StarRocks is told to map.
    MappedJson,
    /// As CSV.
    Csv(CsvRows),
}

/// Rows in CSV, and what is known of their columns.
#[derive(Debug)]
pub(super) struct CsvRows {
    pub(super) format: CsvFormat,
    pub(super) order: Order,
    /// Records of one schema mostly come one after the other.
    last: Option<LastSchema>,
}

/// Rows in JSON, and what is known of their columns.
#[derive(Debug, Default)]
pub(super) struct JsonRows {
    columns: Columns,
    /// Which columns the rows of the open round have.
    written: Written,
    /// Whether there were rows that are written otherwise, or not at all, where the columns are known.
    wants_types: bool,
    /// The fields without a column that were told.
    reported: BTreeSet<Box<str>>,
    /// Why no columns can be added in this round.
    denied: Option<String>,
    /// Records of one schema mostly come one after the other.
    last: Option<LastSchema>,
}

/// The schema of the last record, and how its fields are written; `None`: all as in Java.
type LastSchema = (Arc<Schema>, Option<Arc<[Cell]>>);

/// What is to be known of a table's rows, and whom to tell.
pub(super) struct Watch<'w> {
    pub(super) table: &'w str,
    pub(super) evolution: SchemaEvolution,
    pub(super) observations: &'w mut Vec<String>,
}

#[derive(Debug, Default)]
enum Columns {
    #[default]
    NotAsked,
    Known(KnownTable),
    /// Nobody can tell.
    Unknown,
}

#[derive(Debug)]
struct KnownTable {
    kinds: ColumnKinds,
    model: Option<TableModel>,
    /// The columns of the primary key; none where they are not told.
    primary_key: Vec<String>,
    /// The columns that take no NULL and are not of the key, each with what stands for nothing in it.
    required: Vec<(String, &'static str)>,
}

impl KnownTable {
    fn new(table: &TableDescription) -> Self {
        let kinds = column_kind::kinds(&table.columns);
        let required = table
            .columns
            .iter()
            .filter(|column| column.is_nullable == Some(false) && column.is_key == Some(false));
        let zero = |name: &str| kinds.get(name).map_or("\"\"", ColumnKind::zero);
        Self {
            required: required
                .map(|column| (column.name.clone(), zero(&column.name)))
                .collect(),
            primary_key: match table.model {
                Some(TableModel::PrimaryKey) => {
                    let of_key = table
                        .columns
                        .iter()
                        .filter(|column| column.is_key == Some(true));
                    of_key.map(|column| column.name.clone()).collect()
                }
                _ => Vec::new(),
            },
            model: table.model,
            kinds,
        }
    }
}

/// Which columns the rows of a round have: all rows of a load have the same.
#[derive(Debug, Default)]
enum Written {
    #[default]
    Nothing,
    /// All, those that a row does not name as null or their default.
    Whole,
    /// These; in a row that is there already the others stay as they are.
    Part(Arc<[String]>),
}

/// How a row of JSON is written.
pub(super) enum JsonRow {
    /// As Java's connector writes it.
    AsJava,
    /// Each field by its cell.
    Cells(Arc<[Cell]>),
    /// The columns are to be told first.
    NeedsColumns,
    /// These columns are to be added first.
    NeedsNewColumns(Box<[NewColumn]>),
}

impl TableRows {
    pub(super) fn new(format: &RowFormat) -> Self {
        match format {
            RowFormat::Json => Self::Json(JsonRows::default()),
            RowFormat::MappedJson => Self::MappedJson,
            RowFormat::Csv(csv) => {
                let columns = csv.columns.as_deref();
                let order = columns.map_or(Order::NotAsked, Order::named);
                Self::Csv(CsvRows {
                    format: csv.clone(),
                    order,
                    last: None,
                })
            }
        }
    }

    /// Whether values without a schema may be passed through.
    pub(super) const fn are_json(&self) -> bool {
        matches!(self, Self::Json(_) | Self::MappedJson)
    }

    /// Tells what the table is, or why nobody can tell it.
    pub(super) fn set_columns(&mut self, table: Result<TableDescription, String>) {
        match self {
            Self::Csv(rows) => {
                rows.last = None;
                rows.order = table.map_or_else(Order::Unknown, |table| {
                    let names = table.columns.iter().map(|column| column.name.clone());
                    Order::Known(names.collect(), column_kind::kinds(&table.columns))
                });
            }
            Self::Json(rows) => {
                rows.last = None;
                rows.columns = table.map_or(Columns::Unknown, |table| {
                    Columns::Known(KnownTable::new(&table))
                });
            }
            Self::MappedJson => {}
        }
    }

    /// A round begins: the columns may have changed.
    pub(super) fn begin_round(&mut self) {
        match self {
            Self::Csv(rows) if rows.format.columns.is_none() => rows.order = Order::NotAsked,
            Self::Json(rows) => {
                *rows = JsonRows {
                    reported: std::mem::take(&mut rows.reported),
                    ..JsonRows::default()
                };
            }
            _ => {}
        }
    }

    /// What StarRocks is to be told of the columns of the round's rows, beside the load properties.
    pub(super) fn load_columns(&self) -> LoadColumns {
        match self {
            Self::Csv(CsvRows {
                format: CsvFormat { columns: None, .. },
                order: Order::Known(columns, _),
                ..
            }) => LoadColumns::Order(Arc::clone(columns)),
            Self::Json(JsonRows {
                written: Written::Part(columns),
                ..
            }) => LoadColumns::Part(Arc::clone(columns)),
            _ => LoadColumns::AsConfigured,
        }
    }
}

impl CsvRows {
    /// How the fields of a row of this schema are written, in their order; none where all are as in Java.
    pub(super) fn cells(&mut self, schema: Option<&Arc<Schema>>) -> Option<Arc<[Cell]>> {
        let (Some(schema), Order::Known(_, kinds)) = (schema, &self.order) else {
            return None;
        };
        match &self.last {
            Some((last, cells)) if Arc::ptr_eq(last, schema) => cells.clone(),
            _ => {
                let cells = cell::cells(schema, kinds);
                self.last = Some((Arc::clone(schema), cells.clone()));
                cells
            }
        }
    }
}

impl JsonRows {
    /// How a row of this schema is written.
    ///
    /// # Errors
    /// It has fields that the table has no column for, and that is to be an error.
    pub(super) fn row(
        &mut self,
        schema: Option<&Arc<Schema>>,
        value: &Value<'_>,
        watch: Watch<'_>,
    ) -> Result<JsonRow, DataError> {
        let Some(schema) = schema else {
            return self.schemaless(value, watch.evolution);
        };
        if let Some((last, cells)) = &self.last
            && Arc::ptr_eq(last, schema)
        {
            return Ok(cells.clone().map_or(JsonRow::AsJava, JsonRow::Cells));
        }
        let cells = match &self.columns {
            Columns::NotAsked if schema.fields().is_empty() => None,
            Columns::NotAsked => {
                let is_watched = watch.evolution != SchemaEvolution::None;
                self.wants_types |= is_watched || cell::wants_columns(schema);
                return Ok(JsonRow::NeedsColumns);
            }
            Columns::Known(KnownTable { kinds, .. }) => {
                let unknown = unknown_fields::of_schema(schema, kinds);
                match (watch.evolution, &self.denied) {
                    _ if unknown.is_empty() => {}
                    (SchemaEvolution::Fail, _) => {
                        return Err(unknown_fields::error(&unknown, kinds));
                    }
                    (SchemaEvolution::AddColumns, Some(reason)) => {
                        return Err(unknown_fields::not_added(&unknown, kinds, reason));
                    }
                    (SchemaEvolution::AddColumns, None) => {
                        let columns = new_columns::of_fields(schema, &unknown);
                        return Ok(JsonRow::NeedsNewColumns(columns));
                    }
                    (SchemaEvolution::None, _) => {
                        let reported = &mut self.reported;
                        let mut new = unknown;
                        new.retain(|name| reported.insert((*name).into()));
                        if !new.is_empty() {
                            let seen = unknown_fields::observation(watch.table, &new, kinds);
                            watch.observations.push(seen);
                        }
                    }
                }
                cell::cells(schema, kinds)
            }
            Columns::Unknown => None,
        };
        self.last = Some((Arc::clone(schema), cells.clone()));
        Ok(cells.map_or(JsonRow::AsJava, JsonRow::Cells))
    }

    fn schemaless(
        &mut self,
        value: &Value<'_>,
        evolution: SchemaEvolution,
    ) -> Result<JsonRow, DataError> {
        if evolution == SchemaEvolution::None {
            return Ok(JsonRow::AsJava);
        }
        match &self.columns {
            Columns::NotAsked => {
                self.wants_types = true;
                Ok(JsonRow::NeedsColumns)
            }
            Columns::Unknown => Ok(JsonRow::AsJava),
            Columns::Known(KnownTable { kinds, .. }) => {
                match unknown_fields::of_map(value, kinds) {
                    Some(name) if evolution == SchemaEvolution::AddColumns => {
                        let reason = "the record has no schema that would say of which type it is; add it yourself";
                        Err(unknown_fields::not_added(&[name], kinds, reason))
                    }
                    Some(name) => Err(unknown_fields::error(&[name], kinds)),
                    None => Ok(JsonRow::AsJava),
                }
            }
        }
    }

    /// No columns can be added in this round.
    pub(super) fn deny(&mut self, reason: String) {
        self.denied = Some(reason);
    }

    /// Whether the round has rows of it.
    pub(super) const fn has_rows(&self) -> bool {
        !matches!(self.written, Written::Nothing)
    }

    /// Whether rows of it are written otherwise, or not at all, where its columns are known.
    pub(super) const fn wants_types(&self) -> bool {
        self.wants_types
    }

    /// Whether it was told what the table is, or that nobody can tell it.
    pub(super) const fn is_told(&self) -> bool {
        !matches!(self.columns, Columns::NotAsked)
    }

    /// What a column takes, where that is known.
    pub(super) fn kind(&self, column: &str) -> Option<&ColumnKind> {
        match &self.columns {
            Columns::Known(table) => table.kinds.get(column),
            Columns::NotAsked | Columns::Unknown => None,
        }
    }

    /// Whether the table may have a column of this name.
    pub(super) fn may_have(&self, column: &str) -> bool {
        match &self.columns {
            Columns::Known(table) => table.kinds.contains_key(column),
            Columns::NotAsked | Columns::Unknown => true,
        }
    }

    /// The table's model, where that is known.
    pub(super) const fn model(&self) -> Option<TableModel> {
        match &self.columns {
            Columns::Known(table) => table.model,
            Columns::NotAsked | Columns::Unknown => None,
        }
    }

    /// The columns of the primary key, as far as they are told.
    pub(super) fn primary_key(&self) -> &[String] {
        match &self.columns {
            Columns::Known(table) => &table.primary_key,
            Columns::NotAsked | Columns::Unknown => &[],
        }
    }

    /// The columns that have to be there in every row, with what stands for nothing in them, as far as they are known.
    pub(super) fn required(&self) -> &[(String, &'static str)] {
        match &self.columns {
            Columns::Known(table) => &table.required,
            Columns::NotAsked | Columns::Unknown => &[],
        }
    }

    /// Makes room in the round for a row of these columns, `None` for all. Whether there is.
    pub(super) fn admit(&mut self, columns: Option<&[&str]>) -> bool {
        match (&self.written, columns) {
            (Written::Nothing, None) => self.written = Written::Whole,
            (Written::Nothing, Some(columns)) => {
                // Once a round: rows of other columns end it.
                let columns = columns.iter().map(|&column| column.to_owned());
                self.written = Written::Part(columns.collect());
            }
            (Written::Whole, columns) => return columns.is_none(),
            (Written::Part(written), columns) => {
                return columns.is_some_and(|columns| columns.iter().eq(written.iter()));
            }
        }
        true
    }
}
