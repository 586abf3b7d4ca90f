//! From what converters and transforms leave to the rows of a table.

use std::convert::Infallible;

use starrocks_kafka_connect::data::{Record, SchemaAndValue, Value};
use starrocks_kafka_connect::error::{DataError, Stage};
use starrocks_kafka_starrocks::TableModel;

use super::change::{Change, Image, WithoutPrimaryKey};
use super::csv_row::Order;
use super::json_row::Parts;
use super::metadata_columns::Headers;
use super::table_rows::{CsvRows, JsonRow, TableRows, Watch};
use super::{Encoded, Encoder, RecordError, Rows, TableId, change, csv_row, json_row};
use crate::kafka::RawRecord;

/// What StarRocks does with a row of a Primary Key table: the value of its field `__op`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Upsert,
    Delete,
}

impl Op {
    const fn member(self) -> &'static [u8] {
        match self {
            Self::Upsert => b"\"__op\":0",
            Self::Delete => b"\"__op\":1",
        }
    }
}

/// A record, as far as its rows have columns of it.
#[derive(Clone, Copy)]
pub(super) struct Origin<'r> {
    record: &'r RawRecord<'r>,
    headers: &'r Headers<'r>,
}

impl<'r> Origin<'r> {
    pub(super) const fn new(record: &'r RawRecord<'r>, headers: &'r Headers<'r>) -> Self {
        Self { record, headers }
    }
}

/// Why a row was not written.
enum Unwritten {
    Not(Encoded),
    Failed(DataError),
}

impl From<DataError> for Unwritten {
    fn from(error: DataError) -> Self {
        Self::Failed(error)
    }
}

impl Encoder {
    /// Writes the rows that a record's value tells of.
    pub(super) fn write_changes<R: Rows>(
        &mut self,
        table: TableId,
        record: &RawRecord<'_>,
        converted: &Record<'_>,
        rows: &mut R,
    ) -> Result<Encoded, RecordError> {
        let origin = Origin::new(record, &converted.headers);
        if self.settings.cdc.is_none() {
            self.watch_for_envelopes(&converted.value);
            return self.write_value(table, origin, &converted.value, rows);
        }
        match self.write_change(table, origin, converted, rows) {
            Ok(()) => Ok(Encoded::Row(table)),
            Err(Unwritten::Not(encoded)) => Ok(encoded),
            Err(Unwritten::Failed(error)) => Err(RecordError::at(Stage::TaskPut)(error)),
        }
    }

    /// Transforms of Debezium know an event by its schema's name: without one it goes out whole, as in Java, and all columns are
    /// NULL.
    fn watch_for_envelopes(&mut self, value: &SchemaAndValue<'_>) {
        if self.watches_for_envelopes && value.schema.is_none() && change::is_event(&value.value) {
            self.watches_for_envelopes = false;
            self.observations.push(
                "a change event of Debezium without a schema passes the transforms whole, for they know events by their schemas; set \
                 starrocks.cdc.format=debezium and leave the transforms out, or let the source write schemas"
                    .to_owned(),
            );
        }
    }

    /// Writes the row that a value is.
    pub(super) fn write_value<R: Rows>(
        &mut self,
        table: TableId,
        origin: Origin<'_>,
        converted: &SchemaAndValue<'_>,
        rows: &mut R,
    ) -> Result<Encoded, RecordError> {
        if converted.value.is_null() {
            return Ok(Encoded::Skipped);
        }
        match self.write_row(table, origin, &Image::whole(converted), None, rows) {
            Ok(()) => Ok(Encoded::Row(table)),
            Err(Unwritten::Not(encoded)) => Ok(encoded),
            Err(Unwritten::Failed(error)) => Err(RecordError::at(Stage::TaskPut)(error)),
        }
    }

    /// Writes a row whose JSON stands there already.
    pub(super) fn write_json<R: Rows>(
        &mut self,
        table: TableId,
        origin: Origin<'_>,
        row: &[u8],
        rows: &mut R,
    ) -> Result<Encoded, RecordError> {
        let written = self.prepare(table, origin, None).and_then(|()| {
            let members = &self.members;
            let written = rows.append(table, |out| {
                with_members(out, members, |out| {
                    out.extend_from_slice(row);
                    Ok(())
                })
            });
            Ok(written?)
        });
        match written {
            Ok(()) => Ok(Encoded::Row(table)),
            Err(Unwritten::Not(encoded)) => Ok(encoded),
            Err(Unwritten::Failed(error)) => Err(RecordError::at(Stage::TaskPut)(error)),
        }
    }

