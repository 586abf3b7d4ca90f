//! What readers of a topic see.

use std::time::{Duration, Instant};

use rdkafka::Message as _;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::{Broker, Message};

const LIMIT: Duration = Duration::from_secs(30);

impl Broker {
    /// Every record of a topic that a reader with `isolation.level=read_committed` sees, partition by partition.
    ///
    /// # Panics
    /// Where the topic does not exist, or the broker does not answer.
    #[must_use]
    pub fn read_committed(&self, topic: &str) -> Vec<Message> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.bootstrap_servers())
            .set("group.id", "reader-of-what-is-committed")
            .set("isolation.level", "read_committed")
            .set("enable.partition.eof", "true")
            .set("enable.auto.commit", "false")
            .create()
            .expect("the client's configuration is constant and valid");
        let metadata = consumer
            .fetch_metadata(Some(topic), LIMIT)
            .expect("the broker answers");
        let partitions = metadata.topics()[0].partitions().len();
        assert!(partitions > 0, "topic {topic} does not exist");
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions {
            let partition = i32::try_from(partition).expect("few partitions");
            list.add_partition_offset(topic, partition, Offset::Beginning)
                .expect("a valid offset");
        }
        consumer.assign(&list).expect("the partitions exist");
        let mut read = Vec::new();
        let mut at_end = 0;
        let until = Instant::now() + LIMIT;
        while at_end < partitions {
            assert!(Instant::now() < until, "topic {topic} has no end");
            match consumer.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => read.push(copied(&message)),
                Some(Err(KafkaError::PartitionEOF(_))) => at_end += 1,
                Some(Err(error)) => panic!("cannot read topic {topic}: {error}"),
                None => {}
            }
        }
        read.sort_by_key(|message| message.partition);
        read
    }
}

fn copied(message: &BorrowedMessage<'_>) -> Message {
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        headers
            .iter()
            .map(|header| {
                let value = header.value.unwrap_or_default();
                (header.key.to_owned(), value.to_vec())
            })
            .collect()
    });
    Message {
        partition: message.partition(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        timestamp_ms: message.timestamp().to_millis(),
        headers,
    }
}
