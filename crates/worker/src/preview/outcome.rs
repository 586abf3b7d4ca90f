//! What becomes of a record, and of a configuration, as lines of JSON.

use std::fmt;

use serde::Serialize;
use serde_json::value::RawValue;
use starrocks_kafka_connect::config::ConfigProblem;
use starrocks_kafka_pipeline::encode::RecordError;

/// What is written of each record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// Its row, and the record as its converters read it and its transforms leave it
    #[default]
    Records,
    /// Its row
    Rows,
}

/// What becomes of a record. `Display` writes it as one line of JSON.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// It is a row of a table, or none where its value is null.
    Row {
        /// The table.
        table: String,
        /// The row as it is sent to StarRocks, `None` where the record is skipped.
        row: Option<String>,
        /// The record with its schemas, as Kafka's JsonConverter writes them.
        #[serde(skip_serializing_if = "Option::is_none")]
        record: Option<Box<RawValue>>,
    },
    /// A transform drops it.
    Dropped {
        /// True.
        dropped: bool,
    },
    /// It fails.
    Failed {
        /// Where and why.
        error: Fault,
        /// The record, where it came so far.
        #[serde(skip_serializing_if = "Option::is_none")]
        record: Option<Box<RawValue>>,
    },
}

/// Where and why a record fails.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// As in Kafka Connect's header `__connect.errors.stage`.
    pub stage: &'static str,
    /// The full name of the exception that Java's classes throw for it.
    pub class: &'static str,
    /// What is wrong.
    pub message: String,
}

impl Outcome {
    pub(super) fn row(table: String, row: Option<String>, record: Option<Box<RawValue>>) -> Self {
        Self::Row { table, row, record }
    }

    pub(super) fn failed(error: &RecordError, record: Option<Box<RawValue>>) -> Self {
        let error = Fault {
            stage: error.stage.name(),
            class: error.class,
            message: error.message.clone(),
        };
        Self::Failed { error, record }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// Why a configuration is refused. `Display` writes it as one line of JSON.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct ConfigFault {
    /// The full name of the exception that Kafka Connect throws for it.
    pub class: &'static str,
    /// Everything that is wrong, a line each.
    pub message: String,
}

impl ConfigFault {
    pub(super) fn new<'p>(
        mut problems: impl Iterator<Item = &'p ConfigProblem>,
        message: String,
    ) -> Self {
        // A connector that it does not find is not a matter of validation to Kafka Connect.
        let class = if problems.any(|problem| problem.name == "connector.class") {
            "org.apache.kafka.connect.errors.ConnectException"
        } else {
            "org.apache.kafka.common.config.ConfigException"
        };
        Self { class, message }
    }
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[derive(Serialize)]
        struct Line<'f> {
            config_error: &'f ConfigFault,
        }
        let line = Line { config_error: self };
        f.write_str(&serde_json::to_string(&line).map_err(|_| fmt::Error)?)
    }
}
