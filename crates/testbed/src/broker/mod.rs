//! A real Apache Kafka for tests: one KRaft node, from its jars, on free ports.
//!
//! ```no_run
//! use starrocks_kafka_testbed::broker::{self, Message};
//!
//! // One broker for all the tests of a process; it ends when the process ends, however it ends.
//! let Some(broker) = broker::shared_or_skip() else { return };
//! let topic = broker.unique_topic("orders", 2);
//! broker.produce(&topic, (0..10).map(|n| Message::new(n % 2, format!("{{\"id\":{n}}}"))));
//! println!("bootstrap.servers={}", broker.bootstrap_servers());
//! ```
//!
//! A test that needs the broker to go away has one of its own: [`Broker::start`], then
//! [`stop`](Broker::stop) or [`kill`](Broker::kill) and [`restart`](Broker::restart) (same ports, same
//! data), or [`suspend`](Broker::suspend) and [`resume`](Broker::resume) for a broker that keeps its
//! connections and answers nothing.
//!
//! Java runs the broker and Maven fetches its jars, once per build folder. Where one of them is missing,
//! [`shared_or_skip`] and [`start_or_skip`] say so on standard error and the test returns; with
//! `STARROCKS_KAFKA_REQUIRE_BROKER=1` they panic, so that a CI run cannot pass by skipping.
//! `STARROCKS_KAFKA_BROKER_CACHE` names another folder to remember the jars' places in.

mod admin;
mod jars;
mod listeners;
mod process;
mod reading;
#[cfg(feature = "secured")]
pub mod secured;

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Once, OnceLock};
use std::time::Duration;

use tempfile::TempDir;

pub use admin::{Message, OpenTransaction};
pub use listeners::{Listener, Protocol};
use process::Process;

/// Turns the skipping of broker tests into their failure when set to `1`.
const REQUIRE_VARIABLE: &str = "STARROCKS_KAFKA_REQUIRE_BROKER";
/// Generous: the machine may be busy with a build.
const START_LIMIT: Duration = Duration::from_secs(90);
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// Other processes may take a port between its choice and the broker's bind.
const START_ATTEMPTS: usize = 4;
/// Of the form that Kafka's own tools ask for: 16 bytes in Base64.
const CLUSTER_ID: &str = "c3RhcnJvY2tzLWthZmthLQ";
/// Below every system's range for outgoing connections, so that a stopped broker finds its ports free
/// when it comes back.
const PORTS: std::ops::Range<u16> = 17_000..32_000;

/// What a broker is started with.
#[derive(Clone, Debug)]
pub struct BrokerOptions {
    /// Broker properties, set over those of the testbed.
    pub properties: BTreeMap<String, String>,
    /// Java's heap in MiB.
    pub heap_mib: u32,
    /// Whether Java compiles for throughput (benches) rather than for a quick start (tests).
    pub optimise: bool,
    /// Listeners beside the plain one.
    pub listeners: Vec<Listener>,
    /// Names and passwords of the users that SCRAM knows.
    pub scram_users: Vec<(String, String)>,
}

impl Default for BrokerOptions {
    fn default() -> Self {
        Self {
            properties: BTreeMap::new(),
            heap_mib: 256,
            optimise: false,
            listeners: Vec::new(),
            scram_users: Vec::new(),
        }
    }
}

impl BrokerOptions {
    /// Sets one broker property.
    #[must_use]
    pub fn with(mut self, property: &str, value: impl ToString) -> Self {
        self.properties
            .insert(property.to_owned(), value.to_string());
        self
    }
}

/// Why there is no broker.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BrokerError(String);

impl BrokerError {
    fn new(message: String) -> Self {
        Self(message)
    }

    fn io(what: &str, path: &Path, error: &std::io::Error) -> Self {
        Self(format!("cannot {what} {}: {error}", path.display()))
    }
}

/// A Kafka broker. Dropping it kills it and removes its data.
pub struct Broker {
    // Before the folder, so that Java is gone when its data is removed.
    process: Option<Process>,
    folder: TempDir,
    command: Vec<String>,
    port: u16,
    /// The ports of the listeners beside the plain one.
    ports: BTreeMap<String, u16>,
}

/// Whether a broker can be started on this machine, else what is missing.
///
/// # Errors
/// Says which program is missing and which package brings it.
pub fn java_available() -> Result<(), String> {
    jars::available()
}

/// The one broker of this process, started at the first call.
///
/// # Panics
/// Where it cannot be started although Java and Maven are there.
pub fn shared() -> &'static Broker {
    static SHARED: OnceLock<Broker> = OnceLock::new();
    SHARED.get_or_init(|| started(BrokerOptions::default()))
}

