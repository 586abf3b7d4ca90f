//! A real broker, the StarRocks stand-in, and the real binary on real property files.

use std::borrow::Borrow;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::topic_partition_list::TopicPartitionList;
use starrocks_kafka_testbed::broker::{self, Broker, BrokerOptions, Message};
use starrocks_kafka_testbed::{StandIn, StandInOptions, TxnState};
use tempfile::TempDir;

use crate::process::{Worker, binary, keep_secret};

/// How long a test waits for what must come. Generous: the machine may be busy with other tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What a test runs in: on the broker that all tests share, or on one of its own.
pub(crate) struct Rig<B = &'static Broker> {
    pub(crate) broker: B,
    pub(crate) standin: StandIn,
    folder: TempDir,
    name: String,
}

impl Rig {
    /// A rig with a stand-in of its own; `None` where no broker can be had here, which was said.
    pub(crate) fn new(name: &str) -> Option<Self> {
        Self::with(name, StandInOptions::default())
    }

    pub(crate) fn with(name: &str, options: StandInOptions) -> Option<Self> {
        Some(Self::on(broker::shared_or_skip()?, name, options))
    }
}

impl Rig<Broker> {
    /// A rig with a broker of its own, to be troubled.
    pub(crate) fn own(name: &str, options: BrokerOptions) -> Option<Self> {
        let broker = broker::start_or_skip(options)?;
        Some(Self::on(broker, name, StandInOptions::default()))
    }
}

impl<B: Borrow<Broker>> Rig<B> {
    pub(crate) fn on(broker: B, name: &str, options: StandInOptions) -> Self {
        let standin = StandIn::start(options).expect("the stand-in starts on free ports");
        standin.sql("CREATE DATABASE shop").expect("a new database");
        Self {
            broker,
            standin,
            folder: tempfile::tempdir().expect("a temporary folder"),
            name: name.to_owned(),
        }
    }

    pub(crate) fn broker(&self) -> &Broker {
        self.broker.borrow()
    }

    /// A topic of `partitions` partitions and a table of its name that keeps where each row came from.
    pub(crate) fn topic(&self, partitions: i32) -> String {
        let topic = self
            .broker()
            .unique_topic(&self.name.replace('_', "-"), partitions);
        self.table(&topic);
        topic
    }

    pub(crate) fn table(&self, table: &str) {
        let ddl = format!(
            "CREATE TABLE shop.`{table}` (src VARCHAR(200) NOT NULL, part INT NOT NULL, off BIGINT NOT NULL, note STRING) \
             DUPLICATE KEY(src) DISTRIBUTED BY HASH(src)"
        );
        self.standin
            .sql(&ddl)
            .expect("a table that StarRocks takes");
    }

    /// Appends `count` records to each of the first `partitions` partitions, `from` being the first offset.
    pub(crate) fn produce(&self, topic: &str, partitions: i32, from: i64, count: i64) {
        let messages = (from..from + count).flat_map(|offset| {
            (0..partitions)
                .map(move |partition| Message::new(partition, row(topic, partition, offset)))
        });
        self.broker().produce(topic, messages);
    }

