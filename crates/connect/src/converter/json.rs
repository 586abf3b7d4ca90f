//! `org.apache.kafka.connect.json.JsonConverter`.

use super::ConverterConfig;
use super::envelope::{Envelope, no_json};
use super::payload;
use super::schema::SchemaCache;
use crate::config::{ConfigDef, ConfigKey, ConfigProblem, Importance, Kind};
use crate::data::{SchemaAndValue, Value};
use crate::error::DataError;
use crate::json::{Json, decode};
use std::borrow::Cow;

const KEYS: &[ConfigKey] = &[
    ConfigKey::new("schemas.enable", Kind::Boolean)
        .default("true")
        .importance(Importance::High)
        .group("JsonConverter")
        .doc("Whether each message is an object of exactly `schema` and `payload`."),
    ConfigKey::new("schemas.cache.size", Kind::Int)
        .default("1000")
        .importance(Importance::High)
        .group("JsonConverter")
        .doc("How many schemas are kept, so that they are not read again with each message."),
    ConfigKey::new("decimal.format", Kind::String)
        .default("BASE64")
        .one_of_ignore_case(&["NUMERIC", "BASE64"])
        .importance(Importance::Low)
        .group("JsonConverter")
        .doc("How decimals are written. Both forms are read, whatever it says."),
    ConfigKey::new("replace.null.with.default", Kind::Boolean)
        .default("true")
        .importance(Importance::Low)
        .group("JsonConverter")
        .doc("Whether null in a field that has a default becomes the default."),
];

/// JSON, with its schema in each message or without any.
#[derive(Debug)]
pub struct JsonConverter {
    schemas: Option<SchemaCache>,
    replace_null_with_default: bool,
}

impl JsonConverter {
    /// The settings.
    pub const DEF: ConfigDef = ConfigDef::new(&[KEYS], &[]);

    pub(super) fn new(config: &ConverterConfig) -> Result<Self, Vec<ConfigProblem>> {
        let settings = Self::DEF.parse(&config.settings).map_err(|problems| {
            problems
                .iter()
                .map(|problem| config.full_name(problem))
                .collect::<Vec<_>>()
        })?;
        let replace_null_with_default = settings.boolean("replace.null.with.default") == Some(true);
        let size =
            usize::try_from(settings.integer("schemas.cache.size").unwrap_or(0)).unwrap_or(0);
        let has_schemas = settings.boolean("schemas.enable") == Some(true);
        Ok(Self {
            schemas: has_schemas.then(|| SchemaCache::new(size, replace_null_with_default)),
            replace_null_with_default,
        })
    }

    /// Whether messages hold their schema.
    #[must_use]
    pub const fn has_schemas(&self) -> bool {
        self.schemas.is_some()
    }

    pub(super) fn convert<'k>(
        &mut self,
        bytes: Option<&'k [u8]>,
    ) -> Result<SchemaAndValue<'k>, DataError> {
        let Some(bytes) = bytes else {
            return Ok(SchemaAndValue::schemaless(Value::Null));
        };
        match decode(bytes).map_err(|error| no_json(&error))? {
            Cow::Borrowed(text) => self.read(text),
            Cow::Owned(text) => self.read(&text).map(SchemaAndValue::into_owned),
        }
    }

    fn read<'k>(&mut self, text: &'k str) -> Result<SchemaAndValue<'k>, DataError> {
        let Some(schemas) = &mut self.schemas else {
            if text.trim_matches([' ', '\t', '\n', '\r']).is_empty() {
                return Ok(SchemaAndValue::schemaless(Value::Null));
            }
            let json = Json::parse(text).map_err(|error| no_json(&error))?;
            return Ok(SchemaAndValue::schemaless(payload::schemaless(json)));
        };
        let Envelope { schema, payload } = Envelope::read(text, schemas)?;
        let value = match &schema {
            Some(schema) => payload::with_schema(schema, payload, self.replace_null_with_default)?,
            None => payload::schemaless(payload),
        };
        Ok(SchemaAndValue { schema, value })
    }
}
