//! Tables that no topic tells: `task/announce.rs`.

use starrocks_kafka_pipeline::ledger::{ANNOUNCED_BYTES_MAX, Ledger};
use starrocks_kafka_pipeline::metadata::encoded_bytes_max;

use crate::bounds::Rule;
use crate::notes::{DATABASE, partition, table_name};
use crate::system::{State, World};
use crate::worker::{Books, Purpose, Step, Worker};

impl World {
    /// The table of a partition's next record, where it must be announced before the record is taken. What is owed was
    /// announced by the plan.
    pub(crate) fn unannounced(&self, worker: &Worker, p: u8) -> Option<u8> {
        self.bounds.announced_max?;
        let place = worker.books?.places[usize::from(p)]?;
        let table = self.bounds.table(p, worker.position(&self.bounds, p)?);
        let is_told = worker.owes() || place.announced.unwrap_or_default() >> table & 1 == 1;
        (!is_told).then_some(table)
    }

    /// Whether the next record of a partition may be taken, or its table announced: a claim takes the place of the plan
    /// of the round before.
    pub(crate) fn may_take(&self, worker: &Worker, p: u8) -> bool {
        let must_wait = worker.committing.is_some() && !self.breaks(Rule::AnnounceBehindVisible);
        !must_wait || self.unannounced(worker, p).is_none()
    }

    /// Announces the table of the next record. Where there is no room, the round ends first, and what was announced
    /// before is forgotten.
    pub(crate) fn announce(&self, state: &mut State, w: u8, p: u8) {
        let worker = &state.workers[usize::from(w)];
        let (Some(books), Some(table)) = (worker.books, self.unannounced(worker, p)) else {
            return;
        };
        let has_round = worker.filling.is_some();
        let mut ledger = self.in_little_room(&books);
        let (partition, name) = (partition(p), table_name(table));
        if !ledger.announce(&partition, &name) {
            if has_round && !self.breaks(Rule::ForgetBehindDecision) {
                self.seal(state, w);
                return;
            }
            ledger.forget_announced();
            assert!(
                ledger.announce(&partition, &name),
                "there is room for one table"
            );
        }
        let worker = state.worker(w);
        worker.books = Some(Books::of(&ledger));
        if !self.breaks(Rule::AnnounceBeforeBegin) {
            worker.step = Step::Sending(Purpose::Claim);
        }
    }

    /// Production's ledger, of a connector whose name leaves room for so many tables.
    fn in_little_room(&self, books: &Books) -> Ledger {
        let tables = 0..self.bounds.announced_max.unwrap_or_default();
        let names: Vec<_> = tables.map(table_name).collect();
        let taken = encoded_bytes_max("", DATABASE, names.iter().map(|name| &**name));
        books.ledger_of(&"c".repeat(ANNOUNCED_BYTES_MAX - taken))
    }
}
