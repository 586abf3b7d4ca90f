//! The Kafka Connect compatible worker: consumer, herders, command line, and the binary starrocks-kafka.

pub mod cli;
pub mod clock;
pub mod config;
#[cfg(feature = "demo")]
mod demo;
pub mod kafka;
#[cfg(debug_assertions)]
pub mod kill_at;
pub mod oauth;
pub mod preview;
pub mod signals;
pub mod standalone;
pub mod task;
pub mod telemetry;

use std::io::ErrorKind;
use std::sync::Arc;

use clap::CommandFactory as _;
use starrocks_kafka_pipeline::step::{NoProbe, Probe};

use crate::cli::{Cli, Command, EXIT_CONNECTOR, EXIT_OK, EXIT_USAGE, EXIT_WORKER, PreviewOptions};
use crate::preview::PreviewError;

/// Does what the command line asks, and returns the code to end with.
#[must_use]
pub fn run(cli: Cli) -> u8 {
    let level = cli.log_level.unwrap_or(cli.command.log_level());
    if let Err(error) = telemetry::start(cli.log_format, level) {
        tracing::warn!("{error}");
    }
    match cli.command {
        Command::Standalone { worker, connectors } => run_standalone(&worker, &connectors),
        Command::Preview(options) => run_preview(&options),
        Command::Completions { shell } => {
            let name = "starrocks-kafka";
            clap_complete::generate(shell, &mut Cli::command(), name, &mut std::io::stdout());
            EXIT_OK
        }
        Command::Man { folder } => match clap_mangen::generate_to(Cli::command(), &folder) {
            Ok(()) => EXIT_OK,
            Err(error) => {
                tracing::error!("{}: {error}", folder.display());
                EXIT_USAGE
            }
        },
        #[cfg(feature = "demo")]
        Command::Demo(options) => demo::run(&options, level),
    }
}

fn run_standalone(worker: &std::path::Path, connectors: &[std::path::PathBuf]) -> u8 {
    let plan = match config::load_standalone(worker, connectors) {
        Ok(plan) => plan,
        Err(error) => {
            let code = error.exit_code();
            for line in error.to_string().lines() {
                tracing::error!("{line}");
            }
            return code;
        }
    };
    // Before anything is started: a signal must never find the process without a handler.
    let signal = match signals::first_signal() {
        Ok(signal) => signal,
        Err(error) => {
            tracing::error!("no handler for SIGTERM and SIGINT: {error}");
            return EXIT_WORKER;
        }
    };
    let mut worker = match standalone::Worker::start(plan, &probe()) {
        Ok(worker) => worker,
        Err(error) => {
            tracing::error!("{error}");
            return EXIT_CONNECTOR;
        }
    };
    tracing::info!("starrocks-kafka started");
    // The sender lives as long as the process.
    if let Ok(signal) = signal.recv() {
        tracing::info!(
            signal,
            "stopping: what was read is loaded first; a second signal ends at once"
        );
    }
    let all_ended = worker.stop();
    tracing::info!("starrocks-kafka stopped");
    if !all_ended {
        signals::end_without_cleanup(EXIT_OK.into());
    }
    EXIT_OK
}

fn run_preview(options: &PreviewOptions) -> u8 {
    match preview::run(&options.files(), options.output, std::io::stdout()) {
        Ok(()) => EXIT_OK,
        // It was written as the outcome.
        Err(PreviewError::Refused(_)) => EXIT_WORKER,
        // Whoever read the outcomes has read enough.
        Err(PreviewError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => EXIT_OK,
        Err(error) => {
            tracing::error!("{error}");
            EXIT_USAGE
        }
    }
}

#[cfg(debug_assertions)]
fn probe() -> Arc<dyn Probe> {
    let asked = std::env::var(kill_at::VARIABLE).ok();
    match asked.as_deref().and_then(kill_at::KillAt::parse) {
        Some(kill) => Arc::new(kill),
        None => Arc::new(NoProbe),
    }
}

#[cfg(not(debug_assertions))]
fn probe() -> Arc<dyn Probe> {
    Arc::new(NoProbe)
}
