//! Records with schemas, from their bytes to rows: good ones, bad ones, and any bytes at all.

mod bad;
mod changes;
mod laws;

use std::sync::Arc;

use starrocks_kafka_connect::converter::ConverterConfig;
use starrocks_kafka_connect::registry::{RegisteredSchema, SchemaFormat};
use starrocks_kafka_connect::transform::TransformChain;
use starrocks_kafka_pipeline::encode::{Encoded, Encoder, EncoderSettings, RowSettings, Rows};
use starrocks_kafka_pipeline::kafka::{NoHeaders, RawRecord};
use starrocks_kafka_pipeline::routing::{TableId, TopicMap};
use starrocks_kafka_testbed::produce::Format;

/// The formats, each with what the registry calls it and its converter.
const FORMATS: [(Format, SchemaFormat, &str); 3] = [
    (Format::Avro, SchemaFormat::Avro, "AvroConverter"),
    (
        Format::Protobuf,
        SchemaFormat::Protobuf,
        "ProtobufConverter",
    ),
    (
        Format::JsonSchema,
        SchemaFormat::Json,
        "JsonSchemaConverter",
    ),
];

/// The last row.
#[derive(Default)]
struct Row(Vec<u8>);

impl Rows for Row {
    fn append<E>(
        &mut self,
        _: TableId,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.0.clear();
        write(&mut self.0)
    }
}

/// Makes rows of records that were all written with one schema, whatever id they name.
struct Reader {
    encoder: Encoder,
    schema: Arc<RegisteredSchema>,
}

impl Reader {
    fn new(format: Format, text: &str) -> Self {
        Self::with_rows(format, text, RowSettings::default())
    }

    fn with_rows(format: Format, text: &str, rows: RowSettings) -> Self {
        let (_, format, class) = FORMATS
            .into_iter()
            .find(|(one, ..)| *one == format)
            .expect("a format with schemas");
        let url = ("schema.registry.url".to_owned(), "http://r:8081".to_owned());
        let converter = |property: &str, class: &str| ConverterConfig {
            property: property.to_owned(),
            class: class.to_owned(),
            settings: [url.clone()].into(),
        };
        let settings = EncoderSettings {
            key: converter("key.converter", "StringConverter"),
            value: converter("value.converter", class),
            header: converter("header.converter", "SimpleHeaderConverter"),
            transforms: TransformChain::default(),
            topics: TopicMap::default(),
            rows,
        };
        Self {
            encoder: Encoder::new(&settings).expect("settings that can be taken"),
            schema: Arc::new(RegisteredSchema {
                format,
                text: text.to_owned(),
                references: Vec::new(),
                reference_problem: None,
                read_rules: Vec::new(),
                registrations: None,
            }),
        }
    }

    /// The row of a record, or what is wrong with it.
    fn row(&mut self, value: &[u8]) -> Result<String, String> {
        let record = RawRecord {
            topic: "orders",
            partition: 0,
            offset: 0,
            timestamp_ms: None,
            key: None,
            value: Some(value),
            headers: &NoHeaders,
        };
        let mut row = Row::default();
        loop {
            let encoded = self.encoder.encode(&record, &mut row);
            match encoded.map_err(|error| error.to_string())? {
                // Each record is looked at by itself.
                Encoded::NeedsRound(_) => self.encoder.begin_round(),
                Encoded::NeedsSchema(question) => {
                    self.encoder.learn(question, Arc::clone(&self.schema));
                }
                Encoded::NeedsColumns(table) => {
                    self.encoder
                        .set_columns(table, Err("there is no table".to_owned()));
                }
                _ => return Ok(String::from_utf8(row.0).expect("rows are UTF-8")),
            }
        }
    }
}

/// A record of schema 7: the id, what more stands before the data, and the data.
fn framed(more: &[u8], data: &[u8]) -> Vec<u8> {
    [&[0, 0, 0, 0, 7], more, data].concat()
}
