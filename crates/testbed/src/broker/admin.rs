//! What tests ask of a broker: topics, and records in them.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::Broker;

const LIMIT: Duration = Duration::from_secs(30);

/// A record for a topic.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// The partition it goes to.
    pub partition: i32,
    /// The key; `None` is a null key.
    pub key: Option<Vec<u8>>,
    /// The value; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
    /// Milliseconds since the epoch; `None` is the time of sending.
    pub timestamp_ms: Option<i64>,
    /// Headers in their order.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Message {
    /// A record without a key.
    pub fn new(partition: i32, value: impl Into<Vec<u8>>) -> Self {
        Self {
            partition,
            value: Some(value.into()),
            ..Self::default()
        }
    }

    /// The same with a key.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.key = Some(key.into());
        self
    }
}

/// Records that are written and neither committed nor aborted. Dropped, it is left open.
pub struct OpenTransaction(BaseProducer);

impl OpenTransaction {
    /// Commits it.
    ///
    /// # Panics
    /// Where the broker refuses or does not answer.
    pub fn commit(self) {
        self.0
            .commit_transaction(LIMIT)
            .expect("the broker commits");
    }

    /// Aborts it.
    ///
    /// # Panics
    /// Where the broker refuses or does not answer.
    pub fn abort(self) {
        self.0.abort_transaction(LIMIT).expect("the broker aborts");
    }
}

impl Broker {
    fn admin(&self) -> AdminClient<DefaultClientContext> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.bootstrap_servers());
        config
            .create()
            .expect("the client's configuration is constant and valid")
    }

    /// Creates a topic.
    ///
    /// # Panics
    /// Where the broker refuses, an existing topic included.
    pub fn create_topic(&self, topic: &str, partitions: i32) {
        self.create_topic_with(topic, partitions, &[]);
    }

    /// Creates a topic with topic properties such as `cleanup.policy`.
    ///
    /// # Panics
    /// Where the broker refuses, an existing topic included.
    pub fn create_topic_with(&self, topic: &str, partitions: i32, properties: &[(&str, &str)]) {
        let mut wanted = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        for (property, value) in properties {
            wanted = wanted.set(property, value);
        }
        let options = AdminOptions::new()
            .operation_timeout(Some(LIMIT))
            .request_timeout(Some(LIMIT));
        let results =
            wait_for(self.admin().create_topics([&wanted], &options)).expect("the broker answers");
        for result in results {
            result.unwrap_or_else(|(topic, error)| {
                panic!("the broker refused to create topic {topic}: {error}")
            });
        }
    }

    /// Grows a topic to `partitions` partitions.
    ///
    /// # Panics
    /// Where the broker refuses.
    pub fn grow_topic(&self, topic: &str, partitions: usize) {
        let options = AdminOptions::new()
            .operation_timeout(Some(LIMIT))
            .request_timeout(Some(LIMIT));
        let wanted = NewPartitions::new(topic, partitions);
        let results = wait_for(self.admin().create_partitions([&wanted], &options))
            .expect("the broker answers");
        for result in results {
            result.unwrap_or_else(|(topic, error)| {
                panic!("the broker refused to grow topic {topic}: {error}")
            });
        }
    }

    /// Deletes a topic.
    ///
    /// # Panics
    /// Where the broker refuses.
    pub fn delete_topic(&self, topic: &str) {
        let options = AdminOptions::new()
            .operation_timeout(Some(LIMIT))
            .request_timeout(Some(LIMIT));
        let results =
            wait_for(self.admin().delete_topics(&[topic], &options)).expect("the broker answers");
        for result in results {
            result.unwrap_or_else(|(topic, error)| {
                panic!("the broker refused to delete topic {topic}: {error}")
            });
        }
    }

    /// Deletes a topic and creates another one of its name, once the first one is gone.
    ///
    /// # Panics
    /// Where the broker refuses, or goes on refusing the name.
    pub fn recreate_topic(&self, topic: &str, partitions: i32) {
        self.delete_topic(topic);
        let options = AdminOptions::new()
            .operation_timeout(Some(LIMIT))
            .request_timeout(Some(LIMIT));
        let wanted = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        let until = Instant::now() + LIMIT;
        loop {
            let results = wait_for(self.admin().create_topics([&wanted], &options))
                .expect("the broker answers");
            match results.first() {
                Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => {}
                Some(Err((_, error))) => {
                    panic!("the broker refused to create topic {topic} anew: {error}")
                }
                _ => return,
            }
            assert!(Instant::now() < until, "topic {topic} is not deleted");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Deletes a consumer group with its offsets, once it has no members.
    ///
    /// # Panics
    /// Where the broker refuses for another reason, or the group keeps its members.
    pub fn delete_group(&self, group: &str) {
        let options = AdminOptions::new().request_timeout(Some(LIMIT));
        let until = Instant::now() + LIMIT;
        loop {
            let results = wait_for(self.admin().delete_groups(&[group], &options))
                .expect("the broker answers");
            match results.first() {
                Some(Err((_, RDKafkaErrorCode::NonEmptyGroup))) => {}
                Some(Err((_, error))) => {
                    panic!("the broker refused to delete group {group}: {error}")
                }
                _ => return,
            }
            assert!(Instant::now() < until, "group {group} keeps its members");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Stores an offset of a group, as an operator does, once the group has no members.
    ///
    /// # Panics
    /// Where the broker refuses for another reason, or the group keeps its members.
    pub fn set_offset(&self, group: &str, topic: &str, partition: i32, offset: i64) {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", self.bootstrap_servers())
            .set("group.id", group);
        let consumer: BaseConsumer = config
            .create()
            .expect("the client's configuration is constant and valid");
        let mut offsets = TopicPartitionList::new();
        offsets
            .add_partition_offset(topic, partition, Offset::Offset(offset))
            .expect("the offset is a valid one");
        let until = Instant::now() + LIMIT;
        loop {
            match consumer.commit(&offsets, CommitMode::Sync) {
                Ok(()) => return,
                Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::UnknownMemberId)) => {}
                Err(error) => panic!("the broker refused an offset of {group}: {error}"),
            }
            assert!(Instant::now() < until, "group {group} keeps its members");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Writes records in a transaction of their own and leaves it open.
    ///
    /// # Panics
    /// Where the broker refuses or does not answer.
    pub fn transaction(
        &self,
        topic: &str,
        messages: impl IntoIterator<Item = Message>,
    ) -> OpenTransaction {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let id = COUNT.fetch_add(1, Ordering::Relaxed);
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", self.bootstrap_servers())
            .set(
                "transactional.id",
                format!("testbed-{}-{id}", std::process::id()),
            );
        let producer: BaseProducer = config
            .create()
            .expect("the client's configuration is constant and valid");
        producer
            .init_transactions(LIMIT)
            .and_then(|()| producer.begin_transaction())
            .expect("the broker answers");
        for message in messages {
            send(&producer, topic, &message);
        }
        producer.flush(LIMIT).expect("the broker takes all records");
        OpenTransaction(producer)
    }

    /// Deletes the records of a partition below `offset`, as retention would.
    ///
    /// # Panics
    /// Where the broker refuses.
    pub fn delete_records_before(&self, topic: &str, partition: i32, offset: i64) {
        let mut offsets = TopicPartitionList::new();
        offsets
            .add_partition_offset(topic, partition, Offset::Offset(offset))
            .expect("the offset is a valid one");
        let options = AdminOptions::new()
            .operation_timeout(Some(LIMIT))
            .request_timeout(Some(LIMIT));
        let done =
            wait_for(self.admin().delete_records(&offsets, &options)).expect("the broker answers");
        for element in done.elements() {
            element
                .error()
                .unwrap_or_else(|error| panic!("the broker refused to delete records: {error}"));
        }
    }

    /// Writes records and waits until the broker has them all.
    ///
    /// # Panics
    /// Where the broker refuses one or does not answer.
    pub fn produce(&self, topic: &str, messages: impl IntoIterator<Item = Message>) {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.bootstrap_servers());
        config
            .set("enable.idempotence", "true")
            .set("linger.ms", "5");
        let producer: BaseProducer = config
            .create()
            .expect("the client's configuration is constant and valid");
        for message in messages {
            send(&producer, topic, &message);
        }
        producer.flush(LIMIT).expect("the broker takes all records");
    }
}

fn send(producer: &BaseProducer, topic: &str, message: &Message) {
    let mut record = BaseRecord::<[u8], [u8]>::to(topic).partition(message.partition);
    record.key = message.key.as_deref();
    record.payload = message.value.as_deref();
    record.timestamp = message.timestamp_ms;
    if !message.headers.is_empty() {
        let headers = message
            .headers
            .iter()
            .fold(OwnedHeaders::new(), |headers, (key, value)| {
                headers.insert(Header {
                    key,
                    value: Some(value),
                })
            });
        record.headers = Some(headers);
    }
    loop {
        match producer.send(record) {
            Ok(()) => return,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), refused)) => {
                producer.poll(Duration::from_millis(50));
                record = refused;
            }
            Err((error, _)) => panic!("cannot write to topic {topic}: {error}"),
        }
    }
}

