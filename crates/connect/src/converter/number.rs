//! Numbers and booleans of fixed length, as Kafka's serializers write them: big-endian.

use crate::data::{Schema, SchemaAndValue, SchemaType, Value};
use crate::error::DataError;
use std::sync::Arc;

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberConverter {
    /// Two bytes.
    Short,
    /// Four bytes.
    Integer,
    /// Eight bytes.
    Long,
    /// Four bytes, IEEE.
    Float,
    /// Eight bytes, IEEE.
    Double,
    /// One byte, 0 or 1.
    Boolean,
}

impl NumberConverter {
    const fn name(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::Integer => "integer",
            Self::Long => "long",
            Self::Float => "float",
            Self::Double => "double",
            Self::Boolean => "boolean",
        }
    }

    fn schema(self) -> Arc<Schema> {
        let kind = match self {
            Self::Short => SchemaType::Int16,
            Self::Integer => SchemaType::Int32,
            Self::Long => SchemaType::Int64,
            Self::Float => SchemaType::Float32,
            Self::Double => SchemaType::Float64,
            Self::Boolean => SchemaType::Boolean,
        };
        Arc::new(Schema::new(kind).optional())
    }

    pub(super) fn convert<'k>(self, bytes: Option<&[u8]>) -> Result<SchemaAndValue<'k>, DataError> {
        let value = match bytes {
            None => Value::Null,
            Some(bytes) => self.value(bytes)?,
        };
        Ok(SchemaAndValue::new(self.schema(), value))
    }

    fn value(self, bytes: &[u8]) -> Result<Value<'static>, DataError> {
        Ok(match self {
            Self::Short => Value::Int16(i16::from_be_bytes(self.exactly(bytes)?)),
            Self::Integer => Value::Int32(i32::from_be_bytes(self.exactly(bytes)?)),
            Self::Long => Value::Int64(i64::from_be_bytes(self.exactly(bytes)?)),
            Self::Float => Value::Float32(f32::from_be_bytes(self.exactly(bytes)?)),
            Self::Double => Value::Float64(f64::from_be_bytes(self.exactly(bytes)?)),
            Self::Boolean => match self.exactly(bytes)? {
                [0] => Value::Boolean(false),
                [1] => Value::Boolean(true),
                [other] => {
                    return Err(DataError::data(format!(
                        "Failed to deserialize boolean: the byte is {other}, neither 0 nor 1"
                    )));
                }
            },
        })
    }

    fn exactly<const N: usize>(self, bytes: &[u8]) -> Result<[u8; N], DataError> {
        bytes.try_into().map_err(|_| {
            let (name, size) = (self.name(), bytes.len());
            DataError::data(format!(
                "Failed to deserialize {name}: there are {size} bytes, not {N}"
            ))
        })
    }
}
