//! The connector that is measured: its files, and the offsets that it leaves.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::variant::Variant;
use crate::corpus::{Corpus, PARTITIONS};
use crate::failure::Failure;

const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// A connector of one task.
pub(super) struct Connector<'b> {
    /// New for each run, and with it the group.
    pub(super) name: String,
    pub(super) corpus: &'b Corpus,
    pub(super) variant: &'b Variant,
    pub(super) buffer_bytes: u64,
    pub(super) flush_interval_ms: u64,
    /// Lines of properties.
    pub(super) extra: &'b [String],
}

impl Connector<'_> {
    /// Writes the worker's file and the connector's.
    pub(super) fn write(
        &self,
        folder: &Path,
        bootstrap_servers: &str,
        starrocks: &str,
    ) -> Result<[PathBuf; 2], Failure> {
        let worker = [
            ("bootstrap.servers", bootstrap_servers),
            (
                "key.converter",
                "org.apache.kafka.connect.storage.StringConverter",
            ),
            (
                "value.converter",
                "org.apache.kafka.connect.json.JsonConverter",
            ),
            (
                "value.converter.schemas.enable",
                if self.variant.has_schemas {
                    "true"
                } else {
                    "false"
                },
            ),
            ("task.shutdown.graceful.timeout.ms", "30000"),
            ("offset.storage.file.filename", "/nowhere/connect.offsets"),
        ];
        let (bytes, interval) = (
            self.buffer_bytes.to_string(),
            self.flush_interval_ms.to_string(),
        );
        let connector = [
            ("name", self.name.as_str()),
            (
                "connector.class",
                "com.starrocks.connector.kafka.StarRocksSinkConnector",
            ),
            ("topics", &self.corpus.topic),
            ("starrocks.http.url", starrocks),
            ("starrocks.database.name", "bench"),
            ("starrocks.username", "root"),
            ("starrocks.password", ""),
            ("bufferflush.maxbytes", &bytes),
            ("bufferflush.intervalms", &interval),
        ];
        let files = [
            folder.join("worker.properties"),
            folder.join("connector.properties"),
        ];
        fs::write(&files[0], lines(&worker))?;
        let connector = lines(&connector) + &lines(self.variant.properties);
        fs::write(&files[1], connector + &self.extra.join("\n"))?;
        Ok(files)
    }

    /// Every record is settled: the group's offsets stand at the end of each partition.
    pub(super) fn check_offsets(&self, bootstrap_servers: &str) -> Result<(), Failure> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap_servers)
            .set("group.id", format!("connect-{}", self.name))
            .create()
            .map_err(Failure::to("make a consumer"))?;
        let mut asked = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            asked.add_partition(&self.corpus.topic, partition);
        }
        let stored = consumer
            .committed_offsets(asked, ANSWER_LIMIT)
            .map_err(Failure::to("ask for the group's offsets"))?;
        for partition in 0..PARTITIONS {
            let offset = stored
                .find_partition(&self.corpus.topic, partition)
                .map(|stored| stored.offset());
            let end = self.corpus.end_of(partition);
            if offset != Some(Offset::Offset(end)) {
                return Err(Failure::new(format!(
                    "the worker left the offset of {}-{partition} at {offset:?}, not at the end, {end}",
                    self.corpus.topic
                )));
            }
        }
        Ok(())
    }
}

fn lines(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        // Writing to a String cannot fail.
        let _always_ok = writeln!(text, "{name}={value}");
    }
    text
}
