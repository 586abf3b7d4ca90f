//! The command line, and the codes with which the program ends.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// Nothing went wrong.
pub const EXIT_OK: u8 = 0;
/// The command line is not understood; Kafka Connect's code.
pub const EXIT_USAGE: u8 = 1;
/// The worker's file, or what it asks for, is not to be had; Kafka Connect's code.
pub const EXIT_WORKER: u8 = 2;
/// A connector's file is wrong; Kafka Connect's code.
pub const EXIT_CONNECTOR: u8 = 3;

/// Loads Kafka topics into StarRocks tables, continuously, each row once.
#[derive(Debug, Parser)]
#[command(
    name = "starrocks-kafka",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// How log lines are written, to standard error
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// The least severe lines that are written
    #[arg(long, global = true, value_enum, default_value_t = LogLevel::Info)]
    pub log_level: LogLevel,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the connectors of some files in this process
    ///
    /// The files are those of Kafka Connect's bin/connect-standalone.sh. Ends by SIGTERM or SIGINT: what was
    /// read is loaded first, within the worker's task.shutdown.graceful.timeout.ms; a second signal ends at
    /// once, and loses nothing either.
    Standalone {
        /// The worker's properties
        worker: PathBuf,
        /// Connectors, as properties or JSON; told apart by content
        connectors: Vec<PathBuf>,
    },
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line of text an event
    Text,
    /// A JSON object an event
    Json,
}

/// The least severe lines that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names are the levels")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}