    fn write_change<R: Rows>(
        &mut self,
        table: TableId,
        origin: Origin<'_>,
        converted: &Record<'_>,
        rows: &mut R,
    ) -> Result<(), Unwritten> {
        let Some(cdc) = &self.settings.cdc else {
            return Ok(());
        };
        let (change, policy) = (cdc.change(converted)?, cdc.without_primary_key);
        if change == Change::Nothing {
            return Err(Unwritten::Not(Encoded::Skipped));
        }
        let (model, key) = match self.rows_of(table) {
            TableRows::Json(json) if !json.is_told() => {
                return Err(Unwritten::Not(Encoded::NeedsColumns(table)));
            }
            TableRows::Json(json) => (json.model(), json.primary_key()),
            TableRows::MappedJson | TableRows::Csv(_) => (None, &[][..]),
        };
        let change = if key.is_empty() {
            change.by_key(change::names(&converted.key.value))?
        } else {
            change.by_key(key.iter().map(String::as_str))?
        };
        let has_key = model.is_none_or(|model| model == TableModel::PrimaryKey);
        let change = if has_key {
            change
        } else {
            without_primary_key(change, policy)?
        };
        let op = |op| has_key.then_some(op);
        match change {
            Change::Nothing => Err(Unwritten::Not(Encoded::Skipped)),
            Change::Upsert(row) | Change::Update { to: row, .. } => {
                self.write_row(table, origin, &row, op(Op::Upsert), rows)
            }
            Change::Delete(row) => self.write_row(table, origin, &row, op(Op::Delete), rows),
            Change::Move { from, to } => {
                // Both or none: the second is written before the first is the table's.
                let mut moved = Aside(std::mem::take(&mut self.moved));
                moved.0.clear();
                self.write_row(table, origin, &to, op(Op::Upsert), &mut moved)?;
                self.moved = moved.0;
                self.write_row(table, origin, &from, op(Op::Delete), rows)?;
                let moved = &self.moved;
                let Ok(()) = rows.append(table, |out| {
                    out.extend_from_slice(moved);
                    Ok::<(), Infallible>(())
                });
                Ok(())
            }
        }
    }

    fn write_row<R: Rows>(
        &mut self,
        table: TableId,
        origin: Origin<'_>,
        image: &Image<'_>,
        op: Option<Op>,
        rows: &mut R,
    ) -> Result<(), Unwritten> {
        let is_part = !image.unavailable.is_empty();
        // In a partial update there are no deletions, and a row without `__op` is one that is there afterwards.
        self.prepare(table, origin, op.filter(|_| !is_part))?;
        if op == Some(Op::Delete) {
            self.fill_required(table, image.value);
        }
        let Self {
            tables,
            settings,
            members,
            routing,
            observations,
            ..
        } = self;
        let (schema, value, style) = (image.schema, image.value, &settings.style);
        let schema_of_value = schema.map(AsRef::as_ref);
        let left_out = &image.unavailable[..];
        match &mut tables[table.0 as usize] {
            TableRows::Csv(csv) if csv.order == Order::NotAsked && csv_row::has_fields(value) => {
                return Err(Unwritten::Not(Encoded::NeedsColumns(table)));
            }
            TableRows::Csv(csv) => {
                if matches!(value, Value::String(text) if text.is_empty()) {
                    return Err(Unwritten::Not(Encoded::Blank(table)));
                }
                let row = (image.schema, value);
                let cells = csv.cells(schema);
                let cells = cells.as_deref().unwrap_or_default();
                let CsvRows { format, order, .. } = csv;
                rows.append(table, |out| {
                    csv_row::write(out, row, format, order, cells, style)
                })?;
            }
            TableRows::MappedJson if is_part => return Err(no_partial_update().into()),
            TableRows::MappedJson => rows.append(table, |out| {
                with_members(out, members, |out| {
                    json_row::write_whole(out, schema_of_value, value, style)
                })
            })?,
            TableRows::Json(json) => {
                let watch = Watch {
                    table: routing.table_name(table),
                    evolution: settings.evolution,
                    observations,
                };
                let cells = match json.row(schema, value, watch)? {
                    JsonRow::AsJava => None,
                    JsonRow::Cells(cells) => Some(cells),
                    JsonRow::NeedsColumns => {
                        return Err(Unwritten::Not(Encoded::NeedsColumns(table)));
                    }
                    // StarRocks changes a table when the transactions that were there before have ended: ours is not to be one.
                    JsonRow::NeedsNewColumns(_) if json.has_rows() => {
                        return Err(Unwritten::Not(Encoded::NeedsRound(table)));
                    }
                    JsonRow::NeedsNewColumns(columns) => {
                        return Err(Unwritten::Not(Encoded::NeedsNewColumns(table, columns)));
                    }
                };
                let is_admitted = if is_part {
                    let of_row = settings.metadata.columns().chain(image.told());
                    let columns: Vec<_> = of_row.filter(|name| json.may_have(name)).collect();
                    json.admit(Some(&columns))
                } else {
                    json.admit(None)
                };
                if !is_admitted {
                    return Err(Unwritten::Not(Encoded::NeedsRound(table)));
                }
                let parts = Parts {
                    cells: cells.as_deref().unwrap_or_default(),
                    left_out,
                };
                rows.append(table, |out| {
                    with_members(out, members, |out| {
                        json_row::write_parts(out, schema_of_value, value, parts, style)
                    })
                })?;
            }
        }
        Ok(())
    }

