//! The binary `starrocks-kafka`.

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;
use starrocks_kafka_worker::cli::{Cli, EXIT_OK, EXIT_USAGE};
use starrocks_kafka_worker::run;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing is left to be told where standard output or error is closed.
            drop(error.print());
            let asked = matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            return ExitCode::from(if asked { EXIT_OK } else { EXIT_USAGE });
        }
    };
    ExitCode::from(run(cli))
}
