//! What the demo says at its end: numbers, rows, and where to go from here.

use std::fmt;
use std::io;
use std::time::Duration;

use indicatif::HumanCount;
use starrocks_kafka_testbed::{SqlError, StandIn};

use super::files::{DemoFiles, TOPIC};
use super::page::Page;
use super::progress::rate;
use crate::cli::DemoFormat;

/// How an order of one's own begins.
const EXAMPLE_ORDER: &str = r#"{"id":0,"customer":"You","product":"lamp","quantity":1,"price":39.90,"status":"new","created":"2025-06-01 12:00:00"}"#;

/// The same as a line of CSV.
const EXAMPLE_LINE: &str = r"0|You|lamp|1|39.90|new|2025-06-01 12:00:00|\N";

/// The same where a schema wants every field.
const EXAMPLE_WITH_SCHEMA: &str = r#"{"id":0,"customer":"You","product":"lamp","quantity":1,"price":39.90,"status":"new","created":"2025-06-01 12:00:00","note":null}"#;

/// Queries whose answers are shown.
const QUERIES: [&str; 2] = [
    "SELECT id, customer, product, quantity, price, status, created FROM shop.orders ORDER BY id LIMIT 5",
    "SELECT status, COUNT(*) AS orders, ROUND(SUM(quantity * price), 2) AS total\n  FROM shop.orders GROUP BY status ORDER BY orders DESC",
];

/// What the table holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) rows: u64,
    pub(super) ids: u64,
    pub(super) first: u64,
    pub(super) last: u64,
}

impl Counted {
    /// Asks the table itself.
    pub(super) fn of(stand_in: &StandIn) -> Result<Self, SqlError> {
        let number = |what: &str| -> Result<u64, SqlError> {
            let answer = stand_in.sql(&format!("SELECT {what} FROM shop.orders"))?;
            Ok(answer
                .number()
                .and_then(|number| u64::try_from(number).ok())
                .unwrap_or(0))
        };
        Ok(Self {
            rows: number("COUNT(*)")?,
            ids: number("COUNT(DISTINCT id)")?,
            first: number("MIN(id)")?,
            last: number("MAX(id)")?,
        })
    }

    /// Whether the table holds what it must: each of `sent` orders once where all were `committed`, and of a
    /// stream that was stopped early at least those that were committed, each once.
    pub(super) fn check(self, sent: u64, committed: u64) -> Result<Self, NotOnce> {
        let all = Self {
            rows: sent,
            ids: sent,
            first: u64::from(sent > 0),
            last: sent,
        };
        let right = if committed == sent {
            self == all
        } else {
            self.rows == self.ids && (committed..=sent).contains(&self.rows)
        };
        if right {
            Ok(self)
        } else {
            Err(NotOnce {
                counted: self,
                sent,
                committed,
            })
        }
    }
}

/// A row is missing or double.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "shop.orders does not hold each order once: {} rows with {} different ids from {} to {}, but {sent} orders were \
     sent with the ids from 1, and {committed} of them committed as loaded",
    counted.rows, counted.ids, counted.first, counted.last
)]
pub(super) struct NotOnce {
    counted: Counted,
    sent: u64,
    committed: u64,
}

/// The three lines of numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Summary {
    pub(super) sent: u64,
    pub(super) committed: u64,
    pub(super) counted: Counted,
    /// From the start of the worker to the first record read.
    pub(super) joining: Duration,
    /// From there to the last row.
    pub(super) loading: Duration,
    pub(super) bytes: u64,
    pub(super) rounds: u64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = HumanCount;
        let Counted {
            rows,
            ids,
            first,
            last,
        } = self.counted;
        if rows == 0 {
            return f.write_str("no record had become a row yet");
        }
        writeln!(
            f,
            "{} records became {} rows, each once: {} different ids, from {} to {}",
            count(self.committed),
            count(rows),
            count(ids),
            count(first),
            count(last)
        )?;
        writeln!(
            f,
            "{:.1} s to join the consumer group, then {:.1} s of loading: {} rows/s, {:.1} MB/s",
            self.joining.as_secs_f64(),
            self.loading.as_secs_f64(),
            count(rate(rows, self.loading)),
            rate(self.bytes, self.loading) as f64 / 1e6
        )?;
        write!(
            f,
            "transactions in StarRocks: {}; lag now {}",
            count(self.rounds),
            count(self.sent.saturating_sub(self.committed))
        )
    }
}

/// Shows some rows, as SQL answers them.
pub(super) fn show_rows(page: &mut Page<'_>, stand_in: &StandIn) -> Result<(), ShowError> {
    page.heading("What is in the table")?;
    for (number, query) in QUERIES.into_iter().enumerate() {
        let blank = if number == 0 { "" } else { "\n" };
        page.body(format!("{blank}> {query}\n{}", stand_in.sql(query)?))?;
    }
    Ok(())
}

