//! A StarRocks stand-in, a real Kafka for tests, record generators, and the exactly-once oracle. For trying and testing.
//!
//! [`StandIn`] plays StarRocks' frontends and backends on real sockets: Stream Load, the transaction interface, label
//! states, timeouts, errors. Its rows lie in SQLite and are asked for with [`StandIn::sql`]. [`Faults`] make calls go wrong
//! on purpose. What it does as StarRocks does, and what not, is in the crate's `README.md`. It shares no code with the
//! StarRocks client of this project: they would share their misunderstandings. [`SchemaRegistry`](schema_registry::SchemaRegistry)
//! plays Confluent's registry in the same way.

pub mod broker;
pub mod produce;
pub mod schema_registry;

mod access;
mod be;
mod clock;
mod cluster;
mod coerce;
mod column_type;
mod context;
mod csv;
mod daemons;
mod dates;
mod ddl;
mod decimal;
mod error_log;
mod evaluate;
mod expression;
mod faults;
mod fe;
mod generate;
mod headers;
mod inflate;
mod journal;
mod json_path;
mod json_text;
mod loading;
mod mock_kafka;
mod mysql;
mod nested;
mod net;
mod nodes;
mod options;
mod oracle;
mod parse_json;
mod parser;
mod plan;
mod predicate;
mod remote;
mod reply;
mod request;
mod rows;
mod schema;
mod schema_api;
mod serve;
mod spec;
mod sql;
mod standin;
mod store;
mod stream_load;
mod tokens;
mod txns;

pub use clock::ClockKind;
pub use faults::{Action, Fault, FaultScript, Faults};
pub use generate::{GeneratedRecord, Generator, Shape};
pub use journal::{CallRecord, Hop, Node, Outcome, WaitError};
pub use mock_kafka::{Feed, MockKafka, MockKafkaError, Sent};
pub use mysql::mysql_client_or_skip;
pub use options::{CountOnly, Grant, StandInOptions, User};
pub use oracle::{Expected, Findings, OracleError, Report, Traced, exactly_once};
pub use remote::{sql_at, sql_in};
pub use request::Call;
pub use sql::{SqlError, SqlResult, SqlValue};
pub use standin::{Counters, StandIn, StandInError};
pub use txns::{Txn, TxnState};
