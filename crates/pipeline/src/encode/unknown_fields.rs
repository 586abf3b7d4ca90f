//! Fields that no column of their table takes: StarRocks leaves them out in silence.

use starrocks_kafka_connect::data::{Schema, Value};
use starrocks_kafka_connect::error::DataError;

use super::column_kind::ColumnKinds;

/// What becomes of them: `starrocks.schema.evolution`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SchemaEvolution {
    /// StarRocks leaves them out; where the record has a schema, that is said once.
    #[default]
    None,
    /// Their record is an error.
    Fail,
    /// Their table gets columns for them.
    AddColumns,
}

/// Fields that no table has: StarRocks reads the one, and the other is what Debezium's transform leaves of a deletion.
const NO_COLUMNS: [&str; 2] = ["__op", "__deleted"];

/// The fields of a schema that no column takes.
pub(super) fn of_schema<'s>(schema: &'s Schema, kinds: &ColumnKinds) -> Vec<&'s str> {
    let names = schema.fields().iter().map(|field| &*field.name);
    names.filter(|name| is_unknown(name, kinds)).collect()
}

/// The first entry of a map that no column takes.
pub(super) fn of_map<'v>(value: &'v Value<'_>, kinds: &ColumnKinds) -> Option<&'v str> {
    let Value::Map(entries) = value else {
        return None;
    };
    let mut names = entries.iter().filter_map(|(name, _)| match name {
        Value::String(name) => Some(&**name),
        _ => None,
    });
    names.find(|name| is_unknown(name, kinds))
}

fn is_unknown(name: &str, kinds: &ColumnKinds) -> bool {
    !kinds.contains_key(name) && !NO_COLUMNS.contains(&name)
}

/// Why a record with such fields is none, with `starrocks.schema.evolution=fail`.
pub(super) fn error(names: &[&str], kinds: &ColumnKinds) -> DataError {
    DataError::data(format!(
        "the table has no column for {} (starrocks.schema.evolution=fail); add it with ALTER TABLE … ADD COLUMN",
        listed(names, kinds)
    ))
}

/// Why a record with such fields is none where columns are added to tables: these could not be.
pub(super) fn not_added(names: &[&str], kinds: &ColumnKinds, reason: &str) -> DataError {
    DataError::data(format!(
        "the table has no column for {}, and it cannot be added (starrocks.schema.evolution=add-columns): {reason}",
        listed(names, kinds)
    ))
}

/// What is said of them once.
pub(super) fn observation(table: &str, names: &[&str], kinds: &ColumnKinds) -> String {
    format!(
        "table {table} has no column for {}, so that StarRocks leaves it out; starrocks.schema.evolution=fail stops at such records, and add-columns \
         adds the column",
        listed(names, kinds)
    )
}

/// The names, each with the column that differs from it by upper and lower case only.
fn listed(names: &[&str], kinds: &ColumnKinds) -> String {
    let shown = names.iter().map(|name| {
        let alike = kinds
            .keys()
            .find(|column| column.eq_ignore_ascii_case(name));
        match alike {
            Some(column) => {
                format!("{name} (its column is {column}: upper and lower case are different)")
            }
            None => (*name).to_owned(),
        }
    });
    shown.collect::<Vec<_>>().join(", ")
}
