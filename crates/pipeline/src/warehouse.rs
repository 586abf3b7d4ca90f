//! StarRocks as delivery sees it: transactions by round and table, asked until the answer is certain.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use starrocks_kafka_starrocks::{
    CallError, Class, Client, Label, LoadState, TransactionRef, Verdict,
};
use tokio::runtime::Handle;

use crate::backoff::Backoff;
use crate::clock::Clock;
use crate::metadata::Attempt;
use crate::recovery::{self, Fate, InDoubt, Settle, TransactionId};
use crate::round::TableCommitted;
use crate::status::TaskStatus;
use crate::tables::Sql;

const COMMIT_LIMIT: Duration = Duration::from_secs(60);
const ROLLBACK_LIMIT: Duration = Duration::from_secs(30);
const STATE_LIMIT: Duration = Duration::from_secs(15);
const ERROR_LOG_LIMIT: Duration = Duration::from_secs(10);
const ERROR_LOG_BYTES_MAX: usize = 4 << 10;
const ERROR_LOG_LINE_CHARS_MAX: usize = 500;

/// How rows are brought to StarRocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interface {
    /// Transactions of several loads, prepared and then committed.
    #[default]
    Transactions,
    /// Each load is committed by itself, for StarRocks before 2.4; at least once only.
    StreamLoad,
}

/// How a transaction of a decided round ended.
#[derive(Debug)]
pub enum Settled {
    /// Its rows are in.
    Committed(TableCommitted),
    /// Its rows are not in.
    Owed(TransactionId),
    /// Nobody can tell, and `starrocks.in.doubt` is `fail`.
    InDoubt(TransactionId),
    /// It was decided and never prepared.
    Defect(TransactionId),
}

/// A transaction that was to be rolled back is committed, though its round was never decided.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RollbackError {
    /// Somebody else committed it: its rows are in, and would be loaded again.
    #[error(
        "the StarRocks transaction {label} was committed by somebody else, though it was never decided; its rows \
         are in table {table} and would be loaded again. Delete them, or store the consumer group's offsets behind \
         them, before starting again"
    )]
    Committed {
        /// The label.
        label: Label,
        /// The table.
        table: Arc<str>,
    },
    /// StarRocks refuses the request as such.
    #[error(transparent)]
    Refused(#[from] CallError),
}

/// StarRocks, for one task.
#[derive(Clone)]
pub struct Warehouse {
    client: Client,
    connector: Arc<str>,
    database: Arc<str>,
    in_doubt: InDoubt,
    clock: Arc<dyn Clock>,
    status: Arc<TaskStatus>,
    runtime: Handle,
    interface: Interface,
    sql: Option<Sql>,
}

impl Warehouse {
    /// StarRocks by `client`; requests run on `runtime`.
    #[must_use]
    pub fn new(
        client: Client,
        connector: Arc<str>,
        database: Arc<str>,
        in_doubt: InDoubt,
        clock: Arc<dyn Clock>,
        status: Arc<TaskStatus>,
        runtime: Handle,
    ) -> Self {
        let interface = Interface::default();
        Self {
            client,
            connector,
            database,
            in_doubt,
            clock,
            status,
            runtime,
            interface,
            sql: None,
        }
    }

    /// The same, which asks StarRocks for tables, and changes them, by SQL.
    #[must_use]
    pub fn with_sql(mut self, sql: Sql) -> Self {
        self.sql = Some(sql);
        self
    }

