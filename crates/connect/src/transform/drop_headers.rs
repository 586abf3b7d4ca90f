//! `DropHeaders`: headers of some names are left out.

use crate::config::{ConfigDef, ConfigKey, ConfigProblem, Given, Kind};
use crate::data::Record;

pub(super) const DEF: ConfigDef = ConfigDef::new(
    &[&[ConfigKey::new("headers", Kind::List)
        .non_empty()
        .doc("The names of the headers.")]],
    &[],
);

#[derive(Clone, Debug)]
pub(super) struct DropHeaders {
    names: Vec<String>,
}

impl DropHeaders {
    pub(super) fn new(settings: &Given) -> Result<Self, Vec<ConfigProblem>> {
        let config = DEF.parse(settings)?;
        Ok(Self {
            names: config.list("headers").to_vec(),
        })
    }

    pub(super) fn apply(&self, record: &mut Record<'_>) {
        let names = &self.names;
        record
            .headers
            .retain(|(name, _)| !names.iter().any(|one| one == name));
    }
}