/// [`shared`], or `None` (said on standard error) where Java or Maven is missing.
///
/// # Panics
/// Where it is missing and `STARROCKS_KAFKA_REQUIRE_BROKER=1`, and as [`shared`].
pub fn shared_or_skip() -> Option<&'static Broker> {
    may_start_or_skip().then(shared)
}

/// A broker of the test's own, or `None` (said on standard error) where Java or Maven is missing.
///
/// # Panics
/// Where it is missing and `STARROCKS_KAFKA_REQUIRE_BROKER=1`, and where it cannot be started.
pub fn start_or_skip(options: BrokerOptions) -> Option<Broker> {
    may_start_or_skip().then(|| started(options))
}

/// Whether Java is there, which was said on standard error where it is not.
///
/// # Panics
/// Where it is missing and `STARROCKS_KAFKA_REQUIRE_BROKER=1`.
pub fn may_start_or_skip() -> bool {
    let Err(missing) = java_available() else {
        return true;
    };
    let required = env::var(REQUIRE_VARIABLE).is_ok_and(|value| value == "1");
    assert!(!required, "{REQUIRE_VARIABLE}=1, but {missing}");
    static SAY: Once = Once::new();
    SAY.call_once(|| {
        // Not `eprintln!`: the test harness keeps what that prints of tests that pass, and a test that was
        // skipped passes. Where standard error is closed nobody is left to be told.
        drop(writeln!(
            std::io::stderr(),
            "SKIPPED, not tested: every test here that needs a Kafka broker: {missing}"
        ));
    });
    false
}

fn started(options: BrokerOptions) -> Broker {
    match Broker::start(options) {
        Ok(broker) => broker,
        Err(error) => panic!("cannot start a Kafka broker: {error}"),
    }
}

