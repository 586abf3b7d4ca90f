//! The whole worker on a real broker, against readers of the same topic to nowhere.

mod connector;
mod results;
mod variant;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use starrocks_kafka_testbed::Shape;
use starrocks_kafka_testbed::broker::{Broker, BrokerOptions};
use tempfile::TempDir;

use self::connector::Connector;
use self::results::{Measurement, Results};
use self::variant::Variant;
use crate::corpus::Corpus;
use crate::failure::Failure;
use crate::measure::{Measured, Usage};
use crate::programs::{self, STAND_IN, WORKER};
use crate::read::{self, By};
use crate::standin::{Counters, StandIn};

/// A reader or worker that is not done by then never will be.
const LIMIT: Duration = Duration::from_secs(900);
/// A worker that stops brings its round home within `task.shutdown.graceful.timeout.ms`.
const STOP_LIMIT: Duration = Duration::from_secs(60);
/// Without a row for so long, none will come.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(20);
/// Rows that the worker may hold back until its round ends: those of the open chunk, which has 4 MiB.
const HELD_BACK_BYTES: u64 = 4 << 20;
const MIB: u64 = 1 << 20;

#[derive(Debug, Args)]
pub(crate) struct WorkerOptions {
    /// Flat JSON records of about 190 bytes; 0 leaves them out.
    #[arg(long, value_name = "N", default_value_t = 2_000_000)]
    flat_records: u64,
    /// Nested JSON records of about 800 bytes; 0 leaves them out.
    #[arg(long, value_name = "N", default_value_t = 300_000)]
    nested_records: u64,
    /// JSON records of about 800 bytes with their schemas; 0 leaves them out.
    #[arg(long, value_name = "N", default_value_t = 300_000)]
    envelope_records: u64,
    /// Change events of Debezium of about 3 KB, with their schemas; 0 leaves them out.
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    change_records: u64,
    /// What bufferflush.maxbytes is set to, in MiB; the worker runs with each of them.
    #[arg(
        long,
        value_name = "MIB,…",
        value_delimiter = ',',
        default_value = "64,1024"
    )]
    buffer_mib: Vec<u64>,
    /// What bufferflush.intervalms is set to.
    #[arg(long, value_name = "MS", default_value_t = 10_000)]
    flush_interval_ms: u64,
    /// How often each is measured; shown is the run with the least CPU.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Measure this binary instead of the starrocks-kafka beside this program.
    #[arg(long, value_name = "FILE")]
    worker: Option<PathBuf>,
    /// A property more for the connector, `name=value`. May be given several times.
    #[arg(long = "set", value_name = "PROPERTY")]
    properties: Vec<String>,
}

/// Where everything runs.
struct Bench<'o> {
    options: &'o WorkerOptions,
    broker: Broker,
    folder: TempDir,
    worker: PathBuf,
    stand_in: PathBuf,
}

pub(crate) fn run(options: &WorkerOptions) -> Result<(), Failure> {
    let (worker, stand_in) = match &options.worker {
        Some(worker) => {
            let [stand_in] = programs::find_or_build([STAND_IN])?;
            (worker.clone(), stand_in)
        }
        None => programs::find_or_build([WORKER, STAND_IN])?.into(),
    };
    say("starting a Kafka broker");
    let bench = Bench {
        options,
        broker: Broker::start(BrokerOptions {
            heap_mib: 512,
            optimise: true,
            ..BrokerOptions::default()
        })
        .map_err(Failure::to("start a Kafka broker"))?,
        folder: tempfile::tempdir().map_err(Failure::to("make a temporary folder"))?,
        worker,
        stand_in,
    };
    let mut results = Results::default();
    for (shape, records) in [
        (Shape::Flat, options.flat_records),
        (Shape::Nested, options.nested_records),
        (Shape::Envelope, options.envelope_records),
        (Shape::Change, options.change_records),
    ] {
        if records > 0 {
            bench.measure(shape, records, &mut results)?;
        }
    }
    io::stdout().write_all(results.render().as_bytes())?;
    Ok(())
}

/// Progress, for whoever waits.
fn say(what: &str) {
    // Where standard error is gone nobody waits.
    let _said = writeln!(io::stderr(), "… {what}");
}

