//! A StarRocks stand-in, a real Kafka for tests, record generators, and the exactly-once oracle. For trying and testing.

pub mod broker;
