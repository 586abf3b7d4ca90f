//! Rebalances that wait until the task is ready for them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use starrocks_kafka_pipeline::kafka::{Batch, Kafka, Polled, TopicPartition};
use starrocks_kafka_testbed::broker;
use starrocks_kafka_worker::kafka::{ClientSettings, LibrdkafkaClient};

use crate::member::{
    LIMIT, MOMENT, assert_committed, assigned, client, numbered, offset, settings, start, stored,
    until, with,
};

/// A member that reads, and stores what it has read before it gives partitions back.
struct Worker {
    client: LibrdkafkaClient,
    owned: Vec<TopicPartition>,
    positions: std::collections::BTreeMap<TopicPartition, i64>,
    /// What was read and stored: (partition, offset).
    done: Vec<(i32, i64)>,
    /// Read, not stored yet.
    open: Vec<(i32, i64)>,
    /// How long it holds what the group wants back.
    hold: Duration,
    revoked: Option<(Vec<TopicPartition>, Instant)>,
    revocations: usize,
}

impl Worker {
    fn new(settings: &ClientSettings, hold: Duration) -> Self {
        Self {
            client: client(settings),
            owned: Vec::new(),
            positions: std::collections::BTreeMap::new(),
            done: Vec::new(),
            open: Vec::new(),
            hold,
            revoked: None,
            revocations: 0,
        }
    }

    fn settle(&mut self) {
        let offsets: Vec<_> = self
            .positions
            .iter()
            .map(|(partition, next)| offset(partition, *next, "settled"))
            .collect();
        assert_committed(self.client.decide(&offsets, &[]));
        self.done.append(&mut self.open);
    }

    fn step(&mut self) {
        match self.client.poll(MOMENT).expect("no error") {
            Polled::Records(batch) => {
                for record in (0..batch.len()).map(|index| batch.get(index)) {
                    let partition = TopicPartition::new(record.topic, record.partition);
                    assert!(
                        self.positions.contains_key(&partition),
                        "{partition} is not ours"
                    );
                    self.open.push((record.partition, record.offset));
                    self.positions.insert(partition, record.offset + 1);
                }
            }
            Polled::Assigned { added, owned } => {
                self.owned = owned;
                start(&mut self.client, &added);
                for partition in added {
                    let (next, _) = stored(&mut self.client, &partition);
                    self.positions.insert(partition, next.unwrap_or(0));
                }
            }
            Polled::Revoked { partitions } => {
                self.revocations += 1;
                // Still ours: what is decided now is not refused.
                self.settle();
                self.revoked = Some((partitions, Instant::now() + self.hold));
            }
            Polled::Lost { partitions } => panic!("{partitions:?} lost"),
            Polled::OutOfRange { partition, .. } => panic!("{partition} lost its records"),
            Polled::TopicMissing { message, .. } => panic!("{message}"),
            Polled::EndOfPartition { .. } | Polled::TopicFound { .. } | Polled::Nothing => {}
        }
        if self
            .revoked
            .as_ref()
            .is_some_and(|(_, when)| Instant::now() >= *when)
            && let Some((partitions, _)) = self.revoked.take()
        {
            self.owned.retain(|owned| !partitions.contains(owned));
            for partition in &partitions {
                self.positions.remove(partition);
            }
            self.client.release(&partitions);
        }
    }
}

fn rebalances(strategy: &str) {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    let topic = broker.unique_topic("rebalance", 4);
    for partition in 0..4 {
        broker.produce(&topic, numbered(partition, 3000));
    }
    let set = |name: &str| {
        with(
            settings(broker, &topic, name, &topic),
            &[
                ("partition.assignment.strategy", strategy),
                ("heartbeat.interval.ms", "100"),
                // Many small answers, so that a rebalance finds records under way.
                ("fetch.message.max.bytes", "4000"),
            ],
        )
    };
    let hold = Duration::from_millis(1500);
    let mut first = Worker::new(&set("first"), hold);
    while first.owned.len() < 4 || first.open.len() < 1000 {
        first.step();
    }
    let mut second = Worker::new(&set("second"), Duration::ZERO);
    let end = Instant::now() + LIMIT;
    while first.owned.len() != 2 || second.owned.len() != 2 {
        first.step();
        second.step();
        let both: BTreeSet<_> = first
            .owned
            .iter()
            .filter(|owned| second.owned.contains(owned))
            .collect();
        assert!(both.is_empty(), "{both:?} has two owners");
        assert!(Instant::now() < end, "the group did not come to rest");
    }
    assert!(first.revocations > 0);
    for partition in 0..4 {
        broker.produce(&topic, numbered(partition, 500));
    }
    while first.done.len() + first.open.len() + second.done.len() + second.open.len() < 4 * 3500 {
        first.step();
        second.step();
        assert!(
            Instant::now() < end,
            "{} of 14000 records",
            first.open.len() + second.open.len()
        );
    }
    first.settle();
    second.settle();
    let mut all = first.done;
    all.extend(&second.done);
    all.sort_unstable();
    let expect: Vec<_> = (0..4)
        .flat_map(|partition| (0..3500).map(move |offset| (partition, offset)))
        .collect();
    assert!(all == expect, "each record once: {} records", all.len());
    // Who leaves is not waited for.
    first.client.close(LIMIT).expect("the coordinator answers");
    while second.owned.len() < 4 {
        second.step();
        assert!(Instant::now() < end, "the group waits for who has left");
    }
}

