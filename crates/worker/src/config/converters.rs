//! Which converter reads keys, values and headers, and with which settings. Levels do not mix: a connector that
//! names its converter gets none of the worker's settings, one that does not gets none of its own.

use starrocks_kafka_connect::config::{ConfigProblem, Given};
use starrocks_kafka_connect::converter::{
    Converter, ConverterConfig, HeaderConverter, REGISTRY_URL,
};

use super::problem::Notice;
use super::registry;

/// The properties that name converters.
pub(super) const PROPERTIES: [&str; 3] = ["key.converter", "value.converter", HEADER];

/// The one that need not be set: Kafka Connect has a default for it.
const HEADER: &str = "header.converter";

/// What is wrong with the worker's converters.
pub(super) fn check_worker(worker: &Given) -> Vec<ConfigProblem> {
    let named = PROPERTIES
        .into_iter()
        .filter_map(|property| ConverterConfig::select(property, worker, worker));
    named
        .flat_map(|mut config| {
            registry::inherit(&mut config, worker);
            problems(&config)
        })
        .collect()
}

/// The converter that `property` names for a connector; the default one of headers where nothing names it.
///
/// # Errors
/// An unknown converter, settings that it refuses. None at all where the worker's
/// file is to blame, and says so.
pub(super) fn resolve(
    property: &str,
    connector: &Given,
    worker: &Given,
    notices: &mut Vec<Notice>,
) -> Result<ConverterConfig, Vec<ConfigProblem>> {
    let mut config = if property == HEADER {
        ConverterConfig::select_header(connector, worker)
    } else {
        ConverterConfig::select(property, connector, worker).ok_or_else(Vec::new)?
    };
    notices.extend(registry::inherit(&mut config, worker));
    let found = problems(&config);
    if found.is_empty() {
        Ok(config)
    } else if connector.contains_key(property) {
        Err(found)
    } else {
        Err(Vec::new())
    }
}

/// Lets null be null in values of JSON with schemas, unless it is said otherwise: the converter would put the default in its
/// place before any row is written.
pub(super) fn keep_null(value: &mut ConverterConfig) {
    const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
    const REPLACE: &str = "replace.null.with.default";
    if value.full_class() == JSON && !value.settings.contains_key(REPLACE) {
        value
            .settings
            .insert(REPLACE.to_owned(), "false".to_owned());
    }
}

/// The converters that a connector does not name and no worker names for it.
pub(super) fn without_any(connector: &Given) -> impl Iterator<Item = ConfigProblem> {
    let missing = PROPERTIES
        .into_iter()
        .filter(|property| *property != HEADER && !connector.contains_key(*property));
    missing.map(|property| {
        ConfigProblem::about(
            property,
            format!(
                "Missing required configuration \"{property}\": the connector names none, and no worker's file is given"
            ),
        )
    })
}

fn problems(config: &ConverterConfig) -> Vec<ConfigProblem> {
    let problems = if config.property == HEADER {
        HeaderConverter::new(config).err()
    } else {
        Converter::new(config).err()
    };
    let mut problems = problems.unwrap_or_default();
    for problem in &mut problems {
        if problem.name.ends_with(REGISTRY_URL) && problem.value.is_none() {
            let way_out =
                format!(" Set it here, or {REGISTRY_URL} in the worker's file for all connectors.");
            problem.message.push_str(&way_out);
        }
    }
    problems.extend(registry::settings(config).err().unwrap_or_default());
    problems
}

/// Settings for a converter that the connector does not name: they do nothing, which surprises.
pub(super) fn stray_settings(connector: &Given) -> impl Iterator<Item = (&str, &'static str)> {
    PROPERTIES.into_iter().flat_map(|property| {
        let named = connector.contains_key(property);
        let of_it = move |name: &str| {
            name.strip_prefix(property)
                .is_some_and(|rest| rest.starts_with('.'))
        };
        let stray = connector.keys().filter(move |name| !named && of_it(name));
        stray.map(move |name| (name.as_str(), property))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: &str = "value.converter";

    fn given(pairs: &[(&str, &str)]) -> Given {
        pairs
            .iter()
            .map(|&(name, text)| (name.to_owned(), text.to_owned()))
            .collect()
    }

    #[test]
    fn levels_do_not_mix() {
        let worker = given(&[
            (VALUE, "JsonConverter"),
            ("value.converter.schemas.enable", "false"),
        ]);
        let check = |connector: &[(&str, &str)], class: &str, settings: &[(&str, &str)]| {
            let config = resolve(VALUE, &given(connector), &worker, &mut Vec::new())
                .expect("a converter that is built");
            assert_eq!(
                (config.class.as_str(), config.settings),
                (class, given(settings)),
                "{connector:?}"
            );
        };
        check(&[], "JsonConverter", &[("schemas.enable", "false")]);
        check(
            &[("value.converter.schemas.enable", "true")],
            "JsonConverter",
            &[("schemas.enable", "false")],
        );
        check(&[(VALUE, "Json")], "Json", &[]);
    }

    #[test]
    fn settings_without_a_converter_are_found() {
        let stray = |pairs: &[(&str, &str)]| {
            let given = given(pairs);
            stray_settings(&given)
                .map(|(name, _)| name.to_owned())
                .collect::<Vec<_>>()
                .join(" ")
        };
        let setting = ("value.converter.schemas.enable", "false");
        assert_eq!(stray(&[setting]), "value.converter.schemas.enable");
        assert_eq!(stray(&[(VALUE, "Json"), setting]), "");
        assert_eq!(
            stray(&[("key.converter", "Json"), setting]),
            "value.converter.schemas.enable"
        );
    }

    #[test]
    fn each_file_answers_for_its_own_converters() {
        let check = |connector: &str, worker: &str, of_connector: &str, of_worker: usize| {
            let one = |class: &str| {
                if class.is_empty() {
                    Given::new()
                } else {
                    given(&[(VALUE, class)])
                }
            };
            let found = resolve(VALUE, &one(connector), &one(worker), &mut Vec::new())
                .err()
                .unwrap_or_default();
            let text: Vec<_> = found.iter().map(ToString::to_string).collect();
            assert_eq!(text.join("\n"), of_connector, "{connector} {worker}");
            assert_eq!(
                check_worker(&one(worker)).len(),
                of_worker,
                "{connector} {worker}"
            );
        };
        check("", "Json", "", 0);
        check("Json", "com.example.Nope", "", 1);
        check("", "com.example.Nope", "", 1);
        check("", "", "", 0);
    }

    #[test]
    fn settings_that_a_converter_refuses_are_found_at_once() {
        let wrong = given(&[(VALUE, "Json"), ("value.converter.schemas.enable", "maybe")]);
        let expect = "Invalid value maybe for configuration value.converter.schemas.enable: \
                      Expected value to be either true or false";
        assert_eq!(check_worker(&wrong)[0].to_string(), expect);
        assert_eq!(
            resolve(VALUE, &wrong, &Given::new(), &mut Vec::new()).expect_err("wrong")[0]
                .to_string(),
            expect
        );
    }
}
