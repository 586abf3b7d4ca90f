//! The command line, and the codes with which the program ends.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::preview::{Files, Output};

/// Nothing went wrong.
pub const EXIT_OK: u8 = 0;
/// The command line is not understood; Kafka Connect's code.
pub const EXIT_USAGE: u8 = 1;
/// The worker's file, or what it asks for, is not to be had; Kafka Connect's code.
pub const EXIT_WORKER: u8 = 2;
/// A connector's file is wrong; Kafka Connect's code.
pub const EXIT_CONNECTOR: u8 = 3;
/// The demo could not be shown, or its table lacks a row or has one twice.
#[cfg(feature = "demo")]
pub const EXIT_DEMO: u8 = 4;

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

    /// The least severe lines that are written [default: info; of preview and demo: warn]
    #[arg(long, global = true, value_enum)]
    pub log_level: Option<LogLevel>,
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
    /// Show what a connector's configuration makes of records, without Kafka and StarRocks
    ///
    /// Reads records from a file and writes for each what becomes of it, as one JSON object a line: the table and the
    /// row, or where and why it fails. A configuration that is refused is written as {"config_error":…} and ends with 2.
    Preview(PreviewOptions),
    /// Write the completions of a shell to standard output
    ///
    /// For bash: starrocks-kafka completions bash > ~/.local/share/bash-completion/completions/starrocks-kafka
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder
    #[command(hide = true)]
    Man {
        /// The folder, which must be there
        folder: PathBuf,
    },
    /// Show records of a Kafka topic become rows of a StarRocks table, with nothing to install
    ///
    /// A stream of orders, an embedded Kafka, a stand-in for StarRocks and this worker, all in one process and
    /// on free loopback ports. Ends with 4 where a row is missing or double.
    #[cfg(feature = "demo")]
    Demo(DemoOptions),
}

impl Command {
    /// The least severe log lines where nothing else was asked for.
    #[must_use]
    pub const fn log_level(&self) -> LogLevel {
        match self {
            Self::Standalone { .. } => LogLevel::Info,
            Self::Preview(_) | Self::Completions { .. } | Self::Man { .. } => LogLevel::Warn,
            #[cfg(feature = "demo")]
            Self::Demo(_) => LogLevel::Warn,
        }
    }
}

/// What is previewed.
#[derive(Args, Clone, Debug)]
pub struct PreviewOptions {
    /// The connector, as properties or JSON; told apart by content
    connector: PathBuf,

    /// The worker's properties, for converters that the connector does not name
    #[arg(long, value_name = "FILE")]
    worker: Option<PathBuf>,

    /// What a schema registry would hold: a JSON array of
    /// {"id","subject","version","schemaType","schema","references"}
    #[arg(long, value_name = "FILE")]
    schemas: Option<PathBuf>,

    /// The records, a JSON object a line; - is standard input
    ///
    /// {"topic","partition","offset","timestamp","timestampType","key","value","headers"}: key and value are Base64 or
    /// null, headers a list of [name, Base64 or null], timestampType is CreateTime, LogAppendTime or NoTimestampType.
    /// Only the topic must be there.
    #[arg(long, value_name = "FILE")]
    records: PathBuf,

    /// What is written of each record
    #[arg(long, value_enum, default_value_t = Output::Records)]
    pub output: Output,
}

impl PreviewOptions {
    /// Where the preview's parts come from.
    #[must_use]
    pub fn files(&self) -> Files {
        let Self {
            connector,
            worker,
            schemas,
            records,
            ..
        } = self.clone();
        Files {
            connector,
            worker,
            schemas,
            records,
        }
    }
}

/// What the demo shows.
#[cfg(feature = "demo")]
#[derive(Args, Clone, Debug)]
pub struct DemoOptions {
    /// How many orders are loaded
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub records: u64,

    /// What the orders are written in; where that needs a Schema Registry, one is started too
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = DemoFormat::Json)]
    pub format: DemoFormat,

    /// Go on running after that, until Ctrl-C, to be asked by SQL and given more records
    #[arg(long)]
    pub keep: bool,

    /// Keep the worker's and the connector's file and the table's declaration in this folder
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

/// What the demo's records are written in.
#[cfg(feature = "demo")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DemoFormat {
    /// JSON without a schema
    Json,
    /// Avro, with its schema in a Schema Registry
    Avro,
    /// Protobuf, with its schema in a Schema Registry
    Protobuf,
    /// JSON, with a JSON Schema in a Schema Registry
    JsonSchema,
    /// Lines of CSV
    Csv,
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
