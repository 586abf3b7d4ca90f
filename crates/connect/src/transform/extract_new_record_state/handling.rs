//! What becomes of deletes and tombstones, in Debezium's two spellings.

use crate::config::{Config, ConfigKey, ConfigValue, Kind, Validator};

const TOMBSTONES: &str = "drop.tombstones";
const DELETES: &str = "delete.handling.mode";
const BOTH: &str = "delete.tombstone.handling.mode";

pub(super) const KEYS: &[ConfigKey] = &[
    ConfigKey::new(TOMBSTONES, Kind::Boolean)
        .default("true")
        .doc("Whether records without a value are dropped."),
    ConfigKey::new(DELETES, Kind::String)
        .default("drop")
        .one_of_ignore_case(&["drop", "rewrite", "none"])
        .doc("What becomes of a delete: `drop`, `rewrite` (the old row, with `__deleted`), `none` (no value)."),
    ConfigKey::new(BOTH, Kind::String)
        .default("")
        .validator(Validator::Custom {
            allowed: "drop, tombstone, rewrite, rewrite-with-tombstone, delete-to-tombstone (any case)",
            check: check_both,
        })
        .doc("Takes the place of the two: `drop`, `tombstone`, `rewrite`, `rewrite-with-tombstone`, `delete-to-tombstone`."),
];

/// An empty one is none, as in Debezium up to 3.1.
fn check_both(value: &ConfigValue) -> Result<(), String> {
    const ALLOWED: &[&str] = &[
        "drop",
        "tombstone",
        "rewrite",
        "rewrite-with-tombstone",
        "delete-to-tombstone",
    ];
    match value {
        ConfigValue::String(text) if text.is_empty() => Ok(()),
        value => Validator::OneOfIgnoreCase(ALLOWED).check(value),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handling {
    pub(super) tombstones: Tombstone,
    pub(super) deletes: Delete,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tombstone {
    Drop,
    Keep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delete {
    Drop,
    /// No value, though a schema.
    Empty,
    /// Neither value nor schema.
    Tombstone,
    Rewrite,
}

impl Handling {
    /// Of a configuration with [`KEYS`].
    pub(super) fn read(config: &Config) -> Self {
        let text = |name| {
            let text = config.string(name).unwrap_or_default();
            text.to_ascii_lowercase()
        };
        let drop = Tombstone::Drop;
        let (tombstones, deletes) = match &*text(BOTH) {
            "drop" => (drop, Delete::Drop),
            "tombstone" => (drop, Delete::Empty),
            "rewrite" => (drop, Delete::Rewrite),
            "rewrite-with-tombstone" => (Tombstone::Keep, Delete::Rewrite),
            "delete-to-tombstone" => (drop, Delete::Tombstone),
            _ => {
                let drops = config.boolean(TOMBSTONES) == Some(true);
                let deletes = match &*text(DELETES) {
                    "rewrite" => Delete::Rewrite,
                    "none" => Delete::Empty,
                    _ => Delete::Drop,
                };
                (if drops { drop } else { Tombstone::Keep }, deletes)
            }
        };
        Self {
            tombstones,
            deletes,
        }
    }

    pub(super) fn rewrites(self) -> bool {
        self.deletes == Delete::Rewrite
    }
}

#[cfg(test)]
mod tests {
    use super::Tombstone::{Drop, Keep};
    use super::*;
    use crate::config::{ConfigDef, ConfigProblem, Given};

    const DEF: ConfigDef = ConfigDef::new(&[KEYS], &[]);

    #[test]
    fn both_spellings_say_what_becomes_of_deletes() {
        let check = |settings: &[(&str, &str)], expect: Result<(Tombstone, Delete), &str>| {
            let given = settings.iter();
            let given: Given = given
                .map(|&(name, text)| (name.to_owned(), text.to_owned()))
                .collect();
            let read = DEF.parse(&given).map(|config| Handling::read(&config));
            match (read, expect) {
                (Ok(found), Ok(expect)) => {
                    assert_eq!((found.tombstones, found.deletes), expect, "{settings:?}");
                }
                (Err(problems), Err(part)) => {
                    let problem: &ConfigProblem = &problems[0];
                    assert!(problem.message.contains(part), "{problem}");
                }
                (found, expect) => panic!("{settings:?}: {found:?}, not {expect:?}"),
            }
        };
        check(&[], Ok((Drop, Delete::Drop)));
        check(
            &[(TOMBSTONES, "false"), (DELETES, "none")],
            Ok((Keep, Delete::Empty)),
        );
        check(&[(DELETES, " REWRITE ")], Ok((Drop, Delete::Rewrite)));
        check(
            &[(BOTH, "Rewrite-With-Tombstone")],
            Ok((Keep, Delete::Rewrite)),
        );
        check(
            &[(BOTH, "delete-to-tombstone"), (DELETES, "none")],
            Ok((Drop, Delete::Tombstone)),
        );
        check(
            &[(BOTH, "tombstone"), (TOMBSTONES, "false")],
            Ok((Drop, Delete::Empty)),
        );
        check(&[(BOTH, "drop")], Ok((Drop, Delete::Drop)));
        check(&[(BOTH, " ")], Ok((Drop, Delete::Drop)));
        check(&[(DELETES, "")], Err("must be one of"));
        check(&[(DELETES, "none,drop")], Err("must be one of"));
        // What is not in force is checked, too.
        check(&[(BOTH, "drop"), (DELETES, "x")], Err("must be one of"));
        check(
            &[(BOTH, "x")],
            Err("must be one of (case insensitive): drop, tombstone,"),
        );
        check(&[(TOMBSTONES, "")], Err(TOMBSTONES));
    }
}
