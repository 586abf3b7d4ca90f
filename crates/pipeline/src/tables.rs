//! What StarRocks says of its tables, and the columns that they get: by SQL where `starrocks.mysql.url` is set, else by HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use starrocks_kafka_starrocks::{CallError, MysqlClient, MysqlError, Refusal, TableDescription};
use tokio::sync::Mutex;

use crate::backoff::Backoff;
use crate::encode::NewColumn;
use crate::warehouse::Warehouse;

/// For one question.
const ASK_LIMIT: Duration = Duration::from_secs(15);
/// For a change of a table, which StarRocks answers when it has begun.
const ALTER_LIMIT: Duration = Duration::from_secs(60);

/// StarRocks by the MySQL protocol, for all tasks of a connector.
#[derive(Clone)]
pub struct Sql {
    client: MysqlClient,
    /// Tasks see a new field at the same time, and one of them is to add its column.
    alters: Arc<Mutex<()>>,
    /// Whether it was said that the protocol is of no use.
    is_told: Arc<AtomicBool>,
}

impl Sql {
    /// By this client.
    #[must_use]
    pub fn new(client: MysqlClient) -> Self {
        Self {
            client,
            alters: Arc::default(),
            is_told: Arc::default(),
        }
    }
}

/// Columns were not added.
#[derive(Debug, thiserror::Error)]
pub enum AddColumnsError {
    /// There is no way to.
    #[error("starrocks.mysql.url is not set")]
    NoSql,
    /// StarRocks refuses it.
    #[error(transparent)]
    Refused(#[from] MysqlError),
}

impl Warehouse {
    /// What a table is, asked for until StarRocks answers. Needs SELECT. Its model, and what takes no NULL, is asked for only where
    /// `with_details`.
    ///
    /// # Errors
    /// Only what StarRocks would answer for ever: there is no such table, the user may not see it.
    pub async fn describe(
        &self,
        table: &str,
        with_details: bool,
    ) -> Result<TableDescription, CallError> {
        let what = format!("read the columns of table {table}");
        let mut backoff = Backoff::new();
        loop {
            if let Some(sql) = self.sql() {
                match sql
                    .client
                    .describe_table(self.database(), table, ASK_LIMIT)
                    .await
                {
                    Ok(description) => {
                        self.succeeded(&what);
                        return Ok(description);
                    }
                    Err(error) if is_permanent(&error) => self.tell_once(sql, &error),
                    Err(error) => {
                        self.try_sql_again(&what, &error);
                        backoff.wait().await;
                        continue;
                    }
                }
            }
            match self.describe_by_http(table, with_details).await {
                Ok(description) => {
                    self.succeeded(&what);
                    return Ok(description);
                }
                Err(error) => {
                    self.again_unless_permanent(&what, error, &mut backoff)
                        .await?
                }
            }
        }
    }

    async fn describe_by_http(
        &self,
        table: &str,
        with_details: bool,
    ) -> Result<TableDescription, CallError> {
        let (client, database) = (self.client(), self.database());
        let mut description = TableDescription {
            model: None,
            columns: client.table_columns(database, table, ASK_LIMIT).await?,
        };
        if with_details {
            let details = client.table_details(database, table, ASK_LIMIT).await?;
            description.add(details);
        }
        Ok(description)
    }

    /// Adds the columns that a table does not have, and waits until it shows all: a change of a table may take minutes, and
    /// while it does, StarRocks refuses another one.
    ///
    /// # Errors
    /// There is no SQL, or StarRocks would refuse it for ever.
    pub async fn add_columns(
        &self,
        table: &str,
        columns: &[NewColumn],
    ) -> Result<TableDescription, AddColumnsError> {
        let sql = self.sql().ok_or(AddColumnsError::NoSql)?;
        let what = format!("add columns to table {table}");
        let mut backoff = Backoff::new();
        let _one_at_a_time = sql.alters.lock().await;
        loop {
            match self.add_missing(sql, table, columns).await {
                Ok(Some(description)) => {
                    self.succeeded(&what);
                    return Ok(description);
                }
                Ok(None) => {}
                Err(error) if is_permanent(&error) => return Err(error.into()),
                Err(error) => self.try_sql_again(&what, &error),
            }
            backoff.wait().await;
        }
    }

    /// What the table is where it has all columns; else those that it lacks are asked for.
    async fn add_missing(
        &self,
        sql: &Sql,
        table: &str,
        columns: &[NewColumn],
    ) -> Result<Option<TableDescription>, MysqlError> {
        let (client, database) = (&sql.client, self.database());
        let has = |description: &TableDescription, name: &str| {
            description.columns.iter().any(|column| column.name == name)
        };
        let before = client.describe_table(database, table, ASK_LIMIT).await?;
        let missing: Vec<_> = columns
            .iter()
            .filter(|column| !has(&before, &column.name))
            .map(|column| (column.name.as_str(), column.column_type.as_str()))
            .collect();
        if missing.is_empty() {
            return Ok(Some(before));
        }
        let added = client
            .add_columns(database, table, &missing, ALTER_LIMIT)
            .await;
        // Another worker may have added them meanwhile, or the answer was lost.
        let after = client.describe_table(database, table, ASK_LIMIT).await?;
        if missing.iter().all(|(name, _)| has(&after, name)) {
            return Ok(Some(after));
        }
        added.map(|()| None)
    }

    fn try_sql_again(&self, what: &str, error: &MysqlError) {
        let unavailable = matches!(
            error,
            MysqlError::Unreachable { .. } | MysqlError::TimedOut { .. }
        );
        self.failed(what, &error.to_string(), unavailable);
    }

    /// What is asked for by SQL and refused may be had by HTTP.
    fn tell_once(&self, sql: &Sql, error: &MysqlError) {
        if !sql.is_told.swap(true, Ordering::Relaxed) {
            self.report(format!(
                "starrocks.mysql.url is of no use for the columns of tables, which are asked for by HTTP: {error}"
            ));
        }
    }
}

/// Whether it would be answered so again. A statement whose answer was lost may have been done: that shows.
fn is_permanent(error: &MysqlError) -> bool {
    match error {
        MysqlError::AccessDenied { .. } | MysqlError::UnknownTable { .. } => true,
        MysqlError::Refused { refusal, .. } => *refusal != Refusal::SchemaChangeInProgress,
        _ => false,
    }
}
