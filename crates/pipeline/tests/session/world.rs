//! What a test stands on: a stand-in for StarRocks on real sockets, a stand-in for Kafka, and sessions on
//! threads of their own.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use starrocks_kafka_connect::converter::ConverterConfig;
use starrocks_kafka_pipeline::clock::Clock;
use starrocks_kafka_pipeline::encode::{Encoder, EncoderSettings};
use starrocks_kafka_pipeline::recovery::InDoubt;
use starrocks_kafka_pipeline::routing::TopicMap;
use starrocks_kafka_pipeline::settings::DeliveryGuarantee;
use starrocks_kafka_pipeline::status::TaskStatus;
use starrocks_kafka_pipeline::step::{Probe, Step};
use starrocks_kafka_pipeline::task::{Context, Session, SessionEnd, Stop, TaskSettings};
use starrocks_kafka_pipeline::warehouse::Warehouse;
use starrocks_kafka_starrocks::{Client, ClientConfig, Frontend, LoadHeaders, Secret};
use starrocks_kafka_testbed::{
    Call, Expected, Hop, StandIn, StandInOptions, Traced, Txn, TxnState, exactly_once,
};

use crate::broker::{Broker, Protocol, Slot};
use crate::fake_kafka::FakeKafka;

/// How long anything may take before a test gives up.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

pub(crate) const CONNECTOR: &str = "sink";
pub(crate) const DATABASE: &str = "d";

/// What tests change about a task.
#[derive(Clone, Debug)]
pub(crate) struct Tuning {
    pub(crate) guarantee: DeliveryGuarantee,
    pub(crate) flush_interval: Duration,
    pub(crate) flush_bytes_max: u64,
    pub(crate) retries_max: Option<u32>,
    pub(crate) progress_timeout: Duration,
    pub(crate) unavailable_timeout: Option<Duration>,
    pub(crate) release_patience: Duration,
    pub(crate) in_doubt: InDoubt,
    pub(crate) records_per_poll: usize,
    /// Properties of loads.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// As a worker does, another session follows one that must join anew.
    pub(crate) rejoins: bool,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            guarantee: DeliveryGuarantee::ExactlyOnce,
            flush_interval: Duration::from_millis(20),
            flush_bytes_max: u64::MAX,
            retries_max: Some(3),
            progress_timeout: LIMIT,
            unavailable_timeout: None,
            release_patience: LIMIT,
            in_doubt: InDoubt::Fail,
            records_per_poll: 500,
            headers: &[],
            rejoins: false,
        }
    }
}

/// The machine's time, moved ahead by tests where it is compared between machines.
#[derive(Debug)]
struct TestClock {
    start: Instant,
    ahead_ms: Arc<AtomicU64>,
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

/// Everything around the tasks of one connector.
pub(crate) struct World {
    pub(crate) stand_in: StandIn,
    pub(crate) broker: Broker,
    pub(crate) tuning: Tuning,
    /// `starrocks.topic2table.map`.
    map: Option<String>,
    tables: BTreeSet<String>,
    clock: Arc<TestClock>,
    chance: Arc<AtomicU64>,
}

impl World {
    pub(crate) fn new(tuning: Tuning) -> Self {
        Self::with(tuning, Protocol::Eager)
    }

    pub(crate) fn with(tuning: Tuning, protocol: Protocol) -> Self {
        let stand_in = StandIn::start(StandInOptions::default()).expect("the stand-in starts");
        stand_in.sql("CREATE DATABASE d").expect("a database");
        let start = tokio::time::Instant::now().into_std();
        Self {
            stand_in,
            broker: Broker::new(protocol),
            tuning,
            map: None,
            tables: BTreeSet::new(),
            clock: Arc::new(TestClock {
                start,
                ahead_ms: Arc::default(),
            }),
            chance: Arc::default(),
        }
    }

    /// Topics with so many partitions each, and a table for each.
    pub(crate) fn topics(mut self, topics: &[(&str, i32)]) -> Self {
        for (topic, partitions) in topics {
            for partition in 0..*partitions {
                self.broker.create(topic, partition);
            }
            self.table(topic);
        }
        self
    }

    /// Topics that go to tables of other names.
    pub(crate) fn map(mut self, pairs: &[(&str, &str)]) -> Self {
        let texts: Vec<_> = pairs
            .iter()
            .map(|(topic, table)| format!("{topic}:{table}"))
            .collect();
        self.map = Some(texts.join(","));
        for (topic, table) in pairs {
            self.broker.create(topic, 0);
            self.table(table);
        }
        self
    }

    fn table(&mut self, table: &str) {
        if !self.tables.insert(table.to_owned()) {
            return;
        }
        let ddl = format!(
            "CREATE TABLE d.`{table}` (t VARCHAR(300) NOT NULL, p INT NOT NULL, o BIGINT NOT NULL) \
             DUPLICATE KEY(t) DISTRIBUTED BY HASH(t)"
        );
        self.stand_in.sql(&ddl).expect("a table");
    }

