//! A real broker, the StarRocks stand-in, and the real binary on real property files.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use starrocks_kafka_testbed::broker::{self, Broker, Message};
use starrocks_kafka_testbed::{StandIn, StandInOptions, TxnState};
use tempfile::TempDir;

/// How long a test waits for what must come. Generous: the machine may be busy with other tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What a test runs in.
pub(crate) struct Rig {
    pub(crate) broker: &'static Broker,
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
        let broker = broker::shared_or_skip()?;
        let standin = StandIn::start(options).expect("the stand-in starts on free ports");
        standin.sql("CREATE DATABASE shop").expect("a new database");
        let folder = tempfile::tempdir().expect("a temporary folder");
        Some(Self {
            broker,
            standin,
            folder,
            name: name.to_owned(),
        })
    }

    /// A topic of `partitions` partitions and a table of its name that keeps where each row came from.
    pub(crate) fn topic(&self, partitions: i32) -> String {
        let topic = self
            .broker
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
        self.broker.produce(topic, messages);
    }

    /// Writes a worker's file.
    pub(crate) fn worker_file(&self, extra: &[(&str, &str)]) -> PathBuf {
        let bootstrap = self.broker.bootstrap_servers();
        let mut text = properties(&[
            ("bootstrap.servers", &bootstrap),
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
        ]);
        text.push_str(&properties(extra));
        self.file("worker.properties", &text)
    }

    /// The properties of a connector that flushes every second.
    pub(crate) fn connector(&self, name: &str, topics: &str, extra: &[(&str, &str)]) -> PathBuf {
        let url = self.standin.http_url();
        let mut text = properties(&[
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
        ]);
        if !extra.iter().any(|(key, _)| *key == "topics.regex") {
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
    pub(crate) fn start(&self, connectors: &[PathBuf]) -> Worker {
        self.start_with(connectors, &[])
    }

    /// Starts the binary with variables in its environment.
    pub(crate) fn start_with(&self, connectors: &[PathBuf], variables: &[(&str, &str)]) -> Worker {
        let worker = self.worker_file(&[]);
        let mut command = binary();
        command.arg("standalone").arg(worker).args(connectors);
        command.envs(variables.iter().copied());
        Worker::spawn(command)
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
        writeln!(text, "{key}={value}").expect("a string takes text");
    }
    text
}

/// The binary under test.
pub(crate) fn binary() -> Command {
    Command::new(env!("CARGO_BIN_EXE_starrocks-kafka"))
}

#[derive(Default)]
struct Log {
    text: Mutex<String>,
    grown: Condvar,
}

/// The binary at work. Dropping it kills it.
pub(crate) struct Worker {
    child: Child,
    log: Arc<Log>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Worker {
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary was built");
        let stderr = child.stderr.take().expect("standard error is piped");
        let log = Arc::new(Log::default());
        let reader = std::thread::spawn({
            let log = Arc::clone(&log);
            move || {
                for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                    let mut text = log.text.lock().expect("no reader panics");
                    text.push_str(&line);
                    text.push('\n');
                    log.grown.notify_all();
                }
            }
        });
        Self {
            child,
            log,
            reader: Some(reader),
        }
    }

    /// What it has said so far.
    pub(crate) fn log(&self) -> String {
        self.log.text.lock().expect("no reader panics").clone()
    }

    /// Waits for a text in its log.
    pub(crate) fn wait_for_log(&self, wanted: &str) {
        let until = Instant::now() + PATIENCE;
        let mut text = self.log.text.lock().expect("no reader panics");
        while !text.contains(wanted) {
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "no '{wanted}' in the log within {PATIENCE:?}:\n{text}"
            );
            text = self
                .log
                .grown
                .wait_timeout(text, left)
                .expect("no reader panics")
                .0;
        }
    }

    /// SIGTERM, and its end.
    pub(crate) fn terminate(mut self) -> (ExitStatus, String) {
        self.signal("TERM");
        let status = self.wait();
        (status, self.log())
    }

    pub(crate) fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .args([&format!("-{signal}"), &self.child.id().to_string()])
            .status()
            .expect("kill is there");
        assert!(status.success(), "the process was there to get SIG{signal}");
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("the process was there");
        self.wait();
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the child is ours") {
                if let Some(reader) = self.reader.take() {
                    reader.join().expect("no reader panics");
                }
                return status;
            }
            assert!(
                Instant::now() < until,
                "did not end within {PATIENCE:?}:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