    /// As [`produce`](Self::produce), with a note of `bytes` in each.
    pub(crate) fn produce_wide(
        &self,
        topic: &str,
        partitions: i32,
        from: i64,
        count: i64,
        bytes: usize,
    ) {
        let note = "x".repeat(bytes);
        let messages = (from..from + count).flat_map(|offset| {
            let note = &note;
            (0..partitions).map(move |part| {
                let row =
                    format!(r#"{{"src":"{topic}","part":{part},"off":{offset},"note":"{note}"}}"#);
                Message::new(part, row)
            })
        });
        self.broker().produce(topic, messages);
    }

    /// Writes a worker's file.
    pub(crate) fn worker_file(&self, extra: &[(&str, &str)]) -> PathBuf {
        let bootstrap = self.broker().bootstrap_servers();
        let is_set = |name: &str| extra.iter().any(|(key, _)| *key == name);
        let defaults = [
            ("bootstrap.servers", bootstrap.as_str()),
            (
                "key.converter",
                "org.apache.kafka.connect.storage.StringConverter",
            ),
            (
                "value.converter",
                "org.apache.kafka.connect.json.JsonConverter",
            ),
            ("value.converter.schemas.enable", "false"),
            ("offset.storage.file.filename", "/nowhere/connect.offsets"),
        ];
        let kept: Vec<_> = defaults
            .into_iter()
            .filter(|(key, _)| !is_set(key))
            .collect();
        let mut text = properties(&kept);
        text.push_str(&properties(extra));
        self.file("worker.properties", &text)
    }

    /// The properties of a connector that flushes every second.
    pub(crate) fn connector(&self, name: &str, topics: &str, extra: &[(&str, &str)]) -> PathBuf {
        let url = self.standin.http_url();
        let defaults = [
            ("name", name),
            (
                "connector.class",
                "com.starrocks.connector.kafka.StarRocksSinkConnector",
            ),
            ("starrocks.http.url", &url),
            ("starrocks.database.name", "shop"),
            ("starrocks.username", "root"),
            ("starrocks.password", ""),
            ("bufferflush.intervalms", "1000"),
            ("sink.properties.strict_mode", "true"),
            // What a killed member holds is free again after this.
            ("consumer.override.session.timeout.ms", "3000"),
            ("consumer.override.heartbeat.interval.ms", "500"),
        ];
        let is_set = |name: &str| extra.iter().any(|(key, _)| *key == name);
        let kept: Vec<_> = defaults
            .into_iter()
            .filter(|(key, _)| !is_set(key))
            .collect();
        let mut text = properties(&kept);
        if !is_set("topics.regex") {
            text.push_str(&properties(&[("topics", topics)]));
        }
        text.push_str(&properties(extra));
        self.file(&format!("{name}.properties"), &text)
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).expect("the temporary folder takes files");
        path
    }

    /// Starts the binary on these files.
    pub(crate) fn start(&self, connectors: &[impl AsRef<Path>]) -> Worker {
        self.start_with(connectors, &[])
    }

    /// Starts the binary with more properties of the worker.
    pub(crate) fn start_worker(
        &self,
        worker: &[(&str, &str)],
        connectors: &[impl AsRef<Path>],
    ) -> Worker {
        let mut command = binary();
        command
            .arg("standalone")
            .arg(self.worker_file(worker))
            .args(connectors.iter().map(AsRef::as_ref));
        Worker::spawn(command)
    }

    /// Starts the binary with variables in its environment.
    pub(crate) fn start_with(
        &self,
        connectors: &[impl AsRef<Path>],
        variables: &[(&str, &str)],
    ) -> Worker {
        let worker = self.worker_file(&[]);
        let mut command = binary();
        command
            .arg("standalone")
            .arg(worker)
            .args(connectors.iter().map(AsRef::as_ref));
        command.envs(variables.iter().copied());
        Worker::spawn(command)
    }

