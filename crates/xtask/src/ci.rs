//! Everything a change must pass, step by step, each with its name and its time.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use crate::{docs, tidy, workspace};

/// How a step ended.
enum Outcome {
    Passed,
    /// It could not be run here; why.
    Skipped(String),
    Failed(String),
}

/// A step: its name, and what it does in the workspace's folder.
type Step = (&'static str, fn(&Path) -> Outcome);

/// In the order in which a mistake is found soonest.
const STEPS: &[Step] = &[
    ("format", format),
    ("tidy", |root| tidy::run(root).into()),
    ("licences, bans, sources", |root| {
        deny(root, &["bans", "licenses", "sources"])
    }),
    ("advisories", advisories),
    ("clippy", |root| {
        cargo(
            root,
            &[
                "clippy",
                "--workspace",
                "--all-targets",
                "--locked",
                "--",
                "-D",
                "warnings",
            ],
        )
    }),
    ("tests", |root| {
        cargo(root, &["test", "--workspace", "--locked"])
    }),
    ("generated pages", generated_pages),
    ("rustdoc", rustdoc),
    ("clippy without the demo", |root| {
        let worker = ["-p", "starrocks-kafka-worker", "--no-default-features"];
        cargo(
            root,
            &[
                &["clippy", "--locked"],
                &worker[..],
                &["--", "-D", "warnings"],
            ]
            .concat(),
        )
    }),
    ("fuzz targets", fuzz_targets),
];

/// The manifest of the fuzz targets, which are a workspace of their own.
const FUZZ: &str = "fuzz/Cargo.toml";

/// Runs the steps until one fails, then says how each went.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let mut report = Vec::new();
    let mut failed = None;
    for (name, step) in STEPS {
        println!("::: {name}");
        let start = Instant::now();
        let outcome = step(root);
        report.push(Line {
            name,
            outcome: outcome.to_string(),
            time: start.elapsed(),
        });
        if let Outcome::Failed(why) = outcome {
            failed = Some(format!("{name}: {why}"));
            break;
        }
    }
    println!();
    for line in &report {
        println!("{line}");
    }
    failed.map_or(Ok(()), Err)
}

/// A line of the report.
struct Line {
    name: &'static str,
    outcome: String,
    time: Duration,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>7.1} s  {:<24} {}",
            self.time.as_secs_f64(),
            self.name,
            self.outcome
        )
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("passed"),
            Self::Skipped(why) => write!(f, "SKIPPED: {why}"),
            Self::Failed(why) => write!(f, "FAILED: {why}"),
        }
    }
}

impl From<Result<(), String>> for Outcome {
    fn from(done: Result<(), String>) -> Self {
        done.map_or_else(Self::Failed, |()| Self::Passed)
    }
}

impl From<std::io::Result<ExitStatus>> for Outcome {
    fn from(done: std::io::Result<ExitStatus>) -> Self {
        match done {
            Ok(status) if status.success() => Self::Passed,
            Ok(status) => Self::Failed(status.to_string()),
            Err(problem) => Self::Failed(format!("does not start: {problem}")),
        }
    }
}

fn cargo(root: &Path, arguments: &[&str]) -> Outcome {
    workspace::cargo()
        .args(arguments)
        .current_dir(root)
        .status()
        .into()
}

fn format(root: &Path) -> Outcome {
    match cargo(root, &["fmt", "--all", "--check"]) {
        Outcome::Passed => cargo(root, &["fmt", "--manifest-path", FUZZ, "--check"]),
        other => other,
    }
}

/// Builds the fuzz targets, so that they keep fitting the code. Running them takes cargo-fuzz, and this does not: what is built
/// here links without sanitizers.
fn fuzz_targets(root: &Path) -> Outcome {
    let nightly = |arguments: &[&str]| {
        let mut cargo = Command::new("cargo");
        cargo.arg("+nightly").args(arguments).current_dir(root);
        cargo
    };
    // Only looked for: nothing is installed by asking.
    let probe = nightly(&["--version"])
        .env("RUSTUP_AUTO_INSTALL", "0")
        .output();
    if !probe.is_ok_and(|output| output.status.success()) {
        let why = "there is no nightly Rust here (`cargo +nightly`)";
        println!("!!! FUZZ TARGETS NOT BUILT: {why}");
        return Outcome::Skipped(why.to_owned());
    }
    let build = ["build", "--manifest-path", FUZZ, "--locked"];
    nightly(&[&build[..], &["--target-dir", "fuzz/target"]].concat())
        .status()
        .into()
}

/// As `xtask docs --check`, on what the step before has built.
fn generated_pages(root: &Path) -> Outcome {
    let test = ["test", "--workspace", "--locked", "--quiet", "--lib"];
    cargo(root, &[&test[..], &[docs::TEST]].concat())
}

fn rustdoc(root: &Path) -> Outcome {
    workspace::cargo()
        .args(["doc", "--workspace", "--no-deps", "--locked"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .current_dir(root)
        .status()
        .into()
}

/// The cargo-deny that `.ci/run` put beside the build, else the one on the path.
fn cargo_deny(root: &Path) -> Result<Command, String> {
    let ours: PathBuf = root.join("target/tools/bin/cargo-deny");
    let program = if ours.is_file() {
        ours
    } else {
        "cargo-deny".into()
    };
    match Command::new(&program).arg("--version").output() {
        Ok(output) if output.status.success() => {
            let mut command = Command::new(program);
            command.current_dir(root);
            Ok(command)
        }
        _ => Err("cargo-deny is missing: `.ci/run` installs it".to_owned()),
    }
}

fn deny(root: &Path, checks: &[&str]) -> Outcome {
    match cargo_deny(root) {
        Ok(mut command) => {
            command.args([
                "--workspace",
                "--all-features",
                "--locked",
                "check",
                "--hide-inclusion-graph",
            ]);
            command.args(checks).status().into()
        }
        Err(why) => Outcome::Failed(why),
    }
}

/// Known vulnerabilities: the database is a git repository, which a closed network does not reach.
/// Then the step is skipped, and says so.
fn advisories(root: &Path) -> Outcome {
    let mut fetch = match cargo_deny(root) {
        Ok(command) => command,
        Err(why) => return Outcome::Failed(why),
    };
    match fetch.args(["fetch", "db"]).output() {
        Ok(output) if output.status.success() => deny(root, &["advisories"]),
        Ok(output) => {
            let cause = String::from_utf8_lossy(&output.stderr);
            let cause = cause
                .lines()
                .find(|line| !line.trim().is_empty())
                .unwrap_or("no reason given");
            let why = format!(
                "the RustSec database cannot be fetched here ({})",
                cause.trim()
            );
            println!("!!! ADVISORIES NOT CHECKED: {why}");
            Outcome::Skipped(why)
        }
        Err(problem) => Outcome::Failed(format!("cargo-deny does not start: {problem}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_names_step_time_and_outcome() {
        let check = |outcome: Outcome, expect: &str| {
            let line = Line {
                name: "format",
                outcome: outcome.to_string(),
                time: Duration::from_millis(1234),
            };
            assert_eq!(line.to_string(), expect);
        };
        check(
            Outcome::Passed,
            "    1.2 s  format                   passed",
        );
        check(
            Outcome::Failed("x".into()),
            "    1.2 s  format                   FAILED: x",
        );
        check(
            Outcome::Skipped("y".into()),
            "    1.2 s  format                   SKIPPED: y",
        );
    }

    #[test]
    fn steps_have_names_of_their_own() {
        let mut names: Vec<_> = STEPS.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), STEPS.len());
    }
}
