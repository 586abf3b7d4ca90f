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
        RuleKind::Condition => "it decides which data is valid",
        _ => "without it the data is not what it means, ciphertext for one",
    };
    Err(DataError::data(format!(
        "The schema's {place} {} ({}) is to be applied by readers, and {effect}. Rules are not supported: disable it for \
         readers, or load a topic without it",
        rule.name, rule.rule_type
    )))
}

/// Whether data of one schema can be read as another without being changed on the way.
///
/// # Errors
/// The first rule that would have to change it.
pub(super) fn check_migration(
    writer: &RegisteredSchema,
    reader: &RegisteredSchema,
) -> Result<(), DataError> {
    let is_one = writer.text == reader.text && writer.references == reader.references;
    let rules = [reader, writer]
        .into_iter()
        .flat_map(|schema| &schema.read_rules);
    let mut migrations = rules.filter(|rule| rule.kind == RuleKind::Migration);
    match migrations.next() {
        Some(rule) if !is_one => Err(DataError::data(format!(
            "The rule {} ({}) is to make data of one version data of another. Rules are not supported: leave out \
             use.latest.version and use.latest.with.metadata, so that each record is read as it was written",
            rule.name, rule.rule_type
        ))),
        _ => Ok(()),
    }
}

/// A condition whose failure means nothing need not be looked at.
fn is_needed(rule: &ReadRule) -> bool {
    match rule.kind {
        RuleKind::Transform => true,
        RuleKind::Condition => rule.is_encoding || rule.on_failure.as_deref() != Some("NONE"),
        RuleKind::Migration => false,
    }
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
        check(RuleKind::Migration, false, None, None);
    }

    #[test]
    fn what_would_have_to_migrate_is_refused_where_versions_differ() {
        let schema = |text: &str, kind: Option<RuleKind>| RegisteredSchema {
            format: SchemaFormat::Avro,
            text: text.to_owned(),
            references: Vec::new(),
            reference_problem: None,
            read_rules: kind
                .map(|kind| ReadRule {
                    name: "rename".to_owned(),
                    rule_type: "JSONATA".to_owned(),
                    kind,
                    is_encoding: false,
                    on_failure: None,
                })
                .into_iter()
                .collect(),
            registrations: None,
        };
        let (migrates, plain) = (Some(RuleKind::Migration), None);
        let check = |writer: (&str, Option<RuleKind>), reader: (&str, Option<RuleKind>), expect| {
            let found = check_migration(&schema(writer.0, writer.1), &schema(reader.0, reader.1));
            assert_eq!(found.is_ok(), expect, "{writer:?} {reader:?}");
        };
        check(("a", plain), ("b", plain), true);
        check(("a", plain), ("b", migrates), false);
        check(("b", migrates), ("a", plain), false);
        check(("b", migrates), ("b", migrates), true);
        check(("a", Some(RuleKind::Condition)), ("b", plain), true);
    }
}
