//! Every request in the order it arrived, for tests to count and to wait for.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::faults::below;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestRecord {
    /// Number in the order of arrival, from 0.
    pub seq: u64,
    /// The server that got it.
    pub node: usize,
    /// Method.
    pub method: String,
    /// Path as it stood in the request, without the query.
    pub path: String,
    /// Query, decoded.
    pub query: Vec<(String, String)>,
    /// Headers, names in small letters.
    pub headers: Vec<(String, String)>,
    /// Whether the client showed a certificate.
    pub certificate: bool,
    /// HTTP status of the answer; `None` before it and where the connection was cut.
    pub status: Option<u16>,
}

impl RequestRecord {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The value of a parameter in the query.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for RequestRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} {} {}", self.seq, self.method, self.path)?;
        for (at, (name, value)) in self.query.iter().enumerate() {
            write!(f, "{}{name}={value}", if at == 0 { '?' } else { '&' })?;
        }
        match self.status {
            Some(status) => write!(f, " -> {status}"),
            None => write!(f, " -> …"),
        }
    }
}

/// A request that a test waited for did not come.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("request number {nth} of {path} did not come within {waited:?}; the last were: {last}")]
pub struct WaitError {
    nth: usize,
    path: String,
    waited: Duration,
    last: String,
}

/// Records that are kept; a server that runs for days must not fill its memory.
const KEPT: usize = 10_000;

#[derive(Debug, Default)]
struct Records {
    kept: VecDeque<RequestRecord>,
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

    /// Keeps a request, and answers its number.
    pub(crate) fn arrived(&self, record: RequestRecord) -> u64 {
        let mut records = self.lock();
        let seq = records.next;
        records.next += 1;
        if records.kept.len() == KEPT {
            records.kept.pop_front();
        }
        records.kept.push_back(RequestRecord { seq, ..record });
        drop(records);
        self.changed.notify_all();
        seq
    }

    pub(crate) fn answered(&self, seq: u64, status: u16) {
        let mut records = self.lock();
        // The last ones are looked for.
        let found = records
            .kept
            .iter_mut()
            .rev()
            .find(|record| record.seq == seq);
        if let Some(record) = found {
            record.status = Some(status);
        }
        drop(records);
        self.changed.notify_all();
    }

    pub(crate) fn total(&self) -> u64 {
        self.lock().next
    }

    pub(crate) fn all(&self) -> Vec<RequestRecord> {
        self.lock().kept.iter().cloned().collect()
    }

    /// Waits for the n-th request of a path, from 1.
    pub(crate) fn wait_for(
        &self,
        path: &str,
        nth: usize,
        timeout: Duration,
    ) -> Result<RequestRecord, WaitError> {
        let deadline = Instant::now() + timeout;
        let mut records = self.lock();
        loop {
            let mut matching = records
                .kept
                .iter()
                .filter(|record| below(&record.path, path));
            if let Some(record) = matching.nth(nth.saturating_sub(1)) {
                return Ok(record.clone());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let last: Vec<_> = records
                    .kept
                    .iter()
                    .rev()
                    .take(8)
                    .map(ToString::to_string)
                    .collect();
                return Err(WaitError {
                    nth,
                    path: path.to_owned(),
                    waited: timeout,
                    last: last.into_iter().rev().collect::<Vec<_>>().join("; "),
                });
            }
            let waited = self.changed.wait_timeout(records, left);
            records = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
