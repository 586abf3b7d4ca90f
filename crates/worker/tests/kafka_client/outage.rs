//! Brokers that are away, or do not answer.

use std::time::{Duration, Instant};

use starrocks_kafka_pipeline::kafka::{Decision, Kafka, KafkaErrorKind, Polled, TopicPartition};
use starrocks_kafka_testbed::broker::{self, BrokerOptions};

use crate::member::{
    LIMIT, Read, assert_committed, assigned, client, numbered, offset, settings, start, stored,
    until, with,
};

#[test]
fn goes_on_when_the_broker_comes_back() {
    let Some(mut broker) = broker::start_or_skip(BrokerOptions::default()) else {
        return;
    };
    broker.create_topic("away", 1);
    broker.produce("away", numbered(0, 100));
    let mut client = client(&settings(&broker, "away", "a", "away"));
    let owned = assigned(&mut client);
    start(&mut client, &owned);
    let mut all = Read::default();
    crate::member::read(&mut client, &mut all, 100);
    assert_committed(client.decide(&[offset(&owned[0], 100, "")], &[]));
    broker.stop().expect("it runs");
    let error = until(&mut client, Result::err);
    assert_eq!(error.kind, KafkaErrorKind::Transient);
    assert!(
        error.message.contains("bootstrap.servers")
            && error.message.contains(&broker.bootstrap_servers()),
        "{error}"
    );
    let error = client
        .committed(&owned, Duration::from_millis(300))
        .expect_err("nobody answers");
    assert_eq!(error.kind, KafkaErrorKind::Transient);
    broker.restart().expect("its ports are free");
    broker.produce("away", numbered(0, 100));
    // The group's coordinator has its members on disk: we may still be one, or join anew.
    until(&mut client, |polled| {
        match polled {
            Ok(Polled::Records(batch)) => all.take(&batch),
            Ok(Polled::Revoked { partitions } | Polled::Lost { partitions }) => {
                client_release(&partitions)
            }
            _ => {}
        }
        (all.count() >= 200).then_some(())
    });
    all.assert_is(&[(0, 200)]);
}

#[test]
fn what_the_broker_has_is_not_told_while_it_is_silent() {
    let Some(mut broker) = broker::start_or_skip(BrokerOptions::default()) else {
        return;
    };
    broker.create_topic("silent", 1);
    broker.produce("silent", numbered(0, 10));
    let partition = [TopicPartition::new("silent", 0)];
    for isolation in ["read_uncommitted", "read_committed"] {
        let settings = settings(&broker, isolation, "a", "silent");
        let mut client = client(&with(settings, &[("isolation.level", isolation)]));
        let mut asked = || client.ranges(&partition, Duration::from_secs(1));
        asked().expect("the broker answers");
        broker.suspend().expect("it runs");
        // The order to freeze may take a moment to be carried out.
        let end = Instant::now() + LIMIT;
        let error = loop {
            let since = Instant::now();
            let answer = asked();
            let took = since.elapsed();
            assert!(took < Duration::from_secs(20), "it has its limit: {took:?}");
            match answer {
                Ok(_) => assert!(Instant::now() < end, "the broker answers on"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind, KafkaErrorKind::Transient, "{error}");
        assert!(error.message.contains("silent-0"), "{error}");
        asked().expect_err("nobody answers");
        broker.resume().expect("it is suspended");
        let end = Instant::now() + LIMIT;
        let ranges = loop {
            match asked() {
                Ok(ranges) => break ranges,
                Err(error) => assert!(Instant::now() < end, "{error}"),
            }
        };
        assert_eq!((ranges[0].first, ranges[0].end), (0, 10));
    }
}

fn client_release(partitions: &[TopicPartition]) {
    panic!("a short outage took {partitions:?}");
}

#[test]
fn a_decision_without_an_answer_is_settled_by_the_stored_offsets() {
    let Some(mut broker) = broker::start_or_skip(BrokerOptions::default()) else {
        return;
    };
    broker.create_topic("mute", 1);
    let mut client = client(&settings(&broker, "mute", "a", "mute"));
    let owned = assigned(&mut client);
    assert_committed(client.decide(&[offset(&owned[0], 1, "first")], &[]));
    broker.suspend().expect("it runs");
    let began = Instant::now();
    let decision = client.decide(&[offset(&owned[0], 2, "second")], &[]);
    assert!(began.elapsed() < LIMIT, "every step is bounded");
    broker.resume().expect("it runs");
    match decision {
        Decision::Unclear(error) => assert_eq!(error.kind, KafkaErrorKind::Transient, "{error}"),
        other => panic!("nobody has answered: {other:?}"),
    }
    let end = Instant::now() + LIMIT;
    while let Err(error) = client.replace_producer() {
        assert_eq!(error.kind, KafkaErrorKind::Transient, "{error}");
        assert!(Instant::now() < end);
    }
    // It was never asked to commit.
    assert_eq!(stored(&mut client, &owned[0]), (Some(1), b"first".to_vec()));
    let end = Instant::now() + LIMIT;
    // The group may have expelled us meanwhile.
    loop {
        if let Decision::Committed = client.decide(&[offset(&owned[0], 3, "third")], &[]) {
            break;
        }
        match client.poll(Duration::from_millis(50)) {
            Ok(Polled::Revoked { partitions } | Polled::Lost { partitions }) => {
                client.release(&partitions)
            }
            _ => assert!(Instant::now() < end, "no decision is possible"),
        }
    }
    assert_eq!(stored(&mut client, &owned[0]), (Some(3), b"third".to_vec()));
}

#[test]
fn destruction_does_not_wait_for_a_broker() {
    let Some(mut broker) = broker::start_or_skip(BrokerOptions::default()) else {
        return;
    };
    broker.create_topic("gone", 1);
    let set = settings(&broker, "gone", "a", "gone");
    let (mut left, mut dropped) = (
        client(&set),
        client(&settings(&broker, "gone-too", "b", "gone")),
    );
    for client in [&mut left, &mut dropped] {
        let owned = assigned(client);
        start(client, &owned);
        assert_committed(client.decide(&[offset(&owned[0], 0, "")], &[]));
    }
    broker.suspend().expect("it runs");
    let began = Instant::now();
    left.close(Duration::from_secs(1))
        .expect_err("nobody answers");
    drop(dropped);
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "{:?}",
        began.elapsed()
    );
}
