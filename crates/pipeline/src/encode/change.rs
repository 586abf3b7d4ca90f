//! What a change event of Debezium says about rows: `starrocks.cdc.format=debezium`.
//!
//! The event is told by its fields, not by the name of its schema, so that JSON with schemas and without, Avro and Protobuf
//! are read alike. Facts: `notes/converters-and-cdc.md`, section 6.

mod bookkeeping;
mod unavailable;

use std::sync::Arc;

use starrocks_kafka_connect::data::{Record, Schema, SchemaAndValue, Value};
use starrocks_kafka_connect::error::DataError;

/// How change events are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CdcSettings {
    /// `starrocks.cdc.tombstones`.
    pub tombstones: Tombstones,
    /// `starrocks.cdc.truncate`.
    pub truncate: Truncate,
    /// `starrocks.cdc.unavailable`.
    pub unavailable: Unavailable,
    /// `starrocks.cdc.unavailable.placeholder`: what Debezium's `unavailable.value.placeholder` is.
    pub placeholder: String,
    /// `starrocks.cdc.without.primary.key`.
    pub without_primary_key: WithoutPrimaryKey,
}

/// What a record with a key and without a value means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tombstones {
    /// Nothing: the deletion came before it.
    #[default]
    Skip,
    /// The row of the key is deleted.
    Delete,
}

/// What becomes of the event that says that a table was emptied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Truncate {
    /// It is an error: loads cannot empty a table.
    #[default]
    Fail,
    /// It is passed over, and the rows stay.
    Skip,
}

/// What becomes of an update that lacks the value of a column, for the source did not log it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unavailable {
    /// The column keeps its value (partial update).
    #[default]
    Partial,
    /// It is an error.
    Fail,
}

/// What becomes of changes to a table that has no primary key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WithoutPrimaryKey {
    /// They are errors: such a table keeps every version of a row, and what was deleted.
    #[default]
    Fail,
    /// Each new version of a row is one more row, and deletions are passed over.
    DropDeletes,
}

/// A row as an event has it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Image<'v> {
    pub(super) schema: Option<&'v Arc<Schema>>,
    pub(super) value: &'v Value<'v>,
    /// The places of the fields whose values are not told, in order.
    pub(super) unavailable: Vec<usize>,
}

impl<'v> Image<'v> {
    fn of((schema, value): Member<'v>) -> Self {
        Self {
            schema,
            value,
            unavailable: Vec::new(),
        }
    }

    /// The names of the fields whose values are told.
    pub(super) fn told(&self) -> impl Iterator<Item = &str> {
        let told = |(at, name)| (!self.unavailable.contains(&at)).then_some(name);
        names(self.value).enumerate().filter_map(told)
    }

    /// A value as it stands.
    pub(super) fn whole(converted: &'v SchemaAndValue<'v>) -> Self {
        Self::of((converted.schema.as_ref(), &converted.value))
    }
}

/// What is to be done in the table.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change<'v> {
    Nothing,
    Upsert(Image<'v>),
    Delete(Image<'v>),
    /// The row has other values now, of which some may be its key: see [`Change::by_key`].
    Update {
        from: Image<'v>,
        to: Image<'v>,
    },
    /// The row has another key now.
    Move {
        from: Image<'v>,
        to: Image<'v>,
    },
}

/// A field of a struct or an entry of a map.
type Member<'v> = (Option<&'v Arc<Schema>>, &'v Value<'v>);

const BEFORE: &str = "before";
const AFTER: &str = "after";
const OP: &str = "op";

impl CdcSettings {
    /// Reads an event.
    ///
    /// # Errors
    /// The record is no change event, or lacks what its kind must have, or is of a kind that is to be an error.
    pub(super) fn change<'v>(&self, record: &'v Record<'_>) -> Result<Change<'v>, DataError> {
        if record.value.value.is_null() {
            return match self.tombstones {
                Tombstones::Skip => Ok(Change::Nothing),
                Tombstones::Delete if record.key.value.is_null() => Ok(Change::Nothing),
                Tombstones::Delete => key_image(record, "a tombstone").map(Change::Delete),
            };
        }
        let event = &record.value;
        let Some(op) = member(&event.value, OP).and_then(|(_, op)| text(op)) else {
            return bookkeeping::is_none_of_rows(event)
                .then_some(Change::Nothing)
                .ok_or_else(no_event);
        };
        match op {
            "c" | "C" | "r" | "R" => self.after(event, op).map(Change::Upsert),
            "u" | "U" => {
                let to = self.after(event, op)?;
                Ok(match image(event, BEFORE)? {
                    Some(from) => Change::Update { from, to },
                    None => Change::Upsert(to),
                })
            }
            "d" | "D" => match image(event, BEFORE)? {
                Some(before) => Ok(Change::Delete(before)),
                None => key_image(record, "a deletion without its old row").map(Change::Delete),
            },
            "t" | "T" => match self.truncate {
                Truncate::Skip => Ok(Change::Nothing),
                Truncate::Fail => Err(DataError::data(
                    "the source table was emptied (op t), which no load can do to this one; empty it if it should be, and go on with \
                     starrocks.cdc.truncate=skip",
                )),
            },
            // A message that the source's program wrote into its log.
            "m" | "M" => Ok(Change::Nothing),
            op => Err(DataError::data(format!(
                "the change event has the unknown op '{op}'; known are c, u, d, r, t and m"
            ))),
        }
    }

