//! Properties that nobody knows: said, and refused where they are a plain typo.

use starrocks_kafka_connect::config::{ConfigDef, ConfigProblem, Given};

use super::problem::Notice;

/// Sorts the names that neither `def` nor `known` knows into problems and notices.
pub(super) fn check(
    def: &ConfigDef,
    given: &Given,
    known: impl Fn(&str) -> bool,
    problems: &mut Vec<ConfigProblem>,
    notices: &mut Vec<Notice>,
) {
    for unknown in def
        .unknown(given)
        .into_iter()
        .filter(|unknown| !known(&unknown.name))
    {
        if unknown.is_typo {
            problems.push(ConfigProblem::about(&unknown.name, unknown.to_string()));
        } else {
            notices.push(Notice::warning(format!(
                "{unknown}{}",
                hint(unknown.nearest.is_some())
            )));
        }
    }
}

fn hint(asks: bool) -> &'static str {
    if asks {
        " It is ignored."
    } else {
        "; it is ignored."
    }
}
