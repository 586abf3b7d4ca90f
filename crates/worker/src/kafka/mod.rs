//! Kafka, by librdkafka: the one place of the project with `unsafe` code.
//!
//! [`LibrdkafkaClient`] is a member of a consumer group with a transactional producer beside it, as
//! [`starrocks_kafka_pipeline::kafka::Kafka`] wants it. It is written on librdkafka's C interface and not
//! on the `rdkafka` crate's consumer, for three reasons: records come in batches (a call per record costs
//! more CPU than all else in reading); a rebalance is only *told* by librdkafka's callback and carried out
//! later, so that what must happen before partitions are given back may take its time; and the metadata
//! of committed offsets is bytes.
//!
//! One thread makes all the calls. librdkafka's own threads fetch and send heartbeats meanwhile, also while
//! a rebalance waits to be carried out (`rd_kafka_cgrp_join_state_serve`, `WAIT_UNASSIGN_CALL`); what they
//! have to say comes through [`poll`](starrocks_kafka_pipeline::kafka::Kafka::poll).

#![expect(
    unsafe_code,
    reason = "librdkafka's C interface; every other module of the project goes without"
)]

mod assignment;
mod batch;
mod callbacks;
mod client;
mod consumer;
mod dead_letters;
mod failure;
mod following;
mod handshake;
mod jump;
mod missing;
mod native;
mod offsets;
mod ranges;
mod rebalance;
mod settings;
mod transactions;
mod trouble;

pub use batch::RecordBatch;
pub use client::LibrdkafkaClient;
pub use following::Following;
pub use settings::ClientSettings;
