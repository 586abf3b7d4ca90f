//! How long to wait before the next try.

use std::time::Duration;

/// Waits that grow from 100 ms to 10 s.
#[derive(Debug)]
pub struct Backoff {
    waits: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(10);

    /// Has not waited yet.
    #[must_use]
    pub fn new() -> Self {
        Self { waits: 0 }
    }

    /// How often it has waited.
    #[must_use]
    pub fn waits(&self) -> u32 {
        self.waits
    }

    /// The next wait.
    pub fn next_wait(&mut self) -> Duration {
        let wait = Self::FIRST
            .saturating_mul(1 << self.waits.min(20))
            .min(Self::LONGEST);
        self.waits += 1;
        wait
    }

    /// Waits.
    pub async fn wait(&mut self) {
        tokio::time::sleep(self.next_wait()).await;
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}
