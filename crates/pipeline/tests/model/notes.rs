//! What is stored beside an offset, small enough to be part of a state. What it means is production's: every note is
//! made and read by `Metadata::encode` and `Metadata::decode`.

use std::sync::Arc;

use starrocks_kafka_pipeline::kafka::{CommittedOffset, OffsetAndMetadata, TopicPartition};
use starrocks_kafka_pipeline::ledger::Standing;
use starrocks_kafka_pipeline::metadata::{
    Announced, Attempt, Claim, Epoch, Found, LeftOpen, Metadata, Owed, Plan,
};
use starrocks_kafka_pipeline::recovery::{CLOCK_SKEW_MAX, PREPARED_TIMEOUT, TransactionId};

use crate::bounds::PARTITIONS_MAX;

/// The connector of every world.
pub(crate) const CONNECTOR: &str = "c";
pub(crate) const DATABASE: &str = "d";
const TOPIC: &str = "t";

/// A set of tables, or of workers, or of partitions: one bit each.
pub(crate) type Set = u8;

/// The members of a set.
pub(crate) fn members(set: Set) -> impl Iterator<Item = u8> {
    (0..8).filter(move |bit| set >> bit & 1 == 1)
}

/// A transaction of StarRocks: `TransactionId` without the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Label {
    /// The round it belongs to.
    pub(crate) attempt: Attempt,
    /// The table it loads.
    pub(crate) table: u8,
}

/// What is stored beside an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Note {
    /// A decided round.
    Plan {
        attempt: Attempt,
        end: u8,
        tables: Set,
        day: u8,
        announced: Option<Set>,
    },
    /// A fence.
    Claim {
        attempt: Attempt,
        owed: Option<(u8, Set)>,
        left_open: LeftOpenBy,
        announced: Option<Set>,
    },
}

/// What earlier holders left open, by epoch and round, oldest first. More of them than ever go wrong in a world.
pub(crate) type LeftOpenBy = [Option<(u8, u8)>; 5];

fn packed(attempt: Attempt) -> (u8, u8) {
    let small = |number| u8::try_from(number).expect("the worlds are small");
    (small(attempt.epoch.0), small(attempt.round))
}

impl Note {
    /// The attempt it tells of.
    pub(crate) fn attempt(self) -> Attempt {
        match self {
            Self::Plan { attempt, .. } | Self::Claim { attempt, .. } => attempt,
        }
    }

    /// The tables that it announces, beside its own.
    pub(crate) fn announced(self) -> Option<Set> {
        match self {
            Self::Plan { announced, .. } | Self::Claim { announced, .. } => announced,
        }
    }

    /// Whether somebody who reads it asks StarRocks for this attempt.
    pub(crate) fn refers_to(self, attempt: Attempt) -> bool {
        let own = self.attempt();
        own.next() == attempt
            || match self {
                Self::Plan { .. } => own == attempt,
                Self::Claim { left_open, .. } => left_open.contains(&Some(packed(attempt))),
            }
    }

    /// Whether it remembers this stay.
    pub(crate) fn names(self, epoch: Epoch) -> bool {
        self.attempt().epoch == epoch
            || match self {
                Self::Plan { .. } => false,
                Self::Claim { left_open, .. } => are_of(&left_open, epoch),
            }
    }
}

/// An offset and its note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Stored {
    pub(crate) offset: u8,
    pub(crate) note: Note,
}

/// The offsets of a group, or of a Kafka transaction, by partition.
pub(crate) type Offsets = [Option<Stored>; PARTITIONS_MAX];

/// The time of a day: a transaction prepared on one day is in doubt on every later one.
pub(crate) fn epoch_ms(day: u8) -> i64 {
    let day_ms = (PREPARED_TIMEOUT + CLOCK_SKEW_MAX).as_millis();
    i64::from(day) * i64::try_from(day_ms).expect("a day fits")
}

fn day_of(ms: i64) -> u8 {
    small(ms / epoch_ms(1))
}

fn small(number: i64) -> u8 {
    u8::try_from(number).expect("the worlds are small")
}

/// A partition by its number.
pub(crate) fn partition(number: u8) -> TopicPartition {
    TopicPartition::new(TOPIC, i32::from(number))
}

/// The number of a partition.
pub(crate) fn number(partition: &TopicPartition) -> u8 {
    small(i64::from(partition.partition))
}

/// The name of a table.
pub(crate) fn table_name(table: u8) -> Arc<str> {
    const NAMES: [&str; 8] = ["0", "1", "2", "3", "4", "5", "6", "7"];
    Arc::from(NAMES[usize::from(table)])
}

/// The number of a table.
pub(crate) fn table_number(name: &str) -> u8 {
    name.parse().expect("tables are named by their numbers")
}

/// The names of a set of tables.
pub(crate) fn table_names(tables: Set) -> Vec<Arc<str>> {
    members(tables).map(table_name).collect()
}

