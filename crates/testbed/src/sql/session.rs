//! What a connection is while it lasts: who asks, which database is used, which variables are set.

use std::collections::BTreeMap;

use rusqlite::types::Value;

use crate::ddl::Statement;
use crate::options::Grant;
use crate::serve::SERVER;
use crate::store::Store;

use super::{SCHEMA, SqlError};

/// A connection's state.
#[derive(Debug, Clone, Default)]
pub(crate) struct Session {
    pub(crate) database: Option<String>,
    /// `name@host`, as `user()` tells it.
    pub(crate) user: String,
    pub(crate) id: u32,
    /// The user's rights; `None` may do everything.
    pub(crate) grants: Option<Vec<Grant>>,
    /// `now()`.
    pub(crate) now: String,
    /// Whether the next ALTER TABLE is begun only.
    pub(crate) alters_slowly: bool,
    variables: BTreeMap<String, String>,
}

/// What clients ask for when they connect, with StarRocks' values where they do not matter here.
const VARIABLES: [(&str, &str); 46] = [
    ("auto_increment_increment", "1"),
    ("auto_increment_offset", "1"),
    ("autocommit", "1"),
    ("character_set_client", "utf8mb4"),
    ("character_set_connection", "utf8mb4"),
    ("character_set_database", "utf8mb4"),
    ("character_set_results", "utf8mb4"),
    ("character_set_server", "utf8mb4"),
    ("collation_connection", "utf8mb4_general_ci"),
    ("collation_database", "utf8mb4_general_ci"),
    ("collation_server", "utf8mb4_general_ci"),
    ("default_storage_engine", "InnoDB"),
    ("foreign_key_checks", "1"),
    ("hostname", "localhost"),
    ("init_connect", ""),
    ("interactive_timeout", "3600"),
    ("language", "/starrocks/share/english/"),
    ("license", "Apache License 2.0"),
    ("lower_case_table_names", "0"),
    ("max_allowed_packet", "33554432"),
    ("net_buffer_length", "16384"),
    ("net_read_timeout", "60"),
    ("net_write_timeout", "60"),
    ("performance_schema", "0"),
    ("pseudo_thread_id", "0"),
    ("query_cache_size", "1048576"),
    ("query_cache_type", "0"),
    ("query_timeout", "300"),
    ("read_only", "0"),
    ("session_track_schema", "0"),
    ("socket", ""),
    ("sql_auto_is_null", "0"),
    ("sql_mode", "ONLY_FULL_GROUP_BY"),
    ("sql_safe_updates", "0"),
    ("sql_select_limit", "9223372036854775807"),
    ("storage_engine", "olap"),
    ("system_time_zone", "UTC"),
    ("time_zone", "UTC"),
    ("transaction_isolation", "REPEATABLE-READ"),
    ("transaction_read_only", "0"),
    ("tx_isolation", "REPEATABLE-READ"),
    ("tx_read_only", "0"),
    ("unique_checks", "1"),
    ("version", VERSION),
    ("version_comment", SERVER),
    ("wait_timeout", "28800"),
];

/// The version of MySQL whose protocol StarRocks says to speak.
pub(crate) const VERSION: &str = "8.0.33";

/// What `current_version()` answers.
pub(crate) const CURRENT_VERSION: &str = concat!("stand-in-", env!("CARGO_PKG_VERSION"));

impl Session {
    /// A connection of a user; without `grants` of one who may do everything.
    pub(crate) fn new(user: &str, id: u32, grants: Option<Vec<Grant>>) -> Self {
        Self {
            user: format!("'{user}'@'%'"),
            id,
            grants,
            ..Self::default()
        }
    }

    /// Forgets what the connection set.
    pub(crate) fn reset(&mut self) {
        self.database = None;
        self.variables.clear();
    }

    /// `USE`.
    pub(crate) fn enter(&mut self, store: &Store, db: &str) -> Result<(), SqlError> {
        if store.database(db).is_none() && !db.eq_ignore_ascii_case(SCHEMA) {
            return Err(SqlError::unknown_database(db));
        }
        self.database = Some(db.to_owned());
        Ok(())
    }

