//! Records: all of them, once, in order, from where they are asked for.

use std::time::Duration;

use starrocks_kafka_pipeline::kafka::{Batch, Kafka, KafkaErrorKind, Polled, TopicPartition};
use starrocks_kafka_testbed::broker::{self, Message};

use crate::member::{
    Read, assert_quiet, assigned, client, numbered, read, settings, start, until, with,
};

#[test]
fn reads_all_records_with_their_parts() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    let topic = broker.unique_topic("parts", 1);
    let messages = [
        Message {
            timestamp_ms: Some(1_700_000_000_123),
            ..Message::new(0, "value").with_key("key")
        },
        Message {
            value: None,
            ..Message::new(0, "").with_key("tombstone")
        },
        Message::new(0, ""),
    ];
    broker.produce(&topic, messages);
    let mut client = client(&settings(broker, &topic, "a", &topic));
    let owned = assigned(&mut client);
    assert_eq!(owned, [TopicPartition::new(topic.as_str(), 0)]);
    start(&mut client, &owned);
    let mut seen = Vec::new();
    let end = until(&mut client, |polled| match polled.expect("no error") {
        Polled::Records(batch) => {
            for record in (0..batch.len()).map(|index| batch.get(index)) {
                assert_eq!((record.topic, record.partition), (topic.as_str(), 0));
                let text = |bytes: Option<&[u8]>| {
                    bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned())
                };
                if record.offset == 0 {
                    assert_eq!(record.timestamp_ms, Some(1_700_000_000_123));
                }
                seen.push((record.offset, text(record.key), text(record.value)));
            }
            None
        }
        Polled::EndOfPartition { partition, offset } => Some((partition, offset)),
        _ => None,
    });
    assert_eq!(end, (owned[0].clone(), 3));
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        seen,
        [
            (0, some("key"), some("value")),
            (1, some("tombstone"), None),
            (2, None, some(""))
        ]
    );
}

#[test]
fn pauses_and_goes_on_without_loss_or_duplicate() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    let topic = broker.unique_topic("pause", 2);
    // More than one poll brings, so that a pause always drops what was fetched.
    broker.produce(&topic, numbered(0, 9000).chain(numbered(1, 9000)));
    let mut client = client(&settings(broker, &topic, "a", &topic));
    let owned = assigned(&mut client);
    assert_quiet(&mut client, Duration::from_millis(300));
    start(&mut client, &owned);
    let mut all = Read::default();
    for part in 1..6 {
        read(&mut client, &mut all, part * 3000);
        client.pause_all();
        assert_quiet(&mut client, Duration::from_millis(100));
        client.resume(&owned);
    }
    read(&mut client, &mut all, 18_000);
    assert_quiet(&mut client, Duration::from_millis(300));
    all.assert_is(&[(0, 9000), (0, 9000)]);
}

#[test]
fn starts_again_where_it_is_told() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    let topic = broker.unique_topic("start", 1);
    broker.produce(&topic, numbered(0, 5000));
    let mut client = client(&settings(broker, &topic, "a", &topic));
    let owned = assigned(&mut client);
    for from in [0, 4000, 17, 4999, 0] {
        client
            .start(&[(owned[0].clone(), from)])
            .expect("it is assigned");
        let mut again = Read::default();
        read(
            &mut client,
            &mut again,
            usize::try_from(5000 - from).expect("it is positive"),
        );
        again.assert_is(&[(from, 5000)]);
    }
    // Started twice at once, and while paused: the last word holds.
    client
        .start(&[(owned[0].clone(), 10)])
        .expect("it is assigned");
    client.pause_all();
    client
        .start(&[(owned[0].clone(), 4990)])
        .expect("it is assigned");
    let mut again = Read::default();
    read(&mut client, &mut again, 10);
    again.assert_is(&[(4990, 5000)]);
    let elsewhere = TopicPartition::new(topic.as_str(), 7);
    assert!(
        client.start(&[(elsewhere, 0)]).is_err(),
        "nobody assigned it"
    );
}

