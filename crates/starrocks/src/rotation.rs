//! Which front end to ask first. Pure: the clock enters by argument.

use std::time::Duration;

use tokio::time::Instant;

/// How long a front end that failed is asked last.
const AVOIDED_FOR: Duration = Duration::from_secs(15);

/// Remembers which front ends failed of late. Calls stay with the front end that works, and go round when it fails.
#[derive(Debug)]
pub(crate) struct Rotation {
    first: usize,
    failed_at: Vec<Option<Instant>>,
}

impl Rotation {
    pub(crate) fn new(count: usize) -> Rotation {
        Rotation {
            first: 0,
            failed_at: vec![None; count],
        }
    }

    /// The order in which to try: those that work, beginning with the one that answered last, then those that failed,
    /// the longest ago first.
    pub(crate) fn order(&self, now: Instant) -> Vec<usize> {
        let count = self.failed_at.len();
        let mut order: Vec<usize> = (0..count).map(|step| (self.first + step) % count).collect();
        order.sort_by_key(|index| {
            self.failed_at
                .get(*index)
                .copied()
                .flatten()
                .filter(|at| now < *at + AVOIDED_FOR)
        });
        order
    }

    /// It answered.
    pub(crate) fn answered(&mut self, index: usize) {
        self.first = index;
        if let Some(at) = self.failed_at.get_mut(index) {
            *at = None;
        }
    }

    /// It could not be reached, or gave no usable answer.
    pub(crate) fn failed(&mut self, index: usize, now: Instant) {
        if let Some(at) = self.failed_at.get_mut(index) {
            *at = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_round_and_comes_back() {
        let start = Instant::now();
        let second = |n| start + Duration::from_secs(n);
        let mut rotation = Rotation::new(3);
        assert_eq!(rotation.order(start), [0, 1, 2]);
        rotation.failed(0, start);
        assert_eq!(rotation.order(second(1)), [1, 2, 0]);
        rotation.answered(1);
        assert_eq!(rotation.order(second(1)), [1, 2, 0]);
        rotation.failed(2, second(2));
        assert_eq!(
            rotation.order(second(3)),
            [1, 0, 2],
            "the longest ago first"
        );
        rotation.failed(1, second(4));
        assert_eq!(rotation.order(second(5)), [0, 2, 1]);
        rotation.answered(0);
        assert_eq!(rotation.order(second(5)), [0, 2, 1]);
        assert_eq!(
            rotation.order(second(60)),
            [0, 1, 2],
            "a failure is forgotten"
        );
    }

    #[test]
    fn one_front_end_is_always_asked() {
        let mut rotation = Rotation::new(1);
        rotation.failed(0, Instant::now());
        assert_eq!(rotation.order(Instant::now()), [0]);
    }
}
