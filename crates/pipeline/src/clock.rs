//! Time, by argument: so that everything that waits can be tested without waiting.

use std::time::Instant;

/// What tells the time.
pub trait Clock: Send + Sync {
    /// Time that never goes back; for how long something took or may take.
    fn now(&self) -> Instant;

    /// Milliseconds since the epoch; for what is compared between machines.
    fn epoch_ms(&self) -> i64;
}
