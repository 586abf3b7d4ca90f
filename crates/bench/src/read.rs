//! Readers to nowhere, in processes of their own.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use starrocks_kafka_pipeline::kafka::{Batch as _, Kafka as _, Polled};
use starrocks_kafka_worker::kafka::{ClientSettings, LibrdkafkaClient};

use crate::corpus::PARTITIONS;
use crate::failure::Failure;

const POLL: Duration = Duration::from_millis(100);
/// Without a record for so long, none will come.
const PATIENCE: Duration = Duration::from_secs(60);

/// By what records are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// `BaseConsumer` of the `rdkafka` crate, librdkafka's defaults: a call per record.
    BaseConsumer,
    /// The worker's own client with the worker's settings: librdkafka's batch interface.
    WorkerClient,
}

impl By {
    pub(crate) const ALL: [Self; 2] = [Self::BaseConsumer, Self::WorkerClient];

    /// What the tables call it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::BaseConsumer => "bare read: rdkafka BaseConsumer",
            Self::WorkerClient => "read by the worker's client",
        }
    }

    /// As the command line has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::BaseConsumer => "base-consumer",
            Self::WorkerClient => "worker-client",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ReadOptions {
    #[arg(long)]
    by: By,
    #[arg(long)]
    bootstrap_servers: String,
    #[arg(long)]
    topic: String,
    /// Ends after so many.
    #[arg(long)]
    records: u64,
}

/// What was read; said in one line, so that the parent can check it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    records: u64,
    value_bytes: u64,
}

impl Seen {
    fn add(&mut self, value: Option<&[u8]>) {
        self.records += 1;
        self.value_bytes += value.map_or(0, |value| value.len() as u64);
    }
}

pub(crate) fn run(options: &ReadOptions) -> Result<(), Failure> {
    let seen = match options.by {
        By::BaseConsumer => by_base_consumer(options)?,
        By::WorkerClient => by_worker_client(options)?,
    };
    writeln!(io::stdout(), "{}", line(seen.records, seen.value_bytes))?;
    Ok(())
}

/// What a reader says at its end.
pub(crate) fn line(records: u64, value_bytes: u64) -> String {
    format!("{records} records, {value_bytes} value bytes")
}

fn properties(options: &ReadOptions, group: &str) -> BTreeMap<String, String> {
    [
        ("bootstrap.servers", options.bootstrap_servers.as_str()),
        ("group.id", group),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

fn silence(seen: Seen, options: &ReadOptions) -> Failure {
    Failure::new(format!(
        "{} of {} records of topic {}, and no more for {PATIENCE:?}",
        seen.records, options.records, options.topic
    ))
}

fn by_base_consumer(options: &ReadOptions) -> Result<Seen, Failure> {
    let mut config: ClientConfig = properties(options, "bench-base-consumer")
        .into_iter()
        .collect();
    config.set("enable.auto.commit", "false");
    let consumer: BaseConsumer = config.create().map_err(Failure::to("make a consumer"))?;
    let mut from = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        from.add_partition_offset(&options.topic, partition, Offset::Beginning)
            .map_err(Failure::to("name a partition"))?;
    }
    consumer
        .assign(&from)
        .map_err(Failure::to("assign partitions"))?;
    let (mut seen, mut last) = (Seen::default(), Instant::now());
    while seen.records < options.records {
        match consumer.poll(POLL) {
            Some(Ok(message)) => seen.add(message.payload()),
            Some(Err(error)) => return Err(Failure::new(error.to_string())),
            None if last.elapsed() < PATIENCE => continue,
            None => return Err(silence(seen, options)),
        }
        if seen.records % 4096 == 0 {
            last = Instant::now();
        }
    }
    Ok(seen)
}

fn by_worker_client(options: &ReadOptions) -> Result<Seen, Failure> {
    let settings = ClientSettings {
        name: "bench".to_owned(),
        consumer: properties(options, "bench-worker-client"),
        subscription: vec![options.topic.clone()],
        ..ClientSettings::default()
    };
    let mut client = LibrdkafkaClient::new(&settings).map_err(Failure::to("make a client"))?;
    let (mut seen, mut last) = (Seen::default(), Instant::now());
    while seen.records < options.records {
        match client.poll(POLL).map_err(Failure::to("read"))? {
            Polled::Records(batch) => {
                last = Instant::now();
                for index in 0..batch.len() {
                    seen.add(batch.get(index).value);
                }
            }
            Polled::Assigned { added, .. } => {
                let from: Vec<_> = added.into_iter().map(|partition| (partition, 0)).collect();
                client.start(&from).map_err(Failure::to("start reading"))?;
            }
            Polled::Revoked { .. } | Polled::Lost { .. } => {
                return Err(Failure::new("the group took partitions back"));
            }
            Polled::OutOfRange { partition, .. } => {
                return Err(Failure::new(format!(
                    "{partition} was cut while it was read"
                )));
            }
            Polled::TopicMissing { message, .. } => return Err(Failure::new(message)),
            Polled::TopicFound { .. } => {}
            Polled::EndOfPartition { .. } | Polled::Nothing if last.elapsed() < PATIENCE => {}
            Polled::EndOfPartition { .. } | Polled::Nothing => return Err(silence(seen, options)),
        }
    }
    client
        .close(Duration::from_secs(10))
        .map_err(Failure::to("leave the group"))?;
    Ok(seen)
}
