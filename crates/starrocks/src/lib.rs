//! The StarRocks client: requests, answers and their classification, labels, transport. Never retries.

mod address_map;
mod answer;
mod client;
mod config;
mod error;
mod frontend;
mod label;
mod load_headers;

pub use address_map::BeAddressMap;
pub use answer::{Answer, Call, Class, LoadState, RowCounts, Verdict};
pub use client::{
    Begun, Client, Column, Committed, LabelState, LoadBody, Loaded, Prepared, RolledBack,
    StreamLoaded, TableAccess, TransactionRef,
};
pub use config::{ClientConfig, RedirectPolicy, Secret};
pub use error::{CallError, ConfigError};
pub use frontend::{Frontend, Scheme};
pub use label::Label;
pub use load_headers::{LoadFormat, LoadHeaders};
