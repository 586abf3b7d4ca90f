//! The FE's transactions: labels, states, limits, timeouts and what is forgotten (`DatabaseTransactionMgr`). No I/O, no clock.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// State of a transaction, as `get_load_state` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TxnState {
    /// Begun; its rows are still on the way.
    Prepare,
    /// Its rows are checked and durable; only commit or rollback (or the prepared timeout) ends it.
    Prepared,
    /// Decided, its rows not visible yet.
    Committed,
    /// Its rows are in the table.
    Visible,
    /// Rolled back.
    Aborted,
}

impl TxnState {
    /// Whether nothing can happen to the transaction any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Visible | Self::Aborted)
    }
}

impl fmt::Display for TxnState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prepare => "PREPARE",
            Self::Prepared => "PREPARED",
            Self::Committed => "COMMITTED",
            Self::Visible => "VISIBLE",
            Self::Aborted => "ABORTED",
        })
    }
}

/// A transaction as the FE remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Txn {
    /// Transaction id; rises with every begin.
    pub id: i64,
    /// Database.
    pub db: String,
    /// Table.
    pub table: String,
    /// Label.
    pub label: String,
    /// State.
    pub state: TxnState,
    /// Why it was aborted; empty otherwise.
    pub reason: String,
    /// Number of the BE that coordinates it.
    pub coordinator: usize,
    /// When it began, milliseconds since 1970.
    pub begun_ms: u64,
    /// When it was prepared, milliseconds since 1970.
    pub prepared_ms: Option<u64>,
    /// When it reached its final state, milliseconds since 1970.
    pub finished_ms: Option<u64>,
    pub(crate) timeout_ms: u64,
    pub(crate) prepared_timeout_ms: u64,
}

/// The FE's limits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) label_keep_max_num: usize,
    pub(crate) label_keep_max_ms: u64,
    pub(crate) running_txns_per_db: usize,
}

/// Why a begin was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BeginRefused {
    /// The label is held by a transaction in this state.
    LabelUsed(TxnState),
    Running {
        running: usize,
        limit: usize,
    },
}

/// All transactions that are remembered.
#[derive(Debug)]
pub(crate) struct Txns {
    by_id: BTreeMap<i64, Txn>,
    next_id: i64,
    pub(crate) limits: Limits,
}

/// What a begin asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begin<'a> {
    pub(crate) db: &'a str,
    pub(crate) table: &'a str,
    pub(crate) label: &'a str,
    pub(crate) timeout_ms: u64,
    pub(crate) prepared_timeout_ms: u64,
    pub(crate) coordinator: usize,
}

