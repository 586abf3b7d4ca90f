//! What a stand-in is started with.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::clock::ClockKind;

/// What a user may do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Grant {
    /// Everything.
    All,
    /// Load into one table.
    Insert {
        /// Database.
        db: String,
        /// Table.
        table: String,
    },
    /// Read one table, which `_schema` asks for.
    Select {
        /// Database.
        db: String,
        /// Table.
        table: String,
    },
    /// Change one table's columns.
    Alter {
        /// Database.
        db: String,
        /// Table.
        table: String,
    },
}

/// A user.
#[derive(Clone)]
pub struct User {
    /// Name.
    pub name: String,
    /// Password, may be empty.
    pub password: String,
    /// Rights.
    pub grants: Vec<Grant>,
}

impl User {
    /// A user who may do everything.
    #[must_use]
    pub fn with_all(name: &str, password: &str) -> Self {
        Self {
            name: name.to_owned(),
            password: password.to_owned(),
            grants: vec![Grant::All],
        }
    }
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User")
            .field("name", &self.name)
            .field("grants", &self.grants)
            .finish_non_exhaustive()
    }
}

/// A mode that keeps no rows: any database and table is accepted and bodies are drained, for measuring a client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CountOnly {
    /// Count JSON rows by their brackets too. Without it `NumberTotalRows` is 0 and only bytes are counted.
    pub rows: bool,
}

/// Options of [`StandIn::start`](crate::StandIn::start). `Default` is one FE and one BE on free ports of 127.0.0.1, a
/// temporary directory, and the user `root` without a password.
#[derive(Debug, Clone)]
pub struct StandInOptions {
    /// Where rows and transactions are kept; `None` is a temporary directory that goes with the stand-in.
    pub data_dir: Option<PathBuf>,
    /// FE addresses, at least one; the first leads at start. Port 0 takes a free one.
    pub fe: Vec<SocketAddr>,
    /// Address of the MySQL port of the first FE (StarRocks' `query_port`); `None` has none.
    pub mysql: Option<SocketAddr>,
    /// BE addresses, at least one.
    pub be: Vec<SocketAddr>,
    /// `host` or `host:port` that a BE is registered with at the FE, by number; what the FE's redirect names. Default: its address.
    pub be_registered: Vec<String>,
    /// Users.
    pub users: Vec<User>,
    /// Where time comes from.
    pub clock: ClockKind,
    /// How often timeouts are looked for and labels forgotten, with the system clock (`transaction_clean_interval_second`, 30 s).
    pub sweep_interval: Duration,
    /// Transactions remembered per database (`label_keep_max_num`, 1000).
    pub label_keep_max_num: usize,
    /// How long finished transactions are remembered (`label_keep_max_second`, 3 days).
    pub label_keep_max: Duration,
    /// `max_running_txn_num_per_db`, 1000.
    pub running_txns_per_db: usize,
    /// Timeout of a transaction whose begin gives none (`stream_load_default_timeout_second`, 600 s).
    pub default_timeout: Duration,
    /// Timeout from PREPARED to COMMITTED (`prepared_transaction_default_timeout_second`, 1 day).
    pub default_prepared_timeout: Duration,
    /// JSON bytes of one load or transaction without `ignore_json_size` (`streaming_load_max_batch_size_mb`, 100 MiB).
    pub max_json_bytes: u64,
    /// Bytes that one compressed body may become; StarRocks refuses JSON beyond 4 GiB.
    pub max_inflated_bytes: u64,
    /// `false`: a StarRocks before 2.4, whose FE answers "Not implemented" to the transaction interface.
    pub transaction_interface: bool,
    /// `false`: an FE without `/api/v2/…/schema`; `_schema` is always there.
    pub schema_v2: bool,
    /// Count bytes, keep nothing.
    pub count_only: Option<CountOnly>,
}

impl Default for StandInOptions {
    fn default() -> Self {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            data_dir: None,
            fe: vec![free],
            mysql: Some(free),
            be: vec![free],
            be_registered: Vec::new(),
            users: vec![User::with_all("root", "")],
            clock: ClockKind::System,
            sweep_interval: Duration::from_secs(30),
            label_keep_max_num: 1000,
            label_keep_max: Duration::from_secs(3 * 86_400),
            running_txns_per_db: 1000,
            default_timeout: Duration::from_secs(600),
            default_prepared_timeout: Duration::from_secs(86_400),
            max_json_bytes: 104_857_600,
            max_inflated_bytes: 1 << 30,
            transaction_interface: true,
            schema_v2: true,
            count_only: None,
        }
    }
}
