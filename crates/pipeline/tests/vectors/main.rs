//! The golden vectors: what the Java classes that we take the place of do, recorded, against what we do.
//!
//! Every file of `tests/vectors` is either driven here or listed in [`PENDING_FILES`] with the reason,
//! and every case of a driven file is compared, listed in [`differences`], or pending by one of
//! [`PENDING_CASES`]. What is listed without need fails.

mod case;
mod compare;
mod connect_json;
mod differences;

use case::{Case, Expect, Outcome, run};
use compare::same_text;
use differences::{DIFFERENCES, Difference, Ours};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Files that are driven.
const FILES: &[&str] = &[
    "converters/json-envelope.jsonl",
    "converters/json-logical.jsonl",
    "converters/json-options.jsonl",
    "converters/json-schemaless.jsonl",
    "converters/json-types.jsonl",
    "converters/primitives.jsonl",
    "converters/string.jsonl",
    "converters/timestamps.jsonl",
    "routing/topic2table.jsonl",
    "starrocks/rows-json.jsonl",
];

/// Files and folders that wait, each for what it needs.
const PENDING_FILES: &[(&str, &str)] = &[
    ("avro/", "the Avro converter"),
    ("converters/header-other.jsonl", "header converters"),
    ("converters/header-simple.jsonl", "header converters"),
    ("debezium/", "Debezium's transforms"),
    ("json-schema/", "the JSON Schema converter"),
    ("predicates/", "predicates"),
    ("protobuf/", "the Protobuf converter"),
    ("rest/", "the REST interface"),
    ("starrocks/add-op.jsonl", "StarRocks' transforms"),
    ("starrocks/chain-", "Debezium's and StarRocks' transforms"),
    (
        "starrocks/config.jsonl",
        "a whole connector's configuration, which the worker reads",
    ),
    ("starrocks/rows-csv.jsonl", "rows in CSV"),
    ("starrocks/time-millis.jsonl", "StarRocks' transforms"),
    ("transforms/", "transforms"),
];

/// Cases of driven files that wait: a property and, where it matters, its value.
const PENDING_CASES: &[(&str, Option<&str>, &str)] = &[
    ("transforms", None, "transforms"),
    ("sink.properties.format", Some("csv"), "rows in CSV"),
];

fn is_pending(case: &Case, pending: &(&str, Option<&str>, &str)) -> bool {
    case.config
        .get(pending.0)
        .is_some_and(|given| pending.1.is_none_or(|value| given == value))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors")
}

fn cases() -> Vec<Case> {
    FILES
        .iter()
        .flat_map(|file| case::read(&folder().join(file)))
        .collect()
}

/// All `.jsonl` files, by their names below the folder.
fn files_in(folder: &Path, below: &str, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("the folder of vectors") {
        let entry = entry.expect("an entry of the folder");
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            files_in(&entry.path(), &format!("{name}/"), found);
        } else if name.ends_with(".jsonl") {
            found.insert(name);
        }
    }
}

#[test]
fn every_file_is_driven_or_waits_for_a_reason() {
    let mut found = BTreeSet::new();
    files_in(&folder(), "", &mut found);
    assert!(!found.is_empty());
    for file in FILES {
        assert!(found.contains(*file), "{file} is missing");
    }
    for name in &found {
        let waits = PENDING_FILES
            .iter()
            .filter(|(file, _)| name.starts_with(file))
            .count();
        let is_driven = FILES.contains(&name.as_str());
        assert_eq!(
            waits + usize::from(is_driven),
            1,
            "{name} stands in no list, or in two"
        );
    }
    for (file, reason) in PENDING_FILES {
        let is_used = found.iter().any(|name| name.starts_with(file));
        assert!(is_used && !reason.is_empty(), "{file} waits without need");
    }
}

#[test]
fn every_reason_to_wait_is_needed() {
    let cases = cases();
    for pending in PENDING_CASES {
        assert!(
            cases.iter().any(|case| is_pending(case, pending)),
            "{}",
            pending.2
        );
    }
}

/// All that we do otherwise than Java, in words; empty where nothing.
fn complaints(case: &Case) -> Vec<(Option<usize>, String)> {
    let ours = run(case);
    match (&case.expect, ours) {
        (Expect::ConfigError, Err(_)) => Vec::new(),
        (Expect::ConfigError, Ok(ours)) => {
            vec![(
                None,
                format!("the configuration is refused, but we gave {ours:?}"),
            )]
        }
        (Expect::Outcomes(_), Err(problems)) => {
            vec![(None, format!("we refuse the configuration: {problems:?}"))]
        }
        (Expect::Outcomes(expect), Ok(ours)) => {
            assert_eq!(expect.len(), ours.len(), "{}", case.id);
            expect
                .iter()
                .zip(&ours)
                .enumerate()
                .filter_map(|(at, (expect, ours))| Some((Some(at), compare(expect, ours)?)))
                .collect()
        }
    }
}

