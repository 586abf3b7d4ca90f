//! What Debezium writes beside changes of rows: schema changes, transactions, heartbeats, notifications.

use starrocks_kafka_connect::data::{SchemaAndValue, Value};

use super::names;

/// The package of the schemas of everything that is no change of a row.
const PACKAGE: &str = "io.debezium.connector.";

/// By which of their fields they are told where they have no schema, and which fields there are at most.
const SHAPES: &[(&[&str], &[&str])] = &[
    (&["ts_ms"], &["ts_ms"]),
    (
        &["status", "id", "event_count"],
        &["status", "id", "event_count", "data_collections", "ts_ms"],
    ),
    (
        &["source", "ddl"],
        &[
            "source",
            "ts_ms",
            "databaseName",
            "schemaName",
            "ddl",
            "tableChanges",
        ],
    ),
    (
        &["aggregate_type", "type"],
        &[
            "id",
            "aggregate_type",
            "type",
            "additional_data",
            "timestamp",
        ],
    ),
];

/// Whether a value is one of them.
pub(super) fn is_none_of_rows(event: &SchemaAndValue<'_>) -> bool {
    let name = event.schema.as_ref().and_then(|schema| schema.name());
    if name.is_some_and(|name| name.starts_with(PACKAGE)) {
        return true;
    }
    matches!(event.value, Value::Map(_))
        && SHAPES.iter().any(|(needed, known)| {
            let has = |wanted: &&str| names(&event.value).any(|name| name == *wanted);
            needed.iter().all(has) && names(&event.value).all(|name| known.contains(&name))
        })
}