    /// The new row, with what it does not tell.
    fn after<'v>(&self, event: &'v SchemaAndValue<'_>, op: &str) -> Result<Image<'v>, DataError> {
        let mut after = image(event, AFTER)?.ok_or_else(|| {
            DataError::data(format!(
                "the change event of op {op} has no new row (after)"
            ))
        })?;
        after.unavailable = unavailable::fields(after.value, &self.placeholder);
        if let (Some(at), Unavailable::Fail) = (after.unavailable.first(), self.unavailable) {
            let name = name_at(after.value, *at);
            return Err(DataError::data(format!(
                "the change event does not tell the value of column {name}, which was not changed and not logged; let the source log \
                 it (PostgreSQL: REPLICA IDENTITY FULL), or set starrocks.cdc.unavailable=partial"
            )));
        }
        Ok(after)
    }
}

impl Change<'_> {
    /// An update is a deletion and an insertion where it changes a column of the key. Debezium itself says so in two events where it is
    /// the source's key; the table's may have more columns, and others that write Debezium's format write one event.
    ///
    /// # Errors
    /// A column of the new row is not told, and there is no row of this key yet that has it.
    pub(super) fn by_key<'n>(
        self,
        mut columns: impl Iterator<Item = &'n str>,
    ) -> Result<Self, DataError> {
        let Self::Update { from, to } = self else {
            return Ok(self);
        };
        let is_moved = columns.any(|name| {
            let [old, new] = [from.value, to.value].map(|row| member(row, name));
            matches!((old, new), (Some((_, old)), Some((_, new))) if old != new)
        });
        match to.unavailable.first() {
            _ if !is_moved => Ok(Self::Upsert(to)),
            None => Ok(Self::Move { from, to }),
            Some(at) => {
                let name = name_at(to.value, *at);
                Err(DataError::data(format!(
                    "the change event changes the key and does not tell the value of column {name}; let the source log it"
                )))
            }
        }
    }
}

/// Whether a value looks like an event.
pub(super) fn is_event(value: &Value<'_>) -> bool {
    member(value, OP).is_some_and(|(_, op)| text(op).is_some())
        && [BEFORE, AFTER]
            .iter()
            .any(|name| member(value, name).is_some_and(|(_, row)| has_members(row)))
}

fn no_event() -> DataError {
    DataError::data(
        "the value is no change event of Debezium: it has no text op beside before and after. Where the source unwraps its events, \
         leave out starrocks.cdc.format",
    )
}

/// The old or the new row of an event; none where it is null.
fn image<'v>(event: &'v SchemaAndValue<'_>, name: &str) -> Result<Option<Image<'v>>, DataError> {
    match member(&event.value, name) {
        None | Some((_, Value::Null)) => Ok(None),
        Some(row) if has_members(row.1) => Ok(Some(Image::of(row))),
        Some((_, other)) => Err(DataError::data(format!(
            "{name} of the change event is a {}, no row",
            other.java_class()
        ))),
    }
}

/// The row that a record's key is of.
fn key_image<'v>(record: &'v Record<'_>, what: &str) -> Result<Image<'v>, DataError> {
    let key = &record.key;
    if has_members(&key.value) {
        return Ok(Image::whole(key));
    }
    Err(DataError::data(format!(
        "{what} needs a key with the columns of the primary key, and the key is {}; set key.converter to the converter that the keys \
         were written with",
        match &key.value {
            Value::Null => "null".to_owned(),
            other => format!("a {}", other.java_class()),
        }
    )))
}

fn has_members(value: &Value<'_>) -> bool {
    matches!(value, Value::Struct(_) | Value::Map(_))
}

/// The field or entry of this name.
pub(super) fn member<'v>(value: &'v Value<'_>, name: &str) -> Option<Member<'v>> {
    match value {
        Value::Struct(structure) => {
            let mut fields = structure.schema().fields().iter().zip(structure.values());
            let (field, value) = fields.find(|(field, _)| &*field.name == name)?;
            Some((Some(&field.schema), value))
        }
        Value::Map(entries) => {
            let is_it = |(key, _): &&(Value<'_>, Value<'_>)| text(key) == Some(name);
            entries.iter().find(is_it).map(|(_, value)| (None, value))
        }
        _ => None,
    }
}

/// The names of fields or entries, in order.
pub(super) fn names<'v>(value: &'v Value<'_>) -> impl Iterator<Item = &'v str> {
    let (fields, entries) = match value {
        Value::Struct(structure) => (structure.schema().fields(), &[][..]),
        Value::Map(entries) => (&[][..], &entries[..]),
        _ => (&[][..], &[][..]),
    };
    let of_fields = fields.iter().map(|field| &*field.name);
    of_fields.chain(entries.iter().filter_map(|(key, _)| text(key)))
}

fn name_at<'v>(value: &'v Value<'_>, at: usize) -> &'v str {
    names(value).nth(at).unwrap_or_default()
}

fn text<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}