impl Bench<'_> {
    fn measure(&self, shape: Shape, records: u64, results: &mut Results) -> Result<(), Failure> {
        say(&format!(
            "writing {records} {} records",
            crate::corpus::name(shape)
        ));
        let corpus = Corpus::produce(&self.broker, shape, records);
        for by in By::ALL {
            let measure = || self.read(&corpus, by);
            results.add(
                &corpus,
                self.best(&format!("{corpus}: {}", by.title()), measure)?,
            );
        }
        for (variant, mib) in self.variants(shape) {
            let title = format!("worker, {}, {mib} MiB", variant.name);
            let mut run = 0;
            let measure = || {
                run += 1;
                self.load(&corpus, variant, mib, run)
            };
            results.add(&corpus, self.best(&format!("{corpus}: {title}"), measure)?);
        }
        Ok(())
    }

    /// Each way to load records of this shape; the first one with every `bufferflush.maxbytes`.
    fn variants(&self, shape: Shape) -> Vec<(&'static Variant, u64)> {
        let sizes = &self.options.buffer_mib;
        let mut variants = Variant::of(shape).iter();
        let first = variants.next();
        let first = first
            .into_iter()
            .flat_map(|first| sizes.iter().map(move |mib| (first, *mib)));
        first
            .chain(variants.flat_map(|other| sizes.first().map(|mib| (other, *mib))))
            .collect()
    }

    /// The run with the least CPU: noise only adds. The peak of memory is the highest of all runs.
    fn best(
        &self,
        title: &str,
        mut measure: impl FnMut() -> Result<Measurement, Failure>,
    ) -> Result<Measurement, Failure> {
        say(title);
        let mut best = measure()?;
        for _ in 1..self.options.runs {
            let next = measure()?;
            let peak = best.peak_rss_bytes.max(next.peak_rss_bytes);
            if next.cpu() < best.cpu() {
                best = next;
            }
            best.peak_rss_bytes = peak;
        }
        Ok(best)
    }

    fn read(&self, corpus: &Corpus, by: By) -> Result<Measurement, Failure> {
        let heard = self.folder.path().join("reader.out");
        let output = std::fs::File::create(&heard)?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["read", "--by", by.name(), "--topic", &corpus.topic])
            .args(["--bootstrap-servers", &self.broker.bootstrap_servers()])
            .args(["--records", &corpus.records.to_string()])
            .stdin(Stdio::null())
            .stdout(output);
        let usage = Measured::start(&mut command)?.wait(LIMIT)?;
        let said = std::fs::read_to_string(&heard)?;
        let expect = read::line(corpus.records, corpus.value_bytes);
        if !usage.status.success() || said.trim_end() != expect {
            return Err(Failure::new(format!(
                "a reader of topic {} ended with {} and read: {}; expected: {expect}",
                corpus.topic,
                usage.status,
                said.trim_end()
            )));
        }
        Ok(Measurement::of(by.title(), &usage, usage.wall, 1.0))
    }

    fn load(
        &self,
        corpus: &Corpus,
        variant: &Variant,
        mib: u64,
        run: u32,
    ) -> Result<Measurement, Failure> {
        let stand_in = StandIn::start(&self.stand_in)?;
        let connector = Connector {
            name: format!(
                "bench-{corpus}-{}-{mib}-{run}",
                variant.name.replace([' ', ',', '…'], "-")
            ),
            corpus,
            variant,
            buffer_bytes: mib * MIB,
            flush_interval_ms: self.options.flush_interval_ms,
            extra: &self.options.properties,
        };
        let bootstrap = self.broker.bootstrap_servers();
        let files = connector.write(self.folder.path(), &bootstrap, stand_in.address())?;
        let log = self.folder.path().join("worker.log");
        let mut command = Command::new(&self.worker);
        command
            .arg("standalone")
            .args(files)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log)?);
        let mut worker = Measured::start(&mut command)?;
        let loaded = self
            .watch(corpus, &stand_in, &mut worker)
            .and_then(|streamed| Ok((streamed, stop(&mut worker)?)))
            .map_err(|failure| Failure::new(format!("{failure}{}", last_lines(&log))))?;
        let (streamed, usage) = loaded;
        check_rows(corpus, stand_in.counters()?)?;
        connector.check_offsets(&bootstrap)?;
        Ok(Measurement::of(
            &format!("worker, {}, {mib} MiB", variant.name),
            &usage,
            streamed.time,
            streamed.part,
        ))
    }

    /// Waits until StarRocks has counted every row.
    fn watch(
        &self,
        corpus: &Corpus,
        stand_in: &StandIn,
        worker: &mut Measured,
    ) -> Result<Streamed, Failure> {
        let mut growth = Growth::default();
        let mut last = Instant::now();
        loop {
            let now = stand_in.counters()?;
            if growth.add(worker.elapsed(), now.body_bytes) {
                last = Instant::now();
            }
            if now.rows >= corpus.records {
                return Ok(growth.streamed(corpus.value_bytes));
            }
            if let Some(usage) = worker.look()? {
                return Err(Failure::new(format!("the worker ended: {}", usage.status)));
            }
            if last.elapsed() > PATIENCE {
                return Err(Failure::new(format!(
                    "{} of {} rows are missing, and none came for {PATIENCE:?}",
                    corpus.records - now.rows,
                    corpus.records
                )));
            }
            thread::sleep(LOOK);
        }
    }
}

