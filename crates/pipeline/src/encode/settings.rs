//! How records become rows, as a connector's properties say.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use starrocks_kafka_connect::converter::ConverterConfig;
use starrocks_kafka_connect::transform::TransformChain;

use super::change::CdcSettings;
use super::csv_row::CsvFormat;
use super::metadata_columns::MetadataColumns;
use super::unknown_fields::SchemaEvolution;
use crate::routing::TopicMap;

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
    /// How rows are written.
    pub rows: RowSettings,
}

/// What is told of rows, whatever converters and transforms make of records.
#[derive(Clone, Debug, Default)]
pub struct RowSettings {
    /// The form of each table's rows.
    pub formats: RowFormats,
    /// How values are written in them.
    pub style: RowStyle,
    /// How values are read as change events; none: a value is a row.
    pub cdc: Option<CdcSettings>,
    /// What of a record, beside its value, goes into columns.
    pub metadata: MetadataColumns,
    /// What becomes of fields that no column takes.
    pub evolution: SchemaEvolution,
}

/// How values are written where the connector is told more than Java's is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowStyle {
    /// `starrocks.binary.format`.
    pub binary: BinaryFormat,
    /// `starrocks.null.default`.
    pub null_default: NullDefault,
    /// `starrocks.time.zone`: what clocks show that tell moments in columns of dates and times.
    pub time_zone: TimeZone,
}

impl Default for RowStyle {
    fn default() -> Self {
        Self {
            binary: BinaryFormat::default(),
            null_default: NullDefault::default(),
            time_zone: TimeZone::UTC,
        }
    }
}

/// How bytes are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BinaryFormat {
    /// As Base64 with padding, as Java's connector writes them.
    #[default]
    Base64,
    /// As two hexadecimal digits a byte, in capitals.
    Hex,
    /// As the text that they are; bytes that are none fail their record.
    Utf8,
}

/// What is written for null in a struct's field whose schema has a default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NullDefault {
    /// The default, as Java's connector writes it.
    #[default]
    Apply,
    /// Null.
    Keep,
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
