//! Which converter reads keys and values, and with which settings.

use starrocks_kafka_connect::config::{ConfigProblem, Given};

/// A converter and its settings, the prefix stripped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConverterSettings {
    /// What reads the bytes.
    pub class: ConverterClass,
    /// Its settings, `schemas.enable` say.
    pub settings: Given,
}

/// The converters there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConverterClass {
    /// `org.apache.kafka.connect.storage.StringConverter`.
    String,
    /// `org.apache.kafka.connect.json.JsonConverter`.
    Json,
    /// `org.apache.kafka.connect.converters.ByteArrayConverter`.
    ByteArray,
}

/// What a record's parts are read with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Key,
    Value,
}

impl Part {
    /// The property that names the converter.
    pub(super) const fn property(self) -> &'static str {
        match self {
            Self::Key => "key.converter",
            Self::Value => "value.converter",
        }
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Key => "key.converter.",
            Self::Value => "value.converter.",
        }
    }
}

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
];

/// Known to Kafka Connect's users, and not built yet.
const LATER: &[&str] = &[
    "org.apache.kafka.connect.converters.BooleanConverter",
    "org.apache.kafka.connect.converters.DoubleConverter",
    "org.apache.kafka.connect.converters.FloatConverter",
    "org.apache.kafka.connect.converters.IntegerConverter",
    "org.apache.kafka.connect.converters.LongConverter",
    "org.apache.kafka.connect.converters.ShortConverter",
    "io.confluent.connect.avro.AvroConverter",
    "io.confluent.connect.json.JsonSchemaConverter",
    "io.confluent.connect.protobuf.ProtobufConverter",
];

const DEFAULT_HEADER: &str = "org.apache.kafka.connect.storage.SimpleHeaderConverter";

/// A class name that was understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Built(ConverterClass),
    Later(&'static str),
}

/// Whether `text` names the class of this full name: by it, by its simple name, or by the simple name
/// without what says its role, as Connect's plugin aliases do.
pub(super) fn names(text: &str, full: &str, role: &str) -> bool {
    let simple = full.rsplit('.').next().unwrap_or(full);
    text == full
        || text == simple
        || simple
            .strip_suffix(role)
            .is_some_and(|pruned| text == pruned)
}

/// The converter that a property names.
///
/// # Errors
/// An unknown class, with those that are known.
pub(super) fn named(property: &str, text: &str) -> Result<Named, ConfigProblem> {
    let text = text.trim();
    if let Some((_, class)) = BUILT
        .iter()
        .find(|(full, _)| names(text, full, "Converter"))
    {
        return Ok(Named::Built(*class));
    }
    if let Some(full) = LATER.iter().find(|full| names(text, full, "Converter")) {
        return Ok(Named::Later(full));
    }
    let known: Vec<&str> = BUILT.iter().map(|(full, _)| *full).collect();
    let reason = format!(
        "Class {text} could not be found. Known are: {}",
        known.join(", ")
    );
    Err(ConfigProblem::invalid(property, text, &reason))
}

/// The converter for a part of the records of a connector. Levels do not mix: a connector that names its
/// converter gets none of the worker's settings, one that does not gets none of its own.
///
/// # Errors
/// An unknown converter, or one that is not built yet. `None` where the worker's file is to blame, and says so.
pub(super) fn resolve(
    part: Part,
    connector: &Given,
    worker: &Given,
) -> Result<ConverterSettings, Option<ConfigProblem>> {
    let property = part.property();
    let (text, level, whose) = match (connector.get(property), worker.get(property)) {
        (Some(own), _) => (own, connector, ""),
        (None, Some(shared)) => (shared, worker, ", the worker's converter,"),
        (None, None) => return Err(None),
    };
    match named(property, text) {
        Ok(Named::Built(class)) => Ok(ConverterSettings {
            class,
            settings: settings(part, level),
        }),
        Ok(Named::Later(full)) => Err(Some(ConfigProblem::not_yet_supported(
            property,
            &format!("{full}{whose}"),
        ))),
        Err(problem) => Err(whose.is_empty().then_some(problem)),
    }
}

fn settings(part: Part, level: &Given) -> Given {
    let stripped = |(name, text): (&String, &String)| {
        Some((name.strip_prefix(part.prefix())?.to_owned(), text.clone()))
    };
    level.iter().filter_map(stripped).collect()
}