/// When the worker had no more to read: until then it is measured how fast it is, the rest of the time it
/// waits for `bufferflush.intervalms`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Streamed {
    time: Duration,
    /// How much of all StarRocks had by then.
    part: f64,
}

/// How many bytes of bodies StarRocks had when.
#[derive(Debug, Default)]
struct Growth(Vec<(Duration, u64)>);

impl Growth {
    /// Whether there are more than before.
    fn add(&mut self, time: Duration, body_bytes: u64) -> bool {
        let grew = body_bytes > self.0.last().map_or(0, |(_, bytes)| *bytes);
        if grew {
            self.0.push((time, body_bytes));
        }
        grew
    }

    /// When all was there but what the worker may hold back. Bodies may be smaller than the values that they are made
    /// of, and the open chunk is as much smaller.
    fn streamed(&self, value_bytes: u64) -> Streamed {
        let Some((end, all)) = self.0.last().copied() else {
            return Streamed {
                time: Duration::ZERO,
                part: 1.0,
            };
        };
        let all = all as f64;
        let held_back = HELD_BACK_BYTES as f64 * (all / value_bytes as f64).min(1.0);
        let enough = |(_, bytes): &&(Duration, u64)| *bytes as f64 + held_back >= all;
        let (time, bytes) = self.0.iter().find(enough).copied().unwrap_or((end, 0));
        Streamed {
            time,
            part: bytes as f64 / all,
        }
    }
}

fn stop(worker: &mut Measured) -> Result<Usage, Failure> {
    worker.terminate()?;
    let usage = worker.wait(STOP_LIMIT)?;
    if usage.status.success() {
        Ok(usage)
    } else {
        Err(Failure::new(format!("the worker ended: {}", usage.status)))
    }
}

fn check_rows(corpus: &Corpus, counted: Counters) -> Result<(), Failure> {
    if counted.rows == corpus.records && counted.commits > 0 {
        return Ok(());
    }
    Err(Failure::new(format!(
        "StarRocks was given {} rows in {} committed transactions for {} records",
        counted.rows, counted.commits, corpus.records
    )))
}

/// What the worker said last, for a failure's message.
fn last_lines(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    let last = lines[lines.len().saturating_sub(20)..].join("\n  ");
    format!("; the worker's last lines:\n  {last}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_back_is_not_waited_for() {
        let check = |seen: &[(u64, u64)], value_bytes: u64, expect: (u64, f64)| {
            let mut growth = Growth::default();
            for (ms, bytes) in seen {
                growth.add(Duration::from_millis(*ms), *bytes);
            }
            let expect = Streamed {
                time: Duration::from_millis(expect.0),
                part: expect.1,
            };
            assert_eq!(growth.streamed(value_bytes), expect, "{seen:?}");
        };
        let chunk = HELD_BACK_BYTES;
        check(
            &[(1, 4 * chunk), (2, 7 * chunk), (9, 8 * chunk)],
            8 * chunk,
            (2, 0.875),
        );
        check(&[(1, 4 * chunk), (9, 8 * chunk)], 8 * chunk, (9, 1.0));
        // Compressed to half.
        check(
            &[(1, 4 * chunk), (2, 7 * chunk), (9, 8 * chunk)],
            16 * chunk,
            (9, 1.0),
        );
        check(&[(1, chunk / 2)], chunk, (1, 1.0));
    }
}
