//! A process, and what it used: CPU by its rusage, memory by its high-water mark.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use wait4::{ResUse, Wait4 as _};

use crate::failure::Failure;

/// How often the mark is read. It only rises, so what it misses is the growth in the last moments.
const SAMPLE: Duration = Duration::from_millis(20);

/// What a process used from its start to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) wall: Duration,
    pub(crate) user: Duration,
    pub(crate) system: Duration,
    pub(crate) peak_rss_bytes: u64,
    pub(crate) status: ExitStatus,
}

/// A process at work. Dropping it kills it.
///
/// The memory is `VmHWM`, not `ru_maxrss`: the latter begins with the peak of the process that started
/// this one (`setmax_mm_hiwater_rss` in Linux' `exec_mmap`), which has produced the corpus.
pub(crate) struct Measured {
    /// `None` once it was waited for.
    child: Option<Child>,
    started: Instant,
    mark: PathBuf,
    peak_rss_bytes: u64,
    ended: Option<Usage>,
}

impl Measured {
    pub(crate) fn start(command: &mut Command) -> Result<Self, Failure> {
        let started = Instant::now();
        let child = command.spawn().map_err(Failure::to(format!(
            "run {}",
            command.get_program().display()
        )))?;
        Ok(Self {
            started,
            mark: PathBuf::from(format!("/proc/{}/status", child.id())),
            child: Some(child),
            peak_rss_bytes: 0,
            ended: None,
        })
    }

    /// Since its start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Looks at it once: its usage if it has ended.
    pub(crate) fn look(&mut self) -> Result<Option<Usage>, Failure> {
        if let Some(child) = &mut self.child {
            let status = fs::read_to_string(&self.mark).unwrap_or_default();
            self.peak_rss_bytes = self.peak_rss_bytes.max(high_water_bytes(&status));
            if let Some(ResUse { status, rusage }) = child.try_wait4()? {
                self.child = None;
                self.ended = Some(Usage {
                    wall: self.elapsed(),
                    user: rusage.utime,
                    system: rusage.stime,
                    peak_rss_bytes: self.peak_rss_bytes,
                    status,
                });
            }
        }
        Ok(self.ended)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It did not come within `limit`.
    pub(crate) fn wait(&mut self, limit: Duration) -> Result<Usage, Failure> {
        let until = Instant::now() + limit;
        loop {
            if let Some(usage) = self.look()? {
                return Ok(usage);
            }
            if Instant::now() >= until {
                return Err(Failure::new(format!(
                    "a process did not end within {limit:?}"
                )));
            }
            thread::sleep(SAMPLE);
        }
    }

    /// Asks it to stop (SIGTERM).
    pub(crate) fn terminate(&self) -> Result<(), Failure> {
        let child = self
            .child
            .as_ref()
            .ok_or_else(|| Failure::new("the process has ended already"))?;
        kill_process(Pid::from_child(child), Signal::TERM).map_err(Failure::to("stop a process"))
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended already.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// `VmHWM` of a `/proc/PID/status`; 0 where there is none, as for a process that has ended.
fn high_water_bytes(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_high_water_mark_is_read() {
        fn check(status: &str, expect: u64) {
            assert_eq!(high_water_bytes(status), expect, "{status}");
        }
        check(
            "Name:\tx\nVmPeak:\t  9 kB\nVmHWM:\t    1204 kB\n",
            1204 * 1024,
        );
        check("Name:\tx\nState:\tZ (zombie)\n", 0);
        check("VmHWM: much", 0);
    }

    #[test]
    fn a_process_is_measured_to_its_end() {
        let mut shell = Command::new("sh");
        shell.args([
            "-c",
            "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; exit 3",
        ]);
        let mut measured = Measured::start(&mut shell).expect("there is a shell");
        let usage = measured.wait(Duration::from_secs(60)).expect("it ends");
        assert_eq!(usage.status.code(), Some(3));
        let cpu = usage.user + usage.system;
        assert!(cpu > Duration::ZERO && cpu <= usage.wall, "{usage:?}");
        assert!(usage.peak_rss_bytes > 100 << 10, "{usage:?}");
        assert!(measured.terminate().is_err(), "it has ended");
    }

    #[test]
    fn a_process_is_stopped() {
        let mut sleep = Command::new("sleep");
        sleep.arg("1000");
        let mut measured = Measured::start(&mut sleep).expect("there is a sleep");
        assert!(measured.wait(Duration::from_millis(1)).is_err());
        measured.terminate().expect("it runs");
        let usage = measured.wait(Duration::from_secs(60)).expect("it ends");
        assert!(!usage.status.success());
    }
}
