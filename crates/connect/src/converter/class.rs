//! Which converter a configuration names, and with which settings.

use super::NumberConverter;
use crate::config::{ConfigProblem, Given};

/// A converter class that is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConverterClass {
    /// Text.
    String,
    /// JSON, with or without schemas.
    Json,
    /// Bytes as they are.
    ByteArray,
    /// A number or boolean of fixed length.
    Number(NumberConverter),
}

/// Class names with what they are. Connect also accepts the simple name, and the simple name without
/// `Converter`.
const BUILT: &[(&str, ConverterClass)] = &[
    (
        "org.apache.kafka.connect.storage.StringConverter",
        ConverterClass::String,
    ),
    (
        "org.apache.kafka.connect.json.JsonConverter",
        ConverterClass::Json,
    ),
    (
        "org.apache.kafka.connect.converters.ByteArrayConverter",
        ConverterClass::ByteArray,
    ),
    (
        "org.apache.kafka.connect.converters.ShortConverter",
        ConverterClass::Number(NumberConverter::Short),
    ),
    (
        "org.apache.kafka.connect.converters.IntegerConverter",
        ConverterClass::Number(NumberConverter::Integer),
    ),
    (
        "org.apache.kafka.connect.converters.LongConverter",
        ConverterClass::Number(NumberConverter::Long),
    ),
    (
        "org.apache.kafka.connect.converters.FloatConverter",
        ConverterClass::Number(NumberConverter::Float),
    ),
    (
        "org.apache.kafka.connect.converters.DoubleConverter",
        ConverterClass::Number(NumberConverter::Double),
    ),
    (
        "org.apache.kafka.connect.converters.BooleanConverter",
        ConverterClass::Number(NumberConverter::Boolean),
    ),
];

/// StarRocks' copy of Kafka's class, which only its full name denotes.
const STARROCKS_JSON: &str = "com.starrocks.connector.kafka.json.JsonConverter";

/// Classes that users have and that are to come.
const TO_COME: &[&str] = &[
    "io.confluent.connect.avro.AvroConverter",
    "io.confluent.connect.protobuf.ProtobufConverter",
    "io.confluent.connect.json.JsonSchemaConverter",
    "org.apache.kafka.connect.storage.SimpleHeaderConverter",
];

impl ConverterClass {
    /// The class that the property `property` names.
    ///
    /// # Errors
    /// A class that is to come: "not yet supported". Any other: the list of those known.
    pub fn resolve(property: &str, name: &str) -> Result<Self, ConfigProblem> {
        if name == STARROCKS_JSON {
            return Ok(Self::Json);
        }
        if let Some((_, class)) = BUILT.iter().find(|(full, _)| denotes(name, full)) {
            return Ok(*class);
        }
        if let Some(full) = to_come(name) {
            return Err(ConfigProblem::not_yet_supported(property, full));
        }
        let known: Vec<&str> = BUILT.iter().map(|(full, _)| *full).collect();
        Err(ConfigProblem::invalid(
            property,
            name,
            &format!(
                "Class {name} could not be found. Known converters: {}",
                known.join(", ")
            ),
        ))
    }
}

/// The full name of the class that `name` denotes, where it is one that is to come.
fn to_come(name: &str) -> Option<&'static str> {
    TO_COME.iter().copied().find(|full| denotes(name, full))
}

fn denotes(name: &str, full: &str) -> bool {
    let simple = full.rsplit('.').next().unwrap_or(full);
    name == full || name == simple || simple.strip_suffix("Converter") == Some(name)
}

/// A converter as properties describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConverterConfig {
    /// The property that names the class, `value.converter` say.
    pub property: String,
    /// The class.
    pub class: String,
    /// The settings of the same level, their prefix taken off.
    pub settings: Given,
}

impl ConverterConfig {
    /// The converter for `property` (`key.converter`, `value.converter`): the connector's class with the
    /// connector's settings, else the worker's class with the worker's settings. Settings of one level
    /// never go with the class of the other. `None` where neither level names a class.
    #[must_use]
    pub fn select(property: &str, connector: &Given, worker: &Given) -> Option<Self> {
        let level = [connector, worker]
            .into_iter()
            .find(|level| level.contains_key(property))?;
        let prefix = format!("{property}.");
        let settings = level
            .iter()
            .filter_map(|(name, text)| Some((name.strip_prefix(&prefix)?.to_owned(), text.clone())))
            .collect();
        let class = level.get(property)?.trim().to_owned();
        Some(Self {
            property: property.to_owned(),
            class,
            settings,
        })
    }

    /// The full name of the class, where it is one that is to come: its settings cannot be judged yet.
    #[must_use]
    pub fn to_come(&self) -> Option<&'static str> {
        to_come(&self.class)
    }

    /// The problem with a setting, told by the setting's full name.
    pub(super) fn full_name(&self, problem: &ConfigProblem) -> ConfigProblem {
        let full = format!("{}.{}", self.property, problem.name);
        ConfigProblem {
            message: problem.message.replacen(&problem.name, &full, 1),
            name: full,
            value: problem.value.clone(),
        }
    }
}
