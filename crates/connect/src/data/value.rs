//! Values, and records made of them.

use super::{Decimal, Schema};
use std::borrow::Cow;
use std::sync::Arc;

/// A value that borrows texts and bytes from the record's payload where it can.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'k> {
    /// Nothing.
    Null,
    /// Truth.
    Boolean(bool),
    /// 8 bits.
    Int8(i8),
    /// 16 bits.
    Int16(i16),
    /// 32 bits.
    Int32(i32),
    /// 64 bits; every integer without a schema that fits.
    Int64(i64),
    /// IEEE single.
    Float32(f32),
    /// IEEE double; every number without a schema that has a fraction or an exponent.
    Float64(f64),
    /// An exact number. Without a schema: an integer beyond 64 bits, its scale 0.
    Decimal(Decimal),
    /// Days since the epoch.
    Date(i32),
    /// Milliseconds since midnight, 0 to 86 400 000.
    Time(i32),
    /// Milliseconds since the epoch.
    Timestamp(i64),
    /// Text.
    String(Cow<'k, str>),
    /// Bytes.
    Bytes(Cow<'k, [u8]>),
    /// Values in order.
    Array(Vec<Value<'k>>),
    /// Keys, each once, with their values; the order means nothing.
    Map(Vec<(Value<'k>, Value<'k>)>),
    /// Fields as a schema names them.
    Struct(Struct<'k>),
}

impl Value<'_> {
    /// Whether it is null.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The same with everything borrowed copied.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Boolean(truth) => Value::Boolean(truth),
            Self::Int8(number) => Value::Int8(number),
            Self::Int16(number) => Value::Int16(number),
            Self::Int32(number) => Value::Int32(number),
            Self::Int64(number) => Value::Int64(number),
            Self::Float32(number) => Value::Float32(number),
            Self::Float64(number) => Value::Float64(number),
            Self::Decimal(number) => Value::Decimal(number),
            Self::Date(days) => Value::Date(days),
            Self::Time(millis) => Value::Time(millis),
            Self::Timestamp(millis) => Value::Timestamp(millis),
            Self::String(text) => Value::String(Cow::Owned(text.into_owned())),
            Self::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
            Self::Array(values) => {
                Value::Array(values.into_iter().map(Value::into_owned).collect())
            }
            Self::Map(entries) => Value::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| (key.into_owned(), value.into_owned()))
                    .collect(),
            ),
            Self::Struct(Struct { schema, values }) => Value::Struct(Struct {
                schema,
                values: values.into_iter().map(Value::into_owned).collect(),
            }),
        }
    }

    /// The simple name of the Java class that holds such a value, for messages.
    #[must_use]
    pub const fn java_class(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "java.lang.Boolean",
            Self::Int8(_) => "java.lang.Byte",
            Self::Int16(_) => "java.lang.Short",
            Self::Int32(_) => "java.lang.Integer",
            Self::Int64(_) => "java.lang.Long",
            Self::Float32(_) => "java.lang.Float",
            Self::Float64(_) => "java.lang.Double",
            Self::Decimal(_) => "java.math.BigDecimal",
            Self::Date(_) | Self::Time(_) | Self::Timestamp(_) => "java.util.Date",
            Self::String(_) => "java.lang.String",
            Self::Bytes(_) => "byte[]",
            Self::Array(_) => "java.util.ArrayList",
            Self::Map(_) => "java.util.HashMap",
            Self::Struct(_) => "org.apache.kafka.connect.data.Struct",
        }
    }
}

/// A struct: a schema and one value per field, in the order of the fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Struct<'k> {
    schema: Arc<Schema>,
    values: Vec<Value<'k>>,
}

impl<'k> Struct<'k> {
    /// A struct of `schema` with `values` in the order of its fields.
    ///
    /// # Panics
    /// Where there are not as many values as fields.
    #[must_use]
    pub fn new(schema: Arc<Schema>, values: Vec<Value<'k>>) -> Self {
        assert_eq!(
            schema.fields().len(),
            values.len(),
            "a struct has one value per field"
        );
        Self { schema, values }
    }

    /// Its schema.
    #[must_use]
    pub const fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Its values, in the order of the fields, defaults not filled in.
    #[must_use]
    pub fn values(&self) -> &[Value<'k>] {
        &self.values
    }

    /// The same, given away.
    #[must_use]
    pub fn into_values(self) -> Vec<Value<'k>> {
        self.values
    }
}

/// What a converter makes of bytes: a value with its schema, `None` where the data has none.
#[derive(Clone, Debug, PartialEq)]
pub struct SchemaAndValue<'k> {
    /// What the value is supposed to be.
    pub schema: Option<Arc<Schema>>,
    /// The value.
    pub value: Value<'k>,
}

impl<'k> SchemaAndValue<'k> {
    /// A value without a schema.
    #[must_use]
    pub const fn schemaless(value: Value<'k>) -> Self {
        Self {
            schema: None,
            value,
        }
    }

    /// A value with its schema.
    #[must_use]
    pub const fn new(schema: Arc<Schema>, value: Value<'k>) -> Self {
        Self {
            schema: Some(schema),
            value,
        }
    }

    /// The same with everything borrowed copied.
    #[must_use]
    pub fn into_owned(self) -> SchemaAndValue<'static> {
        SchemaAndValue {
            schema: self.schema,
            value: self.value.into_owned(),
        }
    }
}

/// A record between converters and rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Record<'k> {
    /// The topic, which a transform may change.
    pub topic: Cow<'k, str>,
    /// The partition it was read from.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Milliseconds since the epoch, where the record has a timestamp.
    pub timestamp_ms: Option<i64>,
    /// The key.
    pub key: SchemaAndValue<'k>,
    /// The value.
    pub value: SchemaAndValue<'k>,
    /// The headers in their order; a name may occur more than once.
    pub headers: Vec<(Cow<'k, str>, SchemaAndValue<'k>)>,
}
