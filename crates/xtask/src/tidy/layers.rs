//! Who may depend on whom: three floors, imports only downwards.

use super::Finding;
use crate::workspace::{Dependency, Package};

/// What the names of our packages begin with.
const PREFIX: &str = "starrocks-kafka-";

/// A crate's place in the house.
struct Place {
    name: &'static str,
    /// The siblings it may depend on.
    may: &'static [&'static str],
    /// Siblings for its tests, and behind a feature.
    may_optionally: &'static [&'static str],
    /// What it must not know of, whoever publishes it.
    knows_nothing_of: &'static [&'static str],
}

/// The house. A new crate is entered here, with an ADR where it opens a new floor.
const HOUSE: &[Place] = &[
    Place {
        name: "connect",
        may: &[],
        may_optionally: &[],
        knows_nothing_of: &["hyper", "http", "rdkafka", "reqwest", "rustls", "tokio"],
    },
    Place {
        name: "starrocks",
        may: &[],
        may_optionally: &["testbed"],
        knows_nothing_of: &["rdkafka", "rdkafka-sys"],
    },
    Place {
        name: "pipeline",
        may: &["connect", "starrocks"],
        may_optionally: &["testbed"],
        knows_nothing_of: &["axum", "jni", "rdkafka", "rdkafka-sys"],
    },
    Place {
        name: "worker",
        may: &["connect", "starrocks", "pipeline"],
        may_optionally: &["testbed"],
        knows_nothing_of: &["jni"],
    },
    Place {
        name: "testbed",
        may: &["connect"],
        may_optionally: &[],
        knows_nothing_of: &[],
    },
    Place {
        name: "bench",
        may: &["connect", "starrocks", "pipeline", "worker", "testbed"],
        may_optionally: &[],
        knows_nothing_of: &[],
    },
    Place {
        name: "xtask",
        may: &[],
        may_optionally: &[],
        knows_nothing_of: &[],
    },
];

/// Every dependency that the house does not allow, and every crate that has no place in it.
pub(super) fn check(packages: &[Package]) -> Vec<Finding> {
    packages.iter().flat_map(check_package).collect()
}

fn check_package(package: &Package) -> Vec<Finding> {
    let finding = |message| Finding {
        place: package.name.clone(),
        message,
    };
    let name = package.name.strip_prefix(PREFIX);
    let Some(place) = HOUSE.iter().find(|place| Some(place.name) == name) else {
        let message = "has no place in the house: enter it in crates/xtask/src/tidy/layers.rs";
        return vec![finding(message.to_owned())];
    };
    package
        .dependencies
        .iter()
        .filter_map(|dependency| place.objection(dependency))
        .map(finding)
        .collect()
}

impl Place {
    fn objection(&self, dependency: &Dependency) -> Option<String> {
        let name = dependency.name.as_str();
        let Some(sibling) = name.strip_prefix(PREFIX) else {
            return self
                .knows_nothing_of
                .contains(&name)
                .then(|| format!("knows nothing of `{name}`, but depends on it"));
        };
        let aside = dependency.optional || dependency.kind.as_deref() == Some("dev");
        let allowed =
            self.may.contains(&sibling) || (aside && self.may_optionally.contains(&sibling));
        (!allowed).then(|| {
            format!("must not depend on `{name}`: imports go only downwards (ARCHITECTURE.md)")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_one(name: &str, kind: Option<&str>, optional: bool, on: &str, expect: usize) {
        let dependency = Dependency {
            name: on.to_owned(),
            kind: kind.map(str::to_owned),
            optional,
        };
        let package = Package {
            name: name.to_owned(),
            dependencies: vec![dependency],
        };
        let found = check(&[package]);
        assert_eq!(found.len(), expect, "{name} → {on}: {found:?}");
    }

    #[test]
    fn imports_go_downwards_only() {
        check_one(
            "starrocks-kafka-worker",
            None,
            false,
            "starrocks-kafka-pipeline",
            0,
        );
        check_one(
            "starrocks-kafka-pipeline",
            None,
            false,
            "starrocks-kafka-worker",
            1,
        );
        check_one(
            "starrocks-kafka-connect",
            None,
            false,
            "starrocks-kafka-starrocks",
            1,
        );
        check_one(
            "starrocks-kafka-starrocks",
            Some("dev"),
            false,
            "starrocks-kafka-connect",
            1,
        );
        check_one(
            "starrocks-kafka-xtask",
            None,
            false,
            "starrocks-kafka-connect",
            1,
        );
        check_one(
            "starrocks-kafka-testbed",
            None,
            false,
            "starrocks-kafka-connect",
            0,
        );
        check_one(
            "starrocks-kafka-testbed",
            Some("dev"),
            false,
            "starrocks-kafka-starrocks",
            1,
        );
    }

    #[test]
    fn the_testbed_enters_the_product_only_behind_a_feature_or_in_tests() {
        check_one(
            "starrocks-kafka-worker",
            None,
            false,
            "starrocks-kafka-testbed",
            1,
        );
        check_one(
            "starrocks-kafka-worker",
            None,
            true,
            "starrocks-kafka-testbed",
            0,
        );
        check_one(
            "starrocks-kafka-worker",
            Some("dev"),
            false,
            "starrocks-kafka-testbed",
            0,
        );
        check_one(
            "starrocks-kafka-connect",
            Some("dev"),
            false,
            "starrocks-kafka-testbed",
            1,
        );
    }

    #[test]
    fn pure_crates_know_no_sockets_and_no_client() {
        check_one("starrocks-kafka-connect", None, false, "tokio", 1);
        check_one("starrocks-kafka-pipeline", None, false, "tokio", 0);
        check_one("starrocks-kafka-pipeline", None, false, "rdkafka", 1);
        check_one("starrocks-kafka-worker", None, false, "rdkafka", 0);
    }

    #[test]
    fn a_crate_without_a_place_is_found() {
        check_one("starrocks-kafka-shed", None, false, "serde", 1);
        check_one("shed", None, false, "serde", 1);
    }
}
