//! Equality of outcomes, of rows and of records: JSON values, members in any order, integers digit by digit, decimals
//! by value and scale, floating point by the double.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use starrocks_kafka_connect::data::Decimal;
use starrocks_kafka_connect::json::Json;

/// An outcome as a line of JSON holds it. What may be nested deeply, or hold long numbers, stays text.
#[derive(Deserialize)]
pub(crate) struct Outcome {
    table: Option<String>,
    pub(crate) row: Option<String>,
    pub(crate) error: Option<Fault>,
    record: Option<Record>,
}

#[derive(Deserialize)]
pub(crate) struct Fault {
    pub(crate) stage: String,
    class: String,
}

/// Where Java's thread runs out of stack, we have a limit of depth and an ordinary error of the record.
impl PartialEq for Fault {
    fn eq(&self, other: &Self) -> bool {
        let class = |fault: &Self| match fault.class.as_str() {
            "java.lang.StackOverflowError" => DATA_EXCEPTION.to_owned(),
            class => class.to_owned(),
        };
        self.stage == other.stage && class(self) == class(other)
    }
}

const DATA_EXCEPTION: &str = "org.apache.kafka.connect.errors.DataException";

#[derive(Deserialize)]
struct Record {
    topic: String,
    partition: i32,
    timestamp: Option<i64>,
    key: Enveloped,
    value: Enveloped,
    headers: Vec<(String, Enveloped)>,
}

#[derive(Deserialize)]
struct Enveloped {
    schema: Box<RawValue>,
    payload: Box<RawValue>,
}

impl Outcome {
    pub(crate) fn parse(line: &str) -> Self {
        serde_json::from_str(line).expect("a line of JSON")
    }

    /// Whether ours is what is expected. Rows in CSV are compared byte by byte; a message is for people; a record is
    /// compared where Java could write it.
    fn allows(&self, ours: &Self, has_csv: bool) -> bool {
        let record = self.record.as_ref();
        let has_decimals = record.is_some_and(|record| {
            let schema = record.value.schema.get();
            schema.contains("connect.data.Decimal")
        });
        let same_row = match (&self.row, &ours.row) {
            (Some(java), Some(we)) if !has_csv => same_text(java, we, has_decimals),
            (java, we) => java == we,
        };
        let same_record = match (record, &ours.record) {
            (Some(java), Some(we)) => java.is(we, has_decimals),
            (java, _) => java.is_none(),
        };
        self.error == ours.error && self.table == ours.table && same_row && same_record
    }
}

impl Record {
    fn is(&self, other: &Self, has_decimals: bool) -> bool {
        let same_headers = self.headers.len() == other.headers.len()
            && self
                .headers
                .iter()
                .zip(&other.headers)
                .all(|((java, a), (we, b))| java == we && a.is(b, has_decimals));
        self.topic == other.topic
            && self.partition == other.partition
            && self.timestamp == other.timestamp
            && self.key.is(&other.key, has_decimals)
            && self.value.is(&other.value, has_decimals)
            && same_headers
    }
}

impl Enveloped {
    fn is(&self, other: &Self, has_decimals: bool) -> bool {
        let parts = [
            (&self.schema, &other.schema),
            (&self.payload, &other.payload),
        ];
        parts
            .iter()
            .all(|(java, we)| same_text(java.get(), we.get(), has_decimals))
    }
}

/// What we do otherwise than expected; `None` where nothing.
pub(crate) fn difference(expect: &str, ours: &str, has_csv: bool) -> Option<String> {
    let is_same = Outcome::parse(expect).allows(&Outcome::parse(ours), has_csv);
    (!is_same).then(|| format!("Java: {expect}\n   we: {ours}"))
}

/// Compares two texts of JSON. With `has_decimals`, numbers with a fraction or exponent are decimals
/// and must have the same scale.
pub(crate) fn same_text(a: &str, b: &str, has_decimals: bool) -> bool {
    let a = Json::parse(a).expect("Java writes JSON");
    let b = Json::parse(b).expect("we write JSON");
    same(&a, &b, has_decimals)
}

fn same(a: &Json<'_>, b: &Json<'_>, has_decimals: bool) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => {
            if has_decimals || (a.is_integral() && b.is_integral()) {
                Decimal::parse(a.text()) == Decimal::parse(b.text())
            } else {
                a.is_integral() == b.is_integral() && a.to_f64() == b.to_f64()
            }
        }
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b, has_decimals))
        }
        (Json::Object(a), Json::Object(b)) => {
            let b: HashMap<&str, &Json<'_>> =
                b.iter().map(|(name, b)| (name.as_ref(), b)).collect();
            a.len() == b.len()
                && a.iter().all(|(name, a)| {
                    b.get(name.as_ref())
                        .is_some_and(|b| same(a, b, has_decimals))
                })
        }
        (a, b) => a == b,
    }
}

#[test]
fn equality_is_neither_too_strict_nor_too_loose() {
    fn check(a: &str, b: &str, has_decimals: bool, expect: bool) {
        assert_eq!(same_text(a, b, has_decimals), expect, "{a} {b}");
    }
    check(
        "{\"a\":1,\"b\":[1.0E2]}",
        "{\"b\":[100.0],\"a\":1}",
        false,
        true,
    );
    check("1.0", "1.00", false, true);
    check("1.0", "1.00", true, false);
    check("1E-7", "0.0000001", true, true);
    check("1", "1.0", false, false);
    check("18446744073709551616", "18446744073709551617", false, false);
    check("{\"a\":1}", "{\"a\":1,\"b\":null}", false, false);
    check("[1,2]", "[2,1]", false, false);
    check("null", "\"null\"", false, false);
}
