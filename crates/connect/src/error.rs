//! Errors of a single record, in Connect's terms.

use std::fmt;

/// Where on its way a record failed, as in the `__connect.errors.stage` header of dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The key's bytes.
    KeyConverter,
    /// The value's bytes.
    ValueConverter,
    /// A header's bytes.
    HeaderConverter,
    /// A transform.
    Transformation,
    /// The sink itself.
    TaskPut,
}

impl Stage {
    /// The name in headers and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::KeyConverter => "KEY_CONVERTER",
            Self::ValueConverter => "VALUE_CONVERTER",
            Self::HeaderConverter => "HEADER_CONVERTER",
            Self::Transformation => "TRANSFORMATION",
            Self::TaskPut => "TASK_PUT",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The Java exception that Connect's classes throw for the same fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// The data is not what it should be.
    Data,
    /// Connect cannot go on for another reason.
    Connect,
    /// A schema contradicts itself.
    SchemaBuilder,
    /// A value of a logical type stands where its schema has an array, a map or a struct.
    ClassCast,
    /// A text that is no number, or a number whose exponent is too great for an exact one.
    NumberFormat,
    /// An argument that means nothing.
    IllegalArgument,
    /// A place that is not there, such as a group that an expression does not have.
    IndexOutOfBounds,
    /// A cache's loader failed: a schema that does not parse, or is of another format.
    UncheckedExecution,
    /// A time or date that does not exist.
    DateTime,
    /// Something that should be there is not.
    NullPointer,
}

impl ErrorClass {
    /// The full name of the Java class, as in the `__connect.errors.exception.class.name` header.
    #[must_use]
    pub const fn java_name(self) -> &'static str {
        match self {
            Self::Data => "org.apache.kafka.connect.errors.DataException",
            Self::Connect => "org.apache.kafka.connect.errors.ConnectException",
            Self::SchemaBuilder => "org.apache.kafka.connect.errors.SchemaBuilderException",
            Self::ClassCast => "java.lang.ClassCastException",
            Self::NumberFormat => "java.lang.NumberFormatException",
            Self::IllegalArgument => "java.lang.IllegalArgumentException",
            Self::IndexOutOfBounds => "java.lang.IndexOutOfBoundsException",
            Self::UncheckedExecution => {
                "com.google.common.util.concurrent.UncheckedExecutionException"
            }
            Self::DateTime => "java.time.DateTimeException",
            Self::NullPointer => "java.lang.NullPointerException",
        }
    }
}

/// A record that cannot be converted, transformed or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DataError {
    /// What Java would throw.
    pub class: ErrorClass,
    /// What is wrong, in one line.
    pub message: String,
}

impl DataError {
    /// Java's `DataException`.
    #[must_use]
    pub fn data(message: impl Into<String>) -> Self {
        Self::of(ErrorClass::Data, message)
    }

    /// Java's `SchemaBuilderException`.
    #[must_use]
    pub fn schema(message: impl Into<String>) -> Self {
        Self::of(ErrorClass::SchemaBuilder, message)
    }

    /// What Java throws as this class.
    #[must_use]
    pub fn of(class: ErrorClass, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
        }
    }
}
