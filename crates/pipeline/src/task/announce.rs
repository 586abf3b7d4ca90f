//! Tables that no topic tells: where transforms give records another topic, only the records say which tables there are.
//!
//! Whoever is given a partition next rolls back what was left open in every table that its rows may have gone to. So a
//! table is named beside the partition's offset before the first transaction is begun there.

use super::{Session, Turn};
use crate::batch::Framing;
use crate::encode::TableId;
use crate::kafka::{Kafka, RawRecord, TopicPartition};
use crate::round::Round;
use crate::settings::DeliveryGuarantee;

impl<K: Kafka> Session<'_, K> {
    /// Stores that rows of this record's partition may go to `table`. The open round may have ended for it.
    pub(super) fn announce(&mut self, record: &RawRecord<'_>, table: TableId) -> Turn {
        self.enter("announcing a table");
        let partition = TopicPartition::new(record.topic, record.partition);
        let exactly_once = self.task.settings.guarantee == DeliveryGuarantee::ExactlyOnce;
        if exactly_once {
            // The plan of the round before lives in the same metadata: it must not be needed any more.
            self.await_visible()?;
        }
        if !self.note_announced(&partition, table) {
            if exactly_once {
                let restarts = self.restarts;
                self.end_round()?;
                if self.restarts != restarts {
                    return Ok(());
                }
                self.await_visible()?;
            }
            if let Some(ledger) = &mut self.ledger {
                ledger.forget_announced();
            }
            if !self.note_announced(&partition, table) {
                let name = self.task.encoder.table_name(table);
                let reason = format!(
                    "record {partition} at offset {} goes to a table whose name is too long to be stored beside an offset: {name}",
                    record.offset
                );
                return Err(self.stop_before(&reason));
            }
        }
        if exactly_once {
            self.claim()?;
        }
        if let Some(mut filling) = self.filling.take() {
            self.share_announced(&mut filling.round);
            self.filling = Some(filling);
        }
        self.enter("reading");
        Ok(())
    }

    fn note_announced(&mut self, partition: &TopicPartition, table: TableId) -> bool {
        let name = self.task.encoder.table_name(table);
        self.ledger
            .as_mut()
            .is_some_and(|ledger| ledger.announce(partition, name))
    }

    /// Lets the round's rows go to what is announced.
    pub(super) fn share_announced(&mut self, round: &mut Round) {
        let Some(ledger) = &self.ledger else {
            return;
        };
        for share in round.shares() {
            let standing = ledger.standing(share.partition());
            let names = standing.and_then(|standing| standing.announced.as_ref());
            let encoder = &mut *self.task.encoder;
            let tables: Vec<_> = names
                .into_iter()
                .flatten()
                .map(|name| encoder.table(name))
                .collect();
            for table in &tables {
                let headers = self.task.settings.loads.of(encoder.table_name(*table));
                self.batches.frame(*table, Framing::of(headers));
            }
            share.announce(tables);
        }
    }
}
