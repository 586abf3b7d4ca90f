//! How far the demo is: bars on a terminal, a line every two seconds elsewhere.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, MultiProgress, ProgressBar, ProgressStyle};

/// How often a line is written where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(2);

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Numbers {
    /// Records to be written to the topic.
    pub(super) wanted: u64,
    /// Records written to the topic.
    pub(super) sent: u64,
    /// Rows whose offsets are committed: at least so many are in the table.
    pub(super) rows: u64,
    /// Since the first record was read; `None` before.
    pub(super) reading: Option<Duration>,
}

impl Numbers {
    fn lag(&self) -> u64 {
        self.sent.saturating_sub(self.rows)
    }
}

/// So many a second.
pub(super) fn rate(count: u64, time: Duration) -> u64 {
    let per_second = count as f64 / time.as_secs_f64().max(0.1);
    per_second as u64
}

/// What became of the records.
impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(reading) = self.reading else {
            return f.write_str("the worker joins its consumer group");
        };
        let (rows, lag) = (HumanCount(self.rows), HumanCount(self.lag()));
        let rate = HumanCount(rate(self.rows, reading));
        write!(f, "{rows} rows, {rate} rows/s, lag {lag}")
    }
}

/// Shows numbers as they grow.
pub(super) enum Progress {
    /// Two bars, drawn over and over.
    Bars {
        records: ProgressBar,
        rows: ProgressBar,
    },
    /// Lines.
    Lines { next: Instant },
}

impl Progress {
    /// On standard error: bars where that is a terminal, and `undisturbed` by log lines.
    pub(super) fn new(wanted: u64, undisturbed: bool) -> Self {
        if !undisturbed || !io::stderr().is_terminal() {
            return Self::Lines {
                next: Instant::now(),
            };
        }
        let both = MultiProgress::new();
        let bar = |name: &str, color: &str| {
            let template = format!("  {name:<9} [{{bar:24.{color}}}] {{msg}}");
            let style = ProgressStyle::with_template(&template).expect("the template is constant");
            both.add(ProgressBar::new(wanted).with_style(style.progress_chars("=> ")))
        };
        Self::Bars {
            records: bar("Kafka", "cyan"),
            rows: bar("StarRocks", "green"),
        }
    }

    /// Shows how far it is.
    pub(super) fn show(&mut self, now: Instant, numbers: Numbers) {
        let written = sentence(numbers);
        match self {
            Self::Bars { records, rows } => {
                records.set_position(numbers.sent);
                records.set_message(written);
                rows.set_position(numbers.rows);
                rows.set_message(numbers.to_string());
            }
            Self::Lines { next } if *next <= now => {
                *next = now + LINE_INTERVAL;
                // Nobody is left to be told where standard error is closed.
                drop(writeln!(io::stderr(), "  {written}; {numbers}"));
            }
            Self::Lines { .. } => {}
        }
    }

    /// Shows the last numbers, and leaves them standing.
    pub(super) fn finish(mut self, now: Instant, numbers: Numbers) {
        if let Self::Lines { next } = &mut self {
            *next = now;
        }
        self.show(now, numbers);
        if let Self::Bars { records, rows } = &self {
            records.abandon();
            rows.abandon();
            // What is printed next begins on a line of its own.
            drop(writeln!(io::stderr()));
        }
    }
}

/// What was written to the topic.
fn sentence(numbers: Numbers) -> String {
    let (sent, wanted) = (HumanCount(numbers.sent), HumanCount(numbers.wanted));
    format!("{sent} of {wanted} records")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told() {
        let check = |rows: u64, reading: Option<u64>, expect: &str| {
            let reading = reading.map(Duration::from_millis);
            let numbers = Numbers {
                wanted: 200_000,
                sent: 61_000,
                rows,
                reading,
            };
            assert_eq!(sentence(numbers), "61,000 of 200,000 records");
            assert_eq!(numbers.to_string(), expect);
        };
        check(0, None, "the worker joins its consumer group");
        check(0, Some(0), "0 rows, 0 rows/s, lag 61,000");
        check(60_000, Some(1500), "60,000 rows, 40,000 rows/s, lag 1,000");
        check(61_001, Some(2000), "61,001 rows, 30,500 rows/s, lag 0");
    }
}
