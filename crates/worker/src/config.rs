//! Configuration of a worker and its connectors: files in, plans out, and everything that is wrong said
//! at once, before any connection is made.
//!
//! [`load_standalone`] reads the files; what follows is functions from maps to plans. Kafka Connect's
//! rules hold: which file has which form, how client properties are layered, that settings of converters
//! do not mix between levels.

mod client_table;
mod clients;
mod connector;
mod connector_clients;
mod connector_keys;
mod converters;
mod errors;
mod file;
mod overrides;
mod problem;
mod providers;
mod purpose;
#[cfg(test)]
mod reference;
mod registry;
#[cfg(test)]
mod samples;
mod security;
mod security_table;
mod subscription;
mod unknown;
mod variables;
mod worker;
mod worker_keys;

use std::path::{Path, PathBuf};

pub use connector::{ConnectorPlan, TaskPlan};
pub use file::InitialState;
pub use problem::{ConfigError, LocatedProblem, Notice, StartError};
pub use subscription::{Subscription, TopicPattern};
pub use worker::WorkerConfig;

use starrocks_kafka_connect::config::{ConfigProblem, Given};

use file::ConfigFile;
use purpose::Purpose;

/// A standalone worker with its connectors.
#[derive(Clone, Debug)]
pub struct StandalonePlan {
    /// The worker.
    pub worker: WorkerConfig,
    /// Its connectors, in the order in which their files were named; names are unique.
    pub connectors: Vec<ConnectorPlan>,
}

/// Reads the files of a standalone worker.
///
/// # Errors
/// Everything that is wrong with any of them: files that cannot be read, properties that are missing,
/// wrong, unknown or not yet supported, two connectors of one name.
pub fn load_standalone(
    worker: &Path,
    connectors: &[PathBuf],
) -> Result<StandalonePlan, StartError> {
    let connector_files = connectors.iter().map(|path| read_connector(path)).collect();
    standalone(read_worker(worker), connector_files, Purpose::Run)
}

fn read_worker(path: &Path) -> Result<ConfigFile, ConfigError> {
    file::read(path).and_then(|bytes| ConfigFile::worker(&path.display().to_string(), &bytes))
}

fn read_connector(path: &Path) -> Result<ConfigFile, ConfigError> {
    file::read(path).and_then(|bytes| ConfigFile::connector(&path.display().to_string(), &bytes))
}

/// Reads a connector's file as it would run beside the worker of the other file; without one, beside a worker that says
/// nothing.
///
/// # Errors
/// Everything that is wrong with the files.
pub fn load_connector(
    connector: &Path,
    worker: Option<&Path>,
) -> Result<ConnectorPlan, StartError> {
    let connector_file = read_connector(connector);
    if let Some(worker) = worker {
        let plan = standalone(read_worker(worker), vec![connector_file], Purpose::Preview)?;
        let first = plan.connectors.into_iter().next();
        return Ok(first.expect("every file that is not wrong has a plan"));
    }
    let plan = connector_file.and_then(|file| {
        let mut plan = connector_alone(&file.given).map_err(|problems| {
            let error = file.error(problems);
            error.expect("a refusal has a reason")
        })?;
        plan.notices.splice(0..0, file.notices);
        Ok(plan)
    });
    plan.map_err(|error| StartError {
        worker: None,
        connectors: vec![error],
    })
}

/// A connector's plan beside a worker that says nothing.
///
/// # Errors
/// Everything that is wrong with its properties, one that only a worker's file could set and that is missing among
/// them.
pub fn connector_alone(given: &Given) -> Result<ConnectorPlan, Vec<ConfigProblem>> {
    // A worker must name converters; here the connector must, so that what the empty file lacks does not matter.
    let (worker, _) = WorkerConfig::check(&Given::new(), Purpose::Preview);
    let missing: Vec<_> = converters::without_any(given).collect();
    let plan = ConnectorPlan::check(given, InitialState::Running, &worker, Purpose::Preview);
    match plan {
        Ok(plan) if missing.is_empty() => Ok(plan),
        Ok(_) => Err(missing),
        Err(mut problems) => {
            problems.extend(missing);
            Err(problems)
        }
    }
}

/// What files that were read mean.
fn standalone(
    worker_file: Result<ConfigFile, ConfigError>,
    connector_files: Vec<Result<ConfigFile, ConfigError>>,
    purpose: Purpose,
) -> Result<StandalonePlan, StartError> {
    let (worker_file, mut worker_error) = match worker_file {
        Ok(file) => (file, None),
        Err(error) => (ConfigFile::default(), Some(error)),
    };
    let (mut worker, problems) = WorkerConfig::check(&worker_file.given, purpose);
    if worker_error.is_none() {
        worker_error = worker_file.error(problems);
    } else {
        // Connectors of a worker that is not known cannot be judged.
        return Err(StartError {
            worker: worker_error,
            connectors: Vec::new(),
        });
    }
    worker.notices.splice(0..0, worker_file.notices);

    let mut plans: Vec<ConnectorPlan> = Vec::new();
    let mut errors = Vec::new();
    for file in connector_files {
        match file
            .map_err(Some)
            .and_then(|file| connector(file, &worker, &plans, purpose))
        {
            Ok(plan) => plans.push(plan),
            Err(error) => errors.extend(error),
        }
    }
    if worker_error.is_none() && errors.is_empty() {
        Ok(StandalonePlan {
            worker,
            connectors: plans,
        })
    } else {
        Err(StartError {
            worker: worker_error,
            connectors: errors,
        })
    }
}

/// The plan of one connector; no error where the worker's file is to blame.
fn connector(
    file: ConfigFile,
    worker: &WorkerConfig,
    earlier: &[ConnectorPlan],
    purpose: Purpose,
) -> Result<ConnectorPlan, Option<ConfigError>> {
    let mut plan = ConnectorPlan::check(&file.given, file.initial_state, worker, purpose)
        .map_err(|problems| file.error(problems))?;
    if earlier.iter().any(|other| other.name == plan.name) {
        return Err(Some(ConfigError::whole(
            &file.path,
            format!("Connector {} already exists", plan.name),
        )));
    }
    plan.notices.splice(0..0, file.notices);
    Ok(plan)
}

#[cfg(test)]
mod tests;
