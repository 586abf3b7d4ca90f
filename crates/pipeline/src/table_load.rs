//! One table's transaction in one round: begun with its first chunk, loaded, prepared.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use starrocks_kafka_starrocks::{
    CallError, Class, Compression, Compressor, LoadHeaders, LoadState, TransactionRef, Verdict,
};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::backoff::Backoff;
use crate::batch::Chunk;
use crate::metadata::Attempt;
use crate::recovery::PREPARED_TIMEOUT;
use crate::round::TablePrepared;
use crate::status::Counters;
use crate::warehouse::{Interface, Warehouse};

const BEGIN_LIMIT: Duration = Duration::from_secs(30);
const LOAD_LIMIT: Duration = Duration::from_secs(120);
const PREPARE_LIMIT: Duration = Duration::from_secs(300);

/// How often a load or a prepare is tried at a back end that cannot be reached: it holds the transaction,
/// so that after a while the round is better begun again elsewhere.
const BACK_END_TRIES_MAX: u32 = 5;

/// How often a Stream Load whose answer was lost is looked after while StarRocks still works on it: over 20 s.
const STATE_POLLS_MAX: u32 = 8;

/// What loading the records of a failed round again is called where it is shown.
pub const AGAIN: &str = "load a round again";

/// Lines of StarRocks' error log that are shown.
const ERROR_LOG_LINES: usize = 3;

/// What a failed round means for the rounds after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureKind {
    /// StarRocks did not answer: try again for as long as it takes.
    Unavailable,
    /// StarRocks refused, and time may heal it: counts against `sink.maxretries`.
    Refused,
    /// StarRocks refused, and would again.
    Permanent,
}

/// What StarRocks refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Rows: one of them at least is bad.
    Rows,
    /// All rows of the table: it is missing, or does not fit.
    Table,
    /// Something else, or nothing.
    Other,
}

/// Why a table's transaction was not prepared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("table {table}: {message}")]
pub struct LoadFailure {
    /// The table.
    pub table: Arc<str>,
    /// What it means.
    pub kind: FailureKind,
    /// What was refused.
    pub refused: Refused,
    /// What happened, for the user.
    pub message: String,
}

/// What a table's transaction is handed.
pub(crate) enum Handed {
    Chunk(Chunk, OwnedSemaphorePermit),
    Seal,
}

/// The tables whose transactions a begin was sent for.
#[derive(Clone, Debug, Default)]
pub struct Begun(Arc<Mutex<BTreeSet<Arc<str>>>>);

impl Begun {
    fn names(&self) -> MutexGuard<'_, BTreeSet<Arc<str>>> {
        // A panic elsewhere leaves whole names behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, table: &Arc<str>) {
        self.names().insert(Arc::clone(table));
    }

    pub(crate) fn remove(&self, table: &Arc<str>) {
        self.names().remove(table);
    }

    /// Their names.
    #[must_use]
    pub fn tables(&self) -> BTreeSet<Arc<str>> {
        self.names().clone()
    }
}

/// A chunk in the form in which it is sent.
struct Body {
    bytes: Bytes,
    /// How many bytes its rows have.
    row_bytes: u64,
    rows: u64,
}

/// One table's transaction in one round.
pub(crate) struct TableLoad {
    pub(crate) warehouse: Warehouse,
    pub(crate) attempt: Attempt,
    pub(crate) transaction: TransactionRef,
    pub(crate) name: Arc<str>,
    pub(crate) headers: Arc<LoadHeaders>,
    pub(crate) begin_timeout_s: u32,
    pub(crate) begun: Begun,
}

impl TableLoad {
    /// Loads what comes. Returns the proof once sealed, nothing where the round was abandoned before.
    pub(crate) async fn run(
        self,
        mut from: mpsc::Receiver<Handed>,
    ) -> Result<Option<TablePrepared>, LoadFailure> {
        let mut chunks = 0;
        let mut compressor = None;
        while let Some(handed) = from.recv().await {
            match (handed, self.warehouse.interface()) {
                (Handed::Chunk(chunk, permit), Interface::Transactions) => {
                    if chunks == 0 {
                        self.begin(&from).await?;
                    }
                    self.load(&self.body(chunk, &mut compressor).await?).await?;
                    drop(permit);
                }
                (Handed::Chunk(chunk, permit), Interface::StreamLoad) => {
                    let body = self.body(chunk, &mut compressor).await?;
                    self.stream_load(&body, chunks, &from).await?;
                    drop(permit);
                }
                (Handed::Seal, Interface::Transactions) => {
                    self.prepare().await?;
                    return Ok(Some(TablePrepared::certain(self.name)));
                }
                (Handed::Seal, Interface::StreamLoad) => {
                    return Ok(Some(TablePrepared::certain(self.name)));
                }
            }
            chunks += 1;
        }
        Ok(None)
    }

