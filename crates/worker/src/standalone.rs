//! A worker that runs the connectors of its files, and stops when told to.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use starrocks_kafka_pipeline::status::{TaskState, TaskStatus};
use starrocks_kafka_pipeline::step::Probe;
use starrocks_kafka_pipeline::task::Stop;
use starrocks_kafka_starrocks::Client;
use tokio::runtime::Runtime;

use crate::config::{ConnectorPlan, InitialState, StandalonePlan};
use crate::task::{self, TaskSpec};

/// Threads for requests to StarRocks; encoding has threads of its own.
const ASYNC_THREADS: usize = 2;

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
            tell(notice, None);
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
            tell(notice, Some(&plan.name));
        }
        let client = Client::new(plan.sink.client.clone())
            .map_err(|error| CannotStart(format!("connector {}: {error}", plan.name)))?;
        let encoder = plan.encoder.clone();
        let plan = Arc::new(plan);
        if plan.initial_state != InitialState::Running {
            tracing::warn!(
                connector = &*plan.name,
                "created with its initial state: no task runs"
            );
            return Ok(());
        }
        for index in 0..plan.tasks_max {
            let (status, stop) = (Arc::new(TaskStatus::default()), Stop::default());
            let spec = TaskSpec {
                connector: Arc::clone(&plan),
                plan: plan.task(index),
                encoder: encoder.clone(),
                client: client.clone(),
                runtime: self.runtime.handle().clone(),
                probe: Arc::clone(probe),
                stop: stop.clone(),
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
    /// `task.shutdown.graceful.timeout.ms` for all of them together, and for leaving the group.
    pub fn stop(&mut self) {
        let deadline = Instant::now() + self.graceful_shutdown_timeout;
        for task in &self.tasks {
            task.stop.request(deadline);
        }
        for task in &mut self.tasks {
            if let Some(thread) = task.thread.take()
                && thread.join().is_err()
            {
                tracing::error!(
                    connector = &*task.connector,
                    task = task.index,
                    "the task's thread ended in a panic"
                );
            }
        }
    }

    /// Whether a task is neither failed nor stopped.
    #[must_use]
    pub fn is_any_running(&self) -> bool {
        let at_work = |state| matches!(state, TaskState::Running | TaskState::Unassigned);
        self.tasks.iter().any(|task| at_work(task.status.state()))
    }
}

fn tell(notice: &crate::config::Notice, connector: Option<&str>) {
    if notice.warning {
        tracing::warn!(connector, "{notice}");
    } else {
        tracing::info!(connector, "{notice}");
    }
}
