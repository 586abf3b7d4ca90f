//! Header converters: from the bytes of a header to a Connect value.

use super::class::HeaderClass;
use super::{ConverterConfig, PlainConverter};
use crate::charset;
use crate::config::ConfigProblem;
use crate::data::{Schema, SchemaAndValue, SchemaType, Value};
use crate::error::DataError;
use crate::values;
use std::borrow::Cow;

/// A header converter of one of the classes we know.
#[derive(Debug)]
pub enum HeaderConverter {
    /// `org.apache.kafka.connect.storage.SimpleHeaderConverter`, which guesses what a text is:
    /// [`values::parse`].
    Simple,
    /// A converter of keys and values, which reads headers in the same way.
    Converter(PlainConverter),
}

impl HeaderConverter {
    /// A header converter as it is configured.
    ///
    /// # Errors
    /// An unknown class, and every setting that the class refuses.
    pub fn new(config: &ConverterConfig) -> Result<Self, Vec<ConfigProblem>> {
        let class = HeaderClass::resolve(&config.property, &config.class)
            .map_err(|problem| vec![problem])?;
        Ok(match class {
            // It takes settings, and none of them means anything.
            HeaderClass::Simple => Self::Simple,
            HeaderClass::Converter(class) => {
                Self::Converter(PlainConverter::of_class(class, config)?)
            }
        })
    }

    /// Converts the bytes of the header `name`; `None` is Kafka's null.
    ///
    /// # Errors
    /// Bytes that this converter cannot read, with the class of Java's exception.
    pub fn convert<'k>(
        &mut self,
        name: &str,
        bytes: Option<&'k [u8]>,
    ) -> Result<SchemaAndValue<'k>, DataError> {
        match self {
            Self::Simple => Ok(bytes.map_or(SchemaAndValue::schemaless(Value::Null), simple)),
            Self::Converter(converter) => {
                converter
                    .convert(bytes)
                    .map_err(|DataError { class, message }| DataError {
                        class,
                        message: format!("header '{name}': {message}"),
                    })
            }
        }
    }

    /// Whether it takes any bytes, so that headers that nobody looks at need no conversion.
    #[must_use]
    pub const fn is_infallible(&self) -> bool {
        match self {
            Self::Simple => true,
            Self::Converter(converter) => converter.is_infallible(),
        }
    }
}

/// What Java fails to read in another way than by its own errors it gives as bytes.
fn simple(bytes: &[u8]) -> SchemaAndValue<'_> {
    let read = match charset::utf8(bytes) {
        Cow::Borrowed(text) => values::parse(text),
        Cow::Owned(text) => values::parse(&text).map(SchemaAndValue::into_owned),
    };
    read.unwrap_or_else(|values::TooDeep| {
        let schema = Schema::of(SchemaType::Bytes);
        SchemaAndValue::new(schema, Value::Bytes(Cow::Borrowed(bytes)))
    })
}
