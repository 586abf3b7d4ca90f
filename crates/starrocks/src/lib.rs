//! The StarRocks client: requests, answers and their classification, labels, transport. Never retries.

mod access;
mod address_map;
mod answer;
mod body;
mod classify;
mod client;
mod config;
mod coordinators;
mod error;
mod exchange;
mod frontend;
mod hint;
mod label;
mod load_headers;
mod redirect;
mod response;
mod rotation;
mod transport;

pub use access::{Column, TableAccess};
pub use address_map::BeAddressMap;
pub use answer::{Answer, Call, Class, LoadState, RowCounts, Verdict};
pub use classify::classify;
pub use client::{
    Begun, Client, Committed, LabelState, LoadBody, Loaded, Prepared, RolledBack, StreamLoaded,
    TransactionRef,
};
pub use config::{ClientConfig, RedirectPolicy, Secret};
pub use error::{CallError, ConfigError};
pub use frontend::{Frontend, Scheme};
pub use label::{InvalidLabel, Label};
pub use load_headers::{LoadFormat, LoadHeaders};
