//! Converters: from the bytes of a key, value or header to a Connect value.
//!
//! Which class is used with which settings follows Connect's rule that levels do not mix:
//! [`ConverterConfig::select`].

mod class;
mod envelope;
mod header;
mod json;
mod number;
mod payload;
mod schema;
mod string;

pub use class::{ConverterClass, ConverterConfig, HEADER_CONVERTER, HeaderClass};
pub use header::HeaderConverter;
pub use json::JsonConverter;
pub use number::NumberConverter;
pub use string::StringConverter;

use crate::config::ConfigProblem;
use crate::data::{Schema, SchemaAndValue, Value};
use crate::error::DataError;
use std::borrow::Cow;

/// A converter of one of the classes we know.
#[derive(Debug)]
pub enum Converter {
    /// `org.apache.kafka.connect.storage.StringConverter`.
    String(StringConverter),
    /// `org.apache.kafka.connect.json.JsonConverter`.
    Json(JsonConverter),
    /// `org.apache.kafka.connect.converters.ByteArrayConverter`.
    ByteArray,
    /// The converters of fixed length in `org.apache.kafka.connect.converters`.
    Number(NumberConverter),
}

impl Converter {
    /// A converter as it is configured.
    ///
    /// # Errors
    /// An unknown class, one that is not built yet, and every setting that the class refuses.
    pub fn new(config: &ConverterConfig) -> Result<Self, Vec<ConfigProblem>> {
        let class = ConverterClass::resolve(&config.property, &config.class)
            .map_err(|problem| vec![problem])?;
        Self::of_class(class, config)
    }

    fn of_class(
        class: ConverterClass,
        config: &ConverterConfig,
    ) -> Result<Self, Vec<ConfigProblem>> {
        Ok(match class {
            ConverterClass::String => Self::String(StringConverter::new(config)?),
            ConverterClass::Json => Self::Json(JsonConverter::new(config)?),
            ConverterClass::ByteArray => Self::ByteArray,
            ConverterClass::Number(number) => Self::Number(number),
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
