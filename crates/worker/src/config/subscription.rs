//! Which topics a connector reads: a list, or a regular expression in Java's syntax.

use starrocks_kafka_connect::config::{Config, ConfigProblem};
use starrocks_kafka_connect::java_regex::JavaRegex;

/// The topics of a connector.
#[derive(Clone, Debug)]
pub enum Subscription {
    /// These, each once, in the order in which they were named; at least one.
    Topics(Vec<String>),
    /// Those whose whole name matches, Kafka's internal ones never.
    Pattern(TopicPattern),
}

/// A regular expression over whole topic names.
#[derive(Clone, Debug)]
pub struct TopicPattern(JavaRegex);

/// Kafka's internal topics, which a pattern never subscribes to.
const INTERNAL: &[&str] = &["__consumer_offsets", "__transaction_state"];

impl Subscription {
    /// Whether records of `topic` are read.
    #[must_use]
    pub fn covers(&self, topic: &str) -> bool {
        match self {
            Self::Topics(topics) => topics.iter().any(|one| one == topic),
            Self::Pattern(pattern) => pattern.covers(topic),
        }
    }
}

impl TopicPattern {
    /// Compiles an expression in Java's syntax.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn compile(java: &str) -> Result<Self, String> {
        JavaRegex::compile(java).map(Self)
    }

    /// The expression as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether the whole of `topic` matches. A match that needs too many attempts is none.
    #[must_use]
    pub fn covers(&self, topic: &str) -> bool {
        !INTERNAL.contains(&topic) && self.0.matches(topic)
    }
}

/// Exactly one of `topics` and `topics.regex`, in Connect's words, which say it of both.
pub(super) fn parse(config: &Config) -> Result<Subscription, Vec<ConfigProblem>> {
    let mut topics: Vec<String> = Vec::new();
    for topic in config.list(TOPICS) {
        if !topic.is_empty() && !topics.contains(topic) {
            topics.push(topic.clone());
        }
    }
    let pattern = config.string(PATTERN).unwrap_or_default();
    let both = |message: &str| {
        vec![
            ConfigProblem::about(TOPICS, message),
            ConfigProblem::about(PATTERN, message),
        ]
    };
    match (topics.is_empty(), pattern.is_empty()) {
        (false, false) => Err(both(
            "topics and topics.regex are mutually exclusive options, but both are set.",
        )),
        (true, true) => Err(both("Must configure one of topics or topics.regex")),
        (false, true) => Ok(Subscription::Topics(topics)),
        (true, false) => TopicPattern::compile(pattern)
            .map(Subscription::Pattern)
            .map_err(|e| {
                vec![ConfigProblem::invalid(
                    PATTERN,
                    pattern,
                    &format!("Invalid regex: {e}"),
                )]
            }),
    }
}

/// Topics that Kafka cannot have are never found: said before anything waits for them.
pub(super) fn impossible_names(config: &Config) -> Vec<ConfigProblem> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let problem = |topic: &String| {
        let reason = if topic.len() > 249 {
            "a topic's name has at most 249 characters"
        } else if !topic.chars().all(legal) {
            "a topic's name has letters, digits, `.`, `_` and `-` only; for a regular expression set topics.regex"
        } else if topic == "." || topic == ".." {
            "a topic's name is neither `.` nor `..`"
        } else {
            return None;
        };
        Some(ConfigProblem::invalid(TOPICS, topic, reason))
    };
    config.list(TOPICS).iter().filter_map(problem).collect()
}

const TOPICS: &str = "topics";
const PATTERN: &str = "topics.regex";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_topics_are_never_covered() {
        let check = |java: &str, topic: &str, expect: bool| {
            let pattern = TopicPattern::compile(java).expect(java);
            assert_eq!(pattern.covers(topic), expect, "{java} {topic}");
        };
        check(".*", "orders", true);
        check(".*", "__consumer_offsets", false);
        check(".*", "__transaction_state", false);
        check("__transaction_state", "__transaction_state", false);
    }
}
