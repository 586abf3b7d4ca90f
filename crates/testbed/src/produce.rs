//! Records with schemas, written as producers with Confluent's serializers write them.
//!
//! A [`Record`] is declared once, and told as a schema of Avro, Protobuf or JSON Schema ([`Format::schema`]); a [`Datum`] of
//! it is written in each of them ([`Format::write`]) and framed with the schema's id ([`Frame`]). [`Orders`] are records made
//! up for tests and benches.
//!
//! The writers are written by hand, for they are in the product's binary with its `demo`; the crate's tests let independent
//! libraries (`apache-avro`, `prost-reflect`) read what they write. They share no code with this project's converters.

mod avro;
mod datum;
mod frame;
mod json;
mod orders;
mod protobuf;

use crate::schema_registry::{NewSchema, Registered, RegistryError, SchemaRegistry, SchemaType};

pub use datum::{Datum, Field, Kind, Record};
pub use frame::{Frame, write_indexes};
pub use orders::{Orders, Shape};

/// What a record's value is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// JSON without a schema: nothing stands before it.
    Json,
    /// Avro's binary encoding.
    Avro,
    /// Protobuf.
    Protobuf,
    /// JSON that has a JSON Schema.
    JsonSchema,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Json, Self::Avro, Self::Protobuf, Self::JsonSchema];

    /// The schema of a record; `None` where the format has none.
    #[must_use]
    pub fn schema(self, record: &'static Record) -> Option<NewSchema> {
        let (schema_type, text) = match self {
            Self::Json => return None,
            Self::Avro => (SchemaType::Avro, avro::schema(record)),
            Self::Protobuf => (SchemaType::Protobuf, protobuf::schema(record)),
            Self::JsonSchema => (SchemaType::Json, json::schema(record)),
        };
        Some(NewSchema::new(schema_type, text))
    }

    /// Appends a datum without any frame.
    ///
    /// # Panics
    /// Where the datum is not of the record.
    pub fn write(self, record: &'static Record, datum: &Datum, out: &mut Vec<u8>) {
        match self {
            Self::Json | Self::JsonSchema => json::write_record(record, datum, out),
            Self::Avro => avro::write_record(record, datum, out),
            Self::Protobuf => protobuf::write_record(record, datum, out),
        }
    }
}

/// A producer of one record in one format, with its schema registered.
#[derive(Debug, Clone, Copy)]
pub struct Producer {
    format: Format,
    record: &'static Record,
    registered: Option<Registered>,
}

impl Producer {
    /// Registers the record's schema under the subject, where the format has one.
    ///
    /// # Errors
    /// Where the registry refuses it.
    pub fn register(
        registry: &SchemaRegistry,
        subject: &str,
        format: Format,
        record: &'static Record,
    ) -> Result<Self, RegistryError> {
        let schema = format.schema(record);
        let registered = schema.map(|schema| registry.register(subject, schema));
        Ok(Self {
            format,
            record,
            registered: registered.transpose()?,
        })
    }

    /// A producer for JSON, which needs no registry.
    #[must_use]
    pub fn json(record: &'static Record) -> Self {
        Self {
            format: Format::Json,
            record,
            registered: None,
        }
    }

    /// Where the schema is registered; `None` where the format has none.
    #[must_use]
    pub fn registered(&self) -> Option<Registered> {
        self.registered
    }

    /// Puts a record's value, with the schema's id before it, in place of what `out` held.
    ///
    /// # Panics
    /// Where the datum is not of the record.
    pub fn write(&self, datum: &Datum, out: &mut Vec<u8>) {
        out.clear();
        if let Some(registered) = self.registered {
            Frame::Id(registered.id).write(self.format, out);
        }
        self.format.write(self.record, datum, out);
    }
}
