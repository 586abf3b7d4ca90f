//! What went wrong with a question by MySQL's protocol, and what to do about it.

use std::time::Duration;

use super::address::MysqlAddress;
use super::connection::{LOGIN_UNKNOWN, Refused};

/// Why StarRocks refused a statement, as far as it matters for what is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// A column of this name is there already: somebody else added it, or it differs in case only.
    ColumnExists,
    /// Another change of the table's columns is not done yet; it may be asked again later.
    SchemaChangeInProgress,
    /// Anything else.
    Other,
}

/// A question by MySQL's protocol that was not answered, or not as wished. `Display` gives one line: what was asked of whom,
/// what happened, what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MysqlError {
    /// No address could be used; nothing was done.
    #[error(
        "StarRocks {action}: no front end can be asked by MySQL's protocol: {tried} ({} must name the MySQL ports of front ends, {} \
         unless configured)",
        MysqlAddress::PROPERTY,
        MysqlAddress::DEFAULT_PORT
    )]
    Unreachable {
        /// What was asked.
        action: String,
        /// Each address with what happened there.
        tried: String,
    },
    /// Time was up before any address answered; nothing was done.
    #[error(
        "StarRocks {action}: no answer within {} ms{} (are the front ends overloaded, or does {} name other ports than their MySQL ports?)",
        limit.as_millis(),
        after(tried),
        MysqlAddress::PROPERTY
    )]
    TimedOut {
        /// What was asked.
        action: String,
        /// The time that was allowed.
        limit: Duration,
        /// Each address that was asked, with what happened there; may be empty.
        tried: String,
    },
    /// Name, password or a right is missing.
    #[error("StarRocks {action} at {address}: {message} ({hint})")]
    AccessDenied {
        /// What was asked.
        action: String,
        /// Who answered.
        address: MysqlAddress,
        /// StarRocks' words.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The table, or its database, is not there.
    #[error(
        "StarRocks {action} at {address}: {message} (create it, or correct the names of database and table)"
    )]
    UnknownTable {
        /// What was asked.
        action: String,
        /// Who answered.
        address: MysqlAddress,
        /// StarRocks' words.
        message: String,
    },
    /// StarRocks refused the statement; nothing was done.
    #[error(
        "StarRocks {action} at {address}: error {code}{}: {message}",
        in_parentheses(state)
    )]
    Refused {
        /// What was asked.
        action: String,
        /// Who answered.
        address: MysqlAddress,
        /// Why, as far as it matters.
        refusal: Refusal,
        /// StarRocks' number of the error; 1064 stands for most.
        code: u16,
        /// `SQLSTATE`: five characters, or none.
        state: String,
        /// StarRocks' words.
        message: String,
    },
    /// The statement was sent and its answer did not come: whether it was done is not known, and it is not sent again.
    #[error(
        "StarRocks {action} at {address}: {cause} before the answer came; it may have been done (look at the table's columns before \
         it is asked again)"
    )]
    OutcomeUnknown {
        /// What was asked.
        action: String,
        /// Who was asked.
        address: MysqlAddress,
        /// What happened instead of the answer.
        cause: String,
    },
}

fn after(tried: &str) -> String {
    if tried.is_empty() {
        return String::new();
    }
    format!("; tried {tried}")
}

fn in_parentheses(state: &str) -> String {
    if state.is_empty() {
        return String::new();
    }
    format!(" ({state})")
}

/// What was asked, and by whom: what errors are worded with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    /// What it does with the table.
    pub(super) verb: &'static str,
    /// The right that it needs.
    pub(super) right: &'static str,
    pub(super) user: &'a str,
    pub(super) database: &'a str,
    pub(super) table: &'a str,
}

impl Asked<'_> {
    pub(super) fn action(&self) -> String {
        format!("{} {}.{}", self.verb, self.database, self.table)
    }

    /// Whether a refusal is of who asks, not of what is asked: other front ends would say the same.
    pub(super) fn is_denial(refused: &Refused) -> bool {
        // Those of MySQL, of StarRocks' own numbers (`ErrorCode`, 52xx), and of a login that is not known here.
        matches!(
            refused.code,
            1044 | 1045 | 1142 | 1227 | 1698 | LOGIN_UNKNOWN | 5203 | 5204
        ) || refused.message.contains("Access denied")
    }

    /// The error for a refusal.
    pub(super) fn refused(&self, address: &MysqlAddress, refused: Refused) -> MysqlError {
        let (action, address) = (self.action(), address.clone());
        let Refused {
            code,
            state,
            message,
        } = refused.clone();
        if Self::is_denial(&refused) {
            return MysqlError::AccessDenied {
                hint: self.hint(&refused),
                action,
                address,
                message,
            };
        }
        if is_unknown(&refused) {
            return MysqlError::UnknownTable {
                action,
                address,
                message,
            };
        }
        MysqlError::Refused {
            action,
            address,
            refusal: refusal(&message),
            code,
            state,
            message,
        }
    }

    fn hint(&self, refused: &Refused) -> String {
        if refused.code == LOGIN_UNKNOWN {
            return format!(
                "CREATE or ALTER USER '{}' IDENTIFIED WITH mysql_native_password, or leave out {}",
                self.user,
                MysqlAddress::PROPERTY
            );
        }
        if refused.message.contains("privilege") {
            let Self {
                right,
                database,
                table,
                user,
                ..
            } = self;
            return format!("GRANT {right} ON TABLE {database}.{table} TO USER '{user}'");
        }
        "check starrocks.username and starrocks.password".to_owned()
    }
}

