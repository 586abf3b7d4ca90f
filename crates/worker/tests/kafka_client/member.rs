//! What the tests do with a client, in few words.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use starrocks_kafka_pipeline::kafka::{
    Batch, Decision, Kafka, KafkaError, OffsetAndMetadata, Polled, TopicPartition,
};
use starrocks_kafka_testbed::broker::{Broker, Message};
use starrocks_kafka_worker::kafka::{ClientSettings, LibrdkafkaClient, RecordBatch};

/// Far beyond what anything here takes; reaching it is a failure.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);
/// For one poll of many.
pub(crate) const MOMENT: Duration = Duration::from_millis(50);

/// A member's settings; the group and the transactional id are named after `name`.
pub(crate) fn settings(broker: &Broker, group: &str, name: &str, topic: &str) -> ClientSettings {
    let mut settings = ClientSettings {
        name: name.to_owned(),
        transactional_id: Some(format!("{group}-{name}")),
        subscription: vec![topic.to_owned()],
        ..ClientSettings::default()
    };
    for properties in [&mut settings.consumer, &mut settings.producer] {
        properties.insert("bootstrap.servers".to_owned(), broker.bootstrap_servers());
    }
    settings
        .consumer
        .insert("group.id".to_owned(), group.to_owned());
    settings
}

/// The same with consumer properties.
pub(crate) fn with(mut settings: ClientSettings, properties: &[(&str, &str)]) -> ClientSettings {
    for (property, value) in properties {
        settings
            .consumer
            .insert((*property).to_owned(), (*value).to_owned());
    }
    settings
}

pub(crate) fn client(settings: &ClientSettings) -> LibrdkafkaClient {
    // `RUST_LOG=debug`, and librdkafka's property `debug`, tell why a test fails.
    if let Ok(filter) = tracing_subscriber::EnvFilter::try_from_default_env() {
        let _ = tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_env_filter(filter)
            .try_init();
    }
    LibrdkafkaClient::new(settings).expect("the settings are valid")
}

/// Polls until `wanted` gives something.
pub(crate) fn until<T>(
    client: &mut LibrdkafkaClient,
    mut wanted: impl FnMut(Result<Polled<RecordBatch>, KafkaError>) -> Option<T>,
) -> T {
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(found) = wanted(client.poll(MOMENT)) {
            return found;
        }
        assert!(Instant::now() < end, "what is waited for did not come");
    }
}

/// Polls until partitions are assigned; what is told before is an error of the test.
pub(crate) fn assigned(client: &mut LibrdkafkaClient) -> Vec<TopicPartition> {
    until(client, |polled| {
        match polled.expect("no error while joining") {
            Polled::Assigned { owned, .. } if !owned.is_empty() => Some(owned),
            Polled::Assigned { .. } | Polled::Nothing => None,
            other => panic!("not expected while joining: {other:?}"),
        }
    })
}

/// Starts reading where the group stands, else at the beginning.
pub(crate) fn start(client: &mut LibrdkafkaClient, partitions: &[TopicPartition]) {
    let committed = client
        .committed(partitions, LIMIT)
        .expect("the offsets become stable");
    let ranges = client.ranges(partitions, LIMIT);
    let positions: Vec<_> = committed
        .into_iter()
        .zip(ranges.expect("the broker answers"))
        .map(|(committed, range)| (committed.partition, committed.offset.unwrap_or(range.first)))
        .collect();
    client.start(&positions).expect("they are assigned");
}

/// What was read: by partition the offsets in their order.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) offsets: BTreeMap<i32, Vec<i64>>,
}

impl Read {
    pub(crate) fn take(&mut self, batch: &RecordBatch) {
        for index in 0..batch.len() {
            let record = batch.get(index);
            self.offsets
                .entry(record.partition)
                .or_default()
                .push(record.offset);
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.offsets.values().map(Vec::len).sum()
    }

    /// Each partition's offsets are those from the first to before the second number, each once and in
    /// order.
    pub(crate) fn assert_is(&self, expect: &[(i64, i64)]) {
        for (partition, expect) in (0..).zip(expect) {
            let read = self.offsets.get(&partition).map_or(&[][..], Vec::as_slice);
            let expect: Vec<i64> = (expect.0..expect.1).collect();
            assert!(
                read == expect,
                "partition {partition}: {} records {:?}",
                read.len(),
                Gaps(read)
            );
        }
    }
}

/// The places where offsets are not consecutive.
struct Gaps<'r>(&'r [i64]);

