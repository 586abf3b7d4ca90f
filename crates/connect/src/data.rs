//! Schemas and values, as in Java's package `org.apache.kafka.connect.data`.

mod decimal;
mod entries;
mod schema;
mod validate;
mod value;

pub use decimal::Decimal;
pub use entries::MapEntries;
pub use schema::{Field, FieldNames, LogicalType, Schema, SchemaType, UnnamedTime};
pub use validate::validate;
pub use value::{Record, SchemaAndValue, Struct, Value};
