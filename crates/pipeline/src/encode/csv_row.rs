//! Rows in CSV over values: texts as StarRocks' Java connector sends them, and what it does not do, the fields of
//! structs and maps in the order of the columns.

use std::sync::Arc;

use starrocks_kafka_connect::data::{Schema, SchemaType, Value};
use starrocks_kafka_connect::error::DataError;

use super::cell::{Cell, Place};
use super::column_kind::ColumnKinds;
use super::json_row;
use super::settings::RowStyle;

/// What to do about a field that cannot be written.
const WAY_OUT: &str = "; choose another sink.properties.column_separator or sink.properties.row_delimiter, or \
                       sink.properties.format=json";

/// What stands for NULL in a field.
const NULL: &[u8] = b"\\N";

/// How rows in CSV are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvFormat {
    /// What stands between two fields.
    pub column_separator: Vec<u8>,
    /// What ends a row; the batch writes it, and no field may hold it.
    pub row_delimiter: Vec<u8>,
    /// What StarRocks was told to take for quotes and escapes: fields are not quoted, so none may hold them.
    pub quotes: Vec<u8>,
    /// The names of the fields in their order, from the property `columns`; `None` where it is not set and the
    /// table's own order counts.
    pub columns: Option<Vec<String>>,
}

/// The order of a table's fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Nobody has asked for it yet.
    NotAsked,
    /// The names of the fields, and what the columns of these names take, where they are the table's.
    Known(Arc<[String]>, ColumnKinds),
    /// Nobody can tell, and why.
    Unknown(String),
}

impl Order {
    /// The order that the connector was told. What the fields are for, the load's expressions may say.
    pub(super) fn named(names: &[String]) -> Self {
        Self::Known(names.into(), ColumnKinds::new())
    }
}

/// A value with its schema.
type Row<'v> = (Option<&'v Arc<Schema>>, &'v Value<'v>);

/// Whether a row of this value has to know the order of fields.
pub(super) fn has_fields(value: &Value<'_>) -> bool {
    matches!(value, Value::Struct(_) | Value::Map(_))
}

/// Appends a row without its delimiter, the fields of a struct by `cells`, as they stand in it.
///
/// # Errors
/// A value that is neither text nor has fields, as in Java; fields whose order nobody knows; a field that would be
/// read as something else.
pub(super) fn write(
    out: &mut Vec<u8>,
    row: Row<'_>,
    format: &CsvFormat,
    order: &Order,
    cells: &[Cell],
    style: &RowStyle,
) -> Result<(), DataError> {
    let (_, value) = row;
    if let Value::String(text) = value {
        out.extend_from_slice(text.as_bytes());
        return Ok(());
    }
    if !has_fields(value) {
        return Err(no_row(
            value,
            "use a converter that gives texts, or sink.properties.format=json",
        ));
    }
    match order {
        Order::Known(columns, _) => {
            let fields = Fields {
                out,
                format,
                cells,
                style,
            };
            fields.write(columns, row)
        }
        Order::NotAsked | Order::Unknown(_) => {
            let reason = match order {
                Order::Unknown(reason) => format!(" ({reason})"),
                _ => String::new(),
            };
            Err(no_row(
                value,
                &format!(
                    "name the order of its fields in sink.properties.columns, or grant SELECT on the table, whose \
                     columns cannot be read{reason}"
                ),
            ))
        }
    }
}

/// Java's fault, told with a way out.
fn no_row(value: &Value<'_>, way_out: &str) -> DataError {
    let class = value.java_class();
    DataError::data(format!("a {class} is no row of CSV: {way_out}"))
}

struct Fields<'o> {
    out: &'o mut Vec<u8>,
    format: &'o CsvFormat,
    cells: &'o [Cell],
    style: &'o RowStyle,
}

/// What goes into one field.
struct InField<'v> {
    /// Its place in the row's struct.
    at: Option<usize>,
    schema: Option<&'v Schema>,
    value: &'v Value<'v>,
}

