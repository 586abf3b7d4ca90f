//! The golden vectors: what the Java classes that we take the place of do, recorded, against what we do.
//!
//! Every file of `tests/vectors` is either driven here or listed in [`PENDING_FILES`] with the reason,
//! and every case of a driven file goes through a preview and is compared, or listed in [`differences`]. What is listed without
//! need fails.

mod case;
mod compare;
mod differences;

use case::{Case, Expect};
use compare::{Outcome, difference, same_text};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use differences::{DIFFERENCES, Difference, Ours};

/// Files that are driven, family by family.
const FILES: &[&str] = &[
    "avro/complex.jsonl",
    "avro/connect-props.jsonl",
    "avro/errors.jsonl",
    "avro/logical.jsonl",
    "avro/options.jsonl",
    "avro/primitives.jsonl",
    "avro/registry.jsonl",
    "avro/unions.jsonl",
    "converters/header-other.jsonl",
    "converters/header-simple.jsonl",
    "converters/json-envelope.jsonl",
    "converters/json-logical.jsonl",
    "converters/json-options.jsonl",
    "converters/json-schemaless.jsonl",
    "converters/json-types.jsonl",
    "converters/primitives.jsonl",
    "converters/string.jsonl",
    "converters/timestamps.jsonl",
    "debezium/router-1.8.jsonl",
    "debezium/router-2.7.jsonl",
    "debezium/router-3.7.jsonl",
    "debezium/types.jsonl",
    "debezium/unwrap-1.8.jsonl",
    "debezium/unwrap-2.7.jsonl",
    "debezium/unwrap-3.7.jsonl",
    "json-schema/combined.jsonl",
    "json-schema/drafts.jsonl",
    "json-schema/logical.jsonl",
    "json-schema/registry.jsonl",
    "json-schema/types.jsonl",
    "predicates/predicates.jsonl",
    "protobuf/options.jsonl",
    "protobuf/registry.jsonl",
    "protobuf/scalars.jsonl",
    "protobuf/structure.jsonl",
    "protobuf/wellknown.jsonl",
    "routing/topic2table.jsonl",
    "starrocks/add-op.jsonl",
    "starrocks/chain-1.8.jsonl",
    "starrocks/chain-2.7.jsonl",
    "starrocks/chain-3.7.jsonl",
    "starrocks/config.jsonl",
    "starrocks/rows-csv.jsonl",
    "starrocks/rows-json.jsonl",
    "starrocks/time-millis.jsonl",
    "transforms/cast.jsonl",
    "transforms/chains.jsonl",
    "transforms/config.jsonl",
    "transforms/drop-headers.jsonl",
    "transforms/extract-field.jsonl",
    "transforms/filter.jsonl",
    "transforms/flatten.jsonl",
    "transforms/header-from.jsonl",
    "transforms/hoist-field.jsonl",
    "transforms/insert-field.jsonl",
    "transforms/insert-header.jsonl",
    "transforms/mask-field.jsonl",
    "transforms/regex-router.jsonl",
    "transforms/replace-field.jsonl",
    "transforms/set-schema-metadata.jsonl",
    "transforms/timestamp-converter.jsonl",
    "transforms/timestamp-router.jsonl",
    "transforms/value-to-key.jsonl",
];

/// Files and folders that wait, each for what it needs.
const PENDING_FILES: &[(&str, &str)] = &[
    ("rest/distributed", "distributed mode"),
    ("rest/standalone.jsonl", "the REST interface"),
];

