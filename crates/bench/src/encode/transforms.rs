//! Transforms alone: what each costs of a record that is read already.

use std::rc::Rc;

use starrocks_kafka_connect::config::Given;
use starrocks_kafka_connect::converter::{ConvertError, Converter, Input};
use starrocks_kafka_connect::data::{Record, SchemaAndValue, Value};
use starrocks_kafka_connect::transform::TransformChain;
use starrocks_kafka_pipeline::kafka::{NoHeaders, RawHeaders};
use starrocks_kafka_testbed::Shape;

use super::{Case, Pass, Sample, converter, json, refused};
use crate::cdc::Properties;
use crate::corpus;
use crate::failure::Failure;

/// What goes through a transform, and its options.
struct Transform {
    shape: Shape,
    class: &'static str,
    options: &'static Properties,
}

const fn order(class: &'static str, options: &'static Properties) -> Transform {
    Transform {
        shape: Shape::Envelope,
        class,
        options,
    }
}

const fn change(class: &'static str, options: &'static Properties) -> Transform {
    Transform {
        shape: Shape::Change,
        class,
        options,
    }
}

const TRANSFORMS: [Transform; 21] = [
    order("Cast$Value", &[("spec", "quantity:int64,price:string")]),
    order("DropHeaders", &[("headers", "trace")]),
    change("ExtractField$Value", &[("field", "after")]),
    order("Filter", &[("predicate", "tombstone")]),
    change("Flatten$Value", &[("delimiter", "_")]),
    order(
        "HeaderFrom$Value",
        &[
            ("fields", "note"),
            ("headers", "note"),
            ("operation", "copy"),
        ],
    ),
    order("HoistField$Value", &[("field", "order")]),
    order(
        "InsertField$Value",
        &[("topic.field", "topic"), ("offset.field", "offset")],
    ),
    order(
        "InsertHeader",
        &[("header", "from"), ("value.literal", "bench")],
    ),
    order("MaskField$Value", &[("fields", "customer")]),
    order(
        "RegexRouter",
        &[("regex", "(b)(.*)"), ("replacement", "$1_$2")],
    ),
    order("ReplaceField$Value", &[("exclude", "note")]),
    order("ReplaceField$Value", &[("renames", "note:remark")]),
    order("SetSchemaMetadata$Value", &[("schema.name", "Bought")]),
    order(
        "TimestampConverter$Value",
        &[
            ("field", "created_at"),
            ("format", "yyyy-MM-dd HH:mm:ss"),
            ("target.type", "Timestamp"),
        ],
    ),
    order("TimestampRouter", &[]),
    order("ValueToKey", &[("fields", "order_id,customer")]),
    change(
        "io.debezium.transforms.ByLogicalTableRouter",
        &[
            ("topic.regex", "(b)(.*)"),
            ("topic.replacement", "$1_$2"),
            ("key.enforce.uniqueness", "false"),
        ],
    ),
    change(
        "io.debezium.transforms.ExtractNewRecordState",
        &[("add.fields", "op,ts_ms")],
    ),
    change(
        "com.starrocks.connector.kafka.transforms.AddOpFieldForDebeziumRecord",
        &[],
    ),
    order(
        "com.starrocks.connector.kafka.transforms.TimeMillisToStringTransform",
        &[],
    ),
];

/// A chain of one transform.
fn chain(class: &str, options: &Properties) -> Result<TransformChain, Failure> {
    let class = if class.contains('.') {
        class.to_owned()
    } else {
        format!("org.apache.kafka.connect.transforms.{class}")
    };
    let mut given = Given::new();
    given.insert("transforms.t.type".to_owned(), class);
    for (name, value) in options {
        given.insert(format!("transforms.t.{name}"), (*value).to_owned());
    }
    let tombstone = "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone";
    given.insert("predicates.tombstone.type".to_owned(), tombstone.to_owned());
    TransformChain::new(&["t".to_owned()], &["tombstone".to_owned()], &given).map_err(refused)
}

