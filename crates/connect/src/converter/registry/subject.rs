//! Under which subject a record's schema is looked for (`*.subject.name.strategy`).

use super::super::Role;
use crate::config::Config;
use crate::error::DataError;

const STRATEGIES: &str = "io.confluent.kafka.serializers.subject.";

/// How a subject is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SubjectStrategy {
    /// By the topic: `orders-value`. Also what Confluent's `AssociatedNameStrategy` falls back to.
    Topic,
    /// By the name of the record.
    Record,
    /// By the topic and the name of the record.
    TopicRecord,
}

impl SubjectStrategy {
    pub(super) fn new(role: Role, settings: &Config) -> Self {
        let name = format!("{}.subject.name.strategy", role.name());
        let class = settings.string(&name).unwrap_or_default();
        match class.strip_prefix(STRATEGIES) {
            Some("RecordNameStrategy") => Self::Record,
            Some("TopicRecordNameStrategy") => Self::TopicRecord,
            _ => Self::Topic,
        }
    }

    /// The subject, where the topic alone tells it.
    pub(super) fn of_topic(self, topic: &str, role: Role) -> Option<String> {
        (self == Self::Topic).then(|| format!("{topic}-{}", role.name()))
    }

    /// The subject of a schema whose record has this name; `None` where its root is no record.
    pub(super) fn of_record(
        self,
        topic: &str,
        role: Role,
        record: Option<&str>,
    ) -> Result<String, DataError> {
        let strategy = match (self, record) {
            (Self::Topic, _) => return Ok(format!("{topic}-{}", role.name())),
            (Self::Record, Some(record)) => return Ok(record.to_owned()),
            (Self::TopicRecord, Some(record)) => return Ok(format!("{topic}-{record}")),
            (Self::Record, None) => "RecordNameStrategy",
            (Self::TopicRecord, None) => "TopicRecordNameStrategy",
        };
        Err(DataError::data(format!(
            "{}.subject.name.strategy is {strategy}, which names subjects by the record, and the schema is not that of a \
             record with a name",
            role.name()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_named_by_topic_and_record() {
        let check = |strategy: SubjectStrategy, role, record, expect: Option<&str>| {
            let found = strategy.of_record("t", role, record).ok();
            assert_eq!(found.as_deref(), expect, "{strategy:?}");
        };
        check(SubjectStrategy::Topic, Role::Key, None, Some("t-key"));
        check(
            SubjectStrategy::Topic,
            Role::Value,
            Some("n.R"),
            Some("t-value"),
        );
        check(
            SubjectStrategy::Record,
            Role::Value,
            Some("n.R"),
            Some("n.R"),
        );
        check(
            SubjectStrategy::TopicRecord,
            Role::Key,
            Some("n.R"),
            Some("t-n.R"),
        );
        check(SubjectStrategy::Record, Role::Value, None, None);
    }
}
