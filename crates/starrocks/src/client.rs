//! The client: one method a call, none of which retries.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tokio::time::Instant;

use crate::answer::{Answer, Call, Class, LoadState, RowCounts, Verdict};
use crate::config::ClientConfig;
use crate::error::{CallError, ConfigError};
use crate::exchange::{Ask, Shared};
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
    /// Where all refused rows are kept, `host:path` of a back end: with `log_rejected_record_num` only.
    pub rejected_record_path: Option<String>,
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

/// The StarRocks client. Cloning is cheap; clones share connections, the health of front ends and the memory of which back
/// end coordinates which transaction.
///
/// Every call takes `limit`, the longest time it may take as a whole. No call is repeated, except at another front
/// end when no connection could be made. Dropping a call's future breaks its request off.
///
/// Every method fails with a [`CallError`] whose verdict tells what may be concluded.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
}

impl Client {
    /// A client; makes no connection yet.
    ///
    /// # Errors
    /// No front end, a CA file that cannot be read, or no certificates of the platform where a front end is asked by HTTPS.
    pub fn new(config: ClientConfig) -> Result<Client, ConfigError> {
        Ok(Client {
            shared: Arc::new(Shared::new(config)?),
        })
    }

    /// Opens a transaction that StarRocks aborts by itself when it is not prepared within `timeout_s` (1 to 259200).
    ///
    /// # Errors
    /// [`Class::LabelTaken`] with [`Verdict::UnknownAsk`] where the label was begun before, by whomever.
    pub async fn begin(
        &self,
        transaction: &TransactionRef,
        headers: &LoadHeaders,
        timeout_s: u32,
        limit: Duration,
    ) -> Result<Begun, CallError> {
        let mut ask = transaction_ask(Call::Begin, Method::POST, "begin", transaction, limit)?;
        ask.headers
            .extend(headers.for_begin().map(|(name, value)| (Some(name), value)));
        ask.headers.insert(TIMEOUT, HeaderValue::from(timeout_s));
        let answer = self.shared.call(ask).await?;
        Ok(Begun {
            transaction_id: answer.transaction_id,
        })
    }

    /// Sends rows into an open transaction. Loads of one transaction go one after the other, all with the same headers.
    ///
    /// # Errors
    /// [`Verdict::NotSent`] and [`Class::Busy`] allow the same load again; after anything else the transaction is to be
    /// rolled back, for part of the rows may lie in the back end.
    pub async fn load(
        &self,
        transaction: &TransactionRef,
        headers: &LoadHeaders,
        body: LoadBody,
        limit: Duration,
    ) -> Result<Loaded, CallError> {
        let mut ask = transaction_ask(Call::Load, Method::PUT, "load", transaction, limit)?;
        ask.headers.extend(
            headers
                .for_load()
                .iter()
                .map(|(name, value)| (Some(name.clone()), value.clone())),
        );
        ask.parts = body.parts;
        let answer = self.shared.call(ask).await?;
        Ok(Loaded {
            load_bytes: answer.load_bytes,
        })
    }

    /// Checks the rows and makes the transaction durable. `prepared_timeout_s` is read by StarRocks 3.5.4 and later; others
    /// keep a prepared transaction for 24 hours unless their `prepared_transaction_default_timeout_second` says otherwise.
    ///
    /// # Errors
    /// After [`Verdict::UnknownAsk`] the transaction may be prepared nevertheless; a second prepare does not tell.
    pub async fn prepare(
        &self,
        transaction: &TransactionRef,
        prepared_timeout_s: Option<u32>,
        limit: Duration,
    ) -> Result<Prepared, CallError> {
        let mut ask = transaction_ask(Call::Prepare, Method::POST, "prepare", transaction, limit)?;
        if let Some(seconds) = prepared_timeout_s {
            ask.headers.insert(
                HeaderName::from_static("prepared_timeout"),
                HeaderValue::from(seconds),
            );
        }
        let Answer {
            rows,
            load_bytes,
            transaction_id,
            error_url,
            ..
        } = self.shared.call(ask).await?;
        Ok(Prepared {
            rows,
            load_bytes,
            transaction_id,
            error_url,
        })
    }

    /// Commits a prepared transaction. May be repeated. Ask nobody to commit what is not prepared: StarRocks would prepare and
    /// commit it in one step, which may not be repeated. StarRocks is told to wait for three quarters of `limit` at most for its
    /// locks and for the rows to become visible, so that its answer comes in time.
    pub async fn commit(
        &self,
        transaction: &TransactionRef,
        limit: Duration,
    ) -> Result<Committed, CallError> {
        let mut ask = transaction_ask(Call::Commit, Method::POST, "commit", transaction, limit)?;
        ask.headers.insert(
            TIMEOUT,
            HeaderValue::from((limit.as_secs() * 3 / 4).clamp(1, 259_200)),
        );
        let answer = self.shared.call(ask).await?;
        Ok(Committed {
            already: answer.verdict == Verdict::AlreadyDone,
            late: answer.class == Class::CommittedLate,
        })
    }

