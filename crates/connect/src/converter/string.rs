//! `org.apache.kafka.connect.storage.StringConverter`.

use super::ConverterConfig;
use crate::charset::Charset;
use crate::config::{
    ConfigDef, ConfigKey, ConfigProblem, ConfigValue, Importance, Kind, Validator,
};
use crate::data::{Schema, SchemaAndValue, Value};

fn is_charset(value: &ConfigValue) -> Result<(), String> {
    match value {
        ConfigValue::String(name) if Charset::named(name).is_none() => Err(format!(
            "Unsupported encoding {name}; use UTF-8, ISO-8859-1 or UTF-16, say"
        )),
        _ => Ok(()),
    }
}

const KEYS: &[ConfigKey] = &[ConfigKey::new("converter.encoding", Kind::String)
    .default("UTF-8")
    .importance(Importance::High)
    .group("StringConverter")
    .validator(Validator::Custom {
        allowed: "the name of a character set",
        check: is_charset,
    })
    .doc("The character set of the bytes. What is malformed in it becomes U+FFFD.")];

/// Bytes as text in one character set.
#[derive(Debug)]
pub struct StringConverter {
    charset: Charset,
}

impl StringConverter {
    /// The settings.
    pub const DEF: ConfigDef = ConfigDef::new(&[KEYS], &[]);

    pub(super) fn new(config: &ConverterConfig) -> Result<Self, Vec<ConfigProblem>> {
        let settings = Self::DEF.parse(&config.settings).map_err(|problems| {
            problems
                .iter()
                .map(|problem| config.full_name(problem))
                .collect::<Vec<_>>()
        })?;
        let charset = settings
            .string("converter.encoding")
            .and_then(Charset::named);
        Ok(Self {
            charset: charset.unwrap_or(Charset::Utf8),
        })
    }

    pub(super) fn convert<'k>(&self, bytes: Option<&'k [u8]>) -> SchemaAndValue<'k> {
        let value = bytes.map_or(Value::Null, |bytes| {
            Value::String(self.charset.decode(bytes))
        });
        SchemaAndValue::new(Schema::optional_string(), value)
    }
}
