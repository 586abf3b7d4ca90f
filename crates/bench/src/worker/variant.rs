//! The ways to load records that are measured.

use starrocks_kafka_testbed::Shape;

use crate::cdc::{self, Properties};

/// A way to load records.
#[derive(Debug)]
pub(super) struct Variant {
    /// What it is called in the tables.
    pub(super) name: &'static str,
    /// The connector's properties that make it.
    pub(super) properties: &'static Properties,
    /// Whether the values are JSON with schemas.
    pub(super) has_schemas: bool,
}

const STRING: (&str, &str) = (
    "value.converter",
    "org.apache.kafka.connect.storage.StringConverter",
);

const CSV: (&str, &str) = ("sink.properties.format", "csv");

/// JSON without schemas is the worker's converter; the first way is the one that is aimed at.
const SCHEMALESS: &[Variant] = &[
    Variant {
        name: "JSON",
        properties: &[],
        has_schemas: false,
    },
    Variant {
        name: "JSON by LZ4",
        properties: &[("sink.properties.compression", "lz4_frame")],
        has_schemas: false,
    },
    Variant {
        name: "String as CSV",
        properties: &[STRING, CSV],
        has_schemas: false,
    },
    Variant {
        name: "JSON as CSV",
        // The stand-in that only counts has no tables whose columns could be asked for.
        properties: &[
            CSV,
            (
                "sink.properties.columns",
                "part,seq,order_id,customer,product,quantity,price,paid,created_at,note",
            ),
        ],
        has_schemas: false,
    },
];

const WITH_SCHEMAS: &[Variant] = &[Variant {
    name: "JSON with schemas",
    properties: &[],
    has_schemas: true,
}];

/// The documented recipe is the one that is aimed at.
const CHANGES: &[Variant] = &[
    Variant {
        name: "AddOp…, ExtractNewRecordState",
        properties: cdc::RECIPE,
        has_schemas: true,
    },
    Variant {
        name: "starrocks.cdc.format",
        properties: cdc::FORMAT,
        has_schemas: true,
    },
];

impl Variant {
    /// The ways for records of this shape.
    pub(super) fn of(shape: Shape) -> &'static [Self] {
        match shape {
            Shape::Envelope => WITH_SCHEMAS,
            Shape::Change => CHANGES,
            Shape::Flat => SCHEMALESS,
            _ => &SCHEMALESS[..2],
        }
    }
}
