//! One run of the broker's process, ended for certain when the test process ends.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::BrokerError;

/// Stands between the test process and Java. Its standard input is a pipe whose other end only the
/// test process holds, so the kernel closes it however that process ends, SIGKILL included; then Java
/// is killed and its folder removed. (A parent-death signal would fire when the *thread* that started
/// the child ends, which in a test harness is much too early.)
const KEEPER: &str = r#"
folder=$1; shift
"$@" </dev/null &
java=$!
exec 2>/dev/null
while read -r order; do
    case $order in
        stop) kill -TERM $java ;;
        kill) kill -KILL $java ;;
        suspend) kill -STOP $java ;;
        resume) kill -CONT $java ;;
        leave) wait $java; exit 0 ;;
    esac
done
kill -KILL $java
wait $java
rm -rf -- "$folder"
"#;

/// The line by which Kafka says that it takes requests.
const STARTED: &str = "Kafka Server started";
/// How many of the last log lines are kept for a failure's message.
const KEPT_LINES: usize = 60;

#[derive(Default)]
struct Watched {
    started: bool,
    ended: bool,
    last_lines: VecDeque<String>,
}

/// A running broker process.
pub(super) struct Process {
    keeper: Child,
    orders: Option<ChildStdin>,
    watched: Arc<(Mutex<Watched>, Condvar)>,
}

impl Process {
    /// Starts `command` (program and arguments); `folder` is removed when the test process is gone.
    pub(super) fn start(folder: &Path, command: &[String]) -> Result<Self, BrokerError> {
        let mut keeper = Command::new("sh")
            .arg("-c")
            .arg(KEEPER)
            .arg("test-broker")
            .arg(folder)
            .args(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // A group of its own: Ctrl-C ends the tests, and their end ends the broker.
            .process_group(0)
            .spawn()
            .map_err(|error| BrokerError::new(format!("cannot run sh: {error}")))?;
        let orders = keeper.stdin.take();
        let watched = Arc::new((Mutex::new(Watched::default()), Condvar::new()));
        if let Some(log) = keeper.stderr.take() {
            let watched = Arc::clone(&watched);
            thread::Builder::new()
                .name("test-broker-log".to_owned())
                .spawn(move || watch(log, &watched))
                .map_err(|error| BrokerError::new(format!("cannot start a thread: {error}")))?;
        }
        Ok(Self {
            keeper,
            orders,
            watched,
        })
    }

    /// Waits until the broker takes requests.
    pub(super) fn wait_started(&self, limit: Duration) -> Result<(), BrokerError> {
        let watched = self.wait(limit, |watched| watched.started || watched.ended);
        if watched.started && !watched.ended {
            return Ok(());
        }
        let how = if watched.ended {
            "ended while starting"
        } else {
            "did not start in time"
        };
        let log: Vec<&str> = watched.last_lines.iter().map(String::as_str).collect();
        Err(BrokerError::new(format!(
            "the broker {how}:\n{}",
            log.join("\n")
        )))
    }

    /// Gives the keeper one of its orders.
    pub(super) fn order(&mut self, word: &str) -> Result<(), BrokerError> {
        let Some(orders) = &mut self.orders else {
            return Err(BrokerError::new("the broker is not running".to_owned()));
        };
        writeln!(orders, "{word}")
            .map_err(|error| BrokerError::new(format!("the broker's keeper is gone: {error}")))
    }

    /// Ends the process by the order `how` and waits for its end; the folder stays.
    pub(super) fn end(mut self, how: &str, limit: Duration) -> Result<(), BrokerError> {
        self.order(how)?;
        let ended = self.wait(limit, |watched| watched.ended).ended;
        if !ended {
            self.order("kill")?;
        }
        self.order("leave")?;
        self.orders = None;
        self.keeper
            .wait()
            .map_err(|error| BrokerError::new(format!("cannot wait for the broker: {error}")))?;
        if ended {
            Ok(())
        } else {
            Err(BrokerError::new(format!(
                "the broker did not {how} in time: killed"
            )))
        }
    }

    fn wait(&self, limit: Duration, done: impl Fn(&Watched) -> bool) -> MutexGuard<'_, Watched> {
        let (watched, changed) = &*self.watched;
        let until = Instant::now() + limit;
        let mut watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
        while !done(&watched) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            watched = changed
                .wait_timeout(watched, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        watched
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The closed pipe is the order to kill and clean up.
        self.orders = None;
        let _ = self.keeper.wait();
    }
}

/// Follows the broker's log to its end, which is Java's end: the keeper has let go of its copy.
fn watch(log: ChildStderr, watched: &(Mutex<Watched>, Condvar)) {
    let (watched, changed) = watched;
    let mut lines = BufReader::new(log).split(b'\n');
    while let Some(Ok(line)) = lines.next() {
        let line = String::from_utf8_lossy(&line).into_owned();
        let mut watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.started |= line.contains(STARTED);
        if watched.last_lines.len() == KEPT_LINES {
            watched.last_lines.pop_front();
        }
        watched.last_lines.push_back(line);
        changed.notify_all();
    }
    watched.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
    changed.notify_all();
}
