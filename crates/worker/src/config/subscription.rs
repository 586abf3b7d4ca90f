//! Which topics a connector reads: a list, or a regular expression in Java's syntax.

use fancy_regex::Regex;
use starrocks_kafka_connect::config::{Config, ConfigProblem};

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
pub struct TopicPattern {
    java: String,
    regex: Regex,
}

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
        let translated = translate(java)?;
        // Alone first, so that a message points into what the user wrote.
        Regex::new(&translated).map_err(|e| e.to_string())?;
        let regex = Regex::new(&format!(r"\A(?:{translated})\z")).map_err(|e| e.to_string())?;
        Ok(Self {
            java: java.to_owned(),
            regex,
        })
    }

    /// The expression as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.java
    }

    /// Whether the whole of `topic` matches. A match that needs too many attempts is none.
    #[must_use]
    pub fn covers(&self, topic: &str) -> bool {
        !INTERNAL.contains(&topic) && self.regex.is_match(topic).unwrap_or(false)
    }
}

/// Java's quotation `\Q…\E` and its POSIX classes, which fancy-regex does not know.
fn translate(java: &str) -> Result<String, String> {
    let mut out = String::with_capacity(java.len());
    let mut rest = java;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        if let Some(quoted) = escape.strip_prefix(r"\Q") {
            let (literal, after) = quoted.split_once(r"\E").unwrap_or((quoted, ""));
            out.push_str(&fancy_regex::escape(literal));
            rest = after;
        } else if let Some((class, after)) = posix_class(escape) {
            out.push_str(class);
            rest = after;
        } else {
            let length = 1 + escape[1..].chars().next().map_or(0, char::len_utf8);
            if length == 1 {
                return Err("it ends within an escape".to_owned());
            }
            out.push_str(&escape[..length]);
            rest = &escape[length..];
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// Java's `\p{Alpha}` and its like: of ASCII alone, as topic names are.
fn posix_class(escape: &str) -> Option<(&'static str, &str)> {
    const CLASSES: &[(&str, &str)] = &[
        ("Lower", "[a-z]"),
        ("Upper", "[A-Z]"),
        ("Alpha", "[A-Za-z]"),
        ("Digit", "[0-9]"),
        ("Alnum", "[A-Za-z0-9]"),
        ("XDigit", "[0-9A-Fa-f]"),
    ];
    let (name, after) = escape.strip_prefix(r"\p{")?.split_once('}')?;
    let (_, class) = CLASSES.iter().find(|(known, _)| *known == name)?;
    Some((class, after))
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
    fn javas_syntax_matches_the_whole_name() {
        let check = |java: &str, topic: &str, expect: bool| {
            let pattern = TopicPattern::compile(java).expect(java);
            assert_eq!(pattern.covers(topic), expect, "{java} {topic}");
        };
        check("orders", "orders", true);
        check("orders", "orders2", false);
        check("a|ab", "ab", true);
        check("a|ab", "abc", false);
        check(r"db\.(?!tmp_).*", "db.orders", true);
        check(r"db\.(?!tmp_).*", "db.tmp_orders", false);
        check(r"\Qdb.x\E.*", "db.x1", true);
        check(r"\Qdb.x\E.*", "dbyx1", false);
        check(r"\Qdb.x", "db.x", true);
        check(r"\p{Alpha}+", "abc", true);
        check(r"[\p{Lower}\p{Digit}]+", "abc1", true);
        check(r"[\p{Lower}\p{Digit}]+", "Abc1", false);
        check(r"[a-z&&[^b]]+", "acd", true);
        check(r"[a-z&&[^b]]+", "abd", false);
        check("(?i)ORDERS", "orders", true);
        check(r"a++b", "aab", true);
        check(r"(.)\1", "aa", true);
        check(".*", "__consumer_offsets", false);
        check(".*", "__transaction_state", false);
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        let check = |java: &str| assert!(TopicPattern::compile(java).is_err(), "{java}");
        check("a(");
        check("[a");
        check("*");
        check("a\\");
    }
}
