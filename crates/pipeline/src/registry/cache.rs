//! What was answered, and one question at a time for each thing that is asked.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::RegistryError;

/// How long a denial is believed: a schema may be registered a moment after its first record came.
const DENIED: Duration = Duration::from_secs(5);
/// How long an answer is believed that may change: the latest version of a subject.
const CHANGING: Duration = Duration::from_secs(60);

/// How long an answer is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// For as long as the client: an id means one schema for ever.
    Ever,
    /// For a minute: somebody may register a later version.
    Changing,
    /// As long as a denial: a part of it was denied.
    Brief,
}

impl Life {
    fn until(self, now: Instant) -> Option<Instant> {
        match self {
            Self::Ever => None,
            Self::Changing => Some(now + CHANGING),
            Self::Brief => Some(now + DENIED),
        }
    }
}

/// Answers by question.
#[derive(Debug)]
pub(super) struct Cache<K, V>(Mutex<HashMap<K, Place<V>>>);

/// Where an answer comes to stand. Who holds the lock asks; the others wait for the answer, or, where the asker gave up,
/// for their turn.
type Place<V> = Arc<tokio::sync::Mutex<Option<Answer<V>>>>;

#[derive(Debug)]
struct Answer<V> {
    result: Result<V, String>,
    until: Option<Instant>,
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Cache<K, V> {
    /// The answer that is known, else that of `fetch`, which lives as long as `life` says of it.
    pub(super) async fn get(
        &self,
        key: &K,
        life: impl FnOnce(&V) -> Life,
        fetch: impl Future<Output = Result<V, RegistryError>>,
    ) -> Result<V, RegistryError> {
        let place = {
            let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(places.entry(key.clone()).or_default())
        };
        let mut answer = place.lock().await;
        if let Some(known) = &*answer
            && known.until.is_none_or(|until| Instant::now() < until)
        {
            return known.result.clone().map_err(RegistryError::Denied);
        }
        let result = fetch.await;
        let now = Instant::now();
        *answer = match &result {
            Ok(value) => Some(Answer {
                result: Ok(value.clone()),
                until: life(value).until(now),
            }),
            Err(RegistryError::Denied(reason)) => Some(Answer {
                result: Err(reason.clone()),
                until: Life::Brief.until(now),
            }),
            Err(_) => None,
        };
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a cache answers, and how often it had to ask for it.
    #[derive(Default)]
    struct Asked {
        cache: Cache<&'static str, u32>,
        count: std::cell::Cell<u32>,
    }

    impl Asked {
        async fn get(&self, life: Life, answer: Result<(), RegistryError>) -> (u32, bool) {
            let fetch = async {
                self.count.set(self.count.get() + 1);
                answer.map(|()| self.count.get())
            };
            let known = self.cache.get(&"key", |_| life, fetch).await;
            (self.count.get(), known.is_ok())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_believed_for_its_time() {
        let denied = || Err(RegistryError::Denied("none".to_owned()));
        let away = || Err(RegistryError::Unavailable("away".to_owned()));
        let refused = || Err(RegistryError::Refused("no".to_owned()));
        let check = async |life: Life, first: Result<(), RegistryError>, after_ms, asked: u32| {
            let is_ok = first.is_ok();
            let at = Asked::default();
            assert_eq!(at.get(life, first).await, (1, is_ok));
            tokio::time::advance(Duration::from_millis(after_ms)).await;
            let expect = (asked, is_ok || asked == 2);
            assert_eq!(at.get(life, Ok(())).await, expect, "{life:?} {after_ms} ms");
        };
        const YEAR_MS: u64 = 365 * 86_400_000;
        check(Life::Ever, Ok(()), YEAR_MS, 1).await;
        check(Life::Changing, Ok(()), 59_999, 1).await;
        check(Life::Changing, Ok(()), 60_000, 2).await;
        check(Life::Brief, Ok(()), 4_999, 1).await;
        check(Life::Brief, Ok(()), 5_000, 2).await;
        check(Life::Ever, denied(), 4_999, 1).await;
        check(Life::Ever, denied(), 5_000, 2).await;
        check(Life::Ever, away(), 0, 2).await;
        check(Life::Ever, refused(), 0, 2).await;
    }
}
