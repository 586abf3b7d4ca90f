//! Records to load: deterministic, and each row tells which record it came from.

mod change;

use std::fmt::Write as _;

use fastrand::Rng;

/// What a record's value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// A flat JSON order of about 190 bytes.
    Flat,
    /// An order with a customer, an address and items, of about 800 bytes.
    Nested,
    /// The flat order in JsonConverter's envelope `{"schema":…,"payload":…}` (`schemas.enable=true`).
    Envelope,
    /// Debezium's event of an insert or an update of the flat order, with its schema; about 3 KB.
    Change,
}

impl Shape {
    /// A Duplicate Key table that takes the records. `part` and `seq` are the columns for the oracle.
    #[must_use]
    pub fn table(self, db: &str, table: &str) -> String {
        let columns = match self {
            Self::Flat | Self::Envelope | Self::Change => {
                "order_id BIGINT, customer VARCHAR(32), product VARCHAR(32), quantity INT, price DOUBLE, paid BOOLEAN, \
                 created_at DATETIME, note VARCHAR(64)"
            }
            Self::Nested => {
                "order_id BIGINT, created_at DATETIME, customer JSON, address JSON, items JSON, total DECIMAL(18, 2)"
            }
        };
        format!(
            "CREATE TABLE {db}.{table} (part INT NOT NULL, seq BIGINT NOT NULL, {columns}) DUPLICATE KEY (part, seq) \
             DISTRIBUTED BY HASH(seq)"
        )
    }
}

/// A Kafka record to produce.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GeneratedRecord {
    /// Partition, also in the value as `part`.
    pub partition: i32,
    /// Number in its partition from 0, also in the value as `seq`.
    pub sequence: u64,
    /// Key: text of the order number.
    pub key: Vec<u8>,
    /// Value: JSON.
    pub value: Vec<u8>,
}

/// Makes records. The same seed, shape, partition and sequence make the same record, in whatever order they are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generator {
    seed: u64,
}

const NAMES: [&str; 8] = [
    "ada", "björn", "chloé", "dmitri", "emeka", "fatima", "grace", "hiro",
];
const PRODUCTS: [&str; 8] = [
    "lamp", "chair", "desk", "kettle", "radio", "mirror", "carpet", "clock",
];
const STREETS: [&str; 4] = ["Long Acre", "Rue Cler", "Hauptstraße", "Elm Street"];
const CITIES: [&str; 4] = ["London", "Paris", "Zürich", "Boston"];

impl Generator {
    /// A generator of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// One record.
    #[must_use]
    pub fn record(&self, shape: Shape, partition: i32, sequence: u64) -> GeneratedRecord {
        let mixed = self.seed
            ^ sequence.wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ (i64::from(partition) as u64).rotate_left(40);
        let mut rng = Rng::with_seed(mixed);
        let order_id = rng.u64(1_000_000_000..9_999_999_999);
        let mut value = String::with_capacity(4096);
        match shape {
            Shape::Flat => flat(&mut value, &mut rng, partition, sequence, order_id),
            Shape::Nested => nested(&mut value, &mut rng, partition, sequence, order_id),
            Shape::Envelope => {
                value.push_str(ENVELOPE_SCHEMA);
                flat(&mut value, &mut rng, partition, sequence, order_id);
                value.push('}');
            }
            Shape::Change => change::change(&mut value, &mut rng, partition, sequence, order_id),
        }
        GeneratedRecord {
            partition,
            sequence,
            key: order_id.to_string().into_bytes(),
            value: value.into_bytes(),
        }
    }

    /// The records of one partition from 0.
    pub fn records(
        self,
        shape: Shape,
        partition: i32,
        count: u64,
    ) -> impl Iterator<Item = GeneratedRecord> {
        (0..count).map(move |sequence| self.record(shape, partition, sequence))
    }
}

const ENVELOPE_SCHEMA: &str = concat!(
    r#"{"schema":{"type":"struct","optional":false,"name":"Order","fields":["#,
    r#"{"field":"part","type":"int32","optional":false},{"field":"seq","type":"int64","optional":false},"#,
    r#"{"field":"order_id","type":"int64","optional":false},{"field":"customer","type":"string","optional":true},"#,
    r#"{"field":"product","type":"string","optional":true},{"field":"quantity","type":"int32","optional":true},"#,
    r#"{"field":"price","type":"double","optional":true},{"field":"paid","type":"boolean","optional":true},"#,
    r#"{"field":"created_at","type":"string","optional":true},{"field":"note","type":"string","optional":true}]},"payload":"#
);

fn pick<'a>(rng: &mut Rng, from: &[&'a str]) -> &'a str {
    from[rng.usize(0..from.len())]
}

