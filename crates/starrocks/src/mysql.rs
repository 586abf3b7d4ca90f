//! Questions to StarRocks by MySQL's protocol: what only that tells of a table, and columns that are added to it.
//!
//! User name and table names cross the network in the clear, the password only as `mysql_native_password` proves it: StarRocks'
//! MySQL port has no TLS unless it is configured, and this client none at all.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::access::{Column, TableDescription, TableModel};
use crate::config::Secret;
use crate::rotation::Rotation;

mod address;
mod connection;
mod error;
mod statement;

pub use address::MysqlAddress;
use connection::{Connection, Fault, Refused, Row};
use error::Asked;
pub use error::{MysqlError, Refusal};

/// Asks the front ends by MySQL's protocol. A clone shares what is known of their health.
///
/// Each call makes a connection of its own and leaves it at its end: calls are as rare as changes of tables. The addresses are tried
/// in order, the last good one first; one that cannot be connected to, breaks the connection or takes too long is followed by the
/// next. Never repeats what may have been done.
#[derive(Clone, Debug)]
pub struct MysqlClient {
    addresses: Arc<[MysqlAddress]>,
    user: String,
    password: Secret,
    connect_timeout: Duration,
    rotation: Arc<Mutex<Rotation>>,
}

/// Addresses that are left to try, and what happened at the others.
struct Round {
    left: VecDeque<usize>,
    tried: Vec<String>,
    limit: Duration,
    deadline: Instant,
}

impl Round {
    /// Until when the next address may take: its part of the time that is left, so that one which hangs leaves some for the others.
    fn share(&self) -> Instant {
        let now = Instant::now();
        let left = u32::try_from(self.left.len()).unwrap_or(u32::MAX);
        now + self.deadline.saturating_duration_since(now) / left.max(1)
    }

    /// The error when no address is left or the time is up.
    fn over(&self, asked: Asked<'_>) -> MysqlError {
        let (action, tried) = (asked.action(), self.tried.join("; "));
        if Instant::now() >= self.deadline {
            let limit = self.limit;
            return MysqlError::TimedOut {
                action,
                limit,
                tried,
            };
        }
        MysqlError::Unreachable { action, tried }
    }
}

impl MysqlClient {
    /// A client for these addresses, which are not asked yet. `connect_timeout` is the longest time to make one connection
    /// (`connect.timeoutms`); the login counts for the limit of a call.
    pub fn new(
        addresses: Vec<MysqlAddress>,
        user: impl Into<String>,
        password: Secret,
        connect_timeout: Duration,
    ) -> MysqlClient {
        MysqlClient {
            rotation: Arc::new(Mutex::new(Rotation::new(addresses.len()))),
            addresses: addresses.into(),
            user: user.into(),
            password,
            connect_timeout,
        }
    }

    /// What a table is, by `information_schema.columns` and `tables_config`. Any right on the table will do.
    ///
    /// A change of the table's columns shows when StarRocks has done it, and at a front end that does not lead a moment later.
    ///
    /// # Errors
    /// [`MysqlError::UnknownTable`] and [`MysqlError::AccessDenied`] where StarRocks says so, [`MysqlError::Unreachable`] and
    /// [`MysqlError::TimedOut`] where no front end answers. All may be asked again.
    pub async fn describe_table(
        &self,
        database: &str,
        table: &str,
        limit: Duration,
    ) -> Result<TableDescription, MysqlError> {
        let asked = self.asked("describing", "INSERT", database, table);
        let mut round = self.round(limit);
        loop {
            let (index, mut connection, share) = self.log_in(&mut round, asked).await?;
            let described = timeout_at(share, described(&mut connection, database, table)).await;
            let address = &self.addresses[index];
            match described {
                Ok(Ok(table)) => {
                    self.left(index, connection).await;
                    return Ok(table);
                }
                Ok(Err(Fault::Refused(refused))) => {
                    self.left(index, connection).await;
                    return Err(asked.refused(address, refused));
                }
                Ok(Err(Fault::Broken(what))) => self.failed(&mut round, index, &what),
                Err(_) => self.failed(&mut round, index, TOO_LATE),
            }
        }
    }

    /// Adds columns behind the others, given by name and StarRocks type as it stands in a statement (`ARRAY<DATETIME>`); they may be
    /// NULL. All of them are added by one statement, or none. Needs ALTER on the table.
    ///
    /// StarRocks answers when it has begun: with fast schema evolution the columns are there, without it they come some time later,
    /// when [`describe_table`](Self::describe_table) shows them, and the table takes no other change until then.
    ///
    /// # Errors
    /// [`MysqlError::Refused`] tells by its [`Refusal`] a column that is there already and a change that is not done yet.
    /// [`MysqlError::OutcomeUnknown`]: the statement was sent and may have been done. After every other error nothing was done. The
    /// types are not checked here: who calls must not take them from records.
    pub async fn add_columns(
        &self,
        database: &str,
        table: &str,
        columns: &[(&str, &str)],
        limit: Duration,
    ) -> Result<(), MysqlError> {
        if columns.is_empty() {
            return Ok(());
        }
        let asked = self.asked("ALTER TABLE", "ALTER", database, table);
        let mut round = self.round(limit);
        let (index, mut connection, _) = self.log_in(&mut round, asked).await?;
        let sql = statement::add_columns(database, table, columns);
        // From here on it may be done, so no other address is asked, and this one has all the time that is left.
        let done = timeout_at(round.deadline, connection.query(&sql)).await;
        let address = &self.addresses[index];
        let cause = match done {
            Ok(Ok(_)) => {
                self.left(index, connection).await;
                return Ok(());
            }
            Ok(Err(Fault::Refused(refused))) => {
                self.left(index, connection).await;
                return Err(asked.refused(address, refused));
            }
            Ok(Err(Fault::Broken(what))) => what,
            Err(_) => format!("{} ms were over", limit.as_millis()),
        };
        self.failed(&mut round, index, &cause);
        Err(MysqlError::OutcomeUnknown {
            action: asked.action(),
            address: address.clone(),
            cause,
        })
    }

