//! From a real Kafka topic to rows in a table: the real binary on a real broker, against the StarRocks
//! stand-in.

mod archive;
mod at_least_once;
mod basics;
mod cdc;
mod column_types;
mod csv;
mod dead_letters;
mod kafka_faults;
mod kills;
mod logs;
mod old_starrocks;
mod parameters;
mod process;
mod rebalance;
mod retention;
mod rig;
mod routed;
mod schema_registry;
mod secured;
mod starrocks_answers;
mod starrocks_away;
mod starrocks_refusals;
mod stop;
mod stream_load_properties;
mod topics;