fn time(out: &mut String, rng: &mut Rng) {
    let (month, day) = (rng.u8(1..=12), rng.u8(1..=28));
    let (hour, minute, second) = (rng.u8(0..24), rng.u8(0..60), rng.u8(0..60));
    put(
        out,
        format_args!("2024-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"),
    );
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _always_ok = out.write_fmt(text);
}

fn flat(out: &mut String, rng: &mut Rng, partition: i32, sequence: u64, order_id: u64) {
    let (customer, product) = (pick(rng, &NAMES), pick(rng, &PRODUCTS));
    let (quantity, cents, paid) = (rng.u32(1..100), rng.u32(100..1_000_000), rng.bool());
    put(
        out,
        format_args!(
            r#"{{"part":{partition},"seq":{sequence},"order_id":{order_id},"customer":"{customer}","#
        ),
    );
    put(
        out,
        format_args!(
            r#""product":"{product}","quantity":{quantity},"price":{}.{:02},"#,
            cents / 100,
            cents % 100
        ),
    );
    put(out, format_args!(r#""paid":{paid},"created_at":""#));
    time(out, rng);
    let note = if rng.u8(0..4) == 0 {
        r#"gift, with a \"card\" inside"#
    } else {
        "leave it at the front door"
    };
    put(out, format_args!(r#"","note":"{note}"}}"#));
}

fn nested(out: &mut String, rng: &mut Rng, partition: i32, sequence: u64, order_id: u64) {
    put(
        out,
        format_args!(
            r#"{{"part":{partition},"seq":{sequence},"order_id":{order_id},"created_at":""#
        ),
    );
    time(out, rng);
    let (name, number) = (pick(rng, &NAMES), rng.u32(0..100_000));
    put(
        out,
        format_args!(
            r#"","customer":{{"id":{number},"name":"{name}","email":"{name}{number}@example.org","#
        ),
    );
    put(
        out,
        format_args!(
            r#""tags":["newsletter","{}"],"since":{}}},"#,
            pick(rng, &PRODUCTS),
            rng.u32(1990..2024)
        ),
    );
    let (street, city) = (pick(rng, &STREETS), pick(rng, &CITIES));
    put(
        out,
        format_args!(
            r#""address":{{"street":"{street} {}","city":"{city}","zip":"{:05}","#,
            rng.u8(1..=200),
            rng.u32(0..99_999)
        ),
    );
    put(
        out,
        format_args!(
            r#""geo":{{"lat":{:.6},"lon":{:.6}}}}},"items":["#,
            rng.f64() * 90.0,
            rng.f64() * 180.0
        ),
    );
    let mut total = 0;
    for item in 0..5 {
        let (quantity, cents) = (rng.u32(1..10), rng.u32(100..100_000));
        total += quantity * cents;
        let comma = if item > 0 { "," } else { "" };
        put(
            out,
            format_args!(
                r#"{comma}{{"sku":"SKU-{:06}","name":"{}","quantity":{quantity},"#,
                rng.u32(0..1_000_000),
                pick(rng, &PRODUCTS)
            ),
        );
        put(
            out,
            format_args!(
                r#""price":"{}.{:02}","gift":{}}}"#,
                cents / 100,
                cents % 100,
                rng.bool()
            ),
        );
    }
    put(
        out,
        format_args!(r#"],"total":"{}.{:02}"}}"#, total / 100, total % 100),
    );
}

#[cfg(test)]
mod tests {
    use super::{Generator, Shape};

    #[test]
    fn records_are_json_of_the_promised_size_and_the_same_each_time() {
        for (shape, low, high) in [
            (Shape::Flat, 170, 210),
            (Shape::Nested, 720, 880),
            (Shape::Envelope, 740, 840),
            (Shape::Change, 2900, 3300),
        ] {
            let all: Vec<_> = Generator::new(7).records(shape, 3, 1000).collect();
            let mean = all.iter().map(|r| r.value.len()).sum::<usize>() / all.len();
            assert!((low..high).contains(&mean), "{shape:?} has {mean} bytes");
            for (record, sequence) in all.iter().zip(0..) {
                let value: serde_json::Value =
                    serde_json::from_slice(&record.value).expect("a value is JSON");
                let value = match shape {
                    Shape::Envelope => &value["payload"],
                    Shape::Change => &value["payload"]["after"],
                    _ => &value,
                };
                assert_eq!(
                    (value["part"].as_i64(), value["seq"].as_u64()),
                    (Some(3), Some(sequence))
                );
                assert_eq!(*record, Generator::new(7).record(shape, 3, sequence));
            }
            assert_ne!(all[0].key, all[1].key);
            assert_ne!(all[0].value, Generator::new(8).record(shape, 3, 0).value);
        }
    }
}
