//! Which converter a configuration names, and with which settings.

use super::NumberConverter;
use crate::class_name::denotes;
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

/// A header converter class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderClass {
    /// Connect's default, which guesses what a text is.
    Simple,
    /// A converter of keys and values; all that are built read headers too.
    Converter(ConverterClass),
}

/// The property that names the header converter.
pub const HEADER_CONVERTER: &str = "header.converter";

/// The suffixes that Connect takes off the names of classes in these two roles.
const CONVERTER: &str = "Converter";
const OF_HEADERS: &str = "HeaderConverter";

const SIMPLE: &str = "org.apache.kafka.connect.storage.SimpleHeaderConverter";

/// Class names with what they are.
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

/// StarRocks' copy of Kafka's class. Only its full name denotes it here. In a Connect worker whose plugin
/// path holds StarRocks' jar, `JsonConverter` and `Json` are names of two classes, so that Connect drops them
/// and refuses both; who has a configuration that works writes a full name. One who writes the short name to
/// us means Kafka's class, and the two read alike.
const STARROCKS_JSON: &str = "com.starrocks.connector.kafka.json.JsonConverter";

/// Classes that users have and that are to come.
const TO_COME: &[&str] = &[
    "io.confluent.connect.avro.AvroConverter",
    "io.confluent.connect.protobuf.ProtobufConverter",
    "io.confluent.connect.json.JsonSchemaConverter",
];

impl ConverterClass {
    /// The class of keys and values that the property `property` names.
    ///
    /// # Errors
    /// A class that is to come: "not yet supported". Any other: the list of those known.
    pub fn resolve(property: &str, name: &str) -> Result<Self, ConfigProblem> {
        if let Some(class) = built(name, CONVERTER) {
            return Ok(class);
        }
        if let Some(full) = to_come(name) {
            return Err(ConfigProblem::not_yet_supported(property, full));
        }
        if denotes(name, SIMPLE, OF_HEADERS) {
            return Err(ConfigProblem::invalid(
                property,
                name,
                &format!(
                    "{SIMPLE} converts headers, not keys and values. Known converters: {}",
                    known()
                ),
            ));
        }
        Err(ConfigProblem::invalid(
            property,
            name,
            &format!(
                "Class {name} could not be found. Known converters: {}",
                known()
            ),
        ))
    }
}

impl HeaderClass {
    /// The class of headers that the property `property` names.
    ///
    /// # Errors
    /// Any other than those known, which are listed.
    pub fn resolve(property: &str, name: &str) -> Result<Self, ConfigProblem> {
        if denotes(name, SIMPLE, OF_HEADERS) {
            return Ok(Self::Simple);
        }
        // A class has the aliases of all its roles.
        if let Some(class) = built(name, OF_HEADERS).or_else(|| built(name, CONVERTER)) {
            return Ok(Self::Converter(class));
        }
        let reason = to_come(name).map_or_else(
            || format!("Class {name} could not be found"),
            |full| format!("{full} converts keys and values, not headers"),
        );
        Err(ConfigProblem::invalid(
            property,
            name,
            &format!("{reason}. Known header converters: {SIMPLE}, {}", known()),
        ))
    }
}

fn built(name: &str, suffix: &str) -> Option<ConverterClass> {
    if name == STARROCKS_JSON {
        return Some(ConverterClass::Json);
    }
    BUILT
        .iter()
        .find(|(full, _)| denotes(name, full, suffix))
        .map(|(_, class)| *class)
}

fn known() -> String {
    let names: Vec<&str> = BUILT.iter().map(|(full, _)| *full).collect();
    names.join(", ")
}

/// The full name of the class that `name` denotes, where it is one that is to come.
fn to_come(name: &str) -> Option<&'static str> {
    TO_COME
        .iter()
        .copied()
        .find(|full| denotes(name, full, CONVERTER))
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
    /// The converter for `property` (`key.converter`, `value.converter`, `header.converter`): the connector's class with the
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

    /// The header converter: as [`select`](Self::select) finds it, else Connect's default,
    /// `SimpleHeaderConverter`.
    #[must_use]
    pub fn select_header(connector: &Given, worker: &Given) -> Self {
        Self::select(HEADER_CONVERTER, connector, worker).unwrap_or_else(|| Self {
            property: HEADER_CONVERTER.to_owned(),
            class: SIMPLE.to_owned(),
            settings: Given::new(),
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
