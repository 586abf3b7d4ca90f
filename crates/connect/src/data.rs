//! Schemas and values, as in Java's package `org.apache.kafka.connect.data`.

mod decimal;
mod schema;
mod validate;
mod value;

pub use decimal::Decimal;
pub use schema::{Field, LogicalType, Schema, SchemaType};
pub use validate::validate;
pub use value::{Record, SchemaAndValue, Struct, Value};
