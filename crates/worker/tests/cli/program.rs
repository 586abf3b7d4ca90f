//! The binary, run to its end.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

/// What a run left behind, as a person reads it: without times, and without where the files are.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the binary with these arguments in a folder with these files.
pub(crate) fn run(arguments: &[&str], files: &[(&str, &str)]) -> Ended {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("the temporary folder takes files");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_starrocks-kafka"))
        .args(arguments)
        .current_dir(folder.path())
        .env_remove("COLUMNS")
        .output()
        .expect("the binary was built");
    let readable = |bytes: &[u8]| readable(&String::from_utf8_lossy(bytes), &folder);
    Ended {
        code: output.status.code(),
        stdout: readable(&output.stdout),
        stderr: readable(&output.stderr),
    }
}

fn readable(text: &str, folder: &TempDir) -> String {
    let text = text.replace(&folder.path().display().to_string(), "FOLDER");
    let lines = text
        .lines()
        .map(|line| without_time(line).trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

/// Without `2025-11-22T10:35:11.042Z ` at the beginning of a line.
fn without_time(line: &str) -> &str {
    match line.split_once(' ') {
        Some((time, rest)) if time.len() == 24 && time.ends_with('Z') => rest,
        _ => line,
    }
}
