//! What the targets of the three formats share: from an input to schemas, settings and a payload, and on to a row that
//! must be JSON.
//!
//! An input's first byte says what the rest is ([`FUZZED_SCHEMA`], [`OTHER_READER`]); its other six bits switch settings.
//! The rest is the payload, behind the texts of the schemas where those are the input's, each ended by a zero byte.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use serde::de::IgnoredAny;
use starrocks_kafka_connect::converter::ConverterConfig;
use starrocks_kafka_connect::registry::{ReferencedSchema, RegisteredSchema, SchemaFormat, Wanted};
use starrocks_kafka_connect::transform::TransformChain;
use starrocks_kafka_pipeline::encode::{
    Encoded, Encoder, EncoderSettings, RecordError, RowSettings, Rows, SchemaQuestion, TableId,
};
use starrocks_kafka_pipeline::kafka::{NoHeaders, RawRecord};
use starrocks_kafka_pipeline::routing::TopicMap;

/// The schema is of the input, not the format's own.
const FUZZED_SCHEMA: u8 = 1;
/// The record is read as another schema than it was written with.
const OTHER_READER: u8 = 2;
/// Settings are switched by the bits from here on.
const FIRST_SETTING: u32 = 2;

/// What a record of the format's own schema may become, whatever stands in it: so many bytes of a row, and so many more
/// for each byte of the payload. Two bytes are an empty message, which is a row of all its fields.
const ROW_BYTES: usize = 64 << 10;
const ROW_BYTES_PER_BYTE: usize = 1 << 10;

/// A format with a schema of its own that has everything in it.
pub struct Target {
    /// The format of schemas.
    pub format: SchemaFormat,
    /// The converter's class.
    pub class: &'static str,
    /// The text of a schema that an input holds; `None` where it is none.
    pub text: fn(&[u8]) -> Option<Cow<'_, str>>,
    /// What stands in front of each payload: the id of a schema, and what else belongs to it.
    pub prefix: &'static [u8],
    /// The schema that records are written with.
    pub writer: &'static str,
    /// Another one that they can be read as.
    pub reader: &'static str,
    /// What these refer to; schemas of inputs may, too.
    pub reference: (&'static str, &'static str),
    /// Settings, each with the value that its bit gives it; without it they have their defaults.
    pub settings: [(&'static str, &'static str); 6],
}

thread_local! {
    /// Encoders that know the format's own schemas, by the first byte of inputs.
    static KNOWING: RefCell<HashMap<u8, Encoder>> = RefCell::default();
}

impl Target {
    /// Reads an input, and checks what it becomes.
    pub fn run(&self, input: &[u8]) {
        let Some((switches, rest)) = input.split_first() else {
            return;
        };
        if switches & FUZZED_SCHEMA == 0 {
            KNOWING.with_borrow_mut(|encoders| {
                let encoder = encoders
                    .entry(*switches)
                    .or_insert_with(|| self.encoder(*switches));
                let row = self.encode(encoder, self.writer, self.reader, rest);
                if let Some(row) = row {
                    let most = ROW_BYTES + ROW_BYTES_PER_BYTE * rest.len();
                    assert!(row.len() <= most, "a row of {} bytes", row.len());
                }
            });
            return;
        }
        let has_reader = switches & OTHER_READER != 0;
        let Some((writer, reader, payload)) = self.schemas(rest, has_reader) else {
            return;
        };
        self.encode(&mut self.encoder(*switches), &writer, &reader, payload);
    }