    /// `SET`: kept for who asks again, without any effect.
    pub(crate) fn set(&mut self, values: Vec<(String, String)>) {
        self.variables.extend(values);
    }

    /// The variables, those that were set over the others.
    pub(super) fn variables(&self) -> BTreeMap<&str, &str> {
        let own = self
            .variables
            .iter()
            .filter(|(name, _)| !name.starts_with('@'));
        VARIABLES
            .iter()
            .copied()
            .chain(own.map(|(name, value)| (name.as_str(), value.as_str())))
            .collect()
    }

    /// A system variable.
    pub(super) fn variable(&self, name: &str) -> Result<Value, SqlError> {
        let name = name.to_ascii_lowercase();
        let variables = self.variables();
        let value = variables
            .get(name.as_str())
            .ok_or_else(|| SqlError::coded(1193, format!("Unknown system variable '{name}'")))?;
        Ok(sql_value(value))
    }

    /// `@name`, which is NULL until it is set.
    pub(super) fn user_variable(&self, name: &str) -> Value {
        let key = format!("@{}", name.to_ascii_lowercase());
        self.variables
            .get(&key)
            .map_or(Value::Null, |v| sql_value(v))
    }

    /// Whether the user may run this. What needs a right on a table is looked at when it is known which, and that it is there.
    pub(super) fn may(&self, statement: &Statement) -> Result<(), SqlError> {
        let free = matches!(
            statement,
            Statement::Nothing
                | Statement::Use { .. }
                | Statement::Set(_)
                | Statement::Show(_)
                | Statement::Query
                | Statement::AlterTable { .. }
        );
        if free || self.may_all() {
            return Ok(());
        }
        Err(self.denied("privileges for this statement"))
    }

    fn may_all(&self) -> bool {
        self.grants
            .as_ref()
            .is_none_or(|grants| grants.contains(&Grant::All))
    }

    pub(super) fn may_select(&self, db: &str, table: &str) -> Result<(), SqlError> {
        let granted =
            |g: &Grant| matches!(g, Grant::Select { db: d, table: t } if d == db && t == table);
        let known = self
            .grants
            .as_ref()
            .is_some_and(|grants| grants.iter().any(granted));
        if known || db.eq_ignore_ascii_case(SCHEMA) || self.may_all() {
            return Ok(());
        }
        Err(self.denied(&format!("SELECT privilege on TABLE {table}")))
    }

    pub(super) fn may_alter(&self, db: &str, table: &str) -> Result<(), SqlError> {
        let granted =
            |g: &Grant| matches!(g, Grant::Alter { db: d, table: t } if d == db && t == table);
        if self.grants.as_ref().is_none_or(|g| g.iter().any(granted)) || self.may_all() {
            return Ok(());
        }
        Err(self.denied(&format!("ALTER privilege(s) on TABLE {table}")))
    }

    /// Whether the user may know of the table: any right on it will do.
    pub(super) fn may_know(&self, db: &str, table: &str) -> bool {
        let of_table = |g: &Grant| match g {
            Grant::All => true,
            Grant::Insert { db: d, table: t }
            | Grant::Select { db: d, table: t }
            | Grant::Alter { db: d, table: t } => d == db && t == table,
        };
        self.grants
            .as_ref()
            .is_none_or(|grants| grants.iter().any(of_table))
    }

    /// For what shows a single table.
    pub(super) fn check_known(&self, db: &str, table: &str) -> Result<(), SqlError> {
        if self.may_know(db, table) {
            return Ok(());
        }
        Err(self.denied(&format!("ANY privilege(s) on TABLE {table}")))
    }

    fn denied(&self, what: &str) -> SqlError {
        let message = format!(
            "Access denied; you need (at least one of) the {what} for this operation. User: {}",
            self.user
        );
        SqlError::coded(5203, message)
    }
}

fn sql_value(text: &str) -> Value {
    text.parse()
        .map_or_else(|_| Value::Text(text.to_owned()), Value::Integer)
}
