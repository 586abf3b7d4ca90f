//! `transforms` and `predicates` of a connector, and records on their way through.

use super::Transform;
use super::class::{self, Class};
use super::predicate::Predicate;
use crate::config::{ConfigKey, ConfigProblem, Given, Kind};
use crate::data::Record;
use crate::error::DataError;
use std::collections::BTreeMap;

/// The transforms of a connector, in their order.
#[derive(Clone, Debug, Default)]
pub struct TransformChain {
    steps: Vec<Step>,
    /// The step that failed last.
    failed: usize,
    warnings: Vec<String>,
}

#[derive(Clone, Debug)]
struct Step {
    /// The name of the transform's class.
    class: String,
    transform: Transform,
    /// For which records, and whether it is for those of which the predicate does not hold.
    condition: Option<(Predicate, bool)>,
}

impl TransformChain {
    /// Of the aliases in `transforms` and `predicates`, and all properties of the connector.
    ///
    /// # Errors
    /// Everything that is wrong, by the properties' full names.
    pub fn new(
        transforms: &[String],
        predicates: &[String],
        given: &Given,
    ) -> Result<Self, Vec<ConfigProblem>> {
        let mut problems = Vec::new();
        for (name, aliases) in [("transforms", transforms), ("predicates", predicates)] {
            let is_repeated = |at: usize| aliases[..at].contains(&aliases[at]);
            if (1..aliases.len()).any(is_repeated) {
                let shown = aliases.join(",");
                let reason = "Duplicate alias provided.";
                problems.push(ConfigProblem::invalid(name, &shown, reason));
            }
        }
        let mut known = BTreeMap::new();
        for alias in predicates {
            match predicate(alias, given) {
                Ok(predicate) => drop(known.insert(alias.as_str(), Some(predicate))),
                Err(found) => {
                    problems.extend(found);
                    known.insert(alias, None);
                }
            }
        }
        let mut steps: Vec<Step> = Vec::new();
        let mut warnings = Vec::new();
        for alias in transforms {
            let adds_op = steps.iter().any(|step| step.transform.adds_op());
            let transform = transform(alias, given, adds_op, &mut warnings)
                .map_err(|found| problems.extend(found));
            let condition = condition(alias, &known, given).map_err(|one| problems.push(one));
            if let (Ok(transform), Ok(condition)) = (transform, condition) {
                let class = given.get(&format!("transforms.{alias}.type"));
                steps.push(Step {
                    class: class.map_or_else(String::new, |class| class.trim().to_owned()),
                    transform,
                    condition,
                });
            }
        }
        if problems.is_empty() {
            Ok(Self {
                steps,
                failed: 0,
                warnings,
            })
        } else {
            Err(problems)
        }
    }

    /// What was understood otherwise than it was written, to be said once.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether a record may leave it with another topic.
    #[must_use]
    pub fn changes_topics(&self) -> bool {
        self.steps
            .iter()
            .any(|step| step.transform.changes_topics())
    }

    /// Whether it takes Debezium's events apart.
    #[must_use]
    pub fn unwraps_envelopes(&self) -> bool {
        self.steps
            .iter()
            .any(|step| step.transform.reads_envelopes())
    }

