//! Rules that a schema asks its readers to apply. None can be applied here, so that data which needs one is
//! refused: what was encrypted must not be loaded as if it were the data.

use crate::error::DataError;
use crate::registry::{ReadRule, RegisteredSchema, RuleKind};

/// Whether data of this schema can be read as it stands.
///
/// # Errors
/// The first rule that would have to be applied.
pub(super) fn check(schema: &RegisteredSchema) -> Result<(), DataError> {
    let Some(rule) = schema.read_rules.iter().find(|rule| is_needed(rule)) else {
        return Ok(());
    };
    let place = if rule.is_encoding {
        "encoding rule"
    } else {
        "rule"
    };
    let effect = match rule.kind {
        RuleKind::Transform => "without it the data is not what it means, ciphertext for one",
        RuleKind::Condition => "it decides which data is valid",
    };
    Err(DataError::data(format!(
        "The schema's {place} {} ({}) is to be applied by readers, and {effect}. Rules are not supported: disable it for \
         readers, or load a topic without it",
        rule.name, rule.rule_type
    )))
}

/// A condition whose failure means nothing need not be looked at.
fn is_needed(rule: &ReadRule) -> bool {
    let is_condition = rule.kind == RuleKind::Condition && !rule.is_encoding;
    !(is_condition && rule.on_failure.as_deref() == Some("NONE"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::SchemaFormat;

    #[test]
    fn what_readers_would_have_to_apply_is_refused() {
        let check = |kind, is_encoding, on_failure: Option<&str>, expect: Option<&str>| {
            let schema = RegisteredSchema {
                format: SchemaFormat::Avro,
                text: String::new(),
                references: Vec::new(),
                reference_problem: None,
                read_rules: vec![ReadRule {
                    name: "encryptPII".to_owned(),
                    rule_type: "ENCRYPT".to_owned(),
                    kind,
                    is_encoding,
                    on_failure: on_failure.map(str::to_owned),
                }],
                registrations: None,
            };
            let found = super::check(&schema).err().map(|error| error.message);
            match expect {
                None => assert_eq!(found, None),
                Some(expect) => {
                    let found = found.expect(expect);
                    assert!(found.contains(expect), "{found}");
                }
            }
        };
        check(
            RuleKind::Transform,
            false,
            None,
            Some("rule encryptPII (ENCRYPT)"),
        );
        check(RuleKind::Transform, false, Some("NONE"), Some("ciphertext"));
        check(
            RuleKind::Transform,
            true,
            None,
            Some("encoding rule encryptPII"),
        );
        check(
            RuleKind::Condition,
            true,
            Some("NONE"),
            Some("encoding rule"),
        );
        check(
            RuleKind::Condition,
            false,
            None,
            Some("which data is valid"),
        );
        check(
            RuleKind::Condition,
            false,
            Some("ERROR"),
            Some("which data is valid"),
        );
        check(RuleKind::Condition, false, Some("NONE"), None);
    }
}
