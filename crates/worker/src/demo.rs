//! `starrocks-kafka demo`: orders from a Kafka topic into a StarRocks table, with nothing to install.
//!
//! Kafka is librdkafka's mock cluster and StarRocks a stand-in, both in this process. What loads the rows is
//! the worker that `standalone` runs, on property files of the same kind. At the end the table is counted: a
//! row that is missing or double makes the demo fail.

mod files;
mod orders;
mod page;
mod progress;
mod summary;
mod values;

use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use indicatif::HumanCount;
use starrocks_kafka_pipeline::status::{Counters, TaskState};
use starrocks_kafka_pipeline::step::{NoProbe, Probe};
use starrocks_kafka_testbed::schema_registry::RegistryError;
use starrocks_kafka_testbed::{
    Feed, MockKafka, MockKafkaError, Sent, SqlError, StandIn, StandInError, StandInOptions,
};

use crate::cli::{DemoOptions, EXIT_DEMO, EXIT_OK, LogLevel};
use crate::config::{self, StartError};
use crate::signals;
use crate::standalone::{CannotStart, Worker};
use files::{DemoFiles, Servers, TOPIC};
use page::Page;
use progress::{Numbers, Progress};
use summary::{Counted, NotOnce, ShowError, Summary};
use values::{Registry, Values};

/// Each holds 2 MiB of records that are not in the table yet, so that a load a second makes a stream.
const PARTITIONS: u64 = 8;

/// Records sent between two looks at the rest.
const BURST: usize = 2_000;

