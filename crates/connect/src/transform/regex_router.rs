//! `RegexRouter`: another topic for records of topics whose whole name matches.

use crate::config::{ConfigDef, ConfigKey, ConfigProblem, Given, Kind};
use crate::data::Record;
use crate::error::DataError;
use crate::java_regex::JavaRegex;

pub(super) const DEF: ConfigDef = ConfigDef::new(
    &[&[
        ConfigKey::new("regex", Kind::String)
            .doc("What the whole name of the topic has to match, in Java's syntax."),
        ConfigKey::new("replacement", Kind::String)
            .doc("What takes the place of the first match; `$1` and `${name}` are its groups."),
    ]],
    &[],
);

#[derive(Clone, Debug)]
pub(super) struct RegexRouter {
    regex: JavaRegex,
    replacement: String,
    /// The topic of the last record that was routed, and where to: records of one topic mostly come one after the other.
    last: Option<(String, String)>,
}

impl RegexRouter {
    pub(super) fn new(settings: &Given) -> Result<Self, Vec<ConfigProblem>> {
        let config = DEF.parse(settings)?;
        let regex = config.string("regex").unwrap_or_default();
        Ok(Self {
            regex: JavaRegex::compile(regex).map_err(|error| {
                let reason = format!("Invalid regex: {error}");
                vec![ConfigProblem::invalid("regex", regex, &reason)]
            })?,
            replacement: config.string("replacement").unwrap_or_default().to_owned(),
            last: None,
        })
    }

    pub(super) fn apply(&mut self, record: &mut Record<'_>) -> Result<(), DataError> {
        if self
            .last
            .as_ref()
            .is_none_or(|(topic, _)| *topic != record.topic)
        {
            if !self.regex.matches(&record.topic) {
                return Ok(());
            }
            let routed = self.regex.replace_first(&record.topic, &self.replacement)?;
            self.last = Some((record.topic.to_string(), routed.into_owned()));
        }
        if let Some((_, routed)) = &self.last {
            // Copied for each record, which may outlive the transform.
            record.topic = routed.clone().into();
        }
        Ok(())
    }
}
