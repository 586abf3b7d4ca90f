//! What a test stands on: a stand-in for StarRocks on real sockets, a stand-in for Kafka, and sessions on
//! threads of their own.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use starrocks_kafka_connect::converter::ConverterConfig;
use starrocks_kafka_connect::transform::TransformChain;
use starrocks_kafka_pipeline::clock::Clock;
use starrocks_kafka_pipeline::dead_letters::ErrorSettings;
use starrocks_kafka_pipeline::encode::{Encoder, EncoderSettings, RowSettings};
use starrocks_kafka_pipeline::kafka::OffsetAndMetadata;
use starrocks_kafka_pipeline::load_properties::LoadProperties;
use starrocks_kafka_pipeline::recovery::InDoubt;
use starrocks_kafka_pipeline::registry::{
    RegistryAddress, RegistryClient, RegistrySettings, RegistryTls,
};
use starrocks_kafka_pipeline::remembered::Remembered;
use starrocks_kafka_pipeline::routing::TopicMap;
use starrocks_kafka_pipeline::schemas::RegistryClients;
use starrocks_kafka_pipeline::settings::DeliveryGuarantee;
use starrocks_kafka_pipeline::step::Step;
use starrocks_kafka_starrocks::{
    CallError, Client, ClientConfig, Frontend, Label, Secret, TransactionRef,
};
use starrocks_kafka_testbed::schema_registry::{Options as RegistryOptions, SchemaRegistry};
use starrocks_kafka_testbed::{
    Call, Expected, Hop, StandIn, StandInOptions, Traced, Txn, TxnState, exactly_once,
};

use crate::broker::{Broker, Protocol, Slot};
use crate::routed::routing;
use crate::task_thread::{Start, Steps, Task, TestClock};

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
    /// Properties of loads, by their whole names.
    pub(crate) properties: &'static [(&'static str, &'static str)],
    pub(crate) refused_table_pause: Duration,
    pub(crate) bisect_loads_max: u32,
    /// What becomes of records that cannot be converted.
    pub(crate) errors: ErrorSettings,
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
            properties: &[],
            refused_table_pause: LIMIT,
            bisect_loads_max: starrocks_kafka_pipeline::bisect::MAX_LOADS,
            errors: ErrorSettings::default(),
            rejoins: false,
        }
    }
}

