//! Topics that are asked for and are not there: looked for until they are.
//!
//! librdkafka says once that it does not find a topic, also where the cluster has not told all its brokers of
//! it yet, and never that it has found it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How soon a look that failed is repeated.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Topics that librdkafka did not find.
#[derive(Debug)]
pub(super) struct Missing {
    interval: Duration,
    /// Whether the task was told.
    topics: BTreeMap<Arc<str>, bool>,
    next: Option<Instant>,
}

/// What a look has shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// It is not there.
    Missing(Arc<str>),
    /// It is there, or is not asked for any more.
    Found(Arc<str>),
}

impl Missing {
    /// Looks every `interval`, as long as something is missing; the task was told of `known` before.
    pub(super) fn new(interval: Duration, known: &[String]) -> Self {
        Self {
            interval,
            topics: known
                .iter()
                .map(|topic| (Arc::from(&**topic), true))
                .collect(),
            next: None,
        }
    }

    /// librdkafka does not find this one.
    pub(super) fn suspect(&mut self, topic: &str) {
        if !self.topics.contains_key(topic) {
            self.topics.insert(Arc::from(topic), false);
            self.next = None;
        }
    }

    /// Whether it is time to look; if so, the next look is an interval later.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let is_due = !self.topics.is_empty() && self.next.is_none_or(|next| now >= next);
        if is_due {
            self.next = Some(now + self.interval);
        }
        is_due
    }

    /// The look has failed.
    pub(super) fn failed(&mut self, now: Instant) {
        self.next = Some(now + self.interval.min(AFTER_FAILURE));
    }

    /// The cluster has `all`, and `asked_for` are subscribed to: what is new by that.
    pub(super) fn look(&mut self, all: &[String], asked_for: &[String]) -> Vec<Shown> {
        let mut shown = Vec::new();
        self.topics.retain(|topic, is_told| {
            let is_in = |names: &[String]| names.iter().any(|name| **name == **topic);
            let is_missing = is_in(asked_for) && !is_in(all);
            if is_missing && !*is_told {
                *is_told = true;
                shown.push(Shown::Missing(Arc::clone(topic)));
            } else if !is_missing && *is_told {
                shown.push(Shown::Found(Arc::clone(topic)));
            }
            is_missing
        });
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_is_not_there_is_told_once_and_told_again_when_it_is() {
        let mut missing = Missing::new(Duration::from_secs(30), &[]);
        for topic in ["orders", "late", "gone"] {
            missing.suspect(topic);
        }
        let asked_for = names(&["orders", "late", "gone"]);
        // The cluster had only not told of it yet.
        let first = missing.look(&names(&["orders"]), &asked_for);
        let both = ["gone", "late"].map(|topic| Shown::Missing(topic.into()));
        assert_eq!(first, both);
        missing.suspect("late");
        assert_eq!(missing.look(&names(&["orders"]), &asked_for), []);
        let come = missing.look(&names(&["orders", "late"]), &names(&["orders", "late"]));
        let both = ["gone", "late"].map(|topic| Shown::Found(topic.into()));
        assert_eq!(come, both);
        missing.suspect("late");
        let again = missing.look(&[], &asked_for);
        assert_eq!(again, [Shown::Missing("late".into())]);
        // The next client of the same task.
        let mut next = Missing::new(Duration::from_secs(30), &names(&["late", "gone"]));
        next.suspect("late");
        let shown = next.look(&names(&["gone"]), &asked_for);
        assert_eq!(shown, [Shown::Found("gone".into())]);
    }

    #[test]
    fn a_look_is_due_while_something_is_missing() {
        let mut missing = Missing::new(Duration::from_secs(30), &[]);
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(!missing.is_due(at(0)));
        missing.suspect("orders");
        assert!(missing.is_due(at(0)) && !missing.is_due(at(29)));
        missing.suspect("orders");
        assert!(!missing.is_due(at(29)));
        missing.suspect("customers");
        assert!(missing.is_due(at(29)));
        missing.failed(at(29));
        assert!(missing.is_due(at(30)));
        missing.look(&names(&["orders", "customers"]), &[]);
        assert!(!missing.is_due(at(900)));
    }
}
