//! The exactly-once oracle: of every record that was sent, a table holds one row, and no others.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::quoted_for_starrocks as quoted;
use crate::sql::{SqlError, SqlValue};
use crate::standin::StandIn;

/// The table to look at and the columns that tell which record a row came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// Database.
    pub db: String,
    /// Table.
    pub table: String,
    /// Column with the topic; `None` where all rows are of one topic, whose name is then the empty text.
    pub topic: Option<String>,
    /// Column with the partition.
    pub partition: String,
    /// Column with the offset, or with a sequence number that counts from 0 in each partition.
    pub offset: String,
}

impl Traced {
    /// A table whose rows are of one topic.
    #[must_use]
    pub fn new(db: &str, table: &str, partition: &str, offset: &str) -> Self {
        let own = str::to_owned;
        Self {
            db: own(db),
            table: own(table),
            topic: None,
            partition: own(partition),
            offset: own(offset),
        }
    }

    /// A table with a column for the topic.
    #[must_use]
    pub fn with_topic(self, column: &str) -> Self {
        Self {
            topic: Some(column.to_owned()),
            ..self
        }
    }
}

/// The records of one partition: offsets from 0 up to `records`, but for those left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Topic; empty where [`Traced`] has no column for it.
    pub topic: String,
    /// Partition.
    pub partition: i64,
    /// Number of records.
    pub records: u64,
    /// Offsets that must not be there, such as those of dead letters.
    pub except: BTreeSet<u64>,
}

impl Expected {
    /// All of `[0, records)`.
    #[must_use]
    pub fn all(topic: &str, partition: i64, records: u64) -> Self {
        Self {
            topic: topic.to_owned(),
            partition,
            records,
            except: BTreeSet::new(),
        }
    }
}

/// Every record is there once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Rows that were seen.
    pub rows: u64,
    /// Partitions that were looked at.
    pub partitions: usize,
}

/// What is wrong with one partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Findings {
    /// Offsets without a row.
    pub missing: Vec<u64>,
    /// Offsets with several rows, and how many.
    pub double: Vec<(u64, u64)>,
    /// Rows of records that are not expected.
    pub unexpected: Vec<i64>,
}

impl Findings {
    fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.double.is_empty() && self.unexpected.is_empty()
    }
}

/// The table does not hold each record once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OracleError {
    /// The table could not be read.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// A row does not say where it came from.
    #[error("{table} has a row whose partition or offset is not a number: {row}")]
    Untraceable {
        /// Table.
        table: String,
        /// The row's partition and offset.
        row: String,
    },
    /// Records are missing, double or unexpected.
    #[error("{}", shown(table, findings))]
    NotOnce {
        /// Table.
        table: String,
        /// By topic and partition; partitions without findings are not there.
        findings: BTreeMap<(String, i64), Findings>,
    },
}

/// Offsets as ranges, the first few of them.
fn ranges(offsets: &[u64]) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for offset in offsets {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *offset => *last = *offset,
            _ => ranges.push((*offset, *offset)),
        }
    }
    let show = |(first, last): &(u64, u64)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first}..={last}")
        }
    };
    listed(ranges.iter().map(show))
}

