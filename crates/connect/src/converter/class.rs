//! Which converter a configuration names, and with which settings.

use super::NumberConverter;
use crate::class_name::denotes;
use crate::config::{ConfigProblem, Given};

/// A class of converters of keys and values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConverterClass {
    /// One that reads bytes by themselves.
    Plain(PlainClass),
    /// One that needs a Schema Registry.
    Registry(RegistryClass),
}

/// A class of converters that need a Schema Registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistryClass {
    /// Avro.
    Avro,
    /// Protocol Buffers.
    Protobuf,
    /// JSON with a JSON Schema.
    JsonSchema,
}

/// What a converter reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Keys.
    Key,
    /// Values.
    Value,
}

impl Role {
    /// As it stands in names: `key` or `value`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Value => "value",
        }
    }

    /// The header that the id of a schema may stand in.
    #[must_use]
    pub const fn schema_id_header(self) -> &'static str {
        match self {
            Self::Key => "__key_schema_id",
            Self::Value => "__value_schema_id",
        }
    }
}

/// A class of converters that read bytes by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainClass {
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
    /// A converter of keys and values that needs no registry: those read headers too.
    Converter(PlainClass),
}

/// The property that names the header converter.
pub const HEADER_CONVERTER: &str = "header.converter";

/// The suffixes that Connect takes off the names of classes in these two roles.
const CONVERTER: &str = "Converter";
const OF_HEADERS: &str = "HeaderConverter";

const SIMPLE: &str = "org.apache.kafka.connect.storage.SimpleHeaderConverter";

/// Class names with what they are.
const PLAIN: &[(&str, PlainClass)] = &[
    (
        "org.apache.kafka.connect.storage.StringConverter",
        PlainClass::String,
    ),
    (
        "org.apache.kafka.connect.json.JsonConverter",
        PlainClass::Json,
    ),
    (
        "org.apache.kafka.connect.converters.ByteArrayConverter",
        PlainClass::ByteArray,
    ),
    (
        "org.apache.kafka.connect.converters.ShortConverter",
        PlainClass::Number(NumberConverter::Short),
    ),
    (
        "org.apache.kafka.connect.converters.IntegerConverter",
        PlainClass::Number(NumberConverter::Integer),
    ),
    (
        "org.apache.kafka.connect.converters.LongConverter",
        PlainClass::Number(NumberConverter::Long),
    ),
    (
        "org.apache.kafka.connect.converters.FloatConverter",
        PlainClass::Number(NumberConverter::Float),
    ),
    (
        "org.apache.kafka.connect.converters.DoubleConverter",
        PlainClass::Number(NumberConverter::Double),
    ),
    (
        "org.apache.kafka.connect.converters.BooleanConverter",
        PlainClass::Number(NumberConverter::Boolean),
    ),
];

/// StarRocks' copy of Kafka's class. Only its full name denotes it here. In a Connect worker whose plugin
/// path holds StarRocks' jar, `JsonConverter` and `Json` are names of two classes, so that Connect drops them
/// and refuses both; who has a configuration that works writes a full name. One who writes the short name to
/// us means Kafka's class, and the two read alike.
const STARROCKS_JSON: &str = "com.starrocks.connector.kafka.json.JsonConverter";

/// Those of Confluent.
const REGISTRY: &[(&str, RegistryClass)] = &[
    (
        "io.confluent.connect.avro.AvroConverter",
        RegistryClass::Avro,
    ),
    (
        "io.confluent.connect.protobuf.ProtobufConverter",
        RegistryClass::Protobuf,
    ),
    (
        "io.confluent.connect.json.JsonSchemaConverter",
        RegistryClass::JsonSchema,
    ),
];

impl ConverterClass {
    /// The class of keys and values that the property `property` names.
    ///
    /// # Errors
    /// Any other than those known, which are listed.
    pub fn resolve(property: &str, name: &str) -> Result<Self, ConfigProblem> {
        if let Some(class) = plain(name, CONVERTER) {
            return Ok(Self::Plain(class));
        }
        if let Some((_, class)) = registry(name) {
            return Ok(Self::Registry(class));
        }
        if denotes(name, SIMPLE, OF_HEADERS) {
            return Err(ConfigProblem::invalid(
                property,
                name,
                &format!(
                    "{SIMPLE} converts headers, not keys and values. Known converters: {}",
                    known_of_keys_and_values()
                ),
            ));
        }
        Err(ConfigProblem::invalid(
            property,
            name,
            &format!(
                "Class {name} could not be found. Known converters: {}",
                known_of_keys_and_values()
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
        if let Some(class) = plain(name, OF_HEADERS).or_else(|| plain(name, CONVERTER)) {
            return Ok(Self::Converter(class));
        }
        let reason = registry(name).map_or_else(
            || format!("Class {name} could not be found"),
            |(full, _)| format!("{full} converts keys and values, not headers"),
        );
        Err(ConfigProblem::invalid(
            property,
            name,
            &format!("{reason}. Known header converters: {SIMPLE}, {}", known()),
        ))
    }
}

fn plain(name: &str, suffix: &str) -> Option<PlainClass> {
    if name == STARROCKS_JSON {
        return Some(PlainClass::Json);
    }
    PLAIN
        .iter()
        .find(|(full, _)| denotes(name, full, suffix))
        .map(|(_, class)| *class)
}

/// The class with a registry that `name` denotes, and its full name.
fn registry(name: &str) -> Option<(&'static str, RegistryClass)> {
    REGISTRY
        .iter()
        .copied()
        .find(|(full, _)| denotes(name, full, CONVERTER))
}

/// The full names of the classes that read keys and values, those that need no registry first.
pub fn class_names() -> impl Iterator<Item = &'static str> {
    let plain = PLAIN.iter().map(|(full, _)| *full);
    plain.chain(REGISTRY.iter().map(|(full, _)| *full))
}

fn known() -> String {
    let names: Vec<&str> = PLAIN.iter().map(|(full, _)| *full).collect();
    names.join(", ")
}

fn known_of_keys_and_values() -> String {
    class_names().collect::<Vec<_>>().join(", ")
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

    /// What it reads; headers count as values.
    #[must_use]
    pub fn role(&self) -> Role {
        if self.property == "key.converter" {
            Role::Key
        } else {
            Role::Value
        }
    }

    /// The class by its full name; as it was written where it is not known.
    #[must_use]
    pub fn full_class(&self) -> &str {
        let suffix = if self.property == HEADER_CONVERTER {
            OF_HEADERS
        } else {
            CONVERTER
        };
        let mut known = class_names().chain([SIMPLE]);
        let full = known.find(|full| denotes(&self.class, full, suffix));
        full.unwrap_or(&self.class)
    }

    /// The class, where it is one that needs a Schema Registry.
    #[must_use]
    pub fn registry_class(&self) -> Option<RegistryClass> {
        registry(&self.class).map(|(_, class)| class)
    }

    /// The problem with a setting, told by the setting's full name.
    pub(super) fn full_name(&self, problem: &ConfigProblem) -> ConfigProblem {
        problem.below(&format!("{}.", self.property))
    }
}
