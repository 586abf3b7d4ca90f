//! StarRocks as far as delivery sees it: transactions by label, and the rows that are in the tables. Nothing here
//! knows who asks: there is no fence.

use starrocks_kafka_pipeline::recovery::Fate;

use crate::notes::Label;

/// Records, one bit each: those that are there at least once, and those that are there more often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Rows {
    pub(crate) once: u8,
    pub(crate) twice: u8,
}

impl Rows {
    fn add(&mut self, rows: Rows) {
        self.twice |= rows.twice | self.once & rows.once;
        self.once |= rows.once;
    }
}

/// A transaction that StarRocks knows of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Transaction {
    pub(crate) label: Label,
    /// Never `Unknown`.
    pub(crate) fate: Fate,
    pub(crate) rows: Rows,
    /// Kafka has stored its plan at some time.
    pub(crate) is_decided: bool,
    /// A worker asked for its end.
    pub(crate) is_rolled_back: bool,
    /// Nobody is to be blamed when it stays open: it was begun behind the claim of a later holder, perhaps behind its
    /// rollback.
    pub(crate) is_left: bool,
}

impl Transaction {
    /// Whether its rows may still become visible.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.fate, Fate::Prepare | Fate::Prepared)
    }
}

/// The transactions and the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct StarRocks {
    pub(crate) transactions: Vec<Transaction>,
    pub(crate) visible: Rows,
}

impl StarRocks {
    /// What it knows of a label.
    pub(crate) fn find(&self, label: Label) -> Option<&Transaction> {
        self.transactions.iter().find(|t| t.label == label)
    }

    fn find_mut(&mut self, label: Label) -> Option<&mut Transaction> {
        self.transactions.iter_mut().find(|t| t.label == label)
    }

    /// What it says of a label.
    pub(crate) fn fate(&self, label: Label) -> Fate {
        self.find(label).map_or(Fate::Unknown, |t| t.fate)
    }

    /// Begins a transaction, unless the label is taken; the label of an aborted one is free. Returns whether it did.
    pub(crate) fn begin(&mut self, label: Label, is_left: bool) -> bool {
        if !matches!(self.fate(label), Fate::Unknown | Fate::Aborted) {
            return false;
        }
        self.transactions.retain(|t| t.label != label);
        self.transactions.push(Transaction {
            label,
            fate: Fate::Prepare,
            rows: Rows::default(),
            is_decided: false,
            is_rolled_back: false,
            is_left,
        });
        true
    }

    /// Adds a row to a transaction that is being loaded. Returns whether it did.
    pub(crate) fn load(&mut self, label: Label, records: u8) -> bool {
        match self.find_mut(label) {
            Some(t) if t.fate == Fate::Prepare => {
                t.rows.add(Rows {
                    once: records,
                    twice: 0,
                });
                true
            }
            _ => false,
        }
    }

    /// Prepares a transaction that is being loaded.
    pub(crate) fn prepare(&mut self, label: Label) {
        if let Some(t) = self.find_mut(label)
            && t.fate == Fate::Prepare
        {
            t.fate = Fate::Prepared;
        }
    }

    /// Makes the rows of a prepared transaction visible.
    pub(crate) fn commit(&mut self, label: Label) {
        if let Some(t) = self.find_mut(label)
            && t.fate == Fate::Prepared
        {
            t.fate = Fate::Committed;
            let rows = t.rows;
            self.visible.add(rows);
        }
    }

    /// Ends an open transaction. Returns whether a decided one was ended by it.
    pub(crate) fn roll_back(&mut self, label: Label) -> bool {
        match self.find_mut(label) {
            Some(t) if t.is_open() => {
                t.fate = Fate::Aborted;
                t.is_rolled_back = true;
                t.is_decided
            }
            _ => false,
        }
    }

    /// Ends what is open without being asked by a worker.
    pub(crate) fn abort(&mut self, of: impl Fn(&Transaction) -> bool) {
        for t in &mut self.transactions {
            if t.is_open() && of(t) {
                t.fate = Fate::Aborted;
            }
        }
    }
}
