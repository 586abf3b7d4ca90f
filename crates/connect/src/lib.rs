//! Kafka Connect's vocabulary: properties, ConfigDef, schemas, values, converters. Pure: no I/O, no clock.

pub mod config;
pub mod properties;
