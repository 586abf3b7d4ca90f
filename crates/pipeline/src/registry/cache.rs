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

/// Answers by question. What never changes is kept for as long as the client: an id means one schema for ever.
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
    /// The answer that is known, else that of `fetch`, which for ever is one where `keeps` says so.
    pub(super) async fn get(
        &self,
        key: &K,
        keeps: bool,
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
        let until = |after: Duration| Some(Instant::now() + after);
        *answer = match &result {
            Ok(value) => Some(Answer {
                result: Ok(value.clone()),
                until: if keeps { None } else { until(CHANGING) },
            }),
            Err(RegistryError::Denied(reason)) => Some(Answer {
                result: Err(reason.clone()),
                until: until(DENIED),
            }),
            Err(_) => None,
        };
        result
    }
}