#[test]
fn an_eager_rebalance_waits_for_the_release() {
    rebalances("range");
}

#[test]
fn a_cooperative_rebalance_waits_for_the_release() {
    rebalances("cooperative-sticky");
}

#[test]
fn a_part_released_is_not_a_rebalance_done() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    let topic = broker.unique_topic("part", 2);
    let set = |name: &str| {
        with(
            settings(broker, &topic, name, &topic),
            &[("heartbeat.interval.ms", "100")],
        )
    };
    let mut first = client(&set("first"));
    let owned = assigned(&mut first);
    let mut second = client(&set("second"));
    let revoked = until(&mut first, |polled| match polled.expect("no error") {
        Polled::Revoked { partitions } => Some(partitions),
        _ => {
            second.poll(Duration::ZERO).expect("no error");
            None
        }
    });
    assert_eq!(revoked.len(), 2, "the protocol is eager");
    first.release(&revoked[..1]);
    let end = Instant::now() + Duration::from_millis(1000);
    while Instant::now() < end {
        assert!(matches!(first.poll(MOMENT), Ok(Polled::Nothing)));
        assert!(
            matches!(second.poll(MOMENT), Ok(Polled::Nothing)),
            "a partition is still held"
        );
    }
    assert_committed(first.decide(&[offset(&owned[0], 1, "still a member")], &[]));
    first.release(&revoked[1..]);
    let (mut one, mut two) = (Vec::new(), Vec::new());
    let end = Instant::now() + LIMIT;
    while one.len() != 1 || two.len() != 1 {
        for (client, owns) in [(&mut first, &mut one), (&mut second, &mut two)] {
            match client.poll(MOMENT).expect("no error") {
                Polled::Assigned { owned, .. } => *owns = owned,
                Polled::Revoked { partitions } => client.release(&partitions),
                _ => {}
            }
        }
        assert!(Instant::now() < end, "the group did not come to rest");
    }
}

#[test]
fn rejoins_as_another_member() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    for strategy in ["range", "cooperative-sticky"] {
        let topic = broker.unique_topic("rejoin", 2);
        let set = with(
            settings(broker, &topic, "a", &topic),
            &[("partition.assignment.strategy", strategy)],
        );
        let mut client = client(&set);
        let owned = assigned(&mut client);
        client.rejoin().expect("the names are valid");
        let revoked = until(&mut client, |polled| match polled.expect("no error") {
            Polled::Revoked { partitions } => Some(partitions),
            _ => None,
        });
        assert_eq!(revoked.len(), 2, "{strategy}");
        client.release(&revoked);
        assert_eq!(assigned(&mut client), owned, "{strategy}");
        assert_committed(client.decide(&[offset(&owned[0], 1, "")], &[]));
    }
}

#[test]
fn closes_with_a_rebalance_pending_and_records_held() {
    let Some(broker) = broker::shared_or_skip() else {
        return;
    };
    let topic = broker.unique_topic("close", 2);
    broker.produce(&topic, numbered(0, 10));
    let set = |name: &str| {
        with(
            settings(broker, &topic, name, &topic),
            &[("heartbeat.interval.ms", "100")],
        )
    };
    let mut first = client(&set("first"));
    let owned = assigned(&mut first);
    start(&mut first, &owned);
    let batch = until(&mut first, |polled| match polled {
        Ok(Polled::Records(batch)) => Some(batch),
        _ => None,
    });
    let mut second = client(&set("second"));
    until(&mut first, |polled| {
        second.poll(Duration::ZERO).expect("no error");
        matches!(polled, Ok(Polled::Revoked { .. })).then_some(())
    });
    first.close(LIMIT).expect("what is held is given up");
    // The records' memory lives on.
    assert_eq!(batch.get(0).key, Some(&b"0"[..]));
    drop(batch);
    assert_eq!(assigned(&mut second), owned);
}
