//! What to do about an answer, for the people who run the connector. Pure.

use crate::answer::{Call, Class};

/// What a hint may name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) user: &'a str,
    pub(crate) database: &'a str,
    /// Empty where the call is about no table.
    pub(crate) table: &'a str,
}

/// The hint for a refusal, where there is one.
pub(crate) fn hint(call: Call, class: Class, message: &str, about: Subject<'_>) -> Option<String> {
    let text = match class {
        Class::Auth => return Some(for_access(call, message, about)),
        Class::Schema => return for_schema(message, about),
        Class::TooManyVersions => {
            "commit less often: raise bufferflush.intervalms and bufferflush.maxbytes, or use fewer tasks for this table"
        }
        Class::TransactionLimit => {
            "look for transactions that nobody ended (SHOW PROC '/transactions'), or raise max_running_txn_num_per_db of \
             the front ends"
        }
        Class::Size => "raise streaming_load_max_mb of the back ends",
        Class::Quota => {
            "the database's quota is used up or StarRocks takes no loads at present; see ALTER DATABASE … SET DATA QUOTA and \
             the state of the front ends"
        }
        Class::EmptyLoad => {
            "no row of this load is left for the table, which StarRocks takes for a mistake: check sink.properties.where, or \
             set empty_load_as_error=false at the front ends"
        }
        Class::Unsupported => "the transaction interface needs StarRocks 2.4 or later",
        Class::Unreadable | Class::Routing if looks_foreign(message) => {
            "does starrocks.http.url name the HTTP port of StarRocks front ends (8030 unless configured)?"
        }
        _ => return None,
    };
    Some(text.to_owned())
}

fn for_access(call: Call, message: &str, about: Subject<'_>) -> String {
    let lower = message.to_lowercase();
    let Subject {
        user,
        database,
        table,
    } = about;
    if lower.contains("privilege") || lower.contains("you need") {
        let right = if call == Call::TableSchema {
            "SELECT"
        } else {
            "INSERT"
        };
        let place = if table.is_empty() {
            format!("ALL TABLES IN DATABASE {database}")
        } else {
            format!("TABLE {database}.{table}")
        };
        return format!("GRANT {right} ON {place} TO USER '{user}'");
    }
    match call {
        Call::TableSchema => format!(
            "check starrocks.username and starrocks.password; if they are right: GRANT SELECT ON TABLE {database}.{table} TO USER '{user}'"
        ),
        _ => "check starrocks.username and starrocks.password, and that the user may INSERT into the table".to_owned(),
    }
}

fn for_schema(message: &str, about: Subject<'_>) -> Option<String> {
    let lower = message.to_lowercase();
    let Subject {
        database, table, ..
    } = about;
    let missing = lower.contains("not exist") || lower.contains("unknown");
    if missing && lower.contains("database") {
        return Some(format!(
            "create the database `{database}`, or correct starrocks.database.name"
        ));
    }
    if missing && lower.contains("table") && !table.is_empty() {
        return Some(format!(
            "create the table `{database}`.`{table}`, or send the topic to another table with starrocks.topic2table.map"
        ));
    }
    if lower.contains("column") {
        return Some(
            "compare the rows and sink.properties.columns with the table's columns".to_owned(),
        );
    }
    None
}

fn looks_foreign(message: &str) -> bool {
    message.starts_with("HTTP ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints() {
        fn check(call: Call, class: Class, message: &str, expect: &str) {
            let about = Subject {
                user: "u",
                database: "d",
                table: "t",
            };
            let seen = hint(call, class, message, about).unwrap_or_default();
            assert!(
                if expect.is_empty() {
                    seen.is_empty()
                } else {
                    seen.contains(expect)
                },
                "{message}: `{seen}`"
            );
        }
        check(
            Call::Begin,
            Class::Auth,
            "Access denied for user 'u'",
            "check starrocks.username and starrocks.password",
        );
        check(
            Call::Load,
            Class::Auth,
            "Access denied; you need (at least one of) the INSERT privilege(s) on TABLE t",
            "GRANT INSERT ON TABLE d.t TO USER 'u'",
        );
        check(
            Call::TableSchema,
            Class::Auth,
            "Access denied",
            "GRANT SELECT ON TABLE d.t TO USER 'u'",
        );
        check(
            Call::Begin,
            Class::Schema,
            "unknown database, database=d",
            "starrocks.database.name",
        );
        check(
            Call::Begin,
            Class::Schema,
            "unknown table, table=t",
            "starrocks.topic2table.map",
        );
        check(
            Call::TableSchema,
            Class::Schema,
            "Table [t] does not exists",
            "create the table `d`.`t`",
        );
        check(
            Call::Load,
            Class::Schema,
            "Column has no default value. column: c",
            "sink.properties.columns",
        );
        check(
            Call::Prepare,
            Class::TooManyVersions,
            "x",
            "bufferflush.intervalms",
        );
        check(
            Call::Begin,
            Class::Routing,
            "HTTP 404 with an empty body",
            "8030",
        );
        check(Call::Begin, Class::Routing, "No backend alive.", "");
        check(
            Call::Prepare,
            Class::EmptyLoad,
            "all partitions have no load data",
            "empty_load_as_error",
        );
        check(Call::Begin, Class::Busy, "x", "");
    }
}
