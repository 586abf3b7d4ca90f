//! From records to the rows of a round.

use std::sync::Arc;
use std::time::Duration;

use super::schemas::Told;
use super::{Filling, Halt, Session, SessionEnd, Turn, failed, wait};
use crate::batch::Framing;
use crate::encode::{Encoded, NewColumn, RecordError, Rows, SchemaQuestion, TableId};
use crate::kafka::{Batch as _, Kafka, Polled, RawRecord, TopicPartition};
use crate::load::{HandOver, OpenLoads, Target};
use crate::metadata::{METADATA_BYTES_MAX, encoded_bytes_max};
use crate::round::Round;
use crate::status::Counters;

/// How long one poll waits for records.
const POLL: Duration = Duration::from_millis(100);

/// What a partition is owed: the rows below `end` that go to `tables`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Replay {
    pub(super) end: i64,
    pub(super) tables: Vec<TableId>,
    pub(super) is_done: bool,
}

/// Rows that may go to some tables alone; those of others are not written.
struct RowsOf<'r, R, F> {
    rows: &'r mut R,
    may: F,
}

impl<R: Rows, F: Fn(TableId) -> bool> Rows for RowsOf<'_, R, F> {
    fn append<E>(
        &mut self,
        table: TableId,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        if (self.may)(table) {
            self.rows.append(table, write)
        } else {
            Ok(())
        }
    }
}

/// What became of one record.
enum Taken {
    Yes,
    /// It lies outside of the round: a replay has passed its end, or it was covered before.
    No,
    /// Not yet: its row goes to a table that was not announced.
    NeedsAnnouncing(TableId),
    /// Not yet: it waits for the columns of this table.
    NeedsColumns(TableId),
    /// Not yet: its table is to have these columns first.
    NeedsNewColumns(TableId, Box<[NewColumn]>),
    /// Not yet: it waits for the answer to this.
    NeedsSchema(SchemaQuestion),
    /// Not yet: it belongs to the next round.
    NeedsRound,
}