    fn asked<'a>(
        &'a self,
        verb: &'static str,
        right: &'static str,
        database: &'a str,
        table: &'a str,
    ) -> Asked<'a> {
        Asked {
            verb,
            right,
            user: &self.user,
            database,
            table,
        }
    }

    fn round(&self, limit: Duration) -> Round {
        let now = Instant::now();
        Round {
            left: self.with_rotation(|rotation| rotation.order(now)).into(),
            tried: Vec::new(),
            limit,
            deadline: now + limit,
        }
    }

    fn with_rotation<T>(&self, look: impl FnOnce(&mut Rotation) -> T) -> T {
        look(&mut self.rotation.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Logs in at the next address that lets us; with its number and until when it may take.
    async fn log_in(
        &self,
        round: &mut Round,
        asked: Asked<'_>,
    ) -> Result<(usize, Connection, Instant), MysqlError> {
        loop {
            let share = round.share();
            let Some(index) = round.left.pop_front() else {
                return Err(round.over(asked));
            };
            let address = &self.addresses[index];
            let opening = Connection::open(
                address,
                &self.user,
                self.password.expose(),
                self.connect_timeout,
            );
            match timeout_at(share, opening).await {
                Ok(Ok(connection)) => return Ok((index, connection, share)),
                Ok(Err(Fault::Broken(what))) => self.failed(round, index, &what),
                Ok(Err(Fault::Refused(refused))) if Asked::is_denial(&refused) => {
                    return Err(asked.refused(address, refused));
                }
                // Such as too many connections, which another front end may not have.
                Ok(Err(Fault::Refused(Refused { code, message, .. }))) => {
                    self.failed(round, index, &format!("error {code}: {message}"));
                }
                Err(_) => self.failed(round, index, TOO_LATE),
            }
        }
    }

    /// Notes that an address did not do.
    fn failed(&self, round: &mut Round, index: usize, what: &str) {
        self.with_rotation(|rotation| rotation.failed(index, Instant::now()));
        let address = &self.addresses[index];
        tracing::debug!(%address, what, "a front end could not be asked by MySQL's protocol");
        round.tried.push(format!("{address}: {what}"));
    }

    /// Leaves an address that answered.
    async fn left(&self, index: usize, connection: Connection) {
        self.with_rotation(|rotation| rotation.answered(index));
        connection.quit().await;
    }
}

/// What is told of an address that did not answer in its part of the time.
const TOO_LATE: &str = "it did not answer in time";

async fn described(
    connection: &mut Connection,
    database: &str,
    table: &str,
) -> Result<TableDescription, Fault> {
    let columns = connection
        .query(&statement::columns(database, table))
        .await?;
    if columns.is_empty() {
        // Neither what is missing nor what the user has no right on is in `information_schema`: this is refused with the reason.
        connection
            .query(&statement::describe(database, table))
            .await?;
        // It came to be in between, or this front end has only heard of it.
        return Err(Fault::Broken(
            "it shows no columns of the table, although it knows it".to_owned(),
        ));
    }
    let model = match connection.query(&statement::model(database, table)).await {
        Ok(rows) => rows.first().and_then(|row| TableModel::of(value(row, 0))),
        // An older StarRocks has no such table.
        Err(Fault::Refused(_)) => None,
        Err(broken) => return Err(broken),
    };
    let of_key = || columns.iter().find_map(|row| model_of_key(value(row, 3)));
    Ok(TableDescription {
        model: model.or_else(of_key),
        columns: columns.iter().map(column).collect(),
    })
}

/// The text at this place; NULL is empty.
fn value(row: &Row, at: usize) -> &str {
    row.get(at).and_then(Option::as_deref).unwrap_or_default()
}

/// `COLUMN_KEY`, which is the beginning of the model's name (`FrontendServiceImpl.describeTable`).
fn model_of_key(key: &str) -> Option<TableModel> {
    match key {
        "PRI" => Some(TableModel::PrimaryKey),
        "UNI" => Some(TableModel::UniqueKey),
        "AGG" => Some(TableModel::AggregateKey),
        "DUP" => Some(TableModel::DuplicateKey),
        _ => None,
    }
}

/// The type is the whole one as StarRocks shows it there, which is in MySQL's words where MySQL has the type: `bigint(20)`,
/// `varchar(64)`, `tinyint(1)` for a BOOLEAN, `bigint(20) unsigned` for a LARGEINT, `array<datetime>`. An old StarRocks has `unknown`
/// for nested types.
fn column(row: &Row) -> Column {
    Column {
        is_nullable: Some(value(row, 2).eq_ignore_ascii_case("YES")),
        is_key: Some(!value(row, 3).is_empty()),
        ..Column::new(value(row, 0), value(row, 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_rows() {
        fn check(row: &[&str], expect: (&str, &str, bool, bool)) {
            let row: Row = row.iter().map(|text| Some((*text).to_owned())).collect();
            let (name, column_type, is_nullable, is_key) = expect;
            let expect = Column {
                is_nullable: Some(is_nullable),
                is_key: Some(is_key),
                ..Column::new(name, column_type)
            };
            assert_eq!(column(&row), expect, "{row:?}");
        }
        check(
            &["id", "int(11)", "NO", "PRI"],
            ("id", "int(11)", false, true),
        );
        check(
            &["a", "array<datetime>", "YES", ""],
            ("a", "array<datetime>", true, false),
        );
        check(&[], ("", "", false, false));
    }
}
