//! The headers of a load that its interface reads.

use serde::{Deserialize, Serialize};

/// Which way a load came; they read different headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interface {
    StreamLoad,
    Transaction,
}

/// Headers that decide how a load is planned: two loads of one transaction may not differ in them.
const PLANNED: [&str; 22] = [
    "format",
    "columns",
    "where",
    "column_separator",
    "row_delimiter",
    "partitions",
    "temporary_partitions",
    "negative",
    "strict_mode",
    "timezone",
    "jsonpaths",
    "json_root",
    "strip_outer_array",
    "partial_update",
    "partial_update_mode",
    "merge_condition",
    "compression",
    "content-encoding",
    "envelope",
    "enable_merge_commit",
    "load_dop",
    "transmission_compression_type",
];

/// Headers that a transaction takes from its first load only.
const FIRST_ONLY: [&str; 2] = ["max_filter_ratio", "ignore_json_size"];

/// Headers that the transaction interface does not look at.
const STREAM_LOAD_ONLY: [&str; 5] = [
    "skip_header",
    "trim_space",
    "enclose",
    "escape",
    "log_rejected_record_num",
];

/// What an interface reads of a request's headers, in a fixed order: what a transaction compares its loads by, and what it
/// takes to read the body again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct LoadHeaders(Vec<(String, String)>);

impl LoadHeaders {
    pub(crate) fn read<'h>(interface: Interface, header: impl Fn(&str) -> Option<&'h str>) -> Self {
        let own: &[&str] = match interface {
            Interface::StreamLoad => &STREAM_LOAD_ONLY,
            Interface::Transaction => &[],
        };
        let names = PLANNED.iter().chain(&FIRST_ONLY).chain(own);
        Self(
            names
                .filter_map(|name| Some(((*name).to_owned(), header(name)?.to_owned())))
                .collect(),
        )
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether two loads ask for the same plan.
    pub(crate) fn same_plan(&self, other: &Self) -> bool {
        let planned = |headers: &'_ Self| -> Vec<(String, String)> {
            let mut planned = headers.0.clone();
            planned.retain(|(name, _)| PLANNED.contains(&name.as_str()));
            planned
        };
        planned(self) == planned(other)
    }
}