impl Transform {
    fn title(&self) -> String {
        let simple = self.class.rsplit('.').next().unwrap_or(self.class);
        let title = simple.strip_suffix("$Value").unwrap_or(simple);
        let options: Vec<_> = self
            .options
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        format!("{title} {}", options.join(" ")).trim().to_owned()
    }
}

/// The records of samples, read. They borrow from them.
fn read(samples: &'static [Sample]) -> Result<Rc<[Record<'static>]>, Failure> {
    let class = "org.apache.kafka.connect.json.JsonConverter";
    let settings = [("schemas.enable", "true".to_owned())];
    let config = converter("value.converter", class, settings);
    let mut converter = Converter::new(&config).map_err(refused)?;
    let headers: &dyn RawHeaders = &NoHeaders;
    let records = samples.iter().zip(0..).map(|(sample, offset)| {
        let input = Input {
            topic: "bench",
            headers: &headers,
            bytes: Some(&sample.value),
        };
        let value = converter.convert(&input).map_err(|error| match error {
            ConvertError::Data(error) => Failure::new(format!("cannot read a record: {error}")),
            ConvertError::NeedsSchema(_) => Failure::new("records of JSON ask for a schema"),
        })?;
        Ok(Record {
            topic: "bench".into(),
            partition: 0,
            offset,
            timestamp_ms: Some(1_700_000_000_000 + offset),
            key: SchemaAndValue::schemaless(Value::Null),
            value,
            headers: Vec::new(),
        })
    });
    records.collect()
}

/// Copies every record, and does something with the copy.
fn copies(
    records: &Rc<[Record<'static>]>,
    mut then: impl FnMut(&mut Record<'static>) -> Result<(), Failure> + 'static,
) -> Pass {
    let records = Rc::clone(records);
    Box::new(move |_, _| {
        for record in &*records {
            let mut copy = record.clone();
            then(&mut copy)?;
            drop(std::hint::black_box(copy));
        }
        Ok(())
    })
}

/// The cases, with so many records each.
pub(super) fn cases(count: u64) -> Result<Vec<Case>, Failure> {
    let mut cases = Vec::new();
    for shape in [Shape::Envelope, Shape::Change] {
        let samples = json::samples(shape, "", count);
        let records = read(samples)?;
        for transform in TRANSFORMS.iter().filter(|one| one.shape == shape) {
            let mut chain = chain(transform.class, transform.options)?;
            let through = move |record: &mut Record<'static>| {
                let is_kept = chain.apply(record);
                is_kept
                    .map(drop)
                    .map_err(Failure::to("send a record through a transform"))
            };
            cases.push(Case {
                records: corpus::name(shape),
                path: transform.title(),
                samples,
                pass: copies(&records, through),
                beside: Some(copies(&records, |_| Ok(()))),
            });
        }
    }
    Ok(cases)
}

#[cfg(test)]
mod tests {
    use starrocks_kafka_pipeline::batch::Batches;

    use super::*;

    #[test]
    fn every_case_is_fit_for_its_records() {
        for mut case in cases(3).expect("settings are valid") {
            let mut rows = Batches::new();
            (case.pass)(case.samples, &mut rows).expect(&case.path);
        }
    }

    /// What does nothing costs nothing, and is no measure.
    #[test]
    fn every_transform_but_those_for_other_records_changes_its_records() {
        const IDLE: [&str; 3] = [
            "DropHeaders headers=trace",
            "Filter predicate=tombstone",
            "TimeMillisToStringTransform",
        ];
        for transform in &TRANSFORMS {
            let records = read(json::samples(transform.shape, "", 2)).expect("they can be read");
            let mut chain = chain(transform.class, transform.options).expect("options are valid");
            let title = transform.title();
            for record in &*records {
                let mut copy = record.clone();
                assert!(chain.apply(&mut copy).expect(&title), "{title}");
                let is_idle = IDLE.contains(&title.as_str());
                assert_eq!(copy == *record, is_idle, "{title}");
            }
        }
    }
}
