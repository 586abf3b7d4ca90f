//! What a task writes beside the offsets it stores: the plan of a decided round, or a claim.
//!
//! The group's offsets are the only memory of the delivery protocol. Whoever is given a partition reads
//! from its metadata which StarRocks transactions were decided (a *plan*: roll them forward) and which
//! attempt may have left transactions open (the one after it: roll them back). The metadata is anybody's
//! to write, so reading it trusts nothing.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The form of the metadata that this program writes.
const VERSION: u32 = 1;

/// Bytes of metadata that a broker takes for one offset unless told otherwise
/// (`offset.metadata.max.bytes`).
pub const METADATA_BYTES_MAX: usize = 4096;

/// One stay of one task in its group: drawn at random for each incarnation, each join and each
/// revocation, so that no two stays ever share a label.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One attempt at a round. With a table's name it makes a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt {
    /// The stay it belongs to.
    pub epoch: Epoch,
    /// Rises with every attempt of the stay.
    pub round: u64,
}

impl Attempt {
    /// The attempt that follows; the only one that may have open transactions while this one is stored.
    #[must_use]
    pub fn next(self) -> Self {
        Self {
            epoch: self.epoch,
            // Anybody may have written the number.
            round: self.round.saturating_add(1),
        }
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.epoch, self.round)
    }
}

/// Rows that a decided round did not bring to their tables: its transactions there were aborted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// The offset after the last record concerned; the first is the stored offset.
    pub end: i64,
    /// The tables that lack the rows.
    pub tables: Vec<Arc<str>>,
}

/// An attempt of a previous holder that may have open transactions, and is fenced: it is never decided.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeftOpen {
    /// The attempt.
    pub attempt: Attempt,
    /// The database its transactions are in.
    pub database: Arc<str>,
}

/// Attempts that a claim remembers at most, the newest of them. Each is one crash between a claim and the
/// rollback behind it, without a recovery that came through since; what is forgotten ends by StarRocks'
/// own timeout.
pub const LEFT_OPEN_MAX: usize = 16;

/// A decided round, as seen from one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Whose transactions carry the rows.
    pub attempt: Attempt,
    /// The StarRocks database in which they were begun.
    pub database: Arc<str>,
    /// The offset after the last record of the round.
    pub end: i64,
    /// The tables that rows of this partition went to.
    pub tables: Vec<Arc<str>>,
    /// When the round was sealed, before anything was prepared: milliseconds since the epoch.
    pub prepared_at_ms: i64,
    /// The tables, beside its own, that the next attempt may begin transactions in.
    pub announced: Announced,
}

/// The tables that the rows of a partition may go to, told before a transaction is begun in one of them. `None` where the
/// partition's topic alone tells them.
pub type Announced = Option<BTreeSet<Arc<str>>>;

/// The fence of a stay: who holds the partition, and what the partition is still owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The last attempt that has ended; the next one may have open transactions.
    pub attempt: Attempt,
    /// The StarRocks database that the holder loads into.
    pub database: Arc<str>,
    /// What must be replayed before the stored offset may move.
    pub owed: Option<Owed>,
    /// What is still to be rolled back, oldest first: named until that is done, so that a crash in between
    /// leaves nothing open for good.
    pub left_open: Vec<LeftOpen>,
    /// The tables, beside those that are owed rows, that the next attempt, and what is left open, may have transactions in.
    pub announced: Announced,
}

/// What a task wrote beside an offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Metadata {
    /// A decided round.
    Plan(Plan),
    /// A fence.
    Claim(Claim),
}

/// What was found beside an offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Written by a task of this connector.
    Ours(Metadata),
    /// Nothing was written.
    Nothing,
    /// Somebody else's: it is no plan. The reason is for the log.
    Foreign(String),
    /// Written by a task of this connector of a version that this one cannot read.
    Newer(u32),
}

#[derive(Serialize, Deserialize)]
struct Wire {
    v: u32,
    connector: String,
    epoch: String,
    round: u64,
    db: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plan: Option<WirePlan>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owed: Option<WireOwed>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    open: Vec<WireOpen>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    announced: Announced,
}

