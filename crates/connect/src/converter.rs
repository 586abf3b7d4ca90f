//! Converters: from the bytes of a key, value or header to a Connect value.
//!
//! Which class is used with which settings follows Connect's rule that levels do not mix:
//! [`ConverterConfig::select`].

mod avro;
mod class;
mod envelope;
mod header;
mod json;
mod json_schema;
mod number;
mod payload;
mod protobuf;
mod registry;
mod schema;
mod string;

pub use class::{
    ConverterClass, ConverterConfig, HEADER_CONVERTER, HeaderClass, PlainClass, RegistryClass,
    Role, class_names,
};
pub use header::HeaderConverter;
pub use json::JsonConverter;
pub use number::NumberConverter;
pub use registry::client::{REGISTRY_CLIENT, is_client_setting};
pub use registry::{REGISTRY_URL, RegistryConverter};
pub use string::StringConverter;

use crate::config::{ConfigDef, ConfigProblem};
use crate::data::{Schema, SchemaAndValue, Value};
use crate::error::DataError;
use crate::registry::{RegisteredSchema, SchemaRequest};
use std::borrow::Cow;
use std::sync::Arc;

/// The settings of converters of keys and values, for the reference: those of the classes that need no registry, those that
/// all with a registry have, and those of each format.
pub const SETTINGS: &[ConfigDef] = &[
    StringConverter::DEF,
    JsonConverter::DEF,
    ConfigDef::new(
        &[registry::settings::ADDRESS, registry::settings::KEYS],
        &[],
    ),
    ConfigDef::new(&[registry::client::KEYS], &[]),
    ConfigDef::new(&[avro::KEYS], &[]),
    ConfigDef::new(&[protobuf::KEYS], &[]),
    ConfigDef::new(&[json_schema::KEYS], &[]),
];

/// What a converter is given: the bytes of a key or value, and what stands around them.
#[derive(Clone, Copy, Debug)]
pub struct Input<'r, 'k> {
    /// The topic of the record.
    pub topic: &'r str,
    /// The headers of the record.
    pub headers: &'r dyn RecordHeaders,
    /// The bytes; `None` is Kafka's null.
    pub bytes: Option<&'k [u8]>,
}

/// The headers of a record, for a converter that looks for one.
pub trait RecordHeaders: std::fmt::Debug {
    /// The value of the last header of this name; `None` where there is none, and where it is null.
    fn last(&self, name: &str) -> Option<&[u8]>;
}

/// Why a converter gives no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConvertError {
    /// The bytes cannot be read.
    Data(DataError),
    /// They cannot be read before a registry was asked for this, and the answer told by [`Converter::learn`].
    NeedsSchema(Box<SchemaRequest>),
}

impl From<DataError> for ConvertError {
    fn from(error: DataError) -> Self {
        Self::Data(error)
    }
}

/// A converter of keys or values.
#[derive(Debug)]
pub enum Converter {
    /// One that reads bytes by themselves.
    Plain(PlainConverter),
    /// One that needs a Schema Registry.
    Registry(RegistryConverter),
}

impl Converter {
    /// A converter as it is configured.
    ///
    /// # Errors
    /// An unknown class, and every setting that the class refuses.
    pub fn new(config: &ConverterConfig) -> Result<Self, Vec<ConfigProblem>> {
        let class = ConverterClass::resolve(&config.property, &config.class)
            .map_err(|problem| vec![problem])?;
        Ok(match class {
            ConverterClass::Plain(class) => Self::Plain(PlainConverter::of_class(class, config)?),
            ConverterClass::Registry(class) => {
                Self::Registry(RegistryConverter::new(class, config)?)
            }
        })
    }

    /// Converts the bytes of a key or value.
    ///
    /// # Errors
    /// Bytes that this converter cannot read, with the class of Java's exception; and a schema that it
    /// lacks.
    pub fn convert<'k>(
        &mut self,
        input: &Input<'_, 'k>,
    ) -> Result<SchemaAndValue<'k>, ConvertError> {
        match self {
            Self::Plain(converter) => Ok(converter.convert(input.bytes)?),
            Self::Registry(converter) => converter.convert(input),
        }
    }

    /// Tells the schema that [`ConvertError::NeedsSchema`] asked for. It is kept for as long as the converter lives: what
    /// an id names never changes.
    pub fn learn(&mut self, request: SchemaRequest, schema: Arc<RegisteredSchema>) {
        if let Self::Registry(converter) = self {
            converter.learn(request, schema);
        }
    }

    /// Whether it takes any bytes, so that a conversion whose result nobody needs can be left out.
    #[must_use]
    pub const fn is_infallible(&self) -> bool {
        matches!(self, Self::Plain(converter) if converter.is_infallible())
    }

    /// Whether it reads JSON without schemas.
    #[must_use]
    pub const fn is_schemaless_json(&self) -> bool {
        matches!(self, Self::Plain(PlainConverter::Json(json)) if !json.has_schemas())
    }
}

/// A converter that reads bytes by themselves, those of headers too.
#[derive(Debug)]
pub enum PlainConverter {
    /// `org.apache.kafka.connect.storage.StringConverter`.
    String(StringConverter),
    /// `org.apache.kafka.connect.json.JsonConverter`.
    Json(JsonConverter),
    /// `org.apache.kafka.connect.converters.ByteArrayConverter`.
    ByteArray,
    /// The converters of fixed length in `org.apache.kafka.connect.converters`.
    Number(NumberConverter),
}

impl PlainConverter {
    /// A converter as it is configured.
    ///
    /// # Errors
    /// A class that is none of these, and every setting that the class refuses.
    pub fn new(config: &ConverterConfig) -> Result<Self, Vec<ConfigProblem>> {
        match Converter::new(config)? {
            Converter::Plain(converter) => Ok(converter),
            Converter::Registry(_) => Err(vec![ConfigProblem::invalid(
                &config.property,
                &config.class,
                "It needs a Schema Registry",
            )]),
        }
    }

    fn of_class(class: PlainClass, config: &ConverterConfig) -> Result<Self, Vec<ConfigProblem>> {
        Ok(match class {
            PlainClass::String => Self::String(StringConverter::new(config)?),
            PlainClass::Json => Self::Json(JsonConverter::new(config)?),
            PlainClass::ByteArray => Self::ByteArray,
            PlainClass::Number(number) => Self::Number(number),
        })
    }

    /// Converts the bytes of a key or value; `None` is Kafka's null.
    ///
    /// # Errors
    /// Bytes that this converter cannot read, with the class of Java's exception.
    pub fn convert<'k>(
        &mut self,
        bytes: Option<&'k [u8]>,
    ) -> Result<SchemaAndValue<'k>, DataError> {
        match self {
            Self::String(converter) => Ok(converter.convert(bytes)),
            Self::Json(converter) => converter.convert(bytes),
            Self::ByteArray => Ok(SchemaAndValue::new(
                Schema::optional_bytes(),
                bytes.map_or(Value::Null, |bytes| Value::Bytes(Cow::Borrowed(bytes))),
            )),
            Self::Number(converter) => converter.convert(bytes),
        }
    }

    /// Whether it takes any bytes, so that a conversion whose result nobody needs can be left out.
    #[must_use]
    pub const fn is_infallible(&self) -> bool {
        matches!(self, Self::String(_) | Self::ByteArray)
    }
}

#[cfg(test)]
mod tests;
