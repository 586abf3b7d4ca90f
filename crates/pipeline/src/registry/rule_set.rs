//! The rules of a schema that are for its readers.

use serde::Deserialize;
use starrocks_kafka_connect::registry::{ReadRule, RuleKind};

/// The rules of a schema, as the registry's JSON has them (`ruleSet`).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RuleSet {
    domain_rules: Option<Vec<Rule>>,
    encoding_rules: Option<Vec<Rule>>,
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
        let of = |rules: Option<Vec<Rule>>, is_encoding| {
            let rules = rules.unwrap_or_default().into_iter();
            rules.filter_map(move |rule| rule.of_reading(is_encoding))
        };
        of(self.domain_rules, false)
            .chain(of(self.encoding_rules, true))
            .collect()
    }
}

impl Rule {
    /// The rule, where it is enabled for readers. What a writer alone was to encode cannot be read by anybody, so that it
    /// counts as well.
    fn of_reading(self, is_encoding: bool) -> Option<ReadRule> {
        let mode = self.mode.as_deref().unwrap_or("WRITEREAD");
        let reads = is_encoding || matches!(mode, "READ" | "WRITEREAD");
        (reads && !self.disabled).then_some(ReadRule {
            name: self.name,
            rule_type: self.rule_type,
            kind: match self.kind.as_deref() {
                Some("CONDITION") => RuleKind::Condition,
                _ => RuleKind::Transform,
            },
            is_encoding,
            on_failure: self.on_failure,
        })
    }
}
