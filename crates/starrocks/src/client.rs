//! The client: one method a call, none of which retries.

use std::time::Duration;

use bytes::Bytes;

use crate::answer::{LoadState, RowCounts};
use crate::config::ClientConfig;
use crate::error::{CallError, ConfigError};
use crate::label::Label;
use crate::load_headers::LoadHeaders;

/// One transaction of one table, named by its label. Labels must be unique over all databases, for a back end
/// knows its transactions by label alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TransactionRef {
    /// The database.
    pub database: String,
    /// The table.
    pub table: String,
    /// The label.
    pub label: Label,
}

/// A transaction is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// StarRocks' number of the transaction, where told.
    pub transaction_id: Option<i64>,
}

/// A body was taken. Its rows are checked later: by a following load, by prepare, or by commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// Bytes as the back end counts them, where told.
    pub load_bytes: Option<u64>,
}

/// All rows are checked and durable; only commit, rollback or the prepared timeout ends the transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Row counts of the whole transaction.
    pub rows: RowCounts,
    /// Bytes of the whole transaction as the back end counts them, where told.
    pub load_bytes: Option<u64>,
    /// StarRocks' number of the transaction, where told.
    pub transaction_id: Option<i64>,
    /// Rows were refused within `max_filter_ratio`; they are listed here.
    pub error_url: Option<String>,
}

/// The transaction is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// An earlier commit had done it.
    pub already: bool,
    /// Not yet visible to queries: StarRocks is behind with publishing.
    pub late: bool,
}

/// The transaction is rolled back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolledBack {
    /// It had ended without effect before.
    pub already: bool,
}

/// What StarRocks knows of a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelState {
    /// The state of its latest transaction.
    pub state: LoadState,
    /// Why it was aborted, where told; may hold the address of an error log.
    pub reason: Option<String>,
}

/// A Stream Load is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamLoaded {
    /// The label had been loaded before; `rows` are then unknown (0).
    pub already: bool,
    /// Not yet visible to queries: StarRocks is behind with publishing.
    pub late: bool,
    /// Row counts.
    pub rows: RowCounts,
    /// Rows were refused within `max_filter_ratio`; they are listed here.
    pub error_url: Option<String>,
}

/// A column of a table as `_schema` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The name, in the case in which JSON keys must be written.
    pub name: String,
    /// The primitive type: `INT`, `VARCHAR`, `DECIMAL64`, `DATETIME`, …
    pub primitive_type: String,
    /// Total digits of a decimal.
    pub precision: Option<u32>,
    /// Digits after the point of a decimal.
    pub scale: Option<u32>,
}

/// What the start-up check found out about a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableAccess {
    /// The columns; `None` where the user lacks SELECT (loading needs only INSERT), with the reason in `columns_denied`.
    pub columns: Option<Vec<Column>>,
    /// Why the columns could not be read, worded for the user.
    pub columns_denied: Option<CallError>,
}

/// The rows of one load: parts that are sent one after the other with one `Content-Length`, none of them copied.
#[derive(Clone, Debug, Default)]
pub struct LoadBody {
    pub(crate) parts: Vec<Bytes>,
}

impl LoadBody {
    /// Number of bytes.
    pub fn len(&self) -> u64 {
        self.parts.iter().map(|part| part.len() as u64).sum()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(Bytes::is_empty)
    }
}

impl From<Bytes> for LoadBody {
    fn from(bytes: Bytes) -> LoadBody {
        LoadBody { parts: vec![bytes] }
    }
}

impl From<Vec<Bytes>> for LoadBody {
    fn from(parts: Vec<Bytes>) -> LoadBody {
        LoadBody { parts }
    }
}

/// The StarRocks client. Cloning is cheap; clones share connections, front end health and the memory of which back end
/// coordinates which transaction.
///
/// Every call takes `limit`, the longest time it may take as a whole. No call is repeated, except at another front
/// end when no connection could be made.
#[derive(Clone, Debug)]
pub struct Client {
    config: std::sync::Arc<ClientConfig>,
}

