//! Waiting for StarRocks and Kafka without the group taking the member for dead.

use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use tracing::Instrument as _;

use super::{GroupEvent, Halt, Session, SessionEnd, Turn, failed, rejoin};
use crate::kafka::{Kafka, KafkaError, KafkaErrorKind, Polled};

/// How long the thread waits before it pauses its partitions and polls: pausing drops what was fetched, and
/// heartbeats go on without polling.
const WITHOUT_POLLING: Duration = Duration::from_secs(2);

const TICK: Duration = Duration::from_millis(50);

impl<K: Kafka> Session<'_, K> {
    /// Runs `work` on the async runtime and waits for its end.
    pub(super) fn wait<T: Send + 'static>(
        &mut self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Turn<T> {
        let (receiver, task) = self.start(work);
        self.wait_for(&receiver).inspect_err(|_| task.abort())
    }

    /// Runs `work` on the async runtime.
    pub(super) fn start<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> (Receiver<T>, tokio::task::AbortHandle) {
        let (to, from) = sync_channel(1);
        let run = async move {
            // The session may have ended meanwhile; then nobody asks any more.
            drop(to.send(work.await));
        };
        let task = self.task.warehouse.runtime().spawn(run.in_current_span());
        (from, task.abort_handle())
    }

    /// Waits for what was started, polling for events after a while.
    pub(super) fn wait_for<T>(&mut self, from: &Receiver<T>) -> Turn<T> {
        loop {
            // There is no such time, and so no end without a value.
            if let Some(value) = self.wait_for_at_most(from, Duration::MAX)? {
                return Ok(value);
            }
        }
    }

    /// The same, for so long at most.
    pub(super) fn wait_for_at_most<T>(
        &mut self,
        from: &Receiver<T>,
        limit: Duration,
    ) -> Turn<Option<T>> {
        let began = self.now();
        let poll_at = began + WITHOUT_POLLING;
        loop {
            match from.recv_timeout(TICK) {
                Ok(value) => return Ok(Some(value)),
                Err(RecvTimeoutError::Disconnected) => return Err(panicked()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.check_patience()?;
            if self.now().duration_since(began) >= limit {
                return Ok(None);
            }
            if self.now() >= poll_at {
                self.poll_events(Duration::ZERO)?;
            }
        }
    }

    /// Rests, polling for events.
    pub(super) fn rest(&mut self, time: Duration) -> Turn {
        let until = self.now() + time;
        loop {
            self.check_patience()?;
            let left = until.saturating_duration_since(self.now());
            if left.is_zero() || self.task.stop.requested() || !self.events.is_empty() {
                return Ok(());
            }
            self.poll_events(left.min(TICK))?;
        }
    }

    /// Polls with every partition paused: only events come.
    pub(super) fn poll_events(&mut self, timeout: Duration) -> Turn {
        self.pause();
        match self.kafka.poll(timeout) {
            Ok(polled) => {
                if self.keep(polled).is_some() {
                    return Err(rejoin(
                        "the Kafka client delivered records of paused partitions",
                    ));
                }
                Ok(())
            }
            Err(error) => self.poll_failed(&error),
        }
    }

    /// Looks for events, so that what is sent to Kafka next is sent in the generation that the member has now:
    /// it may have changed in a long wait, and a refusal would cost leaving the group.
    pub(super) fn look_for_events(&mut self) -> Turn {
        while self.batch.is_none() {
            match self.kafka.poll(Duration::ZERO) {
                Ok(Polled::Nothing) => break,
                Ok(polled) => self.batch = self.keep(polled).map(|batch| (batch, 0)),
                Err(error) => return self.poll_failed(&error),
            }
        }
        Ok(())
    }

    /// Notes what a poll has told, and gives the records that it brought.
    pub(super) fn keep(&mut self, polled: Polled<K::Batch>) -> Option<K::Batch> {
        let event = match polled {
            Polled::Records(batch) => return Some(batch),
            Polled::Assigned { owned, .. } => GroupEvent::Assigned(owned),
            Polled::Revoked { partitions } => GroupEvent::Revoked(partitions),
            Polled::Lost { partitions } => GroupEvent::Lost(partitions),
            Polled::OutOfRange {
                partition,
                position,
                found,
            } => {
                tracing::debug!(
                    "{partition} cannot be read at {position}; the broker went on at {found}"
                );
                self.out_of_range.insert(partition, found);
                return None;
            }
            Polled::TopicMissing { topic, message } => {
                self.topic_missing(&topic, &message);
                return None;
            }
            Polled::TopicFound { topic } => {
                self.task.status.topic_found(self.now(), &topic);
                return None;
            }
            Polled::EndOfPartition { partition, offset } => {
                self.end_of_partition(&partition, offset);
                return None;
            }
            Polled::Nothing => return None,
        };
        if event.is_waited_for() {
            let now = self.now();
            self.events_since.get_or_insert(now);
        }
        self.events.push_back(event);
        None
    }

    pub(super) fn poll_failed(&mut self, error: &KafkaError) -> Turn {
        if error.kind == KafkaErrorKind::Permanent {
            return Err(failed(error.message.clone()));
        }
        self.task
            .status
            .try_again(self.now(), READ, &error.message, false);
        Ok(())
    }

    pub(super) fn pause(&mut self) {
        if !self.is_paused {
            self.kafka.pause_all();
            self.is_paused = true;
        }
    }

    pub(super) fn unpause(&mut self) {
        if self.is_paused {
            let active = self.positions.keys();
            let active: Vec<_> = active
                .filter(|partition| !self.schemas.holds(partition))
                .cloned()
                .collect();
            self.kafka.resume(&active);
            self.is_paused = false;
        }
    }

    /// Every limit on how long the thread may wait.
    fn check_patience(&mut self) -> Turn {
        let now = self.now();
        if self.task.stop.requested() && !self.has_joined {
            // Nothing was read yet, so nothing is to be brought home.
            return Err(Halt::End(SessionEnd::Stopped { left: None }));
        }
        if self.give_up_at.is_some_and(|at| now >= at) {
            return Err(rejoin("gave up cleaning up"));
        }
        if self
            .task
            .stop
            .deadline()
            .is_some_and(|deadline| now >= deadline)
        {
            let left = format!(
                "stopped while {}; what is not settled is rolled back or forward when the connector starts again",
                self.stage.0
            );
            return Err(Halt::End(SessionEnd::Stopped { left: Some(left) }));
        }
        let patience = self.task.settings.release_patience;
        if self
            .events_since
            .is_some_and(|since| now.duration_since(since) >= patience)
        {
            return Err(rejoin(format!(
                "the group waits for a rebalance since {} s, and the round could not be brought to an end; leaving the \
                 group instead",
                patience.as_secs()
            )));
        }
        self.check_unavailable(now)?;
        self.check_progress(now)
    }

    fn check_unavailable(&self, now: Instant) -> Turn {
        let Some(limit) = self.task.settings.unavailable_timeout else {
            return Ok(());
        };
        match self.task.status.unavailable_longest() {
            Some(retrying) if now.duration_since(retrying.since) >= limit => Err(failed(format!(
                "StarRocks was not available for {} ms (starrocks.unavailable.timeout.ms): {}: {}",
                limit.as_millis(),
                retrying.what,
                retrying.because
            ))),
            _ => Ok(()),
        }
    }

    fn check_progress(&self, now: Instant) -> Turn {
        let (stage, since) = self.stage;
        let limit = self.task.settings.progress_timeout;
        let last = self
            .task
            .status
            .progress_at()
            .map_or(since, |at| at.max(since));
        if now.duration_since(last) < limit {
            return Ok(());
        }
        Err(failed(format!(
            "no progress for {} ms (starrocks.progress.timeout.ms) while {stage}, which began {} s ago",
            limit.as_millis(),
            now.duration_since(since).as_secs()
        )))
    }
}

/// What ran on the async runtime is gone without an answer.
pub(super) fn panicked() -> Halt {
    failed("a task ended in a panic; this is a defect of starrocks-kafka, please report it")
}

/// What reading is called where it is tried again.
pub(super) const READ: &str = "read from Kafka";
