//! What a task tells of itself: what it has done, and what it waits for.
//!
//! Whoever asks StarRocks or Kafka again and again says so here, so that a task that looks idle never is
//! one that is stuck.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often a lasting retry is written to the log again.
const REMINDER: Duration = Duration::from_secs(60);

/// Something that is tried again until it succeeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retrying {
    /// What is tried.
    pub what: String,
    /// Since when.
    pub since: Instant,
    /// Why it did not succeed the last time.
    pub because: String,
    /// How often it was tried.
    pub times: u64,
    /// The other side did not answer at all, as opposed to having refused.
    pub unavailable: bool,
    reminded: Instant,
}

/// The state of a task, as Kafka Connect names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TaskState {
    /// Not started, or waiting for its partitions.
    #[default]
    Unassigned,
    /// At work.
    Running,
    /// Stopped by an error; it does not start again by itself.
    Failed(String),
    /// Stopped as asked.
    Stopped,
}

/// What has been done so far.
#[derive(Debug, Default)]
pub struct Counters {
    /// Records read from Kafka and turned into rows or skipped.
    pub records: AtomicU64,
    /// Records that were passed over because of an error (`errors.tolerance=all`).
    pub records_skipped: AtomicU64,
    /// Dead letters that were written.
    pub dead_letters: AtomicU64,
    /// Rows that StarRocks has taken; not yet visible.
    pub loaded_rows: AtomicU64,
    /// Bytes of rows that StarRocks has taken, before compression.
    pub loaded_bytes: AtomicU64,
    /// Rounds whose rows are visible.
    pub rounds: AtomicU64,
    /// Rounds that were given up and begun again.
    pub rounds_again: AtomicU64,
    /// Records that were passed over because the broker had them no longer, and those that
    /// `auto.offset.reset=latest` skipped with them; by their offsets, so that what was compacted away counts.
    pub records_lost: AtomicU64,
    /// How often a partition could not be read where it stood, also where nobody can tell how many records
    /// that cost.
    pub losses: AtomicU64,
    /// Partitions whose stored offset the group had no longer.
    pub offsets_vanished: AtomicU64,
}

/// How looking for a topic is called; its name follows.
const FIND_TOPIC: &str = "find topic ";

/// Incidents that a status keeps; older ones are in the log.
const INCIDENTS_KEPT: usize = 20;

/// Something that happened once, and that a user should know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// When.
    pub at: Instant,
    /// What, in one line.
    pub what: String,
}

/// The shared face of one task.
#[derive(Debug, Default)]
pub struct TaskStatus {
    /// What has been done so far.
    pub counters: Counters,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    state: TaskState,
    guarantee: Option<&'static str>,
    retrying: BTreeMap<String, Retrying>,
    incidents: VecDeque<Incident>,
    progress_at: Option<Instant>,
}

impl TaskStatus {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere leaves plain values behind, never half of one.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The task's state.
    #[must_use]
    pub fn state(&self) -> TaskState {
        self.inner().state.clone()
    }

    /// Sets the task's state.
    pub fn set_state(&self, state: TaskState) {
        self.inner().state = state;
    }

