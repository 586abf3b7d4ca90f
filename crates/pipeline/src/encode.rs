//! From a raw record to a row: what stands between Kafka's bytes and a table's batch.
//!
//! There are two ways. The general one, converter → row writer over values, says what is right. The other
//! is pass-through: JSON without schemas that needs no change is checked in one scan and its bytes are
//! the row. What the scan does not know as its own goes the general way, so that both give rows of equal
//! JSON values and the same errors.

mod json_row;
mod pass_through;

use crate::kafka::RawRecord;
use crate::routing::{Routing, TopicMap};
use pass_through::Scanner;
use starrocks_kafka_connect::config::ConfigProblem;
use starrocks_kafka_connect::converter::{Converter, ConverterConfig};
use starrocks_kafka_connect::error::{DataError, Stage};
use std::convert::Infallible;
use std::sync::Arc;

/// A table that rows go to, as an index into the connector's list of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(pub u32);

/// Where rows are written: the open batch of each table.
pub trait Rows {
    /// Appends one row to `table`'s batch. `write` appends the row's bytes and nothing else: framing
    /// (brackets, commas, delimiters) is the batch's own. Where `write` fails, nothing remains of it.
    ///
    /// # Errors
    /// What `write` returned.
    fn append<E>(
        &mut self,
        table: TableId,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E>;
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoded {
    /// A row of this table.
    Row(TableId),
    /// Nothing, for its value is null.
    Skipped,
}

/// Why a record cannot become a row. Topic, partition and offset are the caller's to add.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{stage}: {message}")]
pub struct RecordError {
    /// Where on its way it failed.
    pub stage: Stage,
    /// The full name of the exception that Java's classes throw for it.
    pub class: &'static str,
    /// What is wrong, in one line.
    pub message: String,
}

impl RecordError {
    fn at(stage: Stage) -> impl FnOnce(DataError) -> Self {
        move |DataError { class, message }| Self {
            stage,
            class: class.java_name(),
            message,
        }
    }
}

/// How a connector's records become rows.
#[derive(Clone, Debug)]
pub struct EncoderSettings {
    /// The converter of keys.
    pub key: ConverterConfig,
    /// The converter of values.
    pub value: ConverterConfig,
    /// The tables of topics.
    pub topics: TopicMap,
}

/// Makes rows of records; one for each task.
#[derive(Debug)]
pub struct Encoder {
    key: Converter,
    value: Converter,
    routing: Routing,
    scanner: Scanner,
}

impl Encoder {
    /// An encoder as the connector is configured, for rows in JSON.
    ///
    /// # Errors
    /// All problems of both converters.
    pub fn new(settings: &EncoderSettings) -> Result<Self, Vec<ConfigProblem>> {
        let routing = Routing::new(settings.topics.clone());
        match (
            Converter::new(&settings.key),
            Converter::new(&settings.value),
        ) {
            (Ok(key), Ok(value)) => Ok(Self {
                key,
                value,
                routing,
                scanner: Scanner::default(),
            }),
            (key, value) => Err(key.err().into_iter().chain(value.err()).flatten().collect()),
        }
    }

    /// Appends the record's row to its table.
    ///
    /// # Errors
    /// A key or value that its converter cannot read, or a value that is no row. Nothing was appended.
    pub fn encode<R: Rows>(
        &mut self,
        record: &RawRecord<'_>,
        rows: &mut R,
    ) -> Result<Encoded, RecordError> {
        self.check_key(record.key)?;
        if is_schemaless_json(&self.value)
            && let Some(row) = record.value.and_then(|value| self.scanner.scan(value))
        {
            let table = self.routing.table_of(record.topic);
            let Ok(()) = rows.append(table, |out| {
                out.extend_from_slice(row);
                Ok::<(), Infallible>(())
            });
            return Ok(Encoded::Row(table));
        }
        self.encode_value(record, rows)
    }

    /// Keys reach no row, but one that cannot be read fails its record.
    fn check_key(&mut self, key: Option<&[u8]>) -> Result<(), RecordError> {
        let Some(bytes) = key.filter(|_| !self.key.is_infallible()) else {
            return Ok(());
        };
        if is_schemaless_json(&self.key) && self.scanner.scan(bytes).is_some() {
            return Ok(());
        }
        self.key
            .convert(key)
            .map(drop)
            .map_err(RecordError::at(Stage::KeyConverter))
    }

    /// The general way.
    fn encode_value<R: Rows>(
        &mut self,
        record: &RawRecord<'_>,
        rows: &mut R,
    ) -> Result<Encoded, RecordError> {
        let converted = self
            .value
            .convert(record.value)
            .map_err(RecordError::at(Stage::ValueConverter))?;
        if converted.value.is_null() {
            return Ok(Encoded::Skipped);
        }
        let table = self.routing.table_of(record.topic);
        rows.append(table, |out| {
            json_row::write(out, converted.schema.as_deref(), &converted.value)
        })
        .map_err(RecordError::at(Stage::TaskPut))?;
        Ok(Encoded::Row(table))
    }

    /// The tables that rows of this topic can go to.
    pub fn tables_of(&mut self, topic: &str) -> impl Iterator<Item = TableId> + use<> {
        std::iter::once(self.routing.table_of(topic))
    }

    /// The name of a table.
    ///
    /// # Panics
    /// For a number that this encoder did not give.
    #[must_use]
    pub fn table_name(&self, table: TableId) -> &Arc<str> {
        self.routing.table_name(table)
    }
}

fn is_schemaless_json(converter: &Converter) -> bool {
    matches!(converter, Converter::Json(json) if !json.has_schemas())
}

#[cfg(test)]
mod tests;
