//! Topics by pattern: which of the cluster's topics match, looked for again and again.

use std::time::{Duration, Instant};

use crate::config::TopicPattern;

/// How soon a look that failed is repeated.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// The topics to subscribe to, by a pattern over their names.
#[derive(Clone, Debug)]
pub struct Following {
    pattern: TopicPattern,
    interval: Duration,
    next: Option<Instant>,
    said_none: bool,
}

impl Following {
    /// Topics that match `pattern`, looked for every `interval` (`metadata.max.age.ms`).
    #[must_use]
    pub fn new(pattern: TopicPattern, interval: Duration) -> Self {
        Self {
            pattern,
            interval,
            next: None,
            said_none: false,
        }
    }

    /// Whether it is time to look; if so, the next look is an interval later.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let is_due = self.next.is_none_or(|next| now >= next);
        if is_due {
            self.next = Some(now + self.interval);
        }
        is_due
    }

    /// The look has failed.
    pub(super) fn failed(&mut self, now: Instant) {
        self.next = Some(now + self.interval.min(AFTER_FAILURE));
    }

    /// The topics to subscribe to now, where they are others than `subscribed`.
    pub(super) fn change(
        &mut self,
        all: Vec<String>,
        subscribed: &[String],
    ) -> Option<Vec<String>> {
        let mut matching: Vec<_> = all
            .into_iter()
            .filter(|topic| self.pattern.covers(topic))
            .collect();
        matching.sort_unstable();
        let pattern = self.pattern.as_str();
        if matching.is_empty() && !self.said_none {
            self.said_none = true;
            tracing::warn!(
                "no topic matches topics.regex={pattern} yet; looking again every {:?}",
                self.interval
            );
        }
        if matching == subscribed {
            return None;
        }
        tracing::info!(
            "topics that match topics.regex={pattern}: {}",
            matching.join(", ")
        );
        Some(matching)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn following() -> Following {
        let pattern = TopicPattern::compile("orders-.*").expect("a right pattern");
        Following::new(pattern, Duration::from_secs(300))
    }

    #[test]
    fn only_a_change_of_matching_topics_is_told() {
        let check = |all: &[&str], subscribed: &[&str], expect: Option<&[&str]>| {
            let owned = |names: &[&str]| {
                names
                    .iter()
                    .map(|name| (*name).to_owned())
                    .collect::<Vec<_>>()
            };
            assert_eq!(
                following().change(owned(all), &owned(subscribed)),
                expect.map(owned),
                "{all:?}"
            );
        };
        check(&[], &[], None);
        check(&["customers"], &[], None);
        check(
            &["orders-b", "customers", "orders-a"],
            &[],
            Some(&["orders-a", "orders-b"]),
        );
        check(&["orders-b", "orders-a"], &["orders-a", "orders-b"], None);
        check(
            &["orders-a"],
            &["orders-a", "orders-b"],
            Some(&["orders-a"]),
        );
        check(&["__consumer_offsets"], &["orders-a"], Some(&[]));
    }

    #[test]
    fn a_look_is_due_at_once_then_by_interval_and_soon_after_a_failure() {
        let mut following = following();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(following.is_due(at(0)));
        assert!(!following.is_due(at(299)));
        assert!(following.is_due(at(300)));
        following.failed(at(300));
        assert!(following.is_due(at(301)));
    }
}
