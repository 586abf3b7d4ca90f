//! The ways to load Debezium's change events.

/// Properties of a connector.
pub(crate) type Properties = [(&'static str, &'static str)];

/// As StarRocks' documentation has it.
pub(crate) const RECIPE: &Properties = &[
    ("transforms", "addfield,unwrap"),
    (
        "transforms.addfield.type",
        "com.starrocks.connector.kafka.transforms.AddOpFieldForDebeziumRecord",
    ),
    (
        "transforms.unwrap.type",
        "io.debezium.transforms.ExtractNewRecordState",
    ),
    ("transforms.unwrap.drop.tombstones", "true"),
    ("transforms.unwrap.delete.handling.mode", "rewrite"),
];

/// Without transforms.
pub(crate) const FORMAT: &Properties = &[("starrocks.cdc.format", "debezium")];