    pub(crate) fn sql(&self) -> Option<&Sql> {
        self.sql.as_ref()
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(crate) fn status(&self) -> &TaskStatus {
        &self.status
    }

    /// How rows are brought to StarRocks.
    #[must_use]
    pub fn interface(&self) -> Interface {
        self.interface
    }

    /// Sets how rows are brought to StarRocks.
    pub fn set_interface(&mut self, interface: Interface) {
        self.interface = interface;
    }

    /// Asks which interface StarRocks has, until it answers.
    ///
    /// # Errors
    /// Only what StarRocks would answer for ever.
    pub async fn find_interface(&self) -> Result<Interface, CallError> {
        const WHAT: &str = "find out whether StarRocks has the transaction interface";
        let mut backoff = Backoff::new();
        loop {
            match self
                .client
                .transaction_interface_available(STATE_LIMIT)
                .await
            {
                Ok(is_there) => {
                    self.succeeded(WHAT);
                    return Ok(if is_there {
                        Interface::Transactions
                    } else {
                        Interface::StreamLoad
                    });
                }
                Err(error) => {
                    self.again_unless_permanent(WHAT, error, &mut backoff)
                        .await?
                }
            }
        }
    }

    /// The database that rows are loaded into.
    #[must_use]
    pub fn database(&self) -> &Arc<str> {
        &self.database
    }

    pub(crate) fn try_again(&self, what: &str, error: &CallError) {
        let unavailable = error.is_unavailable() || error.verdict == Verdict::NotSent;
        self.failed(what, &error.to_string(), unavailable);
    }

    /// Something is to be tried again, for this reason.
    pub(crate) fn failed(&self, what: &str, error: &str, unavailable: bool) {
        self.status
            .try_again(self.clock.now(), what, error, unavailable);
    }

    /// Says what the operator should know, in the log and in the status.
    pub(crate) fn report(&self, what: String) {
        tracing::warn!("{what}");
        self.status.incident(self.clock.now(), what);
    }

    pub(crate) fn succeeded(&self, what: &str) {
        self.status.succeeded(self.clock.now(), what);
    }

    /// The transaction of a table in an attempt of this connector.
    #[must_use]
    pub fn transaction(&self, attempt: Attempt, table: &str) -> TransactionRef {
        self.reference(&TransactionId {
            database: Arc::clone(&self.database),
            table: Arc::from(table),
            attempt,
        })
    }

    /// The label under which one chunk of an attempt is loaded by itself.
    #[must_use]
    pub fn chunk(&self, attempt: Attempt, table: &str, number: u64) -> TransactionRef {
        let identity = format!("{table}#{number}");
        TransactionRef {
            database: self.database.to_string(),
            table: table.to_owned(),
            label: Label::compose(
                &self.connector,
                &attempt.epoch.to_string(),
                attempt.round,
                &identity,
            ),
        }
    }

    fn reference(&self, id: &TransactionId) -> TransactionRef {
        TransactionRef {
            database: id.database.to_string(),
            table: id.table.to_string(),
            label: Label::compose(
                &self.connector,
                &id.attempt.epoch.to_string(),
                id.attempt.round,
                &id.table,
            ),
        }
    }

    /// What StarRocks knows of a label, asked once.
    pub(crate) async fn label_state(
        &self,
        transaction: &TransactionRef,
    ) -> Result<LoadState, CallError> {
        let state = self
            .client
            .label_state(&transaction.database, &transaction.label, STATE_LIMIT)
            .await?;
        Ok(state.state)
    }

    /// The first lines of the log of refused rows, ready to stand behind a message; empty where it cannot
    /// be read.
    pub(crate) async fn error_log(&self, url: &str, lines: usize) -> String {
        match self
            .client
            .error_log(url, ERROR_LOG_BYTES_MAX, ERROR_LOG_LIMIT)
            .await
        {
            Ok(log) => {
                let lines: Vec<_> = log
                    .lines()
                    .filter(|line| !line.trim().is_empty())
                    .take(lines)
                    .map(beginning)
                    .collect();
                if lines.is_empty() {
                    String::new()
                } else {
                    format!("; first refused rows: {}", lines.join(" | "))
                }
            }
            Err(error) => format!("; the log of refused rows at {url} could not be read: {error}"),
        }
    }

    /// Commits a transaction that was decided, again until the answer is certain. What was loaded by Stream Load
    /// is committed already.
    ///
    /// # Errors
    /// Only what StarRocks would answer for ever: the user may not, the database is gone.
    pub async fn roll_forward(
        &self,
        id: TransactionId,
        prepared_at_ms: i64,
    ) -> Result<Settled, CallError> {
        if self.interface == Interface::StreamLoad {
            return Ok(Settled::Committed(TableCommitted::certain(id.table)));
        }
        let transaction = self.reference(&id);
        let what = format!("commit {}", transaction.label);
        match self.client.commit(&transaction, COMMIT_LIMIT).await {
            Ok(_) => Ok(Settled::Committed(TableCommitted::certain(id.table))),
            Err(error) => {
                if error.verdict != Verdict::UnknownAsk {
                    tracing::debug!("{error}");
                }
                self.settle_as(id, transaction, &what, prepared_at_ms).await
            }
        }
    }

    /// Asks for the state of a transaction of a decided round and commits it where it is PREPARED, until
    /// it is certain how it ended.
    ///
    /// # Errors
    /// Only what StarRocks would answer for ever: the user may not, the database is gone.
    pub async fn settle(
        &self,
        id: TransactionId,
        prepared_at_ms: i64,
    ) -> Result<Settled, CallError> {
        let transaction = self.reference(&id);
        let what = format!("settle {}", transaction.label);
        self.settle_as(id, transaction, &what, prepared_at_ms).await
    }

    async fn settle_as(
        &self,
        id: TransactionId,
        transaction: TransactionRef,
        what: &str,
        prepared_at_ms: i64,
    ) -> Result<Settled, CallError> {
        let mut backoff = Backoff::new();
        loop {
            let fate = match self.label_state(&transaction).await {
                Ok(state) => fate_of(state),
                Err(error) => {
                    self.again_unless_permanent(what, error, &mut backoff)
                        .await?;
                    continue;
                }
            };
            let settled = match recovery::settle(
                fate,
                prepared_at_ms,
                self.clock.epoch_ms(),
                self.in_doubt,
            ) {
                Settle::Commit => match self.client.commit(&transaction, COMMIT_LIMIT).await {
                    Ok(_) => Settled::Committed(TableCommitted::certain(id.table)),
                    Err(error) => {
                        self.again_unless_permanent(what, error, &mut backoff)
                            .await?;
                        continue;
                    }
                },
                Settle::Done => Settled::Committed(TableCommitted::certain(id.table)),
                Settle::Owed => Settled::Owed(id),
                Settle::InDoubt => Settled::InDoubt(id),
                Settle::Defect => Settled::Defect(id),
            };
            self.succeeded(what);
            return Ok(settled);
        }
    }

    /// Rolls back a transaction of a round that was never decided, again until it is certain that nothing
    /// of it is open.
    ///
    /// # Errors
    /// See [`RollbackError`].
    pub async fn roll_back(&self, id: TransactionId) -> Result<(), RollbackError> {
        let transaction = self.reference(&id);
        let what = format!("roll back {}", transaction.label);
        let mut backoff = Backoff::new();
        loop {
            let error = match self.label_state(&transaction).await.map(fate_of) {
                Ok(Fate::Unknown | Fate::Aborted) => {
                    self.succeeded(&what);
                    return Ok(());
                }
                Ok(Fate::Committed) => {
                    return Err(RollbackError::Committed {
                        label: transaction.label,
                        table: id.table,
                    });
                }
                Ok(Fate::Prepare | Fate::Prepared) => {
                    match self.end_open(&transaction, backoff.waits()).await {
                        Ok(()) => {
                            self.succeeded(&what);
                            return Ok(());
                        }
                        Err(error) => error,
                    }
                }
                Err(error) if error.verdict == Verdict::Permanent => return Err(error.into()),
                Err(error) => error,
            };
            self.try_again(&what, &error);
            backoff.wait().await;
        }
    }

    async fn end_open(&self, transaction: &TransactionRef, failures: u32) -> Result<(), CallError> {
        let error = match self.client.rollback(transaction, ROLLBACK_LIMIT).await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        // Where the back end has lost the transaction, the front end can end it alone.
        let lost = error.class == Class::TransactionGone || failures >= 2;
        if lost
            && self
                .client
                .cancel(transaction, ROLLBACK_LIMIT)
                .await
                .is_ok()
        {
            return Ok(());
        }
        Err(error)
    }

    pub(crate) async fn again_unless_permanent(
        &self,
        what: &str,
        error: CallError,
        backoff: &mut Backoff,
    ) -> Result<(), CallError> {
        if error.verdict == Verdict::Permanent && matches!(error.class, Class::Auth | Class::Schema)
        {
            return Err(error);
        }
        self.try_again(what, &error);
        backoff.wait().await;
        Ok(())
    }
}

/// Enough of a line of the log to know the row by.
fn beginning(line: &str) -> Cow<'_, str> {
    match line.char_indices().nth(ERROR_LOG_LINE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]).into(),
        None => line.into(),
    }
}

fn fate_of(state: LoadState) -> Fate {
    match state {
        LoadState::Unknown => Fate::Unknown,
        LoadState::Prepare => Fate::Prepare,
        LoadState::Prepared => Fate::Prepared,
        LoadState::Committed | LoadState::Visible => Fate::Committed,
        LoadState::Aborted => Fate::Aborted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_row_is_not_shown_whole() {
        assert_eq!(beginning("Error: x. Row: 1"), "Error: x. Row: 1");
        let long = "ü".repeat(ERROR_LOG_LINE_CHARS_MAX);
        assert_eq!(beginning(&long), long);
        assert_eq!(beginning(&format!("{long}ü")), format!("{long}…"));
    }

    #[test]
    fn waits_grow_and_stay_bounded() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..9).map(|_| backoff.next_wait().as_millis()).collect();
        assert_eq!(
            waits,
            [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]
        );
    }
}