#[derive(Serialize, Deserialize)]
struct WireOpen {
    epoch: String,
    round: u64,
    db: Arc<str>,
}

#[derive(Serialize, Deserialize)]
struct WirePlan {
    end: i64,
    tables: Vec<Arc<str>>,
    prepared_at: i64,
}

#[derive(Serialize, Deserialize)]
struct WireOwed {
    end: i64,
    tables: Vec<Arc<str>>,
}

/// Only what is needed to tell whose metadata it is.
#[derive(Deserialize)]
struct WireOwner {
    v: u32,
    connector: String,
}

impl Metadata {
    /// The attempt it tells of.
    #[must_use]
    pub fn attempt(&self) -> Attempt {
        match self {
            Self::Plan(plan) => plan.attempt,
            Self::Claim(claim) => claim.attempt,
        }
    }

    /// The database its transactions are in.
    #[must_use]
    pub fn database(&self) -> &Arc<str> {
        match self {
            Self::Plan(plan) => &plan.database,
            Self::Claim(claim) => &claim.database,
        }
    }

    /// The tables that the next attempt, and what is left open, may have transactions in, those of a plan or a debt among
    /// them; `None` where the partition's topic alone tells them.
    #[must_use]
    pub fn announced(&self) -> Announced {
        let (beside, own) = match self {
            Self::Plan(plan) => (&plan.announced, &plan.tables[..]),
            Self::Claim(claim) => {
                let owed = claim.owed.as_ref();
                (&claim.announced, owed.map_or(&[][..], |owed| &owed.tables))
            }
        };
        let beside = beside.as_ref()?;
        Some(beside.iter().chain(own).cloned().collect())
    }

    /// The text stored beside the offset.
    ///
    /// # Panics
    /// Never: the text is made of strings and integers.
    #[must_use]
    pub fn encode(&self, connector: &str) -> String {
        let attempt = self.attempt();
        let (plan, claim) = match self {
            Self::Plan(plan) => (Some(plan), None),
            Self::Claim(claim) => (None, Some(claim)),
        };
        let plan = plan.map(|plan| WirePlan {
            end: plan.end,
            tables: plan.tables.clone(),
            prepared_at: plan.prepared_at_ms,
        });
        let owed = claim.and_then(|claim| claim.owed.as_ref());
        let owed = owed.map(|owed| WireOwed {
            end: owed.end,
            tables: owed.tables.clone(),
        });
        let left_open = claim.map_or(&[][..], |claim| &claim.left_open);
        let open = left_open.iter().map(|left| WireOpen {
            epoch: left.attempt.epoch.to_string(),
            round: left.attempt.round,
            db: Arc::clone(&left.database),
        });
        let announced = match self {
            Self::Plan(plan) => &plan.announced,
            Self::Claim(claim) => &claim.announced,
        };
        let wire = Wire {
            v: VERSION,
            connector: connector.to_owned(),
            epoch: attempt.epoch.to_string(),
            round: attempt.round,
            db: self.database().to_string(),
            plan,
            owed,
            open: open.collect(),
            announced: announced.clone(),
        };
        serde_json::to_string(&wire).expect("strings and integers always make JSON")
    }

    /// Reads what stands beside an offset of `connector`'s group.
    #[must_use]
    pub fn decode(bytes: &[u8], connector: &str) -> Found {
        if bytes.is_empty() {
            return Found::Nothing;
        }
        let owner: WireOwner = match serde_json::from_slice(bytes) {
            Ok(owner) => owner,
            Err(_) => return Found::Foreign("not written by this program".to_owned()),
        };
        if owner.connector != connector {
            return Found::Foreign(format!("written by the connector '{}'", owner.connector));
        }
        if owner.v > VERSION {
            return Found::Newer(owner.v);
        }
        match serde_json::from_slice::<Wire>(bytes) {
            Ok(wire) => wire.into_metadata(),
            Err(error) => Found::Foreign(format!("damaged: {error}")),
        }
    }
}

