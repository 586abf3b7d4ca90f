//! From a raw record to a row: what stands between Kafka's bytes and a table's batch.
//!
//! There are two ways. The general one, converter → row writer over values, says what is right. The other
//! is pass-through: JSON without schemas that needs no change is checked in one scan and its bytes are
//! the row. What the scan does not know as its own goes the general way, so that both give rows of equal
//! JSON values and the same errors.

mod calendar;
mod cell;
mod change;
mod column_kind;
mod csv_row;
mod json_row;
mod meaning;
mod metadata_columns;
mod new_columns;
mod pass_through;
mod plain_text;
mod settings;
mod table_rows;
pub mod type_mapping;
mod unknown_fields;
mod write;

pub use crate::routing::TableId;
pub use change::{CdcSettings, Tombstones, Truncate, Unavailable, WithoutPrimaryKey};
pub use csv_row::CsvFormat;
pub use metadata_columns::MetadataColumns;
pub use new_columns::NewColumn;
pub use settings::{
    BinaryFormat, EncoderSettings, NullDefault, RowFormat, RowFormats, RowSettings, RowStyle,
};

use crate::kafka::RawRecord;
use crate::routing::Routing;
use pass_through::Scanner;
use starrocks_kafka_connect::config::ConfigProblem;
use starrocks_kafka_connect::converter::{ConvertError, Converter, HeaderConverter, Input, Role};
use starrocks_kafka_connect::data::{Record, SchemaAndValue};
use starrocks_kafka_connect::error::{DataError, ErrorClass, Stage};
use starrocks_kafka_connect::registry::{RegisteredSchema, SchemaRequest, Wanted};
use starrocks_kafka_connect::transform::TransformChain;
use starrocks_kafka_starrocks::TableDescription;
use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;
pub use table_rows::LoadColumns;
use table_rows::TableRows;
pub use unknown_fields::SchemaEvolution;
use write::Origin;

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
    /// Nothing yet: its row has other columns than the round's rows of this table so far, and all rows of a load have the same.
    /// The round is to be ended first; also where columns are to be added to the table.
    NeedsRound(TableId),
    /// Nothing yet: these columns are to be added to the table first, and [`Encoder::set_columns`] told; or
    /// [`Encoder::deny_columns`], that they cannot be.
    NeedsNewColumns(TableId, Box<[NewColumn]>),
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
    settings: RowSettings,
    /// By the tables' numbers.
    tables: Vec<TableRows>,
    /// What stands in a row before the fields of its value; kept for its memory.
    members: Vec<u8>,
    /// The row that a change of its key makes; kept for its memory.
    moved: Vec<u8>,
    /// What was seen and not yet told.
    observations: Vec<String>,
    /// Until one was seen.
    watches_for_envelopes: bool,
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
                settings: settings.rows.clone(),
                members: Vec::new(),
                moved: Vec::new(),
                observations: Vec::new(),
                watches_for_envelopes: settings.transforms.unwraps_envelopes(),
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
        if !self.transforms.is_empty() || self.settings.cdc.is_some() {
            return Ok(match self.convert(record)? {
                Some(converted) => {
                    let table = self.routing.table_of(&converted.topic);
                    self.write_changes(table, record, &converted, rows)?
                }
                None => Encoded::Dropped,
            });
        }
        let table = self.routing.table_of(record.topic);
        self.check_key(record)?;
        if self.value.is_schemaless_json()
            && self.settings.evolution == SchemaEvolution::None
            && self.rows_of(table).are_json()
            && let Some(row) = record.value.and_then(|value| self.scanner.scan(value))
        {
            if self.settings.metadata.is_empty() {
                check_headers(&mut self.header, record)?;
                let Ok(()) = rows.append(table, |out| {
                    out.extend_from_slice(row);
                    Ok::<(), Infallible>(())
                });
                return Ok(Encoded::Row(table));
            }
            let headers = self.headers_of_rows(record)?;
            let origin = Origin::new(record, &headers);
            return Ok(self.write_json(table, origin, row, rows)?);
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
        let headers = self.headers_of_rows(record)?;
        let origin = Origin::new(record, &headers);
        Ok(self.write_value(table, origin, &converted, rows)?)
    }

    /// The headers where rows have columns of them; else they are checked only.
    fn headers_of_rows<'k>(
        &mut self,
        record: &RawRecord<'k>,
    ) -> Result<Vec<(Cow<'k, str>, SchemaAndValue<'k>)>, RecordError> {
        if self.settings.metadata.has_headers() {
            return headers(&mut self.header, record);
        }
        check_headers(&mut self.header, record)?;
        Ok(Vec::new())
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
            let formats = &self.settings.formats;
            let format = formats.tables.get(name).unwrap_or(&formats.default);
            self.tables.push(TableRows::new(format));
        }
        &mut self.tables[index]
    }

    /// Tells what a table is, its columns in their order, or why nobody can tell it.
    pub fn set_columns(&mut self, table: TableId, description: Result<TableDescription, String>) {
        if let Some(rows) = self.tables.get_mut(table.0 as usize) {
            rows.set_columns(description);
        }
    }

    /// Tells why no columns can be added to a table in this round: records that need some are errors.
    pub fn deny_columns(&mut self, table: TableId, reason: String) {
        if let Some(TableRows::Json(json)) = self.tables.get_mut(table.0 as usize) {
            json.deny(reason);
        }
    }

    /// Whether rows of a table are written without its columns, though not as its columns take them, or unseen what they lack.
    #[must_use]
    pub fn lacks_types(&self, table: TableId) -> bool {
        match self.tables.get(table.0 as usize) {
            Some(TableRows::Json(json)) => json.wants_types(),
            _ => false,
        }
    }

    /// What was seen in records that their owner should know of, and was not told before.
    pub fn take_observations(&mut self) -> Vec<String> {
        std::mem::take(&mut self.observations)
    }

    /// What StarRocks is to be told of the columns of a table's rows in this round.
    #[must_use]
    pub fn load_columns(&self, table: TableId) -> LoadColumns {
        let rows = self.tables.get(table.0 as usize);
        rows.map_or(LoadColumns::AsConfigured, TableRows::load_columns)
    }

    /// A round begins: columns may have changed since tables were described, and rows may have others than those of the round
    /// before.
    pub fn begin_round(&mut self) {
        self.tables.iter_mut().for_each(TableRows::begin_round);
    }

    /// Whether rows depend on how their table keeps them, and on which columns take NULL.
    #[must_use]
    pub fn asks_for_details(&self) -> bool {
        self.settings.cdc.is_some()
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