impl Fields<'_> {
    fn write(mut self, columns: &[String], row: Row<'_>) -> Result<(), DataError> {
        let CsvFormat {
            column_separator,
            row_delimiter,
            ..
        } = self.format;
        // Only separators of several bytes can come about between a field and what stands behind it; nothing is
        // allocated for those of one.
        let may_straddle = column_separator.len() > 1 || row_delimiter.len() > 1;
        let row_start = self.out.len();
        let mut ends = Vec::new();
        for (at, column) in columns.iter().enumerate() {
            if at > 0 {
                self.out.extend_from_slice(column_separator);
            }
            let start = self.out.len();
            let field = field(row, column, at, self.style);
            if field.value.is_null() && may_be_null(field.schema) {
                self.out.extend_from_slice(NULL);
            } else {
                self.value(column, &field)
                    .map_err(|error| in_column(column, &error.message))?;
                self.check(column, start, columns.len() == 1)?;
            }
            if may_straddle {
                ends.push((start, self.out.len()));
            }
        }
        self.check_boundaries(columns, row_start, &ends)
    }

    /// No separator may begin within a field and end in what stands behind it: the reader takes the first that it
    /// sees. Nor may the row end where a column does.
    fn check_boundaries(
        &mut self,
        columns: &[String],
        row_start: usize,
        ends: &[(usize, usize)],
    ) -> Result<(), DataError> {
        let CsvFormat {
            column_separator,
            row_delimiter,
            ..
        } = self.format;
        let row_end = self.out.len();
        // As the batch will write it.
        self.out.extend_from_slice(row_delimiter);
        let begins = |at: usize, part: &[u8]| self.out[at..].starts_with(part);
        let reach = column_separator.len().max(row_delimiter.len()) - 1;
        let straddled = columns.iter().zip(ends).find(|(_, (start, end))| {
            let first = end.saturating_sub(reach).max(*start).max(row_start);
            let within =
                (first..*end).any(|at| begins(at, column_separator) || begins(at, row_delimiter));
            within || (*end < row_end && begins(*end, row_delimiter))
        });
        let error = straddled.map(|(column, _)| {
            let reason = "its end and what stands behind it together are a separator";
            in_column(column, &format!("{reason}{WAY_OUT}"))
        });
        self.out.truncate(row_end);
        error.map_or(Ok(()), Err)
    }

    /// Texts stand as they are, anything else as it stands in JSON, without the quotes of bytes and NaN.
    fn value(&mut self, column: &str, field: &InField<'_>) -> Result<(), DataError> {
        let cell = field.at.and_then(|at| self.cells.get(at));
        // JSON is a text in CSV.
        let cell = cell.filter(|cell| !matches!(cell, Cell::AsJava | Cell::Json));
        let start = self.out.len();
        match (cell, field.schema, field.value) {
            (Some(cell), Some(schema), value) => {
                let place = Place {
                    field: column,
                    schema,
                };
                cell.write(self.out, place, value, self.style)?;
            }
            (_, _, Value::String(text)) => {
                self.out.extend_from_slice(text.as_bytes());
                return Ok(());
            }
            (_, schema, value) => json_row::write(self.out, schema, value, self.style)?,
        }
        let is_quoted = matches!(self.out[start..], [b'"', .., b'"']);
        if is_quoted {
            self.out.pop();
            self.out.remove(start);
        }
        Ok(())
    }

    /// A field must be read as what was written.
    fn check(&self, column: &str, start: usize, is_alone: bool) -> Result<(), DataError> {
        let field = &self.out[start..];
        let holds = |part: &[u8]| !part.is_empty() && contains(field, part);
        let reason = if holds(&self.format.column_separator) {
            "it holds the column separator"
        } else if holds(&self.format.row_delimiter) {
            "it holds the row delimiter"
        } else if self.format.quotes.iter().any(|quote| field.contains(quote)) {
            "it holds what sink.properties.enclose or sink.properties.escape names"
        } else if field == NULL {
            "its text is \\N, which stands for NULL"
        } else if field.is_empty() && is_alone {
            "it is empty and the row's only one, and StarRocks skips empty rows"
        } else {
            return Ok(());
        };
        Err(in_column(column, &format!("{reason}{WAY_OUT}")))
    }
}

fn in_column(column: &str, reason: &str) -> DataError {
    DataError::data(format!(
        "the value for column {column} cannot be written as CSV: {reason}"
    ))
}

/// Whether null may stand in a field. One that has a default is null only where defaults are not applied.
fn may_be_null(schema: Option<&Schema>) -> bool {
    schema.is_none_or(|schema| schema.optional || schema.default.is_some())
}

/// The value of a field of this name, with its default in the place of null; null where there is none. Fields mostly
/// stand where the column does: `likely` is looked at first.
fn field<'v>((schema, value): Row<'v>, name: &str, likely: usize, style: &RowStyle) -> InField<'v> {
    const NOTHING: InField<'static> = InField {
        at: None,
        schema: None,
        value: &Value::Null,
    };
    match value {
        Value::Struct(structure) => {
            let fields = structure.schema().fields();
            let is_it = |at: &usize| fields.get(*at).is_some_and(|field| &*field.name == name);
            let Some(at) = std::iter::once(likely).chain(0..fields.len()).find(is_it) else {
                return NOTHING;
            };
            let schema = &*fields[at].schema;
            InField {
                at: Some(at),
                schema: Some(schema),
                value: json_row::or_default(schema, &structure.values()[at], style),
            }
        }
        Value::Map(entries) => {
            let element = match schema.map(|schema| schema.kind()) {
                Some(SchemaType::Map(_, element)) => element.as_deref(),
                _ => None,
            };
            let is_it = |key: &Value<'_>| matches!(key, Value::String(text) if text == name);
            let value = entries.iter().find(|(key, _)| is_it(key));
            value.map_or(NOTHING, |(_, value)| InField {
                at: None,
                schema: element,
                value,
            })
        }
        _ => NOTHING,
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    match part {
        [byte] => bytes.contains(byte),
        part => bytes.windows(part.len()).any(|window| window == part),
    }
}

#[cfg(test)]
mod tests;
