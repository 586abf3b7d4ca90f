//! The Kafka Connect compatible worker: consumer, herders, command line, and the binary starrocks-kafka.

pub mod config;
