//! The topics that everything reads.

use std::fmt;

use starrocks_kafka_testbed::broker::{Broker, Message};
use starrocks_kafka_testbed::{Generator, Shape};

/// Partitions of each topic.
pub(crate) const PARTITIONS: i32 = 2;

/// A topic full of records.
#[derive(Clone, Debug)]
pub(crate) struct Corpus {
    pub(crate) shape: Shape,
    pub(crate) topic: String,
    pub(crate) records: u64,
    /// Bytes of all values.
    pub(crate) value_bytes: u64,
}

impl fmt::Display for Corpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name(self.shape))
    }
}

/// What a shape is called in the tables.
pub(crate) fn name(shape: Shape) -> &'static str {
    match shape {
        Shape::Flat => "flat",
        Shape::Nested => "nested",
        Shape::Envelope => "envelope",
        Shape::Change => "change",
        _ => "other",
    }
}

impl Corpus {
    /// Writes `records` records to a new topic, the partitions in turn. The same records each time.
    pub(crate) fn produce(broker: &Broker, shape: Shape, records: u64) -> Self {
        let topic = broker.unique_topic(name(shape), PARTITIONS);
        let generator = Generator::new(1);
        let mut value_bytes = 0;
        broker.produce(
            &topic,
            (0..records).map(|number| {
                let partition = if number % 2 == 0 { 0 } else { 1 };
                let record = generator.record(shape, partition, number / 2);
                value_bytes += record.value.len() as u64;
                Message::new(partition, record.value).with_key(record.key)
            }),
        );
        Self {
            shape,
            topic,
            records,
            value_bytes,
        }
    }

    /// Where the partition ends.
    pub(crate) fn end_of(&self, partition: i32) -> i64 {
        let records = self.records + u64::from(partition == 0);
        i64::try_from(records / 2).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_take_turns() {
        fn check(records: u64, expect: [i64; 2]) {
            let corpus = Corpus {
                shape: Shape::Flat,
                topic: String::new(),
                records,
                value_bytes: 0,
            };
            assert_eq!([0, 1].map(|partition| corpus.end_of(partition)), expect);
        }
        check(0, [0, 0]);
        check(5, [3, 2]);
        check(6, [3, 3]);
    }
}
