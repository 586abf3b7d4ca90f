//! Configuration of a worker and its connectors: files in, plans out, and everything that is wrong said
//! at once, before any connection is made.
//!
//! [`load_standalone`] reads the files; what follows is functions from maps to plans. Kafka Connect's
//! rules hold: which file has which form, how client properties are layered, that settings of converters
//! do not mix between levels.

mod client_table;
mod clients;
mod connector;
mod connector_keys;
mod converters;
mod file;
mod overrides;
mod problem;
#[cfg(test)]
mod reference;
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

use file::ConfigFile;

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
    let shown = |path: &Path| path.display().to_string();
    let worker_file =
        file::read(worker).and_then(|bytes| ConfigFile::worker(&shown(worker), &bytes));
    let connector_files = connectors
        .iter()
        .map(|path| file::read(path).and_then(|bytes| ConfigFile::connector(&shown(path), &bytes)))
        .collect();
    standalone(worker_file, connector_files)
}

/// What files that were read mean.
fn standalone(
    worker_file: Result<ConfigFile, ConfigError>,
    connector_files: Vec<Result<ConfigFile, ConfigError>>,
) -> Result<StandalonePlan, StartError> {
    let (worker_file, mut worker_error) = match worker_file {
        Ok(file) => (file, None),
        Err(error) => (ConfigFile::default(), Some(error)),
    };
    let (mut worker, problems) = WorkerConfig::check(&worker_file.given);
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
            .and_then(|file| connector(file, &worker, &plans))
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
) -> Result<ConnectorPlan, Option<ConfigError>> {
    let mut plan = ConnectorPlan::check(&file.given, file.initial_state, worker)
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
