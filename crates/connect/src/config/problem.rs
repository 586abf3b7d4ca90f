//! What is wrong with a configuration.

use std::fmt;

/// One thing that is wrong with one property.
///
/// `Display` gives the message, whole and in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// The property it is about, by the name it was given.
    pub name: String,
    /// Its value as it may be shown: a password is `[hidden]`. `None` where it has none.
    pub value: Option<String>,
    /// The message, whole.
    pub message: String,
}

impl ConfigProblem {
    /// A value that is refused: `Invalid value V for configuration K: reason`.
    #[must_use]
    pub fn invalid(name: &str, shown: &str, reason: &str) -> Self {
        // A message is one line, whatever the value.
        let shown = &shown.replace('\n', "\\n").replace('\r', "\\r");
        Self {
            name: name.to_owned(),
            value: Some(shown.clone()),
            message: format!("Invalid value {shown} for configuration {name}: {reason}"),
        }
    }

    /// A required property that is not given.
    #[must_use]
    pub fn missing(name: &str) -> Self {
        Self::about(
            name,
            format!("Missing required configuration \"{name}\" which has no default value."),
        )
    }

    /// A problem whose message stands by itself.
    #[must_use]
    pub fn about(name: &str, message: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            value: None,
            message: message.into(),
        }
    }

    /// A property whose meaning this version does not know yet, though Connect does.
    #[must_use]
    pub fn not_yet_supported(name: &str, what: &str) -> Self {
        Self::about(
            name,
            format!("{what} is not yet supported (configuration {name})."),
        )
    }

    /// The same problem of a property that stands with `prefix` in front in what the user wrote.
    #[must_use]
    pub fn below(&self, prefix: &str) -> Self {
        let full = format!("{prefix}{}", self.name);
        Self {
            message: self.message.replacen(&self.name, &full, 1),
            name: full,
            value: self.value.clone(),
        }
    }
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigProblem {}
