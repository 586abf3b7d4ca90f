//! The rows of a round on their way into StarRocks: one transaction a table, a chunk a request.
//!
//! Each table of a round has a task of its own that begins its transaction with the first chunk, sends the
//! chunks one after the other, and prepares when the round is sealed. Memory is bounded by permits that
//! travel with the chunks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use starrocks_kafka_starrocks::{
    CallError, Class, LoadHeaders, LoadState, TransactionRef, Verdict,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use crate::batch::Chunk;
use crate::encode::TableId;
use crate::metadata::Attempt;
use crate::recovery::{PREPARED_TIMEOUT, TransactionId};
use crate::round::TablePrepared;
use crate::status::Counters;
use crate::warehouse::{Backoff, Warehouse};

/// Bytes of chunks that were handed over and not yet answered.
const IN_FLIGHT_BYTES_MAX: usize = 8 << 20;
const PERMIT_BYTES: usize = 1 << 10;
const PERMITS: usize = IN_FLIGHT_BYTES_MAX / PERMIT_BYTES;

/// Chunks of one table that may wait; what bounds memory are the permits.
const WAITING_CHUNKS_MAX: usize = 16;

const BEGIN_LIMIT: Duration = Duration::from_secs(30);
const LOAD_LIMIT: Duration = Duration::from_secs(120);
const PREPARE_LIMIT: Duration = Duration::from_secs(300);

/// How often a load or a prepare is tried at a back end that cannot be reached: it holds the transaction,
/// so that after a while the round is better begun again elsewhere.
const BACK_END_TRIES_MAX: u32 = 5;

/// How often a prepare whose answer was lost is looked after while StarRocks still works on it.
const PREPARE_POLLS_MAX: u32 = 60;

/// How long an abandoned round may end its requests by itself before they are cut.
const ABANDON_PATIENCE: Duration = Duration::from_secs(10);

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

/// Why a table's transaction was not prepared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("table {table}: {message}")]
pub struct LoadFailure {
    /// The table.
    pub table: Arc<str>,
    /// What it means.
    pub kind: FailureKind,
    /// What happened, for the user.
    pub message: String,
}

enum Handed {
    Chunk(Chunk, OwnedSemaphorePermit),
    Seal,
}

struct OpenTable {
    to: mpsc::Sender<Handed>,
    task: JoinHandle<Result<Option<TablePrepared>, LoadFailure>>,
}

/// The tables whose transactions a begin was sent for.
#[derive(Clone, Debug, Default)]
pub struct Begun(Arc<Mutex<BTreeSet<Arc<str>>>>);

impl Begun {
    fn names(&self) -> MutexGuard<'_, BTreeSet<Arc<str>>> {
        // A panic elsewhere leaves whole names behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, table: &Arc<str>) {
        self.names().insert(Arc::clone(table));
    }

    fn remove(&self, table: &Arc<str>) {
        self.names().remove(table);
    }

    /// Their names.
    #[must_use]
    pub fn tables(&self) -> BTreeSet<Arc<str>> {
        self.names().clone()
    }
}

/// What became of a chunk.
pub enum HandOver {
    /// It is on its way.
    Taken,
    /// There is no room: wait for this, then it is on its way.
    Full(Waiting),
    /// The table's transaction has failed; [`OpenLoads::end`] says why.
    Failed,
}

/// A chunk that waits for room.
pub struct Waiting {
    to: mpsc::Sender<Handed>,
    permits: Arc<Semaphore>,
    chunk: Chunk,
}

impl Waiting {
    /// Hands the chunk over as soon as there is room.
    pub async fn hand_over(self) {
        // A transaction that has failed takes nothing more; the end of the round says why.
        send(&self.to, &self.permits, self.chunk).await;
    }
}

fn permits_of(chunk: &Chunk) -> u32 {
    chunk.body.len().div_ceil(PERMIT_BYTES).clamp(1, PERMITS) as u32
}

async fn send(to: &mpsc::Sender<Handed>, permits: &Arc<Semaphore>, chunk: Chunk) -> bool {
    let acquire = Arc::clone(permits).acquire_many_owned(permits_of(&chunk));
    // A table whose transaction has failed must not be waited for with a permit that nobody returns.
    let permit = tokio::select! {
        permit = acquire => permit,
        () = to.closed() => return false,
    };
    match permit {
        Ok(permit) => to.send(Handed::Chunk(chunk, permit)).await.is_ok(),
        Err(_closed) => false,
    }
}

/// The open transactions of one round.
pub struct OpenLoads {
    warehouse: Warehouse,
    attempt: Attempt,
    begin_timeout_s: u32,
    headers: Arc<LoadHeaders>,
    tables: BTreeMap<TableId, OpenTable>,
    permits: Arc<Semaphore>,
    begun: Begun,
}

