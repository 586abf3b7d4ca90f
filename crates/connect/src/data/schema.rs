//! What a value is supposed to be.

use super::Value;
use crate::error::DataError;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, LazyLock};

/// The kind of a schema, with the schemas inside it.
#[derive(Clone, Debug, PartialEq)]
pub enum SchemaType {
    /// 8 bits, signed.
    Int8,
    /// 16 bits, signed.
    Int16,
    /// 32 bits, signed.
    Int32,
    /// 64 bits, signed.
    Int64,
    /// IEEE single.
    Float32,
    /// IEEE double.
    Float64,
    /// Truth.
    Boolean,
    /// Text.
    String,
    /// Bytes.
    Bytes,
    /// Values of one schema; `None` where a header's have none in common.
    Array(Option<Arc<Schema>>),
    /// Keys of one schema, values of another; `None` where a header's have none in common.
    Map(Option<Arc<Schema>>, Option<Arc<Schema>>),
    /// Named fields in order; no name occurs twice.
    Struct(Vec<Field>),
}

impl SchemaType {
    /// The name as Connect's messages have it, `INT32` say.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Int8 => "INT8",
            Self::Int16 => "INT16",
            Self::Int32 => "INT32",
            Self::Int64 => "INT64",
            Self::Float32 => "FLOAT32",
            Self::Float64 => "FLOAT64",
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Bytes => "BYTES",
            Self::Array(_) => "ARRAY",
            Self::Map(..) => "MAP",
            Self::Struct(_) => "STRUCT",
        }
    }
}

/// A field of a struct.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name; never empty.
    pub name: Arc<str>,
    /// What its values are.
    pub schema: Arc<Schema>,
}

/// The names of a struct's fields so far.
#[derive(Debug, Default)]
pub struct FieldNames(HashSet<Arc<str>>);

impl FieldNames {
    /// Adds one.
    ///
    /// # Errors
    /// One that is empty or there already (Java's `SchemaBuilderException`).
    pub fn add(&mut self, name: &Arc<str>) -> Result<(), DataError> {
        if name.is_empty() {
            return Err(DataError::schema("A struct's field has an empty name."));
        }
        if !self.0.insert(name.clone()) {
            return Err(DataError::schema(format!(
                "Cannot create field because of field name duplication {name}"
            )));
        }
        Ok(())
    }
}

/// Connect's own logical types. A schema has one by its name alone, whatever its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogicalType {
    /// An exact number with the scale of parameter `scale`.
    Decimal,
    /// Days since the epoch.
    Date,
    /// Milliseconds since midnight.
    Time,
    /// Milliseconds since the epoch.
    Timestamp,
}

impl LogicalType {
    fn of(name: &str) -> Option<Self> {
        match name.strip_prefix("org.apache.kafka.connect.data.")? {
            "Decimal" => Some(Self::Decimal),
            "Date" => Some(Self::Date),
            "Time" => Some(Self::Time),
            "Timestamp" => Some(Self::Timestamp),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Decimal => "org.apache.kafka.connect.data.Decimal",
            Self::Date => "org.apache.kafka.connect.data.Date",
            Self::Time => "org.apache.kafka.connect.data.Time",
            Self::Timestamp => "org.apache.kafka.connect.data.Timestamp",
        }
    }
}

/// Times that a format has and Connect has no name for: Avro's of microseconds and nanoseconds, and its local ones. To Connect,
/// and to transforms, they are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnnamedTime {
    /// A moment, as units since the epoch, so many in a second.
    Instant(i64),
    /// What a clock on a wall shows, as units since the epoch, so many in a second.
    Local(i64),
    /// Units since midnight, so many in a second.
    SinceMidnight(i64),
}

/// One of them, or none. It makes no schema another one.
#[derive(Clone, Copy, Debug, Default)]
struct Beside(Option<UnnamedTime>);

impl PartialEq for Beside {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// What a value is supposed to be. Equality compares everything that Connect knows of, default and documentation included.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    kind: SchemaType,
    logical: Option<LogicalType>,
    unnamed_time: Beside,
    name: Option<Arc<str>>,
    /// Whether null is a value.
    pub optional: bool,
    /// The version of the schema of this name.
    pub version: Option<i32>,
    /// Documentation.
    pub doc: Option<String>,
    /// What belongs to the logical type, `scale` say.
    pub parameters: BTreeMap<String, String>,
    /// The value that takes the place of null.
    pub default: Option<Value<'static>>,
}

