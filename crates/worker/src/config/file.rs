//! Configuration files: a worker's properties, and the three forms of a connector's file. Content
//! decides which form it is, not the file's name, as in Kafka Connect.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;
use starrocks_kafka_connect::config::{ConfigProblem, Given};
use starrocks_kafka_connect::properties::Properties;

use super::problem::{ConfigError, LocatedProblem, Notice};

/// What a configuration file says. It has no `Debug`, for what it says may be secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct ConfigFile {
    /// The file, as the user named it.
    pub(super) path: String,
    /// Names and texts.
    pub(super) given: Given,
    /// The line of each name, where the file is a properties file.
    lines: BTreeMap<String, usize>,
    /// Whether the connector begins to run when it is created.
    pub(super) initial_state: InitialState,
    /// What reading it found worth saying.
    pub(super) notices: Vec<Notice>,
}

/// The state in which a connector is created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InitialState {
    /// Its tasks run.
    #[default]
    Running,
    /// Its tasks exist, and read nothing.
    Paused,
    /// It has no tasks.
    Stopped,
}

/// Reads a file's bytes.
///
/// # Errors
/// What the system says.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, ConfigError> {
    std::fs::read(path).map_err(|e| {
        ConfigError::whole(&path.display().to_string(), format!("cannot be read: {e}"))
    })
}

impl ConfigFile {
    /// A worker's file: properties.
    pub(super) fn worker(path: &str, bytes: &[u8]) -> Result<Self, ConfigError> {
        let properties = Properties::parse(bytes).map_err(|e| ConfigError {
            file: path.to_owned(),
            problems: vec![LocatedProblem {
                line: Some(e.line),
                problem: ConfigProblem::about("", e.message),
            }],
        })?;
        Ok(Self::of_properties(path, &properties))
    }

    /// A connector's file: a JSON object of texts, a request to create a connector, or properties.
    pub(super) fn connector(path: &str, bytes: &[u8]) -> Result<Self, ConfigError> {
        let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let looks_like_json = text.trim_ascii_start().starts_with(b"{");
        match serde_json::from_slice::<BTreeMap<String, Box<RawValue>>>(text) {
            Ok(object) if is_flat(&object) => Self::flat(path, &object),
            Ok(object) => Self::request(path, &object),
            // Kafka Connect reads broken JSON as properties, which lack a name. The reason is worth saying.
            Err(e) if looks_like_json => {
                let missing = missing_name(path);
                Err(ConfigError::whole(
                    path,
                    format!("{missing}: it is no JSON object either ({e})"),
                ))
            }
            Err(_) => Self::properties(path, bytes),
        }
    }

    fn properties(path: &str, bytes: &[u8]) -> Result<Self, ConfigError> {
        let file = Self::worker(path, bytes)?;
        // Where it is plainly a connector's, the missing name is said with whatever else is wrong.
        if file.given.contains_key(NAME) || file.given.contains_key(CLASS) {
            Ok(file)
        } else {
            Err(ConfigError::whole(path, missing_name(path)))
        }
    }

    fn of_properties(path: &str, properties: &Properties) -> Self {
        let notices = properties.overridden().iter().filter_map(|earlier| {
            let last = properties.property(&earlier.key)?;
            (last.value != earlier.value).then(|| {
                let (name, first, line) = (&earlier.key, earlier.line, last.line);
                Notice::warning(format!(
                    "{name} is set on line {first} and again on line {line}: the last one counts."
                ))
            })
        });
        Self {
            path: path.to_owned(),
            given: properties
                .iter()
                .map(|p| (p.key.clone(), p.value.clone()))
                .collect(),
            lines: properties.iter().map(|p| (p.key.clone(), p.line)).collect(),
            initial_state: InitialState::Running,
            notices: notices.collect(),
        }
    }

    fn flat(path: &str, object: &BTreeMap<String, Box<RawValue>>) -> Result<Self, ConfigError> {
        let given = texts(path, object)?;
        if !given.contains_key(NAME) {
            return Err(ConfigError::whole(path, missing_name(path)));
        }
        Ok(Self {
            path: path.to_owned(),
            given,
            ..Self::default()
        })
    }