/// The set of some tables.
pub(crate) fn table_set<'t>(names: impl IntoIterator<Item = &'t Arc<str>>) -> Set {
    names
        .into_iter()
        .fold(0, |set, name| set | 1 << table_number(name))
}

/// The database of every world.
pub(crate) fn database() -> Arc<str> {
    Arc::from(DATABASE)
}

/// The label of a transaction.
pub(crate) fn label(id: &TransactionId) -> Label {
    Label {
        attempt: id.attempt,
        table: table_number(&id.table),
    }
}

/// Where a partition stands: `Standing` without the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) settled: u8,
    pub(crate) owed: Option<(u8, Set)>,
    pub(crate) left_open: LeftOpenBy,
    pub(crate) announced: Option<Set>,
}

/// Whether one of these attempts is of this stay.
pub(crate) fn are_of(left_open: &LeftOpenBy, epoch: Epoch) -> bool {
    left_open
        .iter()
        .flatten()
        .any(|(of, _)| u64::from(*of) == epoch.0)
}

fn named(left_open: LeftOpenBy) -> Vec<LeftOpen> {
    let named = left_open.into_iter().flatten();
    named
        .map(|(epoch, round)| LeftOpen {
            attempt: Attempt {
                epoch: Epoch(epoch.into()),
                round: round.into(),
            },
            database: database(),
        })
        .collect()
}

fn open_attempts(left_open: &[LeftOpen]) -> LeftOpenBy {
    let mut attempts = LeftOpenBy::default();
    assert!(left_open.len() <= attempts.len(), "the worlds are small");
    for (place, left) in attempts.iter_mut().zip(left_open) {
        *place = Some(packed(left.attempt));
    }
    attempts
}

/// A place as production knows it.
pub(crate) fn standing(place: Place) -> Standing {
    Standing {
        settled: i64::from(place.settled),
        owed: place.owed.map(owed),
        left_open: named(place.left_open),
        announced: announced(place.announced),
    }
}

/// A standing as a state keeps it.
pub(crate) fn place(standing: &Standing) -> Place {
    Place {
        settled: small(standing.settled),
        owed: standing.owed.as_ref().map(owed_set),
        left_open: open_attempts(&standing.left_open),
        announced: standing.announced.as_ref().map(table_set),
    }
}

fn announced(tables: Option<Set>) -> Announced {
    tables.map(|tables| members(tables).map(table_name).collect())
}

fn owed((end, tables): (u8, Set)) -> Owed {
    Owed {
        end: i64::from(end),
        tables: table_names(tables),
    }
}

fn owed_set(owed: &Owed) -> (u8, Set) {
    (small(owed.end), table_set(&owed.tables))
}

/// What the group answers when asked for its offsets.
pub(crate) fn committed(offsets: &Offsets, partitions: Set) -> Vec<CommittedOffset> {
    members(partitions)
        .map(|p| {
            let stored = offsets[usize::from(p)];
            CommittedOffset {
                partition: partition(p),
                offset: stored.map(|stored| i64::from(stored.offset)),
                metadata: stored.map_or_else(Vec::new, |stored| {
                    metadata(stored.note).encode(CONNECTOR).into_bytes()
                }),
            }
        })
        .collect()
}

/// What a task hands to Kafka.
pub(crate) fn offsets(handed: &[OffsetAndMetadata]) -> Offsets {
    let mut offsets = [None; PARTITIONS_MAX];
    for entry in handed {
        let found = Metadata::decode(entry.metadata.as_bytes(), CONNECTOR);
        let Found::Ours(metadata) = found else {
            panic!("the ledger wrote what it cannot read: {found:?}");
        };
        offsets[usize::from(number(&entry.partition))] = Some(Stored {
            offset: small(entry.offset),
            note: note(&metadata),
        });
    }
    offsets
}

fn metadata(note: Note) -> Metadata {
    let database = database();
    match note {
        Note::Plan {
            attempt,
            end,
            tables,
            day,
            announced: beside,
        } => Metadata::Plan(Plan {
            attempt,
            database,
            end: i64::from(end),
            tables: table_names(tables),
            prepared_at_ms: epoch_ms(day),
            announced: announced(beside),
        }),
        Note::Claim {
            attempt,
            owed: debt,
            left_open,
            announced: beside,
        } => Metadata::Claim(Claim {
            attempt,
            database,
            owed: debt.map(owed),
            left_open: named(left_open),
            announced: announced(beside),
        }),
    }
}

fn note(metadata: &Metadata) -> Note {
    match metadata {
        Metadata::Plan(plan) => Note::Plan {
            attempt: plan.attempt,
            end: small(plan.end),
            tables: table_set(&plan.tables),
            day: day_of(plan.prepared_at_ms),
            announced: plan.announced.as_ref().map(table_set),
        },
        Metadata::Claim(claim) => Note::Claim {
            attempt: claim.attempt,
            owed: claim.owed.as_ref().map(owed_set),
            left_open: open_attempts(&claim.left_open),
            announced: claim.announced.as_ref().map(table_set),
        },
    }
}
