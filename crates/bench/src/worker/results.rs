//! What was measured, beside what reading alone costs.

use std::time::Duration;

use serde_json::json;

use crate::corpus::Corpus;
use crate::measure::Usage;
use crate::report::{Table, machine};

const MIB: f64 = 1_048_576.0;

/// What is aimed at; told, never asserted.
const AIMS: &str = "aims: the worker at most 2.0 × the CPU of the bare read on flat JSON records, and at most 96 MiB of \
                    memory whatever bufferflush.maxbytes says";

/// One thing measured.
#[derive(Clone, Debug)]
pub(super) struct Measurement {
    what: String,
    user: Duration,
    system: Duration,
    pub(super) peak_rss_bytes: u64,
    /// How long `part` of all took.
    time: Duration,
    part: f64,
}

impl Measurement {
    pub(super) fn of(what: &str, usage: &Usage, time: Duration, part: f64) -> Self {
        Self {
            what: what.to_owned(),
            user: usage.user,
            system: usage.system,
            peak_rss_bytes: usage.peak_rss_bytes,
            time,
            part,
        }
    }

    pub(super) fn cpu(&self) -> Duration {
        self.user + self.system
    }
}

/// A line of the table.
struct Line {
    corpus: String,
    what: String,
    records: u64,
    records_per_s: f64,
    megabytes_per_s: f64,
    user_s_per_million: f64,
    system_s_per_million: f64,
    times_floor: f64,
    peak_rss_mib: f64,
}

/// Everything measured.
#[derive(Default)]
pub(super) struct Results {
    lines: Vec<Line>,
}

impl Results {
    /// Adds a measurement; the first of a corpus is the floor of the others.
    pub(super) fn add(&mut self, corpus: &Corpus, measured: Measurement) {
        let per_million = |time: Duration| time.as_secs_f64() * 1e6 / corpus.records as f64;
        let per_s = |amount: u64| amount as f64 * measured.part / measured.time.as_secs_f64();
        let corpus_name = corpus.to_string();
        let cpu = per_million(measured.cpu());
        let first = self.lines.iter().find(|line| line.corpus == corpus_name);
        let floor = first.map_or(cpu, |line| {
            line.user_s_per_million + line.system_s_per_million
        });
        self.lines.push(Line {
            corpus: corpus_name,
            records: corpus.records,
            records_per_s: per_s(corpus.records),
            megabytes_per_s: per_s(corpus.value_bytes) / 1e6,
            user_s_per_million: per_million(measured.user),
            system_s_per_million: per_million(measured.system),
            times_floor: cpu / floor,
            peak_rss_mib: measured.peak_rss_bytes as f64 / MIB,
            what: measured.what,
        });
    }

    /// The table, the aims, and the same as one line of JSON.
    pub(super) fn render(&self) -> String {
        let (cpu, cores) = machine();
        let mut table = Table::new(
            2,
            &[
                "corpus",
                "what",
                "records/s",
                "MB/s",
                "CPU s/M records",
                "user",
                "system",
                "× bare read",
                "peak RSS MiB",
            ],
        );
        for line in &self.lines {
            table.row(vec![
                line.corpus.clone(),
                line.what.clone(),
                format!("{:.0}", line.records_per_s),
                format!("{:.1}", line.megabytes_per_s),
                format!("{:.3}", line.user_s_per_million + line.system_s_per_million),
                format!("{:.3}", line.user_s_per_million),
                format!("{:.3}", line.system_s_per_million),
                format!("{:.2}", line.times_floor),
                format!("{:.1}", line.peak_rss_mib),
            ]);
        }
        let machine = json!({
            "bench": "worker",
            "processor": cpu,
            "cores": cores,
            "optimised": !cfg!(debug_assertions),
            "results": self.lines.iter().map(Line::json).collect::<Vec<_>>(),
        });
        format!(
            "{cpu}, {cores} cores\n{}{AIMS}\n{machine}\n",
            table.render()
        )
    }
}

impl Line {
    fn json(&self) -> serde_json::Value {
        json!({
            "corpus": self.corpus,
            "what": self.what,
            "records": self.records,
            "records_per_s": self.records_per_s,
            "megabytes_per_s": self.megabytes_per_s,
            "user_s_per_million": self.user_s_per_million,
            "system_s_per_million": self.system_s_per_million,
            "times_bare_read": self.times_floor,
            "peak_rss_mib": self.peak_rss_mib,
        })
    }
}
