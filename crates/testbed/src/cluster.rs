//! The state that the FEs and BEs of a stand-in share, and the steps that change a transaction.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::context::Context;
use crate::dates::Moment;
use crate::error_log::Logs;
use crate::evaluate::{self, Evaluated, Tally, evaluate};
use crate::faults::Faults;
use crate::journal::Journal;
use crate::options::{StandInOptions, User};
use crate::plan::LoadPlan;
use crate::request::Head;
use crate::schema::Table;
use crate::spec::LoadSpec;
use crate::sql::{Session, SqlError, SqlResult, run};
use crate::store::{Applied, Databases, Staged, Store, StoreError};
use crate::txns::{Begin, BeginRefused, Limits, Txn, TxnState, Txns};

/// A prepared load in memory. After a restart it is made again from what the store keeps.
#[derive(Debug)]
pub(crate) struct PreparedLoad {
    pub(crate) table: Arc<Table>,
    pub(crate) spec: LoadSpec,
    pub(crate) plan: LoadPlan,
    pub(crate) evaluated: Evaluated,
}

#[derive(Debug)]
pub(crate) struct Meta {
    pub(crate) txns: Txns,
    pub(crate) leader: usize,
    pub(crate) users: Vec<User>,
    pub(crate) catalogue: Databases,
    /// The leader's memory of which BE coordinates a label; lost with an FE restart.
    pub(crate) label_be: HashMap<(String, String), usize>,
    next_be: usize,
    /// Per BE: label → context. The key is the label alone, as in StarRocks.
    pub(crate) contexts: Vec<HashMap<String, Context>>,
    pub(crate) prepared: HashMap<i64, PreparedLoad>,
    /// Transactions whose state is being changed right now.
    working: HashSet<i64>,
}

/// Numbers since the start.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) requests: AtomicU64,
    pub(crate) body_bytes: AtomicU64,
    pub(crate) rows: AtomicU64,
    pub(crate) commits: AtomicU64,
    pub(crate) next_file: AtomicU64,
}

#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) options: StandInOptions,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    pub(crate) totals: Totals,
    pub(crate) dir: PathBuf,
    /// `host:port` of every FE, for redirects to the leader.
    pub(crate) fe_hosts: Vec<String>,
    /// `host:port` that every BE is registered with.
    pub(crate) be_hosts: Vec<String>,
    meta: Mutex<Meta>,
    meta_changed: Condvar,
    store: Mutex<Store>,
}

/// Where the parts of a cluster are found.
pub(crate) struct Places {
    pub(crate) dir: PathBuf,
    pub(crate) fe_hosts: Vec<String>,
    pub(crate) be_hosts: Vec<String>,
}

/// A failed step as the BE reports it: status word and message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: &'static str,
    pub(crate) message: String,
    /// State of the transaction that holds a taken label.
    pub(crate) held: Option<TxnState>,
    /// Where the rows were looked at: what became of them.
    pub(crate) seen: Option<Box<(Tally, Logs)>>,
}

impl Failure {
    pub(crate) fn new(status: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            held: None,
            seen: None,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(
            "INTERNAL_ERROR",
            format!("the stand-in could not keep this: {error}"),
        )
    }
}

/// While it lives, no one else changes the transaction's state.
pub(crate) struct Working<'a> {
    cluster: &'a Cluster,
    id: i64,
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.cluster.meta().working.remove(&self.id);
        self.cluster.meta_changed.notify_all();
    }
}