    /// Rolls a transaction back through the front end, which passes it on to the coordinator if it is not prepared.
    /// May be repeated.
    ///
    /// # Errors
    /// [`Class::AlreadyCommitted`] with [`Verdict::Permanent`]; [`Class::TransactionGone`] with [`Verdict::UnknownAsk`] where
    /// there is no such transaction or its back end has lost it: see [`Client::cancel`].
    pub async fn rollback(
        &self,
        transaction: &TransactionRef,
        limit: Duration,
    ) -> Result<RolledBack, CallError> {
        let ask = transaction_ask(Call::Rollback, Method::POST, "rollback", transaction, limit)?;
        let answer = self.shared.call(ask).await?;
        Ok(RolledBack {
            already: answer.verdict == Verdict::AlreadyDone,
        })
    }

    /// Rolls a transaction back by the front end alone: for when its back end has lost it. Tries both forms of the route
    /// that versions of StarRocks have.
    ///
    /// # Errors
    /// As [`Client::rollback`].
    pub async fn cancel(
        &self,
        transaction: &TransactionRef,
        limit: Duration,
    ) -> Result<RolledBack, CallError> {
        let TransactionRef {
            database,
            table,
            label,
        } = transaction;
        let deadline = Instant::now() + limit;
        let ask = |path_and_query: String| Ask {
            call: Call::Cancel,
            method: Method::POST,
            path_and_query,
            headers: HeaderMap::new(),
            parts: Vec::new(),
            database,
            table,
            label: Some(label),
            deadline,
        };
        let (database, table) = (escape(database), escape(table));
        let first = self
            .shared
            .call(ask(format!(
                "/api/{database}/{table}/_cancel?label={label}"
            )))
            .await;
        let answer = match first {
            // Older versions take the second segment as the label, and know none of this name.
            Err(first)
                if matches!(
                    first.class,
                    Class::TransactionGone | Class::Other | Class::Routing | Class::Schema
                ) =>
            {
                match self
                    .shared
                    .call(ask(format!("/api/{database}/{label}/_cancel")))
                    .await
                {
                    Err(second) if second.class == Class::Other => return Err(first),
                    second => second?,
                }
            }
            first => first?,
        };
        Ok(RolledBack {
            already: answer.verdict == Verdict::AlreadyDone,
        })
    }

    /// What StarRocks knows of a label.
    pub async fn label_state(
        &self,
        database: &str,
        label: &Label,
        limit: Duration,
    ) -> Result<LabelState, CallError> {
        let ask = Ask {
            call: Call::LabelState,
            method: Method::GET,
            path_and_query: format!("/api/{}/get_load_state?label={label}", escape(database)),
            headers: HeaderMap::new(),
            parts: Vec::new(),
            database,
            table: "",
            label: Some(label),
            deadline: Instant::now() + limit,
        };
        let answer = self.shared.call(ask).await?;
        let state = answer
            .state
            .expect("an answer without a state is not classed as accepted");
        Ok(LabelState {
            state,
            reason: answer.reason,
        })
    }

    /// Begin, load and commit in one request. StarRocks gives it up after `timeout_s` (1 to 259200).
    ///
    /// # Errors
    /// After [`Verdict::UnknownAsk`] the rows may be loaded; the same rows may be sent again under the same label.
    pub async fn stream_load(
        &self,
        transaction: &TransactionRef,
        headers: &LoadHeaders,
        timeout_s: u32,
        body: LoadBody,
        limit: Duration,
    ) -> Result<StreamLoaded, CallError> {
        let TransactionRef {
            database,
            table,
            label,
        } = transaction;
        let mut load_headers = headers.for_load().clone();
        load_headers.insert(
            HeaderName::from_static("label"),
            header_text(Call::StreamLoad, "label", label.as_str())?,
        );
        load_headers.insert(TIMEOUT, HeaderValue::from(timeout_s));
        let ask = Ask {
            call: Call::StreamLoad,
            method: Method::PUT,
            path_and_query: format!("/api/{}/{}/_stream_load", escape(database), escape(table)),
            headers: load_headers,
            parts: body.parts,
            database,
            table,
            label: Some(label),
            deadline: Instant::now() + limit,
        };
        let Answer {
            verdict,
            class,
            rows,
            error_url,
            rejected_record_path,
            ..
        } = self.shared.call(ask).await?;
        Ok(StreamLoaded {
            already: verdict == Verdict::AlreadyDone,
            late: class == Class::CommittedLate,
            rows,
            error_url,
            rejected_record_path,
        })
    }
}

const TIMEOUT: HeaderName = HeaderName::from_static("timeout");

/// A call of the transaction interface: database, table and label are headers.
fn transaction_ask<'a>(
    call: Call,
    method: Method,
    operation: &str,
    transaction: &'a TransactionRef,
    limit: Duration,
) -> Result<Ask<'a>, CallError> {
    let TransactionRef {
        database,
        table,
        label,
    } = transaction;
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("db", database.as_str()),
        ("table", table),
        ("label", label.as_str()),
    ] {
        headers.insert(
            HeaderName::from_static(name),
            header_text(call, name, value)?,
        );
    }
    Ok(Ask {
        call,
        method,
        path_and_query: format!("/api/transaction/{operation}"),
        headers,
        parts: Vec::new(),
        database,
        table,
        label: Some(label),
        deadline: Instant::now() + limit,
    })
}

/// A name as a header; UTF-8 stays UTF-8, as the back end reads it.
fn header_text(call: Call, name: &str, value: &str) -> Result<HeaderValue, CallError> {
    HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
        let message = format!("the {name} {value:?} has a character that a request cannot hold");
        CallError::new(call, Verdict::Permanent, Class::BadRequest, message)
    })
}

/// A name as part of a path or query.
pub(crate) fn escape(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}