impl OpenLoads {
    /// No transaction is open yet. StarRocks ends each by itself when it is not prepared within
    /// `begin_timeout_s` seconds.
    #[must_use]
    pub fn new(
        warehouse: Warehouse,
        attempt: Attempt,
        headers: Arc<LoadHeaders>,
        begin_timeout_s: u32,
    ) -> Self {
        Self {
            warehouse,
            attempt,
            begin_timeout_s,
            headers,
            tables: BTreeMap::new(),
            permits: Arc::new(Semaphore::new(PERMITS)),
            begun: Begun::default(),
        }
    }

    /// The tables whose transactions may be open in StarRocks.
    #[must_use]
    pub fn begun(&self) -> Begun {
        self.begun.clone()
    }

    /// Hands a chunk of `table` over, beginning its transaction with the first one.
    pub fn hand_over(&mut self, table: TableId, name: &Arc<str>, chunk: Chunk) -> HandOver {
        let (to, permits) = (self.open(table, name), Arc::clone(&self.permits));
        if to.is_closed() {
            return HandOver::Failed;
        }
        match Arc::clone(&permits).try_acquire_many_owned(permits_of(&chunk)) {
            Ok(permit) => match to.try_send(Handed::Chunk(chunk, permit)) {
                Ok(()) => HandOver::Taken,
                Err(mpsc::error::TrySendError::Full(Handed::Chunk(chunk, _))) => {
                    HandOver::Full(Waiting { to, permits, chunk })
                }
                Err(_closed) => HandOver::Failed,
            },
            Err(_) => HandOver::Full(Waiting { to, permits, chunk }),
        }
    }

    /// Waits until every chunk handed over was answered.
    pub fn drained(&self) -> impl Future<Output = ()> + Send + 'static {
        let permits = Arc::clone(&self.permits);
        async move {
            // Closed never happens: nobody closes this semaphore.
            drop(permits.acquire_many(PERMITS as u32).await);
        }
    }

    /// Hands over the last chunks, prepares every transaction and waits for all of them.
    ///
    /// # Errors
    /// The worst failure, the first of its kind. What [`begun`](Self::begun) names is then to be rolled back.
    pub async fn seal(
        mut self,
        rest: Vec<(TableId, Arc<str>, Chunk)>,
    ) -> Result<Vec<TablePrepared>, LoadFailure> {
        for (table, name, chunk) in rest {
            let to = self.open(table, &name);
            send(&to, &self.permits, chunk).await;
        }
        for open in self.tables.values() {
            // One that has failed takes nothing more and says why below.
            drop(open.to.send(Handed::Seal).await);
        }
        self.end().await
    }

    /// Begins nothing more, and waits until what is under way was answered.
    ///
    /// # Errors
    /// The worst failure, the first of its kind.
    pub async fn end(self) -> Result<Vec<TablePrepared>, LoadFailure> {
        let mut prepared = Vec::new();
        let mut worst: Option<LoadFailure> = None;
        for (_, OpenTable { to, task }) in self.tables {
            drop(to);
            match task.await {
                Ok(Ok(proof)) => prepared.extend(proof),
                Ok(Err(failure)) => {
                    if worst.as_ref().is_none_or(|worst| failure.kind > worst.kind) {
                        worst = Some(failure);
                    }
                }
                // A panic in a load is a defect; it must not pass for a round that was prepared.
                Err(panic) => std::panic::resume_unwind(panic.into_panic()),
            }
        }
        worst.map_or(Ok(prepared), Err)
    }

    /// Ends the round's requests, by themselves or after a while by force.
    pub async fn abandon(self) {
        let aborts: Vec<_> = self
            .tables
            .values()
            .map(|open| open.task.abort_handle())
            .collect();
        if tokio::time::timeout(ABANDON_PATIENCE, self.end())
            .await
            .is_err()
        {
            aborts.iter().for_each(tokio::task::AbortHandle::abort);
        }
    }

    fn open(&mut self, table: TableId, name: &Arc<str>) -> mpsc::Sender<Handed> {
        let open = self.tables.entry(table).or_insert_with(|| {
            let (to, from) = mpsc::channel(WAITING_CHUNKS_MAX);
            let load = TableLoad {
                warehouse: self.warehouse.clone(),
                transaction: self.warehouse.transaction(self.attempt, name),
                name: Arc::clone(name),
                headers: Arc::clone(&self.headers),
                begin_timeout_s: self.begin_timeout_s,
                begun: self.begun.clone(),
            };
            let task = self
                .warehouse
                .runtime()
                .spawn(load.run(from).in_current_span());
            OpenTable { to, task }
        });
        open.to.clone()
    }
}