impl Client {
    /// A client; makes no connection yet.
    ///
    /// # Errors
    /// A CA file that cannot be read, or no certificates of the platform where a front end is asked by HTTPS.
    pub fn new(config: ClientConfig) -> Result<Client, ConfigError> {
        todo!("{config:?}")
    }

    /// Opens a transaction that StarRocks aborts by itself when it is not prepared within `timeout_s` (1 to 259200).
    pub async fn begin(
        &self,
        transaction: &TransactionRef,
        headers: &LoadHeaders,
        timeout_s: u32,
        limit: Duration,
    ) -> Result<Begun, CallError> {
        todo!("{transaction:?} {headers:?} {timeout_s:?} {limit:?}")
    }

    /// Sends rows into an open transaction. Loads of one transaction go one after the other, all with the same headers.
    pub async fn load(
        &self,
        transaction: &TransactionRef,
        headers: &LoadHeaders,
        body: LoadBody,
        limit: Duration,
    ) -> Result<Loaded, CallError> {
        todo!("{transaction:?} {headers:?} {body:?} {limit:?}")
    }

    /// Checks the rows and makes the transaction durable. `prepared_timeout_s` is read by StarRocks 3.5.4 and later; others
    /// keep a prepared transaction for 24 hours.
    pub async fn prepare(
        &self,
        transaction: &TransactionRef,
        prepared_timeout_s: Option<u32>,
        limit: Duration,
    ) -> Result<Prepared, CallError> {
        todo!("{transaction:?} {prepared_timeout_s:?} {limit:?}")
    }

    /// Commits a prepared transaction. May be repeated.
    pub async fn commit(
        &self,
        transaction: &TransactionRef,
        limit: Duration,
    ) -> Result<Committed, CallError> {
        todo!("{transaction:?} {limit:?}")
    }

    /// Rolls a transaction back through the front end, which passes it on to the coordinator if it is not prepared.
    pub async fn rollback(
        &self,
        transaction: &TransactionRef,
        limit: Duration,
    ) -> Result<RolledBack, CallError> {
        todo!("{transaction:?} {limit:?}")
    }

    /// Rolls a transaction back by the front end alone: for when its back end has lost it.
    pub async fn cancel(
        &self,
        transaction: &TransactionRef,
        limit: Duration,
    ) -> Result<RolledBack, CallError> {
        todo!("{transaction:?} {limit:?}")
    }

    /// What StarRocks knows of a label.
    pub async fn label_state(
        &self,
        database: &str,
        label: &Label,
        limit: Duration,
    ) -> Result<LabelState, CallError> {
        todo!("{database:?} {label:?} {limit:?}")
    }

    /// Begin, load and commit in one request.
    pub async fn stream_load(
        &self,
        transaction: &TransactionRef,
        headers: &LoadHeaders,
        timeout_s: u32,
        body: LoadBody,
        limit: Duration,
    ) -> Result<StreamLoaded, CallError> {
        todo!("{transaction:?} {headers:?} {timeout_s:?} {body:?} {limit:?}")
    }

    /// The first `max_bytes` of the error log that an answer named.
    pub async fn error_log(
        &self,
        url: &str,
        max_bytes: usize,
        limit: Duration,
    ) -> Result<String, CallError> {
        todo!("{url:?} {max_bytes:?} {limit:?}")
    }

    /// Whether this StarRocks has the transaction interface (2.4 and later).
    pub async fn transaction_interface_available(
        &self,
        limit: Duration,
    ) -> Result<bool, CallError> {
        todo!("{limit:?}")
    }

    /// The columns of a table; needs SELECT.
    pub async fn table_columns(
        &self,
        database: &str,
        table: &str,
        limit: Duration,
    ) -> Result<Vec<Column>, CallError> {
        todo!("{database:?} {table:?} {limit:?}")
    }

    /// Start-up check of one table: front end, user, password, database, table, INSERT, and SELECT for the columns. Changes
    /// nothing in StarRocks. The error's class tells which of them failed, its hint what to do.
    pub async fn check_access(
        &self,
        database: &str,
        table: &str,
        limit: Duration,
    ) -> Result<TableAccess, CallError> {
        todo!("{database:?} {table:?} {limit:?}")
    }
}