    fn request(path: &str, object: &BTreeMap<String, Box<RawValue>>) -> Result<Self, ConfigError> {
        let config = object
            .get("config")
            .map(|raw| serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(raw.get()));
        let Some(Ok(config)) = config else {
            let (nested, _) = object
                .iter()
                .find(|(_, raw)| is_nested(raw))
                .expect("not flat");
            let message = format!(
                "Invalid value of {nested}: a configuration is a JSON object of texts, or a request with \"name\" and \
                 \"config\""
            );
            return Err(ConfigError::whole(path, message));
        };
        let mut given = texts(path, &config)?;
        let name = object.get(NAME).and_then(|raw| text_of(raw));
        match (given.get(NAME), name) {
            (Some(inner), outer) if outer.as_ref() != Some(inner) => {
                let message = format!(
                    "Connector name configuration in 'config' doesn't match the one specified in 'name' at '{path}'"
                );
                return Err(ConfigError::whole(path, message));
            }
            (Some(_), _) => {}
            (None, Some(name)) => _ = given.insert(NAME.to_owned(), name),
            (None, None) => return Err(ConfigError::whole(path, missing_name(path))),
        }
        let initial_state = initial_state(path, object.get("initial_state").map(AsRef::as_ref))?;
        Ok(Self {
            path: path.to_owned(),
            given,
            initial_state,
            ..Self::default()
        })
    }

    /// The problems found with this file, with their lines, in the order of the file; those without a
    /// line last, as they were found.
    pub(super) fn error(&self, problems: Vec<ConfigProblem>) -> Option<ConfigError> {
        let mut located: Vec<LocatedProblem> = problems
            .into_iter()
            .map(|mut problem| {
                if problem.name == NAME && !self.given.contains_key(NAME) {
                    // In Kafka Connect's words, which are not those of other properties.
                    problem.message = missing_name(&self.path);
                }
                LocatedProblem {
                    line: self.lines.get(&problem.name).copied(),
                    problem,
                }
            })
            .collect();
        located.sort_by_key(|one| one.line.unwrap_or(usize::MAX));
        // Connect says of both `topics` and `topics.regex` what is wrong between them.
        let mut said = BTreeSet::new();
        located.retain(|one| said.insert(one.problem.message.clone()));
        (!located.is_empty()).then(|| ConfigError {
            file: self.path.clone(),
            problems: located,
        })
    }
}

const NAME: &str = "name";
const CLASS: &str = "connector.class";

fn missing_name(path: &str) -> String {
    format!("Connector configuration at '{path}' is missing the mandatory 'name' configuration")
}

fn is_nested(raw: &RawValue) -> bool {
    raw.get().starts_with(['{', '['])
}

fn is_flat(object: &BTreeMap<String, Box<RawValue>>) -> bool {
    !object.values().any(|raw| is_nested(raw))
}

/// A scalar as text, numbers and booleans as they are written; `None` for null.
fn text_of(raw: &RawValue) -> Option<String> {
    match raw.get() {
        "null" => None,
        text if text.starts_with('"') => String::deserialize(raw).ok(),
        text => Some(text.to_owned()),
    }
}

fn texts(path: &str, object: &BTreeMap<String, Box<RawValue>>) -> Result<Given, ConfigError> {
    let mut given = Given::new();
    let mut problems = Vec::new();
    for (name, raw) in object {
        match text_of(raw) {
            Some(_) if is_nested(raw) => {
                let message = format!("Invalid value of {name}: it must be a text");
                problems.push(ConfigProblem::about(name, message));
            }
            Some(text) => _ = given.insert(name.clone(), text),
            None => {
                let message =
                    format!("{name}: Null value can not be supplied as the configuration value.");
                problems.push(ConfigProblem::about(name, message));
            }
        }
    }
    let located = problems.into_iter().map(|problem| LocatedProblem {
        line: None,
        problem,
    });
    let problems: Vec<_> = located.collect();
    if problems.is_empty() {
        Ok(given)
    } else {
        Err(ConfigError {
            file: path.to_owned(),
            problems,
        })
    }
}

