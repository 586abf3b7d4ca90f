//! Offsets stored in Kafka transactions, and who may store them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use starrocks_kafka_pipeline::kafka::{Decision, Kafka, KafkaErrorKind, Polled, TopicPartition};
use starrocks_kafka_testbed::broker::{self, Broker};
use starrocks_kafka_worker::kafka::LibrdkafkaClient;

use crate::member::{
    LIMIT, assert_committed, assert_refused, assigned, client, impatient, offset, settings, stored,
    until, wait_until_empty, with,
};

#[test]
fn stores_offsets_and_metadata_of_all_partitions_at_once() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    let topic = broker.unique_topic("decide", 3);
    let mut client = client(&settings(broker, &topic, "a", &topic));
    let owned = assigned(&mut client);
    assert_eq!(stored(&mut client, &owned[0]), (None, Vec::new()));
    let plan = "{\"v\":1,\"tables\":[\"täble\"]}".repeat(100);
    for round in 0..5 {
        let offsets: Vec<_> = owned
            .iter()
            .map(|partition| offset(partition, round, &format!("{plan}{partition}")))
            .collect();
        assert_committed(client.decide(&offsets, &[]));
        for partition in &owned {
            assert_eq!(
                stored(&mut client, partition),
                (Some(round), format!("{plan}{partition}").into_bytes())
            );
        }
    }
    let without = client.committed(&[], LIMIT).expect("nothing to ask for");
    assert!(without.is_empty());
}

#[test]
fn one_partition_refused_is_none_stored() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    let topic = broker.unique_topic("too-large", 2);
    let mut client = client(&settings(broker, &topic, "a", &topic));
    let owned = assigned(&mut client);
    // The broker's offset.metadata.max.bytes is 4096.
    let offsets = [
        offset(&owned[0], 5, "small"),
        offset(&owned[1], 5, &"x".repeat(5000)),
    ];
    assert_refused(client.decide(&offsets, &[]), "offset.metadata.max.bytes");
    assert_eq!(stored(&mut client, &owned[0]), (None, Vec::new()));
    assert_committed(client.decide(&offsets[..1], &[]));
    assert_eq!(stored(&mut client, &owned[0]), (Some(5), b"small".to_vec()));
    let error = client
        .commit_plain(&offsets)
        .expect_err("a partition is refused");
    assert!(
        error.message.contains("offset.metadata.max.bytes"),
        "{error}"
    );
}

#[test]
fn plain_commits_need_no_transactions() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    let topic = broker.unique_topic("plain", 1);
    let mut settings = settings(broker, &topic, "a", &topic);
    settings.transactional_id = None;
    let mut client = client(&settings);
    let owned = assigned(&mut client);
    client
        .commit_plain(&[offset(&owned[0], 7, "plain")])
        .expect("we are a member");
    assert_eq!(stored(&mut client, &owned[0]), (Some(7), b"plain".to_vec()));
    match client.decide(&[offset(&owned[0], 8, "")], &[]) {
        Decision::Refused(error) => assert_eq!(error.kind, KafkaErrorKind::TransactionsUnavailable),
        other => panic!("there is no transactional id: {other:?}"),
    }
}

/// An OffsetCommit (version 2, no member) as any program may send it, with metadata that is no UTF-8.
fn commit_bytes(broker: &Broker, group: &str, topic: &str, metadata: &[u8]) {
    fn string(bytes: &[u8]) -> Vec<u8> {
        let length = i16::try_from(bytes.len()).expect("short");
        [&length.to_be_bytes()[..], bytes].concat()
    }
    let mut request = Vec::new();
    request.extend(8_i16.to_be_bytes()); // OffsetCommit
    request.extend(2_i16.to_be_bytes());
    request.extend(1_i32.to_be_bytes()); // correlation id
    request.extend(string(b"test"));
    request.extend(string(group.as_bytes()));
    request.extend((-1_i32).to_be_bytes()); // generation
    request.extend(string(b"")); // member
    request.extend((-1_i64).to_be_bytes()); // retention
    request.extend(1_i32.to_be_bytes());
    request.extend(string(topic.as_bytes()));
    request.extend(1_i32.to_be_bytes());
    request.extend(0_i32.to_be_bytes()); // partition
    request.extend(3_i64.to_be_bytes()); // offset
    request.extend(string(metadata));
    let mut connection = TcpStream::connect(broker.bootstrap_servers()).expect("the broker runs");
    let length = i32::try_from(request.len()).expect("short");
    connection
        .write_all(&[&length.to_be_bytes()[..], &request].concat())
        .expect("the broker reads");
    let mut length = [0; 4];
    connection
        .read_exact(&mut length)
        .expect("the broker answers");
    let mut answer = vec![0; usize::try_from(i32::from_be_bytes(length)).expect("a length")];
    connection
        .read_exact(&mut answer)
        .expect("the broker answers");
    assert_eq!(answer[answer.len() - 2..], [0, 0], "the broker stored it");
}

#[test]
fn metadata_is_anybodys_to_write() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    let topic = broker.unique_topic("foreign", 1);
    let mut settings = settings(broker, &topic, "a", &topic);
    // A group with members takes offsets from them alone.
    settings.subscription.clear();
    let mut client = client(&settings);
    let partition = TopicPartition::new(topic.as_str(), 0);
    let foreign = b"\xff\x00{not ours}";
    // The group's coordinator may still be electing itself.
    let end = Instant::now() + LIMIT;
    while client
        .committed(std::slice::from_ref(&partition), LIMIT)
        .is_err()
    {
        assert!(Instant::now() < end);
    }
    commit_bytes(broker, &topic, &topic, foreign);
    let (offset, metadata) = stored(&mut client, &partition);
    assert_eq!(offset, Some(3));
    // Kafka replaces what is no UTF-8; a zero byte and what follows it stay.
    assert_eq!(
        String::from_utf8_lossy(&metadata),
        String::from_utf8_lossy(foreign)
    );
}