impl Schema {
    /// A required schema without a name.
    #[must_use]
    pub const fn new(kind: SchemaType) -> Self {
        Self {
            kind,
            logical: None,
            unnamed_time: Beside(None),
            name: None,
            optional: false,
            version: None,
            doc: None,
            parameters: BTreeMap::new(),
            default: None,
        }
    }

    /// A required struct.
    ///
    /// # Errors
    /// A field without a name, or a name that occurs twice (Java's `SchemaBuilderException`).
    pub fn structure(fields: Vec<Field>) -> Result<Self, DataError> {
        let mut names = FieldNames::default();
        fields.iter().try_for_each(|field| names.add(&field.name))?;
        Ok(Self::new(SchemaType::Struct(fields)))
    }

    /// A required struct with these fields, and with the name, version, documentation and parameters of this one.
    ///
    /// # Errors
    /// As of [`structure`](Self::structure).
    pub fn with_fields(&self, fields: Vec<Field>) -> Result<Self, DataError> {
        Ok(Self {
            logical: self.logical,
            name: self.name.clone(),
            version: self.version,
            doc: self.doc.clone(),
            parameters: self.parameters.clone(),
            ..Self::structure(fields)?
        })
    }

    /// The same, with null as a value.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// The same under a name, which may be that of a logical type.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.logical = LogicalType::of(name);
        self.name = Some(name.into());
        self
    }

    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> &SchemaType {
        &self.kind
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The logical type that the name denotes.
    #[must_use]
    pub const fn logical(&self) -> Option<LogicalType> {
        self.logical
    }

    /// The same, of numbers that tell a time.
    #[must_use]
    pub const fn of_unnamed_time(mut self, time: UnnamedTime) -> Self {
        self.unnamed_time = Beside(Some(time));
        self
    }

    /// What time its numbers tell, where Connect has no name for it.
    #[must_use]
    pub const fn unnamed_time(&self) -> Option<UnnamedTime> {
        self.unnamed_time.0
    }

    /// The fields of a struct; none for other kinds.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        match &self.kind {
            SchemaType::Struct(fields) => fields,
            _ => &[],
        }
    }

    /// The scale of a decimal, where its parameter is a number.
    #[must_use]
    pub fn scale(&self) -> Option<i32> {
        self.parameters.get("scale")?.parse().ok()
    }

    /// A required schema without a name, to be shared.
    #[must_use]
    pub fn of(kind: SchemaType) -> Arc<Self> {
        Arc::new(Self::new(kind))
    }

    /// The schema of a logical type as Connect's own classes make it, required and of version 1. That of a
    /// decimal lacks its scale: [`decimal`](Self::decimal).
    #[must_use]
    pub fn of_logical_type(logical: LogicalType) -> Self {
        let kind = match logical {
            LogicalType::Decimal => SchemaType::Bytes,
            LogicalType::Date | LogicalType::Time => SchemaType::Int32,
            LogicalType::Timestamp => SchemaType::Int64,
        };
        let mut schema = Self::new(kind).named(logical.name());
        schema.version = Some(1);
        schema
    }

    /// The schema of decimals of this scale, as Connect's `Decimal.schema` makes it.
    #[must_use]
    pub fn decimal(scale: i32) -> Self {
        let mut schema = Self::of_logical_type(LogicalType::Decimal);
        schema
            .parameters
            .insert("scale".to_owned(), scale.to_string());
        schema
    }

    /// Connect's `OPTIONAL_STRING_SCHEMA`.
    #[must_use]
    pub fn optional_string() -> Arc<Self> {
        static SCHEMA: LazyLock<Arc<Schema>> =
            LazyLock::new(|| Arc::new(Schema::new(SchemaType::String).optional()));
        SCHEMA.clone()
    }

    /// Connect's `OPTIONAL_BYTES_SCHEMA`.
    #[must_use]
    pub fn optional_bytes() -> Arc<Self> {
        static SCHEMA: LazyLock<Arc<Schema>> =
            LazyLock::new(|| Arc::new(Schema::new(SchemaType::Bytes).optional()));
        SCHEMA.clone()
    }
}
