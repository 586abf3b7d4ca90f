//! The rules of a schema that are for its readers.

use serde::Deserialize;
use starrocks_kafka_connect::registry::{ReadRule, RuleKind};

/// The rules of a schema, as the registry's JSON has them (`ruleSet`).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RuleSet {
    domain_rules: Option<Vec<Rule>>,
    encoding_rules: Option<Vec<Rule>>,
    migration_rules: Option<Vec<Rule>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Rule {
    name: String,
    kind: Option<String>,
    mode: Option<String>,
    #[serde(rename = "type")]
    rule_type: String,
    on_failure: Option<String>,
    disabled: bool,
}

impl RuleSet {
    /// Those that are enabled for readers.
    #[must_use]
    pub fn into_read_rules(self) -> Vec<ReadRule> {
        let all = [
            (self.domain_rules, Place::Domain),
            (self.encoding_rules, Place::Encoding),
            (self.migration_rules, Place::Migration),
        ];
        all.into_iter()
            .flat_map(|(rules, place)| {
                let rules = rules.unwrap_or_default().into_iter();
                rules.filter_map(move |rule| rule.of_reading(place))
            })
            .collect()
    }
}

/// Where a rule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Domain,
    Encoding,
    Migration,
}

impl Rule {
    /// The rule, where it is enabled for readers. What a writer alone was to encode cannot be read by anybody, so that it
    /// counts as well.
    fn of_reading(self, place: Place) -> Option<ReadRule> {
        let mode = self.mode.as_deref().unwrap_or("WRITEREAD");
        let reads = place != Place::Domain || matches!(mode, "READ" | "WRITEREAD");
        (reads && !self.disabled).then_some(ReadRule {
            name: self.name,
            rule_type: self.rule_type,
            kind: match (place, self.kind.as_deref()) {
                (Place::Migration, _) => RuleKind::Migration,
                (_, Some("CONDITION")) => RuleKind::Condition,
                _ => RuleKind::Transform,
            },
            is_encoding: place == Place::Encoding,
            on_failure: self.on_failure,
        })
    }
}
