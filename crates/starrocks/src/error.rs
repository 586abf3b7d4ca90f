//! The errors of the client, worded for the people who run it.

use std::fmt;

use crate::answer::{Call, Class, Verdict};

/// A setting that cannot be used. The message names the property, the value and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{property}: {message}")]
pub struct ConfigError {
    /// The property as the user writes it.
    pub property: String,
    /// What is wrong with its value and what is allowed.
    pub message: String,
}

impl ConfigError {
    /// An error about `property`.
    pub fn new(property: impl Into<String>, message: impl Into<String>) -> ConfigError {
        ConfigError {
            property: property.into(),
            message: message.into(),
        }
    }
}

/// A call that was not done: what the caller may conclude, and what to tell the user.
///
/// `Display` gives one line: the call, what it was about, the host, what happened, and the hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// The call that failed.
    pub call: Call,
    /// What the caller may conclude; never [`Verdict::Done`] or [`Verdict::AlreadyDone`].
    pub verdict: Verdict,
    /// Why.
    pub class: Class,
    /// What the call was about: a label and its table, a database, a table.
    pub subject: String,
    /// Who answered, or failed to: `http://host:port`.
    pub host: Option<Box<str>>,
    /// What happened, in StarRocks' words where it answered.
    pub message: String,
    /// What to do.
    pub hint: Option<Box<str>>,
    /// The error log with the refused rows; read it by [`crate::Client::error_log`].
    pub error_url: Option<Box<str>>,
    /// Where all refused rows are kept, `host:path` of a back end: with `log_rejected_record_num` only.
    pub rejected_record_path: Option<Box<str>>,
}

impl CallError {
    /// An error with the parts that every error has.
    pub fn new(
        call: Call,
        verdict: Verdict,
        class: Class,
        message: impl Into<String>,
    ) -> CallError {
        CallError {
            call,
            verdict,
            class,
            subject: String::new(),
            host: None,
            message: message.into(),
            hint: None,
            error_url: None,
            rejected_record_path: None,
        }
    }

    /// Whether StarRocks could not be reached or did not answer, as opposed to having answered and refused.
    pub fn is_unavailable(&self) -> bool {
        matches!(
            self.class,
            Class::Unreachable | Class::NoAnswer | Class::ServerError
        )
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StarRocks {}", self.call)?;
        if !self.subject.is_empty() {
            write!(f, " of {}", self.subject)?;
        }
        if let Some(host) = &self.host {
            write!(f, " at {host}")?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

impl std::error::Error for CallError {}