impl<K: Kafka> Session<'_, K> {
    /// Polls once and takes what comes.
    pub(super) fn read(&mut self) -> Turn {
        if self.ledger.is_none() {
            return self.poll_events(POLL);
        }
        self.unpause();
        self.collect_schemas()?;
        if self.batch.is_none() {
            match self.kafka.poll(self.poll_timeout()) {
                Ok(polled) => {
                    let is_answer =
                        matches!(polled, Polled::Records(_) | Polled::EndOfPartition { .. });
                    if is_answer && !self.task.status.retrying().is_empty() {
                        self.task.status.succeeded(self.now(), wait::READ);
                    }
                    let Some(batch) = self.keep(polled) else {
                        return Ok(());
                    };
                    self.batch = Some((batch, 0));
                }
                Err(error) => return self.poll_failed(&error),
            }
        }
        self.take_batch()
    }

    /// Not past the moment at which the round is due.
    fn poll_timeout(&self) -> Duration {
        let due = self
            .filling
            .as_ref()
            .map(|filling| filling.started_at + self.task.settings.flush_interval);
        let until = [due, self.settle_at].into_iter().flatten().min();
        until.map_or(POLL, |until| {
            until.saturating_duration_since(self.now()).min(POLL)
        })
    }

    fn take_batch(&mut self) -> Turn {
        let Some((batch, mut next)) = self.batch.take() else {
            return Ok(());
        };
        let restarts = self.restarts;
        let mut taken = 0;
        while next < batch.len() {
            let record = batch.get(next);
            match self.take(&record) {
                Ok(Taken::Yes) => {
                    taken += 1;
                    self.tell_observations();
                }
                Ok(Taken::No) => {}
                Ok(Taken::NeedsAnnouncing(table)) => {
                    self.announce(&record, table)?;
                    if self.restarts == restarts {
                        continue;
                    }
                }
                Ok(Taken::NeedsRound) => {
                    self.end_round_before(&record)?;
                    if self.restarts == restarts {
                        continue;
                    }
                }
                Ok(Taken::NeedsColumns(table)) => {
                    self.learn_columns(table)?;
                    continue;
                }
                Ok(Taken::NeedsNewColumns(table, columns)) => {
                    self.add_columns(table, columns)?;
                    continue;
                }
                Ok(Taken::NeedsSchema(question)) => match self.learn_schema(&record, question)? {
                    Told::Known => continue,
                    Told::NotYet => {}
                    Told::Denied(error) => match self.give_up(&record, &error) {
                        Ok(()) => taken += 1,
                        Err(halt) => {
                            Counters::add(&self.task.status.counters.records, taken);
                            return Err(halt);
                        }
                    },
                    Told::Refused(reason) => {
                        Counters::add(&self.task.status.counters.records, taken);
                        return Err(self.stop_before(&reason));
                    }
                },
                Err(error) => match self.give_up(&record, &error) {
                    Ok(()) => taken += 1,
                    Err(halt) => {
                        Counters::add(&self.task.status.counters.records, taken);
                        return Err(halt);
                    }
                },
            }
            next += 1;
            while let Some(table) = self.batches.full() {
                self.hand_over(table)?;
            }
            if self
                .filling
                .as_ref()
                .is_some_and(|filling| filling.must_seal)
            {
                self.end_round()?;
            }
            if self.restarts != restarts {
                // Reading starts elsewhere: the rest of the batch comes again.
                break;
            }
        }
        Counters::add(&self.task.status.counters.records, taken);
        Ok(())
    }

    fn take(&mut self, record: &RawRecord<'_>) -> Result<Taken, RecordError> {
        if self.filling.is_none() {
            self.filling = Some(self.open_round());
        }
        let Some(filling) = &mut self.filling else {
            return Ok(Taken::No);
        };
        let share = filling.round.share(record.topic, record.partition);
        let Some(share) = share.filter(|share| record.offset >= share.position()) else {
            return Ok(Taken::No);
        };
        if self.schemas.holds_record(record) {
            return Ok(Taken::No);
        }
        if let Some(error) = self.refusals.of_record(record) {
            return Err(error);
        }
        let encoded = if self.replay.is_empty() {
            let announced = share.announced();
            if announced.is_none() && self.refusals.is_empty() {
                self.task.encoder.encode(record, &mut self.batches)?
            } else {
                let is_announced = |table| announced.is_none_or(|tables| tables.contains(&table));
                let refusals = &self.refusals;
                let mut rows = RowsOf {
                    rows: &mut self.batches,
                    may: |table| refusals.is_open(table) && is_announced(table),
                };
                match self.task.encoder.encode(record, &mut rows)? {
                    Encoded::Row(table) if let Some(error) = refusals.of_table(table) => {
                        return Err(error);
                    }
                    Encoded::Row(table) if !is_announced(table) => {
                        return Ok(Taken::NeedsAnnouncing(table));
                    }
                    encoded => encoded,
                }
            }
        } else {
            let partition = TopicPartition::new(record.topic, record.partition);
            let Some(replay) = self.replay.get_mut(&partition) else {
                return Ok(Taken::No);
            };
            if record.offset >= replay.end {
                replay.is_done = true;
                return Ok(Taken::No);
            }
            let mut rows = RowsOf {
                rows: &mut self.batches,
                may: |table| replay.tables.contains(&table),
            };
            match self.task.encoder.encode(record, &mut rows)? {
                Encoded::Row(table) if !replay.tables.contains(&table) => Encoded::Skipped,
                encoded => encoded,
            }
        };
        let table = match encoded {
            Encoded::Row(table) => Some(table),
            Encoded::Skipped | Encoded::Dropped | Encoded::Blank(_) => None,
            Encoded::NeedsColumns(table) => return Ok(Taken::NeedsColumns(table)),
            Encoded::NeedsNewColumns(table, columns) => {
                return Ok(Taken::NeedsNewColumns(table, columns));
            }
            Encoded::NeedsSchema(question) => return Ok(Taken::NeedsSchema(question)),
            Encoded::NeedsRound(_) => return Ok(Taken::NeedsRound),
        };
        // What is owed was part of a plan that did fit, and what is announced does.
        let is_new = share.cover(record.offset, table);
        if is_new && share.announced().is_none() && self.replay.is_empty() {
            self.check_plan_size(record);
        }
        if let (Some(table), false) = (table, self.refusals.searches.is_empty()) {
            self.check_search(table);
        }
        Ok(Taken::Yes)
    }

    /// Ends the round before a record whose row has other columns than the rows of its table so far. What is owed was loaded by
    /// one round, and is again.
    fn end_round_before(&mut self, record: &RawRecord<'_>) -> Turn {
        if self.replay.is_empty() {
            return self.end_round();
        }
        let RawRecord {
            topic,
            partition,
            offset,
            ..
        } = record;
        Err(failed(format!(
            "the rows that partition {partition} of topic {topic} is owed have other columns from offset {offset} on than before it, \
             and were loaded by one round: was the configuration changed since? Go on with the configuration of before until nothing \
             is owed"
        )))
    }

    /// A round in which bad rows are looked for has no more of them than that takes.
    fn check_search(&mut self, table: TableId) {
        let rows_max = self.refusals.searches.rows_max(table);
        if let (Some(filling), Some(most)) = (&mut self.filling, rows_max) {
            filling.must_seal |= filling.round.records_with_rows(table) >= most;
        }
    }

    /// The plan of a partition must fit into the metadata of its offset, with whatever table comes next.
    fn check_plan_size(&mut self, record: &RawRecord<'_>) {
        let Some(filling) = &mut self.filling else {
            return;
        };
        let Some(share) = filling.round.share(record.topic, record.partition) else {
            return;
        };
        let names: Vec<_> = share
            .tables()
            .map(|table| Arc::clone(self.task.encoder.table_name(table)))
            .collect();
        let longest = names.iter().max_by_key(|name| name.len());
        let bytes = encoded_bytes_max(
            &self.task.settings.connector,
            self.task.warehouse.database(),
            names.iter().chain(longest).map(|name| &**name),
        );
        filling.must_seal |= bytes > METADATA_BYTES_MAX;
    }

    fn open_round(&mut self) -> Filling {
        // A column may have been added: one question a round is what keeps its values from being left out.
        self.task.encoder.begin_round();
        let now = self.now();
        self.refusals.begin_round(&self.positions, now);
        self.frame_tables();
        let attempt = self.attempt().next();
        let positions = self
            .positions
            .iter()
            .map(|(partition, position)| (partition.clone(), *position));
        let mut round = Round::open(attempt, positions);
        if !self.task.encoder.topics_tell_tables() {
            self.share_announced(&mut round);
        }
        let settings = &self.task.settings;
        Filling {
            round,
            loads: OpenLoads::new(
                self.task.warehouse.clone(),
                attempt,
                Arc::clone(&settings.loads),
                settings.begin_timeout_s,
            ),
            started_at: self.now(),
            must_seal: false,
        }
    }

    /// The rows of every table that topics tell get what its load properties ask for.
    fn frame_tables(&mut self) {
        let mut last = None;
        for partition in self.positions.keys() {
            // Partitions stand in the order of their topics.
            if last != Some(&partition.topic) {
                let table = self.task.encoder.table_of(&partition.topic);
                let name = self.task.encoder.table_name(table);
                let headers = self.task.settings.loads.of(name);
                self.batches.frame(table, Framing::of(headers));
                last = Some(&partition.topic);
            }
        }
    }

    fn hand_over(&mut self, table: TableId) -> Turn {
        let Some(chunk) = self.batches.take(table) else {
            return Ok(());
        };
        let Some(filling) = &mut self.filling else {
            return Ok(());
        };
        let target = Target::of(self.task.encoder, table);
        match filling.loads.hand_over(&target, chunk) {
            HandOver::Taken => Ok(()),
            HandOver::Failed => self.end_broken_round(),
            HandOver::Full(waiting) => {
                self.enter("waiting for StarRocks to take rows");
                self.wait(waiting.hand_over())?;
                if self.is_paused
                    && let Some(filling) = &self.filling
                {
                    // Reading has stopped; it pays to start again only when there is much room.
                    let drained = filling.loads.drained();
                    self.wait(drained)?;
                }
                self.enter("reading");
                Ok(())
            }
        }
    }

    /// Nothing more is to be read in a partition for now; a replay may end before its last offset, where
    /// the log was compacted or cut. Records that came before this may still be waiting to be taken, so
    /// that the round is not touched.
    pub(super) fn end_of_partition(&mut self, partition: &TopicPartition, offset: i64) {
        match self.replay.get_mut(partition) {
            // It is not at its end: it is read again from the record that waits.
            _ if self.schemas.holds(partition) => {}
            Some(replay) => replay.is_done |= offset >= replay.end,
            None => {
                self.ends.insert(partition.clone(), offset);
            }
        }
    }

    /// Covers what stands at the end of partitions and is never delivered: the markers of transactions, and
    /// records that were aborted. Else the offset would stay before them: a lag of nothing, and a loss that is
    /// none once retention has taken them. Only where no record waits to be taken.
    pub(super) fn cover_ends(&mut self) {
        if self.ledger.is_none() || self.batch.is_some() || !self.replay.is_empty() {
            return;
        }
        for (partition, end) in std::mem::take(&mut self.ends) {
            let (topic, number) = (&*partition.topic, partition.partition);
            let covered = match &mut self.filling {
                Some(filling) => filling.round.share(topic, number).map(|s| s.position()),
                None => self.positions.get(&partition).copied(),
            };
            if covered.is_none_or(|covered| covered >= end) {
                continue;
            }
            let mut filling = self.filling.take().unwrap_or_else(|| self.open_round());
            if let Some(share) = filling.round.share(topic, number) {
                share.cover_up_to(end);
            }
            self.filling = Some(filling);
        }
    }

    /// A replay covers exactly what is owed, whatever of it there was to read.
    pub(super) fn cover_replay(&mut self) {
        if self.replay.is_empty() {
            return;
        }
        let mut filling = self.filling.take().unwrap_or_else(|| self.open_round());
        for (partition, replay) in &self.replay {
            if let Some(share) = filling.round.share(&partition.topic, partition.partition) {
                share.cover_up_to(replay.end);
            }
        }
        self.filling = Some(filling);
    }

    /// What came before the record is brought home, so that the next start begins with it.
    pub(super) fn stop_before(&mut self, reason: &str) -> Halt {
        let halt = failed(reason);
        self.enter("stopping at a bad record");
        for replay in self.replay.values_mut() {
            // The record belongs to it.
            replay.is_done = false;
        }
        let restarts = self.restarts;
        match self.finish() {
            // The round before it is begun again; the record will come again behind it.
            Ok(()) if self.restarts != restarts => Halt::Disturbed,
            Ok(()) => halt,
            Err(Halt::End(SessionEnd::Failed(reason))) => {
                tracing::warn!("what came before it is not loaded either: {reason}");
                halt
            }
            Err(other) => other,
        }
    }
}