    /// Waits until `holds`; `what` was waited for.
    pub(crate) fn wait_until(&self, what: &str, worker: &Worker, holds: impl Fn() -> bool) {
        let until = Instant::now() + PATIENCE;
        while !holds() {
            assert!(
                Instant::now() < until,
                "{what}: not within {PATIENCE:?}; the worker's log:\n{}",
                worker.log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The offsets that the connector's group has stored for the first partitions of a topic; -1 where it has
    /// none.
    pub(crate) fn stored_offsets(&self, connector: &str, topic: &str, partitions: i32) -> Vec<i64> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.broker().bootstrap_servers())
            .set("group.id", format!("connect-{connector}"))
            .create()
            .expect("a constant configuration");
        let mut list = TopicPartitionList::new();
        list.add_partition_range(topic, 0, partitions - 1);
        let stored = consumer
            .committed_offsets(list, PATIENCE)
            .expect("the broker answers");
        let offset = |partition| {
            let entry = stored.find_partition(topic, partition);
            entry.and_then(|e| e.offset().to_raw()).filter(|o| *o >= 0)
        };
        (0..partitions).map(|p| offset(p).unwrap_or(-1)).collect()
    }

    /// How many members the connector's group has, those included that wait to join.
    pub(crate) fn members(&self, connector: &str) -> usize {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.broker().bootstrap_servers())
            .create()
            .expect("a constant configuration");
        let groups = consumer
            .fetch_group_list(Some(&format!("connect-{connector}")), PATIENCE)
            .expect("the broker answers");
        groups
            .groups()
            .iter()
            .map(|group| group.members().len())
            .sum()
    }

    /// Waits until the table has as many rows, with `worker`'s log in the message where it does not.
    pub(crate) fn wait_for_rows(&self, table: &str, rows: i64, worker: &Worker) {
        let until = Instant::now() + PATIENCE;
        let mut seen = self.rows(table);
        while seen < rows {
            assert!(
                Instant::now() < until,
                "{seen} of {rows} rows in {table} after {PATIENCE:?}; the worker's log:\n{}",
                worker.log()
            );
            std::thread::sleep(Duration::from_millis(50));
            seen = self.rows(table);
        }
    }

    pub(crate) fn rows(&self, table: &str) -> i64 {
        let result = self
            .standin
            .sql(&format!("SELECT COUNT(*) FROM shop.`{table}`"))
            .expect("the table is there");
        result.lines()[0].parse().expect("a count is a number")
    }

    /// How many different records have rows in a table.
    pub(crate) fn distinct(&self, table: &str) -> i64 {
        let sql =
            format!("SELECT COUNT(*) FROM (SELECT DISTINCT src, part, off FROM shop.`{table}`)");
        let result = self.standin.sql(&sql).expect("the table is there");
        result.lines()[0].parse().expect("a count is a number")
    }

    /// Each offset of each partition is in the table once, and nothing is left open in StarRocks.
    pub(crate) fn check_exactly_once(&self, topic: &str, table: &str, partitions: i32, count: i64) {
        self.check_each_once(topic, table, partitions, count);
        self.check_nothing_open();
    }

    pub(crate) fn check_each_once(&self, topic: &str, table: &str, partitions: i32, count: i64) {
        let sql = format!(
            "SELECT part, COUNT(*), COUNT(DISTINCT off), MIN(off), MAX(off) FROM shop.`{table}` WHERE src = '{topic}' \
             GROUP BY part ORDER BY part"
        );
        let got = self.standin.sql(&sql).expect("the table is there").lines();
        let expect: Vec<_> = (0..partitions)
            .map(|p| format!("{p}\t{count}\t{count}\t0\t{}", count - 1))
            .collect();
        assert_eq!(
            got, expect,
            "partition, rows, offsets, first, last of {topic} in {table}"
        );
    }

    pub(crate) fn check_nothing_open(&self) {
        for state in [TxnState::Prepare, TxnState::Prepared] {
            let open = self.standin.transactions_in(state);
            assert!(open.is_empty(), "left {state:?}: {open:#?}");
        }
    }
}

/// The text of a record that knows where it stands.
pub(crate) fn row(topic: &str, partition: i32, offset: i64) -> String {
    format!(
        r#"{{"src":"{topic}","part":{partition},"off":{offset},"note":"a note of some length, as rows have"}}"#
    )
}

pub(crate) fn properties(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (key, value) in pairs {
        let is_secret = key.contains("password") || key.contains("secret");
        // What stands elsewhere is no secret itself.
        if is_secret && !value.is_empty() && !value.starts_with("${") {
            keep_secret(value);
        }
        writeln!(text, "{key}={value}").expect("a string takes text");
    }
    text
}
