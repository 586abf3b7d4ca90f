//! What all layers of a client say of its security, and how something wrong with it is said.

use std::collections::BTreeMap;

use starrocks_kafka_connect::config::{ConfigProblem, is_secret_name};

/// A property that is set: its name as it was written, and its value.
#[derive(Clone)]
pub(in super::super) struct Said {
    pub(in super::super) full: String,
    pub(in super::super) value: String,
}

/// The properties of one client, later layers over earlier ones. It has no `Debug`, for it has passwords.
#[derive(Clone)]
pub(in super::super) struct Merged<'p> {
    pub(in super::super) said: BTreeMap<&'static str, Said>,
    /// The prefix of a name that nobody wrote: `consumer.`, say.
    pub(in super::super) prefix: &'p str,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Wrong {
    pub(in super::super) problem: ConfigProblem,
    /// A later layer may add what is missing.
    pub(in super::super) is_missing: bool,
}

impl Merged<'_> {
    /// The value of a property; what is empty counts as not set, save where empty has a meaning.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let said = self.said.get(name)?;
        (!said.value.is_empty()).then_some(said.value.as_str())
    }

    /// The value of a property, be it empty.
    pub(super) fn get_raw(&self, name: &str) -> Option<&str> {
        self.said.get(name).map(|said| said.value.as_str())
    }

    /// The name of a property as it was written, or would be.
    pub(super) fn full(&self, name: &str) -> String {
        match self.said.get(name) {
            Some(said) => said.full.clone(),
            None => format!("{}{name}", self.prefix),
        }
    }

    /// A property that is wrong; a secret is not shown.
    pub(in super::super) fn wrong(&self, name: &str, what: &str) -> Wrong {
        let full = self.full(name);
        let long = |text: &str| text.len() > 200 || text.contains('\n');
        let shown = match self.get_raw(name) {
            Some(text) if is_secret_name(name) || long(text) => "[hidden]",
            Some(text) => text,
            None => "",
        };
        Wrong {
            problem: ConfigProblem::invalid(&full, shown, &format!("it {what}.")),
            is_missing: false,
        }
    }

    /// A file that a property names is wrong.
    pub(super) fn wrong_file(&self, name: &str, path: &str, what: &str) -> Wrong {
        let full = self.full(name);
        Wrong {
            problem: ConfigProblem::invalid(&full, path, &format!("the file {what}.")),
            is_missing: false,
        }
    }

    /// A property that is not set and must be.
    pub(super) fn missing(&self, name: &str, why: &str) -> Wrong {
        let full = self.full(name);
        Wrong {
            problem: ConfigProblem::about(&full, format!("Missing configuration {full}: {why}.")),
            is_missing: true,
        }
    }
}