    /// The schemas of an input, and what follows them.
    fn schemas<'i>(
        &self,
        input: &'i [u8],
        has_reader: bool,
    ) -> Option<(Cow<'i, str>, Cow<'i, str>, &'i [u8])> {
        let (writer, rest) = ended(input)?;
        let writer = (self.text)(writer)?;
        if !has_reader {
            return Some((writer.clone(), writer, rest));
        }
        let (reader, rest) = ended(rest)?;
        Some((writer, (self.text)(reader)?, rest))
    }

    fn encoder(&self, switches: u8) -> Encoder {
        let mut settings = HashMap::from([("schema.registry.url", "http://127.0.0.1")]);
        if switches & OTHER_READER != 0 {
            settings.insert("use.latest.version", "true");
        }
        for (at, (name, value)) in self.settings.iter().enumerate() {
            if switches >> (FIRST_SETTING as usize + at) & 1 != 0 {
                settings.insert(name, value);
            }
        }
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let converter =
            |property: &str, class: &str, settings: HashMap<&str, &str>| ConverterConfig {
                property: property.to_owned(),
                class: class.to_owned(),
                settings: settings.into_iter().map(owned).collect(),
            };
        let string = "org.apache.kafka.connect.storage.StringConverter";
        Encoder::new(&EncoderSettings {
            key: converter("key.converter", string, HashMap::new()),
            value: converter("value.converter", self.class, settings),
            header: converter("header.converter", string, HashMap::new()),
            transforms: TransformChain::default(),
            topics: TopicMap::default(),
            rows: RowSettings::default(),
        })
        .expect("the settings of the targets are valid")
    }

    /// Makes a row, and checks that it is JSON. `None` where the record fails, or is null.
    fn encode(
        &self,
        encoder: &mut Encoder,
        writer: &str,
        reader: &str,
        payload: &[u8],
    ) -> Option<Vec<u8>> {
        let value = [self.prefix, payload].concat();
        let record = RawRecord {
            topic: "fuzz",
            partition: 0,
            offset: 0,
            timestamp_ms: None,
            key: None,
            value: Some(&value),
            headers: &NoHeaders,
        };
        let mut row = Row::default();
        // It asks for the writer's schema, for the reader's and for the table's columns, and then for no more.
        for _ in 0..4 {
            match encoder.encode(&record, &mut row) {
                Ok(Encoded::NeedsSchema(question)) => {
                    let schema = self.answer(&question, writer, reader);
                    encoder.learn(question, Arc::new(schema));
                }
                Ok(Encoded::Row(_)) => {
                    row.check();
                    return Some(row.0);
                }
                Ok(Encoded::NeedsColumns(table)) => {
                    encoder.set_columns(table, Err("there is no table".to_owned()));
                }
                Ok(Encoded::Skipped) => return None,
                Ok(other) => panic!("rows of JSON need nothing else: {other:?}"),
                Err(RecordError { message, .. }) => {
                    assert!(!message.is_empty(), "a record fails without a reason");
                    return None;
                }
            }
        }
        panic!("it asks again for what it was told");
    }

    fn answer(&self, question: &SchemaQuestion, writer: &str, reader: &str) -> RegisteredSchema {
        let text = match question.request.wanted {
            Wanted::Latest => reader,
            _ => writer,
        };
        let (name, of_reference) = self.reference;
        RegisteredSchema {
            format: self.format,
            text: text.to_owned(),
            references: vec![ReferencedSchema {
                name: name.to_owned(),
                text: of_reference.to_owned(),
            }],
            reference_problem: None,
            read_rules: Vec::new(),
            registrations: None,
        }
    }
}

/// What stands before a zero byte, and what follows it; `None` where there is none.
#[must_use]
pub fn ended(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

/// Bytes as the text that they are.
#[must_use]
pub fn utf8(bytes: &[u8]) -> Option<Cow<'_, str>> {
    std::str::from_utf8(bytes).ok().map(Cow::Borrowed)
}

/// A row by itself.
#[derive(Default)]
struct Row(Vec<u8>);

impl Rows for Row {
    fn append<E>(
        &mut self,
        _: TableId,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        write(&mut self.0)
    }
}

impl Row {
    /// Nothing is built of it: numbers may have any number of digits, and objects stand in one another as deep as they
    /// like.
    fn check(&self) {
        let text = std::str::from_utf8(&self.0).expect("a row is UTF-8");
        if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
            panic!("a row is no JSON, {error}: {text}");
        }
    }
}
