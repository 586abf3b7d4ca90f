//! Looking for the rows that StarRocks refuses.
//!
//! StarRocks refuses a load as a whole. Where errors are tolerated, the round is begun again with half of the refused rows,
//! and so on, until a row is refused alone: that one is shown to be bad, and no other. Each smaller round that StarRocks
//! takes is decided and visible like any other, so that good rows are in for good while the search goes on, and a crash
//! costs nothing but the search. k bad rows among n take about k·log₂(n) rounds more.

use std::collections::BTreeMap;

use crate::encode::TableId;

/// `starrocks.bisect.max.loads`, where it is not set.
pub const MAX_LOADS: u32 = 64;

/// The searches under way, by table.
#[derive(Debug, Default)]
pub struct Searches {
    tables: BTreeMap<TableId, Search>,
}

/// The search in one refused round of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Search {
    /// Rows of the round that are neither in nor shown to be bad.
    left: u64,
    /// How many of the next rows have a bad one among them, if they come in the same order again; 0 where nobody knows.
    /// Of several partitions they may come in another: then the search takes longer, and shows the same.
    suspected: u64,
    /// Loads since the round was first refused.
    loads: u32,
    /// Rows shown to be bad.
    found: u32,
}

/// What a refusal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The only row of the load is bad.
    ThisRow,
    /// One of several is.
    OneOf,
    /// One of several is, and no more loads may be spent on finding out: this many were, and this many bad rows found.
    GiveUp {
        /// Loads since the round was first refused.
        loads: u32,
        /// Rows shown to be bad.
        found: u32,
    },
}

impl Searches {
    /// Whether nothing is looked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// How many rows of a table the round may have; `None` where it may have any number.
    #[must_use]
    pub fn rows_max(&self, table: TableId) -> Option<u64> {
        let search = self.tables.get(&table)?;
        Some(match search.suspected {
            0 => search.left,
            suspected => suspected.div_ceil(2),
        })
    }

    /// StarRocks has refused a load of so many rows.
    pub fn refused(&mut self, table: TableId, rows: u64, loads_max: u32) -> Shown {
        let search = self.tables.entry(table).or_insert(Search {
            left: rows,
            suspected: 0,
            loads: 0,
            found: 0,
        });
        search.loads += 1;
        search.left = search.left.max(rows);
        search.suspected = rows;
        if rows <= 1 {
            search.found += 1;
            search.suspected = 0;
            search.left -= 1;
        }
        if search.left == 0 {
            self.tables.remove(&table);
            return Shown::ThisRow;
        }
        if search.loads >= loads_max {
            let Search { loads, found, .. } = *search;
            return Shown::GiveUp { loads, found };
        }
        if rows <= 1 {
            Shown::ThisRow
        } else {
            Shown::OneOf
        }
    }

    /// StarRocks has taken a load of so many rows.
    pub fn taken(&mut self, table: TableId, rows: u64) {
        if let Some(search) = self.tables.get_mut(&table) {
            search.loads += 1;
            search.left = search.left.saturating_sub(rows);
            search.suspected = search.suspected.saturating_sub(rows);
            if search.left == 0 {
                self.tables.remove(&table);
            }
        }
    }

    /// Forgets every search: what was read comes anew.
    pub fn clear(&mut self) {
        self.tables.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TABLE: TableId = TableId(3);

    /// Loads rows of which those in `bad` are refused; which were shown to be bad, and with how many loads. `None` where the
    /// search gave up.
    fn search(rows: u64, bad: &[u64], loads_max: u32) -> Option<(Vec<u64>, u32)> {
        let mut searches = Searches::default();
        let (mut next, mut loads) = (0, 0);
        let mut shown = Vec::new();
        while next < rows {
            let first = next;
            let end = searches
                .rows_max(TABLE)
                .map_or(rows, |most| rows.min(first + most));
            loads += 1;
            if bad.iter().any(|row| (first..end).contains(row)) {
                match searches.refused(TABLE, end - first, loads_max) {
                    Shown::ThisRow => {
                        shown.push(first);
                        next += 1;
                    }
                    Shown::OneOf => {}
                    Shown::GiveUp { .. } => return None,
                }
            } else {
                searches.taken(TABLE, end - first);
                next = end;
            }
        }
        assert!(searches.is_empty(), "{searches:?}");
        Some((shown, loads))
    }

    proptest! {
        #[test]
        fn bad_rows_are_found_and_no_others(
            rows in 1_u64..5_000,
            bad in proptest::collection::btree_set(0_u64..5_000, 0..6),
        ) {
            let bad: Vec<u64> = bad.into_iter().filter(|row| *row < rows).collect();
            let (shown, loads) = search(rows, &bad, u32::MAX).expect("no limit");
            prop_assert_eq!(&shown, &bad);
            let log = u64::from(rows.next_power_of_two().ilog2());
            let most = 1 + bad.len() as u64 * (log + 3);
            prop_assert!(u64::from(loads) <= most, "{} loads of {}", loads, most);
        }
    }

    #[test]
    fn the_search_gives_up_where_it_costs_too_much() {
        let all: Vec<u64> = (0..100).collect();
        assert_eq!(search(100, &all, 64), None);
        assert_eq!(search(1, &[0], 1), Some((vec![0], 1)));
        assert_eq!(search(2, &[0, 1], 1), None);
    }

    #[test]
    fn other_tables_are_not_held_to_it() {
        let mut searches = Searches::default();
        assert_eq!(searches.refused(TABLE, 9, 64), Shown::OneOf);
        assert_eq!(searches.rows_max(TABLE), Some(5));
        assert_eq!(searches.rows_max(TableId(0)), None);
        searches.taken(TableId(0), 100);
        searches.taken(TABLE, 5);
        assert_eq!(searches.rows_max(TABLE), Some(2));
        searches.clear();
        assert!(searches.is_empty());
    }
}
