//! Starts of Kafka Connect's standalone worker, recorded (`tests/vectors/rest/cli.jsonl`), against ours: which files it
//! takes, and with which code it ends.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

/// How long a start, or an end, may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
struct Case {
    id: String,
    why: String,
    class: String,
    args: Vec<String>,
    files: BTreeMap<String, String>,
    exit_code: i32,
    /// It ran until it was told to stop.
    told_to_stop: bool,
}

/// What we do otherwise: the case, our code (`None`: it runs until it is told to stop, and ends with 0), and why.
const DIFFERENCES: &[(&str, Option<i32>, &str)] = &[
    ("cli-help", Some(0), "help that was asked for is no mistake"),
    (
        "cli-help-later",
        Some(0),
        "help that was asked for is no mistake",
    ),
    (
        "cli-worker-port-used",
        None,
        "there is no REST interface yet whose port could be in use",
    ),
    (
        "cli-worker-no-broker",
        None,
        "a broker that is away at the start is waited for",
    ),
];

const VALID_WORKER: &str = "bootstrap.servers=127.0.0.1:1\n\
    key.converter=org.apache.kafka.connect.storage.StringConverter\n\
    value.converter=org.apache.kafka.connect.json.JsonConverter\n\
    value.converter.schemas.enable=false\n\
    offset.storage.file.filename=connect.offsets\n";

fn cases() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/rest/cli.jsonl");
    let text = fs::read_to_string(path).expect("the recorded starts");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a recorded start"))
        .collect()
}

/// A worker that is ended when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already where all went well.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Running {
    fn code(&mut self, log: &Path) -> Option<i32> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.0.try_wait().expect("it is our child") {
                return status.code();
            }
            assert!(Instant::now() < until, "it goes on: {}", read(log));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether it said that it has started, before it ended.
    fn starts(&mut self, log: &Path) -> bool {
        let until = Instant::now() + PATIENCE;
        loop {
            if read(log).contains("starrocks-kafka started") {
                return true;
            }
            if self.0.try_wait().expect("it is our child").is_some() {
                return false;
            }
            assert!(Instant::now() < until, "it never started: {}", read(log));
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn read(log: &Path) -> String {
    fs::read_to_string(log).unwrap_or_default()
}

/// Our code for a case, `None` where it ran until it was told to stop and then ended with 0.
fn run(case: &Case) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in &case.files {
        let text = if text.starts_with("(a valid standalone worker file") {
            VALID_WORKER.as_bytes().to_vec()
        } else if name == "j.properties" {
            // Recorded as text, but it was in Latin-1.
            text.chars()
                .map(|c| u8::try_from(c).unwrap_or(b'?'))
                .collect()
        } else {
            text.clone().into_bytes()
        };
        fs::write(folder.path().join(name), text).expect("the temporary folder takes files");
    }
    let log = folder.path().join("log");
    let child = Command::new(env!("CARGO_BIN_EXE_starrocks-kafka"))
        .arg("standalone")
        .args(&case.args)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(&log).expect("a log"))
        .spawn()
        .expect("the binary was built");
    let mut worker = Running(child);
    if !worker.starts(&log) {
        return (worker.code(&log), read(&log));
    }
    let id = worker.0.id().to_string();
    let told = Command::new("kill").arg(&id).status();
    assert!(told.expect("kill is there").success());
    assert_eq!(worker.code(&log), Some(0), "{}: {}", case.id, read(&log));
    (None, read(&log))
}

#[test]
fn a_start_ends_as_kafka_connects_does() {
    let mut compared = 0;
    for case in cases() {
        if case.class != "ConnectStandalone" {
            // Distributed mode is to come.
            continue;
        }
        compared += 1;
        let java = (!case.told_to_stop).then_some(case.exit_code);
        let known = DIFFERENCES.iter().find(|(id, ..)| *id == case.id);
        let expect = known.map_or(java, |(_, ours, _)| *ours);
        if let Some((id, ours, reason)) = known {
            assert!(*ours != java && !reason.is_empty(), "{id} differs no more");
        }
        let (ours, log) = run(&case);
        assert_eq!(ours, expect, "{} ({}): {log}", case.id, case.why);
    }
    assert!(compared > 25, "only {compared} starts were compared");
}
