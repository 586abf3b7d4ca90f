//! From a real Kafka topic to rows in a table: the real binary on a real broker, against the StarRocks
//! stand-in.

mod basics;
mod kafka_faults;
mod kills;
mod old_starrocks;
mod process;
mod rig;
mod starrocks_answers;
mod starrocks_away;
mod starrocks_refusals;
mod topics;