    /// Every clock moves ahead.
    pub(crate) fn advance(&self, by: Duration) {
        self.clock
            .ahead_ms
            .fetch_add(by.as_millis() as u64, Ordering::SeqCst);
        self.stand_in
            .advance(by)
            .expect("its memory can be written");
    }

    pub(crate) fn spawn(&self) -> Task {
        self.spawn_with(Arc::default())
    }

    pub(crate) fn spawn_with(&self, steps: Arc<Steps>) -> Task {
        let (to, end) = sync_channel(1);
        let task = Task {
            status: Arc::default(),
            steps,
            rejoined: Arc::default(),
            stop: Stop::default(),
            end,
        };
        let start = Start {
            broker: self.broker.clone(),
            tuning: self.tuning.clone(),
            encoder: self.encoder(),
            client: self.client(),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            chance: Arc::clone(&self.chance),
            status: Arc::clone(&task.status),
            steps: Arc::clone(&task.steps),
            stop: task.stop.clone(),
            rejoined: Arc::clone(&task.rejoined),
        };
        std::thread::spawn(move || {
            // A test that has failed already asks nobody how the others ended.
            drop(to.send(catch(|| start.run())));
        });
        task
    }

    fn client(&self) -> Client {
        let frontends = Frontend::parse_list(&self.stand_in.http_url()).expect("addresses");
        Client::new(ClientConfig::new(frontends, "root", Secret::new(""))).expect("a client")
    }

    fn encoder(&self) -> Encoder {
        let converter = |property: &str, class: &str, settings: &[(&str, &str)]| ConverterConfig {
            property: property.to_owned(),
            class: class.to_owned(),
            settings: settings
                .iter()
                .map(|&(a, b)| (a.to_owned(), b.to_owned()))
                .collect(),
        };
        Encoder::new(&EncoderSettings {
            key: converter("key.converter", "ByteArrayConverter", &[]),
            value: converter(
                "value.converter",
                "JsonConverter",
                &[("schemas.enable", "false")],
            ),
            topics: self.map.as_deref().map_or_else(TopicMap::default, |text| {
                TopicMap::parse(text).expect("pairs of names")
            }),
        })
        .expect("valid settings")
    }

    /// Waits until `holds`.
    pub(crate) fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let until = tokio::time::Instant::now() + LIMIT;
        let mut state = self.broker.lock();
        loop {
            drop(state);
            if holds() {
                return;
            }
            assert!(
                tokio::time::Instant::now() < until,
                "{what} did not come; {}",
                self.shown()
            );
            // What changes elsewhere is looked at a little later.
            state = self.broker.lock();
            state = self.broker.wait(state, Duration::from_millis(2));
        }
    }

    /// Waits until everything is loaded and every offset says so without a plan.
    pub(crate) fn until_settled(&self) {
        self.until("the end of every log", || self.is_settled());
    }

