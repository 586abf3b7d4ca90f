//! Schemas as a registry keeps them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha1::{Digest as _, Sha1};

/// What a schema is written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SchemaType {
    /// Avro, which the interface leaves unsaid.
    #[default]
    Avro,
    /// Protobuf.
    Protobuf,
    /// JSON Schema.
    Json,
}

impl SchemaType {
    /// The word of the interface.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Avro => "AVRO",
            Self::Protobuf => "PROTOBUF",
            Self::Json => "JSON",
        }
    }
}

impl fmt::Display for SchemaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A schema that another one uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaReference {
    /// How the other one calls it: a full name (Avro), an import's path (Protobuf), a URI (JSON Schema).
    pub name: String,
    /// Its subject; without a context that of the schema that refers to it.
    pub subject: String,
    /// Its version there.
    pub version: i32,
}

/// A schema to be kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewSchema {
    /// What it is written in.
    #[serde(default)]
    pub schema_type: SchemaType,
    /// Its text.
    pub schema: String,
    /// The schemas it uses.
    #[serde(default)]
    pub references: Vec<SchemaReference>,
    /// `metadata`, as it came.
    #[serde(default)]
    pub metadata: Option<Value>,
    /// `ruleSet`, as it came.
    #[serde(default)]
    pub rule_set: Option<Value>,
}

impl NewSchema {
    /// A schema without references.
    #[must_use]
    pub fn new(schema_type: SchemaType, schema: impl Into<String>) -> Self {
        Self {
            schema_type,
            schema: schema.into(),
            ..Self::default()
        }
    }

    /// The same with one reference more.
    #[must_use]
    pub fn referring_to(mut self, name: &str, subject: &str, version: i32) -> Self {
        self.references.push(SchemaReference {
            name: name.to_owned(),
            subject: subject.to_owned(),
            version,
        });
        self
    }

    /// The GUID: made from everything that makes this schema another than others, so that it is the same in every registry.
    pub(crate) fn guid(&self) -> Guid {
        let mut hash = Sha1::new();
        let references = serde_json::to_string(&self.references).unwrap_or_default();
        let [metadata, rule_set] = [&self.metadata, &self.rule_set]
            .map(|value| value.as_ref().map(Value::to_string).unwrap_or_default());
        for part in [
            self.schema_type.word(),
            &self.schema,
            &references,
            &metadata,
            &rule_set,
        ] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        // Version 5 (a name, by SHA-1) and the variant of RFC 9562.
        bytes[6] = bytes[6] & 0x0f | 0x50;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Guid(bytes)
    }

    /// The members of an answer that tell the schema itself; what is absent is left out, and so is the type of Avro.
    pub(crate) fn tell(&self, answer: &mut Map<String, Value>) {
        if self.schema_type != SchemaType::Avro {
            answer.insert("schemaType".to_owned(), self.schema_type.word().into());
        }
        answer.insert("schema".to_owned(), self.schema.as_str().into());
        if !self.references.is_empty() {
            let references = serde_json::to_value(&self.references).unwrap_or_default();
            answer.insert("references".to_owned(), references);
        }
        for (name, value) in [("metadata", &self.metadata), ("ruleSet", &self.rule_set)] {
            if let Some(value) = value {
                answer.insert(name.to_owned(), value.clone());
            }
        }
    }
}

/// A schema's id for all registries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid(
    /// The sixteen bytes in the order in which they stand in a record.
    pub [u8; 16],
);

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// A text that is no GUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a GUID")]
pub struct NoGuid;

impl FromStr for Guid {
    type Err = NoGuid;

    fn from_str(text: &str) -> Result<Self, NoGuid> {
        let digits: Vec<u8> = text
            .chars()
            .filter(|c| *c != '-')
            .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect::<Option<_>>()
            .ok_or(NoGuid)?;
        let bytes: Vec<u8> = digits
            .chunks(2)
            .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
            .collect();
        if digits.len() != 32 {
            return Err(NoGuid);
        }
        Ok(Self(bytes.try_into().map_err(|_| NoGuid)?))
    }
}
