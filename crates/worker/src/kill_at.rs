//! Ends the process at a chosen step of a round, for the tests that show that nothing is lost then.
//!
//! Only debug builds have it. `STARROCKS_KAFKA_KILL_AT=<step>:<n>` ends the process, as SIGKILL does, when
//! the step is reached for the n-th time, counted from 1.

use std::sync::atomic::{AtomicU32, Ordering};

use starrocks_kafka_pipeline::step::{Probe, Step};

/// The variable that names the step.
pub const VARIABLE: &str = "STARROCKS_KAFKA_KILL_AT";

/// Ends the process at a step.
#[derive(Debug)]
pub struct KillAt {
    step: Step,
    left: AtomicU32,
}

impl KillAt {
    /// Reads `<step>:<n>`; `None` where it is not of that form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (name, count) = text.split_once(':')?;
        let step = Step::ALL.into_iter().find(|step| step.name() == name)?;
        let count = count.parse().ok().filter(|count| *count > 0)?;
        Some(Self {
            step,
            left: AtomicU32::new(count),
        })
    }
}

impl Probe for KillAt {
    fn reached(&self, step: Step) {
        if step == self.step && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            tracing::error!(%step, "killed here, as {VARIABLE} asks");
            // Not a panic and not an exit: nothing may run after it, no destructor and no handler.
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_and_its_count_are_read() {
        let check = |text: &str, expect: Option<(Step, u32)>| {
            let got = KillAt::parse(text).map(|kill| (kill.step, kill.left.load(Ordering::SeqCst)));
            assert_eq!(got, expect, "{text}");
        };
        check("prepared:1", Some((Step::Prepared, 1)));
        check("rolled-back:12", Some((Step::RolledBack, 12)));
        for wrong in ["", "prepared", "prepared:0", "prepared:x", "nowhere:1"] {
            check(wrong, None);
        }
    }
}
