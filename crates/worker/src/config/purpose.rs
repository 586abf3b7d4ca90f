//! What configurations are read for.

use starrocks_kafka_connect::config::ConfigProblem;

use super::problem::Notice;

/// What a connector's properties are read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To run it.
    Run,
    /// To show what it makes of records; what only Kafka would refuse is said and does not matter.
    Preview,
}

impl Purpose {
    /// Counts what only Kafka would refuse as a problem, or as a warning where Kafka is not asked.
    pub(super) fn weigh_kafka(
        self,
        found: Vec<ConfigProblem>,
        problems: &mut Vec<ConfigProblem>,
        notices: &mut Vec<Notice>,
    ) {
        match self {
            Self::Run => problems.extend(found),
            Self::Preview => {
                notices.extend(found.iter().map(|one| Notice::warning(one.to_string())));
            }
        }
    }
}