/// How often it is asked how far the worker is.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// Why the demo ended before its time, or with a table that is not right.
#[derive(Debug, thiserror::Error)]
enum DemoError {
    #[error("no handler for SIGTERM and SIGINT: {0}")]
    Signals(io::Error),
    #[error("the demo's files: {0}")]
    Files(io::Error),
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
    #[error(transparent)]
    Kafka(#[from] MockKafkaError),
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error("StarRocks' stand-in: {0}")]
    StandIn(#[from] StandInError),
    #[error("StarRocks' stand-in: {0}")]
    Sql(#[from] SqlError),
    #[error(transparent)]
    Config(#[from] StartError),
    #[error(transparent)]
    Start(#[from] CannotStart),
    #[error("task {index} FAILED: {cause}")]
    Task { index: u32, cause: String },
    #[error(transparent)]
    NotOnce(#[from] NotOnce),
}

impl From<ShowError> for DemoError {
    fn from(error: ShowError) -> Self {
        match error {
            ShowError::Output(error) => Self::Output(error),
            ShowError::Sql(error) => Self::Sql(error),
        }
    }
}

/// Runs the demo, and returns the code to end with.
pub(crate) fn run(options: &DemoOptions, log_level: LogLevel) -> u8 {
    let mut out = io::stdout().lock();
    let styled = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let undisturbed = matches!(log_level, LogLevel::Error | LogLevel::Warn);
    let progress = Progress::new(options.records, undisturbed);
    match show(options, &mut Page::new(&mut out, styled), progress) {
        Ok(()) => EXIT_OK,
        Err(error) => {
            for line in error.to_string().lines() {
                tracing::error!("{line}");
            }
            EXIT_DEMO
        }
    }
}

fn show(options: &DemoOptions, page: &mut Page<'_>, progress: Progress) -> Result<(), DemoError> {
    // Before anything is started: a signal must never find the process without a handler.
    let signal = signals::first_signal().map_err(DemoError::Signals)?;
    let stage = Stage::set(options)?;
    stage.tell(options, page)?;
    let mut run = Run::start(&stage)?;
    let stopped = run.feed_orders(options.records, &signal, progress)?;
    if stopped || !options.keep {
        run.worker.stop();
    }
    let summary = run.summary(&stage)?;
    page.heading(if stopped { "Stopped early" } else { "Loaded" })?;
    page.body(summary)?;
    if summary.counted.rows > 0 {
        summary::show_rows(page, &stage.stand_in)?;
    }
    summary::show_files(page, &stage.files)?;
    if !stopped && options.keep {
        let registry = stage.registry.as_ref().map(Registry::url);
        summary::show_open(page, &stage.stand_in)?;
        summary::show_own_order(
            page,
            options.format,
            &stage.kafka.bootstrap_servers(),
            registry.as_deref(),
        )?;
        run.wait(&signal)?;
        run.worker.stop();
        page.heading("Stopped")?;
    } else {
        summary::show_next(page, &stage.files)?;
    }
    drop(run);
    stage.clear()
}

/// What the worker plays on.
struct Stage {
    kafka: MockKafka,
    stand_in: StandIn,
    /// Where the format has schemas.
    registry: Option<Registry>,
    values: Values,
    files: DemoFiles,
}

impl Stage {
    fn set(options: &DemoOptions) -> Result<Self, DemoError> {
        let kafka = MockKafka::start()?;
        let partitions = i32::try_from(PARTITIONS).expect("a handful");
        kafka.create_topic(TOPIC, partitions)?;
        let stand_in = StandIn::start(StandInOptions::default())?;
        let registry = Registry::start(options.format)?;
        let registry_url = registry.as_ref().map(Registry::url);
        let servers = Servers {
            bootstrap_servers: &kafka.bootstrap_servers(),
            http_url: &stand_in.http_url(),
            registry_url: registry_url.as_deref(),
        };
        let files = DemoFiles::write(options.folder.as_deref(), options.format, servers)
            .map_err(DemoError::Files)?;
        stand_in.sql(&files.table.text)?;
        Ok(Self {
            values: Values::new(options.format, registry.as_ref()),
            kafka,
            stand_in,
            registry,
            files,
        })
    }

    /// Says what will be seen.
    fn tell(&self, options: &DemoOptions, page: &mut Page<'_>) -> Result<(), DemoError> {
        let records = HumanCount(options.records);
        page.title(format!(
            "{records} orders, from a Kafka topic into a StarRocks table"
        ))?;
        let (kafka, starrocks) = (self.kafka.bootstrap_servers(), self.stand_in.http_url());
        page.body(format!(
            "StarRocks is played by a stand-in ({starrocks}), Kafka by librdkafka's mock cluster
({kafka}), both inside this process: for trying and testing, not for measuring.
What loads the rows is the worker itself, on files as one writes them for Kafka Connect."
        ))?;
        if let Some(registry) = &self.registry {
            page.body(format!(
                "The Schema Registry ({}) is a stand-in in this process too.",
                registry.url()
            ))?;
            if let Some((name, text)) = registry.schema() {
                page.heading(name)?;
                page.body(text)?;
            }
        }
        for file in self.files.all() {
            page.heading(file.name())?;
            page.body(&file.text)?;
        }
        page.heading("At work: starrocks-kafka standalone worker.properties orders.properties")?;
        Ok(())
    }

    fn clear(self) -> Result<(), DemoError> {
        self.stand_in.stop()?;
        self.files.clean().map_err(DemoError::Files)
    }
}

/// The worker at work, and the stream that it loads. Dropping it stops the worker.
struct Run {
    worker: Worker,
    feed: Feed,
    values: Values,
    /// The order to be sent next.
    order: Vec<u8>,
    started: Instant,
    /// When the first record was read, and the last row seen loaded.
    reading_since: Option<Instant>,
    loaded_at: Instant,
}

impl Run {
    fn start(stage: &Stage) -> Result<Self, DemoError> {
        let files = &stage.files;
        let plan = config::load_standalone(
            &files.worker.path,
            std::slice::from_ref(&files.connector.path),
        )?;
        let group = plan
            .connectors
            .first()
            .map(|connector| connector.group_id.clone());
        let partitions = i32::try_from(PARTITIONS).expect("a handful");
        let feed = stage
            .kafka
            .feed(TOPIC, partitions, &group.expect("a file is a connector"))?;
        let probe: Arc<dyn Probe> = Arc::new(NoProbe);
        let worker = Worker::start(plan, &probe)?;
        let now = Instant::now();
        Ok(Self {
            worker,
            feed,
            values: stage.values,
            order: Vec::new(),
            started: now,
            reading_since: None,
            loaded_at: now,
        })
    }

    /// Sends orders, and shows how far they have come, until all are loaded; answers whether a signal stopped
    /// it before.
    fn feed_orders(
        &mut self,
        wanted: u64,
        signal: &Receiver<i32>,
        mut progress: Progress,
    ) -> Result<bool, DemoError> {
        let mut look_at = self.started;
        loop {
            let more = self.send(wanted)?;
            let now = Instant::now();
            if look_at <= now {
                look_at = now + LOOK_INTERVAL;
                self.look(now)?;
                progress.show(now, self.numbers(wanted, now));
                if self.feed.committed() == wanted {
                    break;
                }
            }
            let rest = if more {
                Duration::ZERO
            } else {
                look_at.saturating_duration_since(now)
            };
            if signal.recv_timeout(rest).is_ok() {
                progress.finish(now, self.numbers(wanted, now));
                return Ok(true);
            }
        }
        progress.finish(self.loaded_at, self.numbers(wanted, self.loaded_at));
        Ok(false)
    }

    /// Sends a burst of orders; answers whether more may follow at once.
    fn send(&mut self, wanted: u64) -> Result<bool, DemoError> {
        for _ in 0..BURST {
            let id = self.feed.sent() + 1;
            if id > wanted {
                return Ok(false);
            }
            self.values.write(id, &mut self.order)?;
            let partition = i32::try_from(id % PARTITIONS).expect("a handful");
            match self
                .feed
                .send(partition, id.to_string().as_bytes(), &self.order)?
            {
                Sent::Yes => {}
                Sent::Full => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Asks how far the worker is, and whether it is well.
    fn look(&mut self, now: Instant) -> Result<(), DemoError> {
        let before = self.feed.committed();
        if self.feed.refresh()? > before {
            self.loaded_at = now;
        }
        if self.reading_since.is_none() && self.sum(|counters| &counters.records) > 0 {
            self.reading_since = Some(now);
        }
        for task in &self.worker.tasks {
            if let TaskState::Failed(cause) = task.status.state() {
                return Err(DemoError::Task {
                    index: task.index,
                    cause,
                });
            }
        }
        Ok(())
    }

    fn numbers(&self, wanted: u64, now: Instant) -> Numbers {
        Numbers {
            wanted,
            sent: self.feed.sent(),
            rows: self.feed.committed(),
            reading: self
                .reading_since
                .map(|since| now.saturating_duration_since(since)),
        }
    }

    fn sum(&self, of: impl Fn(&Counters) -> &std::sync::atomic::AtomicU64) -> u64 {
        self.worker
            .tasks
            .iter()
            .map(|task| of(&task.status.counters).load(Ordering::Relaxed))
            .sum()
    }

    /// Counts the table, and judges it.
    fn summary(&mut self, stage: &Stage) -> Result<Summary, DemoError> {
        self.look(Instant::now())?;
        let (sent, committed) = (self.feed.sent(), self.feed.committed());
        let counted = Counted::of(&stage.stand_in)?.check(sent, committed)?;
        let reading_since = self.reading_since.unwrap_or(self.loaded_at);
        Ok(Summary {
            sent,
            committed,
            counted,
            joining: reading_since.saturating_duration_since(self.started),
            loading: self.loaded_at.saturating_duration_since(reading_since),
            bytes: self.sum(|counters| &counters.loaded_bytes),
            rounds: self.sum(|counters| &counters.rounds),
        })
    }

    /// Goes on until a signal comes.
    fn wait(&mut self, signal: &Receiver<i32>) -> Result<(), DemoError> {
        while signal.recv_timeout(LOOK_INTERVAL).is_err() {
            self.look(Instant::now())?;
        }
        Ok(())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.worker.stop();
    }
}