/// Numbers are MySQL's, then StarRocks' own from 3.x on; what SemanticException says has the number of every other error.
fn is_unknown(refused: &Refused) -> bool {
    let message = &refused.message;
    matches!(refused.code, 1049 | 1051 | 1146 | 5501 | 5502)
        || message.contains("Unknown table")
        || message.contains("Unknown database")
        || ((message.contains("Table ") || message.contains("Database "))
            && message.ends_with("is not found."))
}

/// All have the number of a syntax error, so only the words tell (`SchemaChangeHandler`, `InvalidOlapTableStateException`;
/// before 3.2 `OlapTable.checkStableAndNormal` and its like).
fn refusal(message: &str) -> Refusal {
    let has = |parts: &[&str]| parts.iter().any(|part| message.contains(part));
    if has(&[
        "Can not add column which already exists",
        "Repeatedly add column",
    ]) {
        return Refusal::ColumnExists;
    }
    if has(&[
        "schema change operation is in progress",
        "is being altered or having a materialized view built",
        "materialized view or rollup index is being created",
        "(SCHEMA_CHANGE) is not NORMAL",
        "Do not allow doing ALTER ops",
    ]) {
        return Refusal::SchemaChangeInProgress;
    }
    Refusal::Other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_by_number_and_words() {
        fn check(code: u16, message: &str, expect: &str) {
            let asked = Asked {
                verb: "ALTER TABLE",
                right: "ALTER",
                user: "u",
                database: "d",
                table: "t",
            };
            let address = MysqlAddress {
                host: "fe".to_owned(),
                port: 9030,
            };
            let refused = Refused {
                code,
                state: "HY000".to_owned(),
                message: message.to_owned(),
            };
            let seen = match asked.refused(&address, refused) {
                MysqlError::AccessDenied { hint, .. } => format!("denied: {hint}"),
                MysqlError::UnknownTable { .. } => "unknown".to_owned(),
                MysqlError::Refused { refusal, .. } => format!("{refusal:?}"),
                other => panic!("{other:?}"),
            };
            assert_eq!(seen, expect, "{code} {message}");
        }
        let login = "denied: check starrocks.username and starrocks.password";
        let grant = "denied: GRANT ALTER ON TABLE d.t TO USER 'u'";
        check(
            1045,
            "Access denied for user 'u' (using password: YES)",
            login,
        );
        check(1064, "Access denied for user u", login);
        let needed = "Access denied; you need (at least one of) the ALTER privilege(s) on TABLE t";
        check(5203, needed, grant);
        check(1064, needed, grant);
        check(
            LOGIN_UNKNOWN,
            "a login by mysql_clear_password is asked for",
            "denied: CREATE or ALTER USER 'u' IDENTIFIED WITH mysql_native_password, or leave out starrocks.mysql.url",
        );
        for (code, message) in [
            (1146, "Unknown table 'd.t'"),
            (
                5502,
                "Getting analyzing error. Detail message: Unknown table 'd.t'.",
            ),
            (5501, "Unknown database 'd'"),
            (
                1064,
                "Getting analyzing error. Detail message: Table d.t is not found.",
            ),
            (1049, "x"),
        ] {
            check(code, message, "unknown");
        }
        for message in [
            "Can not add column which already exists in base table: x",
            "Can not add column which already exists in column id: x, you can remove x INT and try again.",
        ] {
            check(1064, message, "ColumnExists");
        }
        for message in [
            "A schema change operation is in progress on the table \"t\". Please wait until",
            "Table [t]'s state is not NORMAL. Do not allow doing ALTER ops",
            "Table[t]'s state(SCHEMA_CHANGE) is not NORMAL.",
            "The table \"t\" is being altered or having a materialized view built on it.",
        ] {
            check(1064, message, "SchemaChangeInProgress");
        }
        check(1064, "Column[x] does not found", "Other");
        check(1364, "Field 'x' is not null", "Other");
    }
}
