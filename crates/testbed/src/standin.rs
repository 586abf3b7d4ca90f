//! The stand-in as a library: started by a test or the program, looked at and troubled by it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::clock::ClockKind;
use crate::cluster::{Cluster, Places};
use crate::faults::Faults;
use crate::journal::{CallRecord, Hop, Node, Outcome, WaitError};
use crate::net::Port;
use crate::options::{StandInOptions, User};
use crate::request::Call;
use crate::sql::{SqlError, SqlResult};
use crate::store::StoreError;
use crate::txns::{Txn, TxnState, Txns};

/// A stand-in could not start, or could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StandInError {
    /// The options make no sense.
    #[error("the stand-in cannot start: {0}")]
    Options(String),
    /// A port could not be taken.
    #[error("the stand-in cannot listen on {addr}: {source}")]
    Listen {
        /// Address.
        addr: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Its directory or its thread.
    #[error("the stand-in failed: {0}")]
    Io(#[from] io::Error),
    /// Its memory could not be read or written.
    #[error("the stand-in's memory failed: {0}")]
    Memory(String),
}

impl From<StoreError> for StandInError {
    fn from(error: StoreError) -> Self {
        Self::Memory(error.to_string())
    }
}

/// Numbers since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Counters {
    /// Requests to all servers.
    pub requests: u64,
    /// Bytes of request bodies that were read.
    pub body_bytes: u64,
    /// Rows that passed the checks of a prepare or a load.
    pub rows: u64,
    /// Transactions that were committed.
    pub commits: u64,
}

impl Cluster {
    pub(crate) fn counters(&self) -> Counters {
        let totals = &self.totals;
        Counters {
            requests: totals.requests.load(Ordering::Relaxed),
            body_bytes: totals.body_bytes.load(Ordering::Relaxed),
            rows: totals.rows.load(Ordering::Relaxed),
            commits: totals.commits.load(Ordering::Relaxed),
        }
    }
}

/// A running StarRocks stand-in: FEs and BEs on real sockets, rows in SQLite. Dropping it stops it.
///
/// It runs on threads of its own, so that it serves tests with and without a runtime.
#[derive(Debug)]
pub struct StandIn {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) fe: Vec<Port>,
    pub(crate) be: Vec<Port>,
    /// Goes and comes with the first FE.
    pub(crate) mysql: Option<Port>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Removed when the stand-in is dropped.
    _temp: Option<TempDir>,
}

fn bind_all(
    addrs: &[SocketAddr],
    runtime: &tokio::runtime::Handle,
) -> Result<Vec<Port>, StandInError> {
    let bind = |addr: &SocketAddr| {
        Port::bind(*addr, runtime.clone()).map_err(|source| StandInError::Listen {
            addr: *addr,
            source,
        })
    };
    addrs.iter().map(bind).collect()
}

/// The name a BE is registered with: what the options say, with the port it has.
fn registered(asked: Option<&String>, addr: SocketAddr) -> String {
    match asked {
        None => addr.to_string(),
        Some(host)
            if host
                .rsplit_once(':')
                .is_some_and(|(_, port)| port.parse::<u16>().is_ok()) =>
        {
            host.clone()
        }
        Some(host) => format!("{host}:{}", addr.port()),
    }
}