impl Txns {
    pub(crate) fn new(limits: Limits, known: Vec<Txn>) -> Self {
        let next_id = known.iter().map(|t| t.id).max().unwrap_or(1000) + 1;
        Self {
            by_id: known.into_iter().map(|t| (t.id, t)).collect(),
            next_id,
            limits,
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Txn> {
        self.by_id.values()
    }

    pub(crate) fn get(&self, id: i64) -> Option<&Txn> {
        self.by_id.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: i64) -> Option<&mut Txn> {
        self.by_id.get_mut(&id)
    }

    /// The transaction that speaks for the label: a label that was aborted may have several, the largest id counts.
    pub(crate) fn by_label(&self, db: &str, label: &str) -> Option<&Txn> {
        self.by_id
            .values()
            .rev()
            .find(|t| t.label == label && t.db == db)
    }

    pub(crate) fn begin(&mut self, now_ms: u64, ask: Begin<'_>) -> Result<i64, BeginRefused> {
        if let Some(held) = self
            .by_label(ask.db, ask.label)
            .filter(|t| t.state != TxnState::Aborted)
        {
            return Err(BeginRefused::LabelUsed(held.state));
        }
        let limit = self.limits.running_txns_per_db;
        let running = self
            .by_id
            .values()
            .filter(|t| t.db == ask.db && !t.state.is_final())
            .count();
        if running >= limit {
            return Err(BeginRefused::Running { running, limit });
        }
        let id = self.next_id;
        self.next_id += 1;
        let txn = Txn {
            id,
            db: ask.db.to_owned(),
            table: ask.table.to_owned(),
            label: ask.label.to_owned(),
            state: TxnState::Prepare,
            reason: String::new(),
            coordinator: ask.coordinator,
            begun_ms: now_ms,
            prepared_ms: None,
            finished_ms: None,
            timeout_ms: ask.timeout_ms,
            prepared_timeout_ms: ask.prepared_timeout_ms,
        };
        self.by_id.insert(id, txn);
        Ok(id)
    }

    /// Aborts a transaction that is PREPARE or PREPARED; answers whether it was.
    pub(crate) fn abort(&mut self, id: i64, now_ms: u64, reason: &str) -> bool {
        match self.by_id.get_mut(&id) {
            Some(txn) if matches!(txn.state, TxnState::Prepare | TxnState::Prepared) => {
                txn.state = TxnState::Aborted;
                reason.clone_into(&mut txn.reason);
                txn.finished_ms = Some(now_ms);
                true
            }
            _ => false,
        }
    }

    /// What is past its timeout, with the reason.
    pub(crate) fn overdue(&self, now_ms: u64) -> Vec<i64> {
        let late = |t: &&Txn| match t.state {
            TxnState::Prepare => now_ms > t.begun_ms + t.timeout_ms,
            TxnState::Prepared => {
                now_ms > t.prepared_ms.unwrap_or(t.begun_ms) + t.prepared_timeout_ms
            }
            _ => false,
        };
        self.by_id.values().filter(late).map(|t| t.id).collect()
    }

    /// Forgets all that are finished.
    pub(crate) fn forget_finished(&mut self) -> Vec<i64> {
        let gone: Vec<i64> = self
            .by_id
            .values()
            .filter(|t| t.state.is_final())
            .map(|t| t.id)
            .collect();
        self.by_id.retain(|_, t| !t.state.is_final());
        gone
    }

    /// Forgets finished transactions that are too old or, first in first out, too many in their database.
    pub(crate) fn forget(&mut self, now_ms: u64) -> Vec<i64> {
        let mut count: BTreeMap<&str, usize> = BTreeMap::new();
        for txn in self.by_id.values() {
            *count.entry(&txn.db).or_default() += 1;
        }
        let mut finished: Vec<&Txn> = self.by_id.values().filter(|t| t.state.is_final()).collect();
        finished.sort_by_key(|t| (t.finished_ms, t.id));
        let mut gone = Vec::new();
        for txn in finished {
            let old = txn
                .finished_ms
                .is_some_and(|at| now_ms > at + self.limits.label_keep_max_ms);
            let left = count.entry(&txn.db).or_default();
            if old || *left > self.limits.label_keep_max_num {
                *left -= 1;
                gone.push(txn.id);
            }
        }
        for id in &gone {
            self.by_id.remove(id);
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::{Begin, BeginRefused, Limits, TxnState, Txns};

    fn txns(limits: Limits) -> Txns {
        Txns::new(limits, Vec::new())
    }

    const LIMITS: Limits = Limits {
        label_keep_max_num: 1000,
        label_keep_max_ms: 1000,
        running_txns_per_db: 1000,
    };

    fn ask<'a>(db: &'a str, label: &'a str) -> Begin<'a> {
        Begin {
            db,
            table: "t",
            label,
            timeout_ms: 100,
            prepared_timeout_ms: 1000,
            coordinator: 0,
        }
    }

    fn finish(txns: &mut Txns, id: i64, state: TxnState, at: u64) {
        let txn = txns.get_mut(id).expect("it was begun");
        txn.state = state;
        txn.finished_ms = Some(at);
    }

    #[test]
    fn a_label_is_unique_per_database_among_what_was_not_aborted() {
        let mut txns = txns(LIMITS);
        let first = txns.begin(0, ask("d", "l")).expect("the label is free");
        assert_eq!(
            txns.begin(0, ask("d", "l")),
            Err(BeginRefused::LabelUsed(TxnState::Prepare))
        );
        assert!(txns.begin(0, ask("other", "l")).is_ok());
        assert!(txns.abort(first, 1, "because"));
        assert!(!txns.abort(first, 1, "again"));
        let second = txns
            .begin(2, ask("d", "l"))
            .expect("an aborted label is free");
        assert_eq!(txns.by_label("d", "l").map(|t| t.id), Some(second));
        finish(&mut txns, second, TxnState::Visible, 3);
        assert_eq!(
            txns.begin(4, ask("d", "l")),
            Err(BeginRefused::LabelUsed(TxnState::Visible))
        );
    }

    #[test]
    fn finished_ones_are_forgotten_by_number_and_by_age_but_never_the_running() {
        let mut txns = txns(Limits {
            label_keep_max_num: 3,
            ..LIMITS
        });
        let ids: Vec<i64> = ["a", "b", "c", "d", "e"]
            .map(|l| txns.begin(0, ask("d", l)).expect("free"))
            .into();
        for (at, id) in (1..).zip(&ids[1..]) {
            finish(&mut txns, *id, TxnState::Visible, at);
        }
        assert_eq!(txns.forget(10), [ids[1], ids[2]]);
        assert_eq!(txns.by_label("d", "b"), None);
        assert_eq!(txns.forget(2000), [ids[3], ids[4]]);
        assert_eq!(txns.all().map(|t| t.id).collect::<Vec<_>>(), [ids[0]]);
    }

    #[test]
    fn timeouts_go_by_state() {
        let mut txns = txns(LIMITS);
        let open = txns.begin(0, ask("d", "a")).expect("free");
        let prepared = txns.begin(0, ask("d", "b")).expect("free");
        let txn = txns.get_mut(prepared).expect("begun");
        (txn.state, txn.prepared_ms) = (TxnState::Prepared, Some(50));
        let none: [i64; 0] = [];
        assert_eq!(txns.overdue(100), none);
        assert_eq!(txns.overdue(101), [open]);
        assert_eq!(txns.overdue(1051), [open, prepared]);
    }

    #[test]
    fn running_transactions_are_limited() {
        let mut txns = txns(Limits {
            running_txns_per_db: 1,
            ..LIMITS
        });
        txns.begin(0, ask("d", "a")).expect("the first one");
        assert_eq!(
            txns.begin(0, ask("d", "b")),
            Err(BeginRefused::Running {
                running: 1,
                limit: 1
            })
        );
        assert!(txns.begin(0, ask("other", "b")).is_ok());
    }
}
