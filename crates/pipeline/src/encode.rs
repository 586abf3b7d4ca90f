//! From a raw record to a row: what stands between Kafka's bytes and a table's batch.
//!
//! There are two ways. The general one, converter → row writer over values, says what is right. The other
//! is pass-through: JSON without schemas that needs no change is checked in one scan and its bytes are
//! the row. What the scan does not know as its own goes the general way, so that both give rows of equal
//! JSON values and the same errors.

mod calendar;
mod cell;
mod csv_row;
mod json_row;
mod pass_through;
mod plain_text;
mod table_rows;

pub use crate::routing::TableId;
pub use csv_row::CsvFormat;

use crate::kafka::RawRecord;
use crate::routing::{Routing, TopicMap};
use csv_row::Order;
use pass_through::Scanner;
use starrocks_kafka_connect::config::ConfigProblem;
use starrocks_kafka_connect::converter::{
    ConvertError, Converter, ConverterConfig, HeaderConverter, Input, Role,
};
use starrocks_kafka_connect::data::{Record, SchemaAndValue, Value};
use starrocks_kafka_connect::error::{DataError, ErrorClass, Stage};
use starrocks_kafka_connect::registry::{RegisteredSchema, SchemaRequest, Wanted};
use starrocks_kafka_connect::transform::TransformChain;
use starrocks_kafka_starrocks::Column;
use std::borrow::Cow;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use table_rows::{JsonRow, TableRows};

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encoded {
    /// A row of this table.
    Row(TableId),
    /// Nothing, for its value is null.
    Skipped,
    /// Nothing, for a transform drops it.
    Dropped,
    /// Nothing, for its row of CSV is empty, and StarRocks skips empty lines.
    Blank(TableId),
    /// Nothing yet: the order of this table's columns is to be told first, by [`Encoder::set_columns`].
    NeedsColumns(TableId),
    /// Nothing yet: the answer to this is to be told first, by [`Encoder::learn`].
    NeedsSchema(SchemaQuestion),
}

/// What a converter wants to know of its Schema Registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchemaQuestion {
    /// Whose registry: keys and values may have one each.
    pub role: Role,
    /// What it is asked for.
    pub request: Box<SchemaRequest>,
}

impl SchemaQuestion {
    /// Why a record is none whose schema the registry does not have.
    #[must_use]
    pub fn denied(&self, reason: &str) -> RecordError {
        // Registries count from 1. An id of 8 bytes, whose upper ones are 0, begins as a 0 of 4 bytes does.
        let hint = if self.request.wanted == Wanted::Id(0) {
            "; the record seems to have been written by Apicurio's own serializer, with an id of 8 bytes, which is not read: \
             apicurio.registry.as-confluent=true (Apicurio 3: apicurio.registry.id-handler=\
             io.apicurio.registry.serde.Default4ByteIdHandler) and apicurio.registry.use-id=contentId let its producer write \
             4 bytes"
        } else {
            ""
        };
        let error = DataError::of(
            ErrorClass::Data,
            format!("{}: {reason}{hint}", self.request),
        );
        RecordError::at(stage(self.role))(error)
    }
}

/// Why there is nothing to be had of a record, or not yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// It cannot become a row.
    Record(RecordError),
    /// The answer to this is to be told first, by [`Encoder::learn`].
    NeedsSchema(SchemaQuestion),
}

impl From<RecordError> for Obstacle {
    fn from(error: RecordError) -> Self {
        Self::Record(error)
    }
}

const fn stage(role: Role) -> Stage {
    match role {
        Role::Key => Stage::KeyConverter,
        Role::Value => Stage::ValueConverter,
    }
}

/// How the rows of a table are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RowFormat {
    /// As JSON, each field for the column of its name.
    #[default]
    Json,
    /// As JSON whose fields StarRocks is told to map (`columns`, `jsonpaths`, `json_root`): they are written as Java's
    /// connector writes them.
    MappedJson,
    /// As CSV.
    Csv(CsvFormat),
}

/// How rows are written, by table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowFormats {
    /// Those of tables that are not named.
    pub default: RowFormat,
    /// Those of tables that are.
    pub tables: HashMap<String, RowFormat>,
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
    /// The converter of headers.
    pub header: ConverterConfig,
    /// What records go through between converters and rows.
    pub transforms: TransformChain,
    /// The tables of topics.
    pub topics: TopicMap,
    /// How the rows of tables are written.
    pub formats: RowFormats,
}

/// Makes rows of records; one for each task.
#[derive(Debug)]
pub struct Encoder {
    key: Converter,
    value: Converter,
    header: HeaderConverter,
    transforms: TransformChain,
    /// The full names of the converters' classes: key, value, header.
    classes: [String; 3],
    routing: Routing,
    scanner: Scanner,
    formats: RowFormats,
    /// By the tables' numbers.
    tables: Vec<TableRows>,
}