impl Wire {
    fn into_metadata(self) -> Found {
        let Some(attempt) = read_attempt(&self.epoch, self.round) else {
            return Found::Foreign(format!("damaged: epoch '{}'", self.epoch));
        };
        let database = Arc::from(self.db);
        let left_open = self.open.into_iter().map(|open| {
            let attempt = read_attempt(&open.epoch, open.round)?;
            Some(LeftOpen {
                attempt,
                database: open.db,
            })
        });
        let Some(left_open) = left_open.collect::<Option<Vec<_>>>() else {
            return Found::Foreign("damaged: what it says is open".to_owned());
        };
        Found::Ours(match (self.plan, self.owed) {
            (Some(plan), None) if left_open.is_empty() => Metadata::Plan(Plan {
                attempt,
                database,
                end: plan.end,
                tables: plan.tables,
                prepared_at_ms: plan.prepared_at,
                announced: self.announced,
            }),
            (None, owed) => Metadata::Claim(Claim {
                attempt,
                database,
                owed: owed.map(|owed| Owed {
                    end: owed.end,
                    tables: owed.tables,
                }),
                left_open,
                announced: self.announced,
            }),
            (Some(_), _) => return Found::Foreign("damaged: a plan that owes".to_owned()),
        })
    }
}

fn read_attempt(epoch: &str, round: u64) -> Option<Attempt> {
    let epoch = u64::from_str_radix(epoch, 16).ok()?;
    Some(Attempt {
        epoch: Epoch(epoch),
        round,
    })
}

/// An upper bound of the bytes that a plan, and a claim that owes the same, take, with all tables that either of them names:
/// what a round is sealed early for.
#[must_use]
pub fn encoded_bytes_max<'t>(
    connector: &str,
    database: &str,
    tables: impl Iterator<Item = &'t str>,
) -> usize {
    // Field names, punctuation, the epoch, and five integers of at most 20 digits.
    const FIXED: usize = 140 + 16 + 5 * 20;
    FIXED
        + json_bytes(connector)
        + json_bytes(database)
        + tables.map(|table| json_bytes(table) + 1).sum::<usize>()
}