/// A member that has not polled for longer than it may, so that the group has gone on without it.
fn zombie(broker: &Broker, topic: &str) -> (LibrdkafkaClient, Vec<TopicPartition>) {
    let settings = settings(broker, topic, "zombie", topic);
    let mut zombie = impatient(settings);
    let owned = assigned(&mut zombie);
    assert_committed(zombie.decide(&[offset(&owned[0], 1, "alive")], &[]));
    (zombie, owned)
}

#[test]
fn a_zombie_is_refused_when_another_has_its_partitions() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    let topic = broker.unique_topic("zombie", 1);
    let (mut zombie, owned) = zombie(broker, &topic);
    let mut heir = client(&settings(broker, &topic, "heir", &topic));
    assert_eq!(assigned(&mut heir), owned);
    assert_refused(zombie.decide(&[offset(&owned[0], 2, "late")], &[]), "");
    assert_eq!(stored(&mut heir, &owned[0]), (Some(1), b"alive".to_vec()));
    assert_committed(heir.decide(&[offset(&owned[0], 2, "heir")], &[]));
    assert_refused(zombie.decide(&[offset(&owned[0], 3, "later")], &[]), "");
    assert_eq!(stored(&mut heir, &owned[0]), (Some(2), b"heir".to_vec()));
}

#[test]
fn a_zombie_is_refused_when_its_group_is_empty() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    let topic = broker.unique_topic("empty", 1);
    let (mut zombie, owned) = zombie(broker, &topic);
    wait_until_empty(broker, &topic);
    assert_refused(zombie.decide(&[offset(&owned[0], 2, "late")], &[]), "");
    assert_eq!(stored(&mut zombie, &owned[0]), (Some(1), b"alive".to_vec()));
}

#[test]
fn the_younger_of_two_producers_fences_the_elder() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    let topic = broker.unique_topic("fenced", 1);
    let mut settings = settings(broker, &topic, "same", &topic);
    let mut elder = client(&settings);
    let owned = assigned(&mut elder);
    assert_committed(elder.decide(&[offset(&owned[0], 1, "first")], &[]));
    settings.subscription.clear();
    let mut younger = client(&settings);
    younger
        .replace_producer()
        .expect("transactions are to be had");
    assert_refused(
        elder.decide(&[offset(&owned[0], 2, "second")], &[]),
        "fenced",
    );
    assert_eq!(stored(&mut elder, &owned[0]), (Some(1), b"first".to_vec()));
    // With its next transaction it takes the id back.
    assert_committed(elder.decide(&[offset(&owned[0], 3, "third")], &[]));
    assert_eq!(stored(&mut elder, &owned[0]), (Some(3), b"third".to_vec()));
}

#[test]
fn offsets_are_read_when_they_are_stable() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    let topic = broker.unique_topic("stable", 1);
    let mut client = client(&settings(broker, &topic, "a", &topic));
    let owned = assigned(&mut client);
    assert_committed(client.decide(&[offset(&owned[0], 1, "before")], &[]));
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker.bootstrap_servers());
    let other: BaseConsumer = config
        .clone()
        .set("group.id", &topic)
        .create()
        .expect("a constant configuration");
    let producer: BaseProducer = config
        .set("transactional.id", format!("{topic}-open"))
        .create()
        .expect("a constant configuration");
    producer
        .init_transactions(LIMIT)
        .expect("the broker answers");
    producer.begin_transaction().expect("it is ready");
    let mut offsets = TopicPartitionList::new();
    offsets
        .add_partition_offset(&topic, 0, Offset::Offset(9))
        .expect("a valid offset");
    let group = other.group_metadata().expect("it has a group id");
    producer
        .send_offsets_to_transaction(&offsets, &group, LIMIT)
        .expect("a group without member is not fenced");
    let error = client
        .committed(&owned, Duration::from_millis(500))
        .expect_err("the transaction is open");
    assert_eq!(error.kind, KafkaErrorKind::Transient);
    assert!(error.message.contains("still open"), "{error}");
    producer
        .commit_transaction(LIMIT)
        .expect("the broker answers");
    assert_eq!(stored(&mut client, &owned[0]), (Some(9), Vec::new()));
}

#[test]
fn a_member_that_did_not_poll_has_lost_its_partitions() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    for strategy in ["range", "cooperative-sticky"] {
        let topic = broker.unique_topic("lost", 2);
        let settings = settings(broker, &topic, "a", &topic);
        let settings = with(settings, &[("partition.assignment.strategy", strategy)]);
        let mut client = impatient(settings);
        let owned = assigned(&mut client);
        wait_until_empty(broker, &topic);
        let (mut lost, mut reason) = (Vec::new(), None);
        until(&mut client, |polled| {
            match polled {
                Ok(Polled::Lost { partitions }) => lost = partitions,
                Err(error) => reason = Some(error.message),
                Ok(other) => assert!(matches!(other, Polled::Nothing), "{other:?}"),
            }
            (!lost.is_empty() && reason.is_some()).then_some(())
        });
        let reason = reason.unwrap_or_default();
        assert!(reason.contains("max.poll.interval.ms"), "{reason}");
        lost.sort_unstable();
        assert_eq!(lost, owned, "{strategy}");
        assert_refused(client.decide(&[offset(&owned[0], 1, "")], &[]), "no member");
        client.release(&lost);
        assert_eq!(assigned(&mut client), owned, "{strategy}");
        assert_committed(client.decide(&[offset(&owned[0], 1, "")], &[]));
    }
}