impl Broker {
    /// Starts a broker on free ports with an empty data folder, and waits until it takes requests.
    ///
    /// # Errors
    /// Java or Maven is missing, or the broker ended while starting; the message has its log.
    pub fn start(options: BrokerOptions) -> Result<Self, BrokerError> {
        let class_path = jars::class_path()?;
        let mut attempt = 1;
        loop {
            let mut broker = Self::prepare(&options, &class_path)?;
            match broker.restart() {
                Ok(()) => return Ok(broker),
                Err(error) if attempt < START_ATTEMPTS && error.0.contains("in use") => {
                    attempt += 1
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn prepare(options: &BrokerOptions, class_path: &str) -> Result<Self, BrokerError> {
        let folder = tempfile::Builder::new()
            .prefix("starrocks-kafka-broker-")
            .tempdir()
            .map_err(|error| BrokerError::io("create a folder in", &env::temp_dir(), &error))?;
        let ports = free_ports(2 + options.listeners.len())?;
        let [port, controller_port, ref secured @ ..] = ports[..] else {
            unreachable!("as many as were asked for, two at least")
        };
        let data = folder.path().join("data");
        let file = folder.path().join("server.properties");
        fs::create_dir(&data).map_err(|error| BrokerError::io("create", &data, &error))?;
        let listeners = listeners::properties(&options.listeners, secured, port, controller_port);
        write(
            &file,
            &server_properties(options, &data, controller_port, listeners),
        )?;
        if options.scram_users.is_empty() {
            listeners::write_meta(&data, CLUSTER_ID)?;
        } else {
            let users = &options.scram_users;
            listeners::format(&jars::java(), class_path, CLUSTER_ID, &file, users)?;
        }
        let mut command = vec![
            jars::java().to_string_lossy().into_owned(),
            format!("-Xmx{}m", options.heap_mib),
            "-Djava.awt.headless=true".to_owned(),
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn".to_owned(),
            "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info".to_owned(),
        ];
        if !options.optimise {
            command.extend(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"].map(str::to_owned));
        }
        command
            .extend(["-cp", class_path, "kafka.Kafka", &file.to_string_lossy()].map(str::to_owned));
        Ok(Self {
            process: None,
            folder,
            command,
            port,
            ports: options
                .listeners
                .iter()
                .zip(secured)
                .map(|(listener, port)| (listener.name.clone(), *port))
                .collect(),
        })
    }

    /// The address for `bootstrap.servers`.
    pub fn bootstrap_servers(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The address of the listener of this name.
    ///
    /// # Panics
    /// Where the broker was started without it.
    pub fn address_of(&self, listener: &str) -> String {
        let port = self.ports.get(listener);
        format!(
            "127.0.0.1:{}",
            port.expect("the broker was started with this listener")
        )
    }

    /// A topic name that nothing else in this process has, created with `partitions` partitions.
    ///
    /// # Panics
    /// As [`create_topic`](Self::create_topic).
    pub fn unique_topic(&self, prefix: &str, partitions: i32) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let topic = format!("{prefix}-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.create_topic(&topic, partitions);
        topic
    }

    /// Shuts the broker down in order; data and ports are kept for [`restart`](Self::restart).
    ///
    /// # Errors
    /// It was not running, or did not stop in time (it is killed then).
    pub fn stop(&mut self) -> Result<(), BrokerError> {
        self.end("stop")
    }

    /// Kills the broker (SIGKILL); data and ports are kept for [`restart`](Self::restart).
    ///
    /// # Errors
    /// It was not running.
    pub fn kill(&mut self) -> Result<(), BrokerError> {
        self.end("kill")
    }

    fn end(&mut self, how: &str) -> Result<(), BrokerError> {
        match self.process.take() {
            Some(process) => process.end(how, STOP_LIMIT),
            None => Err(BrokerError::new("the broker is not running".to_owned())),
        }
    }

    /// Starts it again on the same ports with the same data, and waits until it takes requests.
    ///
    /// # Errors
    /// It ended while starting; the message has its log.
    pub fn restart(&mut self) -> Result<(), BrokerError> {
        if self.process.is_some() {
            self.stop()?;
        }
        let process = Process::start(self.folder.path(), &self.command)?;
        process.wait_started(START_LIMIT)?;
        self.process = Some(process);
        Ok(())
    }

    /// Freezes the broker (SIGSTOP): connections stay, nothing is answered.
    ///
    /// # Errors
    /// It is not running.
    pub fn suspend(&mut self) -> Result<(), BrokerError> {
        self.order("suspend")
    }

    /// Lets a frozen broker go on (SIGCONT).
    ///
    /// # Errors
    /// It is not running.
    pub fn resume(&mut self) -> Result<(), BrokerError> {
        self.order("resume")
    }

    fn order(&mut self, word: &str) -> Result<(), BrokerError> {
        match &mut self.process {
            Some(process) => process.order(word),
            None => Err(BrokerError::new("the broker is not running".to_owned())),
        }
    }
}

fn write(path: &Path, text: &str) -> Result<(), BrokerError> {
    fs::write(path, text).map_err(|error| BrokerError::io("write", path, &error))
}

/// Ports that nobody listens on at this moment.
fn free_ports(count: usize) -> Result<Vec<u16>, BrokerError> {
    let mut held = Vec::new();
    for _ in 0..1000 {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, fastrand::u16(PORTS)));
        if let Ok(listener) = TcpListener::bind(address) {
            held.push((address.port(), listener));
        }
        if held.len() == count {
            return Ok(held.iter().map(|(port, _)| *port).collect());
        }
    }
    Err(BrokerError::new(format!(
        "no {count} free ports in {PORTS:?}"
    )))
}

fn server_properties(
    options: &BrokerOptions,
    data: &Path,
    controller_port: u16,
    listeners: BTreeMap<String, String>,
) -> String {
    let mut properties: BTreeMap<&str, String> = [
        ("process.roles", "broker,controller".to_owned()),
        ("node.id", "1".to_owned()),
        (
            "controller.quorum.voters",
            format!("1@127.0.0.1:{controller_port}"),
        ),
        ("controller.listener.names", "CONTROLLER".to_owned()),
        ("log.dirs", data.display().to_string()),
    ]
    .into();
    for (property, value) in [
        // One node, one copy of everything; few partitions, for each costs files at the start.
        ("offsets.topic.replication.factor", "1"),
        ("offsets.topic.num.partitions", "2"),
        ("transaction.state.log.replication.factor", "1"),
        ("transaction.state.log.min.isr", "1"),
        ("transaction.state.log.num.partitions", "2"),
        // What is slow only to spare large clusters.
        ("group.initial.rebalance.delay.ms", "0"),
        ("group.min.session.timeout.ms", "500"),
        (
            "transaction.abort.timed.out.transaction.cleanup.interval.ms",
            "500",
        ),
        ("broker.heartbeat.interval.ms", "200"),
        ("broker.session.timeout.ms", "2000"),
        ("controlled.shutdown.max.retries", "1"),
        // A small process.
        ("log.cleaner.dedupe.buffer.size", "4194304"),
        ("num.network.threads", "2"),
        ("num.io.threads", "4"),
        ("num.recovery.threads.per.data.dir", "2"),
        // A topic that a test forgot to create is a mistake in the test.
        ("auto.create.topics.enable", "false"),
    ] {
        properties.insert(property, value.to_owned());
    }
    for (property, value) in &options.properties {
        properties.insert(property, value.clone());
    }
    let mut text = String::new();
    for (property, value) in listeners {
        properties_line(&mut text, &property, &value);
    }
    for (property, value) in properties {
        properties_line(&mut text, property, &value);
    }
    text
}

/// PEM has lines, a property has none.
fn properties_line(text: &mut String, property: &str, value: &str) {
    let value = value.replace('\\', "\\\\").replace('\n', "\\n");
    let _ = writeln!(text, "{property}={value}");
}
