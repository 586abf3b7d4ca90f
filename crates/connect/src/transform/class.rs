//! Which transform a name denotes.

use super::Side;
use crate::class_name::denotes;
use crate::config::ConfigProblem;

/// A class of transforms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    AddOpField,
    ByLogicalTableRouter,
    Cast(Side),
    DropHeaders,
    ExtractField(Side),
    ExtractNewRecordState,
    Filter,
    Flatten(Side),
    HeaderFrom(Side),
    HoistField(Side),
    InsertField(Side),
    InsertHeader,
    MaskField(Side),
    RegexRouter,
    ReplaceField(Side),
    SetSchemaMetadata(Side),
    TimeMillisToString,
    TimestampConverter(Side),
    TimestampRouter,
    ValueToKey,
}

const KAFKA: &str = "org.apache.kafka.connect.transforms.";
/// What Connect takes off the simple names of transforms.
const SUFFIX: &str = "Transformation";

/// Those of Kafka.
const CLASSES: &[(&str, Class)] = &[
    ("Cast$Key", Class::Cast(Side::Key)),
    ("Cast$Value", Class::Cast(Side::Value)),
    ("DropHeaders", Class::DropHeaders),
    ("ExtractField$Key", Class::ExtractField(Side::Key)),
    ("ExtractField$Value", Class::ExtractField(Side::Value)),
    ("Filter", Class::Filter),
    ("Flatten$Key", Class::Flatten(Side::Key)),
    ("Flatten$Value", Class::Flatten(Side::Value)),
    ("HeaderFrom$Key", Class::HeaderFrom(Side::Key)),
    ("HeaderFrom$Value", Class::HeaderFrom(Side::Value)),
    ("HoistField$Key", Class::HoistField(Side::Key)),
    ("HoistField$Value", Class::HoistField(Side::Value)),
    ("InsertField$Key", Class::InsertField(Side::Key)),
    ("InsertField$Value", Class::InsertField(Side::Value)),
    ("InsertHeader", Class::InsertHeader),
    ("MaskField$Key", Class::MaskField(Side::Key)),
    ("MaskField$Value", Class::MaskField(Side::Value)),
    ("RegexRouter", Class::RegexRouter),
    ("ReplaceField$Key", Class::ReplaceField(Side::Key)),
    ("ReplaceField$Value", Class::ReplaceField(Side::Value)),
    ("SetSchemaMetadata$Key", Class::SetSchemaMetadata(Side::Key)),
    (
        "SetSchemaMetadata$Value",
        Class::SetSchemaMetadata(Side::Value),
    ),
    (
        "TimestampConverter$Key",
        Class::TimestampConverter(Side::Key),
    ),
    (
        "TimestampConverter$Value",
        Class::TimestampConverter(Side::Value),
    ),
    ("TimestampRouter", Class::TimestampRouter),
    ("ValueToKey", Class::ValueToKey),
];

/// Those of others, by their full names.
const OF_OTHERS: &[(&str, Class)] = &[
    (
        "io.debezium.transforms.ByLogicalTableRouter",
        Class::ByLogicalTableRouter,
    ),
    // Its newer name.
    (
        "io.debezium.transforms.ToLogicalTopicRouter",
        Class::ByLogicalTableRouter,
    ),
    (
        "io.debezium.transforms.ExtractNewRecordState",
        Class::ExtractNewRecordState,
    ),
    (
        "com.starrocks.connector.kafka.transforms.AddOpFieldForDebeziumRecord",
        Class::AddOpField,
    ),
    (
        "com.starrocks.connector.kafka.transforms.TimeMillisToStringTransform",
        Class::TimeMillisToString,
    ),
];

/// What the prose of StarRocks' documentation calls the class; nobody's class has this name.
pub(super) const ADD_OP_IN_PROSE: &str =
    "com.Starrocks.Kafka.Transforms.AddOpFieldForDebeziumRecord";

/// The class that the property `property` names.
///
/// # Errors
/// Any other than those known, which are listed.
pub(super) fn resolve(property: &str, name: &str) -> Result<Class, ConfigProblem> {
    let known = CLASSES
        .iter()
        .find(|(class, _)| is_named(name, &format!("{KAFKA}{class}")));
    let of_others = OF_OTHERS.iter().find(|(class, _)| is_named(name, class));
    if let Some((_, class)) = known.or(of_others) {
        return Ok(*class);
    }
    if name == ADD_OP_IN_PROSE {
        return Ok(Class::AddOpField);
    }
    let variants: Vec<String> = all()
        .filter(|full| {
            full.rsplit_once('$')
                .is_some_and(|(class, _)| class == name)
        })
        .collect();
    if !variants.is_empty() {
        let variants = variants.join(", ");
        return Err(ConfigProblem::about(
            property,
            format!("{name} cannot be created ({property}). Did you mean {variants}?"),
        ));
    }
    if super::predicate::is_class(name) {
        let message = format!("{name} is a predicate, not a transform ({property})");
        return Err(ConfigProblem::about(property, message));
    }
    let all = all().collect::<Vec<_>>().join(", ");
    Err(ConfigProblem::invalid(
        property,
        name,
        &format!("Class {name} could not be found. Known transforms: {all}"),
    ))
}

/// The full names of all.
pub(super) fn all() -> impl Iterator<Item = String> {
    let ours = CLASSES.iter().map(|(class, _)| format!("{KAFKA}{class}"));
    let of_others = OF_OTHERS.iter().map(|(class, _)| *class);
    ours.chain(of_others.map(str::to_owned))
}

/// Classes within classes, of which there are many named `Key` and `Value`, have their full name only.
fn is_named(name: &str, full: &str) -> bool {
    name == full || !full.contains('$') && denotes(name, full, SUFFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_found_by_their_names() {
        let check = |name: &str, expect: Result<Class, &str>| {
            let found = resolve("transforms.x.type", name);
            match (found, expect) {
                (Ok(found), Ok(expect)) => assert_eq!(found, expect),
                (Err(problem), Err(part)) => {
                    assert!(problem.message.contains(part), "{problem}");
                    assert!(problem.message.contains("transforms.x.type"), "{problem}");
                }
                (found, expect) => panic!("{name}: {found:?}, not {expect:?}"),
            }
        };
        check(
            "org.apache.kafka.connect.transforms.Filter",
            Ok(Class::Filter),
        );
        check("Filter", Ok(Class::Filter));
        let hoist = "org.apache.kafka.connect.transforms.HoistField";
        check(&format!("{hoist}$Key"), Ok(Class::HoistField(Side::Key)));
        check(
            &format!("{hoist}$Value"),
            Ok(Class::HoistField(Side::Value)),
        );
        check(
            hoist,
            Err("Did you mean org.apache.kafka.connect.transforms.HoistField$Key"),
        );
        check("HoistField$Value", Err("could not be found"));
        check("Value", Err("could not be found"));
        check("RegexRouter", Ok(Class::RegexRouter));
        check(
            "Filtre",
            Err("Known transforms: org.apache.kafka.connect.transforms.Cast$Key"),
        );
        check("RecordIsTombstone", Err("is a predicate"));
    }
}