/// Settings for a converter that the connector does not name: they do nothing, which surprises.
pub(super) fn stray_settings(connector: &Given) -> Vec<&str> {
    let stray = |part: Part| {
        let named = connector.contains_key(part.property());
        connector
            .keys()
            .filter(move |name| !named && name.starts_with(part.prefix()))
    };
    stray(Part::Key)
        .chain(stray(Part::Value))
        .map(String::as_str)
        .collect()
}

/// Checks that the header converter is the default one, the only one there is.
///
/// # Errors
/// Any other.
pub(super) fn check_header(given: &Given) -> Result<(), ConfigProblem> {
    const PROPERTY: &str = "header.converter";
    match given.get(PROPERTY).map(|text| text.trim()) {
        Some(text) if !names(text, DEFAULT_HEADER, "HeaderConverter") => {
            let what = format!("A header converter other than {DEFAULT_HEADER}, {text},");
            Err(ConfigProblem::not_yet_supported(PROPERTY, &what))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> Given {
        pairs
            .iter()
            .map(|&(name, text)| (name.to_owned(), text.to_owned()))
            .collect()
    }

    #[test]
    fn levels_do_not_mix() {
        let worker = given(&[
            (
                "value.converter",
                "org.apache.kafka.connect.json.JsonConverter",
            ),
            ("value.converter.schemas.enable", "false"),
        ]);
        let check =
            |connector: &[(&str, &str)], class: ConverterClass, settings: &[(&str, &str)]| {
                let expect = ConverterSettings {
                    class,
                    settings: given(settings),
                };
                assert_eq!(
                    resolve(Part::Value, &given(connector), &worker),
                    Ok(expect),
                    "{connector:?}"
                );
            };
        check(&[], ConverterClass::Json, &[("schemas.enable", "false")]);
        check(
            &[("value.converter.schemas.enable", "true")],
            ConverterClass::Json,
            &[("schemas.enable", "false")],
        );
        check(
            &[("value.converter", "JsonConverter")],
            ConverterClass::Json,
            &[],
        );
        check(
            &[
                ("value.converter", "String"),
                ("value.converter.encoding", "UTF-16"),
            ],
            ConverterClass::String,
            &[("encoding", "UTF-16")],
        );
        check(
            &[("value.converter", "ByteArray"), ("key.converter.x", "y")],
            ConverterClass::ByteArray,
            &[],
        );
    }

    #[test]
    fn settings_without_a_converter_are_found() {
        let stray = |pairs: &[(&str, &str)]| stray_settings(&given(pairs)).join(" ");
        assert_eq!(
            stray(&[("value.converter.schemas.enable", "false")]),
            "value.converter.schemas.enable"
        );
        assert_eq!(
            stray(&[
                ("value.converter", "Json"),
                ("value.converter.schemas.enable", "false")
            ]),
            ""
        );
    }

    #[test]
    fn a_converter_that_is_not_there_is_refused() {
        let check = |text: &str, expect: &str| {
            let refused = resolve(Part::Key, &given(&[("key.converter", text)]), &Given::new());
            let problem = refused
                .expect_err("not built")
                .expect("the connector is to blame");
            assert_eq!(problem.to_string(), expect);
        };
        check(
            "io.confluent.connect.avro.AvroConverter",
            "io.confluent.connect.avro.AvroConverter is not yet supported (configuration key.converter).",
        );
        check(
            "Avro",
            "io.confluent.connect.avro.AvroConverter is not yet supported (configuration key.converter).",
        );
        check(
            "com.example.Nope",
            "Invalid value com.example.Nope for configuration key.converter: Class com.example.Nope could not be found. \
             Known are: org.apache.kafka.connect.storage.StringConverter, org.apache.kafka.connect.json.JsonConverter, \
             org.apache.kafka.connect.converters.ByteArrayConverter",
        );
        let of_worker =
            |text: &str| resolve(Part::Key, &Given::new(), &given(&[("key.converter", text)]));
        assert_eq!(resolve(Part::Key, &Given::new(), &Given::new()), Err(None));
        assert_eq!(of_worker("com.example.Nope"), Err(None));
        let problem = of_worker("Avro")
            .expect_err("not built")
            .expect("the connector uses it");
        assert_eq!(
            problem.to_string(),
            "io.confluent.connect.avro.AvroConverter, the worker's converter, is not yet supported \
             (configuration key.converter)."
        );
    }
}