#[test]
fn finds_the_first_and_the_last_offset() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    let topic = broker.unique_topic("reset", 1);
    broker.produce(&topic, numbered(0, 20));
    broker.delete_records_before(&topic, 0, 5);
    for (reset, expect) in [
        ("earliest", Ok(5)),
        ("latest", Ok(20)),
        ("none", Err(KafkaErrorKind::Permanent)),
    ] {
        let mut client = client(&with(
            settings(broker, &topic, reset, &topic),
            &[("auto.offset.reset", reset)],
        ));
        let found = client.reset_offsets(
            &[TopicPartition::new(topic.as_str(), 0)],
            Duration::from_secs(30),
        );
        assert_eq!(
            found.map(|offsets| offsets[0]).map_err(|error| error.kind),
            expect,
            "{reset}"
        );
    }
}

#[test]
fn says_which_records_the_broker_has_no_longer() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    for (reset, kind) in [
        ("earliest", KafkaErrorKind::Transient),
        ("latest", KafkaErrorKind::Transient),
        ("none", KafkaErrorKind::Permanent),
    ] {
        let topic = broker.unique_topic("gone", 1);
        broker.produce(&topic, numbered(0, 50));
        broker.delete_records_before(&topic, 0, 30);
        let mut client = client(&with(
            settings(broker, &topic, "a", &topic),
            &[("auto.offset.reset", reset)],
        ));
        let owned = assigned(&mut client);
        client
            .start(&[(owned[0].clone(), 10)])
            .expect("it is assigned");
        let mut all = Read::default();
        let error = until(&mut client, |polled| match polled {
            Err(error) => Some(error),
            Ok(Polled::Records(batch)) => {
                all.take(&batch);
                None
            }
            Ok(_) => None,
        });
        assert_eq!(error.kind, kind, "{error}");
        assert!(
            error
                .message
                .contains(&format!("offsets 10 to 29 of {topic}-0")),
            "{error}"
        );
        match reset {
            "earliest" => all.assert_is(&[(30, 50)]),
            _ => assert_eq!(all.count(), 0, "{reset}"),
        }
    }
}

#[test]
fn waits_for_a_topic_that_comes_later() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    let topic = "comes-later";
    let settings = with(
        settings(broker, topic, "a", topic),
        &[("topic.metadata.refresh.interval.ms", "500")],
    );
    let mut client = client(&settings);
    let error = until(&mut client, Result::err);
    assert_eq!(error.kind, KafkaErrorKind::Transient);
    assert!(
        error.message.contains("topic comes-later does not exist"),
        "{error}"
    );
    broker.create_topic(topic, 1);
    let owned = until(&mut client, |polled| match polled {
        Ok(Polled::Assigned { owned, .. }) if !owned.is_empty() => Some(owned),
        _ => None,
    });
    assert_eq!(owned.len(), 1);
    let topics = client
        .list_topics(Duration::from_secs(30))
        .expect("the broker answers");
    assert!(topics.iter().any(|name| name == topic), "{topics:?}");
}

#[test]
fn changes_its_topics() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    for strategy in ["range", "cooperative-sticky"] {
        let (first, second) = (broker.unique_topic("sub", 1), broker.unique_topic("sub", 1));
        broker.produce(&second, numbered(0, 10));
        let settings = with(
            settings(broker, &first, "a", &first),
            &[("partition.assignment.strategy", strategy)],
        );
        let mut client = client(&settings);
        assigned(&mut client);
        client
            .subscribe(std::slice::from_ref(&second))
            .expect("the name is valid");
        let mut releases = Vec::new();
        let owned = loop {
            let told = until(&mut client, |polled| match polled.expect("no error") {
                // librdkafka calls the partitions of a topic that is asked for no longer lost, where the
                // protocol is cooperative.
                Polled::Revoked { partitions } | Polled::Lost { partitions } => {
                    Some(Err(partitions))
                }
                Polled::Assigned { owned, .. } => Some(Ok(owned)),
                _ => None,
            });
            match told {
                Err(revoked) => {
                    client.release(&revoked);
                    releases.extend(revoked);
                }
                Ok(owned) if owned.iter().any(|partition| *partition.topic == *second) => {
                    break owned;
                }
                Ok(_) => {}
            }
        };
        assert_eq!(
            releases,
            [TopicPartition::new(first.as_str(), 0)],
            "{strategy}"
        );
        assert_eq!(
            owned,
            [TopicPartition::new(second.as_str(), 0)],
            "{strategy}"
        );
        start(&mut client, &owned);
        let mut all = Read::default();
        read(&mut client, &mut all, 10);
        all.assert_is(&[(0, 10)]);
    }
}
