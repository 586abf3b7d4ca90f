//! Delivery, from records to rows: real sessions against the StarRocks stand-in of the testbed, on real
//! sockets, and a scripted stand-in for Kafka. Whatever is made to go wrong, every record's row is in its table
//! once, and nothing is left open.

mod at_least_once;
mod broker;
mod chaos;
mod crashes;
mod dead_letters;
mod decisions;
mod failures;
mod fake_kafka;
mod log;
mod owed;
mod properties;
mod rebalances;
mod refusals;
mod retention;
mod rounds;
mod routed;
mod schemas;
mod task_thread;
mod world;
