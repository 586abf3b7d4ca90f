//! The rows of a round on their way into StarRocks: one transaction a table, a chunk a request.
//!
//! Each table of a round has a task of its own that begins its transaction with the first chunk, sends the
//! chunks one after the other, and prepares when the round is sealed. Memory is bounded by permits that
//! travel with the chunks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use crate::batch::{Chunk, Limits};
use crate::encode::{Encoder, LoadColumns, TableId};
use crate::load_properties::LoadProperties;
use crate::metadata::Attempt;
use crate::recovery::TransactionId;
use crate::round::TablePrepared;
use crate::table_load::{Begun, Handed, LoadFailure, TableLoad};
use crate::warehouse::{Interface, Warehouse};

/// One permit stands for as many bytes of chunks that were handed over and not yet answered.
const PERMIT_BYTES: usize = 1 << 10;

/// Chunks of one table that may wait; what bounds memory are the permits.
const WAITING_CHUNKS_MAX: usize = 16;

/// How long an abandoned round may end its requests by itself before they are cut.
const ABANDON_PATIENCE: Duration = Duration::from_secs(10);

struct OpenTable {
    to: mpsc::Sender<Handed>,
    task: AbortOnDrop<Result<Option<TablePrepared>, LoadFailure>>,
}

/// A task that ends with the round that it belongs to: it must not prepare what nobody waits for.
struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Where a chunk goes.
#[derive(Clone, Debug)]
pub struct Target {
    /// The table.
    pub table: TableId,
    /// Its name.
    pub name: Arc<str>,
    /// What StarRocks is told of the columns of its rows.
    pub columns: LoadColumns,
}

impl Target {
    /// A table as an encoder knows it.
    pub(crate) fn of(encoder: &Encoder, table: TableId) -> Self {
        Self {
            table,
            name: Arc::clone(encoder.table_name(table)),
            columns: encoder.load_columns(table),
        }
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
    permits: Permits,
    chunk: Chunk,
}

/// What bounds the bytes of chunks that were handed over and not yet answered: as many as may be collected at the same time.
#[derive(Clone)]
struct Permits {
    free: Arc<Semaphore>,
    all: u32,
}

impl Permits {
    fn new(interface: Interface) -> Self {
        let all = Limits::of(interface).filling_bytes / PERMIT_BYTES;
        Self {
            free: Arc::new(Semaphore::new(all)),
            all: u32::try_from(all).unwrap_or(u32::MAX),
        }
    }

    /// How many a chunk takes: never more than there are.
    fn of(&self, chunk: &Chunk) -> u32 {
        let needed = chunk.body.len().div_ceil(PERMIT_BYTES);
        u32::try_from(needed).unwrap_or(u32::MAX).clamp(1, self.all)
    }
}

impl Waiting {
    /// Hands the chunk over as soon as there is room.
    pub async fn hand_over(self) {
        // A transaction that has failed takes nothing more; the end of the round says why.
        send(&self.to, &self.permits, self.chunk).await;
    }
}

async fn send(to: &mpsc::Sender<Handed>, permits: &Permits, chunk: Chunk) -> bool {
    let acquire = Arc::clone(&permits.free).acquire_many_owned(permits.of(&chunk));
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
    properties: Arc<LoadProperties>,
    tables: BTreeMap<TableId, OpenTable>,
    permits: Permits,
    begun: Begun,
}

impl OpenLoads {
    /// No transaction is open yet. StarRocks ends each by itself when it is not prepared within
    /// `begin_timeout_s` seconds, or those of the table's property `timeout`, where they are more.
    #[must_use]
    pub fn new(
        warehouse: Warehouse,
        attempt: Attempt,
        properties: Arc<LoadProperties>,
        begin_timeout_s: u32,
    ) -> Self {
        Self {
            permits: Permits::new(warehouse.interface()),
            warehouse,
            attempt,
            begin_timeout_s,
            properties,
            tables: BTreeMap::new(),
            begun: Begun::default(),
        }
    }

    /// The tables whose transactions may be open in StarRocks.
    #[must_use]
    pub fn begun(&self) -> Begun {
        self.begun.clone()
    }

    /// Hands a chunk over, beginning its transaction with the first one.
    pub fn hand_over(&mut self, target: &Target, chunk: Chunk) -> HandOver {
        let (to, permits) = (self.open(target), self.permits.clone());
        if to.is_closed() {
            return HandOver::Failed;
        }
        match Arc::clone(&permits.free).try_acquire_many_owned(permits.of(&chunk)) {
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
        let permits = self.permits.clone();
        async move {
            // Closed never happens: nobody closes this semaphore.
            drop(permits.free.acquire_many(permits.all).await);
        }
    }

    /// Hands over the last chunks, prepares every transaction and waits for all of them.
    ///
    /// # Errors
    /// The worst failure, the first of its kind. What [`begun`](Self::begun) names is then to be rolled back.
    pub async fn seal(
        mut self,
        rest: Vec<(Target, Chunk)>,
    ) -> Result<Vec<TablePrepared>, LoadFailure> {
        for (target, chunk) in rest {
            let to = self.open(&target);
            send(&to, &self.permits, chunk).await;
        }
        for open in self.tables.values() {
            // One that has failed takes nothing more and says why below.
            drop(open.to.send(Handed::Seal).await);
        }
        // As long as these live the round is wanted.
        let wanted: Vec<_> = self.tables.values().map(|open| open.to.clone()).collect();
        let ended = self.end().await;
        drop(wanted);
        ended
    }

    /// Begins nothing more, and waits until what is under way was answered.
    ///
    /// # Errors
    /// The worst failure, the first of its kind.
    pub async fn end(self) -> Result<Vec<TablePrepared>, LoadFailure> {
        let mut prepared = Vec::new();
        let mut worst: Option<LoadFailure> = None;
        for (_, OpenTable { to, mut task }) in self.tables {
            drop(to);
            match (&mut task.0).await {
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
        // Whatever it says: the round is given up.
        drop(tokio::time::timeout(ABANDON_PATIENCE, self.end()).await);
    }

    fn open(&mut self, target: &Target) -> mpsc::Sender<Handed> {
        let name = &target.name;
        let open = self.tables.entry(target.table).or_insert_with(|| {
            let (to, from) = mpsc::channel(WAITING_CHUNKS_MAX);
            let headers = self.properties.of(name);
            let headers = match &target.columns {
                LoadColumns::Order(columns) => Arc::new(headers.with_columns(columns)),
                LoadColumns::Part(columns) => Arc::new(headers.partial_update(columns)),
                LoadColumns::AsConfigured => Arc::clone(headers),
            };
            let load = TableLoad {
                warehouse: self.warehouse.clone(),
                attempt: self.attempt,
                transaction: self.warehouse.transaction(self.attempt, name),
                name: Arc::clone(name),
                begin_timeout_s: self.begin_timeout_s.max(headers.timeout_s().unwrap_or(0)),
                headers,
                begun: self.begun.clone(),
            };
            let task = self
                .warehouse
                .runtime()
                .spawn(load.run(from).in_current_span());
            OpenTable {
                to,
                task: AbortOnDrop(task),
            }
        });
        open.to.clone()
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
