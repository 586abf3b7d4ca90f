//! Configuration by tables: one static [`ConfigDef`] feeds parsing, validation, defaults and the
//! reference pages, as Kafka's `ConfigDef` does.
//!
//! Texts of problems are Kafka's own, so that scripts and habits go on working.

mod key;
mod problem;
mod reference;
mod secret;
mod unknown;
mod value;

pub use key::{ConfigKey, DefaultValue, Importance, Kind, Validator};
pub use problem::ConfigProblem;
pub use secret::{Secret, is_secret_name};
pub use unknown::UnknownProperty;
pub use value::{Config, ConfigValue};

use std::collections::BTreeMap;

/// A configuration as it is written: names and texts.
pub type Given = BTreeMap<String, String>;

/// The properties of a component: tables of keys, and the beginnings of names that are free.
///
/// ```
/// use starrocks_kafka_connect::config::{ConfigDef, ConfigKey, Kind};
///
/// static KEYS: &[ConfigKey] = &[
///     ConfigKey::new("tasks.max", Kind::Int).default("1").at_least(1).doc("How many tasks."),
/// ];
/// static DEF: ConfigDef = ConfigDef::new(&[KEYS], &["sink.properties."]);
///
/// let given = [("tasks.max".to_owned(), "0".to_owned())].into();
/// let problems = DEF.parse(&given).expect_err("0 is too few");
/// assert_eq!(
///     problems[0].to_string(),
///     "Invalid value 0 for configuration tasks.max: Value must be at least 1",
/// );
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ConfigDef {
    tables: &'static [&'static [ConfigKey]],
    prefixes: &'static [&'static str],
}

impl ConfigDef {
    /// A definition from tables of keys and from prefixes under which every name is known.
    #[must_use]
    pub const fn new(
        tables: &'static [&'static [ConfigKey]],
        prefixes: &'static [&'static str],
    ) -> Self {
        Self { tables, prefixes }
    }

    /// All keys, in the order of the tables.
    pub fn keys(&self) -> impl Iterator<Item = &'static ConfigKey> {
        self.tables.iter().flat_map(|table| table.iter())
    }

    /// The key of this name; an alias is no name.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<&'static ConfigKey> {
        self.keys().find(|key| key.name == name)
    }

    /// Parses what is given, fills in defaults, and checks everything.
    ///
    /// # Errors
    /// All problems at once, in the order of the tables.
    pub fn parse(&self, given: &Given) -> Result<Config, Vec<ConfigProblem>> {
        let (config, problems) = self.validate(given);
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(problems)
        }
    }

    /// As [`parse`](Self::parse), with both the values that could be read and the problems; a key with
    /// a problem has the value null.
    #[must_use]
    pub fn validate(&self, given: &Given) -> (Config, Vec<ConfigProblem>) {
        let mut config = Config::default();
        let mut problems = Vec::new();
        for key in self.keys() {
            let value = key.value_in(given).unwrap_or_else(|problem| {
                problems.push(problem);
                ConfigValue::Null
            });
            config.insert(key.name, value);
        }
        (config, problems)
    }

    /// The properties given that this definition does not know, each with the nearest name it does.
    #[must_use]
    pub fn unknown(&self, given: &Given) -> Vec<UnknownProperty> {
        unknown::unknown(self, given)
    }

    /// The reference table of all keys, as Markdown, one table per group.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        reference::markdown(self)
    }

    fn prefixes(&self) -> &'static [&'static str] {
        self.prefixes
    }
}

#[cfg(test)]
mod tests;
