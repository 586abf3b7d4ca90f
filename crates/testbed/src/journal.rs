//! Every call in the order it arrived, for tests to look at and to wait for.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::request::{Call, Head};

/// A server of the stand-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Node {
    /// Frontend by number.
    Fe(usize),
    /// Backend by number.
    Be(usize),
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fe(n) => write!(f, "FE {n}"),
            Self::Be(n) => write!(f, "BE {n}"),
        }
    }
}

/// What a server does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hop {
    /// It sends the client to another server (307).
    Redirect,
    /// It does the work, or refuses it.
    Serve,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Not yet.
    Pending,
    /// With an answer.
    Answered {
        /// HTTP status; of a statement by the MySQL port the number of its error, 0 without one.
        status: u16,
        /// `Status` of a load answer, `state` of `get_load_state`; empty where there is none.
        word: String,
    },
    /// Without an answer: a fault, or the client was gone.
    Cut,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallRecord {
    /// Number in the order of arrival, from 0.
    pub seq: u64,
    /// Who got it.
    pub node: Node,
    /// What it asked for.
    pub call: Call,
    /// Whether it was sent on or served.
    pub hop: Hop,
    /// Database, empty where not named.
    pub db: String,
    /// Table, empty where neither named nor known from the label.
    pub table: String,
    /// Label, empty where not named.
    pub label: String,
    /// Bytes of body that were read.
    pub body_bytes: u64,
    /// How it ended.
    pub outcome: Outcome,
}

impl fmt::Display for CallRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "#{} {} {} {}.{} {}",
            self.seq, self.node, self.call, self.db, self.table, self.label
        )?;
        match (&self.outcome, self.hop) {
            (_, Hop::Redirect) => write!(f, " -> 307"),
            (Outcome::Pending, _) => write!(f, " -> …"),
            (Outcome::Answered { status, word }, _) => write!(f, " -> {status} {word}"),
            (Outcome::Cut, _) => write!(f, " -> cut"),
        }
    }
}

/// A call that a test waited for did not come.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} did not come within {waited:?}; the last calls were: {last}")]
pub struct WaitError {
    what: String,
    waited: Duration,
    last: String,
}

/// Records that are kept; a server that runs for days must not fill its memory.
const KEPT: usize = 100_000;

#[derive(Debug, Default)]
struct Records {
    kept: VecDeque<CallRecord>,
    next: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Journal {
    records: Mutex<Records>,
    changed: Condvar,
}

impl Journal {
    fn lock(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn arrived(&self, node: Node, hop: Hop, head: &Head) -> u64 {
        let mut records = self.lock();
        let seq = records.next;
        records.next += 1;
        if records.kept.len() == KEPT {
            records.kept.pop_front();
        }
        records.kept.push_back(CallRecord {
            seq,
            node,
            call: head.call,
            hop,
            db: head.db.clone(),
            table: head.table.clone(),
            label: head.label.clone(),
            body_bytes: 0,
            outcome: Outcome::Pending,
        });
        drop(records);
        self.changed.notify_all();
        seq
    }

    fn change(&self, seq: u64, change: impl FnOnce(&mut CallRecord)) {
        let mut records = self.lock();
        let first = records.kept.front().map_or(0, |r| r.seq);
        let at = seq
            .checked_sub(first)
            .and_then(|at| usize::try_from(at).ok());
        if let Some(record) = at.and_then(|at| records.kept.get_mut(at)) {
            change(record);
        }
        drop(records);
        self.changed.notify_all();
    }

    /// More of the body was read.
    pub(crate) fn read(&self, seq: u64, body_bytes: u64) {
        self.change(seq, |record| record.body_bytes = body_bytes);
    }

    pub(crate) fn ended(&self, seq: u64, outcome: Outcome) {
        self.change(seq, |record| record.outcome = outcome);
    }

    pub(crate) fn all(&self) -> Vec<CallRecord> {
        self.lock().kept.iter().cloned().collect()
    }

    /// The error of something that did not happen in time.
    pub(crate) fn timed_out(&self, what: &str, waited: Duration) -> WaitError {
        let records = self.lock();
        let last: Vec<_> = records
            .kept
            .iter()
            .rev()
            .take(8)
            .map(ToString::to_string)
            .collect();
        let last = last.into_iter().rev().collect::<Vec<_>>().join("; ");
        WaitError {
            what: what.to_owned(),
            waited,
            last,
        }
    }

    /// Waits until `found` answers something.
    pub(crate) fn wait<T>(
        &self,
        what: &str,
        timeout: Duration,
        found: impl Fn(&[&CallRecord]) -> Option<T>,
    ) -> Result<T, WaitError> {
        let deadline = Instant::now() + timeout;
        let mut records = self.lock();
        loop {
            let all: Vec<&CallRecord> = records.kept.iter().collect();
            if let Some(value) = found(&all) {
                return Ok(value);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(records);
                return Err(self.timed_out(what, timeout));
            }
            records = self
                .changed
                .wait_timeout(records, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}
