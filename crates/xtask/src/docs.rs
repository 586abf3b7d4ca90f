//! The generated pages of `docs/reference`.
//!
//! The pages come from the tables that parse the configuration, so a test of the worker compares
//! them with the files, and writes them when told to. Thus nothing here depends on the product (a
//! tidy check would otherwise wait for librdkafka to be compiled), and a plain `cargo test` already
//! fails on a stale page.

use std::path::Path;

use crate::workspace;

/// Tells the worker's test to write the pages in place of comparing them.
const WRITE: &str = "STARROCKS_KAFKA_WRITE_DOCS";

/// The tests of the pages.
pub(crate) const TEST: &str = "config::reference::";

/// Writes the pages, or with `check` only compares them.
pub(crate) fn run(root: &Path, check: bool) -> Result<(), String> {
    let mut test = workspace::cargo();
    test.current_dir(root)
        .args([
            "test",
            "--quiet",
            "-p",
            "starrocks-kafka-worker",
            "--lib",
            TEST,
        ])
        .env_remove(WRITE);
    if !check {
        test.env(WRITE, "1");
    }
    let status = test
        .status()
        .map_err(|e| format!("cargo test does not start: {e}"))?;
    match (status.success(), check) {
        (true, _) => Ok(()),
        (false, true) => Err("docs/reference is stale: run `cargo xtask docs` and commit".into()),
        (false, false) => Err("docs/reference could not be written".into()),
    }
}