    /// A row that is to be deleted is checked as any other, though nobody reads more of it than its key: a column that takes no
    /// NULL gets its zero, where the event does not tell the old value (PostgreSQL's REPLICA IDENTITY DEFAULT, a tombstone).
    fn fill_required(&mut self, table: TableId, value: &Value<'_>) {
        let TableRows::Json(json) = &self.tables[table.0 as usize] else {
            return;
        };
        for (column, zero) in json.required() {
            let told = change::member(value, column);
            if told.is_none_or(|(_, value)| value.is_null()) {
                if !self.members.is_empty() {
                    self.members.push(b',');
                }
                json_row::text(&mut self.members, column);
                self.members.push(b':');
                self.members.extend_from_slice(zero.as_bytes());
            }
        }
    }

    /// Makes what stands in the row before its fields.
    fn prepare(
        &mut self,
        table: TableId,
        origin: Origin<'_>,
        op: Option<Op>,
    ) -> Result<(), Unwritten> {
        self.members.clear();
        self.rows_of(table);
        let metadata = &self.settings.metadata;
        if !metadata.is_empty() {
            let kind = match (&self.tables[table.0 as usize], metadata.timestamp_column()) {
                (TableRows::Json(json), Some(_)) if !json.is_told() => {
                    return Err(Unwritten::Not(Encoded::NeedsColumns(table)));
                }
                (TableRows::Json(json), Some(column)) => json.kind(column),
                _ => None,
            };
            metadata.write(
                &mut self.members,
                origin.record,
                origin.headers,
                kind,
                &self.settings.style,
            )?;
        }
        if let Some(op) = op {
            if !self.members.is_empty() {
                self.members.push(b',');
            }
            self.members.extend_from_slice(op.member());
        }
        Ok(())
    }
}

/// One row beside all tables.
struct Aside(Vec<u8>);

impl Rows for Aside {
    fn append<E>(
        &mut self,
        _table: TableId,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        write(&mut self.0)
    }
}

/// What a change means to a table that has no primary key.
fn without_primary_key(
    change: Change<'_>,
    policy: WithoutPrimaryKey,
) -> Result<Change<'_>, DataError> {
    if policy == WithoutPrimaryKey::Fail {
        return Err(DataError::data(
            "the table is no Primary Key table, which keeps every version of a row and what was deleted; create it with PRIMARY KEY, \
             or set starrocks.cdc.without.primary.key=drop-deletes",
        ));
    }
    match change {
        Change::Upsert(row) | Change::Move { to: row, .. } if !row.unavailable.is_empty() => {
            Err(DataError::data(
                "the change event does not tell all columns, and only a Primary Key table can be updated in part",
            ))
        }
        Change::Move { to, .. } => Ok(Change::Upsert(to)),
        Change::Delete(_) => Ok(Change::Nothing),
        change => Ok(change),
    }
}

fn no_partial_update() -> DataError {
    DataError::data(
        "the change event does not tell all columns, and a table whose sink.properties say what columns are made of (columns, jsonpaths, \
         json_root) cannot be updated in part; let the source log the values",
    )
}

/// Writes a row with `members` before its own: where a name occurs twice, StarRocks takes the first.
fn with_members(
    out: &mut Vec<u8>,
    members: &[u8],
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), DataError>,
) -> Result<(), DataError> {
    if members.is_empty() {
        return write(out);
    }
    out.push(b'{');
    out.extend_from_slice(members);
    let at = out.len();
    write(out)?;
    let Some(b'{') = out.get(at) else {
        return Err(DataError::data(
            "the value is no struct or map: starrocks.metadata.columns have no place in its row",
        ));
    };
    let first = out[at + 1..]
        .iter()
        .find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'}') {
        out.remove(at);
    } else {
        out[at] = b',';
    }
    Ok(())
}

#[cfg(test)]
mod tests;
