//! What StarRocks does by itself: publishing, timeouts, forgetting.

use crate::cluster::Cluster;
use crate::store::StoreError;
use crate::txns::TxnState;

impl Cluster {
    /// Makes the rows of every COMMITTED transaction visible; answers how many transactions there were.
    pub(crate) fn publish(&self) -> Result<usize, StoreError> {
        let waiting: Vec<i64> = self
            .meta()
            .txns
            .all()
            .filter(|t| t.state == TxnState::Committed)
            .map(|t| t.id)
            .collect();
        let mut published = 0;
        for id in waiting {
            let _working = self.working(id);
            let txn = self
                .meta()
                .txns
                .get(id)
                .filter(|t| t.state == TxnState::Committed)
                .cloned();
            if let Some(txn) = txn {
                self.commit_prepared(txn, true)
                    .map_err(|f| StoreError::Damaged(self.dir.clone(), f.message))?;
                published += 1;
            }
        }
        Ok(published)
    }

    /// Ends every ALTER TABLE that was only begun; answers how many there were.
    pub(crate) fn finish_alters(&self) -> Result<usize, StoreError> {
        let mut store = self.store();
        let finished = store.finish_alters(&self.now())?;
        let catalogue = store.catalogue().clone();
        self.meta().catalogue = catalogue;
        Ok(finished)
    }

    /// What StarRocks' daemons do about every 30 seconds: timeouts, publishing, forgetting.
    pub(crate) fn sweep(&self) -> Result<(), StoreError> {
        let now = self.clock.now_ms();
        let overdue = self.meta().txns.overdue(now);
        for id in overdue {
            self.abort(id, "timeout by txn manager")?;
        }
        for (id, reason) in self.overdue_contexts(now) {
            self.abort(id, &reason)?;
        }
        self.publish()?;
        self.finish_alters()?;
        let gone = self.meta().txns.forget(now);
        self.forgotten(gone)
    }

    /// Forgets every finished transaction.
    pub(crate) fn forget_finished(&self) -> Result<(), StoreError> {
        let gone = self.meta().txns.forget_finished();
        self.forgotten(gone)
    }

    fn forgotten(&self, gone: Vec<i64>) -> Result<(), StoreError> {
        if self.keeps() {
            let store = self.store();
            for id in gone {
                store.forget_txn(id)?;
            }
        }
        Ok(())
    }

    /// Drops the contexts that are past their timeouts; answers their transactions.
    fn overdue_contexts(&self, now: u64) -> Vec<(i64, String)> {
        let mut overdue = Vec::new();
        for contexts in &mut self.meta().contexts {
            contexts.retain(|_, context| match context.overdue(now) {
                Some(reason) => {
                    overdue.push((context.txn, reason));
                    false
                }
                None => true,
            });
        }
        overdue
    }
}