fn compare(expect: &Outcome, ours: &Outcome) -> Option<String> {
    let is_same = match (expect, ours) {
        (
            Outcome::Row { table, row, record },
            Outcome::Row {
                table: our_table,
                row: our_row,
                record: our_record,
            },
        ) => {
            let has_decimals = record
                .as_ref()
                .is_some_and(|[_, value]| value.contains("Decimal"));
            table == our_table
                && same_optional(row.as_deref(), our_row.as_deref(), has_decimals)
                && match (record, our_record) {
                    (Some(record), Some(ours)) => record
                        .iter()
                        .zip(ours)
                        .all(|(a, b)| same_text(a, b, has_decimals)),
                    (None, _) => true,
                    (Some(_), None) => false,
                }
        }
        (Outcome::Error { .. }, Outcome::Error { .. }) => expect == ours,
        _ => false,
    };
    (!is_same).then(|| format!("Java: {expect:?}\n   we: {ours:?}"))
}

fn same_optional(a: Option<&str>, b: Option<&str>, has_decimals: bool) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same_text(a, b, has_decimals),
        (a, b) => a == b,
    }
}

#[test]
fn we_do_what_java_does() {
    let mut failures = Vec::new();
    let mut compared = 0;
    for case in cases() {
        if PENDING_CASES
            .iter()
            .any(|pending| is_pending(&case, pending))
        {
            continue;
        }
        compared += 1;
        for (at, complaint) in complaints(&case) {
            let is_listed = DIFFERENCES
                .iter()
                .any(|known| known.id == case.id && (known.record == at || known.record.is_none()));
            if !is_listed {
                failures.push(format!("{} {at:?} ({})\n {complaint}", case.id, case.why));
            }
        }
    }
    assert!(compared > 100, "only {compared} cases were compared");
    assert!(
        failures.is_empty(),
        "{} differ:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn every_deliberate_difference_is_one() {
    let cases = cases();
    for known in DIFFERENCES {
        let case = cases
            .iter()
            .find(|case| case.id == known.id)
            .expect(known.id);
        let differs = complaints(case);
        assert!(
            differs.iter().any(|(at, _)| known.record == *at),
            "{} {:?} differs no more",
            known.id,
            known.record
        );
        assert!(!known.reason.is_empty());
        match (&known.ours, run(case)) {
            (Ours::Refused, Err(_)) => {}
            (Ours::Accepted, Ok(_)) => assert!(matches!(case.expect, Expect::ConfigError)),
            (Ours::Error(stage), Ok(outcomes)) => {
                let at = known.record.expect("an outcome has a number");
                assert!(
                    matches!(&outcomes[at], Outcome::Error { stage: s, .. } if s == stage),
                    "{}",
                    known.id
                );
            }
            (Ours::Row(row), Ok(outcomes)) => check_row(known, &outcomes, row),
            (Ours::ValueAsItStands, Ok(outcomes)) => {
                let at = known.record.expect("an outcome has a number");
                check_row(known, &outcomes, &case.records[at].value_text());
            }
            (ours, found) => panic!("{}: {ours:?}, but we gave {found:?}", known.id),
        }
    }
}

fn check_row(known: &Difference, outcomes: &[Outcome], row: &str) {
    let at = known.record.expect("an outcome has a number");
    let Outcome::Row {
        row: Some(found), ..
    } = &outcomes[at]
    else {
        panic!("{} is no row", known.id);
    };
    assert!(same_text(row, found, false), "{}: {found}", known.id);
}

#[test]
fn every_deliberate_difference_is_documented() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/differences.md");
    let page = std::fs::read_to_string(page).expect("the page of differences");
    // Names between backquotes that look like a case's id.
    let documented: BTreeSet<&str> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| {
            name.rsplit('-')
                .next()
                .is_some_and(|number| number.len() == 3)
        })
        .filter(|name| {
            name.contains('-') && !name.contains(char::is_whitespace) && !name.contains('.')
        })
        .collect();
    let listed: BTreeSet<&str> = DIFFERENCES.iter().map(|known| known.id).collect();
    assert_eq!(documented, listed);
}
