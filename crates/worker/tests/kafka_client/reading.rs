//! Records: all of them, once, in order, from where they are asked for.

use std::time::Duration;

use starrocks_kafka_pipeline::kafka::{Batch, Kafka, LogRange, Polled, TopicPartition};
use starrocks_kafka_testbed::broker::{self, Message};
use starrocks_kafka_worker::kafka::LibrdkafkaClient;

use crate::member::{
    LIMIT, Read, assert_quiet, assigned, client, numbered, read, settings, start, until, with,
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
fn tells_what_the_broker_has() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    let topics = [
        broker.unique_topic("range", 2),
        broker.unique_topic("range", 1),
    ];
    broker.produce(&topics[0], numbered(0, 20).chain(numbered(1, 7)));
    broker.delete_records_before(&topics[0], 0, 5);
    let partitions = [(&topics[0], 1), (&topics[1], 0), (&topics[0], 0)]
        .map(|(topic, partition)| TopicPartition::new(topic.as_str(), partition));
    for isolation in ["read_uncommitted", "read_committed"] {
        let settings = settings(broker, &topics[0], "a", &topics[0]);
        let mut client = client(&with(settings, &[("isolation.level", isolation)]));
        let ranges = client
            .ranges(&partitions, LIMIT)
            .expect("the broker answers");
        let of = |range: &LogRange| (range.first, range.end, range.latest);
        let got: Vec<_> = ranges.iter().map(of).collect();
        assert_eq!(got, [(0, 7, 7), (0, 0, 0), (5, 20, 20)]);
        let ids: Vec<_> = ranges
            .iter()
            .map(|range| range.topic_id.expect("it has one"))
            .collect();
        assert!(ids[0] == ids[2] && ids[0] != ids[1], "{ids:?}");
    }
}

#[test]
fn an_open_transaction_hides_records_and_not_where_the_log_ends() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    let topic = broker.unique_topic("open", 1);
    broker.produce(&topic, numbered(0, 10));
    let producer = broker.transaction(&topic, numbered(0, 5));
    let partition = [TopicPartition::new(topic.as_str(), 0)];
    for (isolation, latest) in [("read_uncommitted", 15), ("read_committed", 10)] {
        let settings = settings(broker, &topic, "a", &topic);
        let mut client = client(&with(settings, &[("isolation.level", isolation)]));
        let ranges = client
            .ranges(&partition, LIMIT)
            .expect("the broker answers");
        assert_eq!(
            (ranges[0].end, ranges[0].latest),
            (15, latest),
            "{isolation}"
        );
    }
    drop(producer);
}

#[test]
fn a_topic_that_is_created_anew_is_another() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    let topic = broker.unique_topic("anew", 1);
    let mut client = client(&settings(broker, &topic, "a", &topic));
    let partition = [TopicPartition::new(topic.as_str(), 0)];
    let mut id = || {
        let ranges = client
            .ranges(&partition, LIMIT)
            .expect("the broker answers");
        ranges[0].topic_id
    };
    let first = id();
    assert_eq!(first, id());
    broker.recreate_topic(&topic, 1);
    assert_ne!(first, id());
}

/// Reads from `at` until reading stops: what was read, where it stopped, and where the broker went on.
fn read_until_out(
    client: &mut LibrdkafkaClient,
    partition: &TopicPartition,
    at: i64,
) -> (Read, i64, i64) {
    client
        .start(&[(partition.clone(), at)])
        .expect("it is assigned");
    let mut all = Read::default();
    let (position, found) = until(client, |polled| match polled.expect("no error") {
        Polled::Records(batch) => {
            all.take(&batch);
            None
        }
        Polled::OutOfRange {
            partition: which,
            position,
            found,
        } => {
            assert_eq!(&which, partition);
            Some((position, found))
        }
        _ => None,
    });
    assert_quiet(client, Duration::from_millis(300));
    (all, position, found)
}

#[test]
fn stops_where_the_broker_has_not_what_is_next() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    for reset in ["earliest", "latest", "none"] {
        let topic = broker.unique_topic("gone", 1);
        broker.produce(&topic, numbered(0, 50));
        broker.delete_records_before(&topic, 0, 30);
        let settings = settings(broker, &topic, "a", &topic);
        let mut client = client(&with(settings, &[("auto.offset.reset", reset)]));
        assert_eq!(client.offset_reset().name(), reset);
        let owned = assigned(&mut client);
        for (at, log) in [
            (10, "deleted"),
            (29, "deleted"),
            (51, "shorter"),
            (5000, "shorter"),
        ] {
            let (all, position, found) = read_until_out(&mut client, &owned[0], at);
            assert_eq!((all.count(), position, found), (0, at, 30), "{log}");
        }
        // A pause and a resumption in between start nothing.
        client.pause_all();
        client.resume(&owned);
        assert_quiet(&mut client, Duration::from_millis(300));
        // Started anew it reads on.
        client
            .start(&[(owned[0].clone(), 30)])
            .expect("it is assigned");
        let mut rest = Read::default();
        read(&mut client, &mut rest, 20);
        rest.assert_is(&[(30, 50)]);
        // Everything goes.
        broker.delete_records_before(&topic, 0, 50);
        let (all, position, found) = read_until_out(&mut client, &owned[0], 40);
        assert_eq!((all.count(), position, found), (0, 40, 50));
        client
            .start(&[(owned[0].clone(), 50)])
            .expect("it is assigned");
        broker.produce(&topic, numbered(0, 5));
        let mut rest = Read::default();
        read(&mut client, &mut rest, 5);
        rest.assert_is(&[(50, 55)]);
    }
}

#[test]
fn gaps_of_transactions_are_passed_without_a_word() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    let topic = broker.unique_topic("markers", 1);
    broker.produce(&topic, numbered(0, 5));
    let kept = broker.transaction(&topic, numbered(0, 5));
    kept.commit();
    let aborted = broker.transaction(&topic, numbered(0, 5));
    aborted.abort();
    broker.produce(&topic, numbered(0, 5));
    // 0 to 4, 5 to 9, a marker, 11 to 15 aborted, a marker, 17 to 21.
    for (isolation, count) in [("read_uncommitted", 20), ("read_committed", 15)] {
        let settings = settings(broker, &topic, "a", &topic);
        let mut client = client(&with(settings, &[("isolation.level", isolation)]));
        let owned = assigned(&mut client);
        start(&mut client, &owned);
        let mut all = Read::default();
        read(&mut client, &mut all, count);
        let end = until(&mut client, |polled| match polled.expect("no error") {
            Polled::EndOfPartition { offset, .. } => Some(offset),
            Polled::Nothing => None,
            other => panic!("not expected: {other:?}"),
        });
        assert_eq!(end, 22);
        client.close(LIMIT).expect("the broker answers");
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
    let message = until(&mut client, |polled| match polled.expect("no error") {
        Polled::TopicMissing {
            topic: which,
            message,
        } => {
            assert_eq!(&*which, topic);
            Some(message)
        }
        _ => None,
    });
    assert!(
        message.contains("topic comes-later does not exist"),
        "{message}"
    );
    broker.create_topic(topic, 1);
    let mut is_found = false;
    let owned = until(&mut client, |polled| match polled {
        Ok(Polled::Assigned { owned, .. }) if !owned.is_empty() => Some(owned),
        Ok(Polled::TopicFound { topic }) => {
            is_found |= &*topic == "comes-later";
            None
        }
        _ => None,
    });
    assert_eq!(owned.len(), 1);
    if !is_found {
        until(&mut client, |polled| {
            matches!(polled.expect("no error"), Polled::TopicFound { .. }).then_some(())
        });
    }
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