/// Files that other tests of the worker drive.
const ELSEWHERE: &[&str] = &["rest/cli.jsonl"];

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
    for file in FILES.iter().chain(ELSEWHERE) {
        assert!(found.contains(*file), "{file} is missing");
    }
    for name in &found {
        let waits = PENDING_FILES
            .iter()
            .filter(|(file, _)| name.starts_with(file))
            .count();
        let is_driven = [FILES, ELSEWHERE].concat().contains(&name.as_str());
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

/// All that we do otherwise than Java, in words; empty where nothing.
fn complaints(case: &Case) -> Vec<(Option<usize>, String)> {
    match (case.expect(), case.run()) {
        (Expect::ConfigError, Err(_)) => Vec::new(),
        (Expect::ConfigError, Ok(ours)) => {
            vec![(
                None,
                format!("the configuration is refused, but we gave {ours:?}"),
            )]
        }
        (Expect::Outcomes(_), Err(problems)) => {
            vec![(None, format!("we refuse the configuration: {problems}"))]
        }
        (Expect::Outcomes(expect), Ok(ours)) => {
            assert_eq!(expect.len(), ours.len(), "{}", case.id);
            let pairs = expect.iter().zip(&ours).enumerate();
            pairs
                .filter_map(|(at, (expect, ours))| {
                    Some((Some(at), difference(expect.get(), ours, case.has_csv())?))
                })
                .collect()
        }
    }
}

/// Compares every case of the files whose names begin so, `least` of them or more.
fn check_family(prefix: &str, least: usize) {
    let mut failures = Vec::new();
    let mut compared = 0;
    for file in FILES.iter().filter(|file| file.starts_with(prefix)) {
        let cases = case::read(&folder().join(file));
        for case in &cases {
            compared += 1;
            for (at, complaint) in complaints(case) {
                let is_listed = DIFFERENCES.iter().any(|known| {
                    known.id == case.id && (known.record == at || known.record.is_none())
                });
                if !is_listed {
                    failures.push(format!("{} {at:?} ({})\n {complaint}", case.id, case.why));
                }
            }
        }
    }
    assert!(compared >= least, "only {compared} cases were compared");
    assert!(
        failures.is_empty(),
        "{} differ:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn avro_becomes_what_java_makes_of_it() {
    check_family("avro/", 150);
}

#[test]
fn json_with_schemas_becomes_what_java_makes_of_it() {
    check_family("json-schema/", 100);
}

#[test]
fn protobuf_becomes_what_java_makes_of_it() {
    check_family("protobuf/", 90);
}

#[test]
fn converters_do_what_java_does() {
    check_family("converters/", 100);
}

#[test]
fn routing_does_what_java_does() {
    check_family("routing/", 30);
}

#[test]
fn rows_are_those_that_java_sends() {
    check_family("starrocks/rows-", 25);
}

#[test]
fn a_configuration_means_what_it_means_to_java() {
    check_family("starrocks/config", 40);
}

#[test]
fn predicates_hold_where_they_do_in_java() {
    check_family("predicates/", 20);
}

#[test]
fn transforms_do_what_java_does() {
    check_family("transforms/", 120);
}

#[test]
fn debeziums_transforms_do_what_java_does() {
    check_family("debezium/", 150);
}

#[test]
fn starrocks_transforms_do_what_java_does() {
    check_family("starrocks/add-op", 15);
    check_family("starrocks/chain-", 30);
    check_family("starrocks/time-millis", 15);
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
        match (&known.ours, case.run()) {
            // Cases of the version that counts hold it to what it does.
            (Ours::OtherVersion, _) | (Ours::Refused, Err(_)) => {}
            (Ours::Accepted, Ok(_)) => assert!(matches!(case.expect(), Expect::ConfigError)),
            (Ours::Error(stage), Ok(outcomes)) => {
                let at = known.record.expect("an outcome has a number");
                let error = Outcome::parse(&outcomes[at]).error.expect(known.id);
                assert_eq!(error.stage, *stage, "{}", known.id);
            }
            (Ours::Row(row), Ok(outcomes)) => check_row(known, &outcomes, row),
            (Ours::ValueAsItStands, Ok(outcomes)) => {
                let at = known.record.expect("an outcome has a number");
                check_row(known, &outcomes, &value_text(case, at));
            }
            (ours, found) => panic!("{}: {ours:?}, but we gave {found:?}", known.id),
        }
    }
}

/// The value of a record, which is text.
fn value_text(case: &Case, at: usize) -> String {
    let record: serde_json::Value = serde_json::from_str(case.records[at].get()).expect("a record");
    let value = STANDARD.decode(record["value"].as_str().expect("the value is not null"));
    String::from_utf8(value.expect("Base64")).expect("the value is UTF-8")
}

fn check_row(known: &Difference, outcomes: &[String], row: &str) {
    let at = known.record.expect("an outcome has a number");
    let found = Outcome::parse(&outcomes[at]).row.expect(known.id);
    assert!(same_text(row, &found, false), "{}: {found}", known.id);
}

/// How the ids of cases begin.
const FAMILIES: &[&str] = &[
    "avro-",
    "converters-",
    "debezium-",
    "json-schema-",
    "protobuf-",
    "routing-",
    "starrocks-",
];

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
            let family = FAMILIES.iter().any(|family| name.starts_with(family));
            let number = name.rsplit('-').next().unwrap_or_default();
            family && number.bytes().all(|byte| byte.is_ascii_digit())
        })
        .collect();
    let listed: BTreeSet<&str> = DIFFERENCES.iter().map(|known| known.id).collect();
    assert_eq!(documented, listed);
}