impl Encoder {
    /// An encoder as the connector is configured.
    ///
    /// # Errors
    /// All problems of all converters.
    pub fn new(settings: &EncoderSettings) -> Result<Self, Vec<ConfigProblem>> {
        let routing = Routing::new(settings.topics.clone());
        match (
            Converter::new(&settings.key),
            Converter::new(&settings.value),
            HeaderConverter::new(&settings.header),
        ) {
            (Ok(key), Ok(value), Ok(header)) => Ok(Self {
                key,
                value,
                header,
                transforms: settings.transforms.clone(),
                classes: [&settings.key, &settings.value, &settings.header]
                    .map(|converter| converter.full_class().to_owned()),
                routing,
                scanner: Scanner::default(),
                formats: settings.formats.clone(),
                tables: Vec::new(),
            }),
            (key, value, header) => {
                let problems = [key.err(), value.err(), header.err()];
                Err(problems.into_iter().flatten().flatten().collect())
            }
        }
    }

    /// Appends the record's row to its table.
    ///
    /// # Errors
    /// A key, value or header that its converter cannot read, or a value that is no row. Nothing was appended.
    pub fn encode<R: Rows>(
        &mut self,
        record: &RawRecord<'_>,
        rows: &mut R,
    ) -> Result<Encoded, RecordError> {
        match self.try_encode(record, rows) {
            Ok(encoded) => Ok(encoded),
            Err(Obstacle::Record(error)) => Err(error),
            Err(Obstacle::NeedsSchema(question)) => Ok(Encoded::NeedsSchema(question)),
        }
    }

    fn try_encode<R: Rows>(
        &mut self,
        record: &RawRecord<'_>,
        rows: &mut R,
    ) -> Result<Encoded, Obstacle> {
        if !self.transforms.is_empty() {
            return Ok(match self.convert(record)? {
                Some(record) => {
                    let table = self.routing.table_of(&record.topic);
                    self.write(table, &record.value, rows)?
                }
                None => Encoded::Dropped,
            });
        }
        let table = self.routing.table_of(record.topic);
        self.check_key(record)?;
        if self.value.is_schemaless_json()
            && self.rows_of(table).are_json()
            && let Some(row) = record.value.and_then(|value| self.scanner.scan(value))
        {
            check_headers(&mut self.header, record)?;
            let Ok(()) = rows.append(table, |out| {
                out.extend_from_slice(row);
                Ok::<(), Infallible>(())
            });
            return Ok(Encoded::Row(table));
        }
        self.encode_generally(table, record, rows)
    }

    /// The general way, without transforms.
    fn encode_generally<R: Rows>(
        &mut self,
        table: TableId,
        record: &RawRecord<'_>,
        rows: &mut R,
    ) -> Result<Encoded, Obstacle> {
        let converted = convert(&mut self.value, Role::Value, record)?;
        check_headers(&mut self.header, record)?;
        Ok(self.write(table, &converted, rows)?)
    }

    /// Writes the row of a value.
    fn write<R: Rows>(
        &mut self,
        table: TableId,
        converted: &SchemaAndValue<'_>,
        rows: &mut R,
    ) -> Result<Encoded, RecordError> {
        if converted.value.is_null() {
            return Ok(Encoded::Skipped);
        }
        let schema = converted.schema.as_ref();
        let value = &converted.value;
        let as_java =
            |out: &mut Vec<u8>| json_row::write_whole(out, schema.map(AsRef::as_ref), value);
        let written = match self.rows_of(table) {
            TableRows::MappedJson => rows.append(table, as_java),
            TableRows::Json(json) => match json.row(schema) {
                JsonRow::AsJava => rows.append(table, as_java),
                JsonRow::Cells(cells) => rows.append(table, |out| {
                    json_row::write_cells(out, schema.map(AsRef::as_ref), value, &cells)
                }),
                JsonRow::NeedsColumns => return Ok(Encoded::NeedsColumns(table)),
            },
            TableRows::Csv(_, Order::NotAsked) if csv_row::has_fields(value) => {
                return Ok(Encoded::NeedsColumns(table));
            }
            TableRows::Csv(format, order) => match value {
                Value::String(text) if text.is_empty() => return Ok(Encoded::Blank(table)),
                _ => rows.append(table, |out| csv_row::write(out, converted, format, order)),
            },
        };
        written.map_err(RecordError::at(Stage::TaskPut))?;
        Ok(Encoded::Row(table))
    }

