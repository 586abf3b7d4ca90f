//! Rounds that StarRocks refuses because of their rows, or of a table.
//!
//! Where errors are not tolerated the task fails with what StarRocks says. Where they are, rows are looked for until each
//! bad one is known ([`Searches`]), and a table that takes nothing at all is left alone for a while: its records are dead
//! letters, and the other tables go on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use super::Session;
use crate::bisect::{Searches, Shown};
use crate::dead_letters::Tolerance;
use crate::encode::{RecordError, TableId};
use crate::kafka::{Kafka, RawRecord, TopicPartition};
use crate::round::Round;
use crate::table_load::{LoadFailure, Refused};

use starrocks_kafka_connect::error::Stage;

/// What StarRocks' own connector throws where a load fails.
const REFUSED_CLASS: &str = "com.starrocks.data.load.stream.exception.StreamLoadFailException";

/// What is known of bad rows and tables.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    pub(super) searches: Searches,
    /// Records whose rows are shown to be bad and that are not passed over yet.
    bad_rows: BTreeMap<TopicPartition, BTreeMap<i64, BadRow>>,
    /// Tables that take nothing, why, and until when they are left alone.
    closed: BTreeMap<TableId, (String, Instant)>,
}

#[derive(Debug)]
struct BadRow {
    reason: String,
    /// It was told that its record is passed over.
    is_told: bool,
}

/// The rows of a round, by the names of their tables.
#[derive(Debug, Default)]
pub(super) struct RoundRows(BTreeMap<Arc<str>, TableRows>);

#[derive(Debug)]
struct TableRows {
    table: TableId,
    /// How many records have them: what is looked for is a record, and one may have two rows.
    rows: u64,
    /// The record of the first of them, of whichever partition.
    first: Option<(TopicPartition, i64)>,
}

impl Refusals {
    /// Whether nothing is known, and so nothing is to be looked at for each record.
    pub(super) fn is_empty(&self) -> bool {
        self.bad_rows.is_empty() && self.closed.is_empty()
    }

    /// Why the row of this record is not to be loaded, where that is known.
    pub(super) fn of_record(&self, record: &RawRecord<'_>) -> Option<RecordError> {
        // Looked for only where there is a bad row.
        let partition = TopicPartition::new(record.topic, record.partition);
        let row = self.bad_rows.get(&partition)?.get(&record.offset)?;
        Some(refused(row.reason.clone()))
    }

    /// Whether it is told for the first time that this record is passed over for its row; `None` where it is for something
    /// else. Rounds are begun again in a search, and pass over it each time.
    pub(super) fn tell(&mut self, partition: &TopicPartition, offset: i64) -> Option<bool> {
        let row = self.bad_rows.get_mut(partition)?.get_mut(&offset)?;
        Some(!std::mem::replace(&mut row.is_told, true))
    }

    /// Why no row of this table is to be loaded, where it takes nothing.
    pub(super) fn of_table(&self, table: TableId) -> Option<RecordError> {
        let (reason, _) = self.closed.get(&table)?;
        Some(refused(reason.clone()))
    }

    /// Whether rows may go to this table.
    pub(super) fn is_open(&self, table: TableId) -> bool {
        !self.closed.contains_key(&table)
    }

    /// A round begins at these positions: what lies before them is passed over, and tables are tried again after a while.
    pub(super) fn begin_round(&mut self, positions: &BTreeMap<TopicPartition, i64>, now: Instant) {
        for (partition, rows) in &mut self.bad_rows {
            let position = positions.get(partition).copied().unwrap_or(i64::MAX);
            rows.retain(|offset, _| *offset >= position);
        }
        self.bad_rows.retain(|_, rows| !rows.is_empty());
        self.closed.retain(|_, (_, until)| now < *until);
    }

    /// The rows of a round are in, or will be.
    pub(super) fn taken(&mut self, round: &RoundRows) {
        for TableRows { table, rows, .. } in round.0.values() {
            self.searches.taken(*table, *rows);
        }
    }
}

fn refused(message: String) -> RecordError {
    RecordError {
        stage: Stage::TaskPut,
        class: REFUSED_CLASS,
        message,
    }
}

impl<K: Kafka> Session<'_, K> {
    /// What a round has for each table, to be told before it is sealed.
    pub(super) fn rows_of(&self, round: &Round) -> RoundRows {
        if self.task.settings.errors.tolerance == Tolerance::None {
            return RoundRows::default();
        }
        let tables = round.tables().into_iter().map(|table| {
            let rows = TableRows {
                table,
                rows: round.records_with_rows(table),
                first: round.first_row(table),
            };
            (Arc::clone(self.task.encoder.table_name(table)), rows)
        });
        RoundRows(tables.collect())
    }

    /// Whether a round that was refused is begun again with what its refusal shows.
    ///
    /// # Errors
    /// The search has cost as much as it may: what was found, and the last refusal.
    pub(super) fn tolerates(
        &mut self,
        failure: &LoadFailure,
        round: &RoundRows,
    ) -> Result<bool, String> {
        let Some(rows) = round.0.get(&failure.table) else {
            return Ok(false);
        };
        match failure.refused {
            Refused::Rows => self.search(failure, rows).map(|()| true),
            // Without a place for dead letters all of a table would go nowhere.
            Refused::Table if self.task.settings.errors.dead_letters.is_some() => {
                let pause = self.task.settings.refused_table_pause;
                let what = format!(
                    "{failure}. Its records are dead letters for now; the table is tried again in {} s",
                    pause.as_secs()
                );
                tracing::error!("{what}");
                let now = self.now();
                self.task.status.incident(now, what);
                let closed = (failure.to_string(), now + pause);
                self.refusals.closed.insert(rows.table, closed);
                Ok(true)
            }
            Refused::Table | Refused::Other => Ok(false),
        }
    }

    fn search(&mut self, failure: &LoadFailure, rows: &TableRows) -> Result<(), String> {
        let loads_max = self.task.settings.bisect_loads_max;
        match self
            .refusals
            .searches
            .refused(rows.table, rows.rows, loads_max)
        {
            Shown::ThisRow => {
                if let Some((partition, offset)) = &rows.first {
                    let of_partition = self.refusals.bad_rows.entry(partition.clone());
                    let row = BadRow {
                        reason: failure.to_string(),
                        is_told: false,
                    };
                    of_partition.or_default().insert(*offset, row);
                }
            }
            Shown::OneOf => tracing::debug!(
                table = &*failure.table,
                rows = rows.rows,
                "looking for the rows that StarRocks refuses: {failure}"
            ),
            Shown::GiveUp { loads, found } => {
                return Err(format!(
                    "StarRocks refuses rows of table {}: {loads} loads looked for them (starrocks.bisect.max.loads={loads_max}) and \
                     found {found}, and there are more. Nothing was passed over that is not shown to be bad. The last \
                     refusal: {failure}",
                    failure.table
                ));
            }
        }
        Ok(())
    }
}
