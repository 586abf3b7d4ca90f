//! The machine's clock.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use starrocks_kafka_pipeline::clock::Clock;

/// Tells the machine's time.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn epoch_ms(&self) -> i64 {
        // A clock before 1970 is as wrong as one that says 1970.
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}
