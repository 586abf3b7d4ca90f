//! One task: sessions on a thread of their own, one after the other, with a probe that counts the steps and can
//! end them like a crash.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use starrocks_kafka_pipeline::clock::Clock;
use starrocks_kafka_pipeline::encode::Encoder;
use starrocks_kafka_pipeline::remembered::Remembered;
use starrocks_kafka_pipeline::schemas::{Registries, RegistryClients};
use starrocks_kafka_pipeline::status::TaskStatus;
use starrocks_kafka_pipeline::step::{Probe, Step};
use starrocks_kafka_pipeline::task::{Context, JOIN, Session, SessionEnd, Stop, TaskSettings};
use starrocks_kafka_pipeline::warehouse::Warehouse;
use starrocks_kafka_starrocks::Client;

use crate::broker::Broker;
use crate::fake_kafka::FakeKafka;
use crate::world::{CONNECTOR, DATABASE, LIMIT, Tuning};

/// How long a session that must join anew waits: the first time, and at most.
const REJOIN_AFTER: Duration = Duration::from_millis(10);
const REJOIN_LONGEST: Duration = Duration::from_millis(320);

/// The machine's time, moved ahead by tests where it is compared between machines.
#[derive(Debug)]
pub(crate) struct TestClock {
    pub(crate) start: Instant,
    pub(crate) ahead_ms: Arc<AtomicU64>,
}

/// Some day in 2023; nothing here asks which.
const START_MS: i64 = 1_700_000_000_000;

impl Clock for TestClock {
    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn epoch_ms(&self) -> i64 {
        let ms = self.now().duration_since(self.start).as_millis() as i64;
        START_MS + ms + self.ahead_ms.load(Ordering::SeqCst) as i64
    }
}

/// Notes the steps, and ends the process, as it were, at one of them.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    reached: Mutex<Vec<Step>>,
    crash: Mutex<Option<(Step, usize)>>,
}

impl Steps {
    fn count(&self, step: Step) -> usize {
        let reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        reached.iter().filter(|is| **is == step).count()
    }

    pub(crate) fn all(&self) -> Vec<Step> {
        self.reached
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The next time that `step` is reached is the last.
    pub(crate) fn crash_at_next(&self, step: Step) {
        self.crash_at(step, self.count(step) + 1);
    }

    pub(crate) fn crash_no_more(&self) {
        *self.crash.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// From now on, the `nth` time that `step` is reached is the last.
    pub(crate) fn crash_at(&self, step: Step, nth: usize) {
        *self.crash.lock().unwrap_or_else(PoisonError::into_inner) = Some((step, nth));
    }
}

impl Probe for Steps {
    fn reached(&self, step: Step) {
        self.reached
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(step);
        let crash = *self.crash.lock().unwrap_or_else(PoisonError::into_inner);
        if crash.is_some_and(|(at, nth)| at == step && self.count(step) == nth) {
            // No hook is called and nothing is printed: this panic is the test's.
            resume_unwind(Box::new(Crash));
        }
    }
}

struct Crash;

/// How a task's thread ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Session(SessionEnd),
    /// Where the test has asked for it.
    Crashed,
}

impl Ended {
    /// The reason of a task that failed.
    pub(crate) fn failure(self) -> String {
        match self {
            Self::Session(SessionEnd::Failed(reason)) => reason,
            other => panic!("the task was to fail: {other:?}"),
        }
    }
}

/// A task on its thread.
pub(crate) struct Task {
    pub(crate) status: Arc<TaskStatus>,
    pub(crate) steps: Arc<Steps>,
    /// Why sessions were begun anew, in order.
    pub(crate) rejoined: Arc<Mutex<Vec<String>>>,
    stop: Stop,
    end: Receiver<std::thread::Result<Ended>>,
}

impl Task {
    /// How it ends by itself.
    pub(crate) fn ended(&self) -> Ended {
        match self.end.recv_timeout(LIMIT) {
            Ok(Ok(ended)) => ended,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => panic!(
                "the task did not end; steps {:?}, retrying {:?}",
                self.steps.all(),
                self.status.retrying()
            ),
        }
    }

    /// How it has ended, where it has.
    pub(crate) fn try_ended(&self) -> Option<Ended> {
        match self.end.try_recv().ok()? {
            Ok(ended) => Some(ended),
            Err(panic) => resume_unwind(panic),
        }
    }

    /// How it ends when it is asked to, with as much time as it needs.
    pub(crate) fn stop(&self) -> Ended {
        self.stop_within(LIMIT)
    }

    pub(crate) fn stop_within(&self, time: Duration) -> Ended {
        self.stop
            .request((tokio::time::Instant::now() + time).into_std());
        self.ended()
    }

    /// It stops and has nothing to say about it.
    pub(crate) fn stop_clean(&self) {
        let expect = Ended::Session(SessionEnd::Stopped { left: None });
        assert_eq!(self.stop(), expect, "rejoined {:?}", self.rejoined());
    }