impl Cluster {
    pub(crate) fn new(options: StandInOptions, places: Places) -> Result<Self, StoreError> {
        let store = Store::open(&places.dir)?;
        let limits = Limits {
            label_keep_max_num: options.label_keep_max_num,
            label_keep_max_ms: u64::try_from(options.label_keep_max.as_millis())
                .unwrap_or(u64::MAX / 4),
            running_txns_per_db: options.running_txns_per_db,
        };
        let meta = Meta {
            txns: Txns::new(limits, store.txns()?),
            leader: 0,
            users: options.users.clone(),
            catalogue: store.catalogue().clone(),
            label_be: HashMap::new(),
            next_be: 0,
            contexts: places.be_hosts.iter().map(|_| HashMap::new()).collect(),
            prepared: HashMap::new(),
            working: HashSet::new(),
        };
        let cluster = Self {
            clock: Clock::new(options.clock),
            faults: Faults::default(),
            journal: Journal::default(),
            totals: Totals::default(),
            dir: places.dir,
            fe_hosts: places.fe_hosts,
            be_hosts: places.be_hosts,
            meta: Mutex::new(meta),
            meta_changed: Condvar::new(),
            store: Mutex::new(store),
            options,
        };
        cluster.publish()?;
        cluster.finish_alters()?;
        Ok(cluster)
    }

    pub(crate) fn meta(&self) -> MutexGuard<'_, Meta> {
        self.meta.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Never taken while [`meta`](Self::meta) is held by the same thread.
    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What evaluating a load must know besides headers and table.
    pub(crate) fn limits(&self, now_ms: u64) -> evaluate::Limits {
        evaluate::Limits {
            now_ms,
            inflated_bytes: self.options.max_inflated_bytes,
        }
    }

    /// Whether rows and transactions are kept.
    pub(crate) fn keeps(&self) -> bool {
        self.options.count_only.is_none()
    }