    /// Begins the transaction. A begin that was never sent is tried for as long as the round is wanted;
    /// one that was sent is never repeated.
    async fn begin(&self, from: &mpsc::Receiver<Handed>) -> Result<(), LoadFailure> {
        let what = format!("begin a transaction for table {}", self.name);
        let mut backoff = Backoff::new();
        loop {
            self.begun.add(&self.name);
            let client = self.warehouse.client();
            match client
                .begin(
                    &self.transaction,
                    &self.headers,
                    self.begin_timeout_s,
                    BEGIN_LIMIT,
                )
                .await
            {
                Ok(_) => {
                    self.warehouse.succeeded(&what);
                    self.warehouse.succeeded(AGAIN);
                    return Ok(());
                }
                Err(error) if error.verdict == Verdict::NotSent => {
                    self.begun.remove(&self.name);
                    self.warehouse.try_again(&what, &error);
                    backoff.wait().await;
                    if from.is_closed() {
                        return Err(self.failure(&error).await);
                    }
                }
                Err(error) => return Err(self.failure(&error).await),
            }
        }
    }

    /// The body of a chunk's request: compressed, where that is asked for, beside the threads that wait for StarRocks. The
    /// compressor is made with the first chunk and used for all that follow.
    async fn body(
        &self,
        chunk: Chunk,
        compressor: &mut Option<Compressor>,
    ) -> Result<Body, LoadFailure> {
        let Chunk { body, rows } = chunk;
        let row_bytes = body.len() as u64;
        let compression = self.headers.compression();
        if compression == Compression::None {
            let bytes = body;
            return Ok(Body {
                bytes,
                row_bytes,
                rows,
            });
        }
        let reused = compressor.take();
        let work = tokio::task::spawn_blocking(move || {
            let mut compressor = reused.map_or_else(|| Compressor::new(compression), Ok)?;
            // The rows as they were are let go here.
            let bytes = compressor.compress(body)?;
            Ok::<_, std::io::Error>((compressor, bytes))
        });
        let error = match work.await {
            Ok(Ok((used, bytes))) => {
                *compressor = Some(used);
                return Ok(Body {
                    bytes,
                    row_bytes,
                    rows,
                });
            }
            Ok(Err(error)) => error.to_string(),
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(ended) => ended.to_string(),
            },
        };
        Err(LoadFailure {
            table: Arc::clone(&self.name),
            kind: FailureKind::Permanent,
            refused: Refused::Other,
            message: format!("rows could not be compressed: {error}"),
        })
    }

    async fn load(&self, body: &Body) -> Result<(), LoadFailure> {
        let what = format!("load into table {}", self.name);
        let mut backoff = Backoff::new();
        loop {
            // Cloning the bytes clones a reference.
            let bytes = body.bytes.clone().into();
            match self
                .warehouse
                .client()
                .load(&self.transaction, &self.headers, bytes, LOAD_LIMIT)
                .await
            {
                Ok(_) => {
                    self.accepted(&what, body);
                    return Ok(());
                }
                Err(error) => self.again_or_fail(&what, &error, &mut backoff).await?,
            }
        }
    }

    /// Loads and commits one chunk. Where its answer does not tell whether it is in, its label does; what is not in is sent
    /// again under the same label. A load that is committed together with others cannot be asked for by its label: it is sent
    /// again all the same, and its rows may be there twice.
    ///
    /// What never left is tried for as long as the round is wanted: to begin the round again would double what it has
    /// committed before.
    async fn stream_load(
        &self,
        body: &Body,
        number: u64,
        from: &mpsc::Receiver<Handed>,
    ) -> Result<(), LoadFailure> {
        let what = format!("load into table {}", self.name);
        let transaction = self.warehouse.chunk(self.attempt, &self.name, number);
        let mut backoff = Backoff::new();
        loop {
            let bytes = body.bytes.clone().into();
            let client = self.warehouse.client();
            let timeout_s = self.begin_timeout_s;
            let error = match client
                .stream_load(&transaction, &self.headers, timeout_s, bytes, PREPARE_LIMIT)
                .await
            {
                Ok(loaded) => {
                    if loaded.rows.filtered > 0 {
                        let path = loaded.rejected_record_path.as_deref();
                        self.tell_filtered(loaded.rows.filtered, loaded.error_url.as_deref(), path)
                            .await;
                    }
                    self.accepted(&what, body);
                    return Ok(());
                }
                Err(error) => error,
            };
            let is_unknown = error.verdict == Verdict::UnknownAsk;
            if is_unknown
                && !self.headers.merges_commits()
                && self.is_in(&transaction, &what).await?
            {
                self.accepted(&what, body);
                return Ok(());
            }
            let may_send_again = match error.verdict {
                Verdict::NotSent => !from.is_closed(),
                // A text that nobody knows is a refusal, perhaps of the rows: more of them is no answer.
                Verdict::UnknownAsk => {
                    error.class != Class::Other && backoff.waits() < BACK_END_TRIES_MAX
                }
                _ => false,
            };
            if !may_send_again {
                let failure = self.failure(&error).await;
                self.warehouse.succeeded(&what);
                return Err(failure);
            }
            self.warehouse.try_again(&what, &error);
            backoff.wait().await;
        }
    }

    fn accepted(&self, what: &str, body: &Body) {
        self.warehouse.succeeded(what);
        self.warehouse.succeeded(AGAIN);
        let counters = &self.warehouse.status().counters;
        Counters::add(&counters.loaded_bytes, body.row_bytes);
        Counters::add(&counters.loaded_rows, body.rows);
    }

    /// Only what had no effect is repeated inside a transaction: anything else could load rows twice.
    async fn again_or_fail(
        &self,
        what: &str,
        error: &CallError,
        backoff: &mut Backoff,
    ) -> Result<(), LoadFailure> {
        let harmless = error.class == Class::Busy
            || (error.verdict == Verdict::NotSent && backoff.waits() < BACK_END_TRIES_MAX);
        if !harmless {
            let failure = self.failure(error).await;
            self.warehouse.succeeded(what);
            return Err(failure);
        }
        self.warehouse.try_again(what, error);
        backoff.wait().await;
        Ok(())
    }

    async fn prepare(&self) -> Result<(), LoadFailure> {
        let what = format!("prepare the transaction of table {}", self.name);
        let timeout_s = u32::try_from(PREPARED_TIMEOUT.as_secs()).ok();
        let mut backoff = Backoff::new();
        loop {
            let error = match self
                .warehouse
                .client()
                .prepare(&self.transaction, timeout_s, PREPARE_LIMIT)
                .await
            {
                Ok(prepared) => {
                    if prepared.rows.filtered > 0 {
                        let url = prepared.error_url.as_deref();
                        self.tell_filtered(prepared.rows.filtered, url, None).await;
                    }
                    self.warehouse.succeeded(&what);
                    return Ok(());
                }
                Err(error) => error,
            };
            let perhaps =
                error.verdict == Verdict::UnknownAsk || error.class == Class::TransactionGone;
            if !perhaps {
                self.again_or_fail(&what, &error, &mut backoff).await?;
                continue;
            }
            match self.state(&self.transaction, &what).await? {
                LoadState::Prepared => return Ok(()),
                // Asked once more, the back end prepares now, is still at it, or does not know the transaction
                // any more: because it is prepared, or because the back end has restarted. All of that is certain.
                LoadState::Prepare
                    if error.class != Class::TransactionGone
                        && backoff.waits() < BACK_END_TRIES_MAX =>
                {
                    self.warehouse.try_again(&what, &error);
                    backoff.wait().await;
                }
                _ => return Err(self.failure(&error).await),
            }
        }
    }

    /// Whether a Stream Load whose answer was lost is in, once StarRocks is done with it.
    async fn is_in(&self, transaction: &TransactionRef, what: &str) -> Result<bool, LoadFailure> {
        let mut backoff = Backoff::new();
        loop {
            match self.state(transaction, what).await? {
                LoadState::Prepare if backoff.waits() < STATE_POLLS_MAX => backoff.wait().await,
                state => return Ok(matches!(state, LoadState::Committed | LoadState::Visible)),
            }
        }
    }

    /// What StarRocks knows of a transaction, asked until it answers.
    async fn state(
        &self,
        transaction: &TransactionRef,
        what: &str,
    ) -> Result<LoadState, LoadFailure> {
        let mut backoff = Backoff::new();
        loop {
            match self.warehouse.label_state(transaction).await {
                Ok(state) => {
                    self.warehouse.succeeded(what);
                    return Ok(state);
                }
                Err(error) if error.verdict == Verdict::Permanent => {
                    return Err(self.failure(&error).await);
                }
                Err(error) => self.warehouse.try_again(what, &error),
            }
            backoff.wait().await;
        }
    }

    /// Rows that StarRocks left out because the user's `max_filter_ratio` lets it.
    async fn tell_filtered(&self, rows: u64, error_url: Option<&str>, path: Option<&str>) {
        let log = self.refused_rows(error_url, path).await;
        tracing::warn!(
            table = &*self.name,
            rows,
            "StarRocks left out rows, as sink.properties.max_filter_ratio allows{log}"
        );
    }

    /// The first refused rows and where all of them are, as far as StarRocks tells, ready to stand behind a message.
    async fn refused_rows(&self, error_url: Option<&str>, path: Option<&str>) -> String {
        let mut told = match error_url {
            Some(url) => self.warehouse.error_log(url, ERROR_LOG_LINES).await,
            None => String::new(),
        };
        if let Some(path) = path {
            told.push_str("; all of them are kept by StarRocks at ");
            told.push_str(path);
        }
        told
    }

    async fn failure(&self, error: &CallError) -> LoadFailure {
        let kind = if error.is_unavailable() || error.verdict == Verdict::NotSent {
            FailureKind::Unavailable
        } else if error.verdict == Verdict::Permanent {
            FailureKind::Permanent
        } else {
            FailureKind::Refused
        };
        let (url, path) = (&error.error_url, &error.rejected_record_path);
        let refused = self.refused_rows(url.as_deref(), path.as_deref()).await;
        LoadFailure {
            table: Arc::clone(&self.name),
            kind,
            refused: match error.class {
                Class::DataQuality => Refused::Rows,
                Class::Schema => Refused::Table,
                _ => Refused::Other,
            },
            message: format!("{error}{refused}"),
        }
    }
}