impl StandIn {
    /// Starts a stand-in. A data directory that was used before is taken up again: tables, rows, transactions.
    ///
    /// # Errors
    /// Where a port is taken, or the directory cannot be used or belongs to another running stand-in.
    pub fn start(options: StandInOptions) -> Result<Self, StandInError> {
        if options.fe.is_empty() || options.be.is_empty() {
            return Err(StandInError::Options(
                "it needs at least one FE and one BE address".to_owned(),
            ));
        }
        let (temp, dir): (Option<TempDir>, PathBuf) = match &options.data_dir {
            Some(dir) => (None, dir.clone()),
            None => {
                let temp = tempfile::Builder::new()
                    .prefix("starrocks-testbed-")
                    .tempdir()?;
                let dir = temp.path().to_owned();
                (Some(temp), dir)
            }
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("starrocks-testbed")
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let fe = bind_all(&options.fe, &handle)?;
        let be = bind_all(&options.be, &handle)?;
        let mysql = bind_all(options.mysql.as_slice(), &handle)?.pop();
        let places = Places {
            dir,
            fe_hosts: fe.iter().map(|p| p.addr().to_string()).collect(),
            be_hosts: be
                .iter()
                .enumerate()
                .map(|(at, p)| registered(options.be_registered.get(at), p.addr()))
                .collect(),
        };
        let sweep_interval = options.sweep_interval;
        let cluster = Arc::new(Cluster::new(options, places)?);
        let (stop, stopping) = oneshot::channel();
        let sweeper = (cluster.clock.kind() == ClockKind::System).then(|| Arc::clone(&cluster));
        let thread = std::thread::Builder::new()
            .name("starrocks-testbed".to_owned())
            .spawn(move || {
                if let Some(cluster) = sweeper {
                    runtime.spawn(sweep(cluster, sweep_interval));
                }
                // An error says that the sender is gone, which means stop as well.
                let _stopped = runtime.block_on(stopping);
                runtime.shutdown_timeout(Duration::from_secs(10));
            })?;
        let this = Self {
            cluster,
            fe,
            be,
            mysql,
            stop: Some(stop),
            thread: Some(thread),
            _temp: temp,
        };
        this.back()?;
        Ok(this)
    }

    /// The address of a server.
    ///
    /// # Panics
    /// Where there is no server of this number; so do all methods that take a [`Node`].
    #[must_use]
    pub fn addr(&self, node: Node) -> SocketAddr {
        self.port(node).addr()
    }

    /// The address of the MySQL port, where there is one.
    #[must_use]
    pub fn mysql_addr(&self) -> Option<SocketAddr> {
        self.mysql.as_ref().map(Port::addr)
    }

    /// `host:port,…` of all FEs, as `starrocks.http.url` takes it.
    #[must_use]
    pub fn http_url(&self) -> String {
        self.cluster.fe_hosts.join(",")
    }

    /// Runs SQL: declarations as StarRocks writes them, `SELECT` as SQLite does. Several statements may stand in one text;
    /// the last one's result is answered.
    ///
    /// # Errors
    /// What a statement was refused for.
    pub fn sql(&self, sql: &str) -> Result<SqlResult, SqlError> {
        self.cluster.sql(sql)
    }

    /// The scripted faults.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.cluster.faults
    }