/// Waits on this thread, so that tests need no runtime and may have one.
fn wait_for<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        thread::park();
    }
}

#[cfg(test)]
mod tests {
    use crate::broker::{self, BrokerOptions, Message};
    use rdkafka::config::ClientConfig;
    use rdkafka::consumer::{BaseConsumer, Consumer};
    use std::time::Duration;

    fn end_offset(bootstrap_servers: &str, topic: &str) -> i64 {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", bootstrap_servers);
        let consumer: BaseConsumer = config.create().expect("a constant configuration");
        consumer
            .fetch_watermarks(topic, 0, Duration::from_secs(20))
            .expect("the broker answers")
            .1
    }

    #[test]
    fn keeps_its_data_over_a_kill_and_a_stop() {
        let Some(mut broker) = broker::start_or_skip(BrokerOptions::default()) else {
            return;
        };
        let topic = broker.unique_topic("kept", 1);
        let address = broker.bootstrap_servers();
        broker.produce(&topic, (0..5).map(|n| Message::new(0, n.to_string())));
        broker.kill().expect("it runs");
        broker
            .restart()
            .expect("the ports are below the ephemeral range");
        broker.produce(&topic, [Message::new(0, "5").with_key("k")]);
        broker.stop().expect("it runs");
        assert!(broker.suspend().is_err(), "there is nothing to suspend");
        broker
            .restart()
            .expect("the ports are below the ephemeral range");
        assert_eq!(broker.bootstrap_servers(), address);
        assert_eq!(end_offset(&address, &topic), 6);
        broker.delete_records_before(&topic, 0, 3);
    }
}
