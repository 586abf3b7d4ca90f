//! The binary as a process: started, listened to, signalled.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::rig::PATIENCE;

/// What no worker of any test may say.
static SECRETS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Says of a text that it must not stand in any log: neither it, nor its Base64 form, nor, where it has
/// several lines, one of its longer lines.
pub(crate) fn keep_secret(text: &str) {
    let lines = text
        .lines()
        .filter(|line| line.len() > 5 && !line.starts_with("-----"));
    let mut secrets = SECRETS.lock().expect("nobody panics with it");
    secrets.extend(lines.map(str::to_owned));
    secrets.push(base64(text));
}

/// Base64 without the last characters, which depend on what follows.
fn base64(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let whole = text.as_bytes().chunks_exact(3).flat_map(|three| {
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        [18, 12, 6, 0].map(|shift| char::from(ALPHABET[(bits >> shift & 63) as usize]))
    });
    whole.collect()
}

/// The binary under test.
pub(crate) fn binary() -> Command {
    Command::new(env!("CARGO_BIN_EXE_starrocks-kafka"))
}

#[derive(Default)]
struct Log {
    text: Mutex<String>,
    grown: Condvar,
}

/// The binary at work. Dropping it kills it.
pub(crate) struct Worker {
    child: Child,
    log: Arc<Log>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Worker {
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary was built");
        let stderr = child.stderr.take().expect("standard error is piped");
        let log = Arc::new(Log::default());
        let reader = std::thread::spawn({
            let log = Arc::clone(&log);
            move || {
                for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                    let mut text = log.text.lock().expect("no reader panics");
                    text.push_str(&line);
                    text.push('\n');
                    log.grown.notify_all();
                }
            }
        });
        Self {
            child,
            log,
            reader: Some(reader),
        }
    }

    /// What it has said so far.
    pub(crate) fn log(&self) -> String {
        self.log.text.lock().expect("no reader panics").clone()
    }

    /// The lines of its log that have this text.
    pub(crate) fn lines(&self, wanted: &str) -> Vec<String> {
        let log = self.log();
        let lines = log.lines().filter(|line| line.contains(wanted));
        lines.map(str::to_owned).collect()
    }

    /// Waits for a text in its log.
    pub(crate) fn wait_for_log(&self, wanted: &str) {
        self.wait_for_times(wanted, 1);
    }

    /// Waits until a text stands in its log as often.
    pub(crate) fn wait_for_times(&self, wanted: &str, times: usize) {
        self.wait_until(&format!("{times} times '{wanted}'"), |text| {
            text.matches(wanted).count() >= times
        });
    }

    fn wait_until(&self, what: &str, holds: impl Fn(&str) -> bool) {
        let until = Instant::now() + PATIENCE;
        let mut text = self.log.text.lock().expect("no reader panics");
        while !holds(&text) {
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "not in the log within {PATIENCE:?}: {what}:\n{text}"
            );
            let grown = self.log.grown.wait_timeout(text, left);
            text = grown.expect("no reader panics").0;
        }
    }

    /// Waits until a task of this connector has failed.
    pub(crate) fn wait_for_failure(&self, connector: &str) {
        let of_it = format!(" connector={connector} ");
        self.wait_for_line(&["task FAILED", &of_it]);
    }

    /// Waits for a line with all these texts.
    pub(crate) fn wait_for_line(&self, wanted: &[&str]) {
        let found = |line: &str| wanted.iter().all(|part| line.contains(part));
        self.wait_until(&format!("a line with {wanted:?}"), |text| {
            text.lines().any(found)
        });
    }

    /// SIGTERM, and its end.
    pub(crate) fn terminate(mut self) -> (ExitStatus, String) {
        // Before, there is no handler yet.
        self.wait_for_log("starrocks-kafka started");
        self.signal("TERM");
        let status = self.wait();
        (status, self.log())
    }

    pub(crate) fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .args([&format!("-{signal}"), &self.child.id().to_string()])
            .status()
            .expect("kill is there");
        assert!(status.success(), "the process was there to get SIG{signal}");
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("the process was there");
        self.wait();
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the child is ours") {
                if let Some(reader) = self.reader.take() {
                    reader.join().expect("no reader panics");
                }
                return status;
            }
            assert!(
                Instant::now() < until,
                "did not end within {PATIENCE:?}:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
        if let Some(reader) = self.reader.take() {
            drop(reader.join());
        }
        if !std::thread::panicking() {
            let log = self.log();
            let secrets = SECRETS.lock().expect("nobody panics with it").clone();
            let told: Vec<_> = secrets
                .iter()
                .filter(|secret| !secret.is_empty() && log.contains(secret.as_str()))
                .collect();
            assert!(told.is_empty(), "{told:?} in the log:\n{log}");
        }
    }
}