    /// Numbers since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.cluster.counters()
    }

    /// Adds a user, or replaces the one of that name.
    pub fn set_user(&self, user: User) {
        let mut meta = self.cluster.meta();
        meta.users.retain(|u| u.name != user.name);
        meta.users.push(user);
    }

    /// Every call so far (at most the last 100 000), in the order of arrival.
    #[must_use]
    pub fn calls(&self) -> Vec<CallRecord> {
        self.cluster.journal.all()
    }

    /// Waits until the n-th call of this kind (from 1, since the start; redirects not counted) arrived.
    ///
    /// # Errors
    /// When it did not within `timeout`; the message shows the last calls.
    pub fn wait_for(
        &self,
        call: Call,
        nth: usize,
        timeout: Duration,
    ) -> Result<CallRecord, WaitError> {
        let what = format!("call number {nth} of {call}");
        let served = |r: &&&CallRecord| r.call == call && r.hop == Hop::Serve;
        self.cluster.journal.wait(&what, timeout, |all| {
            all.iter()
                .filter(served)
                .nth(nth.saturating_sub(1))
                .map(|r| (*r).clone())
        })
    }

    /// As [`wait_for`](Self::wait_for), until the call has ended, by an answer or without.
    ///
    /// # Errors
    /// When it did not within `timeout`.
    pub fn wait_until_ended(
        &self,
        call: Call,
        nth: usize,
        timeout: Duration,
    ) -> Result<CallRecord, WaitError> {
        let what = format!("the end of call number {nth} of {call}");
        let served = |r: &&&CallRecord| r.call == call && r.hop == Hop::Serve;
        self.cluster.journal.wait(&what, timeout, |all| {
            let record = all.iter().filter(served).nth(nth.saturating_sub(1))?;
            (record.outcome != Outcome::Pending).then(|| (*record).clone())
        })
    }

    /// Waits until the calls so far are as `holds` wants them; it is asked again with each call that comes or ends.
    ///
    /// # Errors
    /// When they were not within `timeout`; `what` says in the message what was waited for.
    pub fn wait_until(
        &self,
        what: &str,
        timeout: Duration,
        holds: impl Fn(&[&CallRecord]) -> bool,
    ) -> Result<(), WaitError> {
        self.cluster
            .journal
            .wait(what, timeout, |all| holds(all).then_some(()))
    }

    /// Every transaction that is remembered, by id.
    #[must_use]
    pub fn transactions(&self) -> Vec<Txn> {
        self.cluster.meta().txns.all().cloned().collect()
    }

    /// The transactions in this state.
    #[must_use]
    pub fn transactions_in(&self, state: TxnState) -> Vec<Txn> {
        self.cluster
            .meta()
            .txns
            .all()
            .filter(|t| t.state == state)
            .cloned()
            .collect()
    }

    /// Waits until the transaction that speaks for a label is in this state.
    ///
    /// # Errors
    /// When it was not within `timeout`; the message says in which state it is.
    pub fn wait_for_state(
        &self,
        db: &str,
        label: &str,
        state: TxnState,
        timeout: Duration,
    ) -> Result<Txn, WaitError> {
        let is = |txns: &Txns| {
            txns.by_label(db, label)
                .filter(|t| t.state == state)
                .cloned()
        };
        self.cluster.wait_for_txns(timeout, is).ok_or_else(|| {
            let now = self
                .cluster
                .meta()
                .txns
                .by_label(db, label)
                .map(|t| t.state.to_string());
            let now = now.unwrap_or_else(|| "UNKNOWN".to_owned());
            let what = format!("the state {state} of label {label}, which is {now},");
            self.cluster.journal.timed_out(&what, timeout)
        })
    }

    /// Moves the clock ahead and lets timeouts, publishing and forgetting happen.
    ///
    /// # Errors
    /// Where the memory could not be written.
    pub fn advance(&self, by: Duration) -> Result<(), StandInError> {
        self.cluster.clock.advance(by);
        Ok(self.cluster.sweep()?)
    }

    /// Makes the rows of COMMITTED transactions visible; answers how many transactions there were.
    ///
    /// # Errors
    /// Where the memory could not be written.
    pub fn publish(&self) -> Result<usize, StandInError> {
        Ok(self.cluster.publish()?)
    }

    /// Ends the ALTER TABLEs that a [`SlowAlter`](crate::Action::SlowAlter) left begun; answers how many there were.
    ///
    /// # Errors
    /// Where the memory could not be written.
    pub fn finish_alters(&self) -> Result<usize, StandInError> {
        Ok(self.cluster.finish_alters()?)
    }

    /// Forgets every label whose transaction is finished, as a busy database does.
    ///
    /// # Errors
    /// Where the memory could not be written.
    pub fn forget_finished(&self) -> Result<(), StandInError> {
        Ok(self.cluster.forget_finished()?)
    }

    /// Stops it. What was PREPARED or committed is kept in the data directory.
    ///
    /// # Errors
    /// Where its thread failed.
    pub fn stop(mut self) -> Result<(), StandInError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), StandInError> {
        drop(self.stop.take());
        match self.thread.take().map(JoinHandle::join) {
            Some(Err(_)) => Err(StandInError::Io(io::Error::other(
                "the stand-in's thread panicked",
            ))),
            _ => Ok(()),
        }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::error!(%error, "the stand-in did not stop well");
        }
    }
}

/// Timeouts and forgetting by the machine's clock.
async fn sweep(cluster: Arc<Cluster>, interval: Duration) {
    loop {
        tokio::time::sleep(interval).await;
        let swept = Arc::clone(&cluster);
        match tokio::task::spawn_blocking(move || swept.sweep()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the stand-in's sweep failed"),
            Err(_) => return,
        }
    }
}