impl Tuning {
    pub(crate) fn loads(&self) -> LoadProperties {
        let given = self.properties.iter();
        let given = given.map(|&(name, text)| (name.to_owned(), text.to_owned()));
        LoadProperties::parse(&given.collect()).expect("valid properties")
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
    /// What the connector's chain does to records.
    pub(crate) chain: TransformChain,
    /// Where there is one, values are JSON with schemas of it.
    registry: Option<SchemaRegistry>,
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
            chain: TransformChain::default(),
            registry: None,
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

    /// Tables that records with headers of their names go to.
    pub(crate) fn routed_to(mut self, tables: &[impl AsRef<str>]) -> Self {
        self.chain = routing(tables);
        for table in tables {
            self.table(table.as_ref());
        }
        self
    }

    /// Values have schemas of a registry.
    pub(crate) fn with_registry(mut self) -> Self {
        let registry = SchemaRegistry::start(RegistryOptions::default());
        self.registry = Some(registry.expect("a free port"));
        self
    }

    pub(crate) fn registry(&self) -> &SchemaRegistry {
        self.registry.as_ref().expect("the test has asked for one")
    }

    fn registries(&self) -> RegistryClients {
        let client = |registry: &SchemaRegistry| {
            let settings = RegistrySettings {
                addresses: vec![RegistryAddress {
                    url: registry.url(),
                    authorization: None,
                }],
                headers: Vec::new(),
                connect_timeout: LIMIT,
                read_timeout: LIMIT,
                tls: RegistryTls::default(),
            };
            RegistryClient::new(&settings).expect("a client")
        };
        RegistryClients {
            key: None,
            value: self.registry.as_ref().map(client),
        }
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
        self.start(steps, Remembered::default())
    }

    /// One of the tasks of a connector that share what they remember.
    pub(crate) fn spawn_sharing(&self, remembered: &Remembered) -> Task {
        self.start(Arc::default(), remembered.clone())
    }

    fn start(&self, steps: Arc<Steps>, remembered: Remembered) -> Task {
        Start {
            broker: self.broker.clone(),
            tuning: self.tuning.clone(),
            encoder: self.encoder(),
            registries: self.registries(),
            client: self.client(),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            chance: Arc::clone(&self.chance),
            steps,
            remembered,
        }
        .spawn()
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
            value: match &self.registry {
                Some(registry) => converter(
                    "value.converter",
                    "io.confluent.connect.json.JsonSchemaConverter",
                    &[("schema.registry.url", &registry.url())],
                ),
                None => converter(
                    "value.converter",
                    "JsonConverter",
                    &[("schemas.enable", "false")],
                ),
            },
            header: converter("header.converter", "SimpleHeaderConverter", &[]),
            transforms: self.chain.clone(),
            topics: self.map.as_deref().map_or_else(TopicMap::default, |text| {
                TopicMap::parse(text).expect("pairs of names")
            }),
            rows: RowSettings {
                formats: self.tuning.loads().row_formats(),
                ..RowSettings::default()
            },
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

    /// Lets time pass, so that what happens next happens at another moment.
    pub(crate) fn pass(&self, time: Duration) {
        let until = tokio::time::Instant::now() + time;
        let mut state = self.broker.lock();
        loop {
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.broker.wait(state, left);
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
        slots.filter(|slot| slot.table("").is_some()).count()
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

    /// What an operator does to the open transactions of a table.
    pub(crate) fn abort(&self, table: &str) {
        self.try_abort(table).expect("it can be aborted");
    }

    /// The same, where the operator may fail, too.
    pub(crate) fn try_abort(&self, table: &str) -> Result<(), CallError> {
        let client = self.client();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        for txn in self.open().into_iter().filter(|txn| txn.table == table) {
            let transaction = TransactionRef {
                database: txn.db.clone(),
                table: txn.table.clone(),
                label: Label::new(&txn.label).expect("it was one"),
            };
            runtime.block_on(client.rollback(&transaction, LIMIT))?;
        }
        Ok(())
    }

    /// Whether any metadata that was stored has this text.
    pub(crate) fn journal_has(&self, text: &str) -> bool {
        let state = self.broker.lock();
        state
            .journal
            .iter()
            .flatten()
            .any(|offset| offset.metadata.contains(text))
    }

    pub(crate) fn shown(&self) -> String {
        let calls = self.stand_in.calls();
        let last: Vec<_> = calls
            .iter()
            .rev()
            .take(40)
            .map(ToString::to_string)
            .collect();
        let state = self.broker.lock();
        let sets = state.journal.iter().rev().take(10);
        let sets: Vec<Vec<_>> = sets
            .map(|set| {
                let text =
                    |o: &OffsetAndMetadata| format!("{} {} {}", o.partition, o.offset, o.metadata);
                set.iter().map(text).collect()
            })
            .collect();
        let (stored, members) = (&state.stored, &state.members);
        format!("{stored:#?}\nlast calls {last:#?}\nlast stored {sets:#?}\nmembers {members:#?}")
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
                let is_row = |slot: &Slot| {
                    let goes_to = slot.table(&partition.topic);
                    goes_to.is_some_and(|goes_to| self.chain.is_empty() || goes_to == table)
                };
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

    /// Each record once in its table, which has its topic's name unless a chain routes it; everything settled, nothing open.
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
        let topics: Vec<_> = topics.iter().map(String::as_str).collect();
        for table in self.tables.iter().filter(|_| !self.chain.is_empty()) {
            self.check_table(table, &topics);
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