fn listed(parts: impl ExactSizeIterator<Item = String>) -> String {
    const SHOWN: usize = 10;
    let more = parts.len().saturating_sub(SHOWN);
    let mut text = parts.take(SHOWN).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

fn shown(table: &str, findings: &BTreeMap<(String, i64), Findings>) -> String {
    let mut lines = vec![format!("{table} does not hold each record once")];
    for ((topic, partition), f) in findings {
        let mut line = format!("  {topic}-{partition}:");
        if !f.missing.is_empty() {
            line.push_str(&format!(
                " {} missing ({});",
                f.missing.len(),
                ranges(&f.missing)
            ));
        }
        if !f.double.is_empty() {
            let each = f
                .double
                .iter()
                .map(|(offset, times)| format!("{offset} {times} times"));
            line.push_str(&format!(" {} double ({});", f.double.len(), listed(each)));
        }
        if !f.unexpected.is_empty() {
            let each = f.unexpected.iter().map(ToString::to_string);
            line.push_str(&format!(
                " {} unexpected ({});",
                f.unexpected.len(),
                listed(each)
            ));
        }
        lines.push(line.trim_end_matches(';').to_owned());
    }
    lines.join("\n")
}

type Seen = BTreeMap<(String, i64), BTreeMap<i64, u64>>;

/// Whether the table holds one row for each expected record and no others.
///
/// # Errors
/// [`OracleError::NotOnce`] lists what is missing, double or unexpected; the others say why the table could not be judged.
pub fn exactly_once(
    stand_in: &StandIn,
    traced: &Traced,
    expected: &[Expected],
) -> Result<Report, OracleError> {
    let name = format!("{}.{}", traced.db, traced.table);
    let topic = traced
        .topic
        .as_ref()
        .map_or_else(|| "''".to_owned(), |c| quoted(c));
    let (partition, offset) = (quoted(&traced.partition), quoted(&traced.offset));
    let result = stand_in.sql(&format!(
        "SELECT {topic}, {partition}, {offset}, count(*) FROM {}.{} GROUP BY 1, 2, 3",
        quoted(&traced.db),
        quoted(&traced.table)
    ))?;
    let mut seen = Seen::new();
    for row in &result.rows {
        match row.as_slice() {
            [
                topic,
                SqlValue::Integer(partition),
                SqlValue::Integer(offset),
                SqlValue::Integer(times),
            ] => {
                let times = u64::try_from(*times).unwrap_or(0);
                seen.entry((topic.to_string(), *partition))
                    .or_default()
                    .insert(*offset, times);
            }
            other => {
                let row = other
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(" ");
                return Err(OracleError::Untraceable { table: name, row });
            }
        }
    }
    judged(name, seen, expected)
}

fn judged(table: String, mut seen: Seen, expected: &[Expected]) -> Result<Report, OracleError> {
    let rows = seen.values().flat_map(BTreeMap::values).sum();
    let mut findings = BTreeMap::new();
    for e in expected {
        let key = (e.topic.clone(), e.partition);
        let mut found = Findings::default();
        let mut offsets = seen.remove(&key).unwrap_or_default();
        for offset in (0..e.records).filter(|o| !e.except.contains(o)) {
            match i64::try_from(offset).ok().and_then(|o| offsets.remove(&o)) {
                None => found.missing.push(offset),
                Some(1) => {}
                Some(times) => found.double.push((offset, times)),
            }
        }
        found.unexpected = offsets.into_keys().collect();
        if !found.is_empty() {
            findings.insert(key, found);
        }
    }
    for (key, offsets) in seen {
        let found = Findings {
            unexpected: offsets.into_keys().collect(),
            ..Findings::default()
        };
        findings.insert(key, found);
    }
    if findings.is_empty() {
        return Ok(Report {
            rows,
            partitions: expected.len(),
        });
    }
    Err(OracleError::NotOnce { table, findings })
}

#[cfg(test)]
mod tests {
    use super::{Expected, Report, Seen, judged};

    fn check(seen: &[(i64, &[(i64, u64)])], expected: &[Expected], message: Option<&str>) {
        let seen: Seen = seen
            .iter()
            .map(|(p, offsets)| (("t".to_owned(), *p), offsets.iter().copied().collect()))
            .collect();
        let rows = seen.values().flat_map(|o| o.values()).sum();
        match (judged("d.t".to_owned(), seen, expected), message) {
            (Ok(report), None) => assert_eq!(
                report,
                Report {
                    rows,
                    partitions: expected.len()
                }
            ),
            (Err(error), Some(message)) => assert_eq!(error.to_string(), message),
            (got, expect) => panic!("{got:?} but {expect:?} was expected"),
        }
    }

    #[test]
    fn missing_double_and_unexpected_rows_are_told() {
        let two = [Expected::all("t", 0, 3), Expected::all("t", 1, 1)];
        check(
            &[(0, &[(0, 1), (1, 1), (2, 1)]), (1, &[(0, 1)])],
            &two,
            None,
        );
        check(&[], &[Expected::all("t", 0, 0)], None);
        check(
            &[(0, &[(1, 2), (5, 1)]), (7, &[(0, 1)])],
            &two,
            Some(
                "d.t does not hold each record once\n  t-0: 2 missing (0, 2); 1 double (1 2 times); 1 unexpected (5)\n  \
                 t-1: 1 missing (0)\n  t-7: 1 unexpected (0)",
            ),
        );
        let mut but_one = Expected::all("t", 0, 3);
        but_one.except.insert(1);
        check(
            &[(0, &[(0, 1), (2, 1)])],
            std::slice::from_ref(&but_one),
            None,
        );
        let message = "d.t does not hold each record once\n  t-0: 1 missing (2); 1 unexpected (1)";
        check(&[(0, &[(0, 1), (1, 1)])], &[but_one], Some(message));
        let message = "d.t does not hold each record once\n  t-0: 5 missing (0, 2..=5)";
        check(
            &[(0, &[(1, 1)])],
            &[Expected::all("t", 0, 6)],
            Some(message),
        );
    }
}