    /// The delivery guarantee in force; `None` until it is known.
    #[must_use]
    pub fn guarantee(&self) -> Option<&'static str> {
        self.inner().guarantee
    }

    /// Sets the delivery guarantee in force.
    pub fn set_guarantee(&self, guarantee: &'static str) {
        self.inner().guarantee = Some(guarantee);
    }

    /// Everything that is being tried again.
    #[must_use]
    pub fn retrying(&self) -> Vec<Retrying> {
        self.inner().retrying.values().cloned().collect()
    }

    /// What has happened that a user should know of: the newest ones, oldest first.
    #[must_use]
    pub fn incidents(&self) -> Vec<Incident> {
        self.inner().incidents.iter().cloned().collect()
    }

    /// `what` has happened. Whoever tells of it says it in the log.
    pub fn incident(&self, now: Instant, what: String) {
        let mut inner = self.inner();
        if inner.incidents.len() >= INCIDENTS_KEPT {
            inner.incidents.pop_front();
        }
        inner.incidents.push_back(Incident { at: now, what });
    }

    /// `what` was tried and will be tried again. Logged the first time and once a minute.
    pub fn try_again(&self, now: Instant, what: &str, because: &str, unavailable: bool) {
        let mut inner = self.inner();
        inner.progress_at = Some(now);
        if let Some(retrying) = inner.retrying.get_mut(what) {
            retrying.times += 1;
            because.clone_into(&mut retrying.because);
            retrying.unavailable = unavailable;
            if now.duration_since(retrying.reminded) < REMINDER {
                return;
            }
            retrying.reminded = now;
            let (since, times) = (now.duration_since(retrying.since), retrying.times);
            drop(inner);
            tracing::warn!(
                seconds = since.as_secs(),
                times,
                "still retrying: {what}, because: {because}"
            );
            return;
        }
        let retrying = Retrying {
            what: what.to_owned(),
            since: now,
            because: because.to_owned(),
            times: 1,
            unavailable,
            reminded: now,
        };
        inner.retrying.insert(what.to_owned(), retrying);
        drop(inner);
        tracing::warn!("retrying: {what}, because: {because}");
    }

    /// `what` need not be tried again. Logged where it was.
    pub fn succeeded(&self, now: Instant, what: &str) {
        let mut inner = self.inner();
        inner.progress_at = Some(now);
        if let Some(retrying) = inner.retrying.remove(what) {
            drop(inner);
            let since = now.duration_since(retrying.since);
            tracing::info!(
                seconds = since.as_secs(),
                times = retrying.times,
                "succeeded after retrying: {what}"
            );
        }
    }

    /// One thing that was being tried again is given up.
    pub fn forget(&self, what: &str) {
        self.inner().retrying.remove(what);
    }

    /// What was being tried again is given up.
    pub fn forget_retries(&self) {
        self.inner().retrying.clear();
    }

    /// The same, but for topics that do not exist: whether they come has nothing to do with what else goes on.
    pub fn forget_retries_but_topics(&self) {
        self.inner()
            .retrying
            .retain(|what, _| what.starts_with(FIND_TOPIC));
    }

    /// A topic does not exist, and is looked for until [`topic_found`](Self::topic_found).
    pub fn topic_missing(&self, now: Instant, topic: &str, because: &str) {
        self.try_again(now, &format!("{FIND_TOPIC}{topic}"), because, false);
    }

    /// A topic exists after all, or is not asked for any more.
    pub fn topic_found(&self, now: Instant, topic: &str) {
        self.succeeded(now, &format!("{FIND_TOPIC}{topic}"));
    }

    /// The topics that are looked for.
    #[must_use]
    pub fn missing_topics(&self) -> Vec<String> {
        let inner = self.inner();
        let topics = inner.retrying.keys();
        topics
            .filter_map(|what| what.strip_prefix(FIND_TOPIC))
            .map(str::to_owned)
            .collect()
    }

    /// Something went ahead.
    pub fn progress(&self, now: Instant) {
        self.inner().progress_at = Some(now);
    }

    /// When something last went ahead, or a retry was counted.
    #[must_use]
    pub fn progress_at(&self) -> Option<Instant> {
        self.inner().progress_at
    }

    /// The longest retry because the other side does not answer.
    #[must_use]
    pub fn unavailable_longest(&self) -> Option<Retrying> {
        let inner = self.inner();
        inner
            .retrying
            .values()
            .filter(|retrying| retrying.unavailable)
            .min_by_key(|retrying| retrying.since)
            .cloned()
    }
}

impl Counters {
    /// Adds to a counter.
    pub(crate) fn add(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_missed_until_it_is_found() {
        let status = TaskStatus::default();
        let now = tokio::time::Instant::now().into_std();
        status.try_again(now, "begin", "refused", false);
        for topic in ["orders", "customers"] {
            status.topic_missing(now, topic, "it does not exist");
        }
        status.forget_retries_but_topics();
        assert_eq!(status.missing_topics(), ["customers", "orders"]);
        assert_eq!(status.retrying().len(), 2);
        status.topic_found(now, "orders");
        assert_eq!(status.missing_topics(), ["customers"]);
        status.forget_retries();
        assert_eq!(status.retrying(), []);
    }

    #[test]
    fn the_newest_incidents_are_kept() {
        let status = TaskStatus::default();
        let now = tokio::time::Instant::now().into_std();
        for number in 0..INCIDENTS_KEPT + 3 {
            status.incident(now, number.to_string());
        }
        let kept = status.incidents();
        assert_eq!(kept.len(), INCIDENTS_KEPT);
        assert_eq!(
            (&*kept[0].what, &*kept[INCIDENTS_KEPT - 1].what),
            ("3", "22")
        );
    }

    #[test]
    fn a_retry_is_shown_from_its_first_failure_until_it_succeeds() {
        let status = TaskStatus::default();
        let start = tokio::time::Instant::now().into_std();
        let at = |seconds| start + Duration::from_secs(seconds);
        status.try_again(at(0), "begin", "refused", false);
        status.try_again(at(5), "begin", "connection refused", true);
        status.try_again(at(3), "commit", "no answer", true);
        let shown: Vec<_> = status
            .retrying()
            .iter()
            .map(|r| (r.what.clone(), r.times, r.because.clone()))
            .collect();
        assert_eq!(
            shown,
            [
                ("begin".to_owned(), 2, "connection refused".to_owned()),
                ("commit".to_owned(), 1, "no answer".to_owned())
            ]
        );
        assert_eq!(status.unavailable_longest().map(|r| r.since), Some(at(0)));
        status.succeeded(at(6), "begin");
        assert_eq!(status.retrying().len(), 1);
        assert_eq!(status.progress_at(), Some(at(6)));
    }
}
