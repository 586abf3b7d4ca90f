//! Which back end coordinates which transaction.

use std::collections::{HashMap, VecDeque};

use crate::frontend::Frontend;
use crate::label::Label;

/// Transactions remembered; those of a task that went on without ending them fall out at the old end. As many as a
/// front end remembers.
const REMEMBERED_MAX: usize = 4096;

/// Remembers the back end that a front end named for a transaction, so that later calls go there at once, also when that
/// front end is gone.
#[derive(Debug, Default)]
pub(crate) struct Coordinators {
    by_label: HashMap<Label, Frontend>,
    ages: VecDeque<Label>,
}

impl Coordinators {
    pub(crate) fn get(&self, label: &Label) -> Option<Frontend> {
        self.by_label.get(label).cloned()
    }

    pub(crate) fn remember(&mut self, label: &Label, address: Frontend) {
        if self.by_label.insert(label.clone(), address).is_none() {
            self.ages.push_back(label.clone());
        }
        while self.by_label.len() > REMEMBERED_MAX {
            if let Some(oldest) = self.ages.pop_front() {
                self.by_label.remove(&oldest);
            }
        }
    }

    pub(crate) fn forget(&mut self, label: &Label) {
        if self.by_label.remove(label).is_some() {
            self.ages.retain(|known| known != label);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frontend::parse_address;

    #[test]
    fn remembers_and_stays_small() {
        let be = |n: usize| parse_address(&format!("be{n}:8040")).expect("a valid address");
        let label = |n: usize| Label::new(format!("l{n}")).expect("a valid label");
        let mut known = Coordinators::default();
        for n in 0..REMEMBERED_MAX + 2 {
            known.remember(&label(n), be(n));
        }
        assert_eq!(known.get(&label(1)), None, "the oldest fell out");
        assert_eq!(known.get(&label(2)), Some(be(2)));
        known.remember(&label(2), be(7));
        assert_eq!(known.get(&label(2)), Some(be(7)));
        known.forget(&label(2));
        known.forget(&label(2));
        assert_eq!(known.get(&label(2)), None);
        assert_eq!(known.by_label.len(), REMEMBERED_MAX - 1);
        assert_eq!(known.ages.len(), REMEMBERED_MAX - 1);
    }
}
