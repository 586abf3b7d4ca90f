//! The StarRocks client: requests, answers and their classification, labels, transport. Never retries.
//!
//! A call goes to a front end, which names the back end that takes the rows by a redirect. The redirect is followed by
//! hand: rows and password go where StarRocks and `starrocks.be.address.map` say, the rows only once the back end has asked for
//! them, so that a refusal costs no upload and can be read. What an answer means is decided by one pure table,
//! [`classify()`]; a call that was not done is a [`CallError`] whose [`Verdict`] tells whether it may be repeated, must not be, or
//! whether the label's state has to be asked for first. Whoever calls decides about repeating.
//!
//! What HTTP does not tell of a table, and changes of its columns, are asked for by MySQL's protocol: [`MysqlClient`].
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use starrocks_kafka_starrocks::{Client, ClientConfig, Frontend, Label, LoadHeaders, Secret, TransactionRef};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let limit = Duration::from_secs(60);
//! let client = Client::new(ClientConfig::new(Frontend::parse_list("fe1:8030,fe2:8030")?, "root", Secret::new("")))?;
//! let headers = LoadHeaders::from_properties([("strict_mode", "true")]).map_err(|errors| format!("{errors:?}"))?;
//! let orders = TransactionRef {
//!     database: "shop".to_owned(),
//!     table: "orders".to_owned(),
//!     label: Label::compose("orders-sink", "5f3a9c01", 7, "orders"),
//! };
//! client.begin(&orders, &headers, 900, limit).await?;
//! client.load(&orders, &headers, bytes::Bytes::from_static(b"[{\"id\":1}]").into(), limit).await?;
//! let prepared = client.prepare(&orders, None, limit).await?;
//! assert_eq!(prepared.rows.loaded, 1);
//! client.commit(&orders, limit).await?;
//! # Ok(())
//! # }
//! ```

mod access;
mod address_map;
mod answer;
mod body;
mod classify;
mod client;
mod compression;
mod config;
mod coordinators;
mod error;
mod exchange;
mod frontend;
mod hint;
mod label;
mod load_headers;
mod mysql;
mod redirect;
mod response;
mod rotation;
mod transport;

pub use access::{Column, TableAccess, TableDescription, TableModel};
pub use address_map::BeAddressMap;
pub use answer::{Answer, Call, Class, LoadState, RowCounts, Verdict};
pub use classify::classify;
pub use client::{
    Begun, Client, Committed, LabelState, LoadBody, Loaded, Prepared, RolledBack, StreamLoaded,
    TransactionRef,
};
pub use compression::{Compression, Compressor};
pub use config::{ClientConfig, RedirectPolicy, Secret};
pub use error::{CallError, ConfigError};
pub use frontend::{Frontend, Scheme};
pub use label::{InvalidLabel, Label};
pub use load_headers::{LoadFormat, LoadHeaders, LoadProperty};
pub use mysql::{MysqlAddress, MysqlClient, MysqlError, Refusal};
