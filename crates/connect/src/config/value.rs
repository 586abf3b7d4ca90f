//! Values that were read, by name.

use super::{Kind, Secret};
use std::collections::BTreeMap;

/// A value as its kind says.
#[derive(Clone, Debug, PartialEq)]
pub enum ConfigValue {
    /// None given and none by default.
    Null,
    /// Of [`Kind::Boolean`].
    Boolean(bool),
    /// Of [`Kind::String`].
    String(String),
    /// Of [`Kind::Short`].
    Short(i16),
    /// Of [`Kind::Int`].
    Int(i32),
    /// Of [`Kind::Long`].
    Long(i64),
    /// Of [`Kind::Double`].
    Double(f64),
    /// Of [`Kind::List`].
    List(Vec<String>),
    /// Of [`Kind::Class`].
    Class(String),
    /// Of [`Kind::Password`].
    Password(Secret),
}

impl ConfigValue {
    /// The value of a short, int or long.
    #[must_use]
    pub fn integer(&self) -> Option<i64> {
        match *self {
            Self::Short(number) => Some(number.into()),
            Self::Int(number) => Some(number.into()),
            Self::Long(number) => Some(number),
            _ => None,
        }
    }

    /// The text of a string, class or password, or the elements of a list.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let (one, many): (Option<&str>, &[String]) = match self {
            Self::String(text) | Self::Class(text) => (Some(text), &[]),
            Self::Password(secret) => (Some(secret.reveal()), &[]),
            Self::List(list) => (None, list),
            _ => (None, &[]),
        };
        one.into_iter().chain(many.iter().map(String::as_str))
    }
}

/// Values by name, complete: each key of the definition has one, be it null.
///
/// The getters panic where the definition has no such key, or one of another kind: that is a fault of
/// the program, not of the user.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    values: BTreeMap<&'static str, ConfigValue>,
}

impl Config {
    pub(super) fn insert(&mut self, name: &'static str, value: ConfigValue) {
        self.values.insert(name, value);
    }

    /// The value of `name`; `None` where the definition has no such key.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&ConfigValue> {
        self.values.get(name)
    }

    fn typed<'c, T>(
        &'c self,
        name: &str,
        get: impl FnOnce(&'c ConfigValue) -> Option<T>,
    ) -> Option<T> {
        match self.values.get(name) {
            None => panic!("the definition has no key {name}"),
            Some(ConfigValue::Null) => None,
            Some(value) => match get(value) {
                Some(value) => Some(value),
                None => panic!("key {name} is read as another kind than it is defined"),
            },
        }
    }

    /// A string or class name.
    #[must_use]
    pub fn string(&self, name: &str) -> Option<&str> {
        self.typed(name, |value| match value {
            ConfigValue::String(text) | ConfigValue::Class(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// A boolean.
    #[must_use]
    pub fn boolean(&self, name: &str) -> Option<bool> {
        self.typed(name, |value| match value {
            ConfigValue::Boolean(truth) => Some(*truth),
            _ => None,
        })
    }

    /// A short, int or long.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.typed(name, ConfigValue::integer)
    }

    /// A double.
    #[must_use]
    pub fn double(&self, name: &str) -> Option<f64> {
        self.typed(name, |value| match value {
            ConfigValue::Double(number) => Some(*number),
            _ => None,
        })
    }

    /// A list; null is empty.
    #[must_use]
    pub fn list(&self, name: &str) -> &[String] {
        self.typed(name, |value| match value {
            ConfigValue::List(list) => Some(list.as_slice()),
            _ => None,
        })
        .unwrap_or_default()
    }

    /// A password.
    #[must_use]
    pub fn password(&self, name: &str) -> Option<&Secret> {
        self.typed(name, |value| match value {
            ConfigValue::Password(secret) => Some(secret),
            _ => None,
        })
    }

    /// All values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &ConfigValue)> {
        self.values.iter().map(|(&name, value)| (name, value))
    }
}

/// Java's `String.trim`: everything up to the blank goes, control characters included.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|c| c <= ' ')
}

pub(super) fn parse_kind(kind: Kind, text: &str) -> Result<ConfigValue, String> {
    let text = trim(text);
    let no_number = || format!("Not a number of type {}", kind.name());
    Ok(match kind {
        Kind::Boolean if text.eq_ignore_ascii_case("true") => ConfigValue::Boolean(true),
        Kind::Boolean if text.eq_ignore_ascii_case("false") => ConfigValue::Boolean(false),
        Kind::Boolean => return Err("Expected value to be either true or false".to_owned()),
        Kind::String => ConfigValue::String(text.to_owned()),
        Kind::Short => ConfigValue::Short(text.parse().map_err(|_| no_number())?),
        Kind::Int => ConfigValue::Int(text.parse().map_err(|_| no_number())?),
        Kind::Long => ConfigValue::Long(text.parse().map_err(|_| no_number())?),
        Kind::Double => ConfigValue::Double(text.parse().map_err(|_| no_number())?),
        Kind::List if text.is_empty() => ConfigValue::List(Vec::new()),
        Kind::List => ConfigValue::List(text.split(',').map(|one| trim(one).to_owned()).collect()),
        Kind::Class => ConfigValue::Class(text.to_owned()),
        Kind::Password => ConfigValue::Password(Secret::new(text)),
    })
}

/// A value as messages show it: as Java's `toString`, passwords hidden.
pub(super) fn shown(value: &ConfigValue) -> String {
    match value {
        ConfigValue::Null => "null".to_owned(),
        ConfigValue::Boolean(truth) => truth.to_string(),
        ConfigValue::String(text) | ConfigValue::Class(text) => text.clone(),
        ConfigValue::Short(number) => number.to_string(),
        ConfigValue::Int(number) => number.to_string(),
        ConfigValue::Long(number) => number.to_string(),
        ConfigValue::Double(number) => number.to_string(),
        ConfigValue::List(list) => format!("[{}]", list.join(", ")),
        ConfigValue::Password(secret) => secret.to_string(),
    }
}
