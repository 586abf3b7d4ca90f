//! A worker that runs the connectors of its files, and stops when told to.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use starrocks_kafka_pipeline::registry::{RegistryClient, RegistrySettings};
use starrocks_kafka_pipeline::remembered::Remembered;
use starrocks_kafka_pipeline::schemas::RegistryClients;
use starrocks_kafka_pipeline::settings::SinkSettings;
use starrocks_kafka_pipeline::status::{TaskState, TaskStatus};
use starrocks_kafka_pipeline::step::Probe;
use starrocks_kafka_pipeline::tables::Sql;
use starrocks_kafka_pipeline::task::Stop;
use starrocks_kafka_starrocks::{Client, MysqlClient};
use tokio::runtime::Runtime;

use crate::config::{ConnectorPlan, InitialState, StandalonePlan};
use crate::task::{self, TaskSpec};

/// Threads for requests to StarRocks; encoding has threads of its own.
const ASYNC_THREADS: usize = 2;

/// How often a task that was asked to stop is looked after.
const STOP_POLL: Duration = Duration::from_millis(20);

/// What a task may take beside bringing its round home and leaving its group.
const LEAVE_MARGIN: Duration = Duration::from_secs(1);

/// The clients of the connector's Schema Registries, one where keys and values have the same.
fn registries(plan: &ConnectorPlan) -> Result<RegistryClients, CannotStart> {
    let client = |settings: &RegistrySettings| {
        RegistryClient::new(settings).map_err(|problem| {
            CannotStart(format!(
                "connector {}: the Schema Registry: {problem}",
                plan.name
            ))
        })
    };
    let key = plan.key_registry.as_ref().map(client).transpose()?;
    let value = if plan.value_registry == plan.key_registry {
        key.clone()
    } else {
        plan.value_registry.as_ref().map(client).transpose()?
    };
    Ok(RegistryClients { key, value })
}

/// StarRocks by the MySQL protocol, where a connector says where.
fn sql(sink: &SinkSettings) -> Option<Sql> {
    let http = &sink.client;
    let client = MysqlClient::new(
        sink.mysql.clone(),
        http.user.clone(),
        http.password.clone(),
        http.connect_timeout,
    );
    (!sink.mysql.is_empty()).then(|| Sql::new(client))
}

/// One task as its worker sees it.
pub struct RunningTask {
    /// Its connector's name.
    pub connector: String,
    /// Which of the connector's tasks, from 0.
    pub index: u32,
    /// Its face.
    pub status: Arc<TaskStatus>,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

impl RunningTask {
    /// Waits for its end, and says how it did not come as it should.
    fn ends_by(&mut self, limit: Instant) -> bool {
        let Some(thread) = self.thread.take() else {
            return true;
        };
        let (connector, task) = (&*self.connector, self.index);
        while !thread.is_finished() {
            if Instant::now() >= limit {
                tracing::warn!(
                    connector,
                    task,
                    "ended while Kafka did not answer; what is not settled is rolled back or forward when the connector \
                     starts again"
                );
                return false;
            }
            std::thread::sleep(STOP_POLL);
        }
        if thread.join().is_err() {
            tracing::error!(connector, task, "the task's thread ended in a panic");
        }
        true
    }
}

/// A worker at work.
pub struct Worker {
    /// Every task of every connector.
    pub tasks: Vec<RunningTask>,
    graceful_shutdown_timeout: Duration,
    runtime: Runtime,
}

/// Why a worker cannot start with plans that are right in themselves.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CannotStart(String);

impl Worker {
    /// Starts every task of every connector. No connection is waited for.
    ///
    /// # Errors
    /// Threads that the operating system does not give, or a CA file that cannot be read.
    pub fn start(plan: StandalonePlan, probe: &Arc<dyn Probe>) -> Result<Self, CannotStart> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(ASYNC_THREADS)
            .thread_name("starrocks")
            .enable_all()
            .build()
            .map_err(|error| CannotStart(format!("no threads for requests: {error}")))?;
        for notice in &plan.worker.notices {
            notice.tell(None);
        }
        let mut worker = Self {
            tasks: Vec::new(),
            graceful_shutdown_timeout: plan.worker.graceful_shutdown_timeout,
            runtime,
        };
        for connector in plan.connectors {
            if let Err(error) = worker.start_connector(connector, probe) {
                worker.stop();
                return Err(error);
            }
        }
        Ok(worker)
    }

    fn start_connector(
        &mut self,
        plan: ConnectorPlan,
        probe: &Arc<dyn Probe>,
    ) -> Result<(), CannotStart> {
        for notice in &plan.notices {
            notice.tell(Some(&plan.name));
        }
        let client = Client::new(plan.sink.client.clone())
            .map_err(|error| CannotStart(format!("connector {}: {error}", plan.name)))?;
        let sql = sql(&plan.sink);
        let encoder = plan.encoder.clone();
        let registries = registries(&plan)?;
        let plan = Arc::new(plan);
        if plan.initial_state != InitialState::Running {
            tracing::warn!(
                connector = &*plan.name,
                "created with its initial state: no task runs"
            );
            return Ok(());
        }
        let remembered = Remembered::default();
        for index in 0..plan.tasks_max {
            let (status, stop) = (Arc::new(TaskStatus::default()), Stop::default());
            let spec = TaskSpec {
                connector: Arc::clone(&plan),
                plan: plan.task(index),
                encoder: encoder.clone(),
                registries: registries.clone(),
                client: client.clone(),
                sql: sql.clone(),
                runtime: self.runtime.handle().clone(),
                probe: Arc::clone(probe),
                stop: stop.clone(),
                remembered: remembered.clone(),
                status: Arc::clone(&status),
            };
            let thread = task::spawn(spec).map_err(|error| {
                CannotStart(format!(
                    "connector {}: no thread for a task: {error}",
                    plan.name
                ))
            })?;
            let connector = plan.name.clone();
            self.tasks.push(RunningTask {
                connector,
                index,
                status,
                stop,
                thread: Some(thread),
            });
        }
        tracing::info!(
            connector = &*plan.name,
            tasks = plan.tasks_max,
            "Created connector {}",
            plan.name
        );
        Ok(())
    }

    /// Asks every task to bring its round home and stop, and waits for them:
    /// `task.shutdown.graceful.timeout.ms` for all of them together, and then for leaving the group.
    ///
    /// Returns whether all have ended. One that waits for an answer of Kafka's may not have; the process can
    /// end all the same, for what is not settled is left to recovery.
    pub fn stop(&mut self) -> bool {
        let deadline = Instant::now() + self.graceful_shutdown_timeout;
        for task in &self.tasks {
            task.stop.request(deadline);
        }
        let end = deadline + task::LEAVE_LIMIT + LEAVE_MARGIN;
        let mut all_ended = true;
        for task in &mut self.tasks {
            all_ended &= task.ends_by(end);
        }
        all_ended
    }

    /// Whether a task is neither failed nor stopped.
    #[must_use]
    pub fn is_any_running(&self) -> bool {
        let at_work = |state| matches!(state, TaskState::Running | TaskState::Unassigned);
        self.tasks.iter().any(|task| at_work(task.status.state()))
    }
}