fn initial_state(path: &str, raw: Option<&RawValue>) -> Result<InitialState, ConfigError> {
    let Some(text) = raw.and_then(text_of) else {
        return Ok(InitialState::Running);
    };
    match text.to_ascii_uppercase().as_str() {
        "RUNNING" => Ok(InitialState::Running),
        "PAUSED" => Ok(InitialState::Paused),
        "STOPPED" => Ok(InitialState::Stopped),
        _ => {
            let allowed = "String must be one of (case insensitive): STOPPED, PAUSED, RUNNING";
            let problem = ConfigProblem::invalid("initial_state", &text, allowed);
            Err(ConfigError::whole(path, problem.to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a connector's file says, or its error.
    fn read(text: &str) -> String {
        match ConfigFile::connector("f", text.as_bytes()) {
            Ok(file) => {
                let pairs: Vec<_> = file
                    .given
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                format!("{:?} {}", file.initial_state, pairs.join(" "))
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn content_decides_the_form() {
        let check = |text: &str, expect: &str| assert_eq!(read(text), expect, "{text}");
        check("name=n\na=1\n", "Running a=1 name=n");
        check(r#"{"name":"n","a":"1"}"#, "Running a=1 name=n");
        check("\u{feff} {\"name\":\"n\"}", "Running name=n");
        check(
            r#"{"name":"n","a":1.0,"b":true,"c":1e3}"#,
            "Running a=1.0 b=true c=1e3 name=n",
        );
        check(
            r#"{"name":"n","config":{"a":"\u0031"}}"#,
            "Running a=1 name=n",
        );
        check(
            r#"{"name":"n","config":{"name":"n"},"tasks":[],"type":"sink"}"#,
            "Running name=n",
        );
        check(
            r#"{"name":"n","config":{},"initial_state":"stopped"}"#,
            "Stopped name=n",
        );
        check(
            r#"{"name":"n","config":{},"initial_state":null}"#,
            "Running name=n",
        );
        check(
            r#"{"name":"n","config":{},"initial_state":"PAUSED"}"#,
            "Paused name=n",
        );
    }

    #[test]
    fn a_file_that_is_no_configuration_is_refused() {
        let check = |text: &str, expect: &str| assert_eq!(read(text), expect, "{text}");
        let no_name =
            "f: Connector configuration at 'f' is missing the mandatory 'name' configuration";
        check("", no_name);
        check("a=1", no_name);
        check("[{\"name\":\"n\"}]", no_name);
        check(r#"{"a":"1"}"#, no_name);
        check(r#"{"config":{"a":"1"}}"#, no_name);
        check(
            r#"{"name":"n","#,
            &format!(
                "{no_name}: it is no JSON object either (EOF while parsing a value at line 1 column 12)"
            ),
        );
        let mismatch = "f: Connector name configuration in 'config' doesn't match the one specified in 'name' at 'f'";
        check(r#"{"name":"n","config":{"name":"m"}}"#, mismatch);
        check(r#"{"config":{"name":"m"}}"#, mismatch);
        check(
            r#"{"name":"n","a":null}"#,
            "f: a: Null value can not be supplied as the configuration value.",
        );
        check(
            r#"{"name":"n","config":{"a":["b"]}}"#,
            "f: Invalid value of a: it must be a text",
        );
        check(
            r#"{"name":"n","sink":{"properties":"x"}}"#,
            "f: Invalid value of sink: a configuration is a JSON object of texts, or a request with \"name\" and \
             \"config\"",
        );
        check(
            r#"{"name":"n","config":{},"initial_state":"ASLEEP"}"#,
            "f: Invalid value ASLEEP for configuration initial_state: String must be one of (case insensitive): STOPPED, \
             PAUSED, RUNNING",
        );
        check(
            "name=n\nx=\\uZZZZ\n",
            "f:2: malformed \\u escape (four hexadecimal digits must follow \\u) in the value of 'x'",
        );
    }

    #[test]
    fn a_property_set_twice_is_said() {
        let file =
            ConfigFile::connector("f", b"name=n\na=1\na=2\nb=1\nb=1\n").expect("it has a name");
        let notices: Vec<_> = file.notices.iter().map(ToString::to_string).collect();
        assert_eq!(
            notices,
            ["a is set on line 2 and again on line 3: the last one counts."]
        );
    }
}