    /// The record as its converters read it and its transforms leave it: what the row is written from. `None` where a
    /// transform drops it.
    ///
    /// # Errors
    /// A key, value or header that its converter cannot read, or not yet, and what a transform cannot do.
    pub fn convert<'k>(&mut self, record: &RawRecord<'k>) -> Result<Option<Record<'k>>, Obstacle> {
        let key = convert(&mut self.key, Role::Key, record)?;
        let mut record = Record {
            topic: Cow::Borrowed(record.topic),
            partition: record.partition,
            offset: record.offset,
            timestamp_ms: record.timestamp_ms,
            key,
            value: convert(&mut self.value, Role::Value, record)?,
            headers: headers(&mut self.header, record)?,
        };
        let is_kept = self.transforms.apply(&mut record);
        let is_kept = is_kept.map_err(RecordError::at(Stage::Transformation))?;
        Ok(is_kept.then_some(record))
    }

    /// The full name of the Java class that was at work when the last record failed with this error.
    #[must_use]
    pub fn executing(&self, error: &RecordError) -> &str {
        let [key, value, header] = &self.classes;
        match error.stage {
            Stage::KeyConverter => key,
            Stage::ValueConverter => value,
            Stage::HeaderConverter => header,
            Stage::Transformation => self.transforms.failed_class(),
            Stage::TaskPut => "org.apache.kafka.connect.sink.SinkTask",
        }
    }

    /// Tells what a registry answered, so that the record can be encoded.
    pub fn learn(&mut self, question: SchemaQuestion, schema: Arc<RegisteredSchema>) {
        let converter = match question.role {
            Role::Key => &mut self.key,
            Role::Value => &mut self.value,
        };
        converter.learn(*question.request, schema);
    }

    /// Keys reach no row, but one that cannot be read fails its record.
    fn check_key(&mut self, record: &RawRecord<'_>) -> Result<(), Obstacle> {
        let Some(bytes) = record.key.filter(|_| !self.key.is_infallible()) else {
            return Ok(());
        };
        if self.key.is_schemaless_json() && self.scanner.scan(bytes).is_some() {
            return Ok(());
        }
        convert(&mut self.key, Role::Key, record).map(drop)
    }

    fn rows_of(&mut self, table: TableId) -> &mut TableRows {
        let index = table.0 as usize;
        while self.tables.len() <= index {
            let next = TableId(u32::try_from(self.tables.len()).expect("as many as tables"));
            let name = &**self.routing.table_name(next);
            let format = self.formats.tables.get(name);
            let format = format.unwrap_or(&self.formats.default);
            self.tables.push(TableRows::new(format));
        }
        &mut self.tables[index]
    }

    /// Tells a table's columns in their order, or why nobody can tell them.
    pub fn set_columns(&mut self, table: TableId, columns: Result<Vec<Column>, String>) {
        if let Some(rows) = self.tables.get_mut(table.0 as usize) {
            rows.set_columns(columns);
        }
    }

    /// Whether rows of a table can be written without its columns, though perhaps not as its columns take them.
    #[must_use]
    pub fn may_lack_columns(&self, table: TableId) -> bool {
        let rows = self.tables.get(table.0 as usize);
        rows.is_some_and(TableRows::are_json)
    }

    /// The order in which fields are written, where it is the table's own and was told.
    #[must_use]
    pub fn columns_of(&self, table: TableId) -> Option<Arc<[String]>> {
        self.tables.get(table.0 as usize)?.columns()
    }

    /// Forgets what tables' columns were told: they may have changed.
    pub fn forget_columns(&mut self) {
        self.tables.iter_mut().for_each(TableRows::forget_columns);
    }

    /// Whether rows of a topic can only go to the topic's own table: no transform gives records another topic.
    #[must_use]
    pub fn topics_tell_tables(&self) -> bool {
        !self.transforms.changes_topics()
    }

    /// The table that rows of this topic go to, unless a transform gives them another topic.
    pub fn table_of(&mut self, topic: &str) -> TableId {
        self.routing.table_of(topic)
    }

    /// The table of this name.
    pub fn table(&mut self, name: &Arc<str>) -> TableId {
        self.routing.table(name)
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

fn convert<'k>(
    converter: &mut Converter,
    role: Role,
    record: &RawRecord<'k>,
) -> Result<SchemaAndValue<'k>, Obstacle> {
    let input = Input {
        topic: record.topic,
        headers: &record.headers,
        bytes: match role {
            Role::Key => record.key,
            Role::Value => record.value,
        },
    };
    converter.convert(&input).map_err(|error| match error {
        ConvertError::Data(error) => Obstacle::Record(RecordError::at(stage(role))(error)),
        ConvertError::NeedsSchema(request) => {
            Obstacle::NeedsSchema(SchemaQuestion { role, request })
        }
    })
}

/// Headers reach no row, but one that cannot be read fails its record. They are not even parsed where their converter
/// takes anything.
fn check_headers(
    converter: &mut HeaderConverter,
    record: &RawRecord<'_>,
) -> Result<(), RecordError> {
    if converter.is_infallible() {
        return Ok(());
    }
    headers(converter, record).map(drop)
}

fn headers<'k>(
    converter: &mut HeaderConverter,
    record: &RawRecord<'k>,
) -> Result<Vec<(Cow<'k, str>, SchemaAndValue<'k>)>, RecordError> {
    let raw = record.headers.list().into_iter();
    raw.map(|(name, value)| {
        let value = converter.convert(&name, value);
        Ok((
            name,
            value.map_err(RecordError::at(Stage::HeaderConverter))?,
        ))
    })
    .collect()
}

#[cfg(test)]
mod tests;
