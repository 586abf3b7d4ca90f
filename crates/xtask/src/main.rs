//! The project's own chores: `cargo xtask ci`, `cargo xtask tidy`, `cargo xtask docs [--check]`, `cargo xtask dist`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program for developers: what it prints is what it is for"
)]

mod ci;
mod dist;
mod docs;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Everything a change must pass: format, laws, lints, tests, documentation, licences.
    Ci,
    /// Checks the laws of the house that no compiler checks: layers, names, file length, words.
    Tidy,
    /// Writes the generated pages of docs/reference from the tables the code uses.
    Docs {
        /// Writes nothing, fails where a page is stale.
        #[arg(long)]
        check: bool,
    },
    /// Builds the archive of a release.
    Dist(dist::Options),
}

fn main() -> ExitCode {
    let root = workspace::root();
    let done = match Arguments::parse().chore {
        Chore::Ci => ci::run(&root),
        Chore::Tidy => tidy::run(&root),
        Chore::Docs { check } => docs::run(&root, check),
        Chore::Dist(options) => dist::run(&root, &options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("xtask: {problem}");
            ExitCode::FAILURE
        }
    }
}
