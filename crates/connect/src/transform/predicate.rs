//! Kafka Connect's predicates: which records a transform is for.

use crate::class_name::denotes;
use crate::config::{ConfigDef, ConfigKey, ConfigProblem, Given, Kind};
use crate::data::Record;
use crate::java_regex::JavaRegex;

/// A predicate as it is configured.
#[derive(Clone, Debug)]
pub(super) enum Predicate {
    /// The value is null.
    RecordIsTombstone,
    /// A header has this name.
    HasHeaderKey(String),
    /// The whole name of the topic matches.
    TopicNameMatches(JavaRegex),
}

const KAFKA: &str = "org.apache.kafka.connect.transforms.predicates.";
const CLASSES: [&str; 3] = ["RecordIsTombstone", "HasHeaderKey", "TopicNameMatches"];

pub(super) const HEADER: ConfigDef = ConfigDef::new(
    &[&[ConfigKey::new("name", Kind::String)
        .non_empty()
        .doc("The name of the header.")]],
    &[],
);
pub(super) const PATTERN: ConfigDef = ConfigDef::new(
    &[&[ConfigKey::new("pattern", Kind::String)
        .non_empty()
        .doc("What the whole name of the topic has to match, in Java's syntax.")]],
    &[],
);

/// The simple name of the class that `name` denotes.
fn class(name: &str) -> Option<&'static str> {
    CLASSES
        .into_iter()
        .find(|class| denotes(name, &format!("{KAFKA}{class}"), "Predicate"))
}

/// Whether a name denotes a predicate.
pub(super) fn is_class(name: &str) -> bool {
    class(name).is_some()
}

impl Predicate {
    /// The one that the property `property` names, of settings whose prefix is taken off.
    pub(super) fn new(
        property: &str,
        name: &str,
        prefix: &str,
        settings: &Given,
    ) -> Result<Self, Vec<ConfigProblem>> {
        let below = |problems: Vec<ConfigProblem>| -> Vec<ConfigProblem> {
            problems.iter().map(|one| one.below(prefix)).collect()
        };
        match class(name) {
            Some("RecordIsTombstone") => Ok(Self::RecordIsTombstone),
            Some("HasHeaderKey") => {
                let config = HEADER.parse(settings).map_err(below)?;
                let name = config.string("name").unwrap_or_default();
                Ok(Self::HasHeaderKey(name.to_owned()))
            }
            Some(_) => {
                let config = PATTERN.parse(settings).map_err(below)?;
                let pattern = config.string("pattern").unwrap_or_default();
                JavaRegex::compile(pattern)
                    .map(Self::TopicNameMatches)
                    .map_err(|error| {
                        let reason = format!("Invalid regex: {error}");
                        below(vec![ConfigProblem::invalid("pattern", pattern, &reason)])
                    })
            }
            None => {
                let known = CLASSES.map(|class| format!("{KAFKA}{class}")).join(", ");
                Err(vec![ConfigProblem::invalid(
                    property,
                    name,
                    &format!("Class {name} could not be found. Known predicates: {known}"),
                )])
            }
        }
    }

    /// Whether it holds of a record as the transforms before have left it.
    pub(super) fn holds(&self, record: &Record<'_>) -> bool {
        match self {
            Self::RecordIsTombstone => record.value.value.is_null(),
            Self::HasHeaderKey(key) => record.headers.iter().any(|(name, _)| name == key),
            Self::TopicNameMatches(pattern) => pattern.matches(&record.topic),
        }
    }
}
