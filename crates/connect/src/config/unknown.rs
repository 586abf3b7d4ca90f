//! Properties that no table knows, and what was probably meant.

use super::{ConfigDef, Given};
use std::fmt;

/// A property that the definition does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownProperty {
    /// The name given.
    pub name: String,
    /// The nearest known name, where one is near enough to be worth saying.
    pub nearest: Option<String>,
    /// Whether it is a plain typo of `nearest`: at most two letters differ.
    pub is_typo: bool,
}

impl fmt::Display for UnknownProperty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unknown configuration {}", self.name)?;
        match &self.nearest {
            Some(nearest) => write!(f, "; did you mean {nearest}?"),
            None => Ok(()),
        }
    }
}

/// As many letters may differ in a typo.
const TYPO_DISTANCE_MAX: usize = 2;

pub(super) fn unknown(def: &ConfigDef, given: &Given) -> Vec<UnknownProperty> {
    let is_known = |name: &str| {
        def.keys()
            .any(|key| key.name == name || key.aliases.contains(&name))
            || def.prefixes().iter().any(|prefix| name.starts_with(prefix))
    };
    given
        .keys()
        .filter(|name| !is_known(name))
        .map(|name| describe(def, name))
        .collect()
}

fn describe(def: &ConfigDef, name: &str) -> UnknownProperty {
    let keys = def.keys().map(|key| key.name.to_owned());
    let under = def
        .prefixes()
        .iter()
        .filter_map(|prefix| with_prefix(prefix, name));
    let nearest = keys
        .chain(under)
        .map(|known| (strsim::osa_distance(&known, name), known))
        .min_by_key(|(distance, _)| *distance)
        // Farther away than a third of its letters, a name was not meant.
        .filter(|(distance, _)| distance * 3 <= name.chars().count());
    let is_typo = nearest
        .as_ref()
        .is_some_and(|(distance, _)| *distance <= TYPO_DISTANCE_MAX);
    UnknownProperty {
        name: name.to_owned(),
        nearest: nearest.map(|(_, known)| known),
        is_typo,
    }
}

/// `name` with its first parts replaced by `prefix`, which ends with a dot; `None` where it has too few
/// parts.
fn with_prefix(prefix: &str, name: &str) -> Option<String> {
    let parts = prefix.matches('.').count();
    let (end, _) = name.match_indices('.').nth(parts.checked_sub(1)?)?;
    Some(format!("{prefix}{}", &name[end + 1..]))
}