fn json_bytes(text: &str) -> usize {
    let escaped: usize = text
        .chars()
        .map(|c| if c < ' ' { 6 } else { c.len_utf8() })
        .sum();
    let quoted = text.chars().filter(|c| matches!(c, '"' | '\\')).count();
    escaped + quoted + 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn attempt() -> impl Strategy<Value = Attempt> {
        (any::<u64>(), any::<u64>()).prop_map(|(epoch, round)| Attempt {
            epoch: Epoch(epoch),
            round,
        })
    }

    fn tables() -> impl Strategy<Value = Vec<Arc<str>>> {
        proptest::collection::vec(".{1,40}".prop_map(Arc::from), 0..12)
    }

    fn metadata() -> impl Strategy<Value = Metadata> {
        let announced = || proptest::option::of(tables().prop_map(BTreeSet::from_iter));
        let plan = (
            attempt(),
            ".{0,20}",
            any::<i64>(),
            tables(),
            any::<i64>(),
            announced(),
        )
            .prop_map(
                |(attempt, database, end, tables, prepared_at_ms, announced)| {
                    Metadata::Plan(Plan {
                        attempt,
                        database: database.into(),
                        end,
                        tables,
                        prepared_at_ms,
                        announced,
                    })
                },
            );
        let owed = proptest::option::of(
            (any::<i64>(), tables()).prop_map(|(end, tables)| Owed { end, tables }),
        );
        let left_open = (attempt(), ".{0,20}").prop_map(|(attempt, database)| LeftOpen {
            attempt,
            database: database.into(),
        });
        let left_open = proptest::collection::vec(left_open, 0..3);
        let claim = (attempt(), ".{0,20}", owed, left_open, announced()).prop_map(
            |(attempt, database, owed, left_open, announced)| {
                Metadata::Claim(Claim {
                    attempt,
                    database: database.into(),
                    owed,
                    left_open,
                    announced,
                })
            },
        );
        prop_oneof![plan, claim]
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(metadata in metadata(), connector in ".{0,30}") {
            let text = metadata.encode(&connector);
            prop_assert_eq!(Metadata::decode(text.as_bytes(), &connector), Found::Ours(metadata));
        }

        #[test]
        fn the_bound_holds(metadata in metadata(), connector in ".{0,30}") {
            let owed = match &metadata {
                Metadata::Plan(_) => None,
                Metadata::Claim(claim) => claim.owed.as_ref(),
            };
            let announced = metadata.announced();
            let planned = match &metadata {
                Metadata::Plan(plan) => &plan.tables[..],
                Metadata::Claim(_) => &[],
            };
            let owed = owed.iter().flat_map(|owed| &owed.tables);
            let tables = owed.chain(planned).chain(announced.iter().flatten());
            let bound = encoded_bytes_max(&connector, metadata.database(), tables.map(|t| &**t));
            let mut metadata = metadata.clone();
            if let Metadata::Claim(claim) = &mut metadata {
                // The ledger leaves out what does not fit.
                claim.left_open.clear();
            }
            prop_assert!(metadata.encode(&connector).len() <= bound);
        }

        #[test]
        fn anybodys_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let found = Metadata::decode(&bytes, "orders");
            let expected = if bytes.is_empty() { matches!(found, Found::Nothing) } else { matches!(found, Found::Foreign(_)) };
            prop_assert!(expected);
        }
    }

    #[test]
    fn the_stored_text_is_fixed() {
        let attempt = Attempt {
            epoch: Epoch(0xab),
            round: 7,
        };
        let plan = Metadata::Plan(Plan {
            attempt,
            database: "shop".into(),
            end: 120,
            tables: vec!["orders".into()],
            prepared_at_ms: 1_700_000_000_123,
            announced: None,
        });
        assert_eq!(
            plan.encode("c"),
            r#"{"v":1,"connector":"c","epoch":"00000000000000ab","round":7,"db":"shop","plan":{"end":120,"tables":["orders"],"prepared_at":1700000000123}}"#
        );
        let owed = Some(Owed {
            end: 9,
            tables: vec!["t".into()],
        });
        let mut claim = Claim {
            attempt,
            database: "shop".into(),
            owed,
            left_open: Vec::new(),
            announced: None,
        };
        assert_eq!(
            Metadata::Claim(claim.clone()).encode("c"),
            r#"{"v":1,"connector":"c","epoch":"00000000000000ab","round":7,"db":"shop","owed":{"end":9,"tables":["t"]}}"#
        );
        claim.left_open.push(LeftOpen {
            attempt: Attempt {
                epoch: Epoch(0xcd),
                round: 3,
            },
            database: "old".into(),
        });
        claim.owed = None;
        assert_eq!(
            Metadata::Claim(claim).encode("c"),
            r#"{"v":1,"connector":"c","epoch":"00000000000000ab","round":7,"db":"shop","open":[{"epoch":"00000000000000cd","round":3,"db":"old"}]}"#
        );
        let announced = Metadata::Claim(Claim {
            attempt,
            database: "shop".into(),
            owed: None,
            left_open: Vec::new(),
            announced: Some(BTreeSet::from(["b".into(), "a".into()])),
        });
        assert_eq!(
            announced.encode("c"),
            r#"{"v":1,"connector":"c","epoch":"00000000000000ab","round":7,"db":"shop","announced":["a","b"]}"#
        );
    }

    #[test]
    fn foreign_and_newer_metadata_is_no_plan() {
        let check = |bytes: &[u8], expect: fn(&Found) -> bool| {
            let found = Metadata::decode(bytes, "c");
            assert!(
                expect(&found),
                "{} → {found:?}",
                String::from_utf8_lossy(bytes)
            );
        };
        check(b"", |f| matches!(f, Found::Nothing));
        check(b"hello", |f| matches!(f, Found::Foreign(_)));
        check(b"\xff\xfe", |f| matches!(f, Found::Foreign(_)));
        check(br#"{"v":1,"connector":"d"}"#, |f| {
            matches!(f, Found::Foreign(_))
        });
        check(br#"{"v":1,"connector":"c"}"#, |f| {
            matches!(f, Found::Foreign(_))
        });
        check(br#"{"v":2,"connector":"c"}"#, |f| {
            matches!(f, Found::Newer(2))
        });
        check(
            br#"{"v":1,"connector":"c","epoch":"zz","round":1,"db":"d"}"#,
            |f| matches!(f, Found::Foreign(_)),
        );
    }
}
