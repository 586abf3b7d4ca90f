//! What a format of registered schemas is to the converter that reads it.

use crate::config::{Config, ConfigDef, ConfigProblem};
use crate::data::SchemaAndValue;
use crate::error::{DataError, ErrorClass};
use crate::registry::{RegisteredSchema, SchemaFormat};

/// A message's place in its schema file: its number among the messages, then among those nested in it, and so on.
/// Empty stands for the first message, so that the most frequent case needs no memory.
pub(in crate::converter) type MessageIndexes = Vec<i32>;

/// The schemas that tell what a record is.
#[derive(Debug)]
pub(in crate::converter) struct Schemas<'s> {
    /// What it was written with.
    pub(in crate::converter) writer: &'s RegisteredSchema,
    /// What it is to be read as, where that is asked for.
    pub(in crate::converter) reader: Option<&'s RegisteredSchema>,
    /// The writer's version under the record's subject, where it is known: it becomes the version of the Connect
    /// schema. With a reader, the reader's.
    pub(in crate::converter) version: Option<i32>,
}

/// One of the formats.
pub(in crate::converter) trait Format: Sized + std::fmt::Debug {
    /// Which one.
    const FORMAT: SchemaFormat;

    /// What its settings are, beside those that all formats have.
    const DEF: ConfigDef;

    /// What Java throws for a schema that does not parse, or is of another format.
    const BAD_SCHEMA: ErrorClass;

    /// A schema, made ready to read what was written with it.
    type Plan: std::fmt::Debug;

    /// The format as its settings say.
    fn new(settings: &Config) -> Result<Self, Vec<ConfigProblem>>;

    /// The full name of the record that a schema describes, which subjects may be named by; `None` where it
    /// describes none.
    fn record_name(schema: &RegisteredSchema, indexes: &MessageIndexes) -> Option<String>;

    /// Makes a schema ready. For Protobuf, `indexes` tell which message of it a record is.
    ///
    /// # Errors
    /// A schema that does not parse, or has no meaning in Connect. It is kept, and told for every record.
    fn plan(
        &self,
        schemas: &Schemas<'_>,
        indexes: &MessageIndexes,
    ) -> Result<Self::Plan, DataError>;

    /// Reads what was written with a schema.
    ///
    /// # Errors
    /// Bytes that were not.
    fn decode<'k>(plan: &Self::Plan, payload: &'k [u8]) -> Result<SchemaAndValue<'k>, DataError>;
}
