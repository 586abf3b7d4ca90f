//! `starrocks-kafka-bench`: what a row costs, measured on the real binary. See the crate's `README.md`.

mod cdc;
mod corpus;
mod encode;
mod failure;
mod measure;
mod programs;
mod read;
mod report;
mod standin;
mod worker;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;

/// Measures what a row costs.
#[derive(Debug, Parser)]
#[command(name = "starrocks-kafka-bench", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The whole worker on a real broker, against readers of the same topic to nowhere.
    Worker(worker::WorkerOptions),
    /// The encoder alone: from a record's bytes to a row in memory.
    Encode(encode::EncodeOptions),
    /// A reader to nowhere, in a process of its own so that its CPU is its own.
    #[command(hide = true)]
    Read(read::ReadOptions),
}

fn main() -> ExitCode {
    let done: Result<(), Failure> = match Cli::parse().command {
        Command::Worker(options) => worker::run(&options),
        Command::Encode(options) => encode::run(&options),
        Command::Read(options) => read::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Where standard error is gone too there is nobody left to tell.
            let _told = writeln!(io::stderr(), "starrocks-kafka-bench: {failure}");
            ExitCode::FAILURE
        }
    }
}
