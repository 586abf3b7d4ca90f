//! Dead letters on a real broker: their topic, and what readers see of them.

use starrocks_kafka_pipeline::dead_letters::{DeadLetter, DeadLetterSettings};
use starrocks_kafka_pipeline::kafka::{Kafka, KafkaErrorKind};
use starrocks_kafka_testbed::broker::{self, Broker, Message};

use crate::member::{assert_committed, assert_refused, assigned, client, offset, settings, stored};

fn letter(topic: &str, value: &[u8]) -> DeadLetter {
    DeadLetter {
        topic: topic.into(),
        key: Some(b"key".to_vec()),
        value: Some(value.to_vec()),
        timestamp_ms: Some(1_700_000_000_123),
        headers: vec![
            ("own".to_owned(), Some(b"h".to_vec())),
            ("own".to_owned(), None),
        ],
        origin: "orders-0 at offset 7".to_owned(),
    }
}

fn values(broker: &Broker, topic: &str) -> Vec<Vec<u8>> {
    let read = broker.read_committed(topic).into_iter();
    read.filter_map(|message| message.value).collect()
}

fn dead(topic: &str) -> DeadLetterSettings {
    DeadLetterSettings {
        topic: format!("{topic}-dead").into(),
        replication_factor: 1,
        has_context_headers: false,
    }
}

#[test]
fn they_are_seen_with_the_offsets_that_pass_over_their_records() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    let topic = broker.unique_topic("letters", 1);
    let mut client = client(&settings(broker, &topic, "a", &topic));
    let owned = assigned(&mut client);
    let settings = dead(&topic);
    for _ in 0..2 {
        client
            .ensure_topic(&settings)
            .expect("it is created, and then it is there");
    }
    let letters: Vec<_> = (0..1000)
        .map(|n| letter(&settings.topic, format!("{n}").as_bytes()))
        .collect();
    assert_committed(client.decide(&[offset(&owned[0], 8, "plan")], &letters));
    let read = broker.read_committed(&settings.topic);
    assert_eq!(read.len(), 1000);
    let Message {
        key,
        timestamp_ms,
        headers,
        ..
    } = &read[999];
    assert_eq!(key.as_deref(), Some(&b"key"[..]));
    assert_eq!(*timestamp_ms, Some(1_700_000_000_123));
    let headers: Vec<_> = headers.iter().map(|(name, v)| (&**name, &v[..])).collect();
    assert_eq!(headers, [("own", &b"h"[..]), ("own", b"")]);

    // Offsets that are refused take their dead letters with them.
    let too_long = offset(&owned[0], 9, &"x".repeat(5000));
    let refused = client.decide(&[too_long], &[letter(&settings.topic, b"refused")]);
    assert_refused(refused, "offset.metadata.max.bytes");
    assert_committed(client.decide(
        &[offset(&owned[0], 9, "plan")],
        &[letter(&settings.topic, b"last")],
    ));
    let seen = values(broker, &settings.topic);
    assert_eq!(
        seen.len(),
        1001,
        "nothing of a transaction that was aborted"
    );
    assert_eq!(seen[1000], b"last");
}

#[test]
fn one_that_the_broker_refuses_keeps_its_record() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    let topic = broker.unique_topic("letter-too-large", 1);
    let mut client = client(&settings(broker, &topic, "a", &topic));
    let owned = assigned(&mut client);
    let settings = dead(&topic);
    broker.create_topic_with(&settings.topic, 1, &[("max.message.bytes", "10000")]);
    client.ensure_topic(&settings).expect("it is there");
    let large = letter(&settings.topic, &vec![b'x'; 20_000]);
    assert_refused(
        client.decide(&[offset(&owned[0], 8, "plan")], &[large]),
        "raise max.message.bytes of this topic",
    );
    assert_eq!(stored(&mut client, &owned[0]).0, None);
    let small = letter(&settings.topic, b"small");
    assert_committed(client.decide(&[offset(&owned[0], 8, "plan")], &[small]));
    assert_eq!(values(broker, &settings.topic), [b"small"]);
}

#[test]
fn without_transactions_they_are_acknowledged_one_by_one() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    let topic = broker.unique_topic("plain-letters", 1);
    let mut settings = settings(broker, &topic, "a", &topic);
    settings.transactional_id = None;
    let mut client = client(&settings);
    assigned(&mut client);
    let settings = dead(&topic);
    client.ensure_topic(&settings).expect("it is created");
    for value in [b"1", b"2"] {
        client
            .write_plain(&[letter(&settings.topic, value)])
            .expect("the broker takes it");
    }
    assert_eq!(values(broker, &settings.topic), [b"1", b"2"]);
}

#[test]
fn a_topic_that_cannot_be_created_says_what_to_do() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    let topic = broker.unique_topic("no-letters", 1);
    let mut client = client(&settings(broker, &topic, "a", &topic));
    let check = |client: &mut starrocks_kafka_worker::kafka::LibrdkafkaClient,
                 settings: &DeadLetterSettings,
                 expect: &str| {
        let error = client.ensure_topic(settings).expect_err(expect);
        assert_eq!(error.kind, KafkaErrorKind::Permanent, "{error}");
        assert!(
            error
                .message
                .starts_with("Could not initialize dead letter queue with topic=")
                && error.message.contains(expect),
            "{error}"
        );
    };
    let mut settings = dead(&topic);
    settings.replication_factor = 3;
    let factor = "set errors.deadletterqueue.topic.replication.factor to at most";
    check(&mut client, &settings, factor);
    settings.replication_factor = 1;
    settings.topic = "no topic".into();
    let name = "choose another errors.deadletterqueue.topic.name";
    check(&mut client, &settings, name);
}