    pub(crate) fn is_settled(&self) -> bool {
        let state = self.broker.lock();
        let plain = self.tuning.guarantee == DeliveryGuarantee::AtLeastOnce;
        let mut logs = state.logs.iter();
        logs.all(|(partition, log)| {
            let stored = state.stored.get(partition);
            stored.is_some_and(|stored| {
                let text = stored.text();
                let is_claim =
                    text.contains(r#""epoch""#) && !text.contains("plan") && !text.contains("owed");
                stored.offset == log.len() as i64 && if plain { text.is_empty() } else { is_claim }
            })
        })
    }

    /// Rows that can be seen, in all tables.
    pub(crate) fn rows(&self) -> usize {
        let count = |table: &String| {
            let result = self
                .stand_in
                .sql(&format!("SELECT count(*) FROM d.`{table}`"));
            result.expect("it counts").number().expect("one number") as usize
        };
        self.tables.iter().map(count).sum()
    }

    /// Records that have a row.
    pub(crate) fn records(&self) -> usize {
        let state = self.broker.lock();
        let slots = state.logs.values().flatten();
        slots
            .filter(|slot| matches!(slot, Slot::Value(Some(_))))
            .count()
    }

    /// Waits until every row is to be seen, stops, and looks at everything.
    pub(crate) fn finish(&self, task: &Task) {
        self.until("a recovery", || {
            task.steps.all().contains(&Step::RolledBack)
        });
        self.until_loaded();
        task.stop_clean();
        self.check_done();
    }

    pub(crate) fn until_loaded(&self) {
        self.until("every row", || self.rows() >= self.records());
    }

    fn shown(&self) -> String {
        let state = self.broker.lock();
        let stored: Vec<_> = state
            .stored
            .iter()
            .map(|(p, s)| format!("{p}: {} {}", s.offset, s.text()))
            .collect();
        let calls = self.stand_in.calls();
        let last: Vec<_> = calls
            .iter()
            .rev()
            .take(15)
            .map(ToString::to_string)
            .collect();
        format!(
            "stored {stored:#?}\nlast calls {last:#?}\nmembers {:#?}",
            state.members
        )
    }

    /// Every transaction that is not over.
    pub(crate) fn open(&self) -> Vec<Txn> {
        let over = |txn: &Txn| matches!(txn.state, TxnState::Visible | TxnState::Aborted);
        self.stand_in
            .transactions()
            .into_iter()
            .filter(|txn| !over(txn))
            .collect()
    }

    /// The rows of one table, per record.
    pub(crate) fn check_table(&self, table: &str, topics: &[&str]) {
        let state = self.broker.lock();
        let of_table = state
            .logs
            .iter()
            .filter(|(p, _)| topics.contains(&&*p.topic));
        let expected: Vec<_> = of_table
            .map(|(partition, log)| {
                let is_row = |slot: &Slot| matches!(slot, Slot::Value(Some(_)));
                let skipped = log.iter().enumerate().filter(|(_, slot)| !is_row(slot));
                let mut expected = Expected::all(
                    &partition.topic,
                    partition.partition.into(),
                    log.len() as u64,
                );
                expected.except = skipped.map(|(offset, _)| offset as u64).collect();
                expected
            })
            .collect();
        let traced = Traced::new(DATABASE, table, "p", "o").with_topic("t");
        if let Err(error) = exactly_once(&self.stand_in, &traced, &expected) {
            drop(state);
            panic!("{error}; {}", self.shown());
        }
    }

    /// A label is begun at most once, whatever happens.
    pub(crate) fn check_labels(&self) {
        let mut seen = BTreeSet::new();
        for call in self.stand_in.calls() {
            // Without a label it only asks whether there is such a call.
            if call.call == Call::Begin && call.hop == Hop::Serve && !call.label.is_empty() {
                assert!(seen.insert(call.label.clone()), "{call} was begun before");
            }
        }
    }

    /// Each record once in the table of its topic's name, everything settled, nothing open.
    pub(crate) fn check_done(&self) {
        assert!(self.is_settled(), "not settled: {}", self.shown());
        let topics: BTreeSet<String> = self
            .broker
            .lock()
            .logs
            .keys()
            .map(|partition| partition.topic.to_string())
            .collect();
        for topic in &topics {
            self.check_table(topic, &[topic]);
        }
        self.check_nothing_open();
    }

    pub(crate) fn check_nothing_open(&self) {
        assert_eq!(self.open(), [], "nothing may be open; {}", self.shown());
        assert!(
            self.broker.lock().open.is_empty(),
            "a Kafka transaction is open"
        );
        self.check_labels();
    }
}

fn catch(run: impl FnOnce() -> SessionEnd) -> std::thread::Result<Ended> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(end) => Ok(Ended::Session(end)),
        Err(panic) if panic.is::<Crash>() => Ok(Ended::Crashed),
        Err(panic) => Err(panic),
    }
}

/// What a task's thread takes along.
struct Start {
    broker: Broker,
    tuning: Tuning,
    encoder: Encoder,
    client: Client,
    clock: Arc<dyn Clock>,
    chance: Arc<AtomicU64>,
    status: Arc<TaskStatus>,
    steps: Arc<Steps>,
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

impl Start {
    fn run(mut self) -> SessionEnd {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let handle = runtime.handle().clone();
        let _runtime = Runtime(Some(runtime));
        loop {
            match self.session(&handle) {
                SessionEnd::Rejoin(reason) if self.tuning.rejoins && !self.stop.requested() => {
                    self.rejoined
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(reason);
                }
                end => return end,
            }
        }
    }

    fn session(&mut self, runtime: &tokio::runtime::Handle) -> SessionEnd {
        let tuning = &self.tuning;
        let probe = Arc::clone(&self.steps) as Arc<dyn Probe>;
        let mut kafka = FakeKafka::join(&self.broker, Arc::clone(&probe), tuning.records_per_poll);
        let headers = LoadHeaders::from_properties(tuning.headers.iter().copied());
        let settings = TaskSettings {
            connector: CONNECTOR.into(),
            guarantee: tuning.guarantee,
            flush_bytes_max: tuning.flush_bytes_max,
            flush_interval: tuning.flush_interval,
            retries_max: tuning.retries_max,
            progress_timeout: tuning.progress_timeout,
            unavailable_timeout: tuning.unavailable_timeout,
            headers: Arc::new(headers.expect("valid properties")),
            begin_timeout_s: 600,
            release_patience: tuning.release_patience,
        };
        let warehouse = Warehouse::new(
            self.client.clone(),
            CONNECTOR.into(),
            DATABASE.into(),
            tuning.in_doubt,
            Arc::clone(&self.clock),
            Arc::clone(&self.status),
            runtime.clone(),
        );
        let chance = Arc::clone(&self.chance);
        // Each number once, and no two alike at first sight.
        let mut draw =
            move || (chance.fetch_add(1, Ordering::SeqCst) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let context = Context {
            settings,
            warehouse,
            encoder: &mut self.encoder,
            clock: Arc::clone(&self.clock),
            chance: &mut draw,
            status: Arc::clone(&self.status),
            stop: self.stop.clone(),
            probe,
        };
        Session::new(&mut kafka, context).run()
    }
}