/// Rows could not be shown.
#[derive(Debug, thiserror::Error)]
pub(super) enum ShowError {
    #[error(transparent)]
    Output(#[from] io::Error),
    #[error(transparent)]
    Sql(#[from] SqlError),
}

/// Says which files were used.
pub(super) fn show_files(page: &mut Page<'_>, files: &DemoFiles) -> io::Result<()> {
    page.heading("The files it ran on")?;
    for file in files.all() {
        page.body(format!("{:<18} {}", file.name(), file.about))?;
    }
    page.body(match files.kept() {
        Some(folder) => format!("kept in {}", folder.display()),
        None => "shown above and not kept; --folder DIR keeps them".to_owned(),
    })
}

/// Says how to look further at what goes on running.
pub(super) fn show_open(page: &mut Page<'_>, stand_in: &StandIn) -> io::Result<()> {
    page.heading("It keeps running: Ctrl-C ends it")?;
    page.body("Ask the table as one asks StarRocks, or without a client:")?;
    if let Some(mysql) = stand_in.mysql_addr() {
        let (host, port) = (mysql.ip(), mysql.port());
        page.body(format!("  mysql -h{host} -P{port} -uroot shop"))?;
    }
    let http_url = stand_in.http_url();
    let query = "SELECT product, COUNT(*) FROM shop.orders GROUP BY product";
    page.body(format!("  curl http://{http_url}/testbed/sql -d '{query}'"))?;
    Ok(())
}

/// Says how to send an order of one's own.
pub(super) fn show_own_order(
    page: &mut Page<'_>,
    format: DemoFormat,
    bootstrap_servers: &str,
    registry_url: Option<&str>,
) -> io::Result<()> {
    let own = "Send an order of your own, by any Kafka client; it is in the table a second later:";
    let tool = match format {
        DemoFormat::Avro => "avro",
        DemoFormat::Protobuf => "protobuf",
        DemoFormat::JsonSchema => "json-schema",
        DemoFormat::Json | DemoFormat::Csv => {
            let example = match format {
                DemoFormat::Csv => EXAMPLE_LINE,
                _ => EXAMPLE_ORDER,
            };
            page.body(own)?;
            return page.body(format!(
                "  echo '{example}' \\\n    | kcat -P -b {bootstrap_servers} -t {TOPIC}"
            ));
        }
    };
    let registry_url = registry_url.unwrap_or_default();
    page.body("Look at the schema, as one asks any Schema Registry:")?;
    page.body(format!(
        "  curl {registry_url}/subjects/{TOPIC}-value/versions/latest"
    ))?;
    page.body(own)?;
    page.body(format!(
        "  echo '{EXAMPLE_WITH_SCHEMA}' \\
    | kafka-{tool}-console-producer --bootstrap-server {bootstrap_servers} --topic {TOPIC} \\
      --property schema.registry.url={registry_url} --property value.schema.id=1"
    ))
}

/// Says where to go from here.
pub(super) fn show_next(page: &mut Page<'_>, files: &DemoFiles) -> io::Result<()> {
    page.heading("How to go on")?;
    page.body(
        "starrocks-kafka demo --keep
    goes on running, to be asked by SQL and given more records",
    )?;
    let folder = files
        .kept()
        .map_or_else(|| "DIR".to_owned(), |kept| kept.display().to_string());
    if files.kept().is_none() {
        page.body(
            "starrocks-kafka demo --folder DIR
    keeps the files",
        )?;
    }
    let (worker, connector) = (files.worker.name(), files.connector.name());
    page.body(format!(
        "starrocks-kafka standalone {folder}/{worker} {folder}/{connector}
    loads for real: set your bootstrap.servers, starrocks.http.url and user, and take out
    starrocks.delivery.guarantee, so that each row comes once even when the process is killed"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_is_missing_or_double_is_found() {
        let check = |rows: u64, ids: u64, last: u64, committed: u64, right: bool| {
            let counted = Counted {
                rows,
                ids,
                first: u64::from(rows > 0),
                last,
            };
            let result = counted.check(10, committed);
            assert_eq!(
                result.is_ok(),
                right,
                "{counted:?}, {committed}: {result:?}"
            );
        };
        check(10, 10, 10, 10, true);
        check(9, 9, 10, 10, false);
        check(11, 10, 10, 10, false);
        check(10, 9, 10, 10, false);
        check(10, 10, 11, 10, false);
        // Stopped early.
        check(7, 7, 9, 7, true);
        check(8, 8, 9, 7, true);
        check(0, 0, 0, 0, true);
        check(6, 6, 9, 7, false);
        check(8, 7, 9, 7, false);
        check(11, 11, 11, 7, false);
    }

    #[test]
    fn what_is_wrong_is_told_in_a_line() {
        let counted = Counted {
            rows: 4,
            ids: 3,
            first: 1,
            last: 5,
        };
        let error = counted.check(5, 5).expect_err("one is missing, one double");
        assert_eq!(
            error.to_string(),
            "shop.orders does not hold each order once: 4 rows with 3 different ids from 1 to 5, but 5 orders were \
             sent with the ids from 1, and 5 of them committed as loaded"
        );
    }
}
