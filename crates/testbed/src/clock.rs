//! The time the stand-in goes by: the machine's, moved ahead by tests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where the stand-in takes the time from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClockKind {
    /// The machine's clock, plus what [`advance`](crate::StandIn::advance) added. A sweeper looks for timeouts by itself.
    #[default]
    System,
    /// Stands still but for [`advance`](crate::StandIn::advance), which also looks for timeouts.
    Manual,
}

/// Milliseconds since 1970.
#[derive(Debug)]
pub(crate) struct Clock {
    kind: ClockKind,
    start_ms: u64,
    ahead_ms: AtomicU64,
}

impl Clock {
    pub(crate) fn new(kind: ClockKind) -> Self {
        Self {
            kind,
            start_ms: machine_ms(),
            ahead_ms: AtomicU64::new(0),
        }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        let base = match self.kind {
            ClockKind::System => machine_ms(),
            ClockKind::Manual => self.start_ms,
        };
        base + self.ahead_ms.load(Ordering::SeqCst)
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.ahead_ms.fetch_add(
            u64::try_from(by.as_millis()).unwrap_or(u64::MAX / 4),
            Ordering::SeqCst,
        );
    }

    pub(crate) fn kind(&self) -> ClockKind {
        self.kind
    }
}

fn machine_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX / 2))
}