/// One table's transaction in one round.
struct TableLoad {
    warehouse: Warehouse,
    transaction: TransactionRef,
    name: Arc<str>,
    headers: Arc<LoadHeaders>,
    begin_timeout_s: u32,
    begun: Begun,
}

impl TableLoad {
    /// Loads what comes. Returns the proof once sealed, nothing where the round was abandoned before.
    async fn run(
        self,
        mut from: mpsc::Receiver<Handed>,
    ) -> Result<Option<TablePrepared>, LoadFailure> {
        let mut is_open = false;
        while let Some(handed) = from.recv().await {
            match handed {
                Handed::Chunk(chunk, permit) => {
                    if !is_open {
                        self.begin(&from).await?;
                        is_open = true;
                    }
                    self.load(&chunk).await?;
                    drop(permit);
                }
                Handed::Seal => {
                    self.prepare().await?;
                    return Ok(Some(TablePrepared::certain(self.name)));
                }
            }
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
                    if from.is_closed() {
                        return Err(self.failure(&error).await);
                    }
                    backoff.wait().await;
                }
                Err(error) => return Err(self.failure(&error).await),
            }
        }
    }

    async fn load(&self, chunk: &Chunk) -> Result<(), LoadFailure> {
        let what = format!("load into table {}", self.name);
        let mut backoff = Backoff::new();
        loop {
            // Cloning the body clones a reference.
            let body = chunk.body.clone().into();
            match self
                .warehouse
                .client()
                .load(&self.transaction, &self.headers, body, LOAD_LIMIT)
                .await
            {
                Ok(_) => {
                    self.warehouse.succeeded(&what);
                    let counters = &self.warehouse.status().counters;
                    Counters::add(&counters.loaded_bytes, chunk.body.len() as u64);
                    Counters::add(&counters.loaded_rows, chunk.rows);
                    return Ok(());
                }
                Err(error) => self.again_or_fail(&what, &error, &mut backoff).await?,
            }
        }
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
                        self.tell_filtered(prepared.rows.filtered, prepared.error_url.as_deref())
                            .await;
                    }
                    self.warehouse.succeeded(&what);
                    return Ok(());
                }
                Err(error) => error,
            };
            // A prepare that took effect is not repeated: StarRocks would call its transaction gone.
            let perhaps =
                error.verdict == Verdict::UnknownAsk || error.class == Class::TransactionGone;
            if perhaps && self.is_prepared(&what).await? {
                self.warehouse.succeeded(&what);
                return Ok(());
            }
            if perhaps {
                return Err(self.failure(&error).await);
            }
            self.again_or_fail(&what, &error, &mut backoff).await?;
        }
    }

    /// Asks for the label's state until StarRocks is done with the prepare.
    async fn is_prepared(&self, what: &str) -> Result<bool, LoadFailure> {
        let mut backoff = Backoff::new();
        loop {
            match self.warehouse.label_state(&self.transaction).await {
                Ok(LoadState::Prepared) => return Ok(true),
                Ok(LoadState::Prepare) if backoff.waits() < PREPARE_POLLS_MAX => {}
                Ok(_) => return Ok(false),
                Err(error) if error.verdict == Verdict::Permanent => {
                    return Err(self.failure(&error).await);
                }
                Err(error) => self.warehouse.try_again(what, &error),
            }
            backoff.wait().await;
        }
    }

    /// Rows that StarRocks left out because the user's `max_filter_ratio` lets it.
    async fn tell_filtered(&self, rows: u64, error_url: Option<&str>) {
        let log = match error_url {
            Some(url) => self.warehouse.error_log(url, ERROR_LOG_LINES).await,
            None => String::new(),
        };
        tracing::warn!(
            table = &*self.name,
            rows,
            "StarRocks left out rows, as sink.properties.max_filter_ratio allows{log}"
        );
    }

    async fn failure(&self, error: &CallError) -> LoadFailure {
        let kind = if error.is_unavailable() || error.verdict == Verdict::NotSent {
            FailureKind::Unavailable
        } else if error.verdict == Verdict::Permanent {
            FailureKind::Permanent
        } else {
            FailureKind::Refused
        };
        let log = match &error.error_url {
            Some(url) => self.warehouse.error_log(url, ERROR_LOG_LINES).await,
            None => String::new(),
        };
        LoadFailure {
            table: Arc::clone(&self.name),
            kind,
            message: format!("{error}{log}"),
        }
    }
}

/// What is to be rolled back of a round: the transactions that a begin was sent for.
#[must_use]
pub fn open_transactions(
    attempt: Attempt,
    database: &Arc<str>,
    begun: &Begun,
) -> BTreeSet<TransactionId> {
    begun
        .tables()
        .into_iter()
        .map(|table| TransactionId {
            database: Arc::clone(database),
            table,
            attempt,
        })
        .collect()
}
