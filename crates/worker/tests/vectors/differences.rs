//! What we do otherwise than Java on purpose, each with its reason.

/// What we do instead.
#[derive(Debug)]
pub(crate) enum Ours {
    /// We refuse the configuration.
    Refused,
    /// We accept the configuration.
    Accepted,
    /// The record fails in this stage.
    Error(&'static str),
    /// The record is this row.
    Row(&'static str),
    /// The row is the record's value as it stands.
    ValueAsItStands,
    /// What another version of Debezium does, which counts.
    OtherVersion,
}

pub(crate) struct Difference {
    pub(crate) id: &'static str,
    /// Which record of the case; `None` for its configuration.
    pub(crate) record: Option<usize>,
    pub(crate) ours: Ours,
    pub(crate) reason: &'static str,
}

const TRAILING: &str = "Text after the first JSON value is dropped in silence by Java, a second record among it; we refuse it.";
const WRAPPED: &str = "Java wraps integers beyond 64 bits in silence. We keep them where there is no schema, and refuse them \
     where the schema's type cannot hold them.";
const WHOLE: &str = "By the standard, from draft 6 on, 1.0 is an integer; Java's library takes it for none where records are to be valid.";
const FLOAT_DIGITS: &str = "The same float. We write the shortest digits that denote it; Java 17 writes more of them for some.";
const MAP_OFF: &str = "Of a map with a malformed pair Java makes no map at all, in silence, so that rows go to other tables than \
     the user wrote; we refuse it.";
const ONE_LETTER: &str = "Java's connector knows no table names of one letter, but StarRocks does, and the wish is plain.";

const DEBEZIUM: &str = "Debezium's versions differ: 2.7 counts; where it fails or does not know a value, 3.7; without options 1.8.";

const fn version(id: &'static str, record: usize) -> Difference {
    Difference {
        id,
        record: Some(record),
        ours: Ours::OtherVersion,
        reason: DEBEZIUM,
    }
}

const fn version_of_config(id: &'static str) -> Difference {
    Difference {
        id,
        record: None,
        ours: Ours::OtherVersion,
        reason: DEBEZIUM,
    }
}

const fn recipe(id: &'static str) -> Difference {
    Difference {
        id,
        record: None,
        ours: Ours::Accepted,
        reason: "StarRocks' documented recipe has a line without a value, which Debezium refuses; behind StarRocks' own \
                 transform it can only mean rewrite.",
    }
}

const fn row(
    id: &'static str,
    record: usize,
    row: &'static str,
    reason: &'static str,
) -> Difference {
    Difference {
        id,
        record: Some(record),
        ours: Ours::Row(row),
        reason,
    }
}

const fn kept(id: &'static str, record: usize) -> Difference {
    Difference {
        id,
        record: Some(record),
        ours: Ours::ValueAsItStands,
        reason: WRAPPED,
    }
}

const fn error(id: &'static str, record: usize, reason: &'static str) -> Difference {
    Difference {
        id,
        record: Some(record),
        ours: Ours::Error("VALUE_CONVERTER"),
        reason,
    }
}

const fn refused(id: &'static str) -> Difference {
    Difference {
        id,
        record: None,
        ours: Ours::Refused,
        reason: MAP_OFF,
    }
}

const fn accepted(id: &'static str) -> Difference {
    Difference {
        id,
        record: None,
        ours: Ours::Accepted,
        reason: ONE_LETTER,
    }
}

pub(crate) const DIFFERENCES: &[Difference] = &[
    error("converters-json-envelope-005", 0, TRAILING),
    error("converters-json-envelope-005", 1, TRAILING),
    // Its header is the float, told by a preview with fewer digits.
    row("converters-header-simple-007", 3, "{\"v\":1}", FLOAT_DIGITS),
    kept("converters-json-schemaless-012", 0),
    kept("converters-json-schemaless-012", 2),
    error("converters-json-types-005", 5, WRAPPED),
    error("converters-json-types-005", 6, WRAPPED),
    error("converters-json-types-007", 2, WRAPPED),
    error("converters-json-types-007", 3, WRAPPED),
    error("converters-json-types-007", 5, WRAPPED),
    row(
        "converters-json-types-049",
        9,
        "{\"f\":1.1754944e-38,\"d\":1.1754944e-38}",
        FLOAT_DIGITS,
    ),
    row(
        "converters-json-types-049",
        10,
        "{\"f\":1e-45,\"d\":1e-45}",
        FLOAT_DIGITS,
    ),
    row("converters-primitives-015", 5, "1e-45", FLOAT_DIGITS),
    error("json-schema-root-3", 4, WRAPPED),
    error("json-schema-root-3", 5, WRAPPED),
    version("debezium-unwrap-1.8-019", 0),
    version("debezium-unwrap-1.8-019", 1),
    version("debezium-unwrap-1.8-019", 2),
    version("debezium-unwrap-1.8-019", 3),
    version("debezium-unwrap-1.8-024", 0),
    version("debezium-unwrap-1.8-024", 1),
    version("debezium-unwrap-1.8-024", 2),
    version("debezium-unwrap-1.8-039", 0),
    version("debezium-unwrap-1.8-041", 0),
    version("debezium-unwrap-1.8-047", 0),
    version("debezium-unwrap-1.8-052", 0),
    version("debezium-unwrap-1.8-063", 1),
    version("debezium-unwrap-1.8-066", 1),
    version("debezium-unwrap-1.8-074", 0),
    version("debezium-unwrap-1.8-075", 0),
    version("debezium-unwrap-2.7-020", 0),
    version("debezium-unwrap-2.7-020", 1),
    version("debezium-unwrap-2.7-020", 2),
    version("debezium-unwrap-2.7-020", 3),
    version_of_config("debezium-unwrap-2.7-023"),
    version("debezium-unwrap-3.7-001", 2),
    version("debezium-unwrap-3.7-003", 1),
    version("debezium-unwrap-3.7-004", 0),
    version("debezium-unwrap-3.7-004", 1),
    version("debezium-unwrap-3.7-007", 1),
    version("debezium-unwrap-3.7-007", 2),
    version("debezium-unwrap-3.7-009", 1),
    version("debezium-unwrap-3.7-009", 2),
    version("debezium-unwrap-3.7-011", 0),
    version("debezium-unwrap-3.7-011", 1),
    version_of_config("debezium-unwrap-3.7-014"),
    version_of_config("debezium-unwrap-3.7-021"),
    version_of_config("debezium-unwrap-3.7-026"),
    version("debezium-unwrap-3.7-030", 3),
    error("json-schema-width-2", 2, WRAPPED),
    row("json-schema-wrongtype-10", 4, "1", WHOLE),
    row(
        "protobuf-float-1",
        2,
        "{\"f\":1e-45,\"d\":5e-324}",
        FLOAT_DIGITS,
    ),
    refused("routing-topic2table-015"),
    refused("routing-topic2table-017"),
    refused("routing-topic2table-018"),
    refused("routing-topic2table-021"),
    refused("routing-topic2table-022"),
    refused("routing-topic2table-023"),
    refused("routing-topic2table-024"),
    refused("routing-topic2table-027"),
    refused("routing-topic2table-028"),
    refused("routing-topic2table-034"),
    accepted("routing-topic2table-036"),
    accepted("routing-topic2table-043"),
    refused("routing-topic2table-063"),
    refused("routing-topic2table-064"),
    recipe("starrocks-chain-1.8-003"),
    version("starrocks-chain-1.8-012", 0),
    version("starrocks-chain-1.8-012", 1),
    version("starrocks-chain-1.8-012", 2),
    version("starrocks-chain-1.8-012", 3),
    version("starrocks-chain-1.8-013", 0),
    version("starrocks-chain-1.8-013", 1),
    version("starrocks-chain-1.8-013", 2),
    version("starrocks-chain-1.8-013", 3),
    version("starrocks-chain-1.8-013", 4),
    recipe("starrocks-chain-2.7-003"),
    version("starrocks-chain-2.7-014", 0),
    version("starrocks-chain-2.7-014", 1),
    version("starrocks-chain-2.7-014", 2),
    version("starrocks-chain-2.7-014", 3),
    version("starrocks-chain-2.7-014", 4),
    version("starrocks-chain-3.7-008", 0),
    version("starrocks-chain-3.7-008", 1),
    version("starrocks-chain-3.7-008", 2),
    version("starrocks-chain-3.7-008", 3),
    version("starrocks-chain-3.7-009", 0),
    version("starrocks-chain-3.7-009", 1),
    version("starrocks-chain-3.7-009", 2),
    version("starrocks-chain-3.7-009", 3),
    version("starrocks-chain-3.7-009", 4),
    row("starrocks-rows-json-028", 5, "{\"f\":1e-45}", FLOAT_DIGITS),
    row(
        "starrocks-rows-json-028",
        6,
        "{\"f\":1.1754944e-38}",
        FLOAT_DIGITS,
    ),
];
