//! The Kafka client against a real broker.

mod group;
mod member;
mod outage;
mod reading;
mod transactions;
