//! Records that cannot become rows.

use super::finish::RENEW_EVERY;
use super::{Session, Turn, failed};
use crate::dead_letters::{DEAD_LETTER_BYTES_MAX, DeadLetter, Failure, Tolerance};
use crate::encode::RecordError;
use crate::kafka::{Kafka, KafkaErrorKind, RawRecord, TopicPartition};
use crate::round::Prepared;
use crate::status::Counters;

impl<K: Kafka> Session<'_, K> {
    /// Passes over a record that cannot be loaded, where errors are tolerated; else the task stops before it.
    pub(super) fn give_up(&mut self, record: &RawRecord<'_>, error: &RecordError) -> Turn {
        let settings = &self.task.settings.errors;
        if settings.tolerance == Tolerance::None {
            return Err(self.stop_before(&format!(
                "record {}-{} at offset {} cannot be loaded: {error}",
                record.topic, record.partition, record.offset
            )));
        }
        let Some(filling) = &mut self.filling else {
            return Ok(());
        };
        if let Some(share) = filling.round.share(record.topic, record.partition) {
            share.cover(record.offset, None);
        }
        if !self.replay.is_empty() {
            // It was told, and its dead letter written, with the round whose rows are owed.
            return Ok(());
        }
        let failure = Failure {
            connector: &self.task.settings.connector,
            task: self.task.settings.task,
            error,
            executing: self.task.encoder.executing(error),
        };
        if let Some(topic) = &settings.dead_letters {
            let bytes = filling.round.bury(DeadLetter::new(topic, record, &failure));
            filling.must_seal |= bytes >= DEAD_LETTER_BYTES_MAX;
        }
        let partition = TopicPartition::new(record.topic, record.partition);
        let is_new = match self.refusals.tell(&partition, record.offset) {
            Some(is_new) => is_new,
            None => self.error_reports.is_new(&partition, record.offset),
        };
        if is_new {
            let now = self.task.clock.now();
            self.error_reports
                .passed_over(settings.log, record, &failure, now);
            Counters::add(&self.task.status.counters.records_skipped, 1);
        }
        Ok(())
    }

    /// Before anything is read: a record must not be given up for want of a place to put it.
    pub(super) fn ensure_dead_letter_topic(&mut self) -> Turn {
        const WHAT: &str = "find the topic of dead letters";
        let errors = &self.task.settings.errors;
        let Some(settings) = errors.dead_letters.clone() else {
            return Ok(());
        };
        self.enter("looking for the topic of dead letters");
        loop {
            match self.kafka.ensure_topic(&settings) {
                Ok(()) => {
                    self.task.status.succeeded(self.now(), WHAT);
                    return Ok(());
                }
                Err(error) if error.kind == KafkaErrorKind::Transient => {
                    self.task
                        .status
                        .try_again(self.now(), WHAT, &error.message, false);
                    self.rest_through(RENEW_EVERY)?;
                }
                Err(error) => return Err(failed(error.message)),
            }
        }
    }

    /// Writes a round's dead letters without a Kafka transaction, until they are acknowledged: then their records count as
    /// done.
    pub(super) fn write_dead_letters(&mut self, round: &Prepared) -> Turn {
        const WHAT: &str = "write dead letters";
        if round.dead_letters().is_empty() {
            return Ok(());
        }
        self.enter("writing dead letters");
        loop {
            match self.kafka.write_plain(round.dead_letters()) {
                Ok(()) => {
                    self.task.status.succeeded(self.now(), WHAT);
                    self.count_dead_letters(round);
                    return Ok(());
                }
                Err(error) if error.kind == KafkaErrorKind::Transient => {
                    self.task
                        .status
                        .try_again(self.now(), WHAT, &error.message, false);
                    self.rest_through(RENEW_EVERY)?;
                }
                Err(error) => return Err(failed(error.message)),
            }
        }
    }

    pub(super) fn count_dead_letters(&self, round: &Prepared) {
        let count = round.dead_letters().len() as u64;
        Counters::add(&self.task.status.counters.dead_letters, count);
    }
}