    /// Sends a record through; whether it is kept.
    ///
    /// # Errors
    /// What a transform cannot do with it.
    pub fn apply(&mut self, record: &mut Record<'_>) -> Result<bool, DataError> {
        for (at, step) in self.steps.iter_mut().enumerate() {
            let is_meant = step
                .condition
                .as_ref()
                .is_none_or(|(predicate, negate)| predicate.holds(record) != *negate);
            if is_meant {
                let is_kept = step.transform.apply(record);
                if !is_kept.inspect_err(|_| self.failed = at)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// The name of the class of the transform that failed last; nothing where none did.
    #[must_use]
    pub fn failed_class(&self) -> &str {
        self.steps.get(self.failed).map_or("", |step| &step.class)
    }
}

/// The properties that begin so, without their prefix.
fn settings(given: &Given, prefix: &str) -> Given {
    let settings = given.iter();
    settings
        .filter_map(|(name, value)| Some((name.strip_prefix(prefix)?.to_owned(), value.clone())))
        .collect()
}

/// The class that `<prefix>type` names.
fn type_of<'g>(given: &'g Given, property: &str, what: &str) -> Result<&'g str, ConfigProblem> {
    let name = given.get(property).map(|name| name.trim());
    name.ok_or_else(|| ConfigProblem::invalid(property, "null", &format!("Not a {what}")))
}

/// A transform; `adds_op` where StarRocks' own stands in front of it.
fn transform(
    alias: &str,
    given: &Given,
    adds_op: bool,
    warnings: &mut Vec<String>,
) -> Result<Transform, Vec<ConfigProblem>> {
    let prefix = format!("transforms.{alias}.");
    let property = format!("{prefix}type");
    let resolved = type_of(given, &property, "Transformation")
        .and_then(|name| class::resolve(&property, name));
    let class = resolved.map_err(|problem| vec![problem])?;
    let mut settings = settings(given, &prefix);
    for own in ["type", "predicate", "negate"] {
        settings.remove(own);
    }
    if given
        .get(&property)
        .is_some_and(|name| name.trim() == class::ADD_OP_IN_PROSE)
    {
        warnings.push(format!(
            "{property}: {} is taken for com.starrocks.connector.kafka.transforms.AddOpFieldForDebeziumRecord.",
            class::ADD_OP_IN_PROSE
        ));
    }
    if class == Class::ExtractNewRecordState && adds_op {
        rewrite_deletes(&prefix, &mut settings, warnings);
    }
    Transform::new(class, &settings)
        .map_err(|problems| problems.iter().map(|one| one.below(&prefix)).collect())
}

/// StarRocks' documentation ends its example with `delete.handling.mode` and no value, behind the transform that marks
/// deletes: only `rewrite` keeps what it has marked.
fn rewrite_deletes(prefix: &str, settings: &mut Given, warnings: &mut Vec<String>) {
    const MODE: &str = "delete.handling.mode";
    if let Some(mode) = settings.get_mut(MODE).filter(|mode| mode.trim().is_empty()) {
        "rewrite".clone_into(mode);
        warnings.push(format!(
            "{prefix}{MODE} has no value: it is taken for rewrite, without which deletes would be lost."
        ));
    }
}

fn predicate(alias: &str, given: &Given) -> Result<Predicate, Vec<ConfigProblem>> {
    let prefix = format!("predicates.{alias}.");
    let property = format!("{prefix}type");
    let name = type_of(given, &property, "Predicate").map_err(|problem| vec![problem])?;
    let mut settings = settings(given, &prefix);
    settings.remove("type");
    Predicate::new(&property, name, &prefix, &settings)
}

const NEGATE: ConfigKey = ConfigKey::new("negate", Kind::Boolean);

/// For which records a transform is.
fn condition(
    alias: &str,
    predicates: &BTreeMap<&str, Option<Predicate>>,
    given: &Given,
) -> Result<Option<(Predicate, bool)>, ConfigProblem> {
    let property = format!("transforms.{alias}.predicate");
    let negated = format!("transforms.{alias}.negate");
    if let Some(text) = given.get(&negated) {
        NEGATE.check(&negated, text)?;
    }
    match (given.get(&property), given.get(&negated)) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(ConfigProblem::about(
            &negated,
            format!(
                "Config '{negated}' was provided but there is no config '{property}' defining a predicate to be negated."
            ),
        )),
        (Some(name), negate) => match predicates.get(name.as_str()) {
            // As `Boolean.parseBoolean` has it, which takes blanks around for something else.
            Some(Some(predicate)) => Ok(Some((
                predicate.clone(),
                negate.is_some_and(|text| text.eq_ignore_ascii_case("true")),
            ))),
            // What is wrong with it was said.
            Some(None) => Ok(None),
            None => Err(ConfigProblem::invalid(
                &property,
                name,
                "no alias of predicates is written so",
            )),
        },
    }
}
