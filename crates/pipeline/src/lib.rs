//! From a raw record to a visible row: rows, rounds, ledger, recovery, loads.
//!
//! The way through reads top to bottom: [`kafka::RawRecord`] → encoder → [`rows`](encode::Rows) →
//! round → sealed → prepared → decided → visible. What decides anything is pure; Kafka enters by the
//! [`kafka::Kafka`] trait, StarRocks by its client, clock and chance by argument.

pub mod backoff;
pub mod batch;
pub mod bisect;
pub mod clock;
pub mod dead_letters;
pub mod encode;
pub mod kafka;
pub mod ledger;
pub mod load;
pub mod load_properties;
pub mod metadata;
pub mod reach;
pub mod recovery;
pub mod registry;
pub mod remembered;
pub mod round;
pub mod routing;
pub mod schemas;
pub mod settings;
pub mod status;
pub mod step;
pub mod table_load;
pub mod tables;
pub mod task;
pub mod warehouse;
