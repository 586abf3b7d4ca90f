//! What a BE knows of a transaction while rows come in (`StreamLoadContext`).

use crate::headers::LoadHeaders;

/// A BE's open transaction.
#[derive(Debug, Default)]
pub(crate) struct Context {
    pub(crate) db: String,
    pub(crate) table: String,
    pub(crate) txn: i64,
    /// Held by a request; another one is told `TXN_IN_PROCESSING`.
    pub(crate) busy: bool,
    /// Headers of the first load; later loads must ask for the same plan.
    pub(crate) headers: Option<LoadHeaders>,
    /// Bodies that came in whole.
    pub(crate) units: Vec<Vec<u8>>,
    /// The body that is coming in. What a broken connection leaves here is joined to the next load.
    pub(crate) partial: Vec<u8>,
    /// Sum of the `Content-Length` of all JSON loads.
    pub(crate) json_bytes: u64,
    pub(crate) load_bytes: u64,
    /// Rows by brackets, in the mode that only counts.
    pub(crate) counted_rows: u64,
    pub(crate) begun_ms: u64,
    pub(crate) active_ms: u64,
    pub(crate) timeout_ms: u64,
    pub(crate) idle_ms: Option<u64>,
}

/// The cleaner thread comes by this often; an idle timeout is only seen then.
const CLEANER_MS: u64 = 30_000;

impl Context {
    /// Why the transaction is to be dropped, if it is.
    pub(crate) fn overdue(&self, now_ms: u64) -> Option<String> {
        if self.busy {
            return None;
        }
        if now_ms > self.begun_ms + self.timeout_ms {
            return Some(format!(
                "transaction is aborted by timeout {} seconds.",
                self.timeout_ms / 1000
            ));
        }
        let idle = self
            .idle_ms
            .filter(|idle| now_ms > self.active_ms + idle + CLEANER_MS)?;
        Some(format!(
            "transaction is aborted by idle timeout {} seconds.",
            idle / 1000
        ))
    }

    /// All bodies, a partial one too: prepare and commit push what is there.
    pub(crate) fn take_bodies(&mut self) -> Vec<Vec<u8>> {
        let mut bodies = std::mem::take(&mut self.units);
        if !self.partial.is_empty() {
            bodies.push(std::mem::take(&mut self.partial));
        }
        bodies
    }
}
