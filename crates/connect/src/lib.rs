//! Kafka Connect's vocabulary: properties, ConfigDef, schemas, values, converters, transforms. Pure: no I/O, no clock.
//!
//! Bytes of a Kafka record become a [`data::Value`] with an optional [`data::Schema`] by a
//! [`converter::Converter`] or a [`converter::HeaderConverter`]; what cannot be converted is an [`error::DataError`], told with the class
//! name that Java's converter throws.

mod charset;
pub mod class_name;
pub mod config;
pub mod converter;
pub mod data;
pub mod error;
mod java_calendar;
mod java_date_format;
mod java_digits;
mod java_hash;
mod java_number;
pub mod java_regex;
mod java_text;
pub mod json;
pub mod properties;
pub mod registry;
pub mod transform;
pub mod values;
