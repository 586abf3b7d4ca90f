//! What is wrong with a configuration file, and what is said about one that is not wrong.

use std::fmt;

use starrocks_kafka_connect::config::ConfigProblem;

/// Everything that is wrong with one file.
///
/// `Display` gives one line per problem, each with the file, the line where it is known, and the message,
/// which names property, value and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, as the user named it.
    pub file: String,
    /// At least one.
    pub problems: Vec<LocatedProblem>,
}

/// A problem and the line of the file it is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocatedProblem {
    /// From 1; `None` in JSON, and for what is missing.
    pub line: Option<usize>,
    /// What is wrong.
    pub problem: ConfigProblem,
}

impl ConfigError {
    /// One problem with a file as a whole.
    pub(super) fn whole(file: &str, message: impl Into<String>) -> Self {
        let problem = ConfigProblem::about("", message);
        Self {
            file: file.to_owned(),
            problems: vec![LocatedProblem {
                line: None,
                problem,
            }],
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, LocatedProblem { line, problem }) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            let file = &self.file;
            match line {
                Some(line) => write!(f, "{separator}{file}:{line}: {problem}")?,
                None => write!(f, "{separator}{file}: {problem}")?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// Why a worker cannot be started with its files: everything that is wrong with any of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartError {
    /// What is wrong with the worker's own file.
    pub worker: Option<ConfigError>,
    /// What is wrong with the connectors' files, in the order in which they were named.
    pub connectors: Vec<ConfigError>,
}

impl StartError {
    /// Kafka Connect's exit code: 2 for the worker's file, 3 for a connector's.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if self.worker.is_some() { 2 } else { 3 }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.worker.iter().chain(&self.connectors).enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for StartError {}

/// Something about a configuration that is not wrong, to be said once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Whether it is likely to be a mistake.
    pub warning: bool,
    /// One line, without the file.
    pub message: String,
}

impl Notice {
    /// Logs it, as about a connector where one is named.
    pub fn tell(&self, connector: Option<&str>) {
        if self.warning {
            tracing::warn!(connector, "{self}");
        } else {
            tracing::info!(connector, "{self}");
        }
    }

    /// A property that is accepted, but does nothing.
    pub(super) fn no_effect(property: &str, why: &str) -> Self {
        Self {
            warning: false,
            message: format!("{property} has no effect: {why}."),
        }
    }

    /// Something that is as it should be, and that one may want to know.
    pub(super) fn info(message: impl Into<String>) -> Self {
        Self {
            warning: false,
            message: message.into(),
        }
    }

    /// Something that is likely to be a mistake.
    pub(super) fn warning(message: impl Into<String>) -> Self {
        Self {
            warning: true,
            message: message.into(),
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
