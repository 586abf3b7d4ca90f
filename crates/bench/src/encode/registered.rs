//! Cases of records whose schemas stand in a Schema Registry, and what `apache-avro` needs for the same bytes.

use std::sync::Arc;

use apache_avro::reader::datum::GenericDatumReader;
use starrocks_kafka_connect::converter::{ConvertError, Converter, Input};
use starrocks_kafka_connect::registry::{RegisteredSchema, SchemaFormat};
use starrocks_kafka_pipeline::kafka::{NoHeaders, RawHeaders};
use starrocks_kafka_testbed::produce::{Format, Frame, Orders, Shape};

use super::{Case, Pass, Sample, converter, encoder, refused, rows_of};
use crate::failure::Failure;

const FORMATS: [(Format, &str, SchemaFormat, &str); 3] = [
    (
        Format::Avro,
        "Avro",
        SchemaFormat::Avro,
        "io.confluent.connect.avro.AvroConverter",
    ),
    (
        Format::Protobuf,
        "Protobuf",
        SchemaFormat::Protobuf,
        "io.confluent.connect.protobuf.ProtobufConverter",
    ),
    (
        Format::JsonSchema,
        "JSON Schema",
        SchemaFormat::Json,
        "io.confluent.connect.json.JsonSchemaConverter",
    ),
];

const SHAPES: [(Shape, &str); 2] = [(Shape::Flat, "flat, 10"), (Shape::Nested, "nested, 40")];

/// Bytes of the frame before an Avro datum: a zero, and the schema's id.
const FRAME_BYTES: usize = 5;

fn samples(format: Format, orders: Orders, count: u64) -> &'static [Sample] {
    let sample = |number: u64| {
        let mut value = Vec::new();
        Frame::Id(1).write(format, &mut value);
        format.write(orders.record(), &orders.datum(number), &mut value);
        Sample {
            key: number.to_string().into_bytes(),
            value,
        }
    };
    (0..count).map(sample).collect::<Vec<_>>().leak()
}

fn text(format: Format, orders: Orders) -> Result<String, Failure> {
    let schema = format.schema(orders.record());
    let schema = schema.ok_or_else(|| Failure::new("the format has no schemas"))?;
    Ok(schema.schema)
}

/// The cases, with so many records each.
pub(super) fn cases(count: u64) -> Result<Vec<Case>, Failure> {
    let mut cases = Vec::new();
    for (shape, records) in SHAPES {
        let orders = Orders::first(shape);
        for (format, name, schema_format, class) in FORMATS {
            let schema = RegisteredSchema {
                format: schema_format,
                text: text(format, orders)?,
                references: Vec::new(),
                reference_problem: None,
                read_rules: Vec::new(),
                registrations: None,
            };
            let schema = Arc::new(schema);
            cases.push(Case {
                records,
                path: format!("{name}, decoded"),
                samples: samples(format, orders, count),
                pass: decoded(class, Arc::clone(&schema))?,
                beside: None,
            });
            cases.push(Case {
                records,
                path: format!("{name}, to rows"),
                samples: samples(format, orders, count),
                pass: rows_of(encoder(class, [url()], &[])?, Some(schema)),
                beside: None,
            });
        }
        cases.push(apache_avro(records, orders, count)?);
    }
    Ok(cases)
}

/// No registry is asked here.
fn url() -> (&'static str, String) {
    ("schema.registry.url", "http://127.0.0.1".to_owned())
}

/// The converter alone.
fn decoded(class: &str, schema: Arc<RegisteredSchema>) -> Result<Pass, Failure> {
    let config = converter("value.converter", class, [url()]);
    let mut converter = Converter::new(&config).map_err(refused)?;
    Ok(Box::new(move |samples, _| {
        let headers: &dyn RawHeaders = &NoHeaders;
        for sample in samples {
            let input = Input {
                topic: "bench",
                headers: &headers,
                bytes: Some(&sample.value),
            };
            loop {
                match converter.convert(&input) {
                    Ok(value) => break drop(std::hint::black_box(value)),
                    Err(ConvertError::NeedsSchema(request)) => {
                        converter.learn(*request, Arc::clone(&schema));
                    }
                    Err(ConvertError::Data(error)) => {
                        return Err(Failure::new(format!("cannot read a record: {error}")));
                    }
                }
            }
        }
        Ok(())
    }))
}

/// What `apache-avro` needs to make its values, which are no rows yet.
fn apache_avro(records: &'static str, orders: Orders, count: u64) -> Result<Case, Failure> {
    let schema = apache_avro::Schema::parse_str(&text(Format::Avro, orders)?)
        .map_err(Failure::to("parse a schema"))?;
    Ok(Case {
        records,
        path: "Avro, decoded by apache-avro to its Value".to_owned(),
        samples: samples(Format::Avro, orders, count),
        pass: Box::new(move |samples, _| {
            let reader = GenericDatumReader::builder(&schema)
                .build()
                .map_err(Failure::to("read a schema's names"))?;
            for sample in samples {
                let mut datum = &sample.value[FRAME_BYTES..];
                let value = reader.read_value(&mut datum);
                drop(std::hint::black_box(
                    value.map_err(Failure::to("read a record"))?,
                ));
            }
            Ok(())
        }),
        beside: None,
    })
}

#[cfg(test)]
mod tests {
    use starrocks_kafka_pipeline::batch::Batches;

    use super::super::tests::rows;
    use super::*;

    #[test]
    fn every_case_makes_rows_of_the_records() {
        for mut case in cases(3).expect("settings and schemas are valid") {
            if case.path.contains("decoded") {
                let read = (case.pass)(case.samples, &mut Batches::new());
                read.expect("every record can be read");
                continue;
            }
            let table: Vec<serde_json::Value> =
                serde_json::from_slice(&rows(&mut case)).expect("rows are a JSON array");
            assert_eq!(table.len(), case.samples.len());
            for (row, id) in table.iter().zip(0..) {
                assert_eq!(row["id"].as_u64(), Some(id), "{}", case.path);
            }
        }
    }
}