    pub(crate) fn rejoined(&self) -> Vec<String> {
        self.rejoined
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn catch(run: impl FnOnce() -> SessionEnd) -> std::thread::Result<Ended> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(end) => Ok(Ended::Session(end)),
        Err(panic) if panic.is::<Crash>() => Ok(Ended::Crashed),
        Err(panic) => Err(panic),
    }
}

/// What a task is started with.
pub(crate) struct Start {
    pub(crate) broker: Broker,
    pub(crate) tuning: Tuning,
    pub(crate) encoder: Encoder,
    pub(crate) registries: RegistryClients,
    pub(crate) client: Client,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Arc<AtomicU64>,
    pub(crate) steps: Arc<Steps>,
    pub(crate) remembered: Remembered,
}

impl Start {
    pub(crate) fn spawn(self) -> Task {
        let (to, end) = sync_channel(1);
        let task = Task {
            status: Arc::default(),
            steps: Arc::clone(&self.steps),
            rejoined: Arc::default(),
            stop: Stop::default(),
            end,
        };
        let run = Run {
            status: Arc::clone(&task.status),
            stop: task.stop.clone(),
            rejoined: Arc::clone(&task.rejoined),
            start: self,
        };
        std::thread::spawn(move || {
            // A test that has failed already asks nobody how the others ended.
            drop(to.send(catch(|| run.run())));
        });
        task
    }
}

/// What a task's thread has.
struct Run {
    start: Start,
    status: Arc<TaskStatus>,
    stop: Stop,
    rejoined: Arc<Mutex<Vec<String>>>,
}

/// Ends with the thread, at once: a crash leaves nothing running.
struct Runtime(Option<tokio::runtime::Runtime>);

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Run {
    fn run(mut self) -> SessionEnd {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let handle = runtime.handle().clone();
        let _runtime = Runtime(Some(runtime));
        let mut rest = REJOIN_AFTER;
        loop {
            match self.session(&handle) {
                // As a worker does: what is stopping does not join anew.
                SessionEnd::Rejoin(_) if self.start.tuning.rejoins && self.stop.requested() => {
                    return SessionEnd::Stopped { left: None };
                }
                SessionEnd::Rejoin(reason) if self.start.tuning.rejoins => {
                    self.status
                        .try_again(self.start.clock.now(), JOIN, &reason, false);
                    let mut rejoined = self.rejoined.lock().unwrap_or_else(PoisonError::into_inner);
                    rejoined.push(reason);
                    drop(rejoined);
                    self.rest(rest);
                    rest = (rest * 2).min(REJOIN_LONGEST);
                }
                end => return end,
            }
        }
    }

    /// Members that all come back at once would disturb one another again and again.
    fn rest(&self, time: Duration) {
        let until = tokio::time::Instant::now() + time;
        let mut state = self.start.broker.lock();
        while !self.stop.requested() {
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.start.broker.wait(state, left.min(REJOIN_AFTER));
        }
    }

    fn session(&mut self, runtime: &tokio::runtime::Handle) -> SessionEnd {
        let tuning = &self.start.tuning;
        let probe = Arc::clone(&self.start.steps) as Arc<dyn Probe>;
        let mut kafka = FakeKafka::join(
            &self.start.broker,
            Arc::clone(&probe),
            tuning.records_per_poll,
        );
        let settings = TaskSettings {
            connector: CONNECTOR.into(),
            task: 0,
            refused_table_pause: tuning.refused_table_pause,
            bisect_loads_max: tuning.bisect_loads_max,
            errors: tuning.errors.clone(),
            guarantee: tuning.guarantee,
            flush_bytes_max: tuning.flush_bytes_max,
            flush_interval: tuning.flush_interval,
            retries_max: tuning.retries_max,
            progress_timeout: tuning.progress_timeout,
            unavailable_timeout: tuning.unavailable_timeout,
            loads: Arc::new(tuning.loads()),
            begin_timeout_s: 600,
            release_patience: tuning.release_patience,
        };
        let warehouse = Warehouse::new(
            self.start.client.clone(),
            CONNECTOR.into(),
            DATABASE.into(),
            tuning.in_doubt,
            Arc::clone(&self.start.clock),
            Arc::clone(&self.status),
            runtime.clone(),
        );
        let chance = Arc::clone(&self.start.chance);
        // Each number once, and no two alike at first sight.
        let mut draw =
            move || (chance.fetch_add(1, Ordering::SeqCst) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let context = Context {
            settings,
            warehouse,
            encoder: &mut self.start.encoder,
            registries: Registries::new(
                self.start.registries.clone(),
                Arc::clone(&self.start.clock),
                Arc::clone(&self.status),
            ),
            clock: Arc::clone(&self.start.clock),
            chance: &mut draw,
            remembered: self.start.remembered.clone(),
            status: Arc::clone(&self.status),
            stop: self.stop.clone(),
            probe,
        };
        Session::new(&mut kafka, context).run()
    }
}
