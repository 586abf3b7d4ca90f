//! The Kafka client against a real broker.

mod dead_letters;
mod group;
mod member;
mod outage;
mod reading;
mod transactions;