    pub(crate) fn working(&self, id: i64) -> Working<'_> {
        let mut meta = self.meta();
        while !meta.working.insert(id) {
            meta = self
                .meta_changed
                .wait(meta)
                .unwrap_or_else(PoisonError::into_inner);
        }
        Working { cluster: self, id }
    }

    /// Waits until `found` answers something; it is asked again whenever a transaction changed.
    pub(crate) fn wait_for_txns<T>(
        &self,
        timeout: Duration,
        found: impl Fn(&Txns) -> Option<T>,
    ) -> Option<T> {
        let mut value = None;
        let meta = self.meta();
        let waiting = |meta: &mut Meta| {
            value = found(&meta.txns);
            value.is_none()
        };
        drop(self.meta_changed.wait_timeout_while(meta, timeout, waiting));
        value
    }

    /// Runs SQL for one who may do everything.
    pub(crate) fn sql(&self, sql: &str) -> Result<SqlResult, SqlError> {
        let mut session = Session::new("root", 0, None);
        self.with_session(&mut session, |store, session| run(store, session, sql))
    }

    /// `now()`.
    pub(crate) fn now(&self) -> String {
        Moment::from_millis(self.clock.now_ms() / 1000 * 1000).date_time()
    }

    /// Works on the tables with a session; the catalogue is told of what changed.
    pub(crate) fn with_session<T>(
        &self,
        session: &mut Session,
        work: impl FnOnce(&mut Store, &mut Session) -> T,
    ) -> T {
        session.now = self.now();
        let mut store = self.store();
        let done = work(&mut store, session);
        let catalogue = store.catalogue().clone();
        self.meta().catalogue = catalogue;
        done
    }

    // Steps of a transaction, as the BE asks them of the FE.

    /// The table, if it is there. With `count_only` none is needed.
    pub(crate) fn table(&self, db: &str, table: &str) -> Result<Option<Arc<Table>>, Failure> {
        if !self.keeps() {
            return Ok(None);
        }
        let meta = self.meta();
        let Some(tables) = meta.catalogue.get(db) else {
            return Err(Failure::new(
                "ANALYSIS_ERROR",
                format!("unknown database, database={db}"),
            ));
        };
        match tables.get(table) {
            Some(table) => Ok(Some(Arc::clone(table))),
            None => Err(Failure::new(
                "ANALYSIS_ERROR",
                format!("unknown table \"{db}.{table}\""),
            )),
        }
    }

    /// The next BE in rotation; a label that was seen goes to the same again.
    pub(crate) fn choose_be(&self, label: Option<(&str, &str)>) -> usize {
        let mut meta = self.meta();
        let key = label.map(|(db, label)| (db.to_owned(), label.to_owned()));
        if let Some(known) = key.as_ref().and_then(|k| meta.label_be.get(k)) {
            return *known;
        }
        let be = meta.next_be % self.be_hosts.len();
        meta.next_be += 1;
        if let Some(key) = key {
            // StarRocks' cache has 4096 entries; what falls out is found by the transaction's state.
            if meta.label_be.len() >= 4096 {
                meta.label_be.clear();
            }
            meta.label_be.insert(key, be);
        }
        be
    }

    pub(crate) fn begin(&self, basic: &(String, String), ask: Begin<'_>) -> Result<i64, Failure> {
        self.authenticate(Some(basic))
            .map_err(|m| Failure::new("NOT_AUTHORIZED", m))?;
        let Begin {
            db, table, label, ..
        } = ask;
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if label.is_empty() || label.len() > 128 || !label.chars().all(word) {
            let message = format!("Label format error. regex: ^[-\\w]{{1,128}}$, label: {label}");
            return Err(Failure::new("ANALYSIS_ERROR", message));
        }
        self.table(db, table)?;
        self.may_insert(basic, db, table)
            .map_err(|m| Failure::new("NOT_AUTHORIZED", m))?;
        let txn = {
            let mut meta = self.meta();
            match meta.txns.begin(self.clock.now_ms(), ask) {
                Ok(id) => meta.txns.get(id).cloned(),
                Err(BeginRefused::LabelUsed(held)) => {
                    let message = format!("Label [{label}] has already been used.");
                    return Err(Failure {
                        held: Some(held),
                        ..Failure::new("LABEL_ALREADY_EXISTS", message)
                    });
                }
                Err(BeginRefused::Running { running, limit }) => {
                    let message = format!(
                        "current running txns on db {db} is {running}, larger than limit {limit}"
                    );
                    return Err(Failure::new("ANALYSIS_ERROR", message));
                }
            }
        };
        let Some(txn) = txn else {
            return Err(Failure::new("INTERNAL_ERROR", "the transaction is gone"));
        };
        self.meta_changed.notify_all();
        if self.keeps() {
            self.store().save_txn(&txn)?;
        }
        Ok(txn.id)
    }

    /// Aborts what is PREPARE or PREPARED; answers whether it was.
    pub(crate) fn abort(&self, id: i64, reason: &str) -> Result<bool, StoreError> {
        let _working = self.working(id);
        self.abort_while_working(id, reason)
    }

    pub(crate) fn abort_while_working(&self, id: i64, reason: &str) -> Result<bool, StoreError> {
        let aborted = {
            let mut meta = self.meta();
            meta.prepared.remove(&id);
            if meta.txns.abort(id, self.clock.now_ms(), reason) {
                meta.txns.get(id).cloned()
            } else {
                None
            }
        };
        if let Some(txn) = aborted.as_ref().filter(|_| self.keeps()) {
            self.store().finish(txn, None)?;
        }
        Ok(aborted.is_some())
    }

    /// The transaction if it can still be prepared or committed by its BE.
    fn open_txn(&self, id: i64) -> Result<Txn, Failure> {
        match self.meta().txns.get(id) {
            Some(txn) if txn.state == TxnState::Prepare => Ok(txn.clone()),
            Some(txn) if txn.state == TxnState::Aborted => Err(Failure::new(
                "ANALYSIS_ERROR",
                format!(
                    "transaction [{id}] is already aborted. abort reason: {}",
                    txn.reason
                ),
            )),
            Some(txn) => Err(Failure::new(
                "ANALYSIS_ERROR",
                format!("transaction [{id}] is already {}", txn.state),
            )),
            None => Err(Failure::new(
                "ANALYSIS_ERROR",
                format!("transaction [{id}] not found"),
            )),
        }
    }

    /// PREPARE → PREPARED: checked rows become durable.
    pub(crate) fn prepare(
        &self,
        id: i64,
        timeout_ms: Option<u64>,
        load: Option<(PreparedLoad, Staged)>,
    ) -> Result<(), Failure> {
        let _working = self.working(id);
        let mut txn = self.open_txn(id)?;
        txn.state = TxnState::Prepared;
        txn.prepared_ms = Some(self.clock.now_ms());
        txn.prepared_timeout_ms = timeout_ms.unwrap_or(txn.prepared_timeout_ms);
        if let Some((_, staged)) = &load {
            self.store().stage(&txn, staged)?;
        }
        let mut meta = self.meta();
        if let Some((load, _)) = load {
            meta.prepared.insert(id, load);
        }
        if let Some(kept) = meta.txns.get_mut(id) {
            *kept = txn;
        }
        Ok(())
    }

    /// PREPARE → VISIBLE (or COMMITTED, where publishing is late) in one step: a load that was never prepared.
    pub(crate) fn commit_at_once(
        &self,
        id: i64,
        load: Option<(PreparedLoad, Staged)>,
        publish: bool,
    ) -> Result<(), Failure> {
        let _working = self.working(id);
        let mut txn = self.open_txn(id)?;
        if !publish {
            txn.state = TxnState::Committed;
            if let Some((_, staged)) = &load {
                self.store().stage(&txn, staged)?;
            }
        } else {
            txn.state = TxnState::Visible;
            txn.finished_ms = Some(self.clock.now_ms());
            if let Some((load, _)) = &load {
                let rows = Applied::new(&load.table, &load.evaluated.rows, &load.spec, &load.plan);
                self.store().finish(&txn, Some(&rows))?;
            }
        }
        self.totals.commits.fetch_add(1, Ordering::Relaxed);
        let mut meta = self.meta();
        if let Some((load, _)) = load.filter(|_| !publish) {
            meta.prepared.insert(id, load);
        }
        if let Some(kept) = meta.txns.get_mut(id) {
            *kept = txn;
        }
        Ok(())
    }

    /// PREPARED → COMMITTED → VISIBLE. The caller works on the transaction and saw its state.
    pub(crate) fn commit_prepared(&self, mut txn: Txn, publish: bool) -> Result<(), Failure> {
        if txn.state == TxnState::Prepared {
            self.totals.commits.fetch_add(1, Ordering::Relaxed);
        }
        txn.state = if publish {
            TxnState::Visible
        } else {
            TxnState::Committed
        };
        if publish {
            txn.finished_ms = Some(self.clock.now_ms());
        }
        let known = self.meta().prepared.remove(&txn.id);
        if self.keeps() {
            let load = match known {
                Some(load) => load,
                None => self.load_again(&txn)?,
            };
            if publish {
                let rows = Applied::new(&load.table, &load.evaluated.rows, &load.spec, &load.plan);
                self.store().finish(&txn, Some(&rows))?;
            } else {
                self.store().save_txn(&txn)?;
                self.meta().prepared.insert(txn.id, load);
            }
        }
        if let Some(kept) = self.meta().txns.get_mut(txn.id) {
            *kept = txn;
        }
        Ok(())
    }

    /// A prepared load after a restart: its bodies are read again.
    fn load_again(&self, txn: &Txn) -> Result<PreparedLoad, Failure> {
        let gone = || {
            Failure::new(
                "INTERNAL_ERROR",
                format!("the rows of transaction {} are gone", txn.id),
            )
        };
        let staged = self.store().staged(txn.id)?.ok_or_else(gone)?;
        let table = self.table(&txn.db, &txn.table)?.ok_or_else(gone)?;
        let wrong = |m: String| Failure::new("INTERNAL_ERROR", m);
        let spec = LoadSpec::read(&staged.headers).map_err(wrong)?;
        let plan = LoadPlan::new(&spec, &table).map_err(wrong)?;
        let at = txn.prepared_ms.unwrap_or(txn.begun_ms);
        let evaluated =
            evaluate(&table, &spec, &plan, &staged.units, self.limits(at)).map_err(wrong)?;
        Ok(PreparedLoad {
            table,
            spec,
            plan,
            evaluated,
        })
    }

    /// Fills in the table of a call that names only its label.
    pub(crate) fn complete(&self, head: &mut Head) {
        if !head.table.is_empty() && head.call != crate::request::Call::Cancel {
            return;
        }
        if let Some(txn) = self.meta().txns.by_label(&head.db, &head.label) {
            head.table.clone_from(&txn.table);
        }
    }
}