impl std::fmt::Debug for Gaps<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "from {:?} to {:?}", self.0.first(), self.0.last())?;
        for pair in self.0.windows(2).filter(|pair| pair[1] != pair[0] + 1) {
            write!(f, ", {} then {}", pair[0], pair[1])?;
        }
        Ok(())
    }
}

/// Polls until `count` records are read.
pub(crate) fn read(client: &mut LibrdkafkaClient, read: &mut Read, count: usize) {
    if read.count() >= count {
        return;
    }
    until(client, |polled| {
        match polled.expect("no error while reading") {
            Polled::Records(batch) => read.take(&batch),
            Polled::Nothing | Polled::EndOfPartition { .. } => {}
            other => panic!("not expected while reading: {other:?}"),
        }
        (read.count() >= count).then_some(())
    });
}

/// Polls for a while, in which nothing but ends of partitions may come.
pub(crate) fn assert_quiet(client: &mut LibrdkafkaClient, time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        match client.poll(MOMENT).expect("no error") {
            Polled::Nothing | Polled::EndOfPartition { .. } => {}
            other => panic!("nothing was expected: {other:?}"),
        }
    }
}

pub(crate) fn numbered(partition: i32, count: i64) -> impl Iterator<Item = Message> {
    (0..count).map(move |number| {
        Message::new(partition, format!("{{\"n\":{number}}}")).with_key(number.to_string())
    })
}

pub(crate) fn offset(partition: &TopicPartition, offset: i64, metadata: &str) -> OffsetAndMetadata {
    OffsetAndMetadata {
        partition: partition.clone(),
        offset,
        metadata: metadata.to_owned(),
    }
}

#[track_caller]
pub(crate) fn assert_committed(decision: Decision) {
    assert!(matches!(decision, Decision::Committed), "{decision:?}");
}

#[track_caller]
pub(crate) fn assert_refused(decision: Decision, text: &str) {
    match decision {
        Decision::Refused(error) => assert!(error.message.contains(text), "{error}"),
        other => panic!("not refused: {other:?}"),
    }
}

/// The stored offset and metadata of a partition.
pub(crate) fn stored(
    client: &mut LibrdkafkaClient,
    partition: &TopicPartition,
) -> (Option<i64>, Vec<u8>) {
    let mut committed = client
        .committed(std::slice::from_ref(partition), LIMIT)
        .expect("the offsets become stable");
    let committed = committed.pop().expect("one answer for one partition");
    (committed.offset, committed.metadata)
}

/// Consumer properties with which a member that does not poll is expelled soon, but not at once: the
/// machine may be busy.
const IMPATIENT: [(&str, &str); 3] = [
    ("session.timeout.ms", "3000"),
    ("heartbeat.interval.ms", "300"),
    ("max.poll.interval.ms", "3000"),
];

/// An impatient member of the group, its producer made before it joins: on a broker that has just
/// started that takes longer than such a member may not poll.
pub(crate) fn impatient(settings: ClientSettings) -> LibrdkafkaClient {
    let mut settings = with(settings, &IMPATIENT);
    let subscription = std::mem::take(&mut settings.subscription);
    let mut client = client(&settings);
    client
        .replace_producer()
        .expect("transactions are to be had");
    client.subscribe(&subscription).expect("the name is valid");
    client
}

/// Waits, without any polling, until the group has no member.
pub(crate) fn wait_until_empty(broker: &Broker, group: &str) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker.bootstrap_servers());
    let watcher: BaseConsumer = config.create().expect("a constant configuration");
    let end = Instant::now() + LIMIT;
    loop {
        let groups = watcher
            .fetch_group_list(Some(group), Duration::from_secs(10))
            .expect("the broker answers");
        if groups
            .groups()
            .iter()
            .all(|group| group.members().is_empty())
        {
            return;
        }
        assert!(Instant::now() < end, "the group did not expel its member");
        std::thread::sleep(MOMENT);
    }
}
